/* PNG, with the library and the settings of TensorFlow's png_io.cc: both then agree on which damage is fatal.
 */
#include "pixels.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

typedef struct png_job {
    png_structp png;
    png_infop info;
    const uint8_t *bytes; /* not read yet */
    size_t left, size;
    rt_error *err;
    rt_code code;
} png_job;

/* libpng has no number for this, and says it in two ways. */
static bool is_out_of_memory(const char *text)
{
    return strstr(text, "ut of memory") != NULL || strstr(text, "nsufficient memory") != NULL;
}

static void on_error(png_structp png, png_const_charp text)
{
    png_job *job = png_get_error_ptr(png);
    if (is_out_of_memory(text))
        job->code = rt_fail(job->err, RT_ENOMEM, "no memory to decode a PNG file");
    else
        job->code =
            rt_fail_at(job->err, RT_EFORMAT, (int64_t)(job->size - job->left), "damaged PNG file: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep data, size_t count)
{
    png_job *job = png_get_io_ptr(png);
    if (count > job->left)
        png_error(png, "the file is cut short");
    memcpy(data, job->bytes, count);
    job->bytes += count;
    job->left -= count;
}

/* Text and colour profiles unpack to megabytes each and are of no use here. */
static void skip_extras(png_structp png)
{
    static const png_byte names[] = "iCCP\0zTXt\0iTXt\0tEXt\0sPLT\0eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

/* Asks for 8-bit red, green and blue, alpha dropped rather than blended.  Returns the number of passes. */
static int ask_for_rgb(png_job *job)
{
    png_byte color = png_get_color_type(job->png, job->info);
    if (png_get_bit_depth(job->png, job->info) == 16)
        png_set_strip_16(job->png);
    if ((color & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(job->png, job->info, PNG_INFO_tRNS) != 0)
        png_set_strip_alpha(job->png);
    if (color == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(job->png);
    if ((color & PNG_COLOR_MASK_COLOR) == 0) {
        png_set_expand_gray_1_2_4_to_8(job->png);
        png_set_gray_to_rgb(job->png);
    }
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    return passes;
}

static rt_code read_pixels(png_job *job, size_t max_pixels, rt_image *image)
{
    png_set_read_fn(job->png, job, on_read);
    skip_extras(job->png);
    png_read_info(job->png, job->info);
    rt_code code = rt__image_reserve(image, png_get_image_width(job->png, job->info),
                                     png_get_image_height(job->png, job->info), max_pixels, job->err);
    if (code != RT_OK)
        return code;
    int passes = ask_for_rgb(job);
    size_t row_bytes = (size_t)image->width * 3;
    if (png_get_rowbytes(job->png, job->info) != row_bytes)
        return rt_fail(job->err, RT_EUNSUPPORTED,
                       "a PNG file that does not decode to 8-bit red, green and blue");
    for (int pass = 0; pass < passes; pass++)
        for (int32_t y = 0; y < image->height; y++)
            png_read_row(job->png, image->pixels + (size_t)y * row_bytes, NULL);
    png_read_end(job->png, NULL);
    return RT_OK;
}

/* Errors of the library end here. */
static rt_code decode_guarded(png_job *job, size_t max_pixels, rt_image *image)
{
    if (setjmp(png_jmpbuf(job->png)) != 0)
        return job->code;
    return read_pixels(job, max_pixels, image);
}

rt_code rt__png_decode(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_image *image,
                       rt_error *err)
{
    png_job job = {.bytes = bytes, .left = size, .size = size, .err = err};
    rt_code code;
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    if (job.png == NULL || (job.info = png_create_info_struct(job.png)) == NULL)
        code = rt_fail(err, RT_ENOMEM, "no memory to decode a PNG file");
    else
        code = decode_guarded(&job, how->max_pixels, image);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return code;
}
