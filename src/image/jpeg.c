/* JPEG, as TensorFlow's jpeg_mem.cc has it decoded: libjpeg-turbo with the fast integer DCT and smooth
 * upsampling, warnings ignored, everything that cuts the file short refused. */
#include "pixels.h"

#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
/* jpeglib.h wants FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* Photos have some ten scans; a small file may hold thousands over a large image, each a pass over all of it.
 */
enum { MOST_SCANS = 500, ROWS_AT_ONCE = 16, MOST_SHRINK = 8 };

typedef struct jpeg_job {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed; /* leads back into guarded() and nowhere else */
    const uint8_t *bytes;
    size_t size;
    rt_decoding how;
    bool ended;      /* bytes were missing */
    bool careful;    /* lines that are not asked for are decoded all the same */
    JSAMPARRAY ink;  /* room for a line of CMYK; NULL: the file has none */
    uint8_t *rgb;    /* line by line only: room for a line */
    JDIMENSION line; /* and the one that is asked for */
    rt_image *image; /* as a whole only */
    rt_error *err;   /* of the call that runs */
    rt_code code;
} jpeg_job;

static int64_t offset_in(const jpeg_job *job)
{
    return (int64_t)(job->size - job->source.bytes_in_buffer);
}

/* ---- what libjpeg calls ---- */

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
    jpeg_job *job = decompress->client_data;
    job->ended = true;
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

/* ---- a job ---- */

static void prepare(jpeg_job *job, const uint8_t *bytes, size_t size, const rt_decoding *how)
{
    *job = (jpeg_job){.bytes = bytes, .size = size, .how = *how};
    job->decompress.err = jpeg_std_error(&job->errors);
    job->decompress.client_data = job;
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_warning;
}

/* Errors of the library end here. */
static rt_code guarded(jpeg_job *job, rt_code (*work)(jpeg_job *job), rt_error *err)
{
    job->err = err;
    if (setjmp(job->failed) != 0)
        return job->code;
    return work(job);
}

/* The n of 1/n. */
static unsigned shrink_of(const jpeg_job *job)
{
    const struct jpeg_decompress_struct *d = &job->decompress;
    const rt_decoding *how = &job->how;
    unsigned n = how->least_height > 0 && how->least_width > 0 ? MOST_SHRINK : 1;
    while (n > 1 && (d->image_height / n < (JDIMENSION)how->least_height ||
                     d->image_width / n < (JDIMENSION)how->least_width))
        n /= 2;
    return n;
}

static rt_code read_header(jpeg_job *job)
{
    j_decompress_ptr d = &job->decompress;
    job->source = (struct jpeg_source_mgr){.next_input_byte = job->bytes,
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
    d->scale_num = 1;
    d->scale_denom = shrink_of(job);
    jpeg_calc_output_dimensions(d);
    return rt__image_check(d->image_width, d->image_height, job->how.max_pixels, job->err);
}

static void start(jpeg_job *job)
{
    j_decompress_ptr d = &job->decompress;
    jpeg_start_decompress(d);
    if (d->out_color_space == JCS_CMYK)
        job->ink = d->mem->alloc_sarray((j_common_ptr)d, JPOOL_IMAGE, d->output_width * 4, 1);
}

static rt_code fail_cut(const jpeg_job *job)
{
    const struct jpeg_decompress_struct *d = &job->decompress;
    return rt_fail_at(job->err, RT_EFORMAT, offset_in(job), "truncated JPEG file: ends in line %u of %u",
                      d->output_scanline, d->output_height);
}

/* ---- lines ---- */

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

static JDIMENSION read_ink(jpeg_job *job, uint8_t *rgb)
{
    j_decompress_ptr d = &job->decompress;
    JDIMENSION n = jpeg_read_scanlines(d, job->ink, 1);
    if (n > 0)
        ink_to_rgb(job->ink[0], d->output_width, d->saw_Adobe_marker, rgb);
    return n;
}

/* Reads up to most lines, which follow each other at rgb; returns how many. */
static JDIMENSION read_lines(jpeg_job *job, uint8_t *rgb, JDIMENSION most)
{
    j_decompress_ptr d = &job->decompress;
    JSAMPROW rows[ROWS_AT_ONCE];
    JDIMENSION left = d->output_height - d->output_scanline;
    JDIMENSION n = left < most ? left : most;
    if (job->ink)
        return read_ink(job, rgb);
    for (JDIMENSION i = 0; i < n; i++)
        rows[i] = rgb + (size_t)i * d->output_width * 3;
    return jpeg_read_scanlines(d, rows, n);
}

/* ---- a whole image ---- */

static rt_code decode(jpeg_job *job)
{
    j_decompress_ptr d = &job->decompress;
    rt_code code = read_header(job);
    if (code == RT_OK)
        code =
            rt__image_reserve(job->image, d->output_width, d->output_height, job->how.max_pixels, job->err);
    if (code != RT_OK)
        return code;
    start(job);
    while (d->output_scanline < d->output_height) {
        size_t at = (size_t)d->output_scanline * d->output_width * 3;
        if (read_lines(job, job->image->pixels + at, ROWS_AT_ONCE) == 0)
            return fail_cut(job);
    }
    jpeg_finish_decompress(d);
    return RT_OK;
}

rt_code rt__jpeg_decode(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_image *image,
                        rt_error *err)
{
    jpeg_job job;
    rt_code code;
    prepare(&job, bytes, size, how);
    job.image = image;
    code = guarded(&job, decode, err);
    jpeg_destroy_decompress(&job.decompress);
    return code;
}

/* ---- line by line ---- */

static rt_code begin(jpeg_job *job)
{
    rt_code code = read_header(job);
    size_t line_bytes = (size_t)job->decompress.output_width * 3;
    if (code != RT_OK)
        return code;
    start(job);
    if (!job->rgb && !(job->rgb = calloc(1, line_bytes + RT_LINE_SPARE)))
        return rt_fail(job->err, RT_ENOMEM, "no memory for a line of %zu bytes", line_bytes);
    return RT_OK;
}

/* Passes over n lines.  Where a row of blocks has several lines of each colour, skipping many at once gives
 * other pixels behind them: libjpeg loses its place between them.  One at a time they are decoded, not turned
 * into red, green and blue. */
static void skip_lines(j_decompress_ptr d, JDIMENSION n)
{
    JDIMENSION at_once = d->max_v_samp_factor == 1 ? n : 1;
    for (; n > 0; n -= at_once)
        jpeg_skip_scanlines(d, at_once);
}

/* Reads job->line into job->rgb. */
static rt_code go_on(jpeg_job *job)
{
    j_decompress_ptr d = &job->decompress;
    if (d->output_scanline < job->line && !job->careful)
        skip_lines(d, job->line - d->output_scanline);
    while (d->output_scanline <= job->line)
        if ((job->ended && !job->careful) || read_lines(job, job->rgb, 1) == 0)
            return fail_cut(job);
    return RT_OK;
}

static rt_code finish(jpeg_job *job)
{
    j_decompress_ptr d = &job->decompress;
    rt_code code = RT_OK;
    job->line = d->output_height - 1;
    if (d->output_scanline < d->output_height)
        code = go_on(job);
    if (code == RT_OK)
        jpeg_finish_decompress(d);
    return code;
}

static rt_code start_again(jpeg_job *job)
{
    jpeg_destroy_decompress(&job->decompress);
    job->careful = true;
    return begin(job);
}

/* In what it passes over libjpeg may miss, or see elsewhere, that the file is cut short: then all is done
 * again as a whole image would be, so that it is told the same way. */
static rt_code with_care(jpeg_job *job, rt_code (*work)(jpeg_job *job), rt_error *err)
{
    rt_code code = guarded(job, work, err);
    if (code == RT_OK || code == RT_ENOMEM || job->careful)
        return code;
    code = guarded(job, start_again, err);
    return code == RT_OK ? guarded(job, work, err) : code;
}

static rt_code get_line(void *user, int32_t y, const uint8_t **line, rt_error *err)
{
    jpeg_job *job = user;
    job->line = (JDIMENSION)y;
    *line = job->rgb;
    return with_care(job, go_on, err);
}

static rt_code finish_lines(void *user, rt_error *err)
{
    return with_care(user, finish, err);
}

static void close_lines(void *user)
{
    jpeg_job *job = user;
    jpeg_destroy_decompress(&job->decompress);
    free(job->rgb);
    free(job);
}

rt_code rt__jpeg_open(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_lines *lines,
                      rt_error *err)
{
    jpeg_job *job = malloc(sizeof *job);
    rt_code code;
    if (!job)
        return rt_fail(err, RT_ENOMEM, "no memory to decode a JPEG file");
    prepare(job, bytes, size, how);
    code = guarded(job, begin, err);
    if (code != RT_OK) {
        close_lines(job);
        return code;
    }
    *lines = (rt_lines){.user = job,
                        .width = (int32_t)job->decompress.output_width,
                        .height = (int32_t)job->decompress.output_height,
                        .line = get_line,
                        .finish = finish_lines,
                        .close = close_lines};
    return RT_OK;
}
