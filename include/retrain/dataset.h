/* retrain/dataset.h - a folder of class folders as photos, labels and splits.
 *
 * Classes are the sub-folders of image_dir in byte order, photos the files in each in byte order, so the same
 * folder gives the same data set on every file system.  Hidden folders and files are left out, links
 * followed, nothing below a class folder is entered.  Immutable once open; threads may share it. Source:
 * create_image_lists() in hub's retrain.py. */
#ifndef RETRAIN_DATASET_H
#define RETRAIN_DATASET_H

#include "retrain/error.h"
#include "retrain/log.h"

#include <stdbool.h>

typedef enum rt_set { RT_TRAINING, RT_VALIDATION, RT_TESTING } rt_set;
enum { RT_N_SETS = 3 };

typedef struct rt_class {
    const char *folder;     /* name of the sub-folder                           */
    const char *label;      /* UTF-8, lower case                                */
    size_t first, n_photos; /* its photos: photos[first .. first + n_photos - 1] */
} rt_class;

typedef struct rt_photo {
    const char *name;     /* file name in the class folder */
    uint32_t class_index; /* into classes                  */
    uint8_t set;          /* an rt_set                     */
} rt_photo;

typedef struct rt_dataset {
    const char *root; /* the folder that holds the class folders, as spelled; after stepping into a wrapper
                         folder the longer path */
    const rt_class *classes;
    size_t n_classes; /* >= 2 */
    const rt_photo *photos;
    size_t n_photos;
    void *owner; /* private */
} rt_dataset;

typedef struct rt_dataset_options {
    int testing_percentage, validation_percentage; /* 0 .. 100, together at most 100 */
    /* By default a photo's set follows from its class folder and file name alone, and a class with 3 or more
     * photos has at least one in each set with a share above 0 (a smaller one in training first, then in
     * validation).  Legacy is retrain.py's: hash of the path as spelled, no such guarantee, and only its
     * endings jpg, JPG, jpeg, JPEG, png (default: also gif, and in any case of letters). */
    bool legacy_split;
    /* By default UTF-8 stays, letters become lower case, runs of anything else in ASCII one space.  Legacy is
     * retrain.py's: all beyond ASCII becomes a space; later folders replace earlier ones with the same label.
     */
    bool legacy_labels;
} rt_dataset_options;

/* image_dir is borrowed for the call; *dataset is written on success only, give it back with
 * rt_dataset_close().  log (may be NULL) gets retrain.py's lines: "Looking for images in 'daisy'",
 * "No files found", "WARNING: Folder has less than 20 images, which may cause issues.".
 * An image_dir that holds one folder and no photos, as an archive unpacks to, is stepped into where that
 * folder holds the class folders; a line says so. RT_EARG       percentages out of range RT_ENOTFOUND
 * image_dir is not there RT_EFORMAT    no or one class, labels that collide (both folders are named), an
 * unusable name RT_EIO, RT_ENOMEM */
rt_code rt_dataset_open(const char *image_dir, const rt_dataset_options *options, const rt_log *log,
                        rt_dataset **dataset, rt_error *err);
void rt_dataset_close(rt_dataset *dataset); /* NULL is allowed */

/* root/folder/name of a photo; the text is owned by the caller (free), NULL when memory is out. */
char *rt_dataset_path(const rt_dataset *dataset, size_t photo);
/* The same into the caller's buffer; returns its length, size or more when it does not fit. */
size_t rt_dataset_path_into(const rt_dataset *dataset, size_t photo, char *path, size_t size);

#endif
