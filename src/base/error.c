#include "retrain/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rt_error_clear(rt_error *err)
{
    if (!err)
        return;
    memset(err, 0, sizeof *err);
    err->offset = -1;
}

/* Names in a file may hold anything; an error is one line, and no command to a terminal. */
static void make_plain(char *text)
{
    enum { DELETE = 0x7f };
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == DELETE)
            *text = '?';
}

/* 0: the arguments come as a list, so only the format itself can be checked. */
RT_PRINTF(4, 0)
static void set_cause(rt_error *err, rt_code code, int64_t offset, const char *format, va_list arguments)
{
    rt_error_clear(err);
    err->code = code;
    err->offset = offset;
    vsnprintf(err->cause, sizeof err->cause, format, arguments);
    make_plain(err->cause);
}

rt_code rt_fail(rt_error *err, rt_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (err)
        set_cause(err, code, -1, format, arguments);
    va_end(arguments);
    return code;
}

rt_code rt_fail_at(rt_error *err, rt_code code, int64_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (err)
        set_cause(err, code, offset, format, arguments);
    va_end(arguments);
    return code;
}

rt_code rt_fail_errno(rt_error *err, int sys_errno, const char *format, ...)
{
    rt_code code = sys_errno == ENOENT || sys_errno == ENOTDIR ? RT_ENOTFOUND
                   : sys_errno == ENOMEM                       ? RT_ENOMEM
                                                               : RT_EIO;
    va_list arguments;
    va_start(arguments, format);
    if (err) {
        size_t length;
        set_cause(err, code, -1, format, arguments);
        err->sys_errno = sys_errno;
        length = strlen(err->cause);
        snprintf(err->cause + length, sizeof err->cause - length, "%s%s", length ? ": " : "",
                 strerror(sys_errno));
    }
    va_end(arguments);
    return code;
}

/* Copies text; when it does not fit, its front is cut off, since the end of a path tells more. */
static void copy_tail(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length < size)
        memcpy(to, text, length + 1);
    else
        snprintf(to, size, "...%s", text + length - (size - 4));
}

void rt_doing(rt_error *err, const char *path, const char *format, ...)
{
    va_list arguments;
    if (!err)
        return;
    va_start(arguments, format);
    if (path && !err->path[0])
        copy_tail(err->path, sizeof err->path, path);
    if (!err->message[0]) {
        vsnprintf(err->message, sizeof err->message, format, arguments);
        make_plain(err->message);
    }
    va_end(arguments);
}

char *rt_error_text(const rt_error *err, char *text, size_t size)
{
    char offset[32] = "";
    if (err->path[0] && err->offset >= 0)
        snprintf(offset, sizeof offset, " @%lld", (long long)err->offset);
    snprintf(text, size, "%s%s%s%s%s%s", err->message, err->message[0] ? ": " : "", err->path, offset,
             err->path[0] ? ": " : "", err->cause);
    return text;
}
