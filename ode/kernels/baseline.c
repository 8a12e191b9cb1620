/* baseline.c: the kernels of this room for what the compiler assumes of every machine. */
#define FC__TABLE fc__field_kernels_baseline
#include "ode/kernels/table.h"
