/* saved_model.pb: the graph is chosen by its tags, signatures and collections are looked into, functions are
 * inlined. */
#include "fuzz.h"
#include "model/saved_model_functions.h"

#include <stdlib.h>

static void look_into(const rt_meta_graph *meta)
{
    static const char *const signatures[] = {"default", "serving_default", "image_feature_vector"};
    rt_string value;
    rt_port port;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        rt__meta_graph_has_signature(meta, signatures[i]);
        rt__meta_graph_input(meta, signatures[i], NULL, &port, NULL);
        rt__meta_graph_output(meta, signatures[i], "default", &port, NULL);
    }
    for (size_t i = 0; rt__meta_graph_collected(meta, "hub_module_attachments", i, &value); i++)
        if (value.size && !value.bytes)
            abort();
}

/* Of TensorFlow 2, without the checkpoint. */
static void expand(const rt_meta_graph *meta)
{
    static const rt_module_options options;
    rt_network network = {.options = &options, .kind = ""};
    rt_edge vector = {UINT32_MAX, 0};
    rt_error err;
    rt_code code = rt__saved_model_expand(meta, NULL, &network, &vector, &err);
    if (code != RT_OK && (err.code != code || err.cause[0] == 0))
        abort();
    if (code == RT_OK && vector.node != UINT32_MAX && vector.node >= rt__graph_count(network.graph))
        abort();
    rt__network_clear(&network);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const tags[] = {"serve", "train"};
    for (size_t n = 0; n <= sizeof tags / sizeof *tags; n++) {
        rt_meta_graph meta;
        rt_error err;
        rt_code code = rt__saved_model_read(bytes, size, tags, n, &meta, &err);
        if (code == RT_OK) {
            look_into(&meta);
            if (rt__meta_graph_is_tf2(&meta))
                expand(&meta);
            rt__graph_free(meta.def.graph);
        } else if (err.code != code || err.cause[0] == 0 || err.offset > (int64_t)size) {
            abort();
        }
    }
    return 0;
}
