/* 1 / sqrt(x) as TensorFlow computes it for whole vectors on x86-64: the processor's estimate, made better by
 * one Newton step.  Its last bit differs from the nearest float for a third of all x, and from one maker of
 * processors to another: worth it only where a last bit may become a step of a quantisation.  Source: Eigen's
 * generic_rsqrt_newton_step, compared bit by bit with TensorFlow 2.15.1. */
#ifndef RT_BASE_RSQRT_H
#define RT_BASE_RSQRT_H

/* Floats TensorFlow takes at once; those left over are 1 / sqrtf(x). */
enum { RT_RSQRT_VECTOR = 8 };

float rt__rsqrt_vector(float x);

#endif
