/* What a run says on standard error: lines, and on a terminal a status line that is redrawn in place; without
 * a terminal a download still says each 15 seconds how far it is, as tensorflow_hub's do. */
#ifndef RT_CLI_TERMINAL_H
#define RT_CLI_TERMINAL_H

#include "retrain/log.h"

#include <stdbool.h>

/* Start with rt__terminal(); not to be moved while its log or progress is in use. */
typedef struct rt_terminal {
    rt_level level;        /* lines below it are not shown */
    bool tells;            /* a line at RT_INFO would be shown */
    bool redraws;          /* and standard error is a terminal */
    bool drawn;            /* the status line is on the screen */
    char what[32];         /* what the status line is about */
    double started, shown; /* seconds: that began, and was last drawn */
} rt_terminal;

rt_terminal rt__terminal(rt_level level);
rt_log rt__terminal_log(rt_terminal *terminal);
rt_progress rt__terminal_progress(rt_terminal *terminal);
/* Takes the status line away. */
void rt__terminal_clear(rt_terminal *terminal);

/* "bottlenecks: 350 of 750 (46%), 812/s, 0.5 s left"; seconds: spent on done so far.  Returns text. */
char *rt__progress_text(const char *what, uint64_t done, uint64_t total, double seconds, char *text,
                        size_t size);

#endif
