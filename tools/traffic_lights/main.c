/* traffic_lights FOLDER [PHOTOS [SEED]] - draws a sample data set: FOLDER/{red,yellow,green,off}/ and PHOTOS
 * JPEG files in all, the same ones for the same SEED. */
#include "base/file.h"
#include "base/pool.h"
#include "camera.h"
#include "scene.h"
#include "signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct job {
    const char *folder;
    uint64_t seed;
} job;

static rt_code draw_photo(const job *j, size_t number, rt_buffer *bytes, rt_error *err)
{
    static const int32_t sizes[][2] = {{320, 240}, {240, 320}, {300, 300}, {360, 240}, {256, 340}};
    rt_rng rng;
    canvas c;
    const int32_t *size;
    scene s;
    rt_code code;
    rt__rng_seed(&rng, j->seed, number);
    size = sizes[rt__rng_below(&rng, sizeof sizes / sizeof sizes[0])];
    if (!canvas_init(&c, size[0], size[1]))
        return rt_fail(err, RT_ENOMEM, "no memory for a picture of %d x %d", (int)size[0], (int)size[1]);
    s = scene_draw(&c, &rng);
    signal_draw(&c, &rng, &s, (signal_state)(number % N_SIGNAL_STATES));
    camera_develop(&c, &rng, &s);
    code = camera_write_jpeg(&c, 60 + (int)rt__rng_below(&rng, 33), bytes, err);
    canvas_clear(&c);
    return code;
}

static rt_code make_photo(void *context, size_t worker, size_t number, rt_error *err)
{
    const job *j = context;
    rt_buffer bytes = {0}, path = {0};
    rt_code code;
    (void)worker;
    rt__buffer_format(&path, "%s/%s/%04zu.jpg", j->folder, signal_names[number % N_SIGNAL_STATES],
                      number / N_SIGNAL_STATES);
    if ((code = rt__buffer_ok(&path, err)) == RT_OK && (code = draw_photo(j, number, &bytes, err)) == RT_OK)
        code = rt__file_write(path.bytes, bytes.bytes, bytes.size, false, err);
    rt__buffer_clear(&bytes);
    rt__buffer_clear(&path);
    return code;
}

static rt_code make_folders(const char *folder, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = RT_OK;
    for (int i = 0; i < N_SIGNAL_STATES && code == RT_OK; i++) {
        rt__path_join(&path, folder, signal_names[i]);
        if ((code = rt__buffer_ok(&path, err)) == RT_OK)
            code = rt__folder_make(path.bytes, err);
    }
    rt__buffer_clear(&path);
    return code;
}

/* Exit status 2 with a line of usage when text is no number up to most. */
static uint64_t number_or_exit(const char *text, uint64_t most)
{
    char *end;
    unsigned long long value;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > most) {
        fprintf(stderr, "traffic_lights: '%s' is not a number from 0 to %llu\n", text,
                (unsigned long long)most);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    job j = {argv[1], 1};
    size_t n_photos = 600;
    rt_error err;
    char text[1100];
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: traffic_lights FOLDER [PHOTOS [SEED]]\n");
        return 2;
    }
    if (argc > 2)
        n_photos = (size_t)number_or_exit(argv[2], 1000000);
    if (argc > 3)
        j.seed = number_or_exit(argv[3], UINT64_MAX);
    if (make_folders(j.folder, &err) != RT_OK ||
        rt__pool_run(rt__cpu_count(), n_photos, make_photo, &j, &err) != RT_OK) {
        fprintf(stderr, "traffic_lights: %s\n", rt_error_text(&err, text, sizeof text));
        return 1;
    }
    printf("%zu photos of traffic lights in %s: red, yellow, green, off\n", n_photos, j.folder);
    return 0;
}
