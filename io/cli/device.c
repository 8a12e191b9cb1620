#include "io/cli/device.h"
#include "cuda/cuda.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status cli_device_use(cli_session *session, const cli_device *device, const cli_syntax *syntax)
{
    uint64_t index;
    const char *name = device->name ? device->name : "cpu";
    static const fc_cuda_precision precisions[] = {FC_CUDA_TF32, FC_CUDA_FP32, FC_CUDA_BF16};
    if (strcmp(name, "cpu") == 0) {
        if (cli_option_named(syntax, "--precision")->given)
            return cli_fail(session, FC_ERROR_USAGE,
                            "--precision is for --device cuda:N; the processor computes in fp32");
        return FC_OK;
    }
    if (strncmp(name, "cuda:", 5) != 0 || !cli_parse_count(name + 5, &index) || index > 1024)
        return cli_fail(session, FC_ERROR_USAGE, "--device %s: must be cpu or cuda:N", name);
    fc_cuda_config config = fc_cuda_config_default();
    config.index = (int)index;
    config.precision = precisions[device->precision];
    fc_status status =
        cli_library(session, fc_cuda_engine_create(session->context, &config, &session->engine));
    if (status == FC_OK)
        fc_context_set_engine(session->context, session->engine);
    return status;
}

/* ---------------------------------------------------------------- doctor */

static void print_device(cli_session *session, int index)
{
    fc_cuda_description d;
    if (fc_cuda_describe(session->context, index, &d) != FC_OK) {
        printf("  CUDA         %s\n", fc_context_message(session->context));
        return;
    }
    printf("  cuda:%-7d %s, compute capability %d.%d, %d multiprocessors\n", index, d.name, d.major,
           d.minor, d.multiprocessors);
    printf("               %.1f of %.1f GB free\n", 1e-9 * (double)d.free, 1e-9 * (double)d.memory);
    printf(
        "               driver for CUDA %d.%d, runtime %d.%d, cuBLAS %d.%d.%d, cuSOLVER %d.%d.%d\n",
        d.driver / 1000, d.driver % 1000 / 10, d.runtime / 1000, d.runtime % 1000 / 10,
        d.cublas / 10000, d.cublas % 10000 / 100, d.cublas % 100, d.cusolver / 10000,
        d.cusolver % 10000 / 100, d.cusolver % 100);
}

void cli_devices_print(cli_session *session)
{
    int count;
    if (fc_cuda_count(session->context, &count) != FC_OK)
        printf("  CUDA         %s\n", fc_context_message(session->context));
    for (int i = 0; i < count; ++i)
        print_device(session, i);
}

/* max |a - b| / max |b| */
static double difference(size_t count, const float *a, const float *b)
{
    double error = 0.0, size = 0.0;
    for (size_t i = 0; i < count; ++i) {
        error = fmax(error, fabs((double)a[i] - (double)b[i]));
        size = fmax(size, fabs((double)b[i]));
    }
    return error / size;
}

static fc_status compare_basis(cli_session *session, const fc_decoder *decoder,
                               const fc_points *points, double *found)
{
    fc_status status;
    size_t rows = points->count * decoder->config.channels, codes = decoder->config.codes;
    float *phi[2] = {NULL}, *phi0[2] = {NULL};
    fc_engine *engine = NULL;
    fc_cuda_config config = fc_cuda_config_default();
    config.precision = FC_CUDA_FP32;
    LIB_TRY(session, fc_cuda_engine_create(session->context, &config, &engine));
    for (int i = 0; i < 2; ++i) {
        CLI_TRY(cli_allocate(session, rows, sizeof(float), &phi0[i]));
        CLI_TRY(cli_allocate(session, rows * codes, sizeof(float), &phi[i]));
        fc_context_set_engine(session->context, i == 0 ? engine : NULL);
        LIB_TRY(session, fc_decoder_basis(session->context, decoder, points->count,
                                          points->coordinates, phi0[i], phi[i]));
    }
    *found = fmax(difference(rows, phi0[0], phi0[1]), difference(rows * codes, phi[0], phi[1]));
done:
    fc_context_set_engine(session->context, NULL);
    fc_engine_destroy(engine);
    for (int i = 0; i < 2; ++i) {
        free(phi0[i]);
        free(phi[i]);
    }
    return status;
}

fc_status cli_device_check(cli_session *session, const fc_decoder *decoder, const fc_points *points)
{
    double found = NAN;
    if (fc_cuda_check(session->context, 0) != FC_OK)
        return FC_OK;
    fc_status status = compare_basis(session, decoder, points, &found);
    if (status != FC_OK)
        return status;
    bool sound = found < 1e-4;
    printf("  cuda:0       %s, basis agrees with the processor's to %.1e\n",
           sound ? "ok" : "FAILED", found);
    return sound ? FC_OK
                 : cli_fail(session, FC_ERROR_DEVICE, "cuda:0 disagrees with the processor");
}
