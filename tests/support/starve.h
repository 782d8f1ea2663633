/* Lets the library's allocations fail one by one.  The program must be linked with starve.c and with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc; what shared libraries allocate is not touched. */
#ifndef TESTS_SUPPORT_STARVE_H
#define TESTS_SUPPORT_STARVE_H

#include "retrain/error.h"

typedef rt_code starve_work(void *context, rt_error *err);

/* Does the work with the first allocation failing, then the second, and so on until it succeeds; ends the
 * program when it fails with anything but RT_ENOMEM.  Returns how many failures it took. */
size_t starve(starve_work *work, void *context);

#endif
