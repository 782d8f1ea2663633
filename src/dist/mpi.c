/* Messages through MPI.  Its calls that wait keep a core busy, so that only those are used that come back at
 * once, with pauses in between. */
#include "comm_inside.h"

#include "base/array.h"
#include "base/clock.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG = 1, QUICK_NS = 50000, PAUSE_NS = 500000, MS = 1000000, BROADCAST_BYTES = 1 << 28 };

typedef struct sending {
    MPI_Request request;
    void *bytes;
} sending;

typedef struct state {
    sending *under_way; /* [n, capacity] */
    size_t n, capacity;
} state;

static rt_code check(int status, const char *what, rt_error *err)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    if (status == MPI_SUCCESS)
        return RT_OK;
    MPI_Error_string(status, text, &length);
    return rt_fail(err, RT_EIO, "MPI cannot %s: %.150s", what, text);
}

/* Lets sends go on, and forgets those that are done. */
static rt_code go_on(state *s, rt_error *err)
{
    rt_code code = RT_OK;
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        int done = 0;
        if (code == RT_OK)
            code = check(MPI_Test(&s->under_way[i].request, &done, MPI_STATUS_IGNORE), "send", err);
        if (done)
            free(s->under_way[i].bytes);
        else
            s->under_way[kept++] = s->under_way[i];
    }
    s->n = kept;
    return code;
}

static rt_code mpi_send(rt_comm *comm, int to, const void *bytes, size_t size, rt_error *err)
{
    state *s = comm->state;
    sending *new;
    if (s->n == s->capacity) {
        sending *more = rt__array_grow(s->under_way, &s->capacity, 64, sizeof *more);
        if (!more)
            return rt_fail(err, RT_ENOMEM, "out of memory");
        s->under_way = more;
    }
    new = &s->under_way[s->n];
    if (size > RT_MESSAGE_BYTES || !(new->bytes = malloc(size + 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory for a message of %zu bytes", size);
    if (size)
        memcpy(new->bytes, bytes, size);
    if (check(MPI_Isend(new->bytes, (int)size, MPI_BYTE, to, TAG, MPI_COMM_WORLD, &new->request), "send",
              err) != RT_OK) {
        free(new->bytes);
        return RT_EIO;
    }
    s->n++;
    return RT_OK;
}

static rt_code take(MPI_Message *message, const MPI_Status *status, rt_buffer *bytes, rt_error *err)
{
    int size = 0;
    char *room;
    rt_code code = check(MPI_Get_count(status, MPI_BYTE, &size), "receive", err);
    if (code != RT_OK)
        return code;
    rt__buffer_reset(bytes);
    if (!(room = rt__buffer_reserve(bytes, (size_t)size + 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory for a message of %d bytes", size);
    bytes->size = (size_t)size;
    return check(MPI_Mrecv(room, size, MPI_BYTE, message, MPI_STATUS_IGNORE), "receive", err);
}

static rt_code mpi_receive(rt_comm *comm, int wait_ms, rt_buffer *bytes, int *from, rt_error *err)
{
    int64_t end = rt__clock_ns(CLOCK_MONOTONIC) + (int64_t)wait_ms * MS;
    struct timespec pause = {0, QUICK_NS};
    *from = -1;
    for (;;) {
        MPI_Message message;
        MPI_Status status;
        int there = 0;
        rt_code code = go_on(comm->state, err);
        if (code == RT_OK)
            code = check(MPI_Improbe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &there, &message, &status),
                         "receive", err);
        if (code != RT_OK)
            return code;
        if (there) {
            *from = status.MPI_SOURCE;
            return take(&message, &status, bytes, err);
        }
        if (rt__clock_ns(CLOCK_MONOTONIC) >= end)
            return RT_OK;
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec * 2 < PAUSE_NS ? pause.tv_nsec * 2 : PAUSE_NS;
    }
}

static rt_code mpi_broadcast(rt_comm *comm, void *bytes, size_t size, rt_error *err)
{
    rt_code code = RT_OK;
    (void)comm;
    for (size_t at = 0; at < size && code == RT_OK; at += BROADCAST_BYTES) {
        size_t n = size - at < BROADCAST_BYTES ? size - at : BROADCAST_BYTES;
        code = check(MPI_Bcast((char *)bytes + at, (int)n, MPI_BYTE, 0, MPI_COMM_WORLD), "broadcast", err);
    }
    return code;
}

static void mpi_close(rt_comm *comm, bool orderly)
{
    state *s = comm->state;
    if (!orderly)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (size_t i = 0; i < s->n; i++) {
        MPI_Wait(&s->under_way[i].request, MPI_STATUS_IGNORE);
        free(s->under_way[i].bytes);
    }
    free(s->under_way);
    free(s);
    MPI_Finalize();
}

static const rt_comm_calls mpi_calls = {mpi_send, mpi_receive, mpi_broadcast, mpi_close};

rt_code rt__comm_mpi(rt_comm *comm, rt_error *err)
{
    char host[MPI_MAX_PROCESSOR_NAME + 1] = "";
    int provided = 0, length = 0;
    rt_code code;
    if (!(comm->state = calloc(1, sizeof(state))))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided), "start", err);
    if (code != RT_OK) {
        free(comm->state);
        return code;
    }
    comm->calls = &mpi_calls;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &comm->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &comm->size);
    MPI_Get_processor_name(host, &length);
    snprintf(comm->host, sizeof comm->host, "%s", host);
    if (provided < MPI_THREAD_SERIALIZED)
        return rt_fail(err, RT_EUNSUPPORTED, "this MPI was built without threads");
    return RT_OK;
}
