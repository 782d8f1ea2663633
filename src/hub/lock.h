/* The lock file of a cache entry; the protocol of tensorflow_hub's resolver.py. */
#ifndef RT_HUB_LOCK_H
#define RT_HUB_LOCK_H

#include "base/buffer.h"
#include "cache.h"

typedef struct rt_lock {
    rt_buffer file;      /* <entry>.lock */
    rt_buffer temporary; /* <entry>.<uuid>.tmp, ours */
    bool held;
} rt_lock;

/* Names the two paths with a new uuid; takes nothing yet. */
rt_code rt__lock_init(rt_lock *lock, const char *entry, rt_error *err);

/* Tries once: lock->held says whether we have it.  Creates the file with its whole content or not at all. */
rt_code rt__lock_try(rt_lock *lock, rt_error *err);

/* Waits until the lock file is gone, or takes it away from a holder that is dead or has stood still.  The
 * caller tries again after it. */
rt_code rt__lock_wait(const rt_lock *lock, const char *entry, const char *handle, const rt_cache *cache,
                      rt_error *err);

/* Removes our lock file and our temporary folder, whatever of them is there; frees the paths. */
void rt__lock_clear(rt_lock *lock);

#endif
