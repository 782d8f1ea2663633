#include "cache_text.h"

#include "base/checked.h"
#include "base/float_text.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 255 /* most file systems' limit */ };

static void add_module(rt_buffer *name, const char *module)
{
    for (const char *p = module; *p; p++) {
        if (strncmp(p, "://", 3) == 0)
            p += 2;
        rt__buffer_add(name, *p == '/' || *p == ':' || *p == '\\' ? "~" : p, 1);
    }
}

static rt_code make_name(const char *photo, const char *module, rt_buffer *name, rt_error *err)
{
    uint8_t digest[RT_SHA1_BYTES];
    char hex[2 * RT_SHA1_BYTES + 1];
    rt_code code;
    rt__buffer_format(name, "%s_", photo);
    add_module(name, module);
    rt__buffer_text(name, ".txt");
    if (name->failed || name->size <= NAME_BYTES)
        return rt__buffer_ok(name, err);
    if ((code = rt__sha1(module, strlen(module), digest, err)) != RT_OK)
        return code;
    rt__hex(digest, sizeof digest, hex);
    rt__buffer_reset(name);
    rt__buffer_format(name, "%s_~%s.txt", photo, hex);
    return rt__buffer_ok(name, err);
}

rt_code rt__cache_path(const char *bottleneck_dir, const char *class_folder, const char *photo,
                       const char *module, char *path, size_t size, rt_error *err)
{
    rt_buffer name = {0};
    rt_code code = make_name(photo, module, &name, err);
    size_t length = strlen(bottleneck_dir);
    const char *slash = length && bottleneck_dir[length - 1] != '/' ? "/" : "";
    int written;
    if (code == RT_OK && name.size > NAME_BYTES)
        code = rt_fail(err, RT_ELIMIT, "the name of photo '%s' is too long for a bottleneck file", photo);
    if (code == RT_OK) {
        written = snprintf(path, size, "%s%s%s/%s", bottleneck_dir, slash, class_folder, name.bytes);
        if (written < 0 || (size_t)written >= size)
            code = rt_fail(err, RT_ELIMIT, "path of %d bytes to a bottleneck file, limit %zu", written, size);
    }
    rt__buffer_clear(&name);
    return code;
}

static const char *skip_space(const char *p)
{
    while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        p++;
    return p;
}

rt_code rt__cache_parse(const char *text, size_t size, float *values, size_t n, rt_error *err)
{
    const char *p = text;
    for (size_t i = 0; i < n; i++) {
        const char *start = skip_space(p), *end = rt__float_parse(start, &values[i]);
        if (!end)
            return rt_fail_at(err, RT_EFORMAT, start - text, "value %zu of %zu is no finite number", i + 1,
                              n);
        p = skip_space(end);
        if (i + 1 == n)
            break;
        if (*p != ',')
            return rt_fail_at(err, RT_EFORMAT, p - text,
                              p == text + size ? "%zu values, %zu are needed"
                                               : "no comma behind value %zu of %zu",
                              i + 1, n);
        p++;
    }
    if (p != text + size)
        return rt_fail_at(err, RT_EFORMAT, p - text, "more than %zu values", n);
    return RT_OK;
}

void rt__cache_format(const float *values, size_t n, rt_buffer *text)
{
    size_t most;
    char *to, *start;
    if (!rt_mul(&most, n, RT_FLOAT_TEXT)) {
        text->failed = true;
        return;
    }
    if (!(start = to = rt__buffer_reserve(text, most)))
        return;
    for (size_t i = 0; i < n; i++) {
        if (i)
            *to++ = ',';
        to += rt__float_text(values[i], to);
    }
    *to = 0;
    text->size += (size_t)(to - start);
}
