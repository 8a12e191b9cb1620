/* evaluator.h: dz = f(z) for CVODE, again and again with the same weights.
 *
 * Few rows are computed as a sum of slices (ode/field.h), which the threads of a parallel region
 * share: one of them calls fc__evaluator_run, the others fc__evaluator_help until the evaluator is
 * closed. Nobody waits for a thread that the machine does not run: the others do its work. Slices
 * are summed in their order, whoever computed them. */
#ifndef FC_ODE_EVALUATOR_H
#define FC_ODE_EVALUATOR_H

#include "ode/field.h"

typedef struct fc__evaluator fc__evaluator;

/* For up to `rows` rows and `members` threads; weights->forward is needed and, like the rest, read
 * as long as the evaluator lives. */
FC_NODISCARD fc_status fc__evaluator_create(const fc_field_config *config,
                                            const fc__field_weights *weights, size_t rows,
                                            size_t members, fc__evaluator **evaluator);
void fc__evaluator_destroy(fc__evaluator *evaluator);

/* Called by one thread, as member 0. */
void fc__evaluator_run(fc__evaluator *evaluator, size_t rows, const double *z, double *dz);
/* Called by member 1, 2, ... of a parallel region; returns once the evaluator is closed. */
void fc__evaluator_help(fc__evaluator *evaluator, size_t index);
void fc__evaluator_close(fc__evaluator *evaluator);

#endif
