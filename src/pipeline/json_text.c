#include "json_text.h"

#include "base/float_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at text, 0 if there is none.  Source: RFC 3629, section 4. */
static size_t utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char first, last; /* of the lead byte */
        unsigned char low, high;   /* of the byte behind it */
        unsigned char length;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = forms[i].length;
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < length; k++)
            if (text[k] < 0x80 || text[k] > 0xbf)
                return 0;
        return length;
    }
    return 0;
}

void rt__json_string(rt_buffer *out, const char *text)
{
    static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const unsigned char *c = (const unsigned char *)text;
    if (!text) {
        rt__buffer_text(out, "null");
        return;
    }
    rt__buffer_text(out, "\"");
    while (*c) {
        size_t length = utf8_length(c);
        const char *name = strchr(named, *c);
        if (name)
            rt__buffer_format(out, "\\%c", names[name - named]);
        else if (length == 0)
            rt__buffer_text(out, "\\ufffd");
        else if (*c < 0x20 || *c == 0x7f)
            rt__buffer_format(out, "\\u%04x", *c);
        else
            rt__buffer_add(out, c, length);
        c += length ? length : 1;
    }
    rt__buffer_text(out, "\"");
}

void rt__json_float(rt_buffer *out, float value)
{
    char text[RT_FLOAT_TEXT];
    if (isfinite(value))
        rt__buffer_add(out, text, rt__float_text(value, text));
    else
        rt__buffer_text(out, "null");
}
