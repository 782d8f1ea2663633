#include "canvas.h"

#include <math.h>
#include <stdlib.h>

bool canvas_init(canvas *c, int32_t width, int32_t height)
{
    size_t n = (size_t)width * (size_t)height * 3;
    *c = (canvas){width, height, calloc(n, sizeof(float)), calloc(n, sizeof(float))};
    if (c->rgb && c->spare)
        return true;
    canvas_clear(c);
    return false;
}

void canvas_clear(canvas *c)
{
    free(c->rgb);
    free(c->spare);
    *c = (canvas){0};
}

float between(rt_rng *rng, float low, float high)
{
    return low + (high - low) * (float)rt__rng_unit(rng);
}

bool chance(rt_rng *rng, float probability)
{
    return rt__rng_unit(rng) < (double)probability;
}

colour grey(float light)
{
    return (colour){light, light, light};
}

colour mix(colour a, colour b, float share_of_b)
{
    return (colour){a.r + (b.r - a.r) * share_of_b, a.g + (b.g - a.g) * share_of_b,
                    a.b + (b.b - a.b) * share_of_b};
}

colour dim(colour c, float light)
{
    return (colour){c.r * light, c.g * light, c.b * light};
}

colour near(rt_rng *rng, colour c, float spread)
{
    float r = between(rng, 1 - spread, 1 + spread);
    float g = between(rng, 1 - spread, 1 + spread);
    float b = between(rng, 1 - spread, 1 + spread);
    return (colour){c.r * r, c.g * g, c.b * b};
}

paint plain(colour c)
{
    return (paint){c, c, 1};
}

static void blend(canvas *c, int32_t x, int32_t y, colour with, float cover)
{
    float *p = c->rgb + 3 * ((size_t)y * (size_t)c->width + (size_t)x);
    p[0] += (with.r - p[0]) * cover;
    p[1] += (with.g - p[1]) * cover;
    p[2] += (with.b - p[2]) * cover;
}

static int32_t pixel(float value, int32_t end)
{
    return (int32_t)within(value, 0, (float)end);
}

/* Distance from the edge of a box with rounded corners, below 0 inside. */
static float box_distance(float x, float y, float half_width, float half_height, float radius)
{
    float dx = fabsf(x) - half_width + radius, dy = fabsf(y) - half_height + radius;
    if (dx <= 0 || dy <= 0)
        return (dx > dy ? dx : dy) - radius;
    return sqrtf(dx * dx + dy * dy) - radius;
}

void draw_box(canvas *c, const pose *p, float x, float y, float half_width, float half_height, float radius,
              paint with)
{
    float cosine = cosf(p->angle), sine = sinf(p->angle);
    float sx = p->scale * p->stretch_x, sy = p->scale;
    float centre_x = p->x + x * sx * cosine - y * sy * sine;
    float centre_y = p->y + x * sx * sine + y * sy * cosine;
    float w = half_width * sx, h = half_height * sy, r = fminf(radius * fminf(sx, sy), fminf(w, h));
    float reach_x = fabsf(w * cosine) + fabsf(h * sine) + 1,
          reach_y = fabsf(w * sine) + fabsf(h * cosine) + 1;
    int32_t left = pixel(centre_x - reach_x, c->width), right = pixel(centre_x + reach_x + 1, c->width);
    int32_t top = pixel(centre_y - reach_y, c->height), bottom = pixel(centre_y + reach_y + 1, c->height);

    for (int32_t row = top; row < bottom; row++)
        for (int32_t column = left; column < right; column++) {
            float dx = (float)column + 0.5F - centre_x, dy = (float)row + 0.5F - centre_y;
            float u = dx * cosine + dy * sine, v = dy * cosine - dx * sine;
            float cover = 0.5F - box_distance(u, v, w, h, r);
            if (cover > 0)
                blend(c, column, row, mix(with.top, with.bottom, within(v / (2 * h) + 0.5F, 0, 1)),
                      within(cover, 0, 1) * with.opacity);
        }
}

void draw_disc(canvas *c, const pose *p, float x, float y, float radius, paint with)
{
    /* A box all corner; stretched sideways its corners stay round enough at the sizes drawn here. */
    draw_box(c, p, x, y, radius, radius, radius, with);
}

void draw_line(canvas *c, float x0, float y0, float x1, float y1, float half_width, paint with)
{
    float length = hypotf(x1 - x0, y1 - y0);
    pose p = {(x0 + x1) / 2, (y0 + y1) / 2, 1, 1, atan2f(y1 - y0, x1 - x0)};
    draw_box(c, &p, 0, 0, length / 2 + half_width, half_width, half_width, with);
}

void draw_gradient(canvas *c, int32_t top, int32_t bottom, paint with)
{
    for (int32_t row = top < 0 ? 0 : top; row < bottom && row < c->height; row++) {
        colour here = mix(with.top, with.bottom, (float)(row - top) / (float)(bottom - top));
        for (int32_t column = 0; column < c->width; column++)
            blend(c, column, row, here, with.opacity);
    }
}

void draw_glow(canvas *c, float x, float y, float radius, colour light)
{
    int32_t left = pixel(x - 3 * radius, c->width), right = pixel(x + 3 * radius, c->width);
    int32_t top = pixel(y - 3 * radius, c->height), bottom = pixel(y + 3 * radius, c->height);
    for (int32_t row = top; row < bottom; row++)
        for (int32_t column = left; column < right; column++) {
            float dx = ((float)column + 0.5F - x) / radius, dy = ((float)row + 0.5F - y) / radius;
            float share = expf(-(dx * dx + dy * dy));
            float *p = c->rgb + 3 * ((size_t)row * (size_t)c->width + (size_t)column);
            p[0] += light.r * share;
            p[1] += light.g * share;
            p[2] += light.b * share;
        }
}

/* A number in -1 .. 1 for a lattice point.  Source: the finaliser of MurmurHash3, Austin Appleby. */
static float lattice(int32_t x, int32_t y, uint32_t seed)
{
    uint32_t h = seed ^ (uint32_t)x * 0x9E3779B1U ^ (uint32_t)y * 0x85EBCA77U;
    h = (h ^ h >> 16) * 0x85EBCA6BU;
    h = (h ^ h >> 13) * 0xC2B2AE35U;
    return (float)((h ^ h >> 16) >> 8) / 8388608.0F - 1;
}

static float value_noise(float x, float y, uint32_t seed)
{
    int32_t ix = (int32_t)x, iy = (int32_t)y; /* x and y are at least 0 */
    float u = x - (float)ix, v = y - (float)iy;
    float a, b;
    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    a = lattice(ix, iy, seed) * (1 - u) + lattice(ix + 1, iy, seed) * u;
    b = lattice(ix, iy + 1, seed) * (1 - u) + lattice(ix + 1, iy + 1, seed) * u;
    return a * (1 - v) + b * v;
}

void draw_clouds(canvas *c, int32_t top, int32_t bottom, float cell, float strength, uint32_t seed)
{
    for (int32_t row = top < 0 ? 0 : top; row < bottom && row < c->height; row++)
        for (int32_t column = 0; column < c->width; column++) {
            float x = (float)column / cell, y = (float)row / cell;
            float noise = value_noise(x, y, seed) * 0.6F + value_noise(x * 2.1F, y * 2.1F, seed + 1) * 0.3F +
                          value_noise(x * 4.3F, y * 4.3F, seed + 2) * 0.15F;
            float *p = c->rgb + 3 * ((size_t)row * (size_t)c->width + (size_t)column);
            for (int i = 0; i < 3; i++)
                p[i] *= 1 + strength * noise;
        }
}
