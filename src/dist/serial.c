/* A process that is alone: there is nobody to send to and nobody to hear from. */
#include "comm_inside.h"

static rt_code send_nothing(rt_comm *comm, int to, const void *bytes, size_t size, rt_error *err)
{
    (void)comm;
    (void)bytes;
    return rt_fail(err, RT_EARG, "no process %d to send %zu bytes to", to, size);
}

static rt_code receive_nothing(rt_comm *comm, int wait_ms, rt_buffer *bytes, int *from, rt_error *err)
{
    (void)comm;
    (void)wait_ms;
    (void)bytes;
    (void)err;
    *from = -1;
    return RT_OK;
}

static rt_code keep(rt_comm *comm, void *bytes, size_t size, rt_error *err)
{
    (void)comm;
    (void)bytes;
    (void)size;
    (void)err;
    return RT_OK;
}

static void close_nothing(rt_comm *comm, bool orderly)
{
    (void)comm;
    (void)orderly;
}

static const rt_comm_calls serial_calls = {send_nothing, receive_nothing, keep, close_nothing};

rt_code rt__comm_serial(rt_comm *comm, rt_error *err)
{
    (void)err;
    *comm = (rt_comm){.calls = &serial_calls, .size = 1};
    return RT_OK;
}
