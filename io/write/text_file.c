/* Text files that appear under their name only when whole. */
#include "io/write/writing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static fc_status fail(const fc__text_file *text, int reason)
{
    return fc__fail(text->context, FC_ERROR_IO, "%s: cannot be written: %s", text->path,
                    strerror(reason));
}

/* Follows links, and refuses to replace what is not an ordinary writable file. */
static fc_status resolve_target(fc__text_file *text)
{
    struct stat state;
    text->target = realpath(text->path, NULL);
    if (!text->target)
        return fc__copy_text(text->context, text->path, &text->target);
    if (stat(text->target, &state) != 0 || !S_ISREG(state.st_mode))
        return fc__fail(text->context, FC_ERROR_IO,
                        "%s: cannot be written: it exists and is not a regular file", text->path);
    return access(text->target, W_OK) == 0 ? FC_OK : fail(text, errno);
}

fc_status fc__text_create(fc_context *context, const char *path, fc__text_file *text)
{
    enum { ATTEMPTS = 100 };
    fc_status status = FC_OK;
    int descriptor = -1;
    *text = (fc__text_file){.context = context, .path = path};
    FC_TRY(resolve_target(text));
    size_t size = strlen(text->target) + 48;
    FC_NEW(context, &text->temporary, size);
    for (int k = 0; k < ATTEMPTS && descriptor < 0; k++) {
        snprintf(text->temporary, size, "%s.partial.%ld.%d", text->target, (long)getpid(), k);
        descriptor = open(text->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EEXIST)
            break;
    }
    text->file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!text->file) {
        status = fail(text, errno);
        if (descriptor < 0) {
            free(text->temporary); /* another's, or none */
            text->temporary = NULL;
        } else {
            close(descriptor);
        }
    }
done:
    return status;
}

fc_status fc__text_commit(fc__text_file *text)
{
    errno = 0;
    bool written = fflush(text->file) == 0 && !ferror(text->file);
    written = written && (fsync(fileno(text->file)) == 0 || errno == EINVAL);
    int reason = errno;
    written = fclose(text->file) == 0 && written;
    text->file = NULL;
    if (!written)
        return fail(text, reason ? reason : EIO);
    if (rename(text->temporary, text->target) != 0)
        return fail(text, errno);
    free(text->temporary);
    text->temporary = NULL;
    return FC_OK;
}

void fc__text_close(fc__text_file *text)
{
    if (text->file)
        fclose(text->file);
    if (text->temporary)
        unlink(text->temporary);
    free(text->temporary);
    free(text->target);
    *text = (fc__text_file){0};
}
