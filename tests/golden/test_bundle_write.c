/* Bundles we write, against bundles TensorFlow wrote of the same tensors: byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "export/bundle_write.h"
#include "hub/unpack.h"
#include "model/bundle.h"
#include "support/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_same_file(const char *a, const char *b, const char *ending)
{
    rt_buffer path = {0}, x = {0}, y = {0};
    rt__buffer_format(&path, "%s%s", a, ending);
    assert_int_equal(rt__file_read(&x, path.bytes, 0, NULL, NULL), RT_OK);
    rt__buffer_reset(&path);
    rt__buffer_format(&path, "%s%s", b, ending);
    assert_int_equal(rt__file_read(&y, path.bytes, 0, NULL, NULL), RT_OK);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.bytes, y.bytes, x.size);
    rt__buffer_clear(&path);
    rt__buffer_clear(&x);
    rt__buffer_clear(&y);
}

static void tensorflows_checkpoint_comes_out_again(void **state)
{
    char source[512], *folder = NULL;
    rt_buffer prefix = {0};
    rt_bundle *bundle = NULL;
    rt_arena *arena = rt__arena_new();
    rt_named_tensor *tensors;
    rt_error err;
    size_t n;
    (void)state;
    shared_path(source, sizeof source, "reference/checkpoints/v2/model.ckpt-4000");
    assert_int_equal(rt__bundle_open(source, &bundle, &err), RT_OK);
    n = rt__bundle_count(bundle);
    assert_non_null(tensors = calloc(n, sizeof *tensors));
    for (size_t i = 0; i < n; i++) { /* backwards: the writer sorts */
        const rt_variable *variable = rt__bundle_variable(bundle, n - 1 - i);
        tensors[i].name = variable->name;
        assert_int_equal(rt__bundle_read(bundle, variable, arena, &tensors[i].tensor, &err), RT_OK);
    }
    assert_int_equal(rt__folder_temporary(&folder, NULL), RT_OK);
    rt__path_join(&prefix, folder, "model.ckpt-4000");
    assert_int_equal(rt__bundle_write(prefix.bytes, tensors, n, &err), RT_OK);
    assert_same_file(source, prefix.bytes, ".data-00000-of-00001");
    assert_same_file(source, prefix.bytes, ".index");
    tensors[1].name = tensors[0].name;
    assert_int_equal(rt__bundle_write(prefix.bytes, tensors, n, &err), RT_EARG);
    assert_int_equal(rt__folder_remove(folder, NULL), RT_OK);
    free(folder);
    free(tensors);
    rt__buffer_clear(&prefix);
    rt__bundle_close(bundle);
    rt__arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensorflows_checkpoint_comes_out_again),
    };
    shared_or_skip("reference/checkpoints/v2", "writing TensorFlow's own checkpoint again");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
