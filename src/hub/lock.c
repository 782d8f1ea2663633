#include "lock.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/pause.h"
#include "manifest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { UUID_BYTES = 16, HOST_BYTES = 256 };

static void host_name(char host[HOST_BYTES])
{
    if (gethostname(host, HOST_BYTES) != 0)
        strcpy(host, "localhost");
    host[HOST_BYTES - 1] = 0;
}

rt_code rt__lock_init(rt_lock *lock, const char *entry, rt_error *err)
{
    uint8_t random[UUID_BYTES];
    char uuid[2 * UUID_BYTES + 1];
    rt_code code;
    *lock = (rt_lock){0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return rt_fail_errno(err, errno, "no random bytes");
    rt__hex(random, sizeof random, uuid);
    rt__buffer_format(&lock->file, "%s.lock", entry);
    rt__buffer_format(&lock->temporary, "%s.%s.tmp", entry, uuid);
    if ((code = rt__buffer_ok(&lock->file, err)) == RT_OK)
        code = rt__buffer_ok(&lock->temporary, err);
    return code;
}

/* The uuid stands between the last two dots of the temporary folder's name. */
static void add_uuid(const rt_lock *lock, rt_buffer *text)
{
    size_t end = lock->temporary.size - strlen(".tmp");
    rt__buffer_add(text, lock->temporary.bytes + end - 2 * UUID_BYTES, 2 * UUID_BYTES);
}

rt_code rt__lock_try(rt_lock *lock, rt_error *err)
{
    rt_buffer content = {0}, draft = {0};
    char host[HOST_BYTES];
    rt_code code;
    host_name(host);
    rt__buffer_format(&content, "%s.%ld.", host, (long)getpid());
    add_uuid(lock, &content);
    rt__buffer_format(&draft, "%s.", lock->file.bytes);
    add_uuid(lock, &draft);
    if ((code = rt__buffer_ok(&content, err)) == RT_OK && (code = rt__buffer_ok(&draft, err)) == RT_OK)
        code = rt__file_write(draft.bytes, content.bytes, content.size, false, err);
    /* link() makes the file appear with its content and fails when another one is there. */
    if (code == RT_OK) {
        lock->held = link(draft.bytes, lock->file.bytes) == 0;
        if (!lock->held && errno != EEXIST) {
            code = rt_fail_errno(err, errno, "cannot lock");
            rt_doing(err, lock->file.bytes, "cannot use cache");
        }
        unlink(draft.bytes);
    }
    rt__buffer_clear(&content);
    rt__buffer_clear(&draft);
    return code;
}

/* Whether the lock's text names a process of this machine that is no more. */
static bool holder_is_dead(const char *content)
{
    char host[HOST_BYTES];
    size_t length;
    char *end;
    long pid;
    host_name(host);
    length = strlen(host);
    if (strncmp(content, host, length) != 0 || content[length] != '.')
        return false;
    pid = strtol(content + length + 1, &end, 10);
    return *end == '.' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void temporary_of(const char *entry, const char *content, rt_buffer *path)
{
    const char *dot = strrchr(content, '.');
    rt__buffer_reset(path);
    rt__buffer_format(path, "%s.%s.tmp", entry, dot ? dot + 1 : "");
}

/* Takes the lock file away if it still holds that content, with what its holder had so far. */
static void steal(const rt_lock *lock, const char *content, const char *temporary, const char *why,
                  const rt_log *log)
{
    rt_buffer now = {0};
    if (rt__file_read(&now, lock->file.bytes, 4096, NULL, NULL) == RT_OK && strcmp(now.bytes, content) == 0) {
        rt_log_line(log, RT_WARN, "Deleting lock file %s: %s", lock->file.bytes, why);
        unlink(lock->file.bytes);
        rt__folder_remove(temporary, NULL);
    }
    rt__buffer_clear(&now);
}

typedef struct watch {
    rt_buffer content, known, temporary;
    uint64_t bytes;
    time_t since;
} watch;

/* Whether the holder has written nothing for too long. */
static bool stands_still(watch *w, unsigned stale_seconds)
{
    uint64_t bytes = rt__folder_bytes(w->temporary.bytes);
    time_t now = time(NULL);
    bool same = w->known.size == w->content.size && bytes == w->bytes &&
                memcmp(w->known.bytes, w->content.bytes, w->content.size) == 0;
    if (same)
        return now - w->since >= (time_t)stale_seconds;
    rt__buffer_reset(&w->known);
    rt__buffer_add(&w->known, w->content.bytes, w->content.size);
    w->bytes = bytes;
    w->since = now;
    return false;
}

rt_code rt__lock_wait(const rt_lock *lock, const char *entry, const char *handle, const rt_cache *cache,
                      rt_error *err)
{
    unsigned stale_seconds = cache->stale_seconds ? cache->stale_seconds : 600;
    watch w = {.since = time(NULL)};
    rt_code code = RT_OK;
    for (unsigned turn = 0;; turn++) {
        rt__buffer_reset(&w.content);
        if (rt__file_read(&w.content, lock->file.bytes, 4096, NULL, NULL) != RT_OK)
            break; /* gone */
        temporary_of(entry, w.content.bytes, &w.temporary);
        if (w.temporary.failed || w.known.failed) {
            code = rt_fail(err, RT_ENOMEM, "out of memory");
            break;
        }
        if (turn % 10 == 0)
            rt_log_line(cache->log, RT_INFO, "Module '%s' already being downloaded by '%s'. Waiting.", handle,
                        w.content.bytes);
        if (holder_is_dead(w.content.bytes)) {
            steal(lock, w.content.bytes, w.temporary.bytes, "its process has ended", cache->log);
            break;
        }
        if (stands_still(&w, stale_seconds)) {
            steal(lock, w.content.bytes, w.temporary.bytes, "nothing came for too long", cache->log);
            break;
        }
        rt__pause(cache->poll_ms ? cache->poll_ms : 1000);
    }
    rt__buffer_clear(&w.content);
    rt__buffer_clear(&w.known);
    rt__buffer_clear(&w.temporary);
    return code;
}

void rt__lock_clear(rt_lock *lock)
{
    if (lock->held) {
        rt__folder_remove(lock->temporary.bytes, NULL);
        unlink(lock->file.bytes);
    }
    rt__buffer_clear(&lock->file);
    rt__buffer_clear(&lock->temporary);
    lock->held = false;
}
