#include "base/buffer.h"
#include "base/file.h"
#include "hub/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct member {
    const char *name;
    unsigned type;
    const char *content; /* of a file, or the target of a link */
    long long size;      /* 0: the content's                   */
} member;

typedef struct place {
    char *folder;
    rt_buffer archive, inside;
} place;

static int setup(void **state)
{
    place *p = calloc(1, sizeof *p);
    rt_error err;
    assert_non_null(p);
    assert_int_equal(rt__folder_temporary(&p->folder, &err), RT_OK);
    rt__path_join(&p->archive, p->folder, "a.tar.gz");
    rt__path_join(&p->inside, p->folder, "inside");
    assert_int_equal(rt__folder_make(p->inside.bytes, &err), RT_OK);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    assert_int_equal(rt__folder_remove(p->folder, NULL), RT_OK);
    assert_false(rt__file_exists(p->folder));
    rt__buffer_clear(&p->archive);
    rt__buffer_clear(&p->inside);
    free(p->folder);
    free(p);
    return 0;
}

static void pack(const char *path, const member *members, size_t n)
{
    struct archive *a = archive_write_new();
    assert_non_null(a);
    archive_write_add_filter_gzip(a);
    archive_write_set_format_gnutar(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        size_t length = members[i].content ? strlen(members[i].content) : 0;
        archive_entry_set_pathname(e, members[i].name);
        archive_entry_set_perm(e, 0644);
        if (members[i].type)
            archive_entry_set_filetype(e, members[i].type);
        if (members[i].type == AE_IFREG)
            archive_entry_set_size(e, members[i].size ? members[i].size : (long long)length);
        if (members[i].type == AE_IFLNK)
            archive_entry_set_symlink(e, members[i].content);
        if (!members[i].type)
            archive_entry_set_hardlink(e, members[i].content);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        if (members[i].type == AE_IFREG && length)
            assert_int_equal(archive_write_data(a, members[i].content, length), length);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static void assert_content(const place *p, const char *name, const char *expected)
{
    rt_buffer path = {0}, content = {0};
    rt__path_join(&path, p->inside.bytes, name);
    assert_int_equal(rt__file_read(&content, path.bytes, 0, NULL, NULL), RT_OK);
    assert_string_equal(content.bytes, expected);
    rt__buffer_clear(&path);
    rt__buffer_clear(&content);
}

static void files_come_out(void **state)
{
    const place *p = *state;
    const member members[] = {{"./", AE_IFDIR, NULL, 0},
                              {"/absolute/x.txt", AE_IFREG, "one", 0},
                              {"./a/b/../c/y.txt", AE_IFREG, "two", 0},
                              {"a/c/y.txt", AE_IFREG, "later wins", 0}};
    rt_error err;
    pack(p->archive.bytes, members, 4);
    assert_int_equal(rt__unpack(p->archive.bytes, p->inside.bytes, NULL, NULL, &err), RT_OK);
    assert_content(p, "absolute/x.txt", "one");
    assert_content(p, "a/c/y.txt", "later wins");
}

static void what_could_leave_the_folder_is_refused(void **state)
{
    static const struct {
        member member;
        const char *cause;
    } cases[] = {
        {{"../x.txt", AE_IFREG, "out", 0}, "entry '../x.txt' leads out of the folder"},
        {{"a/../../x.txt", AE_IFREG, "out", 0}, "entry 'a/../../x.txt' leads out of the folder"},
        {{"link", AE_IFLNK, "/etc/passwd", 0}, "entry 'link' is a link"},
        {{"hard", 0, "../x.txt", 0}, "entry 'hard' is a link"},
        {{"disk", AE_IFBLK, NULL, 0}, "entry 'disk' is neither a file nor a folder"},
        {{"device", AE_IFCHR, NULL, 0}, "entry 'device' is neither a file nor a folder"},
        {{"pipe", AE_IFIFO, NULL, 0}, "entry 'pipe' is neither a file nor a folder"},
    };
    const place *p = *state;
    rt_buffer outside = {0};
    rt__path_join(&outside, p->folder, "x.txt");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rt_error err;
        pack(p->archive.bytes, &cases[i].member, 1);
        assert_int_equal(rt__unpack(p->archive.bytes, p->inside.bytes, NULL, NULL, &err), RT_EFORMAT);
        assert_string_equal(err.cause, cases[i].cause);
        assert_string_equal(err.path, p->archive.bytes);
        assert_false(rt__file_exists(outside.bytes));
    }
    rt__buffer_clear(&outside);
}

static void limits_hold(void **state)
{
    const place *p = *state;
    const member members[] = {{"a", AE_IFREG, "12345", 0}, {"b", AE_IFREG, "67890", 0}};
    rt_error err;
    pack(p->archive.bytes, members, 2);
    assert_int_equal(
        rt__unpack(p->archive.bytes, p->inside.bytes, &(rt_unpack_limits){.bytes = 9}, NULL, &err),
        RT_ELIMIT);
    assert_int_equal(
        rt__unpack(p->archive.bytes, p->inside.bytes, &(rt_unpack_limits){.entries = 1}, NULL, &err),
        RT_ELIMIT);
    assert_int_equal(
        rt__unpack(p->archive.bytes, p->inside.bytes, &(rt_unpack_limits){.bytes = 10}, NULL, &err), RT_OK);
}

/* Ten gigabytes that are holes take no room, and no time. */
static void holes_stay_holes(void **state)
{
    enum { DATA = 512 };
    static const char end[DATA] = "the end";
    const long long size = 10LL << 30;
    const place *p = *state;
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    struct stat info;
    rt_buffer path = {0};
    rt_error err;
    archive_write_set_format_pax(a);
    assert_int_equal(archive_write_open_filename(a, p->archive.bytes), ARCHIVE_OK);
    archive_entry_set_pathname(e, "sparse");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, size);
    archive_entry_sparse_add_entry(e, size / 2, DATA);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, end, sizeof end), sizeof end);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_entry_free(e);
    archive_write_free(a);
    assert_int_equal(rt__unpack(p->archive.bytes, p->inside.bytes, NULL, NULL, &err), RT_OK);
    assert_int_equal(stat(rt__path_join(&path, p->inside.bytes, "sparse"), &info), 0);
    assert_int_equal(info.st_size, size);
    assert_in_range(info.st_blocks * 512, 0, 1 << 20);
    rt__buffer_clear(&path);
}

static void damage_is_told(void **state)
{
    const place *p = *state;
    const member members[] = {{"a", AE_IFREG, "12345", 0}};
    rt_buffer content = {0};
    rt_error err;
    pack(p->archive.bytes, members, 1);
    assert_int_equal(rt__file_read(&content, p->archive.bytes, 0, NULL, &err), RT_OK);
    for (size_t cut = 0; cut < content.size; cut += 7) {
        assert_int_equal(rt__file_write(p->archive.bytes, content.bytes, cut, false, &err), RT_OK);
        assert_int_equal(rt__unpack(p->archive.bytes, p->inside.bytes, NULL, NULL, &err), RT_EFORMAT);
    }
    rt__buffer_reset(&content);
    rt__buffer_text(&content, "<!DOCTYPE html><html><body>Sign in</body></html>");
    assert_int_equal(rt__file_write(p->archive.bytes, content.bytes, content.size, false, &err), RT_OK);
    assert_int_equal(rt__unpack(p->archive.bytes, p->inside.bytes, NULL, NULL, &err), RT_EFORMAT);
    assert_int_equal(rt__unpack("/nonexistent", p->inside.bytes, NULL, NULL, &err), RT_ENOTFOUND);
    rt__buffer_clear(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_come_out, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_leave_the_folder_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_stay_holes, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
