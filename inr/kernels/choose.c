#include "inr/kernels/kernels.h"

extern const fc__kernels fc__kernels_baseline, fc__kernels_avx2, fc__kernels_avx512;

const fc__kernels *fc__kernels_chosen(void)
{
#if defined(__x86_64__)
    static const fc__kernels *const tables[FC__LEVELS] = {&fc__kernels_baseline, &fc__kernels_avx2,
                                                          &fc__kernels_avx512};
    return tables[fc__level_chosen()];
#else
    return &fc__kernels_baseline;
#endif
}
