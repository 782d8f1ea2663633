/* Fake quantisation against TensorFlow's own values: 36 ranges, 4001 numbers each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "graph/quantize.h"
#include "support/npy.h"
#include "support/shared.h"

#include <cjson/cJSON.h>

#include <cmocka.h>

static double number(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name)->valuedouble;
}

static void check_range(const cJSON *range, const struct npy *input, const float *expected)
{
    rt_quant quant;
    rt__quant_init(&quant, (float)number(range, "min"), (float)number(range, "max"),
                   (int64_t)number(range, "num_bits"),
                   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(range, "narrow_range")), true);
    for (size_t i = 0; i < input->count; i++)
        assert_true(rt__quant_apply(&quant, ((const float *)input->data)[i]) == expected[i]);
}

static void values_are_tensorflows(void **state)
{
    char path[512];
    struct npy input = {0}, expected = {0};
    rt_buffer text = {0};
    cJSON *ranges;
    size_t at = 0;
    (void)state;
    assert_true(
        npy_read(shared_path(path, sizeof path, "reference/golden/ops/fake_quant_input.npy"), &input));
    assert_true(npy_read(shared_path(path, sizeof path, "reference/golden/ops/fake_quant.npy"), &expected));
    shared_path(path, sizeof path, "reference/golden/ops/fake_quant.json");
    assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
    ranges = cJSON_ParseWithLength(text.bytes, text.size);
    assert_int_equal(cJSON_GetArraySize(ranges), expected.dims[0]);
    for (const cJSON *range = ranges->child; range; range = range->next, at += input.count)
        check_range(range, &input, (const float *)expected.data + at);
    cJSON_Delete(ranges);
    rt__buffer_clear(&text);
    npy_free(&input);
    npy_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_tensorflows)};
    shared_or_skip("reference/golden/ops/fake_quant.npy", "fake quantisation against TensorFlow's values");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
