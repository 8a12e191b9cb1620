#include "io/cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

fc_status cli_output_open(const cli_session *session, const char *path, cli_output *output)
{
    struct stat found;
    *output = (cli_output){.path = path};
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
        return FC_OK;
    }
    const char *opened = path;
    if (stat(path, &found) != 0 || S_ISREG(found.st_mode)) {
        size_t size = strlen(path) + 32;
        fc_status status = cli_allocate(session, size, 1, &output->temporary);
        if (status != FC_OK)
            return status;
        snprintf(output->temporary, size, "%s.tmp%ld", path, (long)getpid());
        opened = output->temporary;
    }
    output->file = fopen(opened, "w");
    if (!output->file) {
        int reason = errno;
        free(output->temporary);
        output->temporary = NULL;
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be created: %s", path, strerror(reason));
    }
    return FC_OK;
}

fc_status cli_output_commit(const cli_session *session, cli_output *output)
{
    if (output->file == stdout) {
        output->file = NULL;
        return cli_flush_output(session);
    }
    errno = 0;
    bool written = fflush(output->file) == 0 && !ferror(output->file);
    int reason = errno;
    written = fclose(output->file) == 0 && written;
    output->file = NULL;
    if (!written)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be written: %s", output->path,
                        strerror(reason ? reason : errno));
    if (output->temporary && rename(output->temporary, output->path) != 0)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be replaced: %s", output->path,
                        strerror(errno));
    free(output->temporary);
    output->temporary = NULL;
    return FC_OK;
}

void cli_output_close(cli_output *output)
{
    if (output->file && output->file != stdout)
        fclose(output->file);
    if (output->temporary)
        remove(output->temporary);
    free(output->temporary);
    *output = (cli_output){0};
}

fc_status cli_output_check(const cli_session *session, const char *path)
{
    struct stat found;
    if (strcmp(path, "-") == 0)
        return FC_OK;
    if (stat(path, &found) == 0) {
        if (S_ISDIR(found.st_mode))
            return cli_fail(session, FC_ERROR_IO, "%s: is a directory", path);
        if (!S_ISREG(found.st_mode))
            return FC_OK;
    }
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (access(folder, W_OK | X_OK) != 0)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be created in %s: %s", path, folder,
                        strerror(errno));
    return FC_OK;
}

bool cli_ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), wanted = strlen(ending);
    return length >= wanted && strcasecmp(path + length - wanted, ending) == 0;
}
