/* avx512.c: the kernels of this room for x86-64-v4 (CMakeLists.txt sets the flags). */
#if defined(__x86_64__)
#define FC__TABLE fc__field_kernels_avx512
#include "ode/kernels/table.h"
#else
typedef int fc__not_this_machine; /* a file must not be empty */
#endif
