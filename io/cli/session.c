#include "io/cli/cli.h"
#include "io/cli/signals.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

fc_status cli_start(cli_session *session, size_t threads)
{
    if (!fc_simd_level())
        return cli_fail(session, FC_ERROR_USAGE,
                        "environment variable FIELDCAST_SIMD is '%s'; 'baseline' is accepted, and "
                        "on x86-64 processors that have them 'avx2' and 'avx512'",
                        getenv("FIELDCAST_SIMD"));
    fc_status status = fc_context_create((int)threads, &session->context);
    if (status != FC_OK)
        return cli_fail(session, status, "%s", fc_status_text(status));
    cli_signals_watch(session->context);
    return FC_OK;
}

static void print_message(const cli_session *session, const char *format, va_list arguments)
{
    fflush(stdout); /* keep the order where both go to one place */
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr); /* a progress bar may stand there */
    fprintf(stderr, "fieldcast%s%s: ", session->command[0] ? " " : "", session->command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

fc_status cli_fail(const cli_session *session, fc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(session, format, arguments);
    va_end(arguments);
    return status;
}

void cli_note(const cli_session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(session, format, arguments);
    va_end(arguments);
}

fc_status cli_library(const cli_session *session, fc_status status)
{
    if (status != FC_OK && status != FC_INTERRUPTED) {
        const char *message = fc_context_message(session->context);
        cli_note(session, "%s", message[0] ? message : fc_status_text(status));
    }
    return status;
}

fc_status cli_no_memory(const cli_session *session, size_t count, size_t size)
{
    return cli_fail(session, FC_ERROR_MEMORY, "out of memory: %zu times %zu bytes", count, size);
}

fc_status cli_allocate(const cli_session *session, size_t count, size_t size, void *pointer)
{
    void *memory = calloc(count ? count : 1, size);
    memcpy(pointer, &memory, sizeof memory);
    return memory ? FC_OK : cli_no_memory(session, count, size);
}

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

fc_status cli_flush_output(const cli_session *session)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return FC_OK;
    return cli_fail(session, FC_ERROR_IO, "standard output: %s",
                    errno ? strerror(errno) : "cannot be written");
}

/* Levenshtein distance, of names up to 63 characters; longer ones count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST], n = strlen(a), m = strlen(b);
    if (n >= LONGEST || m >= LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; ++j)
        row[j] = j;
    for (size_t i = 1; i <= n; ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; ++j) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t insertion = row[j - 1] + 1, deletion = row[j] + 1;
            diagonal = row[j];
            row[j] = change < insertion ? change : insertion;
            row[j] = row[j] < deletion ? row[j] : deletion;
        }
    }
    return row[m];
}

const char *cli_nearest(const char *text, size_t count, const char *const *names)
{
    size_t length = strlen(text);
    size_t best = length / 3 < 2 ? 3 : length / 3 + 1; /* further is no likeness */
    const char *nearest = NULL;
    for (size_t i = 0; i < count; ++i) {
        bool begins = length >= 3 && strncmp(names[i], text, length) == 0;
        size_t distance = begins ? 1 : edit_distance(text, names[i]);
        if (distance < best && distance < strlen(names[i])) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
