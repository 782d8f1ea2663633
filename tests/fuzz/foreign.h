/* Classifiers of other programs' formats for fuzzing. */
#ifndef TESTS_FUZZ_FOREIGN_H
#define TESTS_FUZZ_FOREIGN_H

#include "model/foreign.h"

typedef rt_code foreign_reader(const void *bytes, size_t size, const rt_module_options *options,
                               rt_network *network, rt_buffer *labels, rt_error *err);

/* Read, made a module, folded; ends the program at an error without a cause. */
void foreign_read(foreign_reader *read, const uint8_t *bytes, size_t size);

#endif
