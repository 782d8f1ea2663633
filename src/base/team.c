#include "team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { LOOKS = 10000 /* for work before sleeping: some ten microseconds */ };

typedef struct member {
    rt_team *team;
    size_t index;
    pthread_t thread;
} member;

/* One loop. */
typedef struct loop {
    rt_team_work *work;
    void *context;
    uint32_t n;
} loop;

struct rt_team {
    size_t n_threads;
    member *members; /* [n_threads]; the first is the caller */
    /* The loop's number in the upper half, its next item in the lower: an item is taken together with the
     * number, so that a late thread never takes one of another loop. */
    _Atomic uint64_t next;
    _Atomic uint32_t left; /* items that are not done */
    _Atomic bool ended;
    pthread_mutex_t lock; /* guards current, and the two below */
    pthread_cond_t begun, done;
    loop current;
};

static uint32_t number_of(uint64_t next)
{
    return (uint32_t)(next >> 32);
}

/* Does items of loop `number` until there is none left. */
static void take_part(rt_team *t, size_t worker, uint32_t number, const loop *r)
{
    uint64_t next = atomic_load(&t->next);
    while (number_of(next) == number && (uint32_t)next < r->n) {
        if (!atomic_compare_exchange_weak(&t->next, &next, next + 1))
            continue;
        r->work(r->context, worker, (uint32_t)next);
        if (atomic_fetch_sub(&t->left, 1) == 1) {
            pthread_mutex_lock(&t->lock);
            pthread_cond_signal(&t->done);
            pthread_mutex_unlock(&t->lock);
        }
        next = atomic_load(&t->next);
    }
}

/* Waits for a loop after number `seen`; false at the end. */
static bool wait_for_loop(rt_team *t, uint32_t seen, uint32_t *number, loop *r)
{
    for (int i = 0; i < LOOKS && number_of(atomic_load(&t->next)) == seen && !atomic_load(&t->ended); i++)
        ;
    pthread_mutex_lock(&t->lock);
    while (number_of(atomic_load(&t->next)) == seen && !atomic_load(&t->ended))
        pthread_cond_wait(&t->begun, &t->lock);
    *number = number_of(atomic_load(&t->next));
    *r = t->current;
    pthread_mutex_unlock(&t->lock);
    return !atomic_load(&t->ended);
}

static void *run_member(void *argument)
{
    member *m = argument;
    loop r;
    uint32_t number = 0;
    while (wait_for_loop(m->team, number, &number, &r))
        take_part(m->team, m->index, number, &r);
    return NULL;
}

rt_code rt__team_new(size_t n_threads, rt_team **team, rt_error *err)
{
    rt_team *t = calloc(1, sizeof *t);
    if (!t || !(t->members = calloc(n_threads, sizeof *t->members))) {
        free(t);
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu threads", n_threads);
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->begun, NULL);
    pthread_cond_init(&t->done, NULL);
    /* A thread that cannot be started is no failure: the others take its share. */
    for (t->n_threads = 1; t->n_threads < n_threads; t->n_threads++) {
        member *m = &t->members[t->n_threads];
        *m = (member){.team = t, .index = t->n_threads};
        if (pthread_create(&m->thread, NULL, run_member, m) != 0)
            break;
    }
    *team = t;
    return RT_OK;
}

void rt__team_free(rt_team *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->ended, true);
    pthread_cond_broadcast(&t->begun);
    pthread_mutex_unlock(&t->lock);
    for (size_t i = 1; i < t->n_threads; i++)
        pthread_join(t->members[i].thread, NULL);
    pthread_cond_destroy(&t->begun);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    free(t->members);
    free(t);
}

size_t rt__team_size(const rt_team *t)
{
    return t->n_threads;
}

void rt__team_run(rt_team *t, size_t n, rt_team_work *work, void *context)
{
    const loop r = {work, context, (uint32_t)n};
    uint32_t number;
    if (t->n_threads == 1 || n < 2) {
        for (size_t i = 0; i < n; i++)
            work(context, 0, i);
        return;
    }
    pthread_mutex_lock(&t->lock);
    number = number_of(atomic_load(&t->next)) + 1;
    t->current = r;
    atomic_store(&t->left, r.n);
    atomic_store(&t->next, (uint64_t)number << 32);
    pthread_cond_broadcast(&t->begun);
    pthread_mutex_unlock(&t->lock);
    take_part(t, 0, number, &r);
    for (int i = 0; i < LOOKS && atomic_load(&t->left) > 0; i++)
        ;
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->left) > 0)
        pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
}
