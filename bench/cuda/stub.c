/* fieldcast-bench cuda of a build without CUDA. */
#include "bench/bench.h"

int bench_cuda(int count, char **arguments)
{
    (void)count;
    (void)arguments;
    fprintf(stderr, "fieldcast-bench: cuda: fieldcast was built without CUDA\n");
    return fc_status_exit_code(FC_ERROR_DEVICE);
}
