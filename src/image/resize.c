#include "resize.h"

#include <string.h>

static const float unit = 1.0f / 255.0f; /* tf.image.convert_image_dtype multiplies; it does not divide */

/* Two lines of the output's width are kept: going down, the lower one of a row is often the upper one of the
 * next. */
typedef struct resize_job {
    const rt_resize_loops *loops;
    const rt_lines *lines;
    rt_pixel_layout layout;
    rt_columns columns;
    float *line[2];   /* lines of the photo resized across, 3 * columns.n floats */
    int32_t holds[2]; /* which line of the photo, or -1 */
} resize_job;

static size_t rounded_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* The parts of the scratch memory, each aligned to 64 bytes. */
typedef struct resize_parts {
    size_t group_columns, table, line, total;
} resize_parts;

static resize_parts parts_of(int32_t width)
{
    resize_parts p = {.group_columns = rounded_up((size_t)width, RT_RESIZE_GROUP)};
    p.table = p.group_columns * sizeof(float);
    p.line = 3 * p.group_columns * sizeof(float);
    p.total = 2 * p.table + 2 * p.line;
    return p;
}

static const int32_t most_columns = INT32_MAX / 4; /* byte offsets in a line stay below 2^31 */

static bool sizes_fit(int32_t from_height, int32_t from_width, int32_t height, int32_t width)
{
    return from_width > 0 && from_width < most_columns && from_height > 0 && height > 0 && width > 0 &&
           width < most_columns;
}

static bool is_inside(const rt_window *w)
{
    return w->full_width < most_columns && w->top >= 0 && w->left >= 0 && w->height <= w->full_height &&
           w->width <= w->full_width && w->top <= w->full_height - w->height &&
           w->left <= w->full_width - w->width;
}

size_t rt__resize_lines_scratch(int32_t width)
{
    return sizes_fit(1, 1, 1, width) ? parts_of(width).total : 0;
}

/* Room for a line of the photo and the spare bytes. */
static size_t spacious_bytes(const rt_image *image)
{
    return rounded_up((size_t)image->width * 3 + RT_LINE_SPARE, 64);
}

size_t rt_image_resize_scratch(const rt_image *image, int32_t height, int32_t width)
{
    if (!image->pixels || !sizes_fit(image->height, image->width, height, width))
        return 0;
    return parts_of(width).total + spacious_bytes(image);
}

/* Source of output position i on an axis: i * (in / out), split into the pixel before and the weight of the
 * one behind. */
typedef struct axis_tap {
    int32_t low, high;
    float weight;
} axis_tap;

static axis_tap tap_of(int32_t i, int32_t in, int32_t out)
{
    float scale = (float)in / (float)out;
    float position = (float)i * scale;
    int32_t low = (int32_t)position;
    if (low >= in - 1)
        return (axis_tap){in - 1, in - 1, 0};
    return (axis_tap){low, low + 1, position - (float)low};
}

static void fill_columns(resize_job *job, const resize_parts *parts, const rt_window *window, uint8_t *memory)
{
    int32_t *left = (int32_t *)(void *)memory;
    float *weight = (float *)(void *)(memory + parts->table);
    for (size_t x = 0; x < parts->group_columns; x++) {
        axis_tap tap = {0, 0, 0};
        int32_t column = (int32_t)x;
        if (window->mirrored)
            column = window->width - 1 - column;
        if (x < (size_t)window->width)
            tap = tap_of(window->left + column, job->lines->width, window->full_width);
        left[x] = 3 * tap.low;
        weight[x] = tap.weight;
    }
    job->columns = (rt_columns){left, weight, parts->group_columns};
}

static resize_job prepare(const rt_resize_loops *loops, const rt_lines *lines, const rt_window *window,
                          rt_pixel_layout layout, uint8_t *memory)
{
    resize_parts parts = parts_of(window->width);
    resize_job job = {.loops = loops, .lines = lines, .layout = layout, .holds = {-1, -1}};
    fill_columns(&job, &parts, window, memory);
    memory += 2 * parts.table;
    job.line[0] = (float *)(void *)memory;
    job.line[1] = (float *)(void *)(memory + parts.line);
    return job;
}

/* Line y resized across, put into the slot that does not hold line keep. */
static rt_code line_of(resize_job *job, int32_t y, int32_t keep, const float **line, rt_error *err)
{
    int slot = job->holds[0] == keep ? 1 : 0;
    const uint8_t *pixels;
    rt_code code;
    for (int i = 0; i < 2; i++)
        if (job->holds[i] == y) {
            *line = job->line[i];
            return RT_OK;
        }
    if ((code = job->lines->line(job->lines->user, y, &pixels, err)) != RT_OK)
        return code;
    if (job->layout == RT_PLANAR)
        job->loops->across_planar(pixels, &job->columns, job->line[slot]);
    else
        job->loops->across_interleaved(pixels, &job->columns, job->line[slot]);
    job->holds[slot] = y;
    *line = job->line[slot];
    return RT_OK;
}

rt_code rt__image_resize_lines(const rt_resize_loops *loops, const rt_lines *lines, const rt_window *window,
                               rt_pixel_layout layout, void *scratch, float *out, rt_error *err)
{
    if (!sizes_fit(lines->height, lines->width, window->height, window->width) || !is_inside(window))
        return rt_fail(err, RT_EARG, "cannot resize %d x %d pixels to %d x %d of %d x %d", lines->width,
                       lines->height, window->width, window->height, window->full_width, window->full_height);
    resize_job job = prepare(loops, lines, window, layout, scratch);
    size_t columns = (size_t)window->width, plane = (size_t)window->height * columns;
    for (int32_t y = 0; y < window->height; y++) {
        axis_tap tap = tap_of(window->top + y, lines->height, window->full_height);
        const float *top, *bottom;
        rt_code code = line_of(&job, tap.low, tap.high, &top, err);
        if (code == RT_OK)
            code = line_of(&job, tap.high, tap.low, &bottom, err);
        if (code != RT_OK)
            return code;
        if (layout == RT_INTERLEAVED) {
            loops->down(top, bottom, tap.weight, out + (size_t)y * 3 * columns, 3 * columns);
            continue;
        }
        for (size_t c = 0; c < 3; c++)
            loops->down(top + c * job.columns.n, bottom + c * job.columns.n, tap.weight,
                        out + c * plane + (size_t)y * columns, columns);
    }
    return RT_OK;
}

/* ---- of pixels in memory ---- */

typedef struct held_photo {
    const rt_image *image;
    uint8_t *spacious;
} held_photo;

/* Copied where the photo ends before the spare bytes do. */
static rt_code held_line(void *user, int32_t y, const uint8_t **line, rt_error *err)
{
    const held_photo *held = user;
    size_t row_bytes = (size_t)held->image->width * 3;
    size_t begin = (size_t)y * row_bytes, end = (size_t)held->image->height * row_bytes;
    (void)err;
    *line = held->image->pixels + begin;
    if (begin + row_bytes + RT_LINE_SPARE <= end)
        return RT_OK;
    memcpy(held->spacious, *line, row_bytes);
    memset(held->spacious + row_bytes, 0, RT_LINE_SPARE);
    *line = held->spacious;
    return RT_OK;
}

rt_code rt__image_resize_window(const rt_resize_loops *loops, const rt_image *image, const rt_window *window,
                                rt_pixel_layout layout, void *scratch, float *out, rt_error *err)
{
    bool empty = !image->pixels || image->width <= 0 || image->height <= 0;
    held_photo held = {.image = image};
    const rt_lines lines = {.user = &held,
                            .width = empty ? 0 : image->width,
                            .height = empty ? 0 : image->height,
                            .line = held_line};
    if (!empty && window->width > 0 && window->width < most_columns)
        held.spacious = (uint8_t *)scratch + parts_of(window->width).total;
    return rt__image_resize_lines(loops, &lines, window, layout, scratch, out, err);
}

rt_code rt__image_resize(const rt_resize_loops *loops, const rt_image *image, int32_t height, int32_t width,
                         rt_pixel_layout layout, void *scratch, float *out, rt_error *err)
{
    const rt_window whole = {height, width, 0, 0, height, width, false};
    return rt__image_resize_window(loops, image, &whole, layout, scratch, out, err);
}

static float mix(const uint8_t *line, const rt_columns *columns, size_t x, size_t c)
{
    const uint8_t *left = line + columns->left[x] + c;
    float a = (float)left[0] * unit, b = (float)left[3] * unit;
    return a + (b - a) * columns->weight[x];
}

static void across_planar(const uint8_t *line, const rt_columns *columns, float *out)
{
    for (size_t c = 0; c < 3; c++)
        for (size_t x = 0; x < columns->n; x++)
            out[c * columns->n + x] = mix(line, columns, x, c);
}

static void across_interleaved(const uint8_t *line, const rt_columns *columns, float *out)
{
    for (size_t x = 0; x < columns->n; x++)
        for (size_t c = 0; c < 3; c++)
            out[3 * x + c] = mix(line, columns, x, c);
}

static void down(const float *top, const float *bottom, float weight, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = top[i] + (bottom[i] - top[i]) * weight;
}

static const rt_resize_loops plain = {"plain", across_planar, across_interleaved, down};

void rt__resize_loops(const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS])
{
    const rt_resize_loops *fast = rt__resize_fast_loops();
    list[0] = &plain;
    list[1] = fast;
    list[2] = NULL;
}

const rt_resize_loops *rt__resize_best_loops(void)
{
    const rt_resize_loops *fast = rt__resize_fast_loops();
    return fast != NULL ? fast : &plain;
}

rt_code rt_image_resize(const rt_image *image, int32_t height, int32_t width, rt_pixel_layout layout,
                        void *scratch, float *out, rt_error *err)
{
    return rt__image_resize(rt__resize_best_loops(), image, height, width, layout, scratch, out, err);
}
