#include "signal.h"

#include <math.h>

const char *const signal_names[N_SIGNAL_STATES] = {"red", "yellow", "green", "off"};

/* Lamps from the top; lit they shine, unlit one sees the tinted glass. */
static const colour lit_colours[3] = {{1.25F, 0.10F, 0.06F}, {1.25F, 0.74F, 0.08F}, {0.10F, 1.10F, 0.55F}};
static const colour glass_colours[3] = {{0.26F, 0.06F, 0.05F}, {0.28F, 0.20F, 0.06F}, {0.05F, 0.22F, 0.14F}};

/* How one light is built and seen.  Its unit is half the width of the housing; the lamps stand 2 apart. */
typedef struct build {
    pose place;
    colour housing, visor;
    float lens;        /* radius of a lamp */
    float brightness;  /* of the lit one: weak where the sun shines on it */
    bool board, lying; /* a back board; lamps side by side instead of one above the other */
    bool dots;         /* LEDs one can count */
} build;

static build build_draw(canvas *c, rt_rng *rng, const scene *s)
{
    static const colour kinds[] = {{0.08F, 0.08F, 0.09F},
                                   {0.10F, 0.12F, 0.11F},
                                   {0.72F, 0.56F, 0.10F},
                                   {0.30F, 0.31F, 0.33F},
                                   {0.10F, 0.24F, 0.16F}};
    build b;
    float tall = between(rng, 0.45F, 1.0F) * (float)c->height;
    colour housing =
        near(rng, dim(kinds[rt__rng_below(rng, sizeof kinds / sizeof kinds[0])], s->light), 0.2F);
    b.place.x = between(rng, 0.25F, 0.75F) * (float)c->width;
    b.place.y = between(rng, 0.36F, 0.60F) * (float)c->height;
    b.place.scale = tall / 6.4F;
    b.place.stretch_x = between(rng, 0.72F, 1);
    b.place.angle = between(rng, -0.09F, 0.09F);
    b.housing = housing;
    b.visor = dim(housing, 0.55F);
    b.lens = between(rng, 0.62F, 0.80F);
    b.brightness = between(rng, 0.8F, 1.15F);
    b.board = chance(rng, 0.25F);
    b.lying = chance(rng, 0.08F);
    b.dots = chance(rng, 0.3F) && b.place.scale > 12;
    if (b.lying)
        b.place.angle -= 1.5707963F; /* red on the left */
    return b;
}

static void draw_support(canvas *c, rt_rng *rng, const scene *s, const build *b)
{
    float x = b->place.x, y = b->place.y, unit = b->place.scale, far = between(rng, 0, 1) < 0.5F ? -9 : 9;
    paint steel = {dim(grey(0.45F), s->light), dim(grey(0.30F), s->light), 1};
    float kind = between(rng, 0, 1);
    if (kind < 0.6F) {
        draw_line(c, x, y, x, (float)c->height + 5, unit * 0.28F, steel);
    } else if (kind < 0.85F) {
        draw_line(c, x, y - unit * 2, x + far * unit * 3, y - unit * 2.4F, unit * 0.22F, steel);
    } else {
        draw_line(c, -5, y - unit * 4.6F, (float)c->width + 5, y - unit * 4.2F, fmaxf(unit * 0.06F, 0.7F),
                  steel);
        draw_line(c, x, y - unit * 4.4F, x, y - unit * 3, fmaxf(unit * 0.08F, 0.7F), steel);
    }
}

static void draw_dots(canvas *c, const build *b, float y, colour light)
{
    for (float v = -0.6F; v <= 0.61F; v += 0.24F)
        for (float u = -0.6F; u <= 0.61F; u += 0.24F)
            if (u * u + v * v < 0.42F)
                draw_disc(c, &b->place, u * b->lens * 1.4F, y + v * b->lens * 1.4F, 0.09F, plain(light));
}

static void draw_lamp(canvas *c, rt_rng *rng, const scene *s, const build *b, int lamp, bool lit)
{
    float y = 2 * (float)(lamp - 1);
    colour glass = near(rng, glass_colours[lamp], 0.15F);
    draw_disc(c, &b->place, 0, y, b->lens * 1.14F, plain(b->visor));
    draw_disc(c, &b->place, 0, y, b->lens,
              (paint){dim(glass, 0.2F + 0.3F * s->light), dim(glass, 0.25F + 0.5F * s->light), 1});
    if (lit) {
        colour light = dim(near(rng, lit_colours[lamp], 0.08F), b->brightness);
        if (b->dots) {
            draw_disc(c, &b->place, 0, y, b->lens, plain(dim(light, 0.55F)));
            draw_dots(c, b, y, light);
        } else {
            draw_disc(c, &b->place, 0, y, b->lens * 0.97F, plain(dim(light, 0.92F)));
            draw_disc(c, &b->place, 0, y + 0.08F, b->lens * 0.55F,
                      (paint){mix(light, grey(1.1F), 0.35F), light, 0.8F});
        }
    } else if (chance(rng, 0.35F)) {
        /* The sky mirrored in the glass. */
        draw_disc(c, &b->place, -0.2F, y - 0.22F, b->lens * 0.35F,
                  (paint){grey(s->light), grey(s->light), 0.22F});
    }
    /* The visor: a lid over the upper rim. */
    draw_box(c, &b->place, 0, y - b->lens * 0.98F, b->lens * 1.1F, b->lens * 0.22F, 0.15F,
             (paint){dim(b->housing, 1.3F), b->visor, 1});
}

static void draw_shine(canvas *c, rt_rng *rng, const scene *s, const build *b, int lamp)
{
    float y = 2 * (float)(lamp - 1) * b->place.scale, unit = b->place.scale;
    float x = b->place.x - y * sinf(b->place.angle);
    float strength =
        (s->light < 0.3F ? between(rng, 0.4F, 0.8F) : between(rng, 0.15F, 0.45F)) * b->brightness;
    y = b->place.y + y * cosf(b->place.angle);
    draw_glow(c, x, y, unit * 1.1F, dim(lit_colours[lamp], strength));
    draw_glow(c, x, y, unit * 3, dim(lit_colours[lamp], strength * 0.3F));
}

/* Wires and twigs between the light and us. */
static void draw_obstacles(canvas *c, rt_rng *rng, const scene *s, const build *b)
{
    int count = chance(rng, 0.25F) ? 1 + (int)rt__rng_below(rng, 3) : 0;
    for (int i = 0; i < count; i++) {
        float x = b->place.x, y = b->place.y, reach = b->place.scale * 6;
        float left = between(rng, 0.5F, 2), left_up = between(rng, -1, 1);
        float right = between(rng, 0.5F, 2), right_up = between(rng, -1, 1);
        draw_line(c, x - reach * left, y + reach * left_up, x + reach * right, y + reach * right_up,
                  fmaxf(b->place.scale * between(rng, 0.04F, 0.16F), 0.6F),
                  plain(dim((colour){0.16F, 0.15F, 0.12F}, s->light)));
    }
}

void signal_draw(canvas *c, rt_rng *rng, const scene *s, signal_state state)
{
    build b = build_draw(c, rng, s);
    draw_support(c, rng, s, &b);
    if (b.board) {
        draw_box(c, &b.place, 0, 0, 1.65F, 3.75F, 0.4F, plain(dim(grey(0.85F), s->light)));
        draw_box(c, &b.place, 0, 0, 1.52F, 3.62F, 0.35F, plain(dim(grey(0.05F), s->light)));
    }
    draw_box(c, &b.place, 0, 0, 1, 3.15F, 0.3F, (paint){dim(b.housing, 1.25F), dim(b.housing, 0.8F), 1});
    for (int lamp = 0; lamp < 3; lamp++)
        draw_lamp(c, rng, s, &b, lamp, lamp == (int)state);
    if (state != SIGNAL_OFF)
        draw_shine(c, rng, s, &b, (int)state);
    draw_obstacles(c, rng, s, &b);
}
