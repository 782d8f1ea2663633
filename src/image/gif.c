/* GIF of one frame, as TensorFlow's gif_io.cc shows it. */
#include "pixels.h"

#include <gif_lib.h>
#include <stdbool.h>
#include <string.h>

typedef struct gif_job {
    GifFileType *gif;
    const uint8_t *bytes; /* not read yet */
    size_t left, size;
    int transparent; /* colour index, or NO_TRANSPARENT_COLOR */
    rt_error *err;
} gif_job;

static int on_read(GifFileType *gif, GifByteType *data, int count)
{
    gif_job *job = gif->UserData;
    size_t n = (size_t)count < job->left ? (size_t)count : job->left;
    memcpy(data, job->bytes, n);
    job->bytes += n;
    job->left -= n;
    return (int)n;
}

/* What the library says failed; memory that is out is told as such. */
static rt_code fail_library(const gif_job *job, int error)
{
    const char *why = GifErrorString(error);
    if (error == D_GIF_ERR_NOT_ENOUGH_MEM)
        return rt_fail(job->err, RT_ENOMEM, "no memory to decode a GIF file");
    return rt_fail_at(job->err, RT_EFORMAT, (int64_t)(job->size - job->left), "damaged GIF file: %s",
                      why != NULL ? why : "no reason given");
}

/* The first graphics control block before the frame counts. */
static bool read_extension(gif_job *job, bool *controlled)
{
    GraphicsControlBlock control = {.TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType *block;
    int kind;
    if (DGifGetExtension(job->gif, &kind, &block) == GIF_ERROR)
        return false;
    if (block != NULL && kind == GRAPHICS_EXT_FUNC_CODE && !*controlled) {
        *controlled = true;
        if (DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
            job->transparent = control.TransparentColor;
    }
    while (block != NULL)
        if (DGifGetExtensionNext(job->gif, &block) == GIF_ERROR)
            return false;
    return true;
}

/* Goes to the next frame; *found is false at the end of the file. */
static bool next_frame(gif_job *job, bool *found)
{
    bool controlled = false;
    for (;;) {
        GifRecordType record;
        if (DGifGetRecordType(job->gif, &record) == GIF_ERROR)
            return false;
        *found = record == IMAGE_DESC_RECORD_TYPE;
        if (*found)
            return DGifGetImageDesc(job->gif) == GIF_OK;
        if (record == TERMINATE_RECORD_TYPE)
            return true;
        if (record == EXTENSION_RECORD_TYPE && !read_extension(job, &controlled))
            return false;
    }
}

/* Lines of colour indices go to the last third of the line they will fill. */
static bool read_indices(gif_job *job, rt_image *image)
{
    static const int32_t first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    size_t width = (size_t)image->width;
    bool interlaced = job->gif->Image.Interlace;
    for (int pass = 0; pass < (interlaced ? 4 : 1); pass++)
        for (int32_t y = interlaced ? first[pass] : 0; y < image->height; y += interlaced ? step[pass] : 1)
            if (DGifGetLine(job->gif, image->pixels + ((size_t)y * 3 + 2) * width, image->width) == GIF_ERROR)
                return false;
    return true;
}

/* The first n indices of a line to colours, in place from the front: index x stands at 2 * width + x, never
 * before byte 3 * x + 2. */
static rt_code colour_line(const gif_job *job, const ColorMapObject *map, uint8_t *line, int32_t width,
                           int32_t n)
{
    const uint8_t *indices = line + 2 * (size_t)width;
    for (int32_t x = 0; x < n; x++) {
        int index = indices[x];
        if (index >= map->ColorCount)
            return rt_fail(job->err, RT_EFORMAT, "damaged GIF file: colour %d of a map of %d", index,
                           map->ColorCount);
        GifColorType colour = index == job->transparent ? (GifColorType){0, 0, 0} : map->Colors[index];
        line[3 * x] = colour.Red;
        line[3 * x + 1] = colour.Green;
        line[3 * x + 2] = colour.Blue;
    }
    return RT_OK;
}

/* TensorFlow's canvas is as large as the frame, which is then drawn at its own place on it: what stands over
 * is cut off (not even looked at), the rest of the canvas is black. */
static rt_code draw(const gif_job *job, const ColorMapObject *map, rt_image *image)
{
    const GifImageDesc *frame = &job->gif->Image;
    int32_t columns = frame->Left < image->width ? image->width - frame->Left : 0;
    int32_t lines = frame->Top < image->height ? image->height - frame->Top : 0;
    size_t line_bytes = (size_t)image->width * 3, drawn = (size_t)columns * 3;
    rt_code code = RT_OK;
    for (int32_t y = 0; y < lines && code == RT_OK; y++)
        code = colour_line(job, map, image->pixels + (size_t)y * line_bytes, image->width, columns);
    if (code != RT_OK || (frame->Left == 0 && frame->Top == 0))
        return code;
    for (int32_t y = image->height - 1; y >= image->height - lines; y--) {
        uint8_t *to = image->pixels + (size_t)y * line_bytes;
        memmove(to + line_bytes - drawn, image->pixels + (size_t)(y - frame->Top) * line_bytes, drawn);
        memset(to, 0, line_bytes - drawn);
    }
    memset(image->pixels, 0, (size_t)(image->height - lines) * line_bytes);
    return RT_OK;
}

static rt_code read_frame(gif_job *job, size_t max_pixels, rt_image *image)
{
    const GifImageDesc *frame = &job->gif->Image;
    const ColorMapObject *map = frame->ColorMap != NULL ? frame->ColorMap : job->gif->SColorMap;
    rt_code code =
        rt__image_reserve(image, (uint32_t)frame->Width, (uint32_t)frame->Height, max_pixels, job->err);
    if (code != RT_OK)
        return code;
    if (map == NULL)
        return rt_fail(job->err, RT_EFORMAT, "damaged GIF file: it has no colours");
    if (!read_indices(job, image))
        return fail_library(job, job->gif->Error);
    return draw(job, map, image);
}

/* Whether the frame that was just begun is whole.  One too large to look at counts as whole. */
static bool skip_frame(gif_job *job, size_t max_pixels)
{
    GifPixelType discarded[4096];
    size_t left = (size_t)job->gif->Image.Width * (size_t)job->gif->Image.Height;
    if (left > max_pixels)
        return true;
    while (left > 0) {
        size_t n = left < sizeof discarded ? left : sizeof discarded;
        if (DGifGetLine(job->gif, discarded, (int)n) == GIF_ERROR)
            return false;
        left -= n;
    }
    return true;
}

/* As TensorFlow: damage behind the first whole frame does not matter. */
static rt_code read_file(gif_job *job, size_t max_pixels, rt_image *image)
{
    bool found;
    if (!next_frame(job, &found))
        return fail_library(job, job->gif->Error);
    if (!found)
        return rt_fail(job->err, RT_EFORMAT, "damaged GIF file: it holds no frame");
    rt_code code = read_frame(job, max_pixels, image);
    if (code != RT_OK)
        return code;
    if (next_frame(job, &found) && found && skip_frame(job, max_pixels))
        return rt_fail(job->err, RT_EUNSUPPORTED, "an animated GIF is not supported; save one of its frames");
    return job->gif->Error == D_GIF_ERR_NOT_ENOUGH_MEM ? fail_library(job, job->gif->Error) : RT_OK;
}

rt_code rt__gif_decode(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_image *image,
                       rt_error *err)
{
    gif_job job = {
        .bytes = bytes, .left = size, .size = size, .transparent = NO_TRANSPARENT_COLOR, .err = err};
    int error = 0;
    job.gif = DGifOpen(&job, on_read, &error);
    if (job.gif == NULL)
        return fail_library(&job, error);
    rt_code code = read_file(&job, how->max_pixels, image);
    DGifCloseFile(job.gif, &error);
    return code;
}
