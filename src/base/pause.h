/* Waits. */
#ifndef RT_BASE_PAUSE_H
#define RT_BASE_PAUSE_H

/* Comes back after that time, whatever signals arrive meanwhile. */
void rt__pause(unsigned ms);

#endif
