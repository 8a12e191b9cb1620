/* io.h: the room that meets the world: dataset and model files, forecasts, pictures. General rules
 * as in inr.h. Nothing is ever left half-written: files appear under their name only when whole. */
#ifndef FC_IO_H
#define FC_IO_H

#include "data/data.h"
#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- kinds of files */

/* What a file holds, told by its content and never by its name. */
typedef enum fc_file_kind {
    FC_FILE_DATASET,  /* observations, written by fc_dataset_write */
    FC_FILE_FORECAST, /* a forecast, written by fc_forecast_write */
    FC_FILE_MODEL,    /* a model or checkpoint, written by fc_model_write */
    FC_FILE_NETCDF /* any other HDF5 file; fc_dataset_read reads it if it is gridded CF/netCDF-4 */
} fc_file_kind;

/* FC_ERROR_IO when the file cannot be opened, FC_ERROR_DATA when it is not a whole HDF5 file. */
FC_API FC_NODISCARD fc_status fc_file_probe(fc_context *context, const char *path,
                                            fc_file_kind *kind);

/* ---------------------------------------------------------------- datasets */

typedef struct fc_read_config {
    const char *variables; /* comma-separated channels: names of variables, or expressions of them
                              as in "level=depth+elevation"; NULL = all data variables that share
                              the first one's dimensions */
    const char *where; /* an expression of variables, as in "depth > 0": values are missing where
                          it does not hold; NULL = everywhere */
    bool complete;     /* leave out points that are not observed in every frame */
    size_t max_frames; /* of each sequence; 0 = all */
} fc_read_config;

/* Reads what the program reads, told apart by content: native datasets, forecasts (without their
 * standard deviations, unless named), CF/netCDF-4 on grids, at points and on UGRID meshes,
 * PDEBench, The Well, Dedalus. Of files that are not native, points that are missing in all frames
 * (land) and frames in which everything is missing are left out. A path with *, ? or [ is a
 * pattern: the files it matches, in the order of their names, continue each other in time. A
 * forecast may have frames without any value. */
FC_API FC_NODISCARD fc_status fc_dataset_read(fc_context *context, const char *path,
                                              const fc_read_config *config, fc_dataset **dataset);
/* The same with the values left in the file until fc_dataset_load wants them: the dataset has a
 * reader, which keeps the file open. */
FC_API FC_NODISCARD fc_status fc_dataset_open(fc_context *context, const char *path,
                                              const fc_read_config *config, fc_dataset **dataset);
/* Writes a native dataset, which is itself a netCDF-4-compatible CF file. attributes: JSON object
 * of global attributes (provenance, generator parameters), may be NULL. */
FC_API FC_NODISCARD fc_status fc_dataset_write(fc_context *context, const char *path,
                                               const fc_dataset *dataset, const char *attributes);
/* Writes a forecast: as fc_dataset_write, with the standard deviations as NAME_std (may be NULL).
 */
FC_API FC_NODISCARD fc_status fc_forecast_write(fc_context *context, const char *path,
                                                const fc_dataset *forecast,
                                                const fc_dataset *deviation,
                                                const char *attributes);

/* "2014-03-01T06:00" (or a number in the axis's own unit) to axis time, and back to text. */
FC_API FC_NODISCARD fc_status fc_time_parse(fc_context *context, const fc_time_axis *axis,
                                            const char *text, double *time);
FC_API void fc_time_format(const fc_time_axis *axis, double time, char *text, size_t size);

/* ---------------------------------------------------------------- models */

/* A model file is one self-describing HDF5 file; with `state` it is a checkpoint as well, from
 * which training can be resumed. Written to a temporary name, flushed to disk, then renamed. */
FC_API FC_NODISCARD fc_status fc_model_write(fc_context *context, const char *path,
                                             const fc_model *model, const fc_training_state *state);
/* state may be NULL; *has_state tells whether the file was a checkpoint of unfinished training:
 * only then may parts of the model be missing (NULL). The state's arrays belong to the caller:
 * release with fc_training_state_clear. state->model is *model, which is destroyed separately. */
FC_API FC_NODISCARD fc_status fc_model_read(fc_context *context, const char *path, fc_model **model,
                                            fc_training_state *state, bool *has_state);
FC_API void fc_training_state_clear(fc_training_state *state);

/* ---------------------------------------------------------------- pictures */

typedef struct fc_panel {
    const char *title;
    const char *units;
    const float *values;  /* (height, width), bottom row first; NaN is drawn grey */
    size_t width, height; /* cells */
    double extent[4];     /* x lower, x upper, y lower, y upper */
    const char *x_label, *y_label;
    double range[2];     /* colour range; equal values = from the data */
    bool diverging;      /* colours symmetric about zero */
    size_t mark_count;   /* points drawn on the panel, e.g. sensors */
    const double *marks; /* (mark_count, 2) */
} fc_panel;

/* Map panels with axes, units and colour bars, `columns` a row. The ending of path picks PNG, PDF
 * or SVG. */
FC_API FC_NODISCARD fc_status fc_plot_panels(fc_context *context, const char *path,
                                             const char *title, size_t count,
                                             const fc_panel *panels, size_t columns);

#ifdef __cplusplus
}
#endif
#endif
