#include "options.h"

#include <string.h>

enum { MAX_WORD = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, drop, change or swap with their neighbour to make b of a; words longer than MAX_WORD
 * are compared by their beginnings. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n_a = least(strlen(a), MAX_WORD), n_b = least(strlen(b), MAX_WORD);
    size_t row[3][MAX_WORD + 1]; /* [i % 3][j]: distance of the first i letters of a to the first j of b */
    for (size_t j = 0; j <= n_b; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *now = row[i % 3];
        const size_t *before = row[(i - 1) % 3], *two_before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            now[j] = least(before[j - 1] + (a[i - 1] != b[j - 1]), least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], two_before[j - 2] + 1);
        }
    }
    return row[n_a % 3][n_b];
}

size_t rt__nearest_word(const char *word, const char *const *words, size_t n)
{
    size_t length = strlen(word), best = n, best_distance = 1 + (length > 8 ? length / 3 : 2);
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(word, words[i]);
        /* The beginning of a name is as good as a name with one slip. */
        if (length >= 3 && strncmp(words[i], word, length) == 0)
            distance = least(distance, 1);
        if (distance < best_distance && distance < length) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}
