/* A picture in floats to paint on.  Colours are light, 0 .. 1 and above for lamps; shapes have soft edges
 * (their coverage comes from the signed distance), so that nothing needs supersampling. */
#ifndef TRAFFIC_CANVAS_H
#define TRAFFIC_CANVAS_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct colour {
    float r, g, b;
} colour;

typedef struct canvas {
    int32_t width, height;
    float *rgb;   /* [height, width, 3] */
    float *spare; /* as large; for filters */
} canvas;

/* Where a thing stands: its own units to pixels.  x is stretched on its own for a view from the side. */
typedef struct pose {
    float x, y, scale, stretch_x, angle; /* origin and scale in pixels, angle in radians */
} pose;

/* Colour at the top and at the bottom edge of a shape. */
typedef struct paint {
    colour top, bottom;
    float opacity;
} paint;

bool canvas_init(canvas *c, int32_t width, int32_t height); /* false: memory is out */
void canvas_clear(canvas *c);

static inline float within(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* Draws.  Only one stands in an expression or a list of arguments: C leaves open which of two would be made
 * first, and compilers differ. */
float between(rt_rng *rng, float low, float high);
bool chance(rt_rng *rng, float probability);
colour grey(float light);
colour mix(colour a, colour b, float share_of_b);
colour dim(colour c, float light);
/* A colour near c: each channel times 1 - spread .. 1 + spread. */
colour near(rt_rng *rng, colour c, float spread);
paint plain(colour c);

/* Shapes in the units of the pose; radius rounds the corners. */
void draw_box(canvas *c, const pose *p, float x, float y, float half_width, float half_height, float radius,
              paint with);
void draw_disc(canvas *c, const pose *p, float x, float y, float radius, paint with);
/* In pixels: a stroke, the sky, light added around a lamp, and clouds (value noise that lightens or darkens
 * the rows top .. bottom by up to strength). */
void draw_line(canvas *c, float x0, float y0, float x1, float y1, float half_width, paint with);
void draw_gradient(canvas *c, int32_t top, int32_t bottom, paint with);
void draw_glow(canvas *c, float x, float y, float radius, colour light);
void draw_clouds(canvas *c, int32_t top, int32_t bottom, float cell, float strength, uint32_t seed);

#endif
