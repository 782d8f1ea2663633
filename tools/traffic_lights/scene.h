/* What is behind a traffic light: streets, hills, nights, walls; with things in it that shine in its colours.
 */
#ifndef TRAFFIC_SCENE_H
#define TRAFFIC_SCENE_H

#include "canvas.h"

typedef struct scene {
    float light; /* of the day: about 1 in the sun, 0.1 at night */
    colour tint; /* of that light                               */
} scene;

/* Paints the whole canvas. */
scene scene_draw(canvas *c, rt_rng *rng);

#endif
