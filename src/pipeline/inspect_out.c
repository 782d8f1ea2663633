#include "inspect_out.h"

#include "json_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 4096 };

static void indent(rt_inspect_out *out)
{
    rt__buffer_format(&out->text, "%*s", 2 * (out->depth + out->json), "");
}

/* What stands before a member's value. */
static void start(rt_inspect_out *out, const char *key)
{
    if (out->json) {
        rt__buffer_text(&out->text, out->follows ? ",\n" : "\n");
        indent(out);
        rt__json_string(&out->text, key);
        rt__buffer_text(&out->text, ": ");
    } else {
        indent(out);
        for (; *key; key++)
            rt__buffer_add(&out->text, *key == '_' ? " " : key, 1);
        rt__buffer_text(&out->text, ":");
    }
    out->follows = true;
}

/* Text for a terminal: names in a file may hold anything. */
static void add_plain(rt_inspect_out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            rt__buffer_text(&out->text, "\\n");
        else if ((unsigned char)*text < ' ' || *text == 0x7f)
            rt__buffer_format(&out->text, "\\%03o", (unsigned)(unsigned char)*text);
        else
            rt__buffer_add(&out->text, text, 1);
    }
}

void rt__out_begin(rt_inspect_out *out)
{
    if (out->json)
        rt__buffer_text(&out->text, "{");
}

void rt__out_end(rt_inspect_out *out)
{
    if (out->json)
        rt__buffer_text(&out->text, "\n}\n");
}

void rt__out_fact(rt_inspect_out *out, const char *key, const char *format, ...)
{
    char value[LONGEST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    start(out, key);
    if (out->json)
        rt__json_string(&out->text, value);
    else {
        rt__buffer_text(&out->text, " ");
        add_plain(out, value);
        rt__buffer_text(&out->text, "\n");
    }
}

const char *rt__out_inside(const rt_inspect_out *out, const char *path)
{
    size_t length = out->folder ? strlen(out->folder) : 0;
    return length && strncmp(path, out->folder, length) == 0 && path[length] == '/' ? path + length + 1
                                                                                    : path;
}

void rt__out_path(rt_inspect_out *out, const char *key, const char *path)
{
    rt__out_fact(out, key, "%s", rt__out_inside(out, path));
}

void rt__out_number(rt_inspect_out *out, const char *key, uint64_t value)
{
    start(out, key);
    rt__buffer_format(&out->text, out->json ? "%" PRIu64 : " %" PRIu64 "\n", value);
}

void rt__out_open(rt_inspect_out *out, const char *key)
{
    start(out, key);
    rt__buffer_text(&out->text, out->json ? "{" : "\n");
    out->follows = false;
    out->depth++;
}

void rt__out_close(rt_inspect_out *out)
{
    out->depth--;
    if (out->json) {
        rt__buffer_text(&out->text, "\n");
        indent(out);
        rt__buffer_text(&out->text, "}");
    }
    out->follows = true;
}

void rt__out_table(rt_inspect_out *out, const char *key, const char *const *columns, size_t n_columns)
{
    start(out, key);
    rt__buffer_text(&out->text, out->json ? "[" : "\n");
    out->columns = columns;
    out->n_columns = n_columns;
    out->follows = false;
    out->depth++;
}

static void add_member(rt_inspect_out *out, size_t column, const char *cell)
{
    const char *name = out->columns[column];
    bool number = *name == '#';
    rt__buffer_text(&out->text, column ? ", " : "{");
    rt__json_string(&out->text, name + number);
    rt__buffer_text(&out->text, ": ");
    if (number)
        rt__buffer_text(&out->text, cell);
    else
        rt__json_string(&out->text, cell);
}

void rt__out_row(rt_inspect_out *out, const char *const *cells)
{
    if (out->json)
        rt__buffer_text(&out->text, out->follows ? ",\n" : "\n");
    indent(out);
    for (size_t i = 0; i < out->n_columns; i++) {
        if (out->json)
            add_member(out, i, cells[i]);
        else if (*cells[i]) {
            rt__buffer_text(&out->text, i ? "  " : "");
            add_plain(out, cells[i]);
        }
    }
    rt__buffer_text(&out->text, out->json ? "}" : "\n");
    out->follows = true;
}

void rt__out_table_end(rt_inspect_out *out)
{
    out->depth--;
    if (out->json) {
        rt__buffer_text(&out->text, "\n");
        indent(out);
        rt__buffer_text(&out->text, "]");
    }
    out->follows = true;
}
