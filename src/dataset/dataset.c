#include "retrain/dataset.h"

#include "base/file.h"
#include "listing.h"

#include <stdlib.h>
#include <string.h>

enum {
    FEW_PHOTOS = 20,             /* fewer in a folder earn a warning */
    MANY_PHOTOS = (1 << 27) - 1, /* retrain.py draws photos by a number of 27 bits */
    MAX_WRAPPERS = 8             /* folders in folders; also ends a loop of links */
};

/* What dataset->owner points to. */
typedef struct owner {
    rt_dataset dataset;
    rt_listing_arenas arenas; /* scratch: while it is opened */
} owner;

static rt_code check_options(const char *image_dir, const rt_dataset_options *options, rt_error *err)
{
    int testing = options->testing_percentage, validation = options->validation_percentage;
    if (!image_dir || !*image_dir)
        return rt_fail(err, RT_EARG, "no image folder was given");
    if (testing < 0 || testing > 100 || validation < 0 || validation > 100 || testing + validation > 100)
        return rt_fail(
            err, RT_EARG,
            "testing_percentage %d and validation_percentage %d must be 0 to 100, together at most 100",
            testing, validation);
    return RT_OK;
}

/* Looks through folders that hold nothing but one other folder, as archives unpack to.  *root and *listing
 * move to the first that holds several; they stay where they are when there is none. */
static rt_code step_into_wrappers(const char **root, rt_listing *listing, bool legacy, const rt_log *log,
                                  const rt_listing_arenas *arenas, rt_error *err)
{
    rt_listing inner = *listing;
    rt_buffer path = {0}, next = {0};
    rt_code code;
    rt__buffer_text(&path, *root);
    if ((code = rt__buffer_ok(&path, err)) != RT_OK)
        goto done;
    for (int depth = 0; depth < MAX_WRAPPERS && inner.n_folders == 1 && inner.n_photos == 0; depth++) {
        rt_buffer swapped;
        rt__path_join(&next, path.bytes, inner.folders[0]);
        swapped = path, path = next, next = swapped;
        if ((code = rt__buffer_ok(&path, err)) != RT_OK ||
            (code = rt__folder_list(path.bytes, legacy, arenas, &inner, err)) != RT_OK)
            goto done;
    }
    if (path.size > strlen(*root) && inner.n_folders > 1 && inner.n_photos == 0) {
        rt_log_line(log, RT_INFO, "Stepping into '%s': '%s' holds nothing else", path.bytes, *root);
        *listing = inner;
        if (!(*root = rt__arena_string(arenas->names, path.bytes)))
            code = rt_fail(err, RT_ENOMEM, "out of memory");
    }
done:
    rt__buffer_clear(&path);
    rt__buffer_clear(&next);
    return code;
}

static void log_count(const rt_log *log, const char *folder, size_t n_photos)
{
    if (n_photos == 0)
        rt_log_line(log, RT_WARN, "No files found");
    else if (n_photos < FEW_PHOTOS)
        rt_log_line(log, RT_WARN, "WARNING: Folder has less than 20 images, which may cause issues.");
    else if (n_photos > MANY_PHOTOS)
        rt_log_line(log, RT_WARN,
                    "WARNING: Folder %s has more than %d images. Some images will never be selected.", folder,
                    MANY_PHOTOS);
}

/* The folders that hold photos. */
static rt_code list_classes(const char *root, const rt_listing *listing, bool legacy, const rt_log *log,
                            const rt_listing_arenas *arenas, rt_folder *folders, size_t *n_folders,
                            rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = RT_OK;
    size_t n = 0;
    for (size_t i = 0; i < listing->n_folders && code == RT_OK; i++) {
        rt_listing photos;
        rt_log_line(log, RT_INFO, "Looking for images in '%s'", listing->folders[i]);
        rt__path_join(&path, root, listing->folders[i]);
        if ((code = rt__buffer_ok(&path, err)) != RT_OK ||
            (code = rt__folder_list(path.bytes, legacy, arenas, &photos, err)) != RT_OK)
            break;
        log_count(log, listing->folders[i], photos.n_photos);
        if (photos.n_photos)
            folders[n++] = (rt_folder){
                .name = listing->folders[i], .photos = photos.photos, .n_photos = photos.n_photos};
    }
    rt__buffer_clear(&path);
    *n_folders = n;
    return code;
}

/* Moves the folders that a later one replaced out of the array, and counts what is left. */
static rt_code count_classes(const char *root, rt_folder *folders, size_t *n_folders, size_t *n_photos,
                             rt_error *err)
{
    size_t n = 0, photos = 0;
    for (size_t i = 0; i < *n_folders; i++) {
        photos += folders[i].n_photos;
        if (folders[i].n_photos)
            folders[n++] = folders[i];
    }
    if (n == 0)
        return rt_fail(err, RT_EFORMAT,
                       "No valid folders of images found at %s: a folder of photos is needed for each class",
                       root);
    if (n == 1)
        return rt_fail(err, RT_EFORMAT,
                       "Only one valid folder of images found at %s  - multiple classes are needed for "
                       "classification. The folder is '%s'",
                       root, folders[0].name);
    if (n > UINT32_MAX)
        return rt_fail(err, RT_ELIMIT, "%zu class folders", n);
    *n_folders = n;
    *n_photos = photos;
    return RT_OK;
}

static rt_code fill_dataset(owner *o, const rt_folder *folders, size_t n_folders, size_t n_photos,
                            const rt_dataset_options *options, rt_error *err)
{
    rt_class *classes = rt__arena_array(o->arenas.names, n_folders, sizeof *classes);
    rt_photo *photos = rt__arena_array(o->arenas.names, n_photos, sizeof *photos);
    size_t first = 0;
    if (!classes || !photos)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", n_photos);
    for (size_t i = 0; i < n_folders; i++) {
        const rt_folder *f = &folders[i];
        rt_code code;
        classes[i] = (rt_class){f->name, f->label, first, f->n_photos};
        for (size_t k = 0; k < f->n_photos; k++)
            photos[first + k] = (rt_photo){.name = f->photos[k], .class_index = (uint32_t)i};
        code = rt__split_class(o->dataset.root, f->name, options, photos + first, f->n_photos, err);
        if (code != RT_OK)
            return code;
        first += f->n_photos;
    }
    o->dataset.classes = classes;
    o->dataset.n_classes = n_folders;
    o->dataset.photos = photos;
    o->dataset.n_photos = n_photos;
    return RT_OK;
}

static rt_code build(owner *o, const char *image_dir, const rt_dataset_options *options, const rt_log *log,
                     rt_error *err)
{
    rt_listing listing;
    rt_folder *folders;
    size_t n_folders, n_photos = 0;
    rt_code code;
    if (!(o->dataset.root = rt__arena_string(o->arenas.names, image_dir)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__folder_list(image_dir, options->legacy_split, &o->arenas, &listing, err);
    if (code == RT_ENOTFOUND)
        return rt__file_exists(image_dir)
                   ? rt_fail(err, RT_EFORMAT, "'%s' is a file: a folder of class folders is needed",
                             image_dir)
                   : rt_fail(err, RT_ENOTFOUND, "Image directory '%s' not found.", image_dir);
    if (code != RT_OK)
        return code;
    code = step_into_wrappers(&o->dataset.root, &listing, options->legacy_split, log, &o->arenas, err);
    if (code != RT_OK)
        return code;
    if (!(folders = rt__arena_array(o->arenas.scratch, listing.n_folders, sizeof *folders)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if ((code = list_classes(o->dataset.root, &listing, options->legacy_split, log, &o->arenas, folders,
                             &n_folders, err)) != RT_OK ||
        (code = rt__label_folders(folders, n_folders, options->legacy_labels, o->arenas.names, err)) !=
            RT_OK ||
        (code = count_classes(o->dataset.root, folders, &n_folders, &n_photos, err)) != RT_OK)
        return code;
    return fill_dataset(o, folders, n_folders, n_photos, options, err);
}

rt_code rt_dataset_open(const char *image_dir, const rt_dataset_options *options, const rt_log *log,
                        rt_dataset **dataset, rt_error *err)
{
    owner *o;
    rt_code code = check_options(image_dir, options, err);
    if (code != RT_OK)
        return code;
    if (!(o = calloc(1, sizeof *o)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    o->dataset.owner = o;
    o->arenas = (rt_listing_arenas){rt__arena_new(), rt__arena_new()};
    if (o->arenas.names && o->arenas.scratch)
        code = build(o, image_dir, options, log, err);
    else
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    rt__arena_free(o->arenas.scratch);
    if (code == RT_OK)
        *dataset = &o->dataset;
    else
        rt_dataset_close(&o->dataset);
    return code;
}

void rt_dataset_close(rt_dataset *dataset)
{
    owner *o;
    if (!dataset)
        return;
    o = dataset->owner;
    rt__arena_free(o->arenas.names);
    free(o);
}

size_t rt_dataset_path_into(const rt_dataset *dataset, size_t photo, char *path, size_t size)
{
    const rt_photo *p = &dataset->photos[photo];
    const char *const parts[] = {dataset->root, dataset->classes[p->class_index].folder, p->name};
    size_t length = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t n = strlen(parts[i]);
        bool slash = i > 0 && length > 0 && length < size && path[length - 1] != '/';
        if (slash)
            path[length++] = '/';
        if (length + n < size)
            memcpy(path + length, parts[i], n + 1);
        length += n;
    }
    return length;
}

char *rt_dataset_path(const rt_dataset *dataset, size_t photo)
{
    const rt_photo *p = &dataset->photos[photo];
    size_t size =
        strlen(dataset->root) + strlen(dataset->classes[p->class_index].folder) + strlen(p->name) + 3;
    char *path = malloc(size);
    if (path)
        rt_dataset_path_into(dataset, photo, path, size);
    return path;
}
