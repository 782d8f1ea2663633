/* A small network that is written in another format, read back and run on the plain C kernels. */
#ifndef SUPPORT_READ_BACK_H
#define SUPPORT_READ_BACK_H

#include "fused_network.h"
#include "model/network.h"

enum { CLASSES = 5 };

/* fused_network's, with weights small enough for its softmax to say something.  These abort when they fail.
 */
void small_network(network *net);
/* Probabilities for one image. */
void run_fused(const rt_graph *fused, rt_edge input, rt_edge output, float scores[CLASSES]);
/* The same image through what a reader made. */
void run_network(const rt_network *n, float scores[CLASSES]);

#endif
