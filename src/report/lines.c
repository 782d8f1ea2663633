#include "lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- retrain.py's ---- */

char *rt__line_time(char *text, size_t size, int64_t unix_us)
{
    const int64_t million = 1000000;
    int64_t us = (unix_us % million + million) % million;
    time_t seconds = (time_t)((unix_us - us) / million);
    struct tm tm;
    size_t length = 0;
    if (size == 0)
        return text;
    if (localtime_r(&seconds, &tm) != NULL)
        length = strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm);
    text[length] = 0;
    if (us != 0 && length > 0)
        snprintf(text + length, size - length, ".%06lld", (long long)us);
    return text;
}

char *rt__line_train_accuracy(char *text, size_t size, const char *when, uint64_t step, float accuracy)
{
    snprintf(text, size, "%s: Step %llu: Train accuracy = %.1f%%", when, (unsigned long long)step,
             (double)accuracy * 100);
    return text;
}

char *rt__line_cross_entropy(char *text, size_t size, const char *when, uint64_t step, float cross_entropy)
{
    snprintf(text, size, "%s: Step %llu: Cross entropy = %f", when, (unsigned long long)step,
             (double)cross_entropy);
    return text;
}

char *rt__line_validation_accuracy(char *text, size_t size, const char *when, uint64_t step, float accuracy,
                                   size_t n)
{
    snprintf(text, size, "%s: Step %llu: Validation accuracy = %.1f%% (N=%zu)", when,
             (unsigned long long)step, (double)accuracy * 100, n);
    return text;
}

char *rt__line_test_accuracy(char *text, size_t size, float accuracy, size_t n)
{
    snprintf(text, size, "Final test accuracy = %.1f%% (N=%zu)", (double)accuracy * 100, n);
    return text;
}

/* Characters of UTF-8: bytes that continue one do not count. */
static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != 0; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int blanks(const char *text, size_t width)
{
    size_t n = characters(text);
    return n < width ? (int)(width - n) : 0;
}

char *rt__line_misclassified(char *text, size_t size, const char *path, const char *label)
{
    snprintf(text, size, "%*s%s  %s", blanks(path, 70), "", path, label);
    return text;
}

/* ---- class by class ---- */

enum { LEAST_WIDTH = 5, MOST_WIDTH = 40, RATE_TEXT = 16 };

size_t rt__line_label_width(const rt_line_class *classes, size_t n_classes)
{
    size_t width = LEAST_WIDTH;
    for (size_t i = 0; i < n_classes; i++) {
        size_t n = characters(classes[i].label);
        width = n > width ? n : width;
    }
    return width < MOST_WIDTH ? width : MOST_WIDTH;
}

static const char *rate(char text[RATE_TEXT], uint32_t part, uint32_t whole)
{
    if (whole == 0)
        snprintf(text, RATE_TEXT, "-");
    else
        snprintf(text, RATE_TEXT, "%.1f%%", (double)part / whole * 100);
    return text;
}

char *rt__line_class_head(char *text, size_t size, size_t label_width)
{
    snprintf(text, size, "%-*s  photos  recall  precision", (int)label_width, "class");
    return text;
}

char *rt__line_class(char *text, size_t size, size_t label_width, const rt_line_class *class)
{
    char recall[RATE_TEXT], precision[RATE_TEXT];
    snprintf(text, size, "%s%*s  %6u  %6s  %9s", class->label, blanks(class->label, label_width), "",
             class->n, rate(recall, class->right, class->n), rate(precision, class->right, class->predicted));
    return text;
}

/* The row's number goes before its label: digits and a blank. */
enum { NUMBER_WIDTH = 3 };

char *rt__line_matrix_head(char *text, size_t size, size_t label_width, size_t n_classes)
{
    int used = snprintf(text, size, "%-*s", (int)label_width + NUMBER_WIDTH, "taken for:");
    for (size_t i = 0; i < n_classes && used >= 0 && (size_t)used < size; i++)
        used += snprintf(text + used, size - (size_t)used, "  %5zu", i + 1);
    return text;
}

char *rt__line_matrix_row(char *text, size_t size, size_t label_width, const char *label, size_t class,
                          const uint32_t *counts, size_t n_classes)
{
    int used =
        snprintf(text, size, "%-*zu%s%*s", NUMBER_WIDTH, class + 1, label, blanks(label, label_width), "");
    for (size_t i = 0; i < n_classes && used >= 0 && (size_t)used < size; i++)
        used += snprintf(text + used, size - (size_t)used, "  %5u", counts[i]);
    return text;
}

size_t rt__line_confusions(const uint32_t *confusion, size_t n_classes, rt_line_confusion *worst, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < n_classes; i++) {
        for (size_t k = 0; k < n_classes; k++) {
            rt_line_confusion c = {i, k, confusion[i * n_classes + k]};
            size_t at = n;
            if (i == k || c.n == 0)
                continue;
            while (at > 0 && worst[at - 1].n < c.n)
                at--;
            if (at == most)
                continue;
            n += n < most;
            memmove(worst + at + 1, worst + at, (n - 1 - at) * sizeof *worst);
            worst[at] = c;
        }
    }
    return n;
}

char *rt__line_confusion(char *text, size_t size, const rt_line_class *classes, const rt_line_confusion *c)
{
    snprintf(text, size, "%u of %u '%s' %s taken for '%s'", c->n, classes[c->class].n,
             classes[c->class].label, c->n == 1 ? "was" : "were", classes[c->taken_for].label);
    return text;
}
