/* The processes of one run, which mpirun or srun started: each has a number, its rank, and they send each
 * other messages.  A table of functions, so that what works with several processes sees neither MPI nor its
 * absence.
 *
 * A process that nothing of the kind started is alone: rank 0 of 1.  Then MPI is not even initialised. */
#ifndef RT_DIST_COMM_H
#define RT_DIST_COMM_H

#include "base/buffer.h"

typedef struct rt_comm rt_comm;

/* One thread at a time. */
typedef struct rt_comm_calls {
    /* Copies the bytes and comes back at once; messages from one process to another arrive in their order.
     * At most RT_MESSAGE_BYTES. */
    rt_code (*send)(rt_comm *comm, int to, const void *bytes, size_t size, rt_error *err);
    /* The next message of any process, replacing what the buffer held; *from is -1 when none came within
     * wait_ms.  Sends go on meanwhile. */
    rt_code (*receive)(rt_comm *comm, int wait_ms, rt_buffer *bytes, int *from, rt_error *err);
    /* Rank 0's bytes to all; every process must call it. */
    rt_code (*broadcast)(rt_comm *comm, void *bytes, size_t size, rt_error *err);
    /* orderly: waits until every process closes; else ends all of them, this one too. */
    void (*close)(rt_comm *comm, bool orderly);
} rt_comm_calls;

enum { RT_MESSAGE_BYTES = 1 << 30 };

struct rt_comm {
    const rt_comm_calls *calls;
    int rank, size;
    char host[64]; /* the machine's name, maybe cut off */
    void *state;
};

/* Give back with rt__comm_close().
 *   RT_EUNSUPPORTED  started by mpirun, but built without MPI, or with another MPI than its */
rt_code rt__comm_open(rt_comm **comm, rt_error *err);
void rt__comm_close(rt_comm *comm, bool orderly); /* NULL is allowed */

/* How many processes the environment tells of, 1 where it tells of none.
 *   get  reads a variable; rt__comm_environment() those of this process */
typedef const char *rt_get_variable(const char *name);
rt_get_variable rt__comm_environment;
int rt__comm_promised(rt_get_variable *get);
/* The rank this process will have, likewise, before any message. */
int rt__comm_promised_rank(rt_get_variable *get);

#endif
