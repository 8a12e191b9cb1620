#include "inr/cache.h"
#include "inr/engine.h"

#include <cblas.h>
#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_CACHE = 512 << 20 }; /* bytes */

struct fc_context {
    int threads;
    fc__cache *cache;
    const fc_engine *engine;
    volatile sig_atomic_t interrupted;
    fc_progress *progress;
    void *progress_user;
    fc_fault_listener *fault_listener;
    void *fault_user;
    char message[1024];
};

const char *fc_version(void)
{
    return FC_VERSION;
}

const char *fc_status_text(fc_status status)
{
    switch (status) {
#define FC_STATUS_CASE(name, exit_code, text)                                                      \
    case name:                                                                                     \
        return text;
        FC_STATUS_LIST(FC_STATUS_CASE)
#undef FC_STATUS_CASE
    }
    return "unknown status";
}

int fc_status_exit_code(fc_status status)
{
    switch (status) {
#define FC_STATUS_CASE(name, exit_code, text)                                                      \
    case name:                                                                                     \
        return exit_code;
        FC_STATUS_LIST(FC_STATUS_CASE)
#undef FC_STATUS_CASE
    }
    return 1;
}

fc_status fc_context_create(int threads, fc_context **context)
{
    *context = NULL;
    if (threads < 0 || threads > 4096)
        return FC_ERROR_USAGE;
    fc_context *made = calloc(1, sizeof *made);
    if (!made)
        return FC_ERROR_MEMORY;
    if (fc__cache_create(&made->cache) != FC_OK) {
        free(made);
        return FC_ERROR_MEMORY;
    }
    fc__cache_set_limit(made->cache, DEFAULT_CACHE);
    made->threads = threads > 0 ? threads : omp_get_max_threads();
    openblas_set_num_threads(1);
    *context = made;
    return FC_OK;
}

void fc_context_destroy(fc_context *context)
{
    if (!context)
        return;
    fc__cache_destroy(context->cache);
    free(context);
}

fc__cache *fc__context_cache(const fc_context *context)
{
    return context ? context->cache : NULL;
}

void fc_context_set_cache(fc_context *context, size_t bytes)
{
    fc__cache_set_limit(context->cache, bytes);
}

void fc_context_set_engine(fc_context *context, const fc_engine *engine)
{
    context->engine = engine;
}

const fc_engine *fc__context_engine(const fc_context *context)
{
    return context ? context->engine : NULL;
}

const char *fc_engine_name(const fc_engine *engine)
{
    return engine ? engine->name : "cpu";
}

void fc_engine_destroy(fc_engine *engine)
{
    if (!engine)
        return;
    engine->destroy(engine->device);
    free(engine);
}

int fc_context_threads(const fc_context *context)
{
    return context ? context->threads : 1;
}

const char *fc_context_message(const fc_context *context)
{
    return context->message;
}

void fc_context_interrupt(fc_context *context)
{
    context->interrupted = 1;
}

bool fc_context_interrupted(const fc_context *context)
{
    return context && context->interrupted != 0;
}

void fc_context_set_progress(fc_context *context, fc_progress *progress, void *user)
{
    context->progress = progress;
    context->progress_user = user;
}

void fc_context_set_fault_listener(fc_context *context, fc_fault_listener *listener, void *user)
{
    context->fault_listener = listener;
    context->fault_user = user;
}

/* Formatted aside, as an argument may be the present message. */
static void set_message(fc_context *context, const char *format, va_list arguments)
{
    char message[sizeof context->message];
    vsnprintf(message, sizeof message, format, arguments);
    memcpy(context->message, message, sizeof message);
}

fc_status fc__fail(fc_context *context, fc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (context)
        set_message(context, format, arguments);
    va_end(arguments);
    return status;
}

fc_status fc__fault(fc_context *context, fc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (context)
        set_message(context, format, arguments);
    va_end(arguments);
    if (!context || !context->fault_listener)
        return status;
    context->fault_listener(context->fault_user, status, context->message);
    return FC_OK;
}

void fc__report(fc_context *context, const char *stage, uint64_t done, uint64_t total, double loss)
{
    if (context && context->progress)
        context->progress(context->progress_user, stage, done, total, loss);
}

double fc__seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

size_t fc__product(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

fc_status fc__reserve(fc_context *context, size_t count, size_t size, void *pointer)
{
    enum { ALIGNMENT = 64 };
    void *memory = NULL;
    size_t bytes = fc__product(count, size);
    if (bytes <= SIZE_MAX - ALIGNMENT)
        memory = aligned_alloc(ALIGNMENT, (bytes / ALIGNMENT + 1) * ALIGNMENT);
    memcpy(pointer, &memory, sizeof memory);
    if (!memory)
        return fc__fail(context, FC_ERROR_MEMORY, "out of memory: %zu x %zu bytes were asked for",
                        count, size);
    return FC_OK;
}

fc_status fc__allocate(fc_context *context, size_t count, size_t size, void *pointer)
{
    void *memory;
    fc_status status = fc__reserve(context, count, size, &memory);
    if (status == FC_OK)
        memset(memory, 0, count * size + 1);
    memcpy(pointer, &memory, sizeof memory);
    return status;
}

fc_status fc__copy_text(fc_context *context, const char *text, char **copy)
{
    *copy = NULL;
    if (!text)
        return FC_OK;
    size_t size = strlen(text) + 1;
    fc_status status = fc__allocate(context, size, 1, copy);
    if (status == FC_OK)
        memcpy(*copy, text, size);
    return status;
}

void fc__copy_name(char name[FC_NAME_SIZE], const char *text)
{
    snprintf(name, FC_NAME_SIZE, "%s", text ? text : "");
}

void fc__slice(size_t total, size_t parts, size_t part, size_t *begin, size_t *end)
{
    size_t size = total / parts, rest = total % parts;
    *begin = part * size + (part < rest ? part : rest);
    *end = *begin + size + (part < rest ? 1 : 0);
}

int fc__threads_worth(const fc_context *context, size_t work, size_t parts)
{
    enum { WORTH_DIVIDING = 1 << 20 };
    size_t threads = (size_t)fc_context_threads(context);
    if (work < WORTH_DIVIDING || parts < 2)
        return 1;
    return (int)(threads < parts ? threads : parts);
}
