/* fit_pass.h: one pass of decoder training over frames: loss and gradient of all observed values.
 *
 * As the field is affine in the code, u = phi0 + Phi z, the gradient for the basis is the residual
 * times the codes. Where all frames are observed at the same values, the basis is formed once and
 * the pass consists of products (frames x values x C), or (values x rank of their covariance x C)
 * where the frames enter by their covariance; with other points in every frame each frame is
 * evaluated forward and backward through the layers with its code, which never forms the basis:
 *
 *   h_0 = s_0 * (A_0 z + b_0),   h_l = s_l * (W_l h_{l-1} + A_l z + b_l),   u = head h_L + bias
 *
 * which is also what a decoder that bends does with every frame. */
#ifndef FC_INR_FIT_PASS_H
#define FC_INR_FIT_PASS_H

#include "inr/fit.h"

typedef struct fc__fit_pass fc__fit_pass;

/* Room for passes over any of the frames. Decoder, frames and their dataset must outlive it. */
fc_status fc__fit_pass_create(fc_context *context, const fc_decoder *decoder,
                              const fc__frames *frames, fc__code_policy policy,
                              fc__fit_pass **pass);
void fc__fit_pass_destroy(fc__fit_pass *pass);

/* Whether the frames are observed at the same values, so that one basis serves all. */
bool fc__fit_pass_shares(const fc_decoder *decoder, const fc__frames *frames);
bool fc__fit_pass_is_shared(const fc__fit_pass *pass);

/* Whether runs without codes are possible: codes are solved for, frames are observed at the same
 * values, and there are so many of them that their covariance, formed once, is the cheaper way to
 * the same loss and gradient. */
bool fc__fit_pass_by_moments(const fc_decoder *decoder, const fc__frames *frames,
                             fc__code_policy policy);
bool fc__fit_pass_has_moments(const fc__fit_pass *pass);
/* Columns of the covariance's factor that such a run reads, 0 without moments. */
size_t fc__fit_pass_moments_rank(const fc__fit_pass *pass);

/* From now on a run looks at no more than `points` random points of a frame (0 = all of them), the
 * sample of a seed being the same in every run; frames that share points share the sample. */
void fc__fit_pass_sample(fc__fit_pass *pass, size_t points, uint64_t seed);

/* *loss = mean square of u - y over the observed values of frames chosen[0..count) (NULL = the
 * first `count`), the mean taken in each frame and then over frames, and its gradient, added to
 * `gradient` (parameters). Codes of the frames chosen, at their rows of codes (frames, C), are
 *
 *   FC__CODES_FIXED   read;
 *   FC__CODES_SOLVED  solved for, and written (variable projection), with a ridge of 1e-4 of the
 *                     normal matrix's mean diagonal; NULL = not wanted, which is possible for all
 *                     frames of a pass that has moments. Of a decoder that bends: read, and moved
 *                     by one damped Gauss-Newton step;
 *   FC__CODES_ADAM    read, and the gradient of each frame's own mean square is written to
 *                     code_gradient (count, C); NULL for the other policies.
 *
 * The sums are formed in a fixed order: results do not depend on the number of threads. */
fc_status fc__fit_pass_run(fc_context *context, fc__fit_pass *pass, size_t count,
                           const size_t *chosen, float *codes, float *code_gradient, double *loss,
                           float *gradient);

#endif
