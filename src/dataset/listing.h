/* Inside of dataset/: what a folder holds, what its label is, which set a photo is in. */
#ifndef RT_DATASET_LISTING_H
#define RT_DATASET_LISTING_H

#include "base/arena.h"
#include "base/buffer.h"
#include "retrain/dataset.h"

/* The folders and photos in one folder, each in byte order; hidden ones (a leading dot, and the __MACOSX that
 * macOS puts into archives) are left out.  Names live as long as the arena, arrays as long as scratch. */
typedef struct rt_listing {
    const char **folders, **photos;
    size_t n_folders, n_photos;
} rt_listing;

typedef struct rt_listing_arenas {
    rt_arena *names, *scratch;
} rt_listing_arenas;

/* A photo is a file, or a link to one, with the ending of one.  A broken link counts, so that it is reported
 * as a photo that cannot be read.  Links are followed, but nothing below path is entered, so that loops do
 * no harm.
 *   legacy  only retrain.py's endings jpg, JPG, jpeg, JPEG, png; else also gif, and in any case of letters */
rt_code rt__folder_list(const char *path, bool legacy, const rt_listing_arenas *arenas, rt_listing *listing,
                        rt_error *err);

/* A class folder under way to an rt_class. */
typedef struct rt_folder {
    const char *name, *label;
    const char **photos; /* file names in byte order */
    size_t n_photos;     /* 0 once another folder replaced it (legacy) */
} rt_folder;

/* The label of a folder, appended to label.
 *   default  Well-formed UTF-8 stays.  Letters become lower case: ASCII, Latin, Greek and Cyrillic, which are
 *            the scripts where folders of one data set are likely to be spelled either way.  Each run of
 *            spaces and of ASCII that is neither letter nor digit becomes one space, as in retrain.py, but
 *            none stands at either end.  RT_EFORMAT when nothing is left.
 *   legacy   retrain.py's re.sub(r'[^a-z0-9]+', ' ', name.lower())
 * RT_EFORMAT for a name that is not UTF-8: no labels file could hold it. */
rt_code rt__label_make(const char *folder, bool legacy, rt_buffer *label, rt_error *err);

/* Labels all folders.  Two that share a label are an error that names both; in legacy mode the later folder
 * takes the place of the earlier, whose photos are gone. */
rt_code rt__label_folders(rt_folder *folders, size_t n_folders, bool legacy, rt_arena *arena, rt_error *err);

/* Sets photo->set for the photos of one class.
 *
 * Place of a photo: SHA-1 of its path, last 27 bits, scaled to 0 .. 100 (retrain.py's percentage_hash).
 * Below validation_percentage: validation; below that plus testing_percentage: testing; else training.
 * "_nohash_" and what follows is cut off first, so that variants of one object stay together.
 *   legacy   the path is root/folder/name as spelled.
 *   default  the path is folder/name, so that moving the data set moves no photo; "_nohash_" is looked for in
 *            name only.  Then, as far as the class has objects to give, each set with a share above 0 gets
 *            one: for each empty set, in the order training, validation, testing, the object that lies
 * nearest to the set's range moves there from a set that can spare it.  A class of 3 has one in each. */
rt_code rt__split_class(const char *root, const char *folder, const rt_dataset_options *options,
                        rt_photo *photos, size_t n_photos, rt_error *err);

#endif
