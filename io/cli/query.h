/* query.h: where and when a forecast is wanted, from the words of the command line. */
#ifndef FC_CLI_QUERY_H
#define FC_CLI_QUERY_H

#include "io/cli/cli.h"

/* "start:stop:step", with stop included where it falls on a step, or "0,0.5,3": strictly increasing
 * numbers. *times is to be freed. */
FC_NODISCARD fc_status cli_query_times(const cli_session *session, const char *text, size_t *count,
                                       double **times);
/* Dates or numbers of the axis divided by commas. */
FC_NODISCARD fc_status cli_query_dates(const cli_session *session, const fc_time_axis *axis,
                                       const char *text, size_t *count, double **times);

/* "256x128", numbers along the axes in their order, as the shape of a grid, slowest axis first.
 * option: what it was given by. */
FC_NODISCARD fc_status cli_query_grid_shape(const cli_session *session, const fc_domain *domain,
                                            const char *option, const char *text,
                                            size_t shape[FC_MAX_DIMS]);
/* Points over the whole domain, "256x256": numbers along its axes in their order. */
FC_NODISCARD fc_status cli_query_grid(const cli_session *session, const fc_domain *domain,
                                      const char *text, fc_points *points);
/* Points of a table: columns named like the axes, or as many columns as axes. */
FC_NODISCARD fc_status cli_query_table(const cli_session *session, const fc_domain *domain,
                                       const char *path, fc_points *points);
FC_NODISCARD fc_status cli_points_copy(const cli_session *session, size_t dims,
                                       const fc_points *from, fc_points *points);
void cli_points_clear(fc_points *points);

#endif
