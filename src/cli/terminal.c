#include "terminal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* From one update to the next: of the status line, and of the lines where there is none. */
static const double REDRAW_SECONDS = 0.1, LINE_SECONDS = 15;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

rt_terminal rt__terminal(rt_level level)
{
    bool tells = level <= RT_INFO;
    return (rt_terminal){.level = level, .tells = tells, .redraws = tells && isatty(STDERR_FILENO)};
}

void rt__terminal_clear(rt_terminal *terminal)
{
    if (terminal->drawn)
        fputs("\r\033[K", stderr);
    terminal->drawn = false;
}

static void show_line(void *user, rt_level level, const char *text)
{
    rt_terminal *terminal = user;
    if (level < terminal->level)
        return;
    rt__terminal_clear(terminal);
    fprintf(stderr, "%s\n", text);
}

static void add_duration(double seconds, char *text, size_t size)
{
    if (seconds < 60)
        snprintf(text, size, "%.*f s", seconds < 10 ? 1 : 0, seconds);
    else if (seconds < 3600)
        snprintf(text, size, "%ld min %02ld s", (long)seconds / 60, (long)seconds % 60);
    else
        snprintf(text, size, "%.1f h", seconds / 3600);
}

/* What is counted in bytes is shown in megabytes. */
static const char *const counted_in_bytes[] = {"downloading", "unpacking"};

static bool in_bytes(const char *what)
{
    for (size_t i = 0; i < sizeof counted_in_bytes / sizeof *counted_in_bytes; i++)
        if (strcmp(what, counted_in_bytes[i]) == 0)
            return true;
    return false;
}

char *rt__progress_text(const char *what, uint64_t done, uint64_t total, double seconds, char *text,
                        size_t size)
{
    bool bytes = in_bytes(what);
    const char *unit = bytes ? " MB" : "";
    double scale = bytes ? 1e-6 : 1, rate = seconds > 0 ? (double)done * scale / seconds : 0;
    char left[48];
    int length, digits = bytes ? 1 : 0;
    if (total == 0) {
        snprintf(text, size, "%s: %.*f%s", what, digits, (double)done * scale, unit);
        return text;
    }
    length = snprintf(text, size, "%s: %.*f of %.*f%s (%.0f%%)", what, digits, (double)done * scale, digits,
                      (double)total * scale, unit, 100 * (double)done / (double)total);
    if (rate > 0 && done < total && length > 0 && (size_t)length < size) {
        add_duration((double)(total - done) * scale / rate, left, sizeof left);
        snprintf(text + length, size - (size_t)length, ", %.*f%s/s, %s left", rate < 10 ? 1 : 0, rate, unit,
                 left);
    }
    return text;
}

static void show_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    rt_terminal *terminal = user;
    double time = now();
    char text[160];
    if (!terminal->tells || (!terminal->redraws && !in_bytes(what)))
        return;
    if (strncmp(terminal->what, what, sizeof terminal->what - 1) != 0) {
        snprintf(terminal->what, sizeof terminal->what, "%s", what);
        terminal->started = terminal->shown = time;
    }
    if (done >= total && total) {
        rt__terminal_clear(terminal);
        terminal->what[0] = 0;
        return;
    }
    if (time - terminal->shown < (terminal->redraws ? REDRAW_SECONDS : LINE_SECONDS))
        return;
    terminal->shown = time;
    terminal->drawn = terminal->redraws;
    fprintf(stderr, terminal->redraws ? "\r%s\033[K" : "%s\n",
            rt__progress_text(what, done, total, time - terminal->started, text, sizeof text));
}

rt_log rt__terminal_log(rt_terminal *terminal)
{
    return (rt_log){show_line, terminal};
}

rt_progress rt__terminal_progress(rt_terminal *terminal)
{
    return (rt_progress){show_progress, terminal};
}
