/* Makes a data set of any size of a smaller one: photo i is a copy of one of its photos with the number i
 * behind the end, where decoders do not look, so that all are to be read, decoded and computed, and all are
 * different. build/bench/many_photos FROM TO N_PHOTOS */
#include "base/buffer.h"
#include "base/file.h"
#include "retrain/dataset.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

static void copy_photo(const rt_dataset *from, const char *to, size_t i)
{
    const rt_class *class = &from->classes[i % from->n_classes];
    size_t which = class->first + i / from->n_classes % class->n_photos;
    char path[4096];
    rt_buffer bytes = {0};
    rt_error err;
    rt_dataset_path_into(from, which, path, sizeof path);
    timing_check(rt__file_read(&bytes, path, 0, NULL, &err), &err);
    rt__buffer_u64(&bytes, i);
    timing_check(rt__buffer_ok(&bytes, &err), &err);
    if (snprintf(path, sizeof path, "%s/%s/%07zu.jpg", to, class->folder, i) >= (int)sizeof path)
        timing_check(rt_fail(&err, RT_ELIMIT, "the path of photo %zu is too long", i), &err);
    timing_check(rt__file_write(path, bytes.bytes, bytes.size, false, &err), &err);
    rt__buffer_clear(&bytes);
}

int main(int argc, char **argv)
{
    const rt_dataset_options options = {.testing_percentage = 10, .validation_percentage = 10};
    size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    rt_buffer path = {0};
    rt_dataset *from;
    rt_error err;
    if (n == 0) {
        fprintf(stderr, "usage: many_photos FROM TO N_PHOTOS\n");
        return 2;
    }
    timing_check(rt_dataset_open(argv[1], &options, NULL, &from, &err), &err);
    for (size_t i = 0; i < from->n_classes; i++) {
        rt__path_join(&path, argv[2], from->classes[i].folder);
        timing_check(rt__buffer_ok(&path, &err), &err);
        timing_check(rt__folder_make(path.bytes, &err), &err);
    }
    for (size_t i = 0; i < n; i++)
        copy_photo(from, argv[2], i);
    printf("%zu photos, of %zu, in %s\n", n, from->n_photos, argv[2]);
    rt__buffer_clear(&path);
    rt_dataset_close(from);
    return 0;
}
