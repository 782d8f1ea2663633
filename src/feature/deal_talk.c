/* Messages between the processes, and who of them is still there.
 *
 * mpirun ends all processes when one dies: it signals them, and kills them a second later.  In that second
 * rank 0 calls all ranks, and says which do not answer; rank 1 says so of rank 0. */
#include "deal_inside.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define MS INT64_C(1000000)
static const int64_t answer_ns = 500 * MS, first_answer_ns = 700 * MS, heartbeat_ns = 2000 * MS,
                     silence_ns = 120000 * MS;

rt_code rt__deal_send(rt_deal *d, int to, rt_deal_kind kind, const void *bytes, size_t size, rt_error *err)
{
    rt_buffer message = {0};
    rt_code code;
    rt__buffer_u32(&message, (uint32_t)kind);
    if (size)
        rt__buffer_add(&message, bytes, size);
    code = rt__buffer_ok(&message, err);
    if (code == RT_OK)
        code = d->o.comm->calls->send(d->o.comm, to, message.bytes, message.size, err);
    rt__buffer_clear(&message);
    return code;
}

rt_code rt__deal_send_all(rt_deal *d, rt_deal_kind kind, const void *bytes, size_t size, rt_error *err)
{
    rt_code code = RT_OK;
    for (int rank = 1; rank < d->o.comm->size && code == RT_OK; rank++)
        if (!d->peers[rank].gone)
            code = rt__deal_send(d, rank, kind, bytes, size, err);
    return code;
}

void rt__deal_fail(rt_deal *d, const rt_error *err)
{
    pthread_mutex_lock(&d->lock);
    if (!d->failed)
        d->error = *err;
    d->failed = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

rt_code rt__deal_unexpected(const rt_deal_message *m, rt_error *err)
{
    return rt_fail(err, RT_EFORMAT,
                   "rank %d sent a message of kind %d and %zu bytes, which has no place here", m->from,
                   (int)m->kind, m->size);
}

/* ---- who is there ---- */

static rt_code bury(rt_deal *d, int rank, const char *how, rt_error *err)
{
    const char *host = d->peers[rank].host; /* "" before it was heard of */
    char work[64] = "its blocks in work";
    if (rank != 0 && d->o.comm->rank == 0)
        snprintf(work, sizeof work, "the %zu photos it had in work", d->peers[rank].n_dealt);
    d->broken = d->told = true;
    rt_fail(err, RT_EIO,
            "Rank %d%s%.63s%s %s: all vectors are kept but those of %s; the same command goes on from there",
            rank, *host ? " (" : "", host, *host ? ")" : "", how, work);
    rt_log_line(d->o.log, RT_ERROR, "%s", err ? err->cause : "a rank died");
    return RT_EIO;
}

static rt_code stopped(const rt_deal *d, rt_error *err)
{
    size_t done = d->dealer.n - d->dealer.left;
    return rt_fail(
        err, RT_EIO,
        "stopped by a signal, with the vectors of %zu photos stored; the same command goes on from "
        "there",
        done);
}

static rt_code call_all(rt_deal *d, rt_error *err)
{
    d->stopping_ns = rt__clock_ns(CLOCK_MONOTONIC);
    for (int rank = 0; rank < d->o.comm->size; rank++)
        d->peers[rank].answered = rank == 0 || d->peers[rank].gone;
    return rt__deal_send_all(d, RT_DEAL_CALL, NULL, 0, err);
}

static rt_code count_answers(rt_deal *d, int64_t now, rt_error *err)
{
    for (int rank = 1; rank < d->o.comm->size; rank++)
        if (!d->peers[rank].answered)
            return now - d->stopping_ns > answer_ns ? bury(d, rank, "died", err) : RT_OK;
    return stopped(d, err);
}

static rt_code watch_others(rt_deal *d, int64_t now, bool stop, rt_error *err)
{
    rt_code code = RT_OK;
    if (!d->stopping_ns && (stop || d->called))
        return call_all(d, err);
    if (d->stopping_ns)
        return count_answers(d, now, err);
    for (int rank = 1; rank < d->o.comm->size; rank++)
        if (d->peers[rank].heard_ns && !d->peers[rank].gone && now - d->peers[rank].heard_ns > silence_ns)
            return bury(d, rank, "has been silent for two minutes", err);
    if (now - d->heartbeat_ns > heartbeat_ns) {
        d->heartbeat_ns = now;
        code = rt__deal_send_all(d, RT_DEAL_CALL, NULL, 0, err);
    }
    return code;
}

static rt_code watch_first(rt_deal *d, int64_t now, bool stop, rt_error *err)
{
    if (!d->stopping_ns && stop) {
        d->stopping_ns = now;
        return rt__deal_send(d, 0, RT_DEAL_STOPPING, NULL, 0, err);
    }
    if (!d->stopping_ns || d->peers[0].heard_ns > d->stopping_ns || now - d->stopping_ns < first_answer_ns)
        return RT_OK;
    if (d->o.comm->rank == 1)
        return bury(d, 0, "died", err);
    d->broken = d->told = true; /* by rank 1 */
    return rt_fail(err, RT_EIO, "rank 0 died");
}

static rt_code watch(rt_deal *d, rt_error *err)
{
    int64_t now = rt__clock_ns(CLOCK_MONOTONIC);
    bool stop = d->o.stop && d->o.stop(d->o.user);
    return d->o.comm->rank == 0 ? watch_others(d, now, stop, err) : watch_first(d, now, stop, err);
}

/* ---- receiving ---- */

static rt_code failed_there(const rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    char text[RT_ERROR_TEXT];
    rt_error there;
    if (m->size != sizeof there)
        return rt__deal_unexpected(m, err);
    memcpy(&there, m->bytes, sizeof there);
    return rt_fail(err, there.code == RT_OK ? RT_EIO : there.code, "rank %d (%s): %s", m->from,
                   d->peers[m->from].host, rt_error_text(&there, text, sizeof text));
}

/* What every process answers at any time; leaves kind RT_DEAL_NOTHING behind. */
static rt_code answer(rt_deal *d, rt_deal_message *m, rt_error *err)
{
    rt_deal_kind kind = m->kind;
    m->kind = RT_DEAL_NOTHING;
    if (kind == RT_DEAL_CALL)
        return rt__deal_send(d, m->from, RT_DEAL_ALIVE, NULL, 0, err);
    if (kind == RT_DEAL_STOPPING)
        d->called = true;
    else if (kind == RT_DEAL_GONE)
        d->peers[m->from].gone = true;
    else if (kind == RT_DEAL_FAILED)
        return failed_there(d, m, err);
    else if (kind != RT_DEAL_ALIVE)
        m->kind = kind;
    return RT_OK;
}

rt_code rt__deal_receive(rt_deal *d, int wait_ms, rt_deal_message *m, rt_error *err)
{
    uint32_t kind;
    rt_code code = watch(d, err);
    *m = (rt_deal_message){.from = -1};
    if (code == RT_OK)
        code = d->o.comm->calls->receive(d->o.comm, wait_ms, &d->in, &m->from, err);
    if (code != RT_OK || m->from < 0)
        return code;
    d->peers[m->from].heard_ns = rt__clock_ns(CLOCK_MONOTONIC);
    d->peers[m->from].answered = true;
    if (d->in.size < sizeof kind)
        return rt__deal_unexpected(m, err);
    memcpy(&kind, d->in.bytes, sizeof kind);
    m->kind = (rt_deal_kind)kind;
    m->bytes = (const uint8_t *)d->in.bytes + sizeof kind;
    m->size = d->in.size - sizeof kind;
    return answer(d, m, err);
}
