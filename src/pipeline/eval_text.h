/* What an evaluation says to a reader. */
#ifndef RT_PIPELINE_EVAL_TEXT_H
#define RT_PIPELINE_EVAL_TEXT_H

#include "base/buffer.h"
#include "retrain/eval.h"

#include <stdbool.h>

/* Appends the classes, the worst confusions and the accuracy, a line each; list_wrong: before them each photo
 * that was taken for another class. */
rt_code rt__eval_text(const rt_eval_result *result, bool list_wrong, rt_buffer *text, rt_error *err);

#endif
