/* Inception V3's weights for the reference module whose data file is too large to keep: every value follows
 * from the variable's name.  Source: hash_weights() in the reference's tools/tensorflow_fixtures/nets.py. */
#ifndef TESTS_SUPPORT_HASHED_WEIGHTS_H
#define TESTS_SUPPORT_HASHED_WEIGHTS_H

#include <stddef.h>

/* Puts the whole module into a folder under the build folder, or finds it there, and checks the data file's
 * SHA-256 either way.  Its path in buf; ends the program when it cannot be made. */
const char *inception_v3_module(char *buf, size_t n);

#endif
