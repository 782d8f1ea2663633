#include "kv.h"

#include "base/buffer.h"
#include "base/file.h"
#include "resident.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READERS = 1024,     /* views at one time, of all processes; 64 bytes each in the lock file */
    SMALL_MAP = 1 << 24 /* where addresses are few */
};

struct rt_kv {
    MDB_env *env;
    MDB_dbi table;
    char *path;
    bool writable;
    pthread_mutex_t write_lock;

    pthread_mutex_t gate; /* guards what follows; held while the map moves */
    pthread_cond_t idle;  /* signalled when n_views is 0 */
    size_t n_views;
    bool broken; /* the map could not be made again */

    rt_resident resident;
};

struct rt_kv_txn {
    rt_kv *kv;
    MDB_txn *txn;
    MDB_cursor *cursor; /* one key is often near the last */
    int status;         /* LMDB's last, where it was no success */
};

/* ---- errors ---- */

typedef struct meaning {
    int status;
    rt_code code;
    const char *text;
} meaning;

#define DAMAGED "is damaged (%s): delete it, and what it held is computed again"
static const meaning meanings[] = {
    {MDB_INVALID, RT_EFORMAT, "is no cache of vectors, or a damaged one: delete it or name another folder"},
    {MDB_VERSION_MISMATCH, RT_EFORMAT,
     "was made by another version of LMDB: delete it or name another folder"},
    {MDB_CORRUPTED, RT_EFORMAT, DAMAGED},
    {MDB_PAGE_NOTFOUND, RT_EFORMAT, DAMAGED},
    {MDB_PANIC, RT_EFORMAT, DAMAGED},
    {MDB_INCOMPATIBLE, RT_EFORMAT, DAMAGED},
    {MDB_BAD_VALSIZE, RT_EFORMAT, DAMAGED},
    {MDB_READERS_FULL, RT_ELIMIT, "is in use by too many threads at once"},
    {MDB_MAP_FULL, RT_ELIMIT, "is full"},
    {MDB_TXN_FULL, RT_ELIMIT, "takes no change that large"},
    {ENOMEM, RT_ENOMEM, "out of memory"},
};

static rt_code fail(const char *path, int status, const char *doing, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings && code == RT_OK; i++)
        if (meanings[i].status == status && strcmp(meanings[i].text, DAMAGED) == 0)
            code = rt_fail(err, RT_EFORMAT, DAMAGED, mdb_strerror(status));
        else if (meanings[i].status == status)
            code = rt_fail(err, meanings[i].code, "%s", meanings[i].text);
    if (code == RT_OK)
        code = rt_fail_errno(err, status > 0 ? status : EIO, "%s",
                             status > 0 ? "refused" : mdb_strerror(status));
    rt_doing(err, path, "%s", doing);
    return code;
}

static rt_code read_failed(const rt_kv *kv, int status, rt_error *err)
{
    return fail(kv->path, status, "cannot read cache", err);
}

/* ---- opening ---- */

/* Whatever is committed must lie in the file, or reading it would be a bus error. */
static rt_code check_size(rt_kv *kv, rt_error *err)
{
    uint64_t used, size;
    rt__kv_size(kv, &used, &size);
    if (used <= size)
        return RT_OK;
    rt_fail(err, RT_EFORMAT,
            "is cut off, %llu of %llu bytes are left: delete it, and what it held is computed again",
            (unsigned long long)size, (unsigned long long)used);
    rt_doing(err, kv->path, "cannot read cache");
    return RT_EFORMAT;
}

static size_t first_map(uint64_t file_bytes)
{
    uint64_t most = SIZE_MAX / 4 / SMALL_MAP * SMALL_MAP; /* keeps page boundaries */
    uint64_t wanted = sizeof(size_t) > 4 ? 2 * file_bytes + ((uint64_t)1 << 30) : file_bytes + SMALL_MAP;
    return (size_t)(wanted < most ? wanted : most);
}

static int try_open(rt_kv *kv, size_t map_bytes, unsigned flags)
{
    int status = mdb_env_create(&kv->env);
    if (status != 0)
        return status;
    if ((status = mdb_env_set_maxreaders(kv->env, READERS)) == 0 &&
        (status = mdb_env_set_mapsize(kv->env, map_bytes)) == 0)
        status = mdb_env_open(kv->env, kv->path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMETASYNC | flags, 0666);
    if (status != 0) {
        mdb_env_close(kv->env); /* also after a failed open, says lmdb.h */
        kv->env = NULL;
    }
    return status;
}

static bool refused(int status)
{
    return status == EACCES || status == EROFS || status == EPERM;
}

/* Where its folder cannot be written to a cache is read, and where not even its lock file can be, without a
 * lock: readers only miss what another process writes meanwhile. */
static int open_env(rt_kv *kv, size_t map_bytes, bool to_read)
{
    struct stat st;
    bool there = stat(kv->path, &st) == 0;
    size_t bytes = map_bytes ? map_bytes : first_map(there ? (uint64_t)st.st_size : 0);
    int status = to_read ? EACCES : try_open(kv, bytes, 0);
    if (status == ENOMEM && !map_bytes) /* addresses are limited: see ulimit -v */
        status = try_open(kv, (there ? (size_t)st.st_size : 0) + SMALL_MAP, 0);
    kv->writable = status == 0;
    if (!refused(status))
        return status;
    if (!there || st.st_size == 0)
        return ENOENT;
    status = try_open(kv, bytes, MDB_RDONLY);
    return refused(status) ? try_open(kv, bytes, MDB_RDONLY | MDB_NOLOCK) : status;
}

static rt_code open_table(rt_kv *kv, rt_error *err)
{
    MDB_txn *txn;
    int dead, status;
    mdb_reader_check(kv->env, &dead); /* views of processes that were killed */
    if ((status = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn)) == 0) {
        status = mdb_dbi_open(txn, NULL, 0, &kv->table);
        if (status == 0)
            status = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    return status == 0 ? RT_OK : read_failed(kv, status, err);
}

rt_code rt__kv_open(const char *path, size_t map_bytes, bool to_read, rt_kv **kv, rt_error *err)
{
    rt_kv *k;
    rt_code code;
    int status;
    if (rt__file_is_remote(path))
        return rt_fail(err, RT_EUNSUPPORTED, "%s is on a network file system", path);
    if (!(k = calloc(1, sizeof *k)) || !(k->path = strdup(path))) {
        free(k);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    pthread_mutex_init(&k->write_lock, NULL);
    pthread_mutex_init(&k->gate, NULL);
    pthread_cond_init(&k->idle, NULL);
    rt__resident_init(&k->resident);
    status = open_env(k, map_bytes, to_read);
    code = status == 0 ? check_size(k, err) : fail(path, status, "cannot open cache", err);
    if (code == RT_OK)
        code = open_table(k, err);
    if (code == RT_OK)
        *kv = k;
    else
        rt__kv_close(k);
    return code;
}

void rt__kv_close(rt_kv *kv)
{
    if (!kv)
        return;
    if (kv->env)
        mdb_env_close(kv->env);
    pthread_mutex_destroy(&kv->write_lock);
    pthread_mutex_destroy(&kv->gate);
    pthread_cond_destroy(&kv->idle);
    rt__resident_clear(&kv->resident);
    free(kv->path);
    free(kv);
}

bool rt__kv_writable(const rt_kv *kv)
{
    return kv->writable;
}

const char *rt__kv_path(const rt_kv *kv)
{
    return kv->path;
}

void rt__kv_size(const rt_kv *kv, uint64_t *used, uint64_t *size)
{
    MDB_envinfo info = {0};
    MDB_stat stat_ = {0};
    struct stat st = {0};
    mdb_env_info(kv->env, &info);
    mdb_env_stat(kv->env, &stat_);
    if (stat(kv->path, &st) != 0)
        st.st_size = 0;
    *used = ((uint64_t)info.me_last_pgno + 1) * stat_.ms_psize;
    *size = (uint64_t)st.st_size;
}

/* ---- the map, which only moves while nobody looks at it ---- */

/* size 0: takes over the size that another process gave it. */
static int move_map(rt_kv *kv, size_t size)
{
    int status;
    pthread_mutex_lock(&kv->gate);
    while (kv->n_views > 0)
        pthread_cond_wait(&kv->idle, &kv->gate);
    status = mdb_env_set_mapsize(kv->env, size);
    kv->broken = kv->broken || status != 0;
    rt__resident_forget(&kv->resident);
    pthread_mutex_unlock(&kv->gate);
    return status;
}

static rt_code grow(rt_kv *kv, rt_error *err)
{
    MDB_envinfo info;
    size_t size;
    mdb_env_info(kv->env, &info);
    size = info.me_mapsize;
    size += sizeof(size_t) > 4 && size < SIZE_MAX / 4 ? size : (size_t)SMALL_MAP;
    if (size > info.me_mapsize && move_map(kv, size) == 0)
        return RT_OK;
    rt_fail(err, RT_ELIMIT, "has grown to %zu bytes, and this machine has no room to map more",
            (size_t)info.me_mapsize);
    rt_doing(err, kv->path, "cannot write cache");
    return RT_ELIMIT;
}

/* ---- reading ---- */

static int begin(rt_kv *kv, unsigned flags, MDB_txn **txn)
{
    int status = mdb_txn_begin(kv->env, NULL, flags, txn);
    for (int attempt = 0; status == MDB_MAP_RESIZED && attempt < 10; attempt++) {
        if ((status = move_map(kv, 0)) == 0)
            status = mdb_txn_begin(kv->env, NULL, flags, txn);
    }
    return status;
}

static void leave(rt_kv *kv)
{
    pthread_mutex_lock(&kv->gate);
    if (--kv->n_views == 0)
        pthread_cond_broadcast(&kv->idle);
    pthread_mutex_unlock(&kv->gate);
}

/* Finds out where the map is, by the page of the first key: a page of LMDB begins with its number. */
static void locate(rt_kv_txn *txn)
{
    rt_kv *kv = txn->kv;
    MDB_envinfo info = {0};
    MDB_stat stat_ = {0};
    rt_resident_page page = {.n_bytes = 64};
    MDB_val key, value;
    size_t number;
    if (rt__resident_located(&kv->resident) || mdb_cursor_get(txn->cursor, &key, &value, MDB_FIRST) != 0)
        return;
    mdb_env_info(kv->env, &info);
    mdb_env_stat(kv->env, &stat_);
    page.bytes = (const void *)((uintptr_t)key.mv_data / stat_.ms_psize * stat_.ms_psize);
    memcpy(&number, page.bytes, sizeof number);
    page.offset = (uint64_t)number * stat_.ms_psize;
    page.map_bytes = info.me_mapsize;
    if (number <= info.me_last_pgno && mdb_env_get_fd(kv->env, &page.fd) == 0)
        rt__resident_locate(&kv->resident, &page);
}

static int begin_view(rt_kv_txn *t)
{
    rt_kv *kv = t->kv;
    int status;
    pthread_mutex_lock(&kv->gate);
    kv->n_views++;
    pthread_mutex_unlock(&kv->gate);
    status = kv->broken ? MDB_PANIC : mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &t->txn);
    if (status == 0 && (status = mdb_cursor_open(t->txn, kv->table, &t->cursor)) != 0)
        mdb_txn_abort(t->txn);
    if (status == 0)
        locate(t);
    else
        leave(kv);
    return status;
}

rt_code rt__kv_begin(rt_kv *kv, rt_kv_txn **txn, rt_error *err)
{
    rt_kv_txn *t = calloc(1, sizeof *t);
    int status;
    if (!t)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    t->kv = kv;
    while ((status = begin_view(t)) == MDB_MAP_RESIZED)
        if (move_map(kv, 0) != 0)
            break;
    if (status == 0) {
        *txn = t;
        return RT_OK;
    }
    free(t);
    return read_failed(kv, status, err);
}

void rt__kv_end(rt_kv_txn *txn)
{
    if (!txn)
        return;
    mdb_cursor_close(txn->cursor);
    mdb_txn_abort(txn->txn);
    leave(txn->kv);
    free(txn);
}

static MDB_val val(rt_span span)
{
    return (MDB_val){span.size, (void *)(uintptr_t)span.bytes}; /* lmdb.h has no const */
}

rt_code rt__kv_get(rt_kv_txn *txn, rt_span key, rt_span *value, rt_error *err)
{
    MDB_val k = val(key), v;
    /* Also the page of a key that is not there has been touched: that of the next one. */
    int status = mdb_cursor_get(txn->cursor, &k, &v, MDB_SET_RANGE);
    *value = (rt_span){NULL, 0};
    if (status == MDB_NOTFOUND)
        return RT_OK;
    if (status != 0)
        return read_failed(txn->kv, txn->status = status, err);
    rt__resident_touch(&txn->kv->resident, k.mv_data, 1);
    if (k.mv_size != key.size || memcmp(k.mv_data, key.bytes, key.size) != 0)
        return RT_OK;
    *value = (rt_span){v.mv_data, v.mv_size};
    rt__resident_touch(&txn->kv->resident, v.mv_data, 1);
    return RT_OK;
}

rt_code rt__kv_each(rt_kv_txn *txn, rt_span prefix, const rt_span *from, rt_kv_visit *visit, void *context,
                    rt_error *err)
{
    MDB_cursor *cursor;
    MDB_val key = val(from ? *from : prefix), value;
    rt_code code = RT_OK;
    bool stop = false;
    int status = mdb_cursor_open(txn->txn, txn->kv->table, &cursor);
    if (status != 0)
        return read_failed(txn->kv, txn->status = status, err);
    for (status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); status == 0 && code == RT_OK && !stop;
         status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < prefix.size || memcmp(key.mv_data, prefix.bytes, prefix.size) != 0)
            break;
        rt__resident_touch(&txn->kv->resident, key.mv_data, 1);
        code = visit(context, (rt_span){key.mv_data, key.mv_size}, (rt_span){value.mv_data, value.mv_size},
                     &stop, err);
        if (code != RT_OK || stop)
            break;
    }
    mdb_cursor_close(cursor);
    return code != RT_OK || status == 0 || status == MDB_NOTFOUND
               ? code
               : read_failed(txn->kv, txn->status = status, err);
}

/* ---- writing ---- */

/* LMDB says EIO where a write came to its end before the last byte, as it does on a full disk. */
static bool no_room(int status)
{
    return status == ENOSPC || status == EDQUOT || status == EFBIG || status == EIO;
}

static rt_code write_failed(rt_kv_txn *txn, int status, rt_error *err)
{
    txn->status = status;
    if (!no_room(status))
        return fail(txn->kv->path, status, "cannot write cache", err);
    rt_fail_errno(err, status == EIO ? ENOSPC : status,
                  "what it holds is whole; free some space, or name another folder");
    rt_doing(err, txn->kv->path, "cannot write cache");
    return RT_EIO;
}

rt_code rt__kv_put(rt_kv_txn *txn, rt_span key, rt_span value, rt_error *err)
{
    MDB_val k = val(key), v = val(value);
    int status = mdb_put(txn->txn, txn->kv->table, &k, &v, 0);
    return status == 0 ? RT_OK : write_failed(txn, status, err);
}

rt_code rt__kv_reserve(rt_kv_txn *txn, rt_span key, size_t size, void **room, rt_error *err)
{
    MDB_val k = val(key), v = {size, NULL};
    int status = mdb_put(txn->txn, txn->kv->table, &k, &v, MDB_RESERVE);
    *room = v.mv_data;
    return status == 0 ? RT_OK : write_failed(txn, status, err);
}

rt_code rt__kv_delete(rt_kv_txn *txn, rt_span key, rt_error *err)
{
    MDB_val k = val(key);
    int status = mdb_del(txn->txn, txn->kv->table, &k, NULL);
    return status == 0 || status == MDB_NOTFOUND ? RT_OK : write_failed(txn, status, err);
}

/* One attempt; RT_ELIMIT with MDB_MAP_FULL in *status where the file must grow. */
static rt_code attempt(rt_kv *kv, rt_kv_change *change, void *context, int *status, rt_error *err)
{
    rt_kv_txn txn = {.kv = kv};
    rt_code code;
    if ((*status = begin(kv, 0, &txn.txn)) != 0)
        return write_failed(&txn, *status, err);
    if ((*status = mdb_cursor_open(txn.txn, kv->table, &txn.cursor)) != 0) {
        mdb_txn_abort(txn.txn);
        return write_failed(&txn, *status, err);
    }
    code = change(context, &txn, err);
    if (code == RT_OK) {
        *status = mdb_txn_commit(txn.txn);
        return *status == 0 ? RT_OK : write_failed(&txn, *status, err);
    }
    mdb_txn_abort(txn.txn);
    *status = txn.status;
    return code;
}

rt_code rt__kv_write(rt_kv *kv, rt_kv_change *change, void *context, rt_error *err)
{
    rt_code code;
    int status;
    pthread_mutex_lock(&kv->write_lock);
    while ((code = attempt(kv, change, context, &status, err)) != RT_OK && status == MDB_MAP_FULL)
        if ((code = grow(kv, err)) != RT_OK)
            break;
    pthread_mutex_unlock(&kv->write_lock);
    return code;
}

/* ---- memory ---- */

void rt__kv_touched(rt_kv *kv, const void *bytes, size_t size)
{
    rt__resident_touch(&kv->resident, bytes, size);
}

void rt__kv_fetch(rt_kv *kv, const void *bytes, size_t size, void *to)
{
    rt__resident_fetch(&kv->resident, bytes, size, to);
}

rt_code rt__kv_copy(const char *path, const char *to, rt_error *err)
{
    rt_kv kv = {.path = (char *)(uintptr_t)path};
    rt_code code = RT_OK;
    int fd = -1, status = try_open(&kv, SMALL_MAP, MDB_RDONLY | MDB_NOLOCK);
    if (status != 0)
        return fail(path, status, "cannot open cache", err);
    if ((status = mdb_env_copy2(kv.env, to, MDB_CP_COMPACT)) == 0 &&
        ((fd = open(to, O_RDONLY | O_CLOEXEC)) < 0 || fsync(fd) != 0))
        status = errno;
    if (status != 0)
        code = fail(to, status, "cannot write cache", err);
    if (fd >= 0)
        close(fd);
    mdb_env_close(kv.env);
    return code;
}
