/* rt_attr -> TensorFlow's AttrValue. */
#ifndef RT_EXPORT_ATTR_WRITE_H
#define RT_EXPORT_ATTR_WRITE_H

#include "graph/graph.h"

struct Tf__AttrEntry;

/* The message borrows attr's bytes; what it needs besides comes from arena. */
rt_code rt__attr_write(const rt_attr *attr, rt_arena *arena, struct Tf__AttrEntry **entry, rt_error *err);

#endif
