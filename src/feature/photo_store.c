#include "photo_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct rt_photo_store {
    pthread_mutex_t lock; /* guards slots that are empty, and the three below */
    rt_image *slots;      /* pixels NULL: empty; never changed once filled */
    size_t n_photos, n_kept;
    size_t left_bytes; /* of the budget */
};

rt_code rt__photo_store_new(size_t n_photos, size_t budget_bytes, rt_photo_store **store, rt_error *err)
{
    rt_photo_store *s = calloc(1, sizeof *s);
    if (s)
        s->slots = calloc(n_photos + 1, sizeof *s->slots);
    if (!s || !s->slots) {
        free(s);
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", n_photos);
    }
    pthread_mutex_init(&s->lock, NULL);
    s->n_photos = n_photos;
    s->left_bytes = budget_bytes;
    *store = s;
    return RT_OK;
}

void rt__photo_store_free(rt_photo_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_photos; i++)
        rt_image_clear(&s->slots[i]);
    pthread_mutex_destroy(&s->lock);
    free(s->slots);
    free(s);
}

const rt_image *rt__photo_store_find(rt_photo_store *s, size_t i)
{
    bool kept;
    pthread_mutex_lock(&s->lock);
    kept = s->slots[i].pixels != NULL;
    pthread_mutex_unlock(&s->lock);
    return kept ? &s->slots[i] : NULL;
}

/* The memory of a decoder's image may be larger than this photo needs. */
static void shrink(rt_image *image, size_t bytes)
{
    uint8_t *pixels = image->capacity > bytes ? realloc(image->pixels, bytes) : NULL;
    if (pixels) {
        image->pixels = pixels;
        image->capacity = bytes;
    }
}

void rt__photo_store_keep(rt_photo_store *s, size_t i, rt_image *image)
{
    size_t bytes = (size_t)image->width * (size_t)image->height * 3;
    bool fits;
    pthread_mutex_lock(&s->lock);
    fits = bytes <= s->left_bytes && s->slots[i].pixels == NULL;
    if (fits) {
        shrink(image, bytes);
        s->left_bytes -= bytes;
        s->slots[i] = *image;
        s->n_kept++;
    }
    pthread_mutex_unlock(&s->lock);
    if (fits)
        *image = (rt_image){0};
}

size_t rt__photo_store_count(rt_photo_store *s)
{
    size_t n;
    pthread_mutex_lock(&s->lock);
    n = s->n_kept;
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t rt__photo_store_budget(void)
{
    const size_t most = (size_t)1 << 30;
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_bytes <= 0 || (size_t)pages / 4 >= most / (size_t)page_bytes)
        return most;
    return (size_t)pages / 4 * (size_t)page_bytes;
}
