/* record.h: a long record looked at through a model that was fitted without a block of it, so that
 * what is found in the block is what a forecast will find. */
#ifndef FC_ODE_RECORD_H
#define FC_ODE_RECORD_H

#include "ode/interpolate.h"
#include "ode/model.h"

/* Records of fewer than FC__LEAST_FRAMES frames cannot be validated in blocks; those of fewer than
 * FC__MANY_FRAMES show neither a climatology of their residuals nor a dynamics of their codes. */
enum { FC__LEAST_FRAMES = 3, FC__MANY_FRAMES = 15 };

/* The frames of a normalised record, in the order of time; values belong to the dataset. */
typedef struct fc__record {
    const fc_dataset *dataset;
    size_t count;
    fc_frame *frames;
    bool shared;  /* all frames have the same points */
    bool climate; /* their residuals have a climatology */
} fc__record;
fc_status fc__record_create(fc_context *context, const fc_dataset *dataset, fc__record *record);
void fc__record_clear(fc__record *record);

/* A decoder with modes for next to everything that the frames hold, from which those of some of the
 * frames follow without another fit: its codes are coordinates of the fields. */
typedef struct fc__rich_decoder {
    fc_decoder *decoder;
    double *codes; /* (frames, codes of the decoder) */
    size_t modes;  /* that hold more than nothing */
} fc__rich_decoder;
fc_status fc__rich_decoder_create(fc_context *context, const fc_model *model,
                                  const fc__record *record, const fc_fit_config *fit,
                                  fc__rich_decoder *rich);
/* The first `codes` modes of the fields of the frames outside [begin, end) and `margin` frames on
 * either side, as fc_decoder_fit would choose them. */
fc_status fc__rich_decoder_reduce(fc_context *context, const fc__rich_decoder *rich, size_t codes,
                                  size_t frames, size_t begin, size_t end, size_t margin,
                                  fc_decoder **decoder, fc_prior **prior);
void fc__rich_decoder_clear(fc__rich_decoder *rich);

/* Points of a point set, and the basis there: all of them in [begin, end), or where these are more
 * than `most` some of them at random, partly in the company of their nearest neighbours. */
typedef struct fc__sample {
    size_t count;
    size_t *index;     /* (count) among the set's points, increasing */
    double *x;         /* (count, dims) */
    float *phi0, *phi; /* (count, channels), (count, channels, C) */
} fc__sample;
fc_status fc__sample_create(fc_context *context, const fc_decoder *decoder, const fc_points *points,
                            size_t begin, size_t end, size_t most, uint64_t seed,
                            fc__sample *sample);
void fc__sample_clear(fc__sample *sample);

/* residual (points, channels) = y - phi0 - Phi z of a frame at a sample, NaN where missing */
void fc__sample_residual(const fc_decoder *decoder, const fc__sample *sample, const fc_frame *frame,
                         const double *z, float *residual);

/* Mean and harmonics of the model's cycle (points, channels, 1 + 2 harmonics) of the residuals at a
 * sample over the frames outside [begin, end), given codes (frames, C); NaN at points with too few
 * values. The points must be shared by all frames. */
fc_status fc__climate_fit(fc_context *context, const fc_model *model, const fc__record *record,
                          const fc__sample *sample, const double *codes, size_t begin, size_t end,
                          float *climate);

/* A model fitted to the frames outside [begin, end) and a margin, and all frames seen through it.
 */
typedef struct fc__fold {
    size_t begin, end, margin;
    fc_model model;      /* without dynamics */
    double *departure;   /* (frames, C) codes less the prior's mean and the cycle */
    fc__sample *samples; /* one for each point set, empty where no frame has it */
    float **residual;    /* (frames) arrays (points of the sample, channels) less climatology */
} fc__fold;

/* `model` is the model of the whole record. Of the `rich` decoder the first `codes` modes are
 * taken; where it is NULL the model's own decoder serves as it is. The noise is that of the block.
 */
fc_status fc__fold_create(fc_context *context, const fc_model *model, const fc__record *record,
                          const fc__rich_decoder *rich, size_t codes, size_t harmonics,
                          uint64_t seed, size_t begin, size_t end, fc__fold *fold);
void fc__fold_clear(const fc__record *record, fc__fold *fold);

#endif
