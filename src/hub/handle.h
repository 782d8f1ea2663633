/* A module's handle: "https://tfhub.dev/google/imagenet/mobilenet_v2_100_224/feature_vector/1". */
#ifndef RT_HUB_HANDLE_H
#define RT_HUB_HANDLE_H

#include "base/buffer.h"

#include <stdbool.h>

/* Whether text names something to fetch rather than a path: http:// or https://, or an archive in Google
 * Cloud Storage, gs://bucket/name.tar.gz (.tgz, .tar, .zip). */
bool rt__handle_is_url(const char *text);

/* The address of such a text over HTTP, into the buffer; a public object in Google Cloud Storage has one too.
 */
void rt__handle_web_address(const char *url, rt_buffer *address);

/* The i-th address (from 0) under which the archive of a handle may be had, into the buffer; false when there
 * are no more.  First the handle itself with tf-hub-format=compressed added to its query (gs:// has none),
 * then for handles on tfhub.dev the bucket their archives lay in, then for hub.tensorflow.google.cn its own.
 * Source: compressed_module_resolver.py and resolver.py of hub; the bucket's form from public code. */
bool rt__handle_address(const char *handle, unsigned i, rt_buffer *address);

/* The handle's folder name in a cache: 40 hexadecimal digits of its SHA-1, as tensorflow_hub names it. */
rt_code rt__handle_folder(const char *handle, char name[41], rt_error *err);

#endif
