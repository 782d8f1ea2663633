/* Modules we create: opened again they give the vectors of the network they were made of, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/file.h"
#include "hub/unpack.h"
#include "retrain/create.h"
#include "retrain/feature.h"
#include "support/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char PHOTO[] = "data/flower_photos/daisy/100080576_f52e8ee070_n.jpg";

/* below the shared folder */
static const char *const sources[] = {
    "reference/ssd/ssd_inception_v2_coco_2017_11_17",
    "reference/ssd/ssd_inception_v2_coco_2017_11_17/saved_model",
    "reference/ssd/ssd_mobilenet_v2_module",
    "reference/modules/mobilenet_v1_025_128_feature_vector",
    "models/mobilenet_v1_0.25_128_frozen.pb",
    "models/mobilenet_v1_0.25_224_quantized_weights.pb",
};

static void succeeds(rt_code code, const rt_error *err)
{
    char text[1200];
    if (code != RT_OK)
        fail_msg("%s", rt_error_text(err, text, sizeof text));
}

/* The vector of the photo; owned by the caller. */
static float *vector_of(const char *path, const rt_buffer *photo, rt_module_info *info)
{
    rt_module *module = NULL;
    rt_extractor *extractor = NULL;
    rt_error err;
    float *vector;
    succeeds(rt_module_open(path, NULL, &module, &err), &err);
    *info = *rt_module_describe(module);
    vector = calloc((size_t)info->feature_size, sizeof *vector);
    assert_non_null(vector);
    succeeds(rt_extractor_new(module, &(rt_extraction){0}, &extractor, &err), &err);
    succeeds(rt_extractor_run(extractor, (const uint8_t *)photo->bytes, photo->size, vector, &err), &err);
    rt_extractor_free(extractor);
    rt_module_close(module);
    return vector;
}

static void check_created(const char *source, const char *output, const rt_buffer *photo)
{
    const rt_create_options options = {.source = source, .output = output};
    rt_module_info before, after;
    rt_error err;
    float *wanted, *found;
    succeeds(rt_module_create(&options, &err), &err);
    wanted = vector_of(source, photo, &before);
    found = vector_of(output, photo, &after);
    assert_int_equal(after.feature_size, before.feature_size);
    assert_int_equal(after.height, before.height);
    assert_int_equal(after.width, before.width);
    assert_int_equal(after.weight_count, before.weight_count);
    assert_memory_equal(found, wanted, (size_t)before.feature_size * sizeof *wanted);
    free(wanted);
    free(found);
}

static void a_created_module_gives_its_sources_vectors(void **state)
{
    char *folder = NULL, path[1200], name[32];
    rt_buffer photo = {0}, output = {0};
    rt_error err;
    (void)state;
    succeeds(rt__file_read(&photo, shared_path(path, sizeof path, PHOTO), 0, NULL, &err), &err);
    succeeds(rt__folder_temporary(&folder, &err), &err);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        snprintf(name, sizeof name, "%zu%s", i, i % 2 ? ".tar.gz" : "");
        rt__path_join(&output, folder, name);
        check_created(shared_path(path, sizeof path, sources[i]), output.bytes, &photo);
    }
    assert_int_equal(rt__folder_remove(folder, NULL), RT_OK);
    rt__buffer_clear(&photo);
    rt__buffer_clear(&output);
    free(folder);
}

static void what_is_there_is_not_replaced(void **state)
{
    char path[1200];
    char *folder = NULL;
    rt_create_options options = {.source = shared_path(path, sizeof path, sources[3])};
    rt_buffer output = {0}, content = {0};
    rt_error err;
    (void)state;
    succeeds(rt__folder_temporary(&folder, &err), &err);
    options.output = folder;
    assert_int_equal(rt_module_create(&options, &err), RT_EIO);
    options.output = rt__path_join(&output, folder, "m.tar.gz");
    assert_int_equal(rt__file_write(options.output, "mine", 4, false, NULL), RT_OK);
    assert_int_equal(rt_module_create(&options, &err), RT_EIO);
    assert_int_equal(rt__file_read(&content, options.output, 0, NULL, NULL), RT_OK);
    assert_int_equal(content.size, 4);
    assert_int_equal(rt__folder_remove(folder, NULL), RT_OK);
    rt__buffer_clear(&output);
    rt__buffer_clear(&content);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_created_module_gives_its_sources_vectors),
        cmocka_unit_test(what_is_there_is_not_replaced),
    };
    shared_or_skip("reference/ssd", "modules we create");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
