#include "ode/kernels/kernels.h"

extern const fc__field_kernels fc__field_kernels_baseline, fc__field_kernels_avx2,
    fc__field_kernels_avx512;

const fc__field_kernels *fc__field_kernels_chosen(void)
{
#if defined(__x86_64__)
    static const fc__field_kernels *const tables[FC__LEVELS] = {
        &fc__field_kernels_baseline, &fc__field_kernels_avx2, &fc__field_kernels_avx512};
    return tables[fc__level_chosen()];
#else
    return &fc__field_kernels_baseline;
#endif
}
