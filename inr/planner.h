/* planner.h: FFTW's planner is shared by the whole process and not thread-safe. Plans are
 * estimated, never measured: the same plan, and so the same bits, in every run. */
#ifndef FC_INR_PLANNER_H
#define FC_INR_PLANNER_H

/* Around every call that makes or destroys plans. */
void fc__planner_lock(void);
void fc__planner_unlock(void);

#endif
