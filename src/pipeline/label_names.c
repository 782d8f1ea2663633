#include "label_names.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LABELS "/tmp/output_labels.txt"

/* Points names at the lines of the text, whose line ends become 0; what the last line lacks does not matter.
 */
static rt_code cut_lines(rt_label_names *names, rt_error *err)
{
    char *text = names->text.bytes;
    size_t n = 0;
    for (const char *c = text; c && *c; n++) {
        c += strcspn(c, "\n");
        c += *c == '\n';
    }
    if (!(names->names = calloc(n + 1, sizeof *names->names)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    names->n = n;
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(text, "\n");
        names->names[i] = text;
        text[length] = 0;
        if (length && text[length - 1] == '\r')
            text[length - 1] = 0;
        text += length + 1;
    }
    return RT_OK;
}

static rt_code read_file(rt_label_names *names, const char *path, rt_error *err)
{
    rt_code code = rt__file_read(&names->text, path, 64 << 20, NULL, err);
    if (code == RT_OK && memchr(names->text.bytes, 0, names->text.size))
        code = rt_fail(err, RT_EFORMAT, "is not a text file");
    if (code != RT_OK)
        rt_doing(err, path, "cannot read labels");
    return code;
}

rt_code rt__label_names_find(rt_label_names *names, const rt_label_options *options, size_t n_outputs,
                             rt_error *err)
{
    const char *path = options->labels;
    rt_code code = RT_OK;
    if (!path && names->text.size == 0)
        path = DEFAULT_LABELS;
    if (path) {
        rt__buffer_reset(&names->text);
        code = read_file(names, path, err);
    }
    if (code == RT_OK)
        code = cut_lines(names, err);
    if (code == RT_OK && names->n != n_outputs) {
        code = rt_fail(err, RT_EFORMAT, "%zu labels, but the graph has %zu outputs: another graph's labels?",
                       names->n, n_outputs);
        rt_doing(err, path ? path : options->graph, "cannot use labels");
    }
    return code;
}

void rt__label_names_clear(rt_label_names *names)
{
    free(names->names);
    rt__buffer_clear(&names->text);
    *names = (rt_label_names){0};
}
