/* training_data.h: a dataset made ready for training. */
#ifndef FC_ODE_TRAINING_DATA_H
#define FC_ODE_TRAINING_DATA_H

#include "ode/model.h"

/* Frames [begin, end) of a sequence of a dataset. */
typedef struct fc__span {
    size_t sequence, begin, end;
    bool validation;
} fc__span;

/* A copy in the model's normalised units of `count` spans, one sequence each. */
fc_status fc__normalised_copy(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              size_t count, const fc__span *spans, fc_dataset **copy);

/* A normalised copy of the frames to train on. A record becomes two sequences, the later one for
 * validation of the dynamics; its decoder is fitted on both, as records are short. */
typedef struct fc__training_data {
    fc_dataset *dataset;
    bool *validation;      /* (sequences) held out from the dynamics */
    bool decoder_sees_all; /* validation frames take part in the decoder's final fit */
} fc__training_data;

/* Also fills the model's domain, time axis, channels, normalisation, time scale and horizon. */
fc_status fc__training_data_create(fc_context *context, const fc_dataset *dataset,
                                   const fc_train_config *config, fc_model *model,
                                   fc__training_data *data);
void fc__training_data_clear(fc__training_data *data);

/* Departure codes of the sequences whose validation flag equals `flag`, in model time, cut where
 * the time between frames is more than four times the usual. Arrays are allocated; clear them. */
fc_status fc__trajectories_create(fc_context *context, const fc_model *model,
                                  const fc__training_data *data, bool flag, const double *codes,
                                  fc_trajectories *trajectories);
void fc__trajectories_clear(fc_trajectories *trajectories);

#endif
