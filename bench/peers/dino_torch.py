"""DINo's decoder, auto-decoding and dynamics in PyTorch, written from the formulas of the paper.

Decoder (Yin et al. 2023, eq. 8; one scalar network for all channels, each channel its own code):

    h_0 = s_0(x) * (A_0 z + b_0)
    h_l = s_l(x) * (W_l h_{l-1} + A_l z + b_l)        s_l(x) = [sin, cos](Omega_l x)
    u   = head . h_L + bias

Shapes: F frames, K channels, P points, d coordinates, w width, C codes a channel, B samples.
"""

import torch
import torch.nn.functional as F


def tensors(tree, device="cpu", requires_grad=False):
    """The same tree of arrays as tensors."""
    if isinstance(tree, dict):
        return {k: tensors(v, device, requires_grad) for k, v in tree.items()}
    if isinstance(tree, list):
        return [tensors(v, device, requires_grad) for v in tree]
    return torch.tensor(tree, device=device, requires_grad=requires_grad)


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [t for branch in tree for t in leaves(branch)] if isinstance(tree, list) else [tree]


# ---------------------------------------------------------------- decoder


def sines(p, layer, x):
    """s_l at x (..., d) -> (..., w)"""
    angle = F.linear(x, p["omega"][layer])
    return torch.cat([torch.sin(angle), torch.cos(angle)], -1)


def grid_sines(p, x):
    """All s_l at points shared by every frame: x (P, d) -> layers + 1 times (P, w)"""
    return [sines(p, layer, x) for layer in range(len(p["omega"]))]


def shift(p, layer, z):
    """A_l z + b_l, z (F, K, C) -> (F, K, 1, w), once a frame and broadcast over its points"""
    return F.linear(z, p["a"][layer], p["b"][layer]).unsqueeze(2)


def decode(p, x, z):
    """As DINo does, sines again for every frame: x (F, P, d), z (F, K, C) -> u (F, K, P)"""
    h = sines(p, 0, x).unsqueeze(1) * shift(p, 0, z)
    for layer, w in enumerate(p["w"], 1):
        h = sines(p, layer, x).unsqueeze(1) * (F.linear(h, w) + shift(p, layer, z))
    return torch.matmul(h, p["head"]) + p["bias"]


def decode_shared(p, s, z):
    """From sines already known: s of grid_sines, z (F, K, C) -> u (F, K, P)"""
    h = s[0] * shift(p, 0, z)
    for layer, w in enumerate(p["w"], 1):
        h = s[layer] * (F.linear(h, w) + shift(p, layer, z))
    return torch.matmul(h, p["head"]) + p["bias"]


def decode_shared_inplace(p, s, z):
    """decode_shared without temporaries, for inference in eager mode"""
    h = s[0] * shift(p, 0, z)
    for layer, w in enumerate(p["w"], 1):
        h = F.linear(h, w).add_(shift(p, layer, z)).mul_(s[layer])
    return torch.matmul(h, p["head"]).add_(p["bias"])


def basis_from_decodings(p, x):
    """phi0 and Phi as C + 1 decodings, x (P, d) -> (P), (P, C): the decoder's own way"""
    codes = p["a"][0].shape[1]
    z = torch.cat([torch.zeros(1, codes, device=x.device), torch.eye(codes, device=x.device)])
    u = decode(p, x.expand(codes + 1, -1, -1), z.unsqueeze(1))[:, 0]
    return u[0], (u[1:] - u[0]).T


def basis_reverse(p, x):
    """phi0 and Phi by one reverse sweep over the layers, g = du/d(W h + A z + b):

    g_L = s_L * head,   g_{l-1} = s_{l-1} * (g_l W_l),   Phi = sum_l g_l A_l
    """
    s = grid_sines(p, x)
    phi0 = decode_shared(
        p, s, torch.zeros(1, 1, p["a"][0].shape[1], device=x.device, dtype=x.dtype)
    )[0, 0]
    g = s[-1] * p["head"]
    phi = torch.mm(g, p["a"][-1])
    for layer in range(len(p["w"]) - 1, -1, -1):
        g = s[layer] * torch.mm(g, p["w"][layer])
        phi = torch.addmm(phi, g, p["a"][layer])
    return phi0, phi


# ---------------------------------------------------------------- auto-decoding


def loss_official(p, x, z, y):
    """Mean squared error; x (F, P, d), z (F, K, C), y (F, K, P)"""
    return F.mse_loss(decode(p, x, z), y)


def loss_grid(p, x, z, y):
    """The same on points shared by all frames, x (P, d): sines once a step, as Omega is trained"""
    return F.mse_loss(decode_shared(p, grid_sines(p, x), z), y)


def loss_frozen(p, s, z, y):
    """Sum over frames of their mean squared errors, and these, with sines known: for encoding"""
    each = (decode_shared(p, s, z) - y).square().mean((1, 2))
    return each.sum(), each


def loss_frozen_official(p, x, z, y):
    each = (decode(p, x, z) - y).square().mean((1, 2))
    return each.sum(), each


def encode(loss, p, x, y, channels, codes, steps, fused=False):
    """DINo's encoding: Adam at rate 1e-2 on the codes from zero, each frame's best iterate kept.

    loss(p, x, z, y) -> (sum, (F)); y (F, K, P) -> codes (F, K, C), errors (F)
    """
    z = torch.zeros(y.shape[0], channels, codes, device=y.device, requires_grad=True)
    optimizer = torch.optim.Adam([z], lr=1e-2, **({"fused": True} if fused else {}))
    best = torch.zeros_like(z)
    lowest = torch.full((y.shape[0],), float("inf"), device=y.device)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        total, each = loss(p, x, z, y)
        total.backward()
        with torch.no_grad():
            better = each < lowest
            best = torch.where(better[:, None, None], z, best)
            lowest = torch.where(better, each, lowest)
        optimizer.step()
    return best.detach(), lowest


# ---------------------------------------------------------------- dynamics


def bilinear(p, z):
    """c + A z + U((V z + a) * (W z + d)), z (B, n)"""
    product = F.linear(z, p["V"], p["a"]) * F.linear(z, p["W"], p["d"])
    return F.linear(z, p["A"], p["c"]) + F.linear(product, p["U"])


def bilinear_fused(p, z):
    """The same with V and W as one product and the sum inside the last"""
    pq = F.linear(z, torch.cat([p["V"], p["W"]]), torch.cat([p["a"], p["d"]]))
    left, right = pq.chunk(2, -1)
    return torch.addmm(F.linear(z, p["A"], p["c"]), left * right, p["U"].T)


def bilinear_joined(p, z):
    """The same with [V; W] and [a; d] joined beforehand, for weights that stay as they are"""
    left, right = F.linear(z, p["VW"], p["ad"]).chunk(2, -1)
    return torch.addmm(F.linear(z, p["A"], p["c"]), left * right, p["U"].T)


def joined(p):
    return {"VW": torch.cat([p["V"], p["W"]]), "ad": torch.cat([p["a"], p["d"]]), **p}


def mlp(p, z):
    """DINo's field"""
    h = z
    for w, b, beta in zip(p["w"], p["b"], p["beta"]):
        h = F.linear(h, w, b)
        h = h * torch.sigmoid(h * F.softplus(beta)) / 1.1
    return F.linear(h, p["w"][-1], p["b"][-1])


def rk4_step(field, p, z, dt):
    """The classical Runge-Kutta step (Kutta 1901)"""
    k1 = field(p, z)
    k2 = field(p, z + 0.5 * dt * k1)
    k3 = field(p, z + 0.5 * dt * k2)
    k4 = field(p, z + dt * k3)
    return z + dt / 6 * (k1 + 2 * (k2 + k3) + k4)


def rollout(field, p, z, intervals, substeps=1):
    """States at the frames after the first: z (B, n) -> (intervals, B, n), intervals of length 1"""
    states = []
    for _ in range(intervals):
        for _ in range(substeps):
            z = rk4_step(field, p, z, 1.0 / substeps)
        states.append(z)
    return torch.stack(states)


def rollout_loss(field, p, z, substeps=1):
    """Mean squared error in code space along windows z (intervals + 1, B, n)"""
    return F.mse_loss(rollout(field, p, z[0], z.shape[0] - 1, substeps), z[1:])
