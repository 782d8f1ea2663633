/* A trainer with slower kernels than the processor has, for tests and benchmarks. */
#ifndef RT_HEAD_TRAINER_H
#define RT_HEAD_TRAINER_H

#include "base/cpu.h"
#include "retrain/head.h"

/* As rt_trainer_new(), with kernels of level `most` at most. */
rt_code rt__trainer_new(const rt_head *head, rt_cpu_level most, rt_trainer **trainer, rt_error *err);

/* From now on steps and evaluations are shared by threads where that pays; nothing else changes, to the bit.
 * Does nothing where it would not for batches of n photos. */
rt_code rt__trainer_share(rt_trainer *trainer, size_t n_threads, size_t n, rt_error *err);

#endif
