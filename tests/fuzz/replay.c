/* Runs a fuzz target over files without libFuzzer: each as it is, cut at many places, and with bits turned
 * over. replay FOLDER...      a folder that is not there is named and left out */
#include "base/file.h"
#include "base/rng.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTS = 40, DAMAGES = 40, MOST_BITS = 8 };

/* In memory of just that size, so that a sanitizer sees the first byte behind it. */
static void run(const char *bytes, size_t size, rt_rng *rng, size_t n_bits)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    for (size_t i = 0; i < n_bits && size > 0; i++)
        copy[rt__rng_below(rng, size)] ^= (uint8_t)(1u << rt__rng_below(rng, 8));
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t replay_file(const char *path)
{
    rt_buffer file = {0};
    rt_rng rng;
    rt_file_info info;
    if (rt__file_info(path, &info, NULL) != RT_OK || info.is_folder ||
        rt__file_read(&file, path, 0, NULL, NULL) != RT_OK) {
        rt__buffer_clear(&file);
        return 0;
    }
    rt__rng_seed(&rng, file.size, 0);
    run(file.bytes, file.size, &rng, 0);
    for (size_t i = 0; i < CUTS; i++)
        run(file.bytes, (size_t)((double)file.size * (double)i / CUTS), &rng, 0);
    for (size_t i = 1; i <= 4 && i <= file.size; i++)
        run(file.bytes, file.size - i, &rng, 0);
    for (size_t i = 0; i < DAMAGES; i++)
        run(file.bytes, file.size, &rng, 1 + (size_t)rt__rng_below(&rng, MOST_BITS));
    rt__buffer_clear(&file);
    return 1;
}

static size_t replay_folder(const char *folder)
{
    DIR *list = opendir(folder);
    rt_buffer path = {0};
    size_t n = 0;
    if (list == NULL) {
        printf("left out: %s is not there\n", folder);
        return 0;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list))
        if (entry->d_name[0] != '.')
            n += replay_file(rt__path_join(&path, folder, entry->d_name));
    closedir(list);
    rt__buffer_clear(&path);
    printf("%s: %zu files\n", folder, n);
    return n;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    run("", 0, NULL, 0);
    for (int i = 1; i < argc; i++)
        n += replay_folder(argv[i]);
    if (n > 0)
        return 0;
    fprintf(stderr, "no files to replay\n");
    return 1;
}
