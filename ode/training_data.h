/* training_data.h: a dataset made ready for training. */
#ifndef FC_ODE_TRAINING_DATA_H
#define FC_ODE_TRAINING_DATA_H

#include "ode/normalised.h"

/* Frames [begin, end) of a sequence of a dataset. */
typedef struct fc__span {
    size_t sequence, begin, end;
    bool validation;
} fc__span;

/* How training divides the memory that it may take (memory_plan.c has the rule). */
typedef struct fc__memory_plan {
    size_t fit_training, fit_validation; /* frames that the decoder is fitted on and judged by */
    size_t stream; /* bytes of the blocks of frames that are read, 0 = no limit */
} fc__memory_plan;

/* Most filters that are chosen where memory is limited. */
enum { FC__MOST_FILTERS_LIMITED = 1024 };

/* For `training` and `validation` frames to train on. All are fitted on where the configuration
 * sets no limit. FC_ERROR_USAGE, naming the least that will do, when the limit is too small. */
fc_status fc__memory_plan_make(fc_context *context, const fc_dataset *dataset,
                               const fc_train_config *config, size_t training, size_t validation,
                               fc__memory_plan *plan);

/* The frames to train on. Independent sequences give one span each; a record gives two, the later
 * one for validation of the dynamics; its decoder is fitted on both, as records are short. */
typedef struct fc__training_data {
    const fc_dataset *source; /* the caller's, or the part of it to train on; values may not be in
                                 memory */
    fc_dataset *subset;       /* that part */
    size_t span_count, frame_count;
    fc__span *spans;
    fc__place *places;   /* (frame_count) of the frames of all spans, in order */
    fc_dataset *dataset; /* normalised: a sequence a span, the frames that the decoder is fitted on:
                            all of them, or as many as memory allows */
    bool *validation;    /* (spans) held out from the dynamics */
    bool decoder_sees_all; /* validation frames take part in the decoder's final fit */
    fc__memory_plan plan;
} fc__training_data;

/* Also fills the model's domain, time axis, channels, normalisation, time scale and horizon. */
fc_status fc__training_data_create(fc_context *context, const fc_dataset *dataset,
                                   const fc_train_config *config, fc_model *model,
                                   fc__training_data *data);
void fc__training_data_clear(fc__training_data *data);

/* Normalised copies of up to `most` frames, drawn from the spans whose validation flag is set, or
 * from all; a sequence each. */
fc_status fc__training_data_draw(fc_context *context, const fc_model *model,
                                 const fc__training_data *data, bool validation, size_t most,
                                 fc__rng rng, fc_dataset **drawn);

/* Departure codes of the spans whose validation flag equals `flag`, in model time, cut where the
 * time between frames is more than four times the usual; codes: (frame_count, C). Arrays are
 * allocated; clear them. */
fc_status fc__trajectories_create(fc_context *context, const fc_model *model,
                                  const fc__training_data *data, bool flag, const double *codes,
                                  fc_trajectories *trajectories);
void fc__trajectories_clear(fc_trajectories *trajectories);
/* Both, one after the other. */
fc_status fc__trajectories_join(fc_context *context, const fc_trajectories *a,
                                const fc_trajectories *b, fc_trajectories *joined);
/* Adds the trajectories of the copies that the decoder was fitted on beside its training frames:
 * the same values at displaced points. codes (frame_count, C) is written over. */
fc_status fc__trajectories_add_copies(fc_context *context, const fc_model *model,
                                      const fc_prior *prior, const fc__training_data *data,
                                      const fc_fit_config *fit, double *codes,
                                      fc_trajectories *trajectories);

#endif
