/* What inspecting finds, as lines for people or as one JSON object: facts, tables, and parts that hold both.
 */
#ifndef RT_PIPELINE_INSPECT_OUT_H
#define RT_PIPELINE_INSPECT_OUT_H

#include "base/buffer.h"

#include <stdbool.h>

typedef struct rt_inspect_out {
    rt_buffer text; /* owned; ask rt__buffer_ok() at the end */
    bool json;
    bool follows;       /* JSON: a member of the same object or list came before */
    int depth;          /* of open parts */
    const char *folder; /* an archive's, unpacked: left out of paths; NULL for none */
    const char *const *columns;
    size_t n_columns;
} rt_inspect_out;

void rt__out_begin(rt_inspect_out *out);
void rt__out_end(rt_inspect_out *out);
/* key: words joined by '_'. */
void rt__out_fact(rt_inspect_out *out, const char *key, const char *format, ...) RT_PRINTF(3, 4);
/* A path as the user may know it; what stands in an unpacked archive is told by its name there. */
void rt__out_path(rt_inspect_out *out, const char *key, const char *path);
const char *rt__out_inside(const rt_inspect_out *out, const char *path);
void rt__out_number(rt_inspect_out *out, const char *key, uint64_t value);
void rt__out_open(rt_inspect_out *out, const char *key);
void rt__out_close(rt_inspect_out *out);
/* A column whose name begins with '#' holds whole numbers.  columns is borrowed until rt__out_table_end(). */
void rt__out_table(rt_inspect_out *out, const char *key, const char *const *columns, size_t n_columns);
void rt__out_row(rt_inspect_out *out, const char *const *cells);
void rt__out_table_end(rt_inspect_out *out);

#endif
