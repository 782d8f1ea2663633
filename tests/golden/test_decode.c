/* Unusual image files as tf.image.decode_jpeg(channels=3) decodes or refuses them. */
#include "base/buffer.h"
#include "base/file.h"
#include "retrain/image.h"
#include "support/npy.h"
#include "support/shared.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#define CASES "reference/golden/image_cases"

static bool same_pixels(const char *name, const rt_image *image)
{
    char relative[512], path[4096];
    struct npy want;
    snprintf(relative, sizeof relative, CASES "/pixels/%s.npy", name);
    if (!npy_read(shared_path(path, sizeof path, relative), &want))
        return false;
    bool same = want.rank == 3 && want.dims[0] == (size_t)image->height &&
                want.dims[1] == (size_t)image->width && want.dims[2] == 3 && strcmp(want.dtype, "|u1") == 0 &&
                memcmp(want.data, image->pixels, want.bytes) == 0;
    npy_free(&want);
    return same;
}

/* Whether our outcome is TensorFlow's; says what differs. */
static bool check_case(const cJSON *entry, rt_image *image)
{
    char relative[512], path[4096], text[1024];
    rt_buffer file = {0};
    rt_error err;
    bool good;
    snprintf(relative, sizeof relative, CASES "/files/%s", entry->string);
    assert_int_equal(rt__file_read(&file, shared_path(path, sizeof path, relative), 0, NULL, &err), RT_OK);
    rt_code code = rt_image_decode((const uint8_t *)file.bytes, file.size, 0, image, &err);
    if (cJSON_GetObjectItem(entry, "error") != NULL) {
        good = (code == RT_EFORMAT || code == RT_EUNSUPPORTED) && err.code == code && err.cause[0] != 0;
        if (!good)
            print_error("%s: TensorFlow refuses it, we return %d\n", entry->string, code);
    } else if (code != RT_OK) {
        good = false;
        print_error("%s: TensorFlow decodes it, we say: %s\n", entry->string,
                    rt_error_text(&err, text, sizeof text));
    } else {
        good = same_pixels(entry->string, image);
        if (!good)
            print_error("%s: other pixels than TensorFlow's\n", entry->string);
    }
    rt__buffer_clear(&file);
    return good;
}

static void every_case_is_as_tensorflow_has_it(void **state)
{
    char path[4096];
    rt_buffer text = {0};
    rt_image image = {0};
    int n = 0, bad = 0;
    (void)state;
    assert_int_equal(rt__file_read(&text, shared_path(path, sizeof path, CASES "/cases.json"), 0, NULL, NULL),
                     RT_OK);
    cJSON *cases = cJSON_ParseWithLength(text.bytes, text.size);
    assert_non_null(cases);
    for (const cJSON *entry = cases->child; entry != NULL; entry = entry->next, n++)
        bad += !check_case(entry, &image);
    assert_true(n >= 71);
    assert_int_equal(bad, 0);
    cJSON_Delete(cases);
    rt_image_clear(&image);
    rt__buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_is_as_tensorflow_has_it)};
    shared_or_skip(CASES "/cases.json", "decoding as TensorFlow does");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
