/* retrain/error.h - how every call reports what went wrong.
 *
 * A call that can fail returns rt_code and takes an rt_error last; NULL is allowed there.  The lowest
 * level says what it saw (rt_fail), a caller adds what it was doing and with which file (rt_doing).
 * The library never prints and never exits. */
#ifndef RETRAIN_ERROR_H
#define RETRAIN_ERROR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define RT_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#else
#define RT_PRINTF(format_index, first_argument)
#endif

typedef enum rt_code {
    RT_OK = 0,
    RT_ENOMEM,
    RT_EARG,         /* the caller broke a documented rule          */
    RT_ENOTFOUND,    /* no such file, node, label or signature      */
    RT_EIO,          /* the system refused; sys_errno says why      */
    RT_EFORMAT,      /* bytes break their format; offset says where */
    RT_EUNSUPPORTED, /* well formed, but nothing we implement       */
    RT_ELIMIT        /* above a ceiling                             */
} rt_code;

/* The caller's, on the stack; holds no heap memory, so RT_ENOMEM can be told too. */
typedef struct rt_error {
    rt_code code;
    int sys_errno;     /* errno at the failure, or 0                          */
    int64_t offset;    /* byte in path, or -1                                 */
    char path[256];    /* file at fault, "" if none; a long one loses its front */
    char message[256]; /* what we were doing: "cannot load module"            */
    char cause[512];   /* what the lowest level saw, with names               */
} rt_error;

/* An error that says nothing yet. */
void rt_error_clear(rt_error *err);

/* Lowest level: sets code and cause, clears the rest.  Returns code, so that a caller can return it. */
rt_code rt_fail(rt_error *err, rt_code code, const char *format, ...) RT_PRINTF(3, 4);

/* As rt_fail with the byte at which the file breaks its format. */
rt_code rt_fail_at(rt_error *err, rt_code code, int64_t offset, const char *format, ...) RT_PRINTF(4, 5);

/* As rt_fail with RT_EIO (RT_ENOTFOUND for ENOENT and ENOTDIR) for errno; its text is added to the cause. */
rt_code rt_fail_errno(rt_error *err, int sys_errno, const char *format, ...) RT_PRINTF(3, 4);

/* A caller adds the file and what it was doing.  The innermost path and message stay, since they are the
 * most exact; path may be NULL. */
void rt_doing(rt_error *err, const char *path, const char *format, ...) RT_PRINTF(3, 4);

enum { RT_ERROR_TEXT = sizeof(rt_error) + 64 /* room for any error's line */ };

/* One line without a newline: "cannot load module: m/saved_model.pb @1042: node 'x': dimension 2 is -4".
 * Writes at most size bytes with the final 0; returns text. */
char *rt_error_text(const rt_error *err, char *text, size_t size);

#endif
