/* Signals that ask a run to stop: SIGINT (Ctrl-C) and SIGTERM.  While a run listens they set a flag;
 * otherwise, and the second time, they end the program at once. */
#ifndef RT_CLI_INTERRUPT_H
#define RT_CLI_INTERRUPT_H

#include "retrain/pipeline.h"

/* For rt_retrain_options.stop. */
extern const rt_stop rt__interrupt;

/* Ends the program by the signal that stopped the run, so that a shell sees why; returns when there was none.
 */
void rt__interrupt_end(void);

#endif
