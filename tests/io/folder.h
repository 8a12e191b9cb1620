/* folder.h: folders that tests write to. */
#ifndef FC_TEST_IO_FOLDER_H
#define FC_TEST_IO_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* With the files in it. */
static inline void remove_folder(const char *name)
{
    char path[512];
    DIR *folder = opendir(name);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        remove(path); /* "." and ".." refuse */
    }
    if (folder)
        closedir(folder);
    rmdir(name);
}

/* Hidden ones as well. */
static inline size_t files_in(const char *name)
{
    size_t count = 0;
    DIR *folder = opendir(name);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

#endif
