#include "jpeg_make.h"

#include "base/rng.h"

/* jpeglib.h wants FILE */
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

static const struct {
    J_COLOR_SPACE space;
    int channels;
} spaces[] = {[JPEG_COLOURS] = {JCS_RGB, 3}, [JPEG_GRAY] = {JCS_GRAYSCALE, 1}, [JPEG_INK] = {JCS_CMYK, 4}};

static void describe(j_compress_ptr c, const jpeg_kind *kind)
{
    c->in_color_space = spaces[kind->colours].space;
    c->input_components = spaces[kind->colours].channels;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, 85, TRUE);
    if (kind->progressive)
        jpeg_simple_progression(c);
    c->comp_info[0].h_samp_factor = kind->across;
    c->comp_info[0].v_samp_factor = kind->down;
    c->restart_interval = kind->restart;
}

static void draw_line(JSAMPLE *line, int32_t n, int32_t y, rt_rng *noise)
{
    for (int32_t i = 0; i < n; i++)
        line[i] = (JSAMPLE)((uint32_t)(i + 3 * y) % 192 + (noise ? (uint32_t)rt__rng_below(noise, 64) : 0));
}

uint8_t *jpeg_make(const jpeg_kind *kind, int32_t width, int32_t height, uint64_t seed, size_t *size)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long n_bytes = 0;
    int32_t n = width * spaces[kind->colours].channels;
    JSAMPLE *line = malloc((size_t)n);
    rt_rng rng;
    rt__rng_seed(&rng, seed, 0);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &n_bytes);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    describe(&c, kind);
    jpeg_start_compress(&c, TRUE);
    for (int32_t y = 0; line && y < height; y++) {
        draw_line(line, n, y, seed ? &rng : NULL);
        jpeg_write_scanlines(&c, &line, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(line);
    *size = n_bytes;
    return bytes;
}
