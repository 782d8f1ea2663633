/* Threads that stay, for many short loops: a training step is over before a thread could be started.
 *
 * Items are dealt one by one, so that a thread whose core is busy with another program holds nobody up: the
 * caller does what nobody else has begun.  Waiting threads look for work for some microseconds, then sleep.
 */
#ifndef RT_BASE_TEAM_H
#define RT_BASE_TEAM_H

#include "retrain/error.h"

#include <stddef.h>

typedef struct rt_team rt_team;

/* Does item `item`; worker, below the team's size, is the index of the thread's own workspace. */
typedef void rt_team_work(void *context, size_t worker, size_t item);

/* n_threads, the caller among them, at least 1; fewer where they cannot be started.  RT_ENOMEM */
rt_code rt__team_new(size_t n_threads, rt_team **team, rt_error *err);
void rt__team_free(rt_team *team); /* NULL is allowed */
size_t rt__team_size(const rt_team *team);

/* Runs work for items 0 .. n - 1 (below 2^32), in any order and on any thread; comes back when all are done.
 * One caller at a time. */
void rt__team_run(rt_team *team, size_t n, rt_team_work *work, void *context);

#endif
