#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static void fill_info(rt_file_info *info, const struct stat *st)
{
    info->size = (uint64_t)st->st_size;
    info->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    info->ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
    info->device = (uint64_t)st->st_dev;
    info->inode = (uint64_t)st->st_ino;
    info->is_folder = S_ISDIR(st->st_mode);
}

/* Opens for reading and tells a folder apart; *fd is -1 after a failure. */
static rt_code open_file(const char *path, int *fd, struct stat *st, rt_error *err)
{
    rt_code code = RT_OK;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, st) != 0)
        code = rt_fail_errno(err, errno, "cannot open");
    else if (S_ISDIR(st->st_mode))
        code = rt_fail(err, RT_EIO, "is a folder");
    if (code == RT_OK)
        return RT_OK;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    rt_doing(err, path, "cannot read file");
    return code;
}

rt_code rt__map_open(rt_map **map, const char *path, rt_error *err)
{
    struct stat st;
    int fd;
    void *bytes = NULL;
    rt_map *result;
    rt_code code = open_file(path, &fd, &st, err);
    if (code != RT_OK)
        return code;
    if (st.st_size > 0 &&
        (bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        code = rt_fail_errno(err, errno, "cannot map");
        bytes = NULL;
    }
    close(fd);
    if (code == RT_OK && !(result = malloc(sizeof *result)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code != RT_OK) {
        if (bytes)
            munmap(bytes, (size_t)st.st_size);
        rt_doing(err, path, "cannot read file");
        return code;
    }
    result->bytes = bytes;
    result->size = (size_t)st.st_size;
    *map = result;
    return RT_OK;
}

void rt__map_close(rt_map *map)
{
    if (!map)
        return;
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->size);
    free(map);
}

static rt_code read_all(int fd, rt_buffer *buffer, size_t expected, size_t most, rt_error *err)
{
    size_t start = buffer->size;
    for (;;) {
        size_t room = expected > buffer->size - start ? expected - (buffer->size - start) : 4096;
        char *to = rt__buffer_reserve(buffer, room);
        ssize_t got;
        if (!to)
            return rt__buffer_ok(buffer, err);
        got = read(fd, to, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rt_fail_errno(err, errno, "cannot read");
        if (got == 0)
            break;
        buffer->size += (size_t)got;
        if (most && buffer->size - start > most)
            return rt_fail(err, RT_ELIMIT, "larger than %zu bytes", most);
        if (buffer->size - start == expected && expected)
            break;
    }
    buffer->bytes[buffer->size] = 0;
    return RT_OK;
}

rt_code rt__file_read(rt_buffer *buffer, const char *path, size_t most, rt_file_info *info, rt_error *err)
{
    struct stat st;
    int fd;
    rt_code code = open_file(path, &fd, &st, err);
    if (code != RT_OK)
        return code;
    if (info)
        fill_info(info, &st);
    if (most && (uint64_t)st.st_size > most)
        code = rt_fail(err, RT_ELIMIT, "%lld bytes, more than the limit of %zu", (long long)st.st_size, most);
    else
        code = read_all(fd, buffer, (size_t)st.st_size, most, err);
    close(fd);
    if (code != RT_OK)
        rt_doing(err, path, "cannot read file");
    return code;
}

rt_code rt__file_info(const char *path, rt_file_info *info, rt_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        rt_code code = rt_fail_errno(err, errno, "cannot open");
        rt_doing(err, path, "cannot read file");
        return code;
    }
    fill_info(info, &st);
    return RT_OK;
}

bool rt__file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Numbers of statfs(2) for file systems of other machines: NFS, SMB, CIFS, SMB2, AFS, Ceph, Lustre, 9P. */
static const uint32_t remote_systems[] = {0x6969,     0x517b,     0xff534d42, 0xfe534d42,
                                          0x5346414f, 0x00c36400, 0x0bd00bd0, 0x01021997};

bool rt__file_is_remote(const char *path)
{
    char *folder = strdup(path);
    struct statfs system;
    bool remote = false;
    if (!folder)
        return false;
    folder[rt__path_name(path) - path] = 0;
    if (statfs(*folder ? folder : ".", &system) == 0)
        for (size_t i = 0; i < sizeof remote_systems / sizeof *remote_systems; i++)
            remote = remote || (uint32_t)system.f_type == remote_systems[i];
    free(folder);
    return remote;
}

bool rt__folder_is_empty(const char *path)
{
    DIR *folder = opendir(path);
    size_t entries = 0;
    if (!folder)
        return false;
    while (readdir(folder))
        entries++;
    closedir(folder);
    return entries <= 2; /* "." and ".." */
}

static rt_code write_all(int fd, const char *bytes, size_t size, rt_error *err)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return rt_fail_errno(err, errno, "cannot write");
        bytes += put;
        size -= (size_t)put;
    }
    return RT_OK;
}

/* Opens a new file beside path; its name is left in *name.  open() applies the umask itself, which mkstemp
 * does not and which cannot be read without changing it for all threads. */
static rt_code open_beside(const char *path, rt_buffer *name, int *fd, rt_error *err)
{
    /* A name may take all of the 255 bytes a file system allows: the temporary one begins like it. */
    enum { LONGEST_NAME = 200 };
    size_t folder = (size_t)(rt__path_name(path) - path), length = strlen(path + folder);
    int kept = (int)(folder + (length < LONGEST_NAME ? length : LONGEST_NAME));
    for (unsigned attempt = 0; attempt < 10000; attempt++) {
        rt_code code;
        rt__buffer_reset(name);
        rt__buffer_format(name, "%.*s.%ld-%u.tmp", kept, path, (long)getpid(), attempt);
        if ((code = rt__buffer_ok(name, err)) != RT_OK)
            return code;
        if ((*fd = open(name->bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) >= 0)
            return RT_OK;
        if (errno != EEXIST)
            return rt_fail_errno(err, errno, "cannot create");
    }
    return rt_fail(err, RT_EIO, "10000 unfinished files of earlier runs stand beside it");
}

rt_code rt__writer_open(rt_writer *writer, const char *path, rt_error *err)
{
    rt_code code;
    *writer = (rt_writer){.fd = -1};
    rt__buffer_text(&writer->path, path);
    if ((code = rt__buffer_ok(&writer->path, err)) == RT_OK)
        code = open_beside(path, &writer->temporary, &writer->fd, err);
    if (code != RT_OK) {
        rt__buffer_clear(&writer->path);
        rt__buffer_clear(&writer->temporary);
        rt_doing(err, path, "cannot write file");
    }
    return code;
}

rt_code rt__writer_add(rt_writer *writer, const void *bytes, size_t size, rt_error *err)
{
    rt_code code = write_all(writer->fd, bytes, size, err);
    writer->bytes += size;
    if (code != RT_OK)
        rt_doing(err, writer->path.bytes, "cannot write file");
    return code;
}

rt_code rt__writer_close(rt_writer *writer, rt_code code, bool durable, rt_error *err)
{
    bool ours = code == RT_OK; /* only then an error is this call's to tell */
    if (writer->fd < 0)
        return code;
    if (code == RT_OK && durable && fsync(writer->fd) != 0)
        code = rt_fail_errno(err, errno, "cannot write to disk");
    if (close(writer->fd) != 0 && code == RT_OK)
        code = rt_fail_errno(err, errno, "cannot write");
    if (code == RT_OK && rename(writer->temporary.bytes, writer->path.bytes) != 0)
        code = rt_fail_errno(err, errno, "cannot rename the finished file");
    if (code != RT_OK) {
        unlink(writer->temporary.bytes);
        if (ours)
            rt_doing(err, writer->path.bytes, "cannot write file");
    }
    writer->fd = -1;
    rt__buffer_clear(&writer->path);
    rt__buffer_clear(&writer->temporary);
    return code;
}

rt_code rt__file_write(const char *path, const void *bytes, size_t size, bool durable, rt_error *err)
{
    rt_writer writer;
    rt_code code = rt__writer_open(&writer, path, err);
    if (code != RT_OK)
        return code;
    code = rt__writer_add(&writer, bytes, size, err);
    return rt__writer_close(&writer, code, durable, err);
}

rt_code rt__folder_make(const char *path, rt_error *err)
{
    char *copy = strdup(path);
    rt_code code = RT_OK;
    if (!copy)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (char *p = copy; code == RT_OK && *p; p++) {
        char kept;
        if (p[1] != '/' && p[1] != 0)
            continue;
        kept = p[1];
        p[1] = 0;
        if (mkdir(copy, 0777) != 0) {
            int reason = errno;
            struct stat st;
            if (stat(copy, &st) != 0)
                code = rt_fail_errno(err, reason, "cannot make folder");
            else if (!S_ISDIR(st.st_mode))
                code = rt_fail(err, RT_EIO, "is a file, a folder is needed");
            if (code != RT_OK)
                rt_doing(err, copy, "cannot make folder");
        }
        p[1] = kept;
    }
    free(copy);
    return code;
}

/* The existing folder nearest above path, in place. */
static void cut_to_existing_folder(char *path)
{
    struct stat st;
    for (;;) {
        char *slash = strrchr(path, '/');
        if (!slash) {
            strcpy(path, "."); /* path held at least one character */
            return;
        }
        if (slash == path) {
            path[1] = 0;
            return;
        }
        *slash = 0;
        if (stat(path, &st) == 0)
            return;
    }
}

rt_code rt__file_check_writable(const char *path, rt_error *err)
{
    rt_code code = RT_OK;
    struct stat st;
    char *folder;
    if (!*path)
        return rt_fail(err, RT_EARG, "empty file name");
    if (!(folder = strdup(path)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        code = rt_fail(err, RT_EIO, "is a folder");
    else if (access(path, F_OK) == 0 && access(path, W_OK) != 0)
        code = rt_fail_errno(err, errno, "cannot be written");
    if (code == RT_OK) {
        cut_to_existing_folder(folder);
        if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode))
            code = rt_fail(err, RT_EIO, "%s is a file, a folder is needed", folder);
        else if (access(folder, W_OK | X_OK) != 0)
            code = rt_fail_errno(err, errno, "folder %s", folder);
    }
    free(folder);
    if (code != RT_OK)
        rt_doing(err, path, "cannot write file");
    return code;
}

const char *rt__path_join(rt_buffer *buffer, const char *folder, const char *name)
{
    size_t length = strlen(folder);
    rt__buffer_reset(buffer);
    rt__buffer_format(buffer, "%s%s%s", folder, length && folder[length - 1] != '/' ? "/" : "", name);
    return buffer->failed ? NULL : buffer->bytes;
}

const char *rt__path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
