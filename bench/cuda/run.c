/* fieldcast-bench cuda: options, the table of cases, and a device for each precision. */
#include "bench/cuda/cuda.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

typedef struct cuda_case {
    const char *name, *what;
    fc_status (*run)(bench_cuda_run *b);
} cuda_case;

static const cuda_case cases[] = {
    {"decode", "fields of frames from a basis, all on the device", bench_cuda_decode},
    {"basis", "basis at points never seen before, widths 64 and 256", bench_cuda_basis},
    {"train-decoder", "step on other points in every frame, codes and weights by Adam",
     bench_cuda_train_decoder},
    {"ensemble", "members integrated by CVODE to host memory", bench_cuda_ensemble},
    {"train-dynamics", "update on rollouts, of one interval and of nine",
     bench_cuda_train_dynamics},
};
enum { CASES = sizeof cases / sizeof *cases, PRECISIONS = 3 };

static const char *const precision_names[PRECISIONS] = {
    [FC_CUDA_TF32] = "tf32", [FC_CUDA_FP32] = "fp32", [FC_CUDA_BF16] = "bf16"};

typedef struct options {
    bool chosen[CASES], precisions[PRECISIONS], list, help;
    int device, threads;
} options;

static const char usage[] =
    "Usage: fieldcast-bench cuda [CASE...] [options]\n"
    "\n"
    "  fieldcast-bench cuda                     every case on cuda:0, in TF32, FP32 and BF16\n"
    "  fieldcast-bench cuda decode --precision tf32,bf16 --json\n"
    "  fieldcast-bench cuda --share 0.01        every size a hundredth, to try it out\n"
    "\n"
    "  --device N           default 0\n"
    "  --precision LIST     of tf32, fp32, bf16; default all\n"
    "  --share X            of the sizes, in (0, 1]; default 1\n"
    "  --repeats N          default: 0.5 s, at least 7 times (5, 3, 1 when one takes over 1, 5, 20 "
    "s)\n"
    "  --threads N          of the processor, for the comparison; default: all\n"
    "  --json               a JSON line for each result\n"
    "  --list               cases\n";

/* ---------------------------------------------------------------- the command line */

static bool choose(const char *name, size_t count, const char *const *names, bool *chosen)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return chosen[i] = true;
    fprintf(stderr, "fieldcast-bench: cuda: '%s' is not known\n", name);
    return false;
}

static bool choose_precisions(const char *list, options *o)
{
    char copy[64];
    bool good = true;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *rest = copy, *name; good && (name = strsep(&rest, ","));)
        good = choose(name, PRECISIONS, precision_names, o->precisions);
    return good;
}

static bool take(int option, const char *argument, bench_cuda_run *b, options *o)
{
    char *end = NULL;
    double number = argument ? strtod(argument, &end) : 0.0;
    bool whole =
        end && *end == '\0' && number >= 0.0 && number <= 1e6 && number == (double)(int)number;
    switch (option) {
    case 'p':
        return choose_precisions(argument, o);
    case 's':
        b->share = number;
        return *end == '\0' && number > 0.0 && number <= 1.0;
    case 'd':
        o->device = (int)number;
        return whole;
    case 't':
        o->threads = (int)number;
        return whole && number > 0.0;
    case 'r':
        b->repeats = (size_t)number;
        return whole && number > 0.0;
    case 'j':
        return b->json = true;
    case 'l':
        return o->list = true;
    case 'h':
        return o->help = true;
    default:
        return false;
    }
}

static bool parse(int count, char **arguments, bench_cuda_run *b, options *o)
{
    static const struct option known[] = {{"precision", required_argument, NULL, 'p'},
                                          {"share", required_argument, NULL, 's'},
                                          {"device", required_argument, NULL, 'd'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"repeats", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"list", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *names[CASES];
    bool good = true;
    for (int i = 0; i < CASES; i++)
        names[i] = cases[i].name;
    for (int c; good && (c = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        good = take(c, optarg, b, o);
        if (!good && c != '?')
            fprintf(stderr, "fieldcast-bench: cuda: '%s' is not accepted there\n", optarg);
    }
    for (int i = optind; good && i < count; i++)
        good = choose(arguments[i], CASES, names, o->chosen);
    for (int i = 0; good && optind == count && i < CASES; i++)
        o->chosen[i] = true;
    bool any = o->precisions[0] || o->precisions[1] || o->precisions[2];
    for (int i = 0; !any && i < PRECISIONS; i++)
        o->precisions[i] = true;
    return good;
}

/* ---------------------------------------------------------------- the run */

static void close_device(bench_cuda_run *b)
{
    fc_context_set_engine(b->context, NULL);
    bench_clock_destroy(b->clock);
    fc_engine_destroy(b->engine);
    b->clock = NULL;
    b->engine = NULL;
    b->device = NULL;
}

static fc_status open_device(bench_cuda_run *b, int index, fc_cuda_precision precision)
{
    fc_status status = FC_OK;
    fc_cuda_config config = fc_cuda_config_default();
    config.index = index;
    config.precision = precision;
    FC_TRY(fc_cuda_engine_create(b->context, &config, &b->engine));
    b->device = ((fc__cuda *)b->engine->device)->device;
    b->precision = fc__device_precision(b->device);
    FC_TRY(bench_clock_create(b->context, b->device, &b->clock));
    fc_context_set_engine(b->context, b->engine);
done:
    if (status != FC_OK)
        close_device(b);
    return status;
}

/* A case that fails does not keep others from being measured. */
static fc_status run_cases(bench_cuda_run *b, const options *o)
{
    fc_status first = FC_OK;
    for (int i = 0; i < CASES; i++) {
        fc_status status = o->chosen[i] ? cases[i].run(b) : FC_OK;
        if (status == FC_OK)
            continue;
        fprintf(stderr, "fieldcast-bench: cuda: %s: %s\n", cases[i].name,
                fc_context_message(b->context));
        first = first == FC_OK ? status : first;
    }
    return first;
}

static fc_status run(bench_cuda_run *b, const options *o)
{
    fc_status status = FC_OK, first = FC_OK;
    FC_TRY(open_device(b, o->device, FC_CUDA_TF32));
    FC_TRY(bench_cuda_print_conditions(b, o->device));
    FC_TRY(bench_cuda_limits(b));
    for (int i = 0; i < PRECISIONS; i++) {
        close_device(b);
        if (!o->precisions[i])
            continue;
        FC_TRY(open_device(b, o->device, (fc_cuda_precision)i));
        if (b->precision != (fc_cuda_precision)i)
            continue; /* the device has no such products */
        status = run_cases(b, o);
        first = first == FC_OK ? status : first;
    }
    status = first;
done:
    close_device(b);
    return status;
}

int bench_cuda(int count, char **arguments)
{
    bench_cuda_run b = {.share = 1.0};
    options o = {0};
    if (!parse(count, arguments, &b, &o)) {
        fputs(usage, stderr);
        return fc_status_exit_code(FC_ERROR_USAGE);
    }
    if (o.help)
        fputs(usage, stdout);
    for (int i = 0; o.list && i < CASES; i++)
        printf("%-16s %s\n", cases[i].name, cases[i].what);
    if (o.help || o.list)
        return 0;
    fc_status status = fc_context_create(o.threads, &b.context);
    if (status == FC_OK)
        status = fc_context_create(o.threads, &b.plain);
    if (status == FC_OK)
        status = run(&b, &o);
    if (status != FC_OK)
        fprintf(stderr, "fieldcast-bench: cuda: %s\n",
                b.context ? fc_context_message(b.context) : fc_status_text(status));
    fc_context_destroy(b.plain);
    fc_context_destroy(b.context);
    return fc_status_exit_code(status);
}
