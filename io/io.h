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
#define FC_CHECKSUM_SIZE 25

typedef struct fc_file_description {
    char format[FC_NAME_SIZE];       /* "fieldcast dataset", "CF grid", ... */
    char note[512];                  /* what is not read of the file, "" = nothing */
    char checksum[FC_CHECKSUM_SIZE]; /* of the values, as its writer left it; "" = none */
    uint64_t bytes;                  /* its size */
} fc_file_description;

/* How a dataset or forecast is read; fails as fc_dataset_open does on a file that no format reads.
 * Both functions look at the first file of a pattern (see fc_dataset_read). */
FC_API FC_NODISCARD fc_status fc_file_describe(fc_context *context, const char *path,
                                               fc_file_description *description);

/* What a variable is to the format that reads its file. */
typedef enum fc_variable_use {
    FC_VARIABLE_CHANNEL,  /* read where no variables are named */
    FC_VARIABLE_READABLE, /* read where it is named */
    FC_VARIABLE_FIXED,    /* does not change with time; expressions may use it */
    FC_VARIABLE_OTHER
} fc_variable_use;

typedef struct fc_file_variable {
    char name[FC_NAME_SIZE], units[FC_NAME_SIZE];
    char shape[128]; /* "(time 54, latitude 18)" */
    char type[16];   /* "float32", "int16", "text" */
    fc_variable_use use;
    char reason[FC_NAME_SIZE]; /* why it is no channel, "" for channels */
    char storage[128];         /* "chunks (1, 18, 432), shuffle, deflate" or "contiguous" */
    uint64_t bytes, stored;    /* of all values, and in the file */
} fc_file_variable;

/* The variables in the root group of the file, in their order; free(*variables). */
FC_API FC_NODISCARD fc_status fc_file_variables(fc_context *context, const char *path,
                                                size_t *count, fc_file_variable **variables);

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

typedef struct fc_channel_facts {
    double lower, upper, mean, deviation; /* of what is observed, NaN where nothing is */
    double missing;                       /* share of the values, */
    double least_missing, most_missing;   /* and of those of single frames */
} fc_channel_facts;

typedef struct fc_data_facts {
    size_t points_left_out, frames_left_out; /* as they are missing always */
    fc_channel_facts *channels;              /* (channels of the dataset) */
} fc_data_facts;

/* fc_dataset_open with what a pass over all values tells, a few megabytes at a time; its progress
 * is called "reading". */
FC_API FC_NODISCARD fc_status fc_dataset_examine(fc_context *context, const char *path,
                                                 const fc_read_config *config, fc_dataset **dataset,
                                                 fc_data_facts *facts);
FC_API void fc_data_facts_clear(fc_data_facts *facts);

/* Tells the listener all faults of a dataset, forecast or model file and, with status FC_OK, what
 * may be none but harms training. Fails only where the file cannot be looked at (FC_ERROR_IO,
 * FC_ERROR_MEMORY, FC_INTERRUPTED). config: as in fc_dataset_read, may be NULL: then the channels
 * that the file offers and each other variable that can be read are looked at. */
FC_API FC_NODISCARD fc_status fc_file_validate(fc_context *context, const char *path,
                                               const fc_read_config *config,
                                               fc_fault_listener *listener, void *user);
/* Writes a native dataset, which is itself a netCDF-4-compatible CF file. attributes: JSON object
 * of global attributes (provenance, generator parameters), may be NULL. Values that are not in
 * memory are read, a few megabytes at a time, as they are written. The global attribute "checksum",
 * XXH3-64 of the float values in the order of sequences, frames, points and channels, is the same
 * in two files that hold the same values; fc_file_validate compares it with them. */
FC_API FC_NODISCARD fc_status fc_dataset_write(fc_context *context, const char *path,
                                               const fc_dataset *dataset, const char *attributes);
/* Writes a forecast: as fc_dataset_write, with the standard deviations as NAME_std (may be NULL).
 */
FC_API FC_NODISCARD fc_status fc_forecast_write(fc_context *context, const char *path,
                                                const fc_dataset *forecast,
                                                const fc_dataset *deviation,
                                                const char *attributes);

/* ---------------------------------------------------------------- files for other programs */

/* Datasets and forecasts as other programs want them. deviation may be NULL; its channels are
 * called NAME_std. Values must be in memory. A format that cannot hold the dataset refuses it with
 * FC_ERROR_DATA and names those that can. */

/* XDMF 2 for ParaView and VisIt: a text that shows where in the native file `data_path`, which
 * fc_dataset_write or fc_forecast_write has made of the same dataset, the fields lie. Both belong
 * in one folder. Up to three coordinates. */
FC_API FC_NODISCARD fc_status fc_xdmf_write(fc_context *context, const char *path,
                                            const char *data_path, const fc_dataset *dataset,
                                            const fc_dataset *deviation);
/* VTKHDF 2.0, or 1.0 of a single time, for ParaView and VTK: uniform grids as ImageData, other
 * points as vertices. Sequences must agree in their times and points. */
FC_API FC_NODISCARD fc_status fc_vtkhdf_write(fc_context *context, const char *path,
                                              const fc_dataset *dataset,
                                              const fc_dataset *deviation);
/* The Well (PolymathicAI/the_well, docs/data_format.md): uniform grids whose sequences agree in
 * their times. attributes as in fc_dataset_write, may be NULL: real numbers become the parameters
 * of the simulation. */
FC_API FC_NODISCARD fc_status fc_well_write(fc_context *context, const char *path,
                                            const fc_dataset *dataset, const fc_dataset *deviation,
                                            const char *attributes);

/* ---------------------------------------------------------------- times as text */

/* Time of the observations that a forecast begins with; NaN where its sequences began at different
 * times, or the file does not tell. */
FC_API FC_NODISCARD fc_status fc_forecast_start(fc_context *context, const char *path,
                                                double *time);

/* "2014-03-01T06:00" (or a number in the axis's own unit) to axis time, and back to text. */
FC_API FC_NODISCARD fc_status fc_time_parse(fc_context *context, const fc_time_axis *axis,
                                            const char *text, double *time);
FC_API void fc_time_format(const fc_time_axis *axis, double time, char *text, size_t size);
/* "6 h" or "31 d": a length of time on an axis with dates; else the number with its unit. */
FC_API void fc_lead_format(const fc_time_axis *axis, double lead, char *text, size_t size);

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

/* How an axis is divided and labelled. */
typedef enum fc_scale {
    FC_SCALE_LINEAR,
    FC_SCALE_LOG,       /* charts only; what is not positive is not drawn */
    FC_SCALE_LONGITUDE, /* degrees, labelled as 120°E */
    FC_SCALE_LATITUDE,  /* degrees, labelled as 30°N */
    FC_SCALE_TIME       /* dates, where `time` has a calendar */
} fc_scale;

typedef struct fc_plot_axis {
    const char *label;   /* name and units */
    double lower, upper; /* ends; charts: equal = around the data */
    fc_scale scale;
    const fc_time_axis *time; /* of FC_SCALE_TIME */
} fc_plot_axis;

/* A map: cells of a raster, or scattered points. */
typedef struct fc_panel {
    const char *title; /* above, on the left */
    const char *note;  /* above, on the right: the time */
    const char *units;
    fc_plot_axis x, y;
    bool equal;           /* a unit is as long on one axis as on the other; with longitude and
                             latitude, in the middle of the map */
    const float *values;  /* (height, width), bottom row first; NaN is drawn grey; NULL = none */
    size_t width, height; /* cells */
    size_t point_count;   /* points drawn as coloured discs */
    const double *points; /* (point_count, 2) */
    const float *point_values; /* (point_count); those that are NaN are drawn as small rings */
    double range[2];           /* colour range; equal values = from the data */
    bool diverging;            /* colours symmetric about zero */
    size_t mark_count;         /* points marked on the panel, e.g. sensors */
    const double *marks;       /* (mark_count, 2) */
} fc_panel;

typedef enum fc_stroke {
    FC_STROKE_SOLID,
    FC_STROKE_DASHED,
    FC_STROKE_DOTTED,
    FC_STROKE_POINTS /* no line */
} fc_stroke;

/* A line of a chart. */
typedef struct fc_series {
    const char *name; /* in the legend; NULL = not there */
    size_t count;
    const double *x, *y;  /* (count) NaN interrupts the line */
    const double *spread; /* (count) half the height of a band around it; NULL = none */
    fc_stroke stroke;
    size_t colour; /* place in the list of colours, which tells lines apart for the colour-blind */
} fc_series;

/* Lines over common axes. */
typedef struct fc_chart {
    const char *title, *note;
    fc_plot_axis x, y;
    bool graded; /* colours run through the sequential ones: an order, such as times */
    size_t series_count;
    const fc_series *series;
    size_t divider_count;
    const double *dividers;           /* (divider_count) upright lines at these x */
    const char *const *divider_names; /* (divider_count) NULL = none */
} fc_chart;

/* One of the two. */
typedef struct fc_plot_item {
    const fc_panel *panel;
    const fc_chart *chart;
} fc_plot_item;

/* A page of items, `columns` a row. The ending of path picks PNG, PDF or SVG. */
FC_API FC_NODISCARD fc_status fc_plot(fc_context *context, const char *path, const char *title,
                                      size_t count, const fc_plot_item *items, size_t columns);

/* What a model holds: variance of its codes and what they leave unresolved, the rates of its
 * dynamics near the mean, and how its errors grow. */
FC_API FC_NODISCARD fc_status fc_plot_model(fc_context *context, const char *path,
                                            const fc_model *model);

/* A page that moves: an animated WebP where path ends in .webp, or a series of pictures
 * NAME_0000.png,
 * ... where it ends in .png. Nothing appears under its name before fc_film_finish. */
typedef struct fc_film fc_film;

typedef struct fc_film_config {
    double rate;    /* frames a second; default 8 */
    double quality; /* of WebP, 0..100; default 100 = without loss */
} fc_film_config;

FC_API fc_film_config fc_film_config_default(void);
FC_API FC_NODISCARD fc_status fc_film_create(fc_context *context, const char *path,
                                             const fc_film_config *config, fc_film **film);
/* Every frame has the layout of the first: the same items, with other values and titles.
 * FC_INTERRUPTED when the context was asked to stop. */
FC_API FC_NODISCARD fc_status fc_film_add(fc_film *film, const char *title, size_t count,
                                          const fc_plot_item *items, size_t columns);
FC_API FC_NODISCARD fc_status fc_film_finish(fc_film *film);
/* Throws an unfinished film away. */
FC_API void fc_film_destroy(fc_film *film);

#ifdef __cplusplus
}
#endif
#endif
