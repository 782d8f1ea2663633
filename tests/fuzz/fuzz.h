/* A fuzz target: one file a parser, linked either with libFuzzer or with replay.c. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Must come back from any bytes, in reasonable time; ends the program (abort) when what it got makes no
 * sense. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
