/* The streams of random numbers of one seed: what is drawn from one does not move the others. */
#ifndef RT_HEAD_STREAMS_H
#define RT_HEAD_STREAMS_H

enum { RT_STREAM_TRAINING, RT_STREAM_VALIDATION, RT_STREAM_TESTING, RT_STREAM_WEIGHTS, RT_STREAM_DISTORTION };

#endif
