/* gray_scott.h: pieces of the Gray-Scott case. Private to this room. */
#ifndef FC_DATA_GRAY_SCOTT_H
#define FC_DATA_GRAY_SCOTT_H

#include "data/data.h"
#include "data/periodic.h"

/* The equation with the parameters of the configuration, which is to live as long. */
fc__periodic_equation fc__gray_scott_equation(const fc_gray_scott_config *config);
/* First values of a trajectory, (2, grid, grid): u, v. */
void fc__gray_scott_initial(const fc_gray_scott_config *config, size_t trajectory, double *values);

#endif
