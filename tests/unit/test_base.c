#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

static void error_reads_as_one_line(void **state)
{
    rt_error err;
    char text[600];
    (void)state;
    rt_fail_at(&err, RT_EFORMAT, 1042, "node '%s': dimension 2 is %d", "Conv/weights", -4);
    rt_doing(&err, "m/saved_model.pb", "cannot load module");
    rt_doing(&err, "m", "cannot retrain"); /* the innermost stays */
    assert_string_equal(rt_error_text(&err, text, sizeof text),
                        "cannot load module: m/saved_model.pb @1042: node 'Conv/weights': dimension 2 is -4");
}

static void long_path_loses_its_front(void **state)
{
    rt_error err;
    char path[400];
    (void)state;
    memset(path, 'x', sizeof path);
    memcpy(path + 395, ".jpg", 5);
    rt_fail(&err, RT_EIO, "node '%s'", "a\nb\033[2Jc\xc3\xa4");
    assert_string_equal(err.cause, "node 'a?b?[2Jc\xc3\xa4'"); /* one line, and no command to a terminal */
    rt_fail(&err, RT_EIO, "cause");
    rt_doing(&err, path, "doing");
    assert_int_equal(strlen(err.path), sizeof err.path - 1);
    assert_memory_equal(err.path, "...x", 4);
    assert_string_equal(err.path + strlen(err.path) - 4, ".jpg");
}

static void arena_keeps_blocks_apart(void **state)
{
    rt_arena *arena = rt__arena_new();
    unsigned char *blocks[600];
    (void)state;
    assert_non_null(arena);
    for (size_t i = 0; i < 600; i++) {
        size_t size = i * 53 % 40000;
        blocks[i] = rt__arena_alloc(arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < 600; i++)
        for (size_t k = 0; k < i * 53 % 40000; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    assert_null(rt__arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(rt__arena_alloc(arena, SIZE_MAX));
    rt__arena_free(arena);
}

static void cursor_never_reads_past_the_end(void **state)
{
    static const uint8_t bytes[] = {0xac, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    rt_cursor c = rt__cursor(bytes, sizeof bytes);
    uint64_t value;
    uint32_t word;
    (void)state;
    assert_true(rt__cursor_varint(&c, &value));
    assert_int_equal(value, 300);
    assert_false(rt__cursor_varint(&c, &value)); /* above 64 bits */
    assert_int_equal(c.at, 2);
    assert_true(rt__cursor_skip(&c, 7));
    assert_false(rt__cursor_u32(&c, &word));
    assert_false(rt__cursor_skip(&c, SIZE_MAX));
    assert_int_equal(c.at, 9);
    c = rt__cursor(bytes, 1);
    assert_false(rt__cursor_varint(&c, &value)); /* cut off */
}

static void varints_come_back(void **state)
{
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        rt_buffer b = {0};
        rt_cursor c;
        uint64_t value;
        rt__buffer_varint(&b, values[i]);
        c = rt__cursor(b.bytes, b.size);
        assert_true(rt__cursor_varint(&c, &value));
        assert_true(value == values[i]);
        assert_int_equal(rt__cursor_left(&c), 0);
        rt__buffer_clear(&b);
    }
}

static void file_appears_whole_or_not_at_all(void **state)
{
    char folder[] = "/tmp/retrain-test-XXXXXX";
    rt_buffer path = {0}, content = {0};
    rt_error err;
    rt_file_info info;
    (void)state;
    assert_non_null(mkdtemp(folder));
    rt__path_join(&path, folder, "a/b/out.txt");
    assert_int_equal(rt__file_check_writable(path.bytes, &err), RT_OK);
    assert_false(rt__file_exists(path.bytes));
    assert_int_equal(rt__file_write(path.bytes, "x", 1, true, &err), RT_ENOTFOUND); /* no folder yet */
    rt__path_join(&path, folder, "a/b");
    assert_int_equal(rt__folder_make(path.bytes, &err), RT_OK);
    assert_int_equal(rt__folder_make(path.bytes, &err), RT_OK);
    rt__path_join(&path, folder, "a/b/out.txt");
    assert_int_equal(rt__file_write(path.bytes, "first", 5, true, &err), RT_OK);
    assert_int_equal(rt__file_write(path.bytes, "second", 6, false, &err), RT_OK);
    assert_int_equal(rt__file_read(&content, path.bytes, 0, &info, &err), RT_OK);
    assert_string_equal(content.bytes, "second");
    assert_int_equal(info.size, 6);
    assert_int_equal(rt__file_read(&content, path.bytes, 5, NULL, &err), RT_ELIMIT);
    rt__buffer_reset(&path); /* the longest name there can be */
    rt__buffer_format(&path, "%s/%0255d", folder, 1);
    assert_int_equal(rt__file_write(path.bytes, "x", 1, false, &err), RT_OK);
    rt__path_join(&path, folder, "a/b/out.txt/under");
    assert_int_not_equal(rt__file_check_writable(path.bytes, &err), RT_OK);
    rt__path_join(&path, folder, "a");
    assert_int_equal(rt__file_check_writable(path.bytes, &err), RT_EIO);
    assert_string_equal(err.cause, "is a folder");
    assert_int_equal(rt__file_read(&content, path.bytes, 0, NULL, &err), RT_EIO);
    rt__buffer_reset(&content);
    rt__buffer_format(&content, "rm -r %s", folder);
    assert_int_equal(system(content.bytes), 0);
    rt__buffer_clear(&content);
    rt__buffer_clear(&path);
}

static void digests_match_published_vectors(void **state)
{
    uint8_t digest[RT_SHA256_BYTES];
    char text[2 * RT_SHA256_BYTES + 1];
    (void)state;
    assert_int_equal(rt__sha1("abc", 3, digest, NULL), RT_OK);
    rt__hex(digest, RT_SHA1_BYTES, text);
    assert_string_equal(text, "a9993e364706816aba3e25717850c26c9cd0d89d"); /* FIPS 180-1 */
    assert_int_equal(rt__sha256("abc", 3, digest, NULL), RT_OK);
    rt__hex(digest, RT_SHA256_BYTES, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(rt__crc32c(0, "123456789", 9), 0xe3069283u); /* RFC 3720 */
    assert_int_equal(rt__crc32c(rt__crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
    assert_int_equal(rt__crc32(0, "123456789", 9), 0xcbf43926u); /* the check value of CRC-32 */
    assert_int_equal(rt__crc32(rt__crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
}

typedef struct count {
    atomic_int done[1000];
} count;

static rt_code mark(void *context, size_t worker, size_t item, rt_error *err)
{
    count *c = context;
    (void)worker;
    atomic_fetch_add(&c->done[item], 1);
    return item == 700 || item == 701 ? rt_fail(err, RT_EIO, "item %zu", item) : RT_OK;
}

static void pool_does_each_item_once_and_reports_the_lowest_failure(void **state)
{
    static count c;
    rt_error err;
    (void)state;
    assert_int_equal(rt__pool_run(4, 700, mark, &c, &err), RT_OK);
    for (int i = 0; i < 700; i++)
        assert_int_equal(atomic_load(&c.done[i]), 1);
    assert_int_equal(rt__pool_run(4, 1000, mark, &c, &err), RT_EIO);
    assert_string_equal(err.cause, "item 700");
    assert_int_equal(rt__pool_run(2, 0, mark, &c, &err), RT_OK);
}

static void random_numbers_are_the_same_everywhere(void **state)
{
    rt_rng a, b;
    double sum = 0, square = 0;
    (void)state;
    rt__rng_seed(&a, 1, 0);
    rt__rng_seed(&b, 1, 1);
    assert_true(rt__rng_next(&a) != rt__rng_next(&b));
    for (int i = 0; i < 100000; i++) {
        double value = rt__rng_truncated_normal(&a);
        assert_true(value >= -2 && value <= 2);
        sum += value;
        square += value * value;
        assert_true(rt__rng_below(&b, 7) < 7);
    }
    /* a normal cut at two deviations has variance 0.7737 */
    assert_true(sum / 1e5 > -0.01 && sum / 1e5 < 0.01);
    assert_true(square / 1e5 > 0.76 && square / 1e5 < 0.79);
}

static void count_item(void *context, size_t worker, size_t item)
{
    size_t *done = context;
    assert_true(worker < 3);
    done[item]++;
}

static void team_does_each_item_of_each_loop_once(void **state)
{
    enum { LOOPS = 20000, ITEMS = 7 };
    size_t done[ITEMS] = {0};
    rt_team *team;
    (void)state;
    assert_int_equal(rt__team_new(3, &team, NULL), RT_OK);
    assert_int_equal(rt__team_size(team), 3);
    for (size_t i = 1; i <= LOOPS; i++) {
        rt__team_run(team, ITEMS, count_item, done);
        for (size_t k = 0; k < ITEMS; k++)
            assert_int_equal(done[k], i);
        rt__team_run(team, i % 3, count_item, (size_t[ITEMS]){0});
    }
    rt__team_free(team);
    rt__team_free(NULL);
}

static void array_doubles_and_keeps_what_it_holds(void **state)
{
    size_t room = 0, most = SIZE_MAX / 4;
    uint32_t *array = rt__array_grow(NULL, &room, 3, sizeof *array);
    (void)state;
    assert_non_null(array);
    assert_int_equal(room, 3);
    for (uint32_t i = 0; i < 3; i++)
        array[i] = 7 * i;
    array = rt__array_grow(array, &room, 3, sizeof *array);
    assert_non_null(array);
    assert_int_equal(room, 6);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(array[i], 7 * i);
    assert_null(rt__array_grow(array, &most, 3, sizeof *array));
    assert_int_equal(most, SIZE_MAX / 4);
    free(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_reads_as_one_line),
        cmocka_unit_test(long_path_loses_its_front),
        cmocka_unit_test(arena_keeps_blocks_apart),
        cmocka_unit_test(array_doubles_and_keeps_what_it_holds),
        cmocka_unit_test(cursor_never_reads_past_the_end),
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(file_appears_whole_or_not_at_all),
        cmocka_unit_test(digests_match_published_vectors),
        cmocka_unit_test(pool_does_each_item_once_and_reports_the_lowest_failure),
        cmocka_unit_test(team_does_each_item_of_each_loop_once),
        cmocka_unit_test(random_numbers_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
