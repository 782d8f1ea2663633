/* Archives, read and written: all of libarchive that is used. */
#include "unpack.h"

#include "base/buffer.h"
#include "base/file.h"
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BLOCK = 128 * 1024 };

typedef struct unpacking {
    struct archive *archive;
    const char *folder;
    rt_unpack_limits limits;
    uint64_t bytes, entries, archive_size;
    const rt_progress *progress;
    rt_buffer path;
} unpacking;

/* libarchive's errors: damage is the file's fault, an errno of the system's own is not. */
static rt_code archive_failure(struct archive *archive, rt_error *err)
{
    const char *text = archive_error_string(archive);
    if (archive_errno(archive) == ENOMEM)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    return rt_fail(err, RT_EFORMAT, "not an archive, or damaged: %s", text ? text : "unknown reason");
}

/* Appends the parts of name to the folder: no "", ".", and ".." only as far as name itself went down. */
static rt_code inside_path(unpacking *u, const char *name, rt_error *err)
{
    size_t root;
    rt__buffer_reset(&u->path);
    rt__buffer_text(&u->path, u->folder);
    root = u->path.size;
    for (const char *part = name; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            if (u->path.size == root)
                return rt_fail(err, RT_EFORMAT, "entry '%s' leads out of the folder", name);
            while (u->path.bytes[--u->path.size] != '/')
                ;
            u->path.bytes[u->path.size] = 0;
        } else if (length > 0 && !(length == 1 && part[0] == '.')) {
            rt__buffer_add(&u->path, "/", 1);
            rt__buffer_add(&u->path, part, length);
        }
        part += length;
        part += *part == '/';
    }
    return rt__buffer_ok(&u->path, err);
}

static rt_code write_block(int fd, const char *bytes, size_t size, int64_t offset, rt_error *err)
{
    while (size > 0) {
        ssize_t put = pwrite(fd, bytes, size, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return rt_fail_errno(err, errno, "cannot write");
        bytes += put;
        offset += put;
        size -= (size_t)put;
    }
    return RT_OK;
}

static rt_code copy_content(unpacking *u, int fd, const char *name, rt_error *err)
{
    for (;;) {
        const void *block;
        size_t size;
        la_int64_t offset;
        rt_code code;
        int status = archive_read_data_block(u->archive, &block, &size, &offset);
        if (status == ARCHIVE_EOF)
            return RT_OK;
        if (status != ARCHIVE_OK)
            return archive_failure(u->archive, err);
        u->bytes += size;
        /* A sparse entry may claim any offset: its holes count as well. */
        if (u->bytes > u->limits.bytes || offset < 0 || (uint64_t)offset + size > u->limits.bytes)
            return rt_fail(err, RT_ELIMIT, "entry '%s' takes it above %llu bytes unpacked", name,
                           (unsigned long long)u->limits.bytes);
        if ((code = write_block(fd, block, size, offset, err)) != RT_OK)
            return code;
        rt_progress_update(u->progress, "unpacking", (uint64_t)archive_filter_bytes(u->archive, -1),
                           u->archive_size);
    }
}

static rt_code make_parent(unpacking *u, rt_error *err)
{
    char *slash = strrchr(u->path.bytes, '/');
    rt_code code;
    *slash = 0;
    code = rt__folder_make(u->path.bytes, err);
    *slash = '/';
    return code;
}

static rt_code unpack_file(unpacking *u, struct archive_entry *entry, const char *name, rt_error *err)
{
    rt_code code;
    int fd;
    if (archive_entry_size_is_set(entry) && (uint64_t)archive_entry_size(entry) > u->limits.bytes)
        return rt_fail(err, RT_ELIMIT, "entry '%s' has %lld bytes, the limit is %llu", name,
                       (long long)archive_entry_size(entry), (unsigned long long)u->limits.bytes);
    if ((code = make_parent(u, err)) != RT_OK)
        return code;
    /* Without O_EXCL a later entry of the same name would win; links cannot be there, since none is made. */
    fd = open(u->path.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        code = rt_fail_errno(err, errno, "cannot create");
        rt_doing(err, u->path.bytes, "cannot unpack");
        return code;
    }
    code = copy_content(u, fd, name, err);
    if (code == RT_OK && archive_entry_size_is_set(entry) && ftruncate(fd, archive_entry_size(entry)) != 0)
        code = rt_fail_errno(err, errno, "cannot set size of '%s'", name);
    if (close(fd) != 0 && code == RT_OK)
        code = rt_fail_errno(err, errno, "cannot write '%s'", name);
    return code;
}

static rt_code unpack_entry(unpacking *u, struct archive_entry *entry, rt_error *err)
{
    const char *name = archive_entry_pathname(entry);
    rt_code code;
    if (!name || !*name)
        return rt_fail(err, RT_EFORMAT, "entry %llu has no name", (unsigned long long)u->entries);
    if (++u->entries > u->limits.entries)
        return rt_fail(err, RT_ELIMIT, "more than %llu entries", (unsigned long long)u->limits.entries);
    if ((code = inside_path(u, name, err)) != RT_OK)
        return code;
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
        return rt_fail(err, RT_EFORMAT, "entry '%s' is a link", name);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return rt__folder_make(u->path.bytes, err);
    if (archive_entry_filetype(entry) != AE_IFREG)
        return rt_fail(err, RT_EFORMAT, "entry '%s' is neither a file nor a folder", name);
    if (u->path.size == strlen(u->folder))
        return rt_fail(err, RT_EFORMAT, "entry '%s' is a file without a name", name);
    return unpack_file(u, entry, name, err);
}

static rt_code open_archive(unpacking *u, const char *path, rt_error *err)
{
    rt_file_info info;
    rt_code code = rt__file_info(path, &info, err);
    if (code != RT_OK)
        return code;
    u->archive_size = info.size;
    if (!(u->archive = archive_read_new()))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    archive_read_support_filter_all(u->archive);
    archive_read_support_format_tar(u->archive);
    archive_read_support_format_gnutar(u->archive);
    archive_read_support_format_zip(u->archive);
    if (archive_read_open_filename(u->archive, path, READ_BLOCK) != ARCHIVE_OK)
        return archive_failure(u->archive, err);
    return RT_OK;
}

rt_code rt__unpack(const char *archive, const char *folder, const rt_unpack_limits *limits,
                   const rt_progress *progress, rt_error *err)
{
    unpacking u = {.folder = folder, .progress = progress};
    rt_code code;
    if (limits)
        u.limits = *limits;
    if (!u.limits.bytes)
        u.limits.bytes = (uint64_t)16 << 30;
    if (!u.limits.entries)
        u.limits.entries = 4000000;
    code = open_archive(&u, archive, err);
    while (code == RT_OK) {
        struct archive_entry *entry;
        int status = archive_read_next_header(u.archive, &entry);
        if (status == ARCHIVE_EOF)
            break;
        /* A warning about metadata that is not taken over (a name in another charset, say) is none to us. */
        code = status == ARCHIVE_OK || status == ARCHIVE_WARN ? unpack_entry(&u, entry, err)
                                                              : archive_failure(u.archive, err);
    }
    if (code == RT_OK && u.entries == 0)
        code = rt_fail(err, RT_EFORMAT, "an empty archive");
    archive_read_free(u.archive);
    rt__buffer_clear(&u.path);
    if (code != RT_OK)
        rt_doing(err, archive, "cannot unpack");
    return code;
}

/* ---- writing ---- */

typedef struct packing {
    rt_writer writer;
    rt_code code; /* of the writer: libarchive only knows that something failed */
    rt_error *err;
} packing;

static la_ssize_t put_block(struct archive *archive, void *user, const void *bytes, size_t size)
{
    packing *p = user;
    p->code = rt__writer_add(&p->writer, bytes, size, p->err);
    if (p->code == RT_OK)
        return (la_ssize_t)size;
    archive_set_error(archive, EIO, "cannot write");
    return -1;
}

static bool put_entry(struct archive *archive, const rt_packed_file *file)
{
    struct archive_entry *entry = archive_entry_new();
    bool folder = file->name[strlen(file->name) - 1] == '/', good;
    if (!entry)
        return false;
    archive_entry_set_pathname(entry, file->name);
    archive_entry_set_filetype(entry, folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, folder ? 0755 : 0644);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_size(entry, (la_int64_t)file->size);
    good =
        archive_write_header(archive, entry) == ARCHIVE_OK &&
        (file->size == 0 || archive_write_data(archive, file->bytes, file->size) == (la_ssize_t)file->size);
    archive_entry_free(entry);
    return good;
}

rt_code rt__pack(const char *archive, const rt_packed_file *files, size_t n_files, rt_error *err)
{
    packing p = {.code = RT_OK, .err = err};
    struct archive *writer = archive_write_new();
    rt_code code =
        writer ? rt__writer_open(&p.writer, archive, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK) {
        bool good = archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
                    archive_write_set_filter_option(writer, "gzip", "timestamp", NULL) == ARCHIVE_OK &&
                    archive_write_set_format_ustar(writer) == ARCHIVE_OK &&
                    archive_write_open(writer, &p, NULL, put_block, NULL) == ARCHIVE_OK;
        for (size_t i = 0; good && i < n_files; i++)
            good = put_entry(writer, &files[i]);
        good = good && archive_write_close(writer) == ARCHIVE_OK;
        code = p.code;
        if (code == RT_OK && !good)
            code = archive_errno(writer) == ENOMEM
                       ? rt_fail(err, RT_ENOMEM, "out of memory")
                       : rt_fail(err, RT_EIO, "cannot pack: %s", archive_error_string(writer));
    }
    archive_write_free(writer);
    if (p.writer.path.bytes)
        code = rt__writer_close(&p.writer, code, true, err);
    return code;
}

bool rt__is_archive(const void *bytes, size_t size)
{
    static const uint8_t gzip[2] = {0x1f, 0x8b};
    static const char tar[5] = {'u', 's', 't', 'a', 'r'};
    enum { TAR_MAGIC = 257 };
    return (size > sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0) ||
           (size > TAR_MAGIC + sizeof tar && memcmp((const char *)bytes + TAR_MAGIC, tar, sizeof tar) == 0);
}
