/* A folder for one test, under the temporary folder, and files in it. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "base/file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* path/name in a buffer of the caller's. */
static inline char *tree_path(char *path, size_t size, const char *tree, const char *name)
{
    if (snprintf(path, size, "%s/%s", tree, name) >= (int)size)
        abort();
    return path;
}

/* A new empty folder; its name is owned by the caller, tree_remove() gives both back. */
static inline char *tree_new(void)
{
    const char *folder = getenv("TMPDIR");
    char path[600], *tree;
    tree_path(path, sizeof path, folder ? folder : "/tmp", "retrain-test-XXXXXX");
    if (!mkdtemp(path) || !(tree = strdup(path)))
        abort();
    return tree;
}

static inline void tree_folder(const char *tree, const char *name)
{
    char path[600];
    if (rt__folder_make(tree_path(path, sizeof path, tree, name), NULL) != RT_OK)
        abort();
}

/* A file of these bytes; folders above it are made. */
static inline void tree_file(const char *tree, const char *name, const void *bytes, size_t size)
{
    char path[600], *slash;
    tree_path(path, sizeof path, tree, name);
    slash = strrchr(path, '/');
    *slash = 0;
    if (rt__folder_make(path, NULL) != RT_OK)
        abort();
    *slash = '/';
    if (rt__file_write(path, bytes, size, false, NULL) != RT_OK)
        abort();
}

static inline void tree_text(const char *tree, const char *name, const char *text)
{
    tree_file(tree, name, text, strlen(text));
}

static inline void tree_link(const char *tree, const char *name, const char *target)
{
    char path[600];
    if (symlink(target, tree_path(path, sizeof path, tree, name)) != 0)
        abort();
}

static inline int tree_remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st, (void)flag, (void)where;
    return remove(path);
}

static inline void tree_remove(char *tree)
{
    nftw(tree, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(tree);
}

#endif
