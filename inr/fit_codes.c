/* Least-squares codes of frames that differ in their points: the basis at the points of some frames
 * at a time, then one normal matrix and one factorisation each. */
#include "inr/fit_pass_paths.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS = 8192, /* taken at a time */
    ROWS = 256     /* of the basis that are widened at a time */
};

struct fc__code_solver {
    const fc__fit_pass *pass;
    const size_t *chosen;         /* of the present run */
    size_t codes, channels, side; /* side = C + 1 */
    size_t frames;                /* most solved together */
    double *x;                    /* (POINTS, dims) */
    size_t *point;                /* (POINTS) index into the frame's point set */
    size_t *begin;                /* (frames + 1) first point of each frame */
    float *phi0, *phi;            /* (POINTS, channels), (POINTS, channels, C) */
    double *normal;               /* (frames, side, side): of [Phi, y - phi0] */
    double *work;                 /* (threads): rows (ROWS, side), their product, right side */
    size_t work_size;
    fc_status *status; /* (frames) */
};

fc_status fc__code_solver_create(fc_context *context, const fc__fit_pass *pass,
                                 fc__code_solver **solver)
{
    enum { MOST_DOUBLES = 1 << 22 };
    fc_status status = FC_OK;
    fc__code_solver *s = NULL;
    size_t threads = (size_t)fc_context_threads(context);
    FC_NEW(context, solver, 1);
    s = *solver;
    s->pass = pass;
    s->codes = pass->decoder->config.codes;
    s->channels = pass->decoder->config.channels;
    s->side = s->codes + 1;
    size_t square = fc__product(s->side, s->side), all = pass->frames->count;
    s->frames = MOST_DOUBLES / square;
    s->frames = s->frames < threads ? threads : s->frames;
    s->frames = s->frames < all ? s->frames : all;
    s->work_size = square + (ROWS + 1) * s->side;
    FC_NEW(context, &s->x, POINTS * pass->decoder->domain.dims);
    FC_NEW(context, &s->point, POINTS);
    FC_NEW(context, &s->begin, s->frames + 1);
    FC_NEW(context, &s->phi0, fc__product(POINTS, s->channels));
    FC_NEW(context, &s->phi, fc__product(POINTS, fc__product(s->channels, s->codes)));
    FC_NEW(context, &s->normal, fc__product(s->frames, square));
    FC_NEW(context, &s->work, fc__product(threads, s->work_size));
    FC_NEW(context, &s->status, s->frames);
done:
    return status;
}

void fc__code_solver_destroy(fc__code_solver *s)
{
    if (!s)
        return;
    free(s->x);
    free(s->point);
    free(s->begin);
    free(s->phi0);
    free(s->phi);
    free(s->normal);
    free(s->work);
    free(s->status);
    free(s);
}

static const fc_frame *frame_at(const fc__code_solver *s, size_t place)
{
    return s->pass->frames->frame[fc__pass_frame(s->chosen, place)];
}

static size_t sample_of(const fc__code_solver *s, size_t place)
{
    const fc_dataset *dataset = s->pass->frames->dataset;
    return fc__sample_size(s->pass, dataset->points[frame_at(s, place)->points].count);
}

/* Points begin.. of the samples of frames first..last, as many as there is room for. */
static size_t take_points(const fc__code_solver *s, size_t first, size_t last, size_t begin)
{
    const fc_dataset *dataset = s->pass->frames->dataset;
    size_t dims = dataset->domain.dims, taken = 0;
    for (size_t place = first; place < last; place++) {
        size_t set = frame_at(s, place)->points, size = sample_of(s, place);
        const fc_points *points = &dataset->points[set];
        s->begin[place - first] = taken;
        for (size_t k = begin; k < size && taken < POINTS; k++, taken++) {
            size_t p = fc__sample_point(s->pass, set, points->count, k);
            s->point[taken] = p;
            memcpy(s->x + taken * dims, points->coordinates + p * dims, dims * sizeof *s->x);
        }
    }
    s->begin[last - first] = taken;
    return taken;
}

/* Adds [Phi, y - phi0]^T [Phi, y - phi0] over the observed values of the points taken. */
static void add_normal(const fc__code_solver *s, size_t place, size_t slot, double *work)
{
    size_t side = s->side, codes = s->codes, rows = 0;
    const float *values = frame_at(s, place)->values;
    double *normal = s->normal + slot * side * side, *product = work + ROWS * side;
    size_t first = s->begin[slot] * s->channels, last = s->begin[slot + 1] * s->channels;
    for (size_t v = first; v < last; v++) {
        float y = values[s->point[v / s->channels] * s->channels + v % s->channels];
        if (!isnan(y)) {
            for (size_t i = 0; i < codes; i++)
                work[rows * side + i] = (double)s->phi[v * codes + i];
            work[rows++ * side + codes] = (double)(y - s->phi0[v]);
        }
        if (rows == ROWS || (rows && v + 1 == last)) {
            fc__dsyrk(side, rows, 1.0, work, 0.0, product);
            for (size_t i = 0; i < side * side; i++)
                normal[i] += product[i];
            rows = 0;
        }
    }
}

/* z = (Phi^T Phi + ridge)^-1 Phi^T (y - phi0), zero where nothing is observed. */
static fc_status solve(const fc__code_solver *s, size_t slot, float *z, double *work)
{
    size_t side = s->side, codes = s->codes;
    const double *normal = s->normal + slot * side * side;
    double *square = work, *right = work + codes * codes, trace = 0.0;
    for (size_t i = 0; i < codes; i++) {
        memcpy(square + i * codes, normal + i * side, codes * sizeof *square);
        right[i] = normal[i * side + codes];
        trace += square[i * codes + i];
    }
    if (trace > 0.0) {
        fc__regularise(codes, FC__CODE_RIDGE, square);
        fc_status status = fc__cholesky(NULL, "", codes, square);
        if (status != FC_OK)
            return status;
        fc__cholesky_solve(codes, square, 1, right);
    }
    for (size_t i = 0; i < codes; i++)
        z[i] = (float)right[i];
    return FC_OK;
}

/* Frames first..last; more points than there is room for only where there is one frame. */
static fc_status solve_some(fc_context *context, fc__code_solver *s, size_t first, size_t last,
                            float *codes)
{
    size_t frames = last - first, taken;
    memset(s->normal, 0, frames * s->side * s->side * sizeof *s->normal);
    for (size_t begin = 0; (taken = take_points(s, first, last, begin)) > 0; begin += taken) {
        fc_status status =
            fc_decoder_basis(context, s->pass->decoder, taken, s->x, s->phi0, s->phi);
        if (status != FC_OK)
            return status;
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
        for (size_t slot = 0; slot < frames; slot++)
            add_normal(s, first + slot, slot,
                       s->work + (size_t)omp_get_thread_num() * s->work_size);
        if (frames > 1)
            break;
    }
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t slot = 0; slot < frames; slot++)
        s->status[slot] = solve(s, slot, codes + fc__pass_frame(s->chosen, first + slot) * s->codes,
                                s->work + (size_t)omp_get_thread_num() * s->work_size);
    for (size_t slot = 0; slot < frames; slot++)
        if (s->status[slot] != FC_OK)
            return fc__fail(context, s->status[slot],
                            "code of training frame %zu: its normal matrix (%zu, %zu) is not "
                            "positive definite",
                            fc__pass_frame(s->chosen, first + slot), s->codes, s->codes);
    return FC_OK;
}

fc_status fc__code_solver_run(fc_context *context, fc__code_solver *s, size_t count,
                              const size_t *chosen, float *codes)
{
    fc_status status = FC_OK;
    s->chosen = chosen;
    for (size_t first = 0, last; first < count && status == FC_OK; first = last) {
        size_t points = sample_of(s, first);
        for (last = first + 1; last < count && last - first < s->frames; last++) {
            points += sample_of(s, last);
            if (points > POINTS)
                break;
        }
        status = solve_some(context, s, first, last, codes);
    }
    return status;
}
