#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const legacy_endings[] = {"JPEG", "JPG", "jpeg", "jpg", "png", NULL};
static const char *const endings[] = {"jpeg", "jpg", "png", "gif", NULL};

static bool is_photo_name(const char *name, bool legacy)
{
    const char *dot = strrchr(name, '.');
    if (!dot)
        return false;
    for (const char *const *e = legacy ? legacy_endings : endings; *e; e++)
        if ((legacy ? strcmp : strcasecmp)(dot + 1, *e) == 0)
            return true;
    return false;
}

static bool is_hidden(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

typedef enum kind { FOLDER, PLAIN_FILE, OTHER } kind;

static kind kind_of(DIR *dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type == DT_DIR)
        return FOLDER;
    if (entry->d_type == DT_REG)
        return PLAIN_FILE;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return OTHER;
    if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
        return PLAIN_FILE; /* a broken link */
    return S_ISDIR(st.st_mode) ? FOLDER : S_ISREG(st.st_mode) ? PLAIN_FILE : OTHER;
}

/* Names one after the other, each with its final 0. */
typedef struct names {
    rt_buffer text;
    size_t count;
} names;

static void add_name(names *n, const char *name)
{
    rt__buffer_add(&n->text, name, strlen(name) + 1);
    n->count++;
}

static rt_code read_folder(const char *path, bool legacy, names *folders, names *photos, rt_error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    rt_code code = RT_OK;
    if (!dir)
        return rt_fail_errno(err, errno, "cannot open folder");
    while ((errno = 0, entry = readdir(dir))) {
        bool photo;
        kind k;
        if (is_hidden(entry->d_name))
            continue;
        photo = is_photo_name(entry->d_name, legacy);
        if (!photo && entry->d_type == DT_REG)
            continue;
        k = kind_of(dir, entry);
        if (k == FOLDER)
            add_name(folders, entry->d_name);
        else if (k == PLAIN_FILE && photo)
            add_name(photos, entry->d_name);
    }
    if (errno)
        code = rt_fail_errno(err, errno, "cannot read folder");
    closedir(dir);
    return code;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names as a sorted array. */
static rt_code keep_names(const names *n, const rt_listing_arenas *arenas, const char ***sorted,
                          size_t *count, rt_error *err)
{
    const char **array = rt__arena_array(arenas->scratch, n->count, sizeof *array);
    const char *text = rt__arena_copy(arenas->names, n->text.bytes, n->text.size);
    if (n->text.failed || !array || !text)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu names", n->count);
    for (size_t i = 0; i < n->count; i++) {
        array[i] = text;
        text += strlen(text) + 1;
    }
    if (n->count)
        qsort(array, n->count, sizeof *array, compare_names);
    *sorted = array;
    *count = n->count;
    return RT_OK;
}

rt_code rt__folder_list(const char *path, bool legacy, const rt_listing_arenas *arenas, rt_listing *listing,
                        rt_error *err)
{
    names folders = {0}, photos = {0};
    rt_code code = read_folder(path, legacy, &folders, &photos, err);
    if (code == RT_OK)
        code = keep_names(&folders, arenas, &listing->folders, &listing->n_folders, err);
    if (code == RT_OK)
        code = keep_names(&photos, arenas, &listing->photos, &listing->n_photos, err);
    rt__buffer_clear(&folders.text);
    rt__buffer_clear(&photos.text);
    if (code != RT_OK)
        rt_doing(err, path, "cannot list photos");
    return code;
}
