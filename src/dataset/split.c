#include "listing.h"

#include "base/file.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_MASK = (1 << 27) - 1 }; /* retrain.py's MAX_NUM_IMAGES_PER_CLASS */

/* An object: the photos of a class whose paths have the same hash. */
typedef struct object {
    uint32_t hash;
    uint8_t set;
} object;

typedef struct range {
    double from, to; /* per cent */
} range;

static double place_of(uint32_t hash)
{
    return (double)hash * (100.0 / HASH_MASK);
}

static rt_set set_of(uint32_t hash, const rt_dataset_options *options)
{
    double place = place_of(hash);
    if (place < options->validation_percentage)
        return RT_VALIDATION;
    return place < options->testing_percentage + options->validation_percentage ? RT_TESTING : RT_TRAINING;
}

/* Python's re.sub(r'_nohash_.*$', '', ..) on text[from ..]: the dot stops at line breaks, and no path ends in
 * one, so that only a mark behind the last line break counts. */
static size_t length_without_mark(const char *text, size_t from)
{
    const char *line = strrchr(text, '\n');
    const char *mark = strstr(line && line >= text + from ? line : text + from, "_nohash_");
    return mark ? (size_t)(mark - text) : strlen(text);
}

static rt_code hash_path(const char *path, size_t from, uint32_t *hash, rt_error *err)
{
    uint8_t digest[RT_SHA1_BYTES];
    rt_code code = rt__sha1(path, length_without_mark(path, from), digest, err);
    if (code == RT_OK)
        *hash = ((uint32_t)digest[16] << 24 | (uint32_t)digest[17] << 16 | (uint32_t)digest[18] << 8 |
                 digest[19]) &
                HASH_MASK;
    return code;
}

/* One hash for each photo. */
static rt_code hash_photos(const char *root, const char *folder, const rt_photo *photos, size_t n_photos,
                           uint32_t *hashes, rt_error *err)
{
    rt_buffer prefix = {0}, path = {0};
    rt_code code = RT_OK;
    size_t from;
    if (root)
        rt__path_join(&prefix, root, folder);
    else
        rt__buffer_text(&prefix, folder);
    if ((code = rt__buffer_ok(&prefix, err)) != RT_OK)
        goto done;
    from = root ? 0 : prefix.size + 1;
    for (size_t i = 0; i < n_photos && code == RT_OK; i++) {
        rt__path_join(&path, prefix.bytes, photos[i].name);
        if ((code = rt__buffer_ok(&path, err)) == RT_OK)
            code = hash_path(path.bytes, from, &hashes[i], err);
    }
done:
    rt__buffer_clear(&prefix);
    rt__buffer_clear(&path);
    return code;
}

static int compare_objects(const void *a, const void *b)
{
    const object *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static double distance(double place, range r)
{
    return place < r.from ? r.from - place : place > r.to ? place - r.to : 0;
}

/* Moves the object nearest to the range of an empty set into it, from a set that can spare one: one with
 * several objects, or one that is not needed.  Ties go to the lower hash. */
static void fill_set(object *objects, size_t n, rt_set set, range r, const bool *needed)
{
    size_t counts[RT_N_SETS] = {0};
    object *best = NULL;
    for (size_t i = 0; i < n; i++)
        counts[objects[i].set]++;
    if (counts[set])
        return;
    for (size_t i = 0; i < n; i++) {
        if (needed[objects[i].set] && counts[objects[i].set] < 2)
            continue;
        if (!best || distance(place_of(objects[i].hash), r) < distance(place_of(best->hash), r))
            best = &objects[i];
    }
    if (best)
        best->set = (uint8_t)set;
}

static void fill_empty_sets(object *objects, size_t n, const rt_dataset_options *options)
{
    static const rt_set order[RT_N_SETS] = {RT_TRAINING, RT_VALIDATION, RT_TESTING};
    double validation = options->validation_percentage, testing = options->testing_percentage;
    const range ranges[RT_N_SETS] = {
        [RT_VALIDATION] = {0, validation},
        [RT_TESTING] = {validation, validation + testing},
        [RT_TRAINING] = {validation + testing, 100},
    };
    bool needed[RT_N_SETS] = {false};
    size_t n_needed = 0;
    for (size_t i = 0; i < RT_N_SETS; i++)
        if (ranges[order[i]].to > ranges[order[i]].from && n_needed < n) {
            needed[order[i]] = true;
            n_needed++;
        }
    for (size_t i = 0; i < RT_N_SETS; i++)
        if (needed[order[i]])
            fill_set(objects, n, order[i], ranges[order[i]], needed);
}

/* The objects of a class in the order of their hashes; returns how many. */
static size_t gather_objects(const uint32_t *hashes, size_t n_photos, const rt_dataset_options *options,
                             object *objects)
{
    size_t n = 0;
    for (size_t i = 0; i < n_photos; i++)
        objects[i] = (object){hashes[i], (uint8_t)set_of(hashes[i], options)};
    qsort(objects, n_photos, sizeof *objects, compare_objects);
    for (size_t i = 0; i < n_photos; i++)
        if (n == 0 || objects[i].hash != objects[n - 1].hash)
            objects[n++] = objects[i];
    return n;
}

rt_code rt__split_class(const char *root, const char *folder, const rt_dataset_options *options,
                        rt_photo *photos, size_t n_photos, rt_error *err)
{
    uint32_t *hashes = malloc(n_photos * sizeof *hashes);
    object *objects = malloc(n_photos * sizeof *objects);
    size_t n_objects;
    rt_code code;
    if (!hashes || !objects) {
        code = rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", n_photos);
        goto done;
    }
    code = hash_photos(options->legacy_split ? root : NULL, folder, photos, n_photos, hashes, err);
    if (code != RT_OK)
        goto done;
    n_objects = gather_objects(hashes, n_photos, options, objects);
    if (!options->legacy_split)
        fill_empty_sets(objects, n_objects, options);
    for (size_t i = 0; i < n_photos; i++) {
        const object key = {.hash = hashes[i]};
        const object *found = bsearch(&key, objects, n_objects, sizeof *objects, compare_objects);
        photos[i].set = found->set;
    }
done:
    free(hashes);
    free(objects);
    return code;
}
