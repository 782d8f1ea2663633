/* Float32 as decimal text and back, as in retrain.py's bottleneck files. */
#ifndef RT_BASE_FLOAT_TEXT_H
#define RT_BASE_FLOAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { RT_FLOAT_TEXT = 24 }; /* bytes for any float with the final 0 */

/* What numpy's str(np.float32(value)) prints: the fewest digits that no other float32 is nearer to, and among
 * those the nearest to value; an exponent below 1e-4 and from 1e16 on; "0.0", "-0.0", "nan", "inf", "-inf".
 * Returns the length without the final 0. */
size_t rt__float_text(float value, char text[RT_FLOAT_TEXT]);

/* Reads a decimal number that starts at text: [+-] digits [. digits] [e [+-] digits], no spaces; at least one
 * digit before the e, either side of the point.  *value is the nearest float32, ties to even, whatever the
 * locale.  Returns the byte behind the number; NULL for nan, inf, a number that overflows to infinity, and
 * anything else.  A byte that belongs to no number, the final 0 at the latest, must follow. */
const char *rt__float_parse(const char *text, float *value);

#endif
