/* A list of photo files, from files and folders as a user names them. */
#ifndef RT_PIPELINE_PHOTO_LIST_H
#define RT_PIPELINE_PHOTO_LIST_H

#include "retrain/error.h"

typedef struct rt_photo_list {
    char **paths; /* owned */
    size_t n, capacity;
} rt_photo_list;

/* Adds path itself, whatever it is called; for a folder the files in it and below whose names end in .jpg,
 * .jpeg, .png or .gif in any case, in byte order, hidden ones left out.
 *   RT_ENOTFOUND  a folder without a photo
 *   RT_EIO        a folder that cannot be read
 *   RT_ELIMIT     folders nested too deeply, which is what a link to a folder above looks like
 *   RT_ENOMEM */
rt_code rt__photo_list_add(rt_photo_list *list, const char *path, rt_error *err);
void rt__photo_list_clear(rt_photo_list *list);

#endif
