/* JPEG, as TensorFlow's jpeg_mem.cc has it decoded: libjpeg-turbo with the fast integer DCT and smooth
 * upsampling, warnings ignored, everything that cuts the file short refused. */
#include "pixels.h"

#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
/* jpeglib.h wants FILE */
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

/* Photos have some ten scans; a small file may hold thousands over a large image, each a pass over all of it.
 */
enum { MOST_SCANS = 500, ROWS_AT_ONCE = 16 };

typedef struct jpeg_job {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed; /* leads back into decode_guarded() and nowhere else */
    size_t size;
    rt_error *err;
    rt_code code;
} jpeg_job;

static int64_t offset_in(const jpeg_job *job)
{
    return (int64_t)(job->size - job->source.bytes_in_buffer);
}

static void on_error(j_common_ptr common)
{
    jpeg_job *job = common->client_data;
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    job->code = common->err->msg_code == JERR_OUT_OF_MEMORY
                    ? rt_fail(job->err, RT_ENOMEM, "no memory to decode a JPEG file")
                    : rt_fail_at(job->err, RT_EFORMAT, offset_in(job), "damaged JPEG file: %s", text);
    longjmp(job->failed, 1);
}

static void on_warning(j_common_ptr common, int level)
{
    (void)common;
    (void)level;
}

static void on_progress(j_common_ptr common)
{
    jpeg_job *job = common->client_data;
    if (job->decompress.input_scan_number <= MOST_SCANS)
        return;
    job->code = rt_fail(job->err, RT_ELIMIT, "a JPEG file of more than %d scans", MOST_SCANS);
    longjmp(job->failed, 1);
}

static void on_source(j_decompress_ptr decompress)
{
    (void)decompress;
}

/* Called where bytes are missing.  TensorFlow only halts when part of an item was read: what it does then
 * depends on whether all pixels are there already. */
static boolean on_end_of_bytes(j_decompress_ptr decompress)
{
    if (decompress->src->bytes_in_buffer == 0)
        ERREXIT(decompress, JERR_FILE_READ);
    return FALSE;
}

static void on_skip(j_decompress_ptr decompress, long count)
{
    struct jpeg_source_mgr *source = decompress->src;
    if (count <= 0)
        return;
    if ((unsigned long)count > source->bytes_in_buffer) {
        source->bytes_in_buffer = 0;
        ERREXIT(decompress, JERR_FILE_READ);
    }
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static void start(jpeg_job *job, const uint8_t *bytes)
{
    j_decompress_ptr d = &job->decompress;
    job->source = (struct jpeg_source_mgr){.next_input_byte = bytes,
                                           .bytes_in_buffer = job->size,
                                           .init_source = on_source,
                                           .fill_input_buffer = on_end_of_bytes,
                                           .skip_input_data = on_skip,
                                           .resync_to_restart = jpeg_resync_to_restart,
                                           .term_source = on_source};
    job->progress.progress_monitor = on_progress;
    jpeg_create_decompress(d);
    d->src = &job->source;
    d->progress = &job->progress;
    jpeg_read_header(d, TRUE);
    bool ink = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    d->out_color_space = ink ? JCS_CMYK : JCS_RGB;
    d->dct_method = JDCT_IFAST;
    d->do_fancy_upsampling = TRUE;
    jpeg_calc_output_dimensions(d);
}

/* TensorFlow's own formula; Adobe's files store 255 minus the ink. */
static void ink_to_rgb(const JSAMPLE *ink, JDIMENSION width, bool adobe, uint8_t *rgb)
{
    int flip = adobe ? 0 : 255;
    for (JDIMENSION x = 0; x < width; x++, ink += 4, rgb += 3) {
        int black = ink[3] ^ flip;
        for (int i = 0; i < 3; i++)
            rgb[i] = (uint8_t)(black * (ink[i] ^ flip) / 255);
    }
}

static JDIMENSION read_ink(j_decompress_ptr d, JSAMPARRAY line, uint8_t *rgb)
{
    JDIMENSION n = jpeg_read_scanlines(d, line, 1);
    if (n > 0)
        ink_to_rgb(line[0], d->output_width, d->saw_Adobe_marker, rgb);
    return n;
}

static JDIMENSION read_rgb(j_decompress_ptr d, uint8_t *rgb)
{
    JSAMPROW rows[ROWS_AT_ONCE];
    JDIMENSION left = d->output_height - d->output_scanline;
    JDIMENSION n = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    for (JDIMENSION i = 0; i < n; i++)
        rows[i] = rgb + (size_t)i * d->output_width * 3;
    return jpeg_read_scanlines(d, rows, n);
}

static rt_code read_pixels(jpeg_job *job, rt_image *image)
{
    j_decompress_ptr d = &job->decompress;
    bool ink = d->out_color_space == JCS_CMYK;
    JSAMPARRAY line = NULL;
    jpeg_start_decompress(d);
    if (ink)
        line = d->mem->alloc_sarray((j_common_ptr)d, JPOOL_IMAGE, d->output_width * 4, 1);
    while (d->output_scanline < d->output_height) {
        uint8_t *rgb = image->pixels + (size_t)d->output_scanline * d->output_width * 3;
        if ((ink ? read_ink(d, line, rgb) : read_rgb(d, rgb)) == 0)
            return rt_fail_at(job->err, RT_EFORMAT, offset_in(job),
                              "truncated JPEG file: ends in line %u of %u", d->output_scanline,
                              d->output_height);
    }
    jpeg_finish_decompress(d);
    return RT_OK;
}

/* Errors of the library end here. */
static rt_code decode_guarded(jpeg_job *job, const uint8_t *bytes, size_t max_pixels, rt_image *image)
{
    if (setjmp(job->failed) != 0)
        return job->code;
    start(job, bytes);
    rt_code code = rt__image_reserve(image, job->decompress.output_width, job->decompress.output_height,
                                     max_pixels, job->err);
    return code == RT_OK ? read_pixels(job, image) : code;
}

rt_code rt__jpeg_decode(const uint8_t *bytes, size_t size, size_t max_pixels, rt_image *image, rt_error *err)
{
    jpeg_job job = {.size = size, .err = err};
    job.decompress.err = jpeg_std_error(&job.errors);
    job.decompress.client_data = &job;
    job.errors.error_exit = on_error;
    job.errors.emit_message = on_warning;
    rt_code code = decode_guarded(&job, bytes, max_pixels, image);
    jpeg_destroy_decompress(&job.decompress);
    return code;
}
