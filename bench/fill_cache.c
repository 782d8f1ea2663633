/* Makes a data set of any size, for measuring: files that only look like photos, and a packed cache in which
 * each of them has a vector of random floats, so that a run finds everything and decodes nothing.
 *   build/bench/fill_cache FOLDER MODULE N_CLASSES N_PHOTOS
 * FOLDER/photos is for --image_dir, FOLDER/cache for --bottleneck_dir. */
#include "base/buffer.h"
#include "base/rng.h"
#include "feature/extractor.h"
#include "feature/packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const char *folder;
    size_t n_classes, n_photos;
    rt_packed *packed;
    size_t feature_size;
    rt_place *places;
    float *values;
} job;

static void check(rt_code code, const rt_error *err)
{
    char text[1200];
    if (code == RT_OK)
        return;
    fprintf(stderr, "fill_cache: %s\n", rt_error_text(err, text, sizeof text));
    exit(1);
}

/* Vectors of a class lie around one of its own, so that there is something to learn. */
static void draw(const job *j, size_t i)
{
    size_t class = i % j->n_classes;
    rt_rng rng;
    rt__rng_seed(&rng, i, 1);
    for (size_t k = 0; k < j->feature_size; k++)
        j->values[k] = (float)rt__rng_unit(&rng) + (k % j->n_classes == class ? 0.1F : 0.0F);
}

static void make_photo(const job *j, size_t i)
{
    char path[4096], content[32];
    uint8_t photo[RT_PHOTO_BYTES];
    rt_file_info info;
    rt_error err;
    int length = snprintf(content, sizeof content, "photo %zu", i);
    snprintf(path, sizeof path, "%s/photos/class_%zu/%07zu.jpg", j->folder, i % j->n_classes, i);
    check(rt__file_write(path, content, (size_t)length, false, &err), &err);
    check(rt__file_info(path, &info, &err), &err);
    check(rt__sha256(content, (size_t)length, photo, &err), &err);
    draw(j, i);
    /* As if it had been read a second after it was written: nobody else writes to it. */
    check(rt__packed_remember(j->packed, &info, info.ctime_ns + 2000000001, path, photo, &err), &err);
    check(rt__packed_add(j->packed, &(rt_packed_row){photo, j->values, RT_SOURCE_COMPUTED, &j->places[i]},
                         &err),
          &err);
}

static void open_cache(job *j, const char *module_path)
{
    rt_packed_module m = {.name = module_path};
    rt_module *module;
    rt_buffer path = {0};
    rt_error err;
    check(rt_module_open(module_path, NULL, &module, &err), &err);
    check(rt__network_identity(module, &(rt_extraction){0}, m.digest, &err), &err);
    j->feature_size = m.feature_size = (size_t)rt_module_describe(module)->feature_size;
    rt__buffer_format(&path, "%s/cache", j->folder);
    check(rt__buffer_ok(&path, &err), &err);
    check(rt__folder_make(path.bytes, &err), &err);
    check(rt__packed_open(path.bytes, &m, &j->packed, &err), &err);
    rt__buffer_clear(&path);
    rt_module_close(module);
}

static void make_folders(const job *j)
{
    rt_buffer path = {0};
    rt_error err;
    for (size_t i = 0; i < j->n_classes; i++) {
        rt__buffer_reset(&path);
        rt__buffer_format(&path, "%s/photos/class_%zu", j->folder, i);
        check(rt__buffer_ok(&path, &err), &err);
        check(rt__folder_make(path.bytes, &err), &err);
    }
    rt__buffer_clear(&path);
}

int main(int argc, char **argv)
{
    job j = {0};
    rt_error err;
    if (argc != 5 || (j.n_classes = strtoul(argv[3], NULL, 10)) < 2 ||
        (j.n_photos = strtoul(argv[4], NULL, 10)) < j.n_classes) {
        fprintf(stderr, "usage: fill_cache FOLDER MODULE N_CLASSES N_PHOTOS\n");
        return 2;
    }
    j.folder = argv[1];
    make_folders(&j);
    open_cache(&j, argv[2]);
    j.places = calloc(j.n_photos, sizeof *j.places);
    j.values = calloc(j.feature_size, sizeof *j.values);
    if (!j.places || !j.values)
        check(rt_fail(&err, RT_ENOMEM, "out of memory"), &err);
    for (size_t i = 0; i < j.n_photos; i++)
        make_photo(&j, i);
    check(rt__packed_flush(j.packed, &err), &err);
    printf("%zu photos in %zu classes with vectors of %zu floats in %s\n", j.n_photos, j.n_classes,
           j.feature_size, j.folder);
    rt__packed_close(j.packed);
    free(j.places);
    free(j.values);
    return 0;
}
