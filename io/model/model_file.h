/* model_file.h: the layout of model files, shared by their writer and their reader.
 *
 * A model file is one HDF5 file:
 *
 *   /                  fieldcast_format = "model", fieldcast_format_version, fieldcast_version and
 * the scalars of the model: time_origin, time_scale, train_frames, horizon, record, floor_mse
 *   /domain/axis_0..   kind, lower, upper, name, units
 *   /time              units, calendar, cycle
 *   /channels          mean, scale, noise (channels); channel_0.. with name, units, long_name
 *   /decoder           its configuration; omega, a, b, w, head, bias (inr.h)
 *   /prior             mean (C), covariance, factor (C, C); beside an equation, of independent
 *                      codes, variance (C) alone
 *   /cycle             period, harmonics; coefficient (2 harmonics, C)
 *   /field             its configuration; bias, a, v, va, w, wd, u, m1, m1b, m2 (ode.h)
 *   /equation          what the field is instead of its weights (model_equation.c)
 *   /leads             time (leads), variance (leads, C)
 *   /calibration       values, factor (entries)
 *   /residual          of records (ode.h, fc_residual): leads, points, harmonics, still, modes,
 *                      ridge; lead, departure, persistence (leads), decay, error (leads, channels),
 * variance, length, nugget (channels), baseline (C, C), coordinates (points, dims), climate
 * (points, channels, 1 + 2 harmonics), NaN where unknown /configuration, /provenance      JSON
 * texts /training          only in checkpoints: the state of the trainer
 *
 * Everything is stored as it is in memory, little endian, uncompressed. What a model does not have
 * (yet) is absent. */
#ifndef FC_IO_MODEL_FILE_H
#define FC_IO_MODEL_FILE_H

#include "io/hdf5/hdf5_file.h"
#include "io/io.h"

/* Version 2 has a residual, version 3 an equation; a model without them is still written as version
 * 1. */
enum { FC__MODEL_VERSION = 3, FC__MOST_PARTS = 10 };

/* A named part of a parameter vector. */
typedef struct fc__part {
    const char *name;
    size_t offset; /* into the parameters */
    size_t rank;
    size_t shape[4];
} fc__part;

/* The parts that are not empty; their number is returned. */
size_t fc__decoder_parts(const fc_decoder_config *config, size_t inputs,
                         fc__part parts[FC__MOST_PARTS]);
size_t fc__field_parts(const fc_field_config *config, fc__part parts[FC__MOST_PARTS]);

enum { FC__FAMILIES = FC_DECODER_MULTIPLICATIVE + 1 };
extern const char *const fc__family_names[FC__FAMILIES];
enum { FC__FILTER_KINDS = FC_FILTER_HARMONIC + 1 };
extern const char *const fc__filter_names[FC__FILTER_KINDS];

/* C of the parts that the model has, 0 when it has none of them. */
size_t fc__model_codes(const fc_model *model);

/* A vector of a trainer's state, all of the length of the parameters. */
typedef struct fc__state_vector {
    const char *name;
    size_t offset; /* of the pointer in fc_trainer_state */
} fc__state_vector;
enum { FC__STATE_VECTORS = 5 };
extern const fc__state_vector fc__state_vectors[FC__STATE_VECTORS];

/* The group of an equation (model_equation.c); nothing is read where there is none. */
fc_status fc__write_equation(fc__h5 *h5, const fc_equation *equation);
fc_status fc__read_equation(fc__h5 *h5, fc_model *model);

#endif
