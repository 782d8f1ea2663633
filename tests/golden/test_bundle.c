/* Every variable of every checkpoint in reference/checkpoints against what TensorFlow listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/bundle.h"
#include "support/shared.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* v1, v2 in one file and in two, all types in both formats. */
enum { CHECKPOINTS = 5 };

/* numpy's names of TensorFlow's types. */
static const struct {
    const char *numpy;
    rt_dtype dtype;
} types[] = {
    {"float32", RT_FLOAT},     {"float64", RT_DOUBLE},      {"float16", RT_HALF},
    {"bfloat16", RT_BFLOAT16}, {"int8", RT_INT8},           {"int16", RT_INT16},
    {"int32", RT_INT32},       {"int64", RT_INT64},         {"uint8", RT_UINT8},
    {"uint16", RT_UINT16},     {"uint32", RT_UINT32},       {"uint64", RT_UINT64},
    {"bool", RT_BOOL},         {"complex64", RT_COMPLEX64}, {"complex128", RT_COMPLEX128},
    {"string", RT_STRING},
};

static cJSON *listing(void)
{
    rt_buffer text = {0};
    char path[1024];
    cJSON *json;
    shared_path(path, sizeof path, "reference/checkpoints/listing.json");
    assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
    json = cJSON_Parse(text.bytes);
    assert_non_null(json);
    rt__buffer_clear(&text);
    return json;
}

static void check_strings(const rt_tensor *tensor, const cJSON *hex)
{
    int count = cJSON_GetArraySize(hex);
    size_t elements;
    assert_int_equal(rt__shape_elements(&tensor->shape, &elements, NULL), RT_OK);
    assert_int_equal(elements, count);
    for (int i = 0; i < count; i++) {
        const char *wanted = cJSON_GetArrayItem(hex, i)->valuestring;
        char *text = malloc(2 * tensor->strings[i].size + 1);
        assert_non_null(text);
        rt__hex((const uint8_t *)tensor->strings[i].bytes, tensor->strings[i].size, text);
        assert_string_equal(text, wanted);
        free(text);
    }
}

static void check_variable(const rt_bundle *bundle, const cJSON *wanted)
{
    const rt_variable *v = rt__bundle_find(bundle, wanted->string);
    const char *type = cJSON_GetObjectItem(wanted, "dtype")->valuestring;
    const cJSON *shape = cJSON_GetObjectItem(wanted, "shape");
    const cJSON *sha256 = cJSON_GetObjectItem(wanted, "sha256");
    rt_arena *arena = rt__arena_new();
    uint8_t digest[RT_SHA256_BYTES];
    char hex[2 * RT_SHA256_BYTES + 1];
    rt_tensor tensor;
    rt_error err;
    size_t t = 0;
    assert_non_null(v);
    while (strcmp(types[t].numpy, type) != 0)
        assert_true(++t < sizeof types / sizeof *types);
    assert_int_equal(v->dtype, types[t].dtype);
    assert_int_equal(v->shape.rank, cJSON_GetArraySize(shape));
    for (int i = 0; i < v->shape.rank; i++)
        assert_int_equal(v->shape.dim[i], cJSON_GetArrayItem(shape, i)->valuedouble);
    if (rt__bundle_read(bundle, v, arena, &tensor, &err) != RT_OK)
        fail_msg("%s: %s", wanted->string, err.cause);
    if (tensor.dtype == RT_STRING) {
        check_strings(&tensor, cJSON_GetObjectItem(wanted, "hex"));
    } else {
        assert_int_equal(rt__sha256(tensor.data, tensor.bytes, digest, NULL), RT_OK);
        rt__hex(digest, sizeof digest, hex);
        assert_string_equal(hex, sha256->valuestring);
    }
    rt__arena_free(arena);
}

static void every_variable_is_read(void **state)
{
    cJSON *json = listing();
    const cJSON *variables, *wanted;
    (void)state;
    assert_int_equal(cJSON_GetArraySize(json), CHECKPOINTS);
    cJSON_ArrayForEach(variables, json)
    {
        char name[128], prefix[1024];
        rt_bundle *bundle;
        rt_error err;
        snprintf(name, sizeof name, "reference/checkpoints/%s", variables->string);
        shared_path(prefix, sizeof prefix, name);
        assert_true(rt__bundle_exists(prefix));
        if (rt__bundle_open(prefix, &bundle, &err) != RT_OK)
            fail_msg("%s: %s", variables->string, err.cause);
        assert_string_equal(rt__bundle_format(bundle), strstr(variables->string, "v1/") ? "V1" : "V2");
        assert_int_equal(rt__bundle_count(bundle), cJSON_GetArraySize(variables));
        cJSON_ArrayForEach(wanted, variables) check_variable(bundle, wanted);
        print_message("%s: %zu variables\n", variables->string, rt__bundle_count(bundle));
        rt__bundle_close(bundle);
    }
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_variable_is_read)};
    shared_or_skip("reference/checkpoints/listing.json", "the reference checkpoints");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
