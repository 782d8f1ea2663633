/* Which photo and which network each bottleneck file was made from.
 *
 * A text file of retrain.py does not say that, so its vectors outlive changes of the photo.  Beside the text
 * files of one folder and one module stands ".retrain<rest>", <rest> being what the text files' names have
 * behind the photo's (".retrain_modules~x.txt"):
 *
 *   1. "retrain bottlenecks 1"
 *   2. a line for each photo, in byte order of the names:
 *        8 hex digits  CRC-32C of the text file
 *        8 hex digits  digest of the network
 *        decimal       bytes of the photo
 *        decimal       last change of the photo, nanoseconds since 1970
 *        name          of the photo; bytes below 0x20 and "%" as "%" and 2 hex digits
 *   3. "end " and 8 hex digits: CRC-32C of all lines before
 *
 * One blank between fields, each line ends in a line feed.  The file is replaced whole, after the text files.
 * A run that is killed before leaves the old lines: those of text files written since no longer match their
 * CRC-32C, so that such a vector is made again rather than taken for another photo's; a text file with no
 * line at all is trusted as retrain.py would, and gets a line for the photo as it is now. */
#ifndef RT_FEATURE_FRESHNESS_H
#define RT_FEATURE_FRESHNESS_H

#include "retrain/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct rt_origin {
    uint32_t text_crc, network;
    uint64_t photo_bytes;
    int64_t photo_changed_ns;
} rt_origin;

/* What the lines of one folder say.  Threads may share it. */
typedef struct rt_freshness rt_freshness;

/* The record that belongs to a text file; photo is the photo's name.  A file that is not there has no lines.
 */
rt_code rt__freshness_open(const char *text_path, const char *photo, rt_freshness **freshness, rt_error *err);
void rt__freshness_close(rt_freshness *freshness);
/* Whether this record is the one that belongs to a text file. */
bool rt__freshness_covers(const rt_freshness *freshness, const char *text_path, const char *photo);

/* A damaged record says that something was known and is lost: no text file of its folder can be trusted. */
bool rt__freshness_damaged(const rt_freshness *freshness);
/* As read; NULL when there is no line for the photo. */
const rt_origin *rt__freshness_find(const rt_freshness *freshness, const char *photo);
/* Notes a new line, seen only by later runs. */
rt_code rt__freshness_note(rt_freshness *freshness, const char *photo, const rt_origin *origin,
                           rt_error *err);
/* Writes the file if anything was noted; lines of other photos stay. */
rt_code rt__freshness_write(rt_freshness *freshness, rt_error *err);

#endif
