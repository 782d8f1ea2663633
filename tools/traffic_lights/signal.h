/* The traffic light itself. */
#ifndef TRAFFIC_SIGNAL_H
#define TRAFFIC_SIGNAL_H

#include "canvas.h"
#include "scene.h"

typedef enum signal_state { SIGNAL_RED, SIGNAL_YELLOW, SIGNAL_GREEN, SIGNAL_OFF } signal_state;
enum { N_SIGNAL_STATES = 4 };

/* The names of the class folders. */
extern const char *const signal_names[N_SIGNAL_STATES];

/* Draws one somewhere in the picture: size, place, make, age and view are drawn by lot. */
void signal_draw(canvas *c, rt_rng *rng, const scene *s, signal_state state);

#endif
