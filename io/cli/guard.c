#include "io/cli/guard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads all that describes the values. */
static void walk(fc_context *context, const char *path)
{
    fc_file_kind kind;
    fc_file_description description;
    fc_file_variable *variables;
    fc_model *model;
    size_t count;
    bool unfinished;
    if (fc_file_probe(context, path, &kind) != FC_OK)
        return;
    if (kind == FC_FILE_MODEL) {
        if (fc_model_read(context, path, &model, NULL, &unfinished) == FC_OK)
            fc_model_destroy(model);
    } else if (fc_file_describe(context, path, &description) == FC_OK &&
               fc_file_variables(context, path, &count, &variables) == FC_OK) {
        free(variables);
    }
}

static void be_child(fc_context *context, const char *path)
{
    enum { PATIENCE = 120 }; /* seconds: HDF5 may also run in circles */
    const struct rlimit none = {0, 0};
    int nowhere = open("/dev/null", O_WRONLY);
    setrlimit(RLIMIT_CORE, &none);
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    alarm(PATIENCE);
    walk(context, path);
    _exit(0); /* not what the parent has to do at its end */
}

fc_status cli_guard(const cli_session *session, const char *path)
{
    int ended = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        be_child(session->context, path);
    if (child < 0 || waitpid(child, &ended, 0) != child || ended == 0)
        return FC_OK; /* also where there is no room for a child */
    if (WIFSIGNALED(ended))
        return cli_fail(session, FC_ERROR_DATA,
                        "%s: is damaged: the HDF5 library breaks down while reading it (%s)", path,
                        strsignal(WTERMSIG(ended)));
    return cli_fail(session, FC_ERROR_DATA,
                    "%s: is damaged: the HDF5 library breaks down while reading it", path);
}
