/* Runs of several processes (dist/comm.h): all of them make vectors, the first does everything else.
 *
 * Which rows training and test read follows from the seed, so that rank 0 fetches just those before it
 * begins, each once, and lets the others go: from there on it is the program that runs alone, with the same
 * bytes. */
#include "base/hash.h"
#include "dist/comm.h"
#include "feature/features_inside.h"
#include "retrain_job.h"

#include <stdlib.h>
#include <string.h>

bool rt_retrain_speaks(void)
{
    return rt__comm_promised_rank(rt__comm_environment) == 0;
}

/* ---- the beginning ---- */

static uint32_t add_text(uint32_t crc, const char *text)
{
    return rt__crc32c(crc, text ? text : "", strlen(text ? text : "") + 1);
}

/* Of what makes a vector, and where it is kept. */
static uint32_t checksum_of_flags(const rt_retrain_options *o)
{
    rt_buffer network = {0};
    uint32_t crc = add_text(add_text(0, o->image_dir), o->bottleneck_dir);
    rt__retrain_module_name(o, &network);
    crc = add_text(crc, network.bytes);
    rt__buffer_clear(&network);
    return crc;
}

static bool never(void *user)
{
    (void)user;
    return false;
}

static rt_code begin_deal(rt_retrain_job *job, rt_error *err)
{
    const rt_stop *stop = job->options->stop;
    const rt_deal_options options = {.comm = job->comm,
                                     .log = job->log,
                                     .stop = stop ? stop->asked : never,
                                     .user = stop ? stop->user : NULL,
                                     .flags = checksum_of_flags(job->options)};
    rt_code code = rt__deal_new(&options, &job->deal, err);
    if (code == RT_OK && stop)
        stop->begin(stop->user);
    return code;
}

/* ---- rank 0 ---- */

static rt_code check(const rt_retrain_job *job, rt_error *err)
{
    const rt_distortion distortion = rt__retrain_distortion(job->options);
    if (job->options->bottleneck_cache == RT_CACHE_TEXT)
        return rt_fail(err, RT_EARG,
                       "--bottleneck_cache text: with several processes each keeps a packed cache");
    rt_log_line(job->log, RT_INFO, "%d processes share the photos; this one is rank 0, on %s.",
                job->comm->size, job->comm->host);
    if (rt_distortion_any(&distortion))
        rt_log_line(job->log, RT_INFO,
                    "Distorted photos go through rank 0's network alone; the others help with validation and "
                    "test.");
    return RT_OK;
}

typedef struct marks {
    uint8_t *wanted; /* a bit for each photo */
    size_t n;
} marks;

static void mark(void *user, const uint32_t *rows, size_t n)
{
    marks *m = user;
    for (size_t i = 0; i < n; i++) {
        uint8_t bit = (uint8_t)(1U << (rows[i] % 8));
        m->n += !(m->wanted[rows[i] / 8] & bit);
        m->wanted[rows[i] / 8] |= bit;
    }
}

static rt_code mark_test(const rt_retrain_job *job, marks *m, rt_error *err)
{
    uint32_t *rows, *labels;
    size_t n;
    rt_code code = rt__retrain_draw_test(job, &rows, &labels, &n, err);
    if (code == RT_OK)
        mark(m, rows, n);
    free(labels);
    free(rows);
    return code;
}

static rt_code fetch(rt_retrain_job *job, const marks *m, rt_error *err)
{
    uint32_t *photos = calloc(m->n + 1, sizeof *photos);
    size_t n = 0;
    rt_code code;
    if (!photos)
        return rt_fail(err, RT_ENOMEM, "out of memory to fetch %zu vectors", m->n);
    for (size_t i = 0; i < job->features.n_photos; i++)
        if (m->wanted[i / 8] >> (i % 8) & 1)
            photos[n++] = (uint32_t)i;
    code = rt__features_gather(&job->features, job->deal, photos, n, err);
    free(photos);
    return code;
}

rt_code rt__retrain_gather(rt_retrain_job *job, const rt_train_options *training, const rt_train_data *data,
                           rt_error *err)
{
    marks m = {0};
    rt_code code = RT_OK;
    if (!job->deal)
        return RT_OK;
    if (!(m.wanted = calloc(job->features.n_photos / 8 + 1, 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (rt__retrain_imitates_8_bits(job)) /* their ranges are measured over all photos */
        for (size_t set = 0; set < RT_N_SETS; set++)
            mark(&m, job->sets[set].rows, job->sets[set].n);
    code = rt__train_rows(training, data, &job->state, job->distorted != NULL, mark, &m, err);
    if (code == RT_OK)
        code = mark_test(job, &m, err);
    if (code == RT_OK)
        code = fetch(job, &m, err);
    free(m.wanted);
    if (code == RT_OK)
        rt__retrain_part(job, RT_OK, NULL);
    return code;
}

/* ---- the others ---- */

static rt_code help(rt_retrain_job *job, rt_error *err)
{
    rt_feature_options options = {.n_threads = (size_t)job->options->threads,
                                  .how = job->options->extraction,
                                  .packed_dir = job->options->bottleneck_dir,
                                  .deal = job->deal};
    rt_buffer name = {0};
    rt_feature_source source;
    size_t n_photos;
    bool none;
    rt_code code = rt__deal_await(job->deal, &n_photos, &none, err);
    if (code != RT_OK || none)
        return code;
    rt__retrain_module_name(job->options, &name);
    if ((code = rt__buffer_ok(&name, err)) == RT_OK)
        code = rt__retrain_open_module(job, err);
    if (code == RT_OK) {
        options.module_name = name.bytes;
        source = rt__deal_source(job->deal, n_photos);
        code = rt_features_compute(job->module, &source, &options, &job->features, err);
    }
    rt__buffer_clear(&name);
    return code;
}

rt_code rt__retrain_meet(rt_retrain_job *job, bool *over, rt_error *err)
{
    rt_code code = rt__comm_open(&job->comm, err);
    if (code != RT_OK || job->comm->size == 1) {
        rt__comm_close(code == RT_OK ? job->comm : NULL, true);
        job->comm = NULL;
        return code;
    }
    if ((code = begin_deal(job, err)) != RT_OK)
        return code;
    if (job->comm->rank == 0)
        return check(job, err);
    *over = job->result->helped = true;
    job->log = NULL; /* rank 0 says it all */
    job->progress = NULL;
    return help(job, err);
}

void rt__retrain_part(rt_retrain_job *job, rt_code code, const rt_error *err)
{
    const rt_stop *stop = job->options->stop;
    bool broken = true;
    char text[RT_ERROR_TEXT];
    if (!job->comm)
        return;
    if (job->deal) {
        if (job->comm->rank == 0)
            rt__deal_dismiss(job->deal);
        else
            rt__deal_serve(job->deal, code, err);
        broken = rt__deal_is_broken(job->deal);
        job->result->told = rt__deal_is_told(job->deal);
    }
    if (code != RT_OK && broken && !job->result->told) { /* nobody comes back from an end in disorder */
        rt_log_line(job->log, RT_ERROR, "%s", rt_error_text(err, text, sizeof text));
        job->result->told = true;
    }
    rt__deal_free(job->deal);
    job->deal = NULL;
    rt__comm_close(job->comm, !broken);
    job->comm = NULL;
    if (stop)
        stop->end(stop->user);
}
