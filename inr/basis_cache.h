/* basis_cache.h: the basis at a set of points, taken from the context's cache where it is there,
 * and formed part by part where all of it would exceed the cache's bound. */
#ifndef FC_INR_BASIS_CACHE_H
#define FC_INR_BASIS_CACHE_H

#include "inr/cache.h"

/* Key of a decoder: what its basis follows from besides the points. */
fc__key fc__decoder_key(const fc_decoder *decoder);
/* Key of the decoder's basis at some points. */
fc__key fc__basis_key(const fc__key *decoder_key, const fc_decoder *decoder, size_t count,
                      const double *coordinates);
/* The basis with that key if it is in the cache, else NULL. */
const fc_basis *fc__basis_find(fc_context *context, const fc__key *key);

/* Whether there is one basis for all codes and the context's cache would keep it at so many points.
 */
bool fc__basis_fits(const fc_context *context, const fc_decoder *decoder, size_t count);

/* Access to the basis at a set of points in parts of at most `part` points. */
typedef struct fc__basis_view {
    const fc_decoder *decoder;
    size_t count, part;
    const double *coordinates;
    const fc_basis *basis; /* at all points or, with an index, at a larger set; NULL = in parts */
    const float *z;        /* (C): the tangent there instead, where the decoder bends */
    const size_t *index;   /* (count) places of the points in `basis`, NULL = it has them all */
    size_t start, size;    /* of the part that is in phi0 and phi */
    float *phi0, *phi;     /* scratch */
} fc__basis_view;

/* Opens a view; key may be NULL (it is then computed). */
fc_status fc__basis_open(fc_context *context, const fc_decoder *decoder, const fc__key *key,
                         size_t count, const double *coordinates, size_t part,
                         fc__basis_view *view);
/* Opens a view of those points of `basis` that the index names. */
fc_status fc__basis_open_at(fc_context *context, const fc_basis *basis, size_t count,
                            const size_t *index, size_t part, fc__basis_view *view);
/* From now on the tangent at z (C), which must outlive the view's use; affine decoders do not care.
 */
void fc__basis_move(fc__basis_view *view, const float *z);
/* The basis at points [start, start + size), size <= part; valid until the next part. */
fc_status fc__basis_part(fc_context *context, fc__basis_view *view, size_t start, size_t size,
                         const float **phi0, const float **phi);
void fc__basis_close(fc__basis_view *view);

#endif
