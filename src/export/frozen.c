#include "frozen.h"

#include "base/file.h"
#include "graphdef_write.h"

rt_code rt__frozen_write(const rt_graph *graph, const char *path, rt_error *err)
{
    rt_buffer bytes = {0};
    rt_code code = rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, err);
    if (code == RT_OK)
        code = rt__file_write(path, bytes.bytes, bytes.size, true, err);
    if (code != RT_OK)
        rt_doing(err, path, "cannot write the graph");
    rt__buffer_clear(&bytes);
    return code;
}
