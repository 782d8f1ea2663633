/* Checkpoint tables for fuzzing: an input is rows, each 1 byte length of the key, 2 bytes length of the value
 * (little-endian), key, value. */
#ifndef TESTS_FUZZ_ROWS_H
#define TESTS_FUZZ_ROWS_H

#include "base/cursor.h"
#include "base/file.h"

/* A prefix for files, of its own for each process; *prefix is "" before.  At the end of the program all files
 * that begin with it are removed. */
const char *rows_prefix(void);

/* Writes the rows up to the end or to the next one with an empty key (after the first) as a table; false when
 * there were none. */
bool rows_write(rt_cursor *rows, const char *path);

/* Opens the checkpoint at prefix and reads all its variables; ends the program when what that says of itself
 * makes no sense. */
void rows_read(const char *prefix);

#endif
