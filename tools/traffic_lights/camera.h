/* From the painted scene to a photo file: lens, exposure, sensor, JPEG. */
#ifndef TRAFFIC_CAMERA_H
#define TRAFFIC_CAMERA_H

#include "base/buffer.h"
#include "canvas.h"
#include "scene.h"

/* Blur, shake, exposure, white balance, vignette, noise; the canvas then holds pixel values 0 .. 1. */
void camera_develop(canvas *c, rt_rng *rng, const scene *s);

/* Appends a JPEG file to out. */
rt_code camera_write_jpeg(const canvas *c, int quality, rt_buffer *out, rt_error *err);

#endif
