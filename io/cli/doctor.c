#include "io/cli/device.h"

#include "data/data.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- libraries */

/* Versions are asked from the libraries that are loaded, which need not be those of the headers at
 * build time; one that is linked statically cannot be asked. */
static void *loaded(const char *symbol)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    return program ? dlsym(program, symbol) : NULL;
}

/* A function of a library as a pointer of its type; POSIX lets dlsym return functions. */
#define LOADED(symbol, pointer)                                                                    \
    do {                                                                                           \
        void *found = loaded(symbol);                                                              \
        memcpy(&(pointer), &found, sizeof found);                                                  \
    } while (0)

static void print_version(const char *name, const char *version)
{
    printf("  %-12s %s\n", name, version ? version : "linked, its version is not visible");
}

static void print_text_version(const char *name, const char *symbol)
{
    const char *(*version)(void);
    LOADED(symbol, version);
    print_version(name, version ? version() : NULL);
}

static void print_libraries(void)
{
    char text[64];
    unsigned numbers[3];
    int (*hdf5)(unsigned *, unsigned *, unsigned *);
    int (*sundials)(char *, int);
    printf("libraries\n");
    print_text_version("BLAS", "openblas_get_config");
    LOADED("H5get_libversion", hdf5);
    bool known = hdf5 && hdf5(&numbers[0], &numbers[1], &numbers[2]) >= 0;
    if (known)
        snprintf(text, sizeof text, "%u.%u.%u", numbers[0], numbers[1], numbers[2]);
    print_version("HDF5", known ? text : NULL);
    LOADED("SUNDIALSGetVersion", sundials);
    known = sundials && sundials(text, (int)sizeof text) == 0;
    print_version("SUNDIALS", known ? text : NULL);
    print_version("FFTW", loaded("fftw_version"));
    if (loaded("sharp_execute"))
        print_version("libsharp", NULL);
    print_text_version("Cairo", "cairo_version_string");
    print_text_version("Jansson", "jansson_version_str");
    print_text_version("libyaml", "yaml_get_version_string");
}

/* ---------------------------------------------------------------- machine */

static void print_features(void)
{
    printf("  features    ");
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        printf(" avx2");
    if (__builtin_cpu_supports("fma"))
        printf(" fma");
    if (__builtin_cpu_supports("avx512f"))
        printf(" avx512f");
    if (__builtin_cpu_supports("avx512dq"))
        printf(" avx512dq");
    if (__builtin_cpu_supports("avx512bw"))
        printf(" avx512bw");
    if (__builtin_cpu_supports("avx512vl"))
        printf(" avx512vl");
#else
    printf(" not an x86 processor");
#endif
    printf("\n  kernels      %s\n", fc_simd_level());
}

/* The name that the operating system gives the processor. */
static void print_processor(void)
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && getline(&line, &size, file) > 0)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            printf("  processor   %s", strchr(line, ':') + 1);
            break;
        }
    if (file)
        fclose(file);
    free(line);
}

static void print_machine(cli_session *session)
{
    double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);
    printf("machine\n");
    print_processor();
    print_features();
    printf("  threads      %d of %ld processors\n", fc_context_threads(session->context),
           sysconf(_SC_NPROCESSORS_ONLN));
    printf("  memory       %.1f GB\n", 1e-9 * pages * page);
    cli_devices_print(session);
}

/* ---------------------------------------------------------------- self-check */

enum { CODES = 8 };

static fc_status make_decoder(cli_session *session, const fc_domain *domain, fc_decoder **decoder)
{
    fc_decoder_config config = fc_decoder_config_default();
    config.codes = CODES;
    config.channels = 1;
    config.layers = 2;
    config.filters = 16;
    return cli_library(session, fc_decoder_create(session->context, domain, &config, decoder));
}

/* The same field by the two ways a decoder is evaluated: layer by layer, and by its basis. */
static fc_status compare_decoders(cli_session *session, const fc_decoder *decoder,
                                  const fc_points *points, double *difference)
{
    fc_status status;
    float *values = NULL, *phi0 = NULL, *phi = NULL, z[CODES];
    CLI_TRY(cli_allocate(session, points->count, sizeof(float), &values));
    CLI_TRY(cli_allocate(session, points->count, sizeof(float), &phi0));
    CLI_TRY(cli_allocate(session, points->count * CODES, sizeof(float), &phi));
    for (int i = 0; i < CODES; ++i)
        z[i] = (float)sin(1.0 + i);
    LIB_TRY(session, fc_decoder_values(session->context, decoder, points->count,
                                       points->coordinates, 1, z, values));
    LIB_TRY(session, fc_decoder_basis(session->context, decoder, points->count, points->coordinates,
                                      phi0, phi));
    double error = 0.0, size = 0.0;
    for (size_t p = 0; p < points->count; ++p) {
        double sum = phi0[p];
        for (int i = 0; i < CODES; ++i)
            sum += (double)phi[p * CODES + (size_t)i] * (double)z[i];
        error = fmax(error, fabs(sum - (double)values[p]));
        size = fmax(size, fabs(sum));
    }
    *difference = error / size;
done:
    free(values);
    free(phi0);
    free(phi);
    return status;
}

static fc_status check_decoder(cli_session *session, const fc_dataset *dataset)
{
    fc_status status;
    fc_decoder *decoder = NULL;
    double difference = NAN;
    CLI_TRY(make_decoder(session, &dataset->domain, &decoder));
    CLI_TRY(compare_decoders(session, decoder, &dataset->points[0], &difference));
    printf("  decoder      %s, basis and values agree to %.1e\n",
           difference < 1e-4 ? "ok" : "FAILED", difference);
    if (!(difference < 1e-4))
        CLI_TRY(cli_fail(session, FC_ERROR_SOLVER, "the decoder disagrees with its own basis"));
    CLI_TRY(cli_device_check(session, decoder, &dataset->points[0]));
done:
    fc_decoder_destroy(decoder);
    return status;
}

static fc_status self_check(cli_session *session)
{
    fc_status status;
    fc_dataset *dataset = NULL;
    double start = cli_seconds();
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.sequences = 2;
    config.frames = 3;
    config.grid = 16;
    config.burn_in = 1.0;
    printf("self-check\n");
    LIB_TRY(session, fc_navier_stokes_generate(session->context, &config, &dataset));
    LIB_TRY(session, fc_dataset_validate(session->context, dataset, "self-check"));
    printf("  simulation   ok, %.2f s\n", cli_seconds() - start);
    CLI_TRY(check_decoder(session, dataset));
done:
    fc_dataset_destroy(dataset);
    return status;
}

/* ---------------------------------------------------------------- command */

fc_status cli_doctor(cli_session *session, int argc, char **argv)
{
    size_t threads = 0;
    bool helped;
    cli_option options[] = {CLI_OPT_THREADS(&threads)};
    const cli_syntax syntax = {.usage = "[options]",
                               .summary =
                                   "report the machine and libraries, and check that they work",
                               .examples = "  fieldcast doctor\n",
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    CLI_TRY(cli_start(session, threads));
    printf("fieldcast %s, compiled by %s, %s\n", fc_version(),
#if defined(__clang__)
           "clang " __clang_version__,
#else
           "gcc " __VERSION__,
#endif
           sizeof(void *) == 8 ? "64 bit" : "32 bit");
    print_machine(session);
    print_libraries();
    fflush(stdout);
    CLI_TRY(self_check(session));
done:
    return status;
}
