/* TensorFlow's AttrValue -> rt_attr. */
#ifndef RT_MODEL_ATTR_PROTO_H
#define RT_MODEL_ATTR_PROTO_H

#include "tensor_proto.h"

struct Tf__AttrEntry;

/* What rt_attr has no kind for is kept as RT_ATTR_RAW.  attr borrows the message; what it needs besides comes
 * from the expansion's arena. */
rt_code rt__attr_read(const struct Tf__AttrEntry *entry, rt_expansion *expansion, rt_attr *attr,
                      rt_error *err);

#endif
