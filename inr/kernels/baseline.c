/* baseline.c: the kernels of this room for what the compiler assumes of every machine. */
#define FC__TABLE fc__kernels_baseline
#include "inr/kernels/table.h"
