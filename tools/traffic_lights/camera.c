#include "camera.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

/* A mean over 2 * reach + 1 pixels along step (in pixels), the ends repeated. */
static void smear(canvas *c, int32_t reach, int32_t step_x, int32_t step_y)
{
    size_t n = (size_t)c->width * (size_t)c->height * 3;
    float share = 1 / (float)(2 * reach + 1);
    memset(c->spare, 0, n * sizeof(float));
    for (int32_t shift = -reach; shift <= reach; shift++)
        for (int32_t row = 0; row < c->height; row++) {
            int32_t from_row = row + shift * step_y;
            from_row = from_row < 0 ? 0 : from_row >= c->height ? c->height - 1 : from_row;
            for (int32_t column = 0; column < c->width; column++) {
                int32_t from = column + shift * step_x;
                const float *source;
                float *target = c->spare + 3 * ((size_t)row * (size_t)c->width + (size_t)column);
                from = from < 0 ? 0 : from >= c->width ? c->width - 1 : from;
                source = c->rgb + 3 * ((size_t)from_row * (size_t)c->width + (size_t)from);
                for (int i = 0; i < 3; i++)
                    target[i] += source[i] * share;
            }
        }
    memcpy(c->rgb, c->spare, n * sizeof(float));
}

static void lens(canvas *c, rt_rng *rng)
{
    int passes = (int)rt__rng_below(rng, 4);
    for (int pass = 0; pass < passes; pass++) {
        smear(c, 1, 1, 0);
        smear(c, 1, 0, 1);
    }
    if (chance(rng, 0.12F)) { /* shaken */
        static const int8_t ways[][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};
        const int8_t *way = ways[rt__rng_below(rng, 4)];
        smear(c, 1 + (int32_t)rt__rng_below(rng, 3), way[0], way[1]);
    }
}

static void sensor(canvas *c, rt_rng *rng, const scene *s)
{
    bool dark = s->light < 0.3F;
    float exposure = between(rng, 0.75F, 1.3F), gain = dark ? between(rng, 1, 1.8F) : 1;
    float noise = dark ? between(rng, 0.02F, 0.06F) : between(rng, 0, 0.03F);
    float dark_corners = between(rng, 0, 0.35F), bend = between(rng, -0.12F, 0.22F);
    float balance[3] = {s->tint.r * exposure * gain, s->tint.g * exposure * gain,
                        s->tint.b * exposure * gain};
    for (int32_t row = 0; row < c->height; row++)
        for (int32_t column = 0; column < c->width; column++) {
            float *p = c->rgb + 3 * ((size_t)row * (size_t)c->width + (size_t)column);
            float dx = (float)column / (float)c->width - 0.5F, dy = (float)row / (float)c->height - 0.5F;
            float corner = 1 - dark_corners * 2 * (dx * dx + dy * dy);
            for (int i = 0; i < 3; i++) {
                float value = within(p[i] * balance[i] * corner, 0, 1);
                /* Three uniform draws come near enough to a normal one. */
                float grain = between(rng, -1, 1);
                grain += between(rng, -1, 1);
                grain += between(rng, -1, 1);
                p[i] = within(value + bend * (value - value * value) + noise * grain, 0, 1);
            }
        }
}

void camera_develop(canvas *c, rt_rng *rng, const scene *s)
{
    lens(c, rng);
    sensor(c, rng, s);
}

static void compress(struct jpeg_compress_struct *jpeg, const canvas *c, uint8_t *line)
{
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        const float *row = c->rgb + 3 * (size_t)jpeg->next_scanline * (size_t)c->width;
        for (int32_t i = 0; i < 3 * c->width; i++)
            line[i] = (uint8_t)(row[i] * 255 + 0.5F);
        jpeg_write_scanlines(jpeg, &line, 1);
    }
    jpeg_finish_compress(jpeg);
}

rt_code camera_write_jpeg(const canvas *c, int quality, rt_buffer *out, rt_error *err)
{
    /* The standard handler ends the program with a message when memory is out: fine for a tool. */
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct jpeg = {.err = jpeg_std_error(&errors)};
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t *line = malloc((size_t)c->width * 3);
    if (!line)
        return rt_fail(err, RT_ENOMEM, "no memory for a line of %d pixels", (int)c->width);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)c->width;
    jpeg.image_height = (JDIMENSION)c->height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    compress(&jpeg, c, line);
    jpeg_destroy_compress(&jpeg);
    rt__buffer_add(out, bytes, size);
    free(bytes);
    free(line);
    return rt__buffer_ok(out, err);
}
