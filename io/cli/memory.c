#include "io/cli/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fc_status cli_memory_parse(const cli_session *session, const char *option, const char *text,
                           size_t *bytes)
{
    static const char suffixes[] = "KMGT";
    char *end;
    *bytes = 0;
    if (!text || !*text)
        return FC_OK;
    double number = strtod(text, &end);
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    if (suffix)
        number *= ldexp(1.0, 10 * (int)(suffix - suffixes + 1));
    if (end == text || (*end && (!suffix || end[1])) || !(number >= 1.0 && number < 0x1p62))
        return cli_fail(session, FC_ERROR_USAGE,
                        "%s %s: must be a number of bytes, with K, M, G or T, as in 2G", option,
                        text);
    *bytes = (size_t)number;
    return FC_OK;
}

size_t cli_memory_free(void)
{
    char line[128];
    size_t kilobytes = SIZE_MAX / 1024;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %zu kB", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return kilobytes < SIZE_MAX / 1024 ? kilobytes * 1024 : SIZE_MAX;
}
