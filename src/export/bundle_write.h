/* Writes a TensorBundle (a V2 checkpoint's tensors): prefix.index and prefix.data-00000-of-00001.
 *
 * prefix.data holds the tensors' bytes one behind the other; prefix.index is a sorted table: "" ->
 * BundleHeaderProto, each tensor's name -> BundleEntryProto with dtype, shape, offset, size and masked
 * CRC-32C. Source: TensorFlow's tensor_bundle.cc (BundleWriter), tensor_bundle.proto. */
#ifndef RT_EXPORT_BUNDLE_WRITE_H
#define RT_EXPORT_BUNDLE_WRITE_H

#include "base/buffer.h"
#include "graph/graph.h"

typedef struct rt_named_tensor {
    const char *name;
    rt_tensor tensor; /* any dtype but strings and resources */
} rt_named_tensor;

/* tensors in any order, names distinct.  Both files appear whole, the index last; without it there is no
 * bundle.  RT_EARG for a name used twice or a string tensor. */
rt_code rt__bundle_write(const char *prefix, const rt_named_tensor *tensors, size_t n, rt_error *err);

#endif
