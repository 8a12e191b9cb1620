#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

fc_status bench_keep(bench *b, const bench_result *result)
{
    if (b->count == b->room) {
        size_t room = b->room ? 2 * b->room : 64;
        bench_result *results = realloc(b->results, fc__product(room, sizeof *results));
        if (!results)
            return fc__fail(b->context, FC_ERROR_MEMORY, "out of memory for %zu results", room);
        b->results = results;
        b->room = room;
    }
    bench_result *kept = &b->results[b->count++];
    *kept = *result;
    if (kept->threads == 0)
        kept->threads = fc_context_threads(b->context);
    fprintf(stderr, "%s %s: %.4g s, %zu repeats; %s\n", kept->name, kept->size, kept->time.median,
            kept->time.repeats, kept->note);
    return FC_OK;
}

void bench_keep_bases(bench *b, double bytes)
{
    fc_context_set_cache(b->context, bytes > BENCH_KEPT ? (size_t)bytes : (size_t)BENCH_KEPT);
}

bool bench_fits(const char *name, const char *size, double bytes)
{
    double available = (double)bench_memory_available();
    bool fits = bytes < 0.8 * available;
    if (!fits)
        fprintf(stderr, "%s %s: skipped, as it needs %.1f GiB of memory and %.1f are available\n",
                name, size, bytes / 0x1p30, available / 0x1p30);
    return fits;
}

/* The limit that allows the least: the one that takes longest for what was counted. `fraction` of
 * it is what the measurement reached; nothing counted: 0. */
static bench_limit ruling(const bench *b, const bench_result *r, double *limit, double *fraction)
{
    const double *limits = b->limit[r->threads == 1 && fc_context_threads(b->context) != 1];
    /* What each thread reads stays in its cache between repeats if it fits there. */
    bool cached = r->bytes / r->threads < (double)bench_cache_size();
    bench_limit reading = cached ? BENCH_CACHE : BENCH_TRIAD;
    double compute = r->flops / limits[r->compute], memory = r->bytes / limits[reading];
    bench_limit which = memory > compute ? reading : r->compute;
    *limit = limits[which];
    *fraction = (memory > compute ? memory : compute) / r->time.median;
    return which;
}

/* A time with a unit that suits it. */
static const char *time_text(double seconds, char text[16])
{
    if (seconds < 1e-3)
        snprintf(text, 16, "%.2f us", 1e6 * seconds);
    else if (seconds < 1.0)
        snprintf(text, 16, "%.3f ms", 1e3 * seconds);
    else
        snprintf(text, 16, "%.3f s", seconds);
    return text;
}

static void print_limits(const double limit[BENCH_LIMITS], int threads)
{
    printf("limits      %d thread%s: fma %.1f GF/s, triad %.1f GB/s, cache %.1f GB/s, "
           "sgemm %.1f GF/s\n",
           threads, threads == 1 ? "" : "s", 1e-9 * limit[BENCH_FMA], 1e-9 * limit[BENCH_TRIAD],
           1e-9 * limit[BENCH_CACHE], 1e-9 * limit[BENCH_SGEMM]);
}

static void print_size(const bench_size *s)
{
    printf("size        %s: grid %zu x %zu, %zu channel%s, width %zu, layers %zu, C %zu, "
           "frames %zu (scattered %zu), R %zu, batch %zu, horizon %zu\n",
           s->name, s->grid[0], s->grid[1], s->channels, s->channels == 1 ? "" : "s",
           2 * s->filters, s->layers, s->codes, s->frames, s->scattered_frames, s->rank, s->batch,
           s->horizon);
}

void bench_report_text(const bench *b)
{
    static const char *const filters[] = {"auto", "integer", "random", "trainable", "harmonic"};
    char name[128], median[16], min[16], max[16];
    int threads = fc_context_threads(b->context);
    bench_processor_name(name, sizeof name);
    printf("fieldcast   %s, compiler %s\n", fc_version(), COMPILER);
    printf("processor   %s, kernels %s, %d thread%s\n", name, fc_simd_level(), threads,
           threads == 1 ? "" : "s");
    print_limits(b->limit[0], threads);
    if (threads != 1 && b->limit[1][BENCH_FMA] > 0.0)
        print_limits(b->limit[1], 1);
    printf("filters     %s\n", filters[b->filter]);
    for (size_t i = 0; i < bench_size_count; i++) {
        bool used = false;
        for (size_t k = 0; k < b->count; k++)
            used |= strcmp(b->results[k].size, bench_sizes[i].name) == 0;
        if (used)
            print_size(&bench_sizes[i]);
    }
    printf("\n%-23s %-6s %3s %11s %11s %11s %6s %12s %-13s %7s %-6s %6s  %s\n", "case", "size",
           "thr", "median", "min", "max", "times", "rate", "", "GF/s", "limit", "share", "");
    for (size_t i = 0; i < b->count; i++) {
        const bench_result *r = &b->results[i];
        double limit, share;
        const char *rules = bench_limit_name[ruling(b, r, &limit, &share)];
        printf("%-23s %-6s %3d %11s %11s %11s %6zu %12.4g %-13s %7.1f %-6s %4.0f %%  %s\n", r->name,
               r->size, r->threads, time_text(r->time.median, median), time_text(r->time.min, min),
               time_text(r->time.max, max), r->time.repeats, r->amount / r->time.median, r->unit,
               1e-9 * r->flops / r->time.median, rules, 100.0 * share, r->note);
    }
}

void bench_report_json(const bench *b)
{
    char name[128];
    bench_processor_name(name, sizeof name);
    for (size_t i = 0; i < b->count; i++) {
        const bench_result *r = &b->results[i];
        double limit, fraction;
        const char *rules = bench_limit_name[ruling(b, r, &limit, &fraction)];
        printf("{\"case\": \"%s\", \"size\": \"%s\", \"threads\": %d, \"seconds\": %.6e, "
               "\"rate\": %.6e, \"unit\": \"%s\", \"limit\": \"%s\", \"fraction\": %.4f, "
               "\"min\": %.6e, \"max\": %.6e, \"repeats\": %zu, \"flops\": %.6e, \"bytes\": %.6e, "
               "\"limit_rate\": %.6e%s, \"simd\": \"%s\", \"processor\": \"%s\", "
               "\"compiler\": \"%s\"}\n",
               r->name, r->size, r->threads, r->time.median, r->amount / r->time.median, r->unit,
               rules, fraction, r->time.min, r->time.max, r->time.repeats, r->flops, r->bytes,
               limit, r->keys, fc_simd_level(), name, COMPILER);
    }
}
