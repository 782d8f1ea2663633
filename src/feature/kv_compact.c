#include "kv.h"

#include "base/buffer.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Takes the lock that each process with the file open holds a share of (byte 0, see LMDB's
 * mdb_env_excl_lock()): while it is held nobody has it open, and whoever opens it waits. -1: it is in use. */
static int lock_out(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    rt_buffer name = {0};
    int fd = -1;
    rt__buffer_format(&name, "%s-lock", path);
    if (!name.failed && (fd = open(name.bytes, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) >= 0 &&
        fcntl(fd, F_SETLK, &whole) != 0) {
        close(fd);
        fd = -1;
    }
    rt__buffer_clear(&name);
    return fd;
}

rt_code rt__kv_compact(const char *path, bool *in_use, uint64_t *bytes, rt_error *err)
{
    int lock = lock_out(path);
    rt_buffer copy = {0};
    rt_file_info info;
    rt_code code = RT_OK;
    *in_use = lock < 0;
    if (*in_use)
        return RT_OK;
    rt__buffer_format(&copy, "%s.%ld.tmp", path, (long)getpid());
    if ((code = rt__buffer_ok(&copy, err)) == RT_OK)
        code = rt__kv_copy(path, copy.bytes, err);
    if (code == RT_OK && rename(copy.bytes, path) != 0)
        code = rt_fail_errno(err, errno, "cannot rename %s", copy.bytes);
    if (code != RT_OK && !copy.failed)
        unlink(copy.bytes);
    if (code == RT_OK && (code = rt__file_info(path, &info, err)) == RT_OK)
        *bytes = info.size;
    rt__buffer_clear(&copy);
    close(lock);
    return code;
}

static rt_code count(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    (void)key;
    (void)value;
    (void)stop;
    (void)err;
    ++*(uint64_t *)context;
    return RT_OK;
}

rt_code rt__kv_count(rt_kv_txn *txn, rt_span prefix, uint64_t *n, rt_error *err)
{
    return rt__kv_each(txn, prefix, NULL, count, n, err);
}
