/* Where an export stands until it is proven: beside the name it gets, under one of its own. */
#ifndef RT_PIPELINE_EXPORT_PLACE_H
#define RT_PIPELINE_EXPORT_PLACE_H

#include "base/buffer.h"

typedef enum rt_place_kind {
    RT_PLACE_FILE,
    RT_PLACE_FOLDER,
    RT_PLACE_PREFIX /* several files PREFIX.*, and the file "checkpoint" beside them */
} rt_place_kind;

typedef struct rt_place {
    rt_place_kind kind;
    const char *wanted; /* borrowed */
    rt_buffer path;   /* to be written: a file, a folder that is there, a prefix in a folder that is there */
    rt_buffer folder; /* of the prefix */
} rt_place;

/* Whether it could be written: a folder that is there must be empty.  Creates nothing. */
rt_code rt__place_check(rt_place_kind kind, const char *wanted, rt_error *err);
rt_code rt__place_open(rt_place *place, rt_place_kind kind, const char *wanted, rt_error *err);
/* Gives what stands there its name where code is RT_OK, else removes it; frees. */
rt_code rt__place_close(rt_place *place, rt_code code, rt_error *err);

#endif
