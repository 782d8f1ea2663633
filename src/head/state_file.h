/* A training run on disk, to go on with later.
 *
 *   1. "retrain state 1\n", 16 bytes
 *   2. identity: 4 bytes its length, then the text: what the run depends on, a line each
 *   3. steps, step: 8 bytes each
 *   4. the generators of training and validation batches: 4 times 8 bytes each
 *   5. last scores of training and validation: cross entropy and accuracy (float), photos (8 bytes) each
 *   6. n_features, n_classes: 8 bytes each; weights and biases as float
 *   7. masked CRC-32C of all before it, 4 bytes
 * Numbers are little-endian. */
#ifndef RT_HEAD_STATE_FILE_H
#define RT_HEAD_STATE_FILE_H

#include "train.h"

typedef struct rt_saved_run {
    const char *identity; /* key=value lines; rt__run_read() makes it owned */
    uint64_t steps;       /* that were wanted; state.step of them are done */
    rt_train_state state;
    rt_score training, validation; /* last measured */
} rt_saved_run;

/* The file appears whole or not at all. */
rt_code rt__run_write(const char *path, const rt_saved_run *run, bool durable, rt_error *err);
/*   run  written on success; give back with rt__run_clear()
 *   RT_ENOTFOUND  no such file        RT_EFORMAT  none of ours, cut off or damaged */
rt_code rt__run_read(const char *path, rt_saved_run *run, rt_error *err);
/* The same of a file's bytes, which are borrowed for the call. */
rt_code rt__run_parse(const void *bytes, size_t size, rt_saved_run *run, rt_error *err);
/* Only of what rt__run_read() or rt__run_parse() made. */
void rt__run_clear(rt_saved_run *run);

/* The first line in which two identities differ, as "key"; and both values, "" where the line is missing.
 * False when they are the same.  Texts are cut off at size bytes. */
bool rt__run_differs(const char *now, const char *then, char *key, char *value_now, char *value_then,
                     size_t size);

#endif
