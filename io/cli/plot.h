/* plot.h: what the files of the command `plot` share. */
#ifndef FC_CLI_PLOT_H
#define FC_CLI_PLOT_H

#include "io/cli/options.h"
#include "io/cli/raster.h"

enum { CLI_PLOT_FRAMES_MAX = 16, CLI_PLOT_TEXT = 256 };

typedef struct cli_plot_options {
    const char *file, *output, *truth, *marks, *times, *variable, *range;
    cli_texts at;
    size_t sequence, columns, frames;
    bool frames_given, animate;
    fc_film_config film;
} cli_plot_options;

/* ---------------------------------------------------------------- fields */

/* A data set that is drawn. */
typedef struct cli_plot_source {
    const char *path;
    fc_dataset *dataset; /* NULL = there is none */
    size_t channel;
    cli_slice slice;
} cli_plot_source;

typedef enum cli_plot_kind {
    CLI_PLOT_TRUTH,
    CLI_PLOT_FIELD, /* the forecast, or data as such */
    CLI_PLOT_ERROR,
    CLI_PLOT_DEVIATION,
    CLI_PLOT_KINDS
} cli_plot_kind;

typedef struct cli_plot_job {
    cli_session *session;
    const cli_plot_options *options;
    cli_plot_source field, truth, deviation;
    double start;  /* time of the observed frame, NaN = not known */
    double *marks; /* (mark_count, 2) */
    size_t mark_count;
    size_t *frames; /* (frame_count) of the field's sequence, those to be drawn */
    size_t frame_count;
    double range[CLI_PLOT_KINDS][2]; /* of the values drawn; lower > upper before the first */
    char units[CLI_PLOT_TEXT];       /* of the variable */
    char title[CLI_PLOT_TEXT], labels[FC_MAX_DIMS][CLI_PLOT_TEXT];
} cli_plot_job;

/* Which kinds there are, in their order. */
size_t cli_plot_kinds(const cli_plot_job *job, cli_plot_kind kinds[CLI_PLOT_KINDS]);
const fc_sequence *cli_plot_sequence(const cli_plot_job *job, const cli_plot_source *source);
/* The frame at a time, up to a thousandth of the sequence's mean interval; NULL if none. */
const fc_frame *cli_plot_frame_at(const fc_sequence *sequence, double time);
/* What is drawn of a kind at frame `index` of the field's sequence; widens the kind's range. */
FC_NODISCARD fc_status cli_plot_plane(cli_plot_job *job, cli_plot_kind kind, size_t index,
                                      cli_plane *plane);
/* A panel of a map in the range of its kind. Title and note are borrowed. */
fc_panel cli_plot_panel(const cli_plot_job *job, cli_plot_kind kind, const cli_map *map,
                        const char *note);
fc_plot_axis cli_plot_axis(const cli_plot_job *job, size_t axis);
/* "2010-01-16, +31 d" or "t = 5 s". */
void cli_plot_time(const cli_plot_job *job, double time, char text[CLI_PLOT_TEXT]);
size_t cli_plot_columns(const cli_plot_job *job, size_t items);

/* Fields on two axes, on one, and as a film. */
FC_NODISCARD fc_status cli_plot_maps(cli_plot_job *job);
FC_NODISCARD fc_status cli_plot_lines(cli_plot_job *job);
FC_NODISCARD fc_status cli_plot_film(cli_plot_job *job);
/* A frame of a film of a field on one axis. */
FC_NODISCARD fc_status cli_plot_add_lines(cli_plot_job *job, fc_film *film, size_t index);

/* Data and forecast files. */
FC_NODISCARD fc_status cli_plot_fields(cli_session *session, const cli_plot_options *options,
                                       fc_file_kind kind);

/* ---------------------------------------------------------------- other files */

/* JSON of `evaluate --json`, or the lines that `train --log` wrote. */
FC_NODISCARD fc_status cli_plot_text(cli_session *session, const cli_plot_options *options);

#endif
