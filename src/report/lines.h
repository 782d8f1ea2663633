/* What a run says, as lines of text: retrain.py's own, letter for letter, and a table of how each class
 * fared.
 *
 * Each writes one line without a newline into text, cut off at size bytes, and returns text.
 * Source: main(), run_final_eval() in hub's retrain.py. */
#ifndef RT_REPORT_LINES_H
#define RT_REPORT_LINES_H

#include <stddef.h>
#include <stdint.h>

enum { RT_TIME_TEXT = 32 };

/* "2026-11-23 19:51:37.378715", local time, as Python prints datetime.now(): a whole second has no fraction.
 * unix_us: microseconds since 1970. */
char *rt__line_time(char *text, size_t size, int64_t unix_us);

/* "<when>: Step 10: Train accuracy = 74.0%" and so on; accuracies are 0 .. 1. */
char *rt__line_train_accuracy(char *text, size_t size, const char *when, uint64_t step, float accuracy);
char *rt__line_cross_entropy(char *text, size_t size, const char *when, uint64_t step, float cross_entropy);
char *rt__line_validation_accuracy(char *text, size_t size, const char *when, uint64_t step, float accuracy,
                                   size_t n);
char *rt__line_test_accuracy(char *text, size_t size, float accuracy, size_t n);
/* The photo's path right-aligned in 70 characters (not bytes), and the label it was taken for. */
char *rt__line_misclassified(char *text, size_t size, const char *path, const char *label);

/* How a class fared in the final test. */
typedef struct rt_line_class {
    const char *label;
    uint32_t n;         /* photos of this class */
    uint32_t predicted; /* photos taken for it  */
    uint32_t right;     /* both                 */
} rt_line_class;

/* A table, "class  photos  recall  precision"; label_width in characters, see rt__line_label_width().  A rate
 * of nothing is "-". */
char *rt__line_class_head(char *text, size_t size, size_t label_width);
char *rt__line_class(char *text, size_t size, size_t label_width, const rt_line_class *class);
/* The widest label's characters, between 5 and 40. */
size_t rt__line_label_width(const rt_line_class *classes, size_t n_classes);

/* All of them, a column for each class in the order of the rows; columns are headed by the rows' numbers:
 *   "taken for:      1      2"
 *   "1 daisy        19      0" */
char *rt__line_matrix_head(char *text, size_t size, size_t label_width, size_t n_classes);
/* class: the row's number from 0; counts: n_classes of them. */
char *rt__line_matrix_row(char *text, size_t size, size_t label_width, const char *label, size_t class,
                          const uint32_t *counts, size_t n_classes);

/* The most frequent confusions: fills at most `most` of them, the most frequent first and equal ones in the
 * order of their classes, and returns how many.  confusion[n_classes, n_classes]: photos of the row's class
 * taken for the column's. */
typedef struct rt_line_confusion {
    size_t class, taken_for;
    uint32_t n;
} rt_line_confusion;
size_t rt__line_confusions(const uint32_t *confusion, size_t n_classes, rt_line_confusion *worst,
                           size_t most);
/* "5 of 17 'roses' were taken for 'tulips'" */
char *rt__line_confusion(char *text, size_t size, const rt_line_class *classes, const rt_line_confusion *c);

#endif
