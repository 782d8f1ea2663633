#include "known.h"

#include "base/file.h"
#include "base/pool.h"
#include "features_inside.h"

#include <stdlib.h>

enum {
    /* Each thread takes several shares, so that all end together; but each share walks over the cache's
     * index, and its photos take memory while it does. */
    SHARES = 4,
    FEWEST = 1024,
    MOST = 1 << 17
};

typedef struct job {
    const rt_known *known;
    size_t n_each; /* photos of a share */
} job;

/* False for a photo that cannot be looked at: whoever reads it will say why. */
static bool look_at(const rt_known *known, size_t i, rt_packed_file *file)
{
    const rt_feature_source *source = known->source;
    char path[RT_PATH_BYTES];
    rt_file_info info;
    if (!rt__photo_wanted(source, i) ||
        source->paths(source->user, i, path, NULL, sizeof path, NULL) != RT_OK ||
        rt__file_info(path, &info, NULL) != RT_OK)
        return false;
    *file = (rt_packed_file){.device = info.device,
                             .inode = info.inode,
                             .size = info.size,
                             .mtime_ns = info.mtime_ns,
                             .ctime_ns = info.ctime_ns,
                             .path_crc = rt__packed_path_crc(known->packed, path),
                             .number = (uint32_t)i};
    return true;
}

static rt_code do_share(void *context, size_t worker, size_t share, rt_error *err)
{
    const job *j = context;
    const rt_known *known = j->known;
    size_t first = share * j->n_each, left = known->source->n_photos - first, n = 0, n_found = 0;
    size_t end = first + (left < j->n_each ? left : j->n_each);
    rt_packed_file *files = calloc(j->n_each, sizeof *files);
    rt_code code;
    (void)worker;
    if (!files)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", j->n_each);
    for (size_t i = first; i < end; i++)
        n += look_at(known, i, &files[n]);
    code = rt__packed_known(known->packed, files, n, err);
    for (size_t i = 0; i < n && code == RT_OK; i++) {
        known->places[files[i].number] = files[i].place;
        n_found += files[i].place.block != 0;
    }
    free(files);
    if (code == RT_OK && n_found)
        known->found(known->user, n_found);
    return code;
}

rt_code rt__known_find(const rt_known *known, rt_error *err)
{
    size_t n = known->source->n_photos, n_each = n / (SHARES * known->n_threads);
    job j = {known, n_each < FEWEST ? FEWEST : n_each > MOST ? MOST : n_each};
    return rt__pool_run(known->n_threads, (n + j.n_each - 1) / j.n_each, do_share, &j, err);
}
