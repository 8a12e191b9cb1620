/* exponential.h: exponential time differencing, what one step multiplies by. Private to this room.
 */
#ifndef FC_DATA_EXPONENTIAL_H
#define FC_DATA_EXPONENTIAL_H

#include "data/generator.h"

/* A step h of dy/dt = L y + N(y) by the Runge-Kutta method of order 4 of Cox & Matthews (2002, J.
 * Comput. Phys. 176, equations 26 to 29), with the names of the factors below:
 *
 *   a = HALF y + FIRST N(y)     b = HALF y + FIRST N(a)     c = HALF a + FIRST (2 N(b) - N(y))
 *   y' = WHOLE y + START N(y) + MIDDLE (N(a) + N(b)) + END N(c)
 *
 * A balance of L y and N(y) stays one, whatever the step. */
enum { FC__HALF, FC__WHOLE, FC__FIRST, FC__START, FC__MIDDLE, FC__END, FC__EXPONENTIAL_FACTORS };

/* For one complex L; real where L is. */
void fc__exponential_factors(double real, double imaginary, double h,
                             fc__complex factors[FC__EXPONENTIAL_FACTORS]);

#endif
