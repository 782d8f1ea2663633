#include "scene.h"

#include <stddef.h>

/* Things are drawn in pixels: the pose that changes nothing. */
static const pose pixels = {0, 0, 1, 1, 0};

static void sky(canvas *c, rt_rng *rng, const scene *s, float horizon)
{
    static const colour kinds[][2] = {
        {{0.25F, 0.48F, 0.85F}, {0.70F, 0.82F, 0.95F}}, /* clear    */
        {{0.72F, 0.74F, 0.78F}, {0.88F, 0.89F, 0.90F}}, /* overcast */
        {{0.35F, 0.38F, 0.62F}, {0.98F, 0.66F, 0.38F}}, /* sunset   */
        {{0.55F, 0.62F, 0.70F}, {0.80F, 0.80F, 0.78F}}, /* haze     */
    };
    size_t kind = (size_t)rt__rng_below(rng, sizeof kinds / sizeof kinds[0]);
    int32_t bottom = (int32_t)horizon + 1;
    draw_gradient(c, 0, bottom, (paint){dim(kinds[kind][0], s->light), dim(kinds[kind][1], s->light), 1});
    float cell = between(rng, 30, 90), strength = between(rng, 0.02F, 0.30F);
    draw_clouds(c, 0, bottom, cell, strength, (uint32_t)rt__rng_next(rng));
}

static void windows(canvas *c, rt_rng *rng, float left, float right, float top, float bottom, const scene *s)
{
    float step = between(rng, 9, 18), size = step * between(rng, 0.22F, 0.36F);
    float lit = s->light < 0.3F ? 0.4F : 0.05F;
    colour glass = near(rng, dim((colour){0.30F, 0.36F, 0.42F}, s->light), 0.3F);
    for (float y = top + step * 0.6F; y < bottom - step * 0.5F; y += step * 1.2F)
        for (float x = left + step * 0.6F; x < right - step * 0.4F; x += step) {
            colour here =
                chance(rng, lit) ? near(rng, (colour){0.95F, 0.78F, 0.45F}, 0.15F) : near(rng, glass, 0.12F);
            draw_box(c, &pixels, x, y, size, size * 1.3F, 0, plain(here));
        }
}

static void houses(canvas *c, rt_rng *rng, const scene *s, float ground)
{
    static const colour kinds[] = {{0.62F, 0.42F, 0.34F}, {0.72F, 0.68F, 0.60F}, {0.48F, 0.50F, 0.54F},
                                   {0.80F, 0.76F, 0.66F}, {0.36F, 0.33F, 0.33F}, {0.66F, 0.58F, 0.42F}};
    for (float x = -10; x < (float)c->width;) {
        float width = between(rng, 0.12F, 0.34F) * (float)c->width;
        float top = ground - between(rng, 0.20F, 0.62F) * (float)c->height;
        colour wall =
            near(rng, dim(kinds[rt__rng_below(rng, sizeof kinds / sizeof kinds[0])], s->light), 0.15F);
        draw_box(c, &pixels, x + width / 2, (top + ground) / 2, width / 2, (ground - top) / 2, 0,
                 (paint){wall, dim(wall, 0.8F), 1});
        windows(c, rng, x, x + width, top, ground, s);
        x += width + between(rng, -4, 14);
    }
}

static void trees(canvas *c, rt_rng *rng, const scene *s, float ground, int count)
{
    for (int i = 0; i < count; i++) {
        float x = between(rng, -10, (float)c->width + 10),
              size = between(rng, 0.05F, 0.16F) * (float)c->height;
        colour leaf = near(rng, dim((colour){0.20F, 0.38F, 0.14F}, s->light), 0.35F);
        draw_line(c, x, ground, x, ground - size * 1.6F, size * 0.10F,
                  plain(dim((colour){0.28F, 0.20F, 0.14F}, s->light)));
        for (int blob = 0; blob < 22; blob++) {
            float across = between(rng, -0.9F, 0.9F), up = between(rng, 1.2F, 2.9F);
            float radius = between(rng, 0.18F, 0.42F);
            draw_disc(c, &pixels, x + across * size, ground - up * size, radius * size,
                      plain(near(rng, leaf, 0.22F)));
        }
    }
}

static void road(canvas *c, rt_rng *rng, const scene *s, float ground)
{
    float centre = between(rng, 0.2F, 0.8F) * (float)c->width, bottom = (float)c->height;
    colour tar = near(rng, dim(grey(0.34F), s->light), 0.1F);
    draw_gradient(c, (int32_t)ground, c->height, (paint){dim(tar, 1.1F), dim(tar, 0.8F), 1});
    for (int lane = -2; lane <= 2; lane++)
        for (float t = 0.05F; t < 1; t += 0.28F) {
            float u = t + 0.12F, foot = centre + (float)lane * 0.5F * (float)c->width;
            draw_line(c, centre + (foot - centre) * t, ground + (bottom - ground) * t,
                      centre + (foot - centre) * u, ground + (bottom - ground) * u, 0.6F + 1.8F * t,
                      (paint){dim(grey(0.85F), s->light), dim(grey(0.85F), s->light), 0.7F});
        }
    draw_clouds(c, (int32_t)ground, c->height, 5, 0.10F, (uint32_t)rt__rng_next(rng));
}

/* Cars seen from behind: red, sometimes orange lights low in the picture. */
static void cars(canvas *c, rt_rng *rng, const scene *s, float ground, int count)
{
    for (int i = 0; i < count; i++) {
        float y = between(rng, ground + 8, (float)c->height - 8);
        float size = 6 + 26 * (y - ground) / ((float)c->height - ground + 1);
        float x = between(rng, 0, (float)c->width);
        bool braking = chance(rng, 0.5F);
        colour body = near(rng, dim((colour){0.42F, 0.42F, 0.46F}, s->light), 0.6F);
        colour lamp = dim((colour){0.95F, 0.10F, 0.06F}, braking ? 1.1F : 0.45F * s->light + 0.2F);
        draw_box(c, &pixels, x, y, size, size * 0.55F, size * 0.2F, (paint){body, dim(body, 0.6F), 1});
        draw_box(c, &pixels, x, y - size * 0.6F, size * 0.75F, size * 0.42F, size * 0.2F,
                 (paint){dim((colour){0.30F, 0.38F, 0.44F}, s->light), dim(body, 0.7F), 1});
        for (float side = -1; side <= 1; side += 2) {
            draw_box(c, &pixels, x + side * size * 0.78F, y - size * 0.05F, size * 0.14F, size * 0.12F, 1,
                     plain(lamp));
            if (braking)
                draw_glow(c, x + side * size * 0.78F, y - size * 0.05F, size * 0.35F, dim(lamp, 0.35F));
        }
    }
}

/* Far lamps, signs and neon out of focus, in the traffic light's own colours too. */
static void far_lights(canvas *c, rt_rng *rng, float top, float bottom, int count, float strength)
{
    static const colour kinds[] = {{1.0F, 0.16F, 0.10F}, {1.0F, 0.72F, 0.20F}, {0.15F, 0.95F, 0.45F},
                                   {1.0F, 0.93F, 0.80F}, {0.35F, 0.55F, 1.0F}, {1.0F, 0.82F, 0.50F}};
    for (int i = 0; i < count; i++) {
        colour lamp = near(rng, kinds[rt__rng_below(rng, sizeof kinds / sizeof kinds[0])], 0.1F);
        float x = between(rng, 0, (float)c->width), y = between(rng, top, bottom),
              size = between(rng, 1.5F, 7);
        draw_disc(c, &pixels, x, y, size, (paint){lamp, lamp, strength * between(rng, 0.3F, 0.9F)});
        draw_glow(c, x, y, size * 2, dim(lamp, 0.12F * strength));
    }
}

static void signs(canvas *c, rt_rng *rng, const scene *s, float ground, int count)
{
    static const colour kinds[] = {{0.80F, 0.10F, 0.10F},
                                   {0.95F, 0.75F, 0.10F},
                                   {0.10F, 0.50F, 0.25F},
                                   {0.12F, 0.25F, 0.65F},
                                   {0.90F, 0.90F, 0.90F}};
    for (int i = 0; i < count; i++) {
        float size = between(rng, 0.02F, 0.06F) * (float)c->height;
        float x = between(rng, 0, (float)c->width), y = ground - between(rng, 1, 6) * size;
        colour face =
            near(rng, dim(kinds[rt__rng_below(rng, sizeof kinds / sizeof kinds[0])], s->light), 0.15F);
        draw_line(c, x, y, x, ground + size, size * 0.08F, plain(dim(grey(0.5F), s->light)));
        float tall = between(rng, 0.5F, 1), round = between(rng, 0, 1);
        draw_box(c, &pixels, x, y, size, size * tall, size * round, plain(face));
        draw_box(c, &pixels, x, y, size * 0.5F, size * 0.15F, 0, plain(dim(grey(0.9F), s->light)));
    }
}

static scene lit(rt_rng *rng, float least, float most, colour tint)
{
    float light = between(rng, least, most);
    return (scene){light, near(rng, tint, 0.09F)};
}

static scene street(canvas *c, rt_rng *rng)
{
    scene s = lit(rng, 0.45F, 1, grey(1));
    float ground = between(rng, 0.62F, 0.85F) * (float)c->height;
    sky(c, rng, &s, ground);
    houses(c, rng, &s, ground);
    trees(c, rng, &s, ground, (int)rt__rng_below(rng, 4));
    signs(c, rng, &s, ground, (int)rt__rng_below(rng, 4));
    road(c, rng, &s, ground);
    cars(c, rng, &s, ground, (int)rt__rng_below(rng, 4));
    return s;
}

static scene country(canvas *c, rt_rng *rng)
{
    scene s = lit(rng, 0.5F, 1, grey(1));
    float ground = between(rng, 0.55F, 0.80F) * (float)c->height;
    colour grass = near(rng, dim((colour){0.34F, 0.46F, 0.18F}, s.light), 0.25F);
    sky(c, rng, &s, ground);
    for (int hill = 0; hill < 4; hill++) {
        float size = between(rng, 0.3F, 0.9F) * (float)c->width;
        colour far = mix(grass, dim((colour){0.60F, 0.68F, 0.74F}, s.light), 0.6F - 0.15F * (float)hill);
        draw_disc(c, &pixels, between(rng, 0, (float)c->width), ground + size * 0.92F, size, plain(far));
    }
    draw_gradient(c, (int32_t)ground, c->height, (paint){grass, dim(grass, 0.7F), 1});
    draw_clouds(c, (int32_t)(ground * 0.8F), c->height, 8, 0.25F, (uint32_t)rt__rng_next(rng));
    trees(c, rng, &s, ground + 6, 3 + (int)rt__rng_below(rng, 8));
    signs(c, rng, &s, ground, (int)rt__rng_below(rng, 3));
    return s;
}

static scene night(canvas *c, rt_rng *rng)
{
    scene s = lit(rng, 0.06F, 0.20F, (colour){1, 0.9F, 0.75F});
    float ground = between(rng, 0.60F, 0.85F) * (float)c->height;
    sky(c, rng, &s, ground);
    houses(c, rng, &s, ground);
    road(c, rng, &s, ground);
    cars(c, rng, &s, ground, 1 + (int)rt__rng_below(rng, 4));
    far_lights(c, rng, ground * 0.4F, ground * 1.1F, 8 + (int)rt__rng_below(rng, 22), 0.9F);
    return s;
}

static scene wall(canvas *c, rt_rng *rng)
{
    scene s = lit(rng, 0.4F, 1, grey(1));
    float brick = between(rng, 9, 26), row_height = brick * between(rng, 0.35F, 0.5F);
    colour stone = near(rng, dim((colour){0.58F, 0.36F, 0.28F}, s.light), 0.35F);
    draw_gradient(c, 0, c->height, plain(dim(stone, between(rng, 0.6F, 1.5F))));
    for (int row = 0; (float)row * row_height < (float)c->height + row_height; row++)
        for (float x = (row & 1) ? 0 : -brick; x < (float)c->width + brick; x += 2 * brick)
            draw_box(c, &pixels, x + brick, (float)row * row_height, brick * 0.94F, row_height * 0.44F, 1,
                     plain(near(rng, stone, 0.14F)));
    draw_clouds(c, 0, c->height, 60, 0.35F, (uint32_t)rt__rng_next(rng));
    signs(c, rng, &s, (float)c->height, (int)rt__rng_below(rng, 3));
    return s;
}

/* Behind a long lens: blobs of colour. */
static scene blurred(canvas *c, rt_rng *rng)
{
    scene s = lit(rng, 0.35F, 1, grey(1));
    colour base = near(rng, dim(grey(0.5F), s.light), 0.4F);
    draw_gradient(c, 0, c->height, (paint){dim(base, 1.3F), dim(base, 0.6F), 1});
    for (int i = 0; i < 30; i++) {
        colour blob = near(rng, base, 0.6F);
        float x = between(rng, 0, (float)c->width), y = between(rng, 0, (float)c->height);
        draw_disc(c, &pixels, x, y, between(rng, 8, 46), (paint){blob, blob, 0.35F});
    }
    far_lights(c, rng, 0, (float)c->height, (int)rt__rng_below(rng, 10), 0.5F);
    return s;
}

scene scene_draw(canvas *c, rt_rng *rng)
{
    typedef scene painter(canvas *, rt_rng *);
    static painter *const painters[] = {street, street, country, night, wall, blurred};
    return painters[rt__rng_below(rng, sizeof painters / sizeof painters[0])](c, rng);
}
