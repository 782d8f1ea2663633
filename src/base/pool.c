#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct pool {
    rt_pool_work *work;
    void *context;
    size_t n_items;
    atomic_size_t next;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the two below */
    size_t failed_item;
    rt_error failure;
} pool;

typedef struct worker {
    pool *pool;
    size_t index;
    pthread_t thread;
} worker;

static void note_failure(pool *p, size_t item, const rt_error *failure)
{
    pthread_mutex_lock(&p->lock);
    if (item < p->failed_item) {
        p->failed_item = item;
        p->failure = *failure;
    }
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->stop, true);
}

static void *run_worker(void *argument)
{
    worker *w = argument;
    pool *p = w->pool;
    while (!atomic_load(&p->stop)) {
        size_t item = atomic_fetch_add(&p->next, 1);
        rt_error err;
        if (item >= p->n_items)
            break;
        rt_error_clear(&err);
        err.code = p->work(p->context, w->index, item, &err);
        if (err.code != RT_OK)
            note_failure(p, item, &err);
    }
    return NULL;
}

rt_code rt__pool_run(size_t n_workers, size_t n_items, rt_pool_work *work, void *context, rt_error *err)
{
    pool p = {.work = work, .context = context, .n_items = n_items, .failed_item = SIZE_MAX};
    worker *workers;
    size_t n_started = 0;
    if (n_workers > n_items)
        n_workers = n_items;
    if (n_workers == 0)
        n_workers = 1;
    if (!(workers = calloc(n_workers, sizeof *workers)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    pthread_mutex_init(&p.lock, NULL);
    for (size_t i = 0; i < n_workers; i++)
        workers[i] = (worker){.pool = &p, .index = i};
    /* A thread that cannot be started is no failure: the others take its share. */
    for (size_t i = 1; i < n_workers; i++, n_started++)
        if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0)
            break;
    run_worker(&workers[0]);
    for (size_t i = 1; i <= n_started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&p.lock);
    free(workers);
    if (p.failed_item == SIZE_MAX)
        return RT_OK;
    if (err)
        *err = p.failure;
    return p.failure.code;
}

size_t rt__cpu_count(void)
{
    cpu_set_t set;
    long online;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}
