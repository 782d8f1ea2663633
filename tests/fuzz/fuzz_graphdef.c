/* A bare graph: read, cut, made a module, written and read again. */
#include "export/graphdef_write.h"
#include "fuzz.h"
#include "model/graphdef.h"
#include "model/module.h"
#include "model/reader.h"

#include <stdlib.h>
#include <string.h>

/* What we write we must be able to read. */
static void round_trip(const rt_graph *graph)
{
    rt_buffer bytes = {0};
    rt_graphdef def;
    if (rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, NULL) != RT_OK ||
        rt__graphdef_read(bytes.bytes, bytes.size, &def, NULL) != RT_OK ||
        rt__graph_count(def.graph) != rt__graph_count(graph))
        abort();
    rt__graph_free(def.graph);
    rt__buffer_clear(&bytes);
}

/* Reading with and without copying large tensors is one thing. */
static void compare_with_borrowed(const uint8_t *bytes, size_t size, const rt_graph *graph, rt_code code)
{
    rt_buffer first = {0}, second = {0};
    rt_graphdef def;
    rt_code other = rt__graphdef_borrow(bytes, size, &def, NULL);
    if (other != code)
        abort();
    if (code != RT_OK)
        return;
    if (rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &first, NULL) != RT_OK ||
        rt__graphdef_write(def.graph, RT_GRAPH_PRODUCER, &second, NULL) != RT_OK ||
        first.size != second.size || memcmp(first.bytes, second.bytes, first.size) != 0)
        abort();
    rt__graph_free(def.graph);
    rt__buffer_clear(&first);
    rt__buffer_clear(&second);
}

static void make_module(const rt_source *source)
{
    const rt_module_options options = {.input_height = 32, .input_width = 32};
    rt_network network = {.kind = ""};
    rt_module *module;
    rt_error err;
    rt_code code = rt__reader_frozen.open(source, &network, &err);
    if (code == RT_OK)
        code = rt__network_cut(&network, &options, &err);
    if (code == RT_OK)
        code = rt__network_override(&network, &options, &err);
    if (code == RT_OK)
        code = rt__network_finish(&network, "", &module, &err);
    rt__network_clear(&network);
    if (code == RT_OK) {
        round_trip(module->graph);
        rt_module_close(module);
    } else if (err.code != code || err.cause[0] == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const rt_map map = {bytes, size};
    const rt_source source = {.path = "", .file = &map};
    rt_graphdef def;
    rt_code code = rt__graphdef_read(bytes, size, &def, NULL);
    compare_with_borrowed(bytes, size, def.graph, code);
    if (code == RT_OK) {
        round_trip(def.graph);
        rt__graph_free(def.graph);
    }
    if (rt__reader_frozen.probe(&source))
        make_module(&source);
    return 0;
}
