/* How training divides a limit of memory. Two phases compete for it, each beside the frames that
 * the decoder is fitted on, which stay:
 *
 *   fit      normal equations and modes of a series, or the passes over frames of a network
 *   encode   the blocks of frames that are read, a batch in normalised units, the codes of all
 *            frames
 *
 * The blocks get an eighth of the limit. Then as many frames are fitted on as both phases have room
 * for, training and validation frames in proportion; training_data.c spreads them. The limit and
 * the shape of the data decide alone, not whether values are in memory. */
#include "ode/training_data.h"

#include <math.h>

typedef struct demand {
    double base;    /* what training takes in any case */
    double samples; /* a frame and its copies */
    double frame;   /* bytes of the largest frame */
    double size;    /* most coefficients of a frame's series */
    double network; /* copies of a frame that the fit of a network makes */
    double codes;   /* all codes of all frames */
    double batch;   /* a batch of frames to encode */
} demand;

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Bytes of the fit on `frames` frames. Of a series: values, coefficients and their projections, the
 * matrices of its normal equations and modes, and LAPACK's work on these. */
static double fit_bytes(const demand *d, double frames)
{
    double samples = d->samples * frames, rank = least(samples, d->size);
    double series = d->size * (3.0 * d->size + 4.0 * samples + 4.0 * rank);
    return d->base + frames * d->frame * (1.0 + d->network) + series * sizeof(double);
}

static double encode_bytes(const demand *d, double frames, double blocks)
{
    return d->base + frames * d->frame + d->codes + d->batch + blocks;
}

static demand measure(const fc_dataset *dataset, const fc_train_config *config, size_t frames)
{
    enum { PROGRAM = 96 << 20 };
    double points = (double)fc_dataset_max_points(dataset), all = (double)frames;
    double channels = (double)dataset->channel_count, coordinates = 0.0, count = 0.0;
    for (size_t p = 0; p < dataset->points_count; p++)
        coordinates += (double)dataset->points[p].count * (double)dataset->domain.dims;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        count += (double)dataset->sequences[s].frame_count;
    double filters = config->decoder.filters
                         ? (double)config->decoder.filters
                         : least(fmax(0.4 * points, 1.0), FC__MOST_FILTERS_LIMITED);
    double codes = config->fit.codes ? (double)config->fit.codes
                                     : least((double)config->fit.max_codes, fmax(all / 3.0, 1.0));
    /* Points and times stand in the dataset and in the copy that is fitted on; a frame has its code
     * in double and single precision, its time, and its place in the lists of the passes. */
    return (demand){
        .base = PROGRAM + 2.0 * coordinates * sizeof(double) +
                count * (sizeof(fc_frame) + sizeof(double)) + all * 3.0 * sizeof(fc__place),
        .samples = (double)config->fit.copies + 1.0,
        .frame = (double)fc__largest_frame(dataset),
        .size = 2.0 * filters * channels,
        .network = config->decoder.layers || !fc_decoder_is_affine(&config->decoder) ? 4.0 : 0.0,
        .codes =
            all * codes * (sizeof(double) + ((double)config->fit.copies + 1.0) * sizeof(float)),
        .batch =
            (double)fc__largest_frame(dataset) * least((double)fc__encoding_batch(dataset), all)};
}

/* Most frames, up to `all`, with which both phases stay within the limit. */
static size_t most_frames(const demand *d, size_t all, double blocks, double limit)
{
    size_t fits = 0, fails = all + 1;
    while (fails - fits > 1) {
        size_t middle = fits + (fails - fits) / 2;
        double need = fmax(fit_bytes(d, (double)middle), encode_bytes(d, (double)middle, blocks));
        if (need <= limit)
            fits = middle;
        else
            fails = middle;
    }
    return fits;
}

fc_status fc__memory_plan_make(fc_context *context, const fc_dataset *dataset,
                               const fc_train_config *config, size_t training, size_t validation,
                               fc__memory_plan *plan)
{
    enum { FEWEST = 64 }; /* frames that are worth fitting on */
    size_t all = training + validation;
    size_t frames = config->fit_frames && config->fit_frames < all ? config->fit_frames : all;
    *plan = (fc__memory_plan){.fit_training = training, .fit_validation = validation};
    if (config->memory) {
        demand d = measure(dataset, config, all);
        double limit = (double)config->memory, fewest = least(FEWEST, (double)frames);
        double blocks = fmax(limit / 8.0, 2.0 * d.batch);
        double need = fmax(fit_bytes(&d, fewest), encode_bytes(&d, fewest, 2.0 * d.batch));
        if (need > limit)
            return fc__fail(context, FC_ERROR_USAGE,
                            "memory: %.0f MB are too little to train on %zu frames of %.2f MB; at "
                            "least %.0f MB are needed (fewer filters, codes or frames need less)",
                            1e-6 * limit, all, 1e-6 * d.frame, 1e-6 * need);
        plan->stream = (size_t)blocks;
        frames = most_frames(&d, frames, blocks, limit);
    }
    if (frames < all) {
        plan->fit_training = (size_t)((double)frames * ((double)training / (double)all));
        plan->fit_training = plan->fit_training < 2 ? 2 : plan->fit_training;
        plan->fit_training = plan->fit_training > training ? training : plan->fit_training;
        plan->fit_validation = frames > plan->fit_training ? frames - plan->fit_training : 0;
        if (plan->fit_validation > validation)
            plan->fit_validation = validation;
        if (validation && plan->fit_validation == 0)
            plan->fit_validation = 1;
    }
    return FC_OK;
}
