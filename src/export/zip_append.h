/* One file put behind a FlatBuffer as a zip archive, as TensorFlow Lite packs associated files: readers of
 * the model ignore what follows it, readers of the archive look from the end.
 *
 *   1. local header: "PK\3\4", version 20, flags 0, method 0 (stored), date, CRC-32, sizes, name
 *   2. the bytes as they are: MediaPipe points into the file and takes nothing compressed
 *   3. central entry: "PK\1\2", the same again and where the local header stands, counted from the file's
 * start
 *   4. end: "PK\5\6", one entry, size and place of the central directory
 * Source: PKWARE's APPNOTE.TXT 4.3; tflite-support's metadata.py. */
#ifndef RT_EXPORT_ZIP_APPEND_H
#define RT_EXPORT_ZIP_APPEND_H

#include "base/buffer.h"

/* file: less than 2 GiB with the entry. The date is 1980-01-01: the same content gives the same file. */
rt_code rt__zip_append(rt_buffer *file, const char *name, const void *bytes, size_t size, rt_error *err);

#endif
