/* Decoded photos kept in memory, so that one that is distorted many times is decoded once.
 *
 * A slot for each photo; what is put into one stays until the end, so that pixels can be used while others
 * come in.  When the budget is used up nothing more is taken: photos are asked for at random, and then no
 * rule of what to throw out finds more of them than keeping what came first. */
#ifndef RT_FEATURE_PHOTO_STORE_H
#define RT_FEATURE_PHOTO_STORE_H

#include "retrain/image.h"

#include <stdbool.h>

/* Threads may share it. */
typedef struct rt_photo_store rt_photo_store;

/* budget_bytes of pixels at most; 0 keeps nothing. */
rt_code rt__photo_store_new(size_t n_photos, size_t budget_bytes, rt_photo_store **store, rt_error *err);
void rt__photo_store_free(rt_photo_store *store);

/* Photo i, good while the store lives, or NULL. */
const rt_image *rt__photo_store_find(rt_photo_store *store, size_t i);

/* Takes the pixels over and leaves *image empty, or leaves it as it is where they do not fit in; then photo i
 * may be there all the same, put in by another thread. */
void rt__photo_store_keep(rt_photo_store *store, size_t i, rt_image *image);

/* Photos in it. */
size_t rt__photo_store_count(rt_photo_store *store);

/* A sensible budget: 1 GiB, or a quarter of the machine's memory where that is less. */
size_t rt__photo_store_budget(void);

#endif
