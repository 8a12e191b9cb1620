"""DINo's decoder, auto-decoding and dynamics in JAX; formulas and shapes as in dino_torch.py."""

import jax
import jax.numpy as jnp


def arrays(tree):
    return jax.tree.map(jnp.asarray, tree)


# ---------------------------------------------------------------- decoder


def sines(p, layer, x):
    angle = x @ p["omega"][layer].T
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1)


def grid_sines(p, x):
    return [sines(p, layer, x) for layer in range(len(p["omega"]))]


def shift(p, layer, z):
    return (z @ p["a"][layer].T + p["b"][layer])[:, :, None, :]


def decode(p, x, z):
    """As DINo does, sines again for every frame: x (F, P, d), z (F, K, C) -> u (F, K, P)"""
    h = sines(p, 0, x)[:, None] * shift(p, 0, z)
    for layer, w in enumerate(p["w"], 1):
        h = sines(p, layer, x)[:, None] * (h @ w.T + shift(p, layer, z))
    return h @ p["head"] + p["bias"]


def decode_shared(p, s, z):
    """From sines already known: s of grid_sines, z (F, K, C) -> u (F, K, P)"""
    h = s[0] * shift(p, 0, z)
    for layer, w in enumerate(p["w"], 1):
        h = s[layer] * (h @ w.T + shift(p, layer, z))
    return h @ p["head"] + p["bias"]


def basis_from_decodings(p, x):
    """phi0 and Phi as C + 1 decodings, x (C + 1, P, d) -> (P), (P, C)"""
    codes = p["a"][0].shape[1]
    z = jnp.concatenate([jnp.zeros((1, codes)), jnp.eye(codes)])
    u = decode(p, x, z[:, None])[:, 0]
    return u[0], (u[1:] - u[0]).T


def basis_reverse(p, x):
    """One reverse sweep over the layers, x (P, d)"""
    s = grid_sines(p, x)
    phi0 = decode_shared(p, s, jnp.zeros((1, 1, p["a"][0].shape[1])))[0, 0]
    g = s[-1] * p["head"]
    phi = g @ p["a"][-1]
    for layer in range(len(p["w"]) - 1, -1, -1):
        g = s[layer] * (g @ p["w"][layer])
        phi = phi + g @ p["a"][layer]
    return phi0, phi


# ---------------------------------------------------------------- auto-decoding


def loss_official(p, x, z, y):
    return jnp.mean(jnp.square(decode(p, x, z) - y))


def loss_grid(p, x, z, y):
    return jnp.mean(jnp.square(decode_shared(p, grid_sines(p, x), z) - y))


def loss_frozen(p, s, z, y):
    each = jnp.mean(jnp.square(decode_shared(p, s, z) - y), (1, 2))
    return each.sum(), each


def loss_frozen_official(p, x, z, y):
    each = jnp.mean(jnp.square(decode(p, x, z) - y), (1, 2))
    return each.sum(), each


def adam_start(tree):
    first, second = jax.tree.map(jnp.zeros_like, tree), jax.tree.map(jnp.zeros_like, tree)
    return {"step": jnp.zeros((), jnp.int32), "first": first, "second": second}


def adam_step(tree, gradient, state, rate):
    """Adam (Kingma & Ba 2015)"""
    step = state["step"] + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["first"], gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["second"], gradient)
    c1, c2 = 1 - 0.9**step, 1 - 0.999**step
    tree = jax.tree.map(
        lambda t, m, v: t - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), tree, first, second
    )
    return tree, {"step": step, "first": first, "second": second}


def encode_step(loss, p, x, y, carry):
    z, state, best, lowest = carry
    (_, each), gradient = jax.value_and_grad(loss, 2, has_aux=True)(p, x, z, y)
    better = each < lowest
    best = jnp.where(better[:, None, None], z, best)
    lowest = jnp.where(better, each, lowest)
    z, state = adam_step(z, gradient, state, 1e-2)
    return z, state, best, lowest


def encode_start(frames, channels, codes):
    z = jnp.zeros((frames, channels, codes))
    return z, adam_start(z), z, jnp.full((frames,), jnp.inf)


def encode(loss, p, x, y, channels, codes, steps):
    """DINo's encoding as one compiled loop: Adam at rate 1e-2 from zero, best iterates kept"""
    carry = encode_start(y.shape[0], channels, codes)
    carry = jax.lax.fori_loop(0, steps, lambda _, c: encode_step(loss, p, x, y, c), carry)
    return carry[2], carry[3]


# ---------------------------------------------------------------- dynamics


def bilinear(p, z):
    return z @ p["A"].T + p["c"] + ((z @ p["V"].T + p["a"]) * (z @ p["W"].T + p["d"])) @ p["U"].T


def bilinear_fused(p, z):
    pq = z @ jnp.concatenate([p["V"], p["W"]]).T + jnp.concatenate([p["a"], p["d"]])
    left, right = jnp.split(pq, 2, -1)
    return z @ p["A"].T + p["c"] + (left * right) @ p["U"].T


def mlp(p, z):
    h = z
    for w, b, beta in zip(p["w"], p["b"], p["beta"]):
        h = h @ w.T + b
        h = h * jax.nn.sigmoid(h * jax.nn.softplus(beta)) / 1.1
    return h @ p["w"][-1].T + p["b"][-1]


def rk4_step(field, p, z, dt):
    k1 = field(p, z)
    k2 = field(p, z + 0.5 * dt * k1)
    k3 = field(p, z + 0.5 * dt * k2)
    k4 = field(p, z + dt * k3)
    return z + dt / 6 * (k1 + 2 * (k2 + k3) + k4)


def rollout(field, p, z, intervals, substeps=1, unroll=1):
    def interval(state, _):
        for _ in range(substeps):
            state = rk4_step(field, p, state, 1.0 / substeps)
        return state, state

    return jax.lax.scan(interval, z, None, length=intervals, unroll=unroll)[1]


def rollout_loss(field, p, z, substeps=1, unroll=1):
    states = rollout(field, p, z[0], z.shape[0] - 1, substeps, unroll)
    return jnp.mean(jnp.square(states - z[1:]))
