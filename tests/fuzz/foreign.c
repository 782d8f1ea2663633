#include "foreign.h"

#include "graph/fused.h"
#include "model/module.h"

#include <stdlib.h>

static rt_code fold(const rt_module *m, rt_error *err)
{
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_code code = rt__graph_fuse(m->graph, m->input, m->feature, m->info.height, m->info.width, &fused,
                                  &input, &output, err);
    rt__graph_free(fused);
    return code;
}

void foreign_read(foreign_reader *read, const uint8_t *bytes, size_t size)
{
    const rt_module_options options = {.input_std = 255};
    rt_network network = {.kind = ""};
    rt_buffer labels = {0};
    rt_module *module;
    rt_error err = {0};
    rt_code code = read(bytes, size, &options, &network, &labels, &err);
    rt__buffer_clear(&labels);
    if (code == RT_OK)
        code = rt__network_override(&network, &options, &err);
    if (code == RT_OK)
        code = rt__network_finish(&network, "", &module, &err);
    rt__network_clear(&network);
    if (code == RT_OK) {
        code = fold(module, &err);
        rt_module_close(module);
    }
    if (code != RT_OK && (err.code != code || err.cause[0] == 0))
        abort();
}
