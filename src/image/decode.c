#include "decode.h"

#include <stdlib.h>
#include <string.h>

/* TensorFlow refuses three-channel images of 2^29 bytes and more. */
static const size_t most_pixels = ((size_t)1 << 29) / 3;

typedef struct image_format {
    const char *name;
    size_t offset; /* of the magic bytes */
    const char *magic;
    size_t length;
    rt_image_decoder *decode; /* NULL: known by name only */
    rt_lines_opener *open;    /* NULL: as a whole only */
} image_format;

/* Sources: TensorFlow's decode_image_op.cc for the first four; each format's own specification. */
static const image_format formats[] = {
    {"JPEG", 0, "\xff\xd8\xff", 3, rt__jpeg_decode, rt__jpeg_open},
    {"PNG", 0, "\x89PNG\r\n\x1a\n", 8, rt__png_decode, NULL},
    {"GIF", 0, "GIF8", 4, rt__gif_decode, NULL},
    {"BMP", 0, "BM", 2, NULL, NULL},
    {"WebP", 8, "WEBP", 4, NULL, NULL},
    {"TIFF", 0, "II*\0", 4, NULL, NULL},
    {"TIFF", 0, "MM\0*", 4, NULL, NULL},
    {"AVIF", 4, "ftypavif", 8, NULL, NULL},
    {"HEIF", 4, "ftyp", 4, NULL, NULL},
    {"JPEG 2000", 4, "jP  \r\n\x87\n", 8, NULL, NULL},
    {"JPEG XL", 0, "\xff\x0a", 2, NULL, NULL},
    {"JPEG XL", 4, "JXL \r\n\x87\n", 8, NULL, NULL},
    {"Photoshop", 0, "8BPS", 4, NULL, NULL},
};

static const image_format *format_of(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const image_format *f = &formats[i];
        if (size >= f->offset + f->length && memcmp(bytes + f->offset, f->magic, f->length) == 0)
            return f;
    }
    return NULL;
}

static rt_code fail_unknown(const uint8_t *bytes, size_t size, rt_error *err)
{
    uint8_t first[4] = {0};
    if (size == 0)
        return rt_fail_at(err, RT_EFORMAT, 0, "the file is empty");
    memcpy(first, bytes, size < sizeof first ? size : sizeof first);
    return rt_fail_at(err, RT_EFORMAT, 0,
                      "not an image: JPEG, PNG and GIF files start otherwise than %02x %02x %02x %02x",
                      first[0], first[1], first[2], first[3]);
}

/* The format of a file that can be decoded. */
static rt_code find_format(const uint8_t *bytes, size_t size, const image_format **format, rt_error *err)
{
    *format = format_of(bytes, size);
    if (*format == NULL)
        return fail_unknown(bytes, size, err);
    if ((*format)->decode == NULL)
        return rt_fail(err, RT_EUNSUPPORTED, "%s images are not supported; convert it to JPEG or PNG",
                       (*format)->name);
    return RT_OK;
}

static rt_decoding decoding(size_t max_pixels, const rt_image_target *target)
{
    rt_decoding how = {.max_pixels = max_pixels > 0 && max_pixels < most_pixels ? max_pixels : most_pixels};
    if (target && target->fast_decode) {
        how.least_height = target->height;
        how.least_width = target->width;
    }
    return how;
}

static rt_code decode_whole(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_image *image,
                            rt_error *err)
{
    const image_format *format;
    rt_code code = find_format(bytes, size, &format, err);
    return code == RT_OK ? format->decode(bytes, size, how, image, err) : code;
}

rt_code rt_image_decode(const uint8_t *bytes, size_t size, size_t max_pixels, rt_image *image, rt_error *err)
{
    const rt_decoding how = decoding(max_pixels, NULL);
    return decode_whole(bytes, size, &how, image, err);
}

rt_code rt_image_decode_for(const uint8_t *bytes, size_t size, const rt_image_target *target, rt_image *image,
                            rt_error *err)
{
    const rt_decoding how = decoding(0, target);
    return decode_whole(bytes, size, &how, image, err);
}

rt_code rt__image_open_lines(const uint8_t *bytes, size_t size, const rt_image_target *target,
                             rt_lines *lines, bool *opened, rt_error *err)
{
    const rt_decoding how = decoding(0, target);
    const image_format *format;
    rt_code code = find_format(bytes, size, &format, err);
    *opened = false;
    if (code == RT_OK && format->open) {
        code = format->open(bytes, size, &how, lines, err);
        *opened = code == RT_OK;
    }
    return code;
}

rt_code rt__image_check(uint32_t width, uint32_t height, size_t max_pixels, rt_error *err)
{
    uint64_t pixels = (uint64_t)width * height;
    if (pixels == 0)
        return rt_fail(err, RT_EFORMAT, "the image has no pixels: %u x %u", width, height);
    if (pixels > max_pixels || pixels > SIZE_MAX / 3 || width > INT32_MAX || height > INT32_MAX)
        return rt_fail(err, RT_ELIMIT, "%u x %u pixels are more than the limit of %zu", width, height,
                       max_pixels);
    return RT_OK;
}

rt_code rt__image_reserve(rt_image *image, uint32_t width, uint32_t height, size_t max_pixels, rt_error *err)
{
    size_t bytes = 3 * (size_t)width * height;
    rt_code code = rt__image_check(width, height, max_pixels, err);
    if (code != RT_OK)
        return code;
    if (bytes > image->capacity) {
        free(image->pixels);
        image->capacity = 0;
        image->pixels = malloc(bytes);
        if (image->pixels == NULL)
            return rt_fail(err, RT_ENOMEM, "no memory for %u x %u pixels", width, height);
        image->capacity = bytes;
    }
    image->width = (int32_t)width;
    image->height = (int32_t)height;
    return RT_OK;
}

void rt_image_clear(rt_image *image)
{
    free(image->pixels);
    *image = (rt_image){0};
}
