/* fieldcast-bench: options, and the table of cases. */
#include "bench/bench.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const bench_case cases[] = {
    {"limit-fma", "fused multiply-adds in registers", bench_run_limit, BENCH_FMA},
    {"limit-triad", "a = b + s c on arrays beyond the caches", bench_run_limit, BENCH_TRIAD},
    {"limit-cache", "reading what stays in the second-level cache", bench_run_limit, BENCH_CACHE},
    {"limit-sgemm", "OpenBLAS, a 2048^3 product on each thread", bench_run_limit, BENCH_SGEMM},
    {"basis", "basis at points never seen before", bench_run_basis, 0},
    {"decode", "fields of frames at points seen before", bench_run_decode, BENCH_SEEN},
    {"decode-new", "the same, basis included", bench_run_decode, BENCH_NEW},
    {"encode", "code of one frame at points seen before", bench_run_encode, BENCH_SEEN},
    {"encode-new", "the same, basis and factorisation included", bench_run_encode, BENCH_NEW},
    {"train-decoder", "epoch on shared points, codes solved for", bench_run_train_decoder,
     BENCH_SHARED_SOLVED},
    {"train-decoder-adam", "epoch on shared points, codes moved by Adam", bench_run_train_decoder,
     BENCH_SHARED_ADAM},
    {"train-decoder-scattered", "epoch on other points in every frame, codes moved by Adam",
     bench_run_train_decoder, BENCH_SCATTERED_ADAM},
    {"train-decoder-solved", "the same, codes solved for", bench_run_train_decoder,
     BENCH_SCATTERED_SOLVED},
    {"vector-field-one", "one evaluation, one thread", bench_run_vector_field, BENCH_ONE},
    {"vector-field", "evaluation of a batch", bench_run_vector_field, BENCH_BATCH},
    {"train-dynamics", "epoch of rollouts over the horizon", bench_run_train_dynamics,
     BENCH_HORIZON},
    {"train-dynamics-step", "epoch of single intervals", bench_run_train_dynamics, BENCH_STEP},
    {"forecast-first", "sensors to fields, end to end, at new points", bench_run_forecast,
     BENCH_NEW},
    {"forecast", "the same at points seen before", bench_run_forecast, BENCH_SEEN},
    {"growth", "decoding over the number of points and of frames", bench_run_growth, 0},
    {"read-native", "a contiguous dataset of fieldcast into memory", bench_run_read,
     BENCH_READ_NATIVE},
    {"read-cf", "a contiguous CF grid into memory", bench_run_read, BENCH_READ_CF},
    {"read-gzip", "a CF grid compressed with gzip and shuffle into memory", bench_run_read,
     BENCH_READ_PACKED},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct options {
    bool json, list, help, chosen[CASES];
    const char *sizes;
    size_t threads;
} options;

static const char usage[] =
    "Usage: fieldcast-bench [CASE...] [options]\n"
    "       fieldcast-bench solvers MODEL DATA\n"
    "       fieldcast-bench families DATA TEST [options]\n"
    "       fieldcast-bench cuda [CASE...] [options]\n"
    "\n"
    "  fieldcast-bench                        every case at the Navier-Stokes size\n"
    "  fieldcast-bench decode --size ns,sw    one case at two sizes\n"
    "  fieldcast-bench --size all --json      everything, a JSON line each\n"
    "\n"
    "  --size NAME[,NAME]   ns, sw, series, large, or all; default ns\n"
    "  --threads N          default: all processors\n"
    "  --repeats N          default: 0.5 s, at least 7 times (5, 3, 1 when one takes over 1, 5, 20 "
    "s)\n"
    "  --filter KIND        auto, integer, random, trainable or harmonic; default auto\n"
    "  --model FILE --data FILE   for forecast: of a trained model\n"
    "  --json               a JSON line for each result\n"
    "  --list               cases and sizes\n";

/* A limit as a case: a share of itself, or of the multiply-adds for products. */
fc_status bench_run_limit(bench *b, const bench_case *which, const bench_problem *problem)
{
    bench_limit limit = (bench_limit)which->variant;
    bool reads = limit == BENCH_TRIAD || limit == BENCH_CACHE;
    double work, seconds;
    (void)problem;
    fc_status status = bench_measure_limit(b->context, limit, &work, &seconds);
    if (status != FC_OK)
        return status;
    bench_result result = {
        .name = which->name,
        .size = "machine",
        .time = {.median = seconds, .min = seconds, .max = seconds, .repeats = 1},
        .amount = work,
        .unit = reads ? "bytes/s" : "flop/s",
        .flops = reads ? 0.0 : work,
        .bytes = reads ? work : 0.0};
    snprintf(result.note, sizeof result.note, "%s", which->what);
    return bench_keep(b, &result);
}

/* Measures all limits and keeps the best of them: once before the cases and once after, as other
 * work on the machine may slow down either. */
static fc_status measure_limits(bench *b)
{
    fc_status status = FC_OK;
    for (int single = 0; single < 2; single++) {
        fc_context *context = single ? b->single : b->context;
        if (single && fc_context_threads(b->context) == 1)
            break;
        for (int i = 0; i < BENCH_LIMITS; i++) {
            double work, seconds;
            FC_TRY(bench_measure_limit(context, (bench_limit)i, &work, &seconds));
            b->limit[single][i] = fmax(b->limit[single][i], work / seconds);
        }
    }
done:
    return status;
}

static bool names_size(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return strcmp(list, "all") == 0;
}

static fc_status run_size(bench *b, const options *o, const bench_size *size)
{
    fc_status status = FC_OK;
    bench_problem problem = {0};
    FC_TRY(bench_problem_create(b->context, size, b->filter, &problem));
    for (int i = 0; i < CASES; i++)
        if (o->chosen[i] && cases[i].run != bench_run_limit)
            FC_TRY(cases[i].run(b, &cases[i], &problem));
done:
    bench_problem_clear(&problem);
    return status;
}

static fc_status run(bench *b, const options *o)
{
    fc_status status = FC_OK;
    FC_TRY(measure_limits(b));
    for (int i = 0; i < CASES; i++)
        if (o->chosen[i] && cases[i].run == bench_run_limit)
            FC_TRY(cases[i].run(b, &cases[i], NULL));
    for (size_t s = 0; s < bench_size_count; s++)
        if (names_size(o->sizes, bench_sizes[s].name))
            FC_TRY(run_size(b, o, &bench_sizes[s]));
    FC_TRY(measure_limits(b));
    if (o->json)
        bench_report_json(b);
    else
        bench_report_text(b);
done:
    return status;
}

static void list(void)
{
    printf("cases\n");
    for (int i = 0; i < CASES; i++)
        printf("  %-24s %s\n", cases[i].name, cases[i].what);
    printf("sizes\n ");
    for (size_t i = 0; i < bench_size_count; i++)
        printf(" %s", bench_sizes[i].name);
    putchar('\n');
}

/* A whole number in [1, most], else 0. */
static size_t parse_count(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= most ? (size_t)value : 0;
}

static bool parse_filter(const char *text, fc_filter_kind *kind)
{
    static const char *const names[] = {"auto", "integer", "random", "trainable", "harmonic"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *kind = (fc_filter_kind)i;
            return true;
        }
    }
    return false;
}

static bool choose_case(options *o, const char *name)
{
    for (int i = 0; i < CASES; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            o->chosen[i] = true;
            return true;
        }
    }
    fprintf(stderr, "fieldcast-bench: case '%s' is unknown; --list shows all\n", name);
    return false;
}

static bool sizes_known(const char *list_of_sizes)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", list_of_sizes);
    for (char *rest = copy, *name; (name = strsep(&rest, ","));) {
        bool known = strcmp(name, "all") == 0;
        for (size_t i = 0; i < bench_size_count; i++)
            known |= strcmp(name, bench_sizes[i].name) == 0;
        if (!known) {
            fprintf(stderr, "fieldcast-bench: size '%s' is unknown; --list shows all\n", name);
            return false;
        }
    }
    return true;
}

/* One option; false, with a message, when its argument is not accepted. */
static bool take(int option, const char *argument, bench *b, options *o)
{
    bool good = true;
    switch (option) {
    case 's':
        o->sizes = argument;
        return sizes_known(argument);
    case 't':
        good = (o->threads = parse_count(argument, 4096)) > 0;
        break;
    case 'r':
        good = (b->repeats = parse_count(argument, 1000000)) > 0;
        break;
    case 'f':
        good = parse_filter(argument, &b->filter);
        break;
    case 'm':
        b->model_file = argument;
        break;
    case 'd':
        b->data_file = argument;
        break;
    case 'j':
        o->json = true;
        break;
    case 'l':
        o->list = true;
        break;
    case 'h':
        o->help = true;
        break;
    default:
        return false;
    }
    if (!good)
        fprintf(stderr, "fieldcast-bench: '%s' is not accepted there\n", argument);
    return good;
}

/* Whether the command line makes sense. */
static bool parse(int count, char **arguments, bench *b, options *o)
{
    static const struct option known[] = {
        {"size", required_argument, NULL, 's'},    {"threads", required_argument, NULL, 't'},
        {"repeats", required_argument, NULL, 'r'}, {"filter", required_argument, NULL, 'f'},
        {"model", required_argument, NULL, 'm'},   {"data", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},          {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},          {0}};
    bool good = true;
    for (int c; good && (c = getopt_long(count, arguments, "", known, NULL)) != -1;)
        good = take(c, optarg, b, o);
    for (int i = optind; good && i < count; i++)
        good = choose_case(o, arguments[i]);
    for (int i = 0; optind == count && i < CASES; i++)
        o->chosen[i] = true;
    if (good && !b->model_file != !b->data_file) {
        fprintf(stderr, "fieldcast-bench: --model and --data belong together\n");
        good = false;
    }
    return good;
}

int main(int count, char **arguments)
{
    bench b = {.filter = FC_FILTER_AUTO};
    options o = {.sizes = "ns"};
    if (count >= 2 && strcmp(arguments[1], "families") == 0)
        return bench_families(count - 1, arguments + 1);
    if (count >= 2 && strcmp(arguments[1], "cuda") == 0)
        return bench_cuda(count - 1, arguments + 1);
    bool solvers = count == 4 && strcmp(arguments[1], "solvers") == 0;
    if (!solvers && !parse(count, arguments, &b, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.list || o.help) {
        if (o.help)
            fputs(usage, stdout);
        else
            list();
        return 0;
    }
    if (!fc_simd_level()) {
        fprintf(stderr, "fieldcast-bench: FIELDCAST_SIMD names no level of this processor\n");
        return 2;
    }
    fc_status status = fc_context_create((int)o.threads, &b.context);
    if (status == FC_OK)
        status = fc_context_create(1, &b.single);
    if (status == FC_OK)
        status = solvers ? bench_solvers(b.context, arguments[2], arguments[3]) : run(&b, &o);
    if (status != FC_OK)
        fprintf(stderr, "fieldcast-bench: %s\n",
                b.context ? fc_context_message(b.context) : fc_status_text(status));
    fc_context_destroy(b.single);
    fc_context_destroy(b.context);
    free(b.results);
    return fc_status_exit_code(status);
}
