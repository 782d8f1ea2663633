/* Bare GraphDefs whose weights are constants. */
#include "graphdef.h"
#include "inline_functions.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "reader.h"

enum { NODES = 1 }; /* field of GraphDef */

/* A GraphDef has nodes: other messages may be GraphDefs to the letter, but have none where its are. */
static bool probe(const rt_source *source)
{
    rt_field first;
    return source->file && rt__field_find(source->file->bytes, source->file->size, NODES, &first) &&
           rt__proto_check(&tf__graph_def__descriptor, source->file->bytes, source->file->size, NULL) ==
               RT_OK;
}

static rt_code open_graph(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_graphdef def;
    rt_code code = rt__graphdef_borrow(source->file->bytes, source->file->size, &def, err);
    if (code != RT_OK)
        return code;
    network->kind = rt__reader_frozen.name;
    network->graph = def.graph;
    return rt__inline_library(network->graph, def.library, err);
}

const rt_reader rt__reader_frozen = {"frozen GraphDef", probe, open_graph};
