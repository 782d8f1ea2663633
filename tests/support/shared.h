/* Where the large reference files are that are not part of the project. */
#ifndef TESTS_SUPPORT_SHARED_H
#define TESTS_SUPPORT_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/* "$RETRAIN_SHARED/relative" in buf; returns buf.  Ends the program when it does not fit. */
const char *shared_path(char *buf, size_t n, const char *relative);

/* Whether that path is there. */
bool shared_has(const char *relative);

/* Whether the folder of reference files is there at all. */
bool shared_present(void);

/* First line of a test's main(): when relative is absent, says that what is skipped and ends with status 77.
 */
void shared_or_skip(const char *relative, const char *what);

#endif
