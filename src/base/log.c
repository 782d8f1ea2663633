#include "retrain/log.h"

#include <stdarg.h>
#include <stdio.h>

void rt_log_line(const rt_log *log, rt_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (!log || !log->line)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log->line(log->user, level, text);
}

void rt_progress_update(const rt_progress *progress, const char *what, uint64_t done, uint64_t total)
{
    if (progress && progress->update)
        progress->update(progress->user, what, done, total);
}
