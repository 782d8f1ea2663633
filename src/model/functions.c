#include "functions.h"

#include "graphdef.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_function.pb-c.h"
#include "tensor_proto.h"

#include <stdlib.h>
#include <string.h>

/* Fields that are looked at before a function is unpacked. */
enum { LIBRARY_FUNCTION = 1, FUNCTION_SIGNATURE = 1, SIGNATURE_NAME = 1 };
enum { MOST_FUNCTIONS = 1000000, MOST_NODES = 1000000 };

typedef struct entry {
    const char *name;
    const uint8_t *bytes; /* a FunctionDef */
    size_t size;
    rt_function *function; /* NULL until it is asked for */
} entry;

struct rt_functions {
    rt_expansion expansion;
    entry *entries; /* in rising order of names */
    size_t count;
};

/* ---- the names ---- */

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int compare_name(const void *name, const void *row)
{
    return strcmp(name, ((const entry *)row)->name);
}

static size_t count_functions(rt_string library)
{
    rt_cursor c = rt__cursor(library.bytes, library.size);
    rt_field field;
    size_t count = 0;
    while (rt__field_next(&c, &field))
        count += field.number == LIBRARY_FUNCTION && field.wire == RT_WIRE_BYTES;
    return count;
}

static rt_code read_name(const rt_field *function, rt_arena *arena, entry *e, rt_error *err)
{
    rt_field signature, name;
    if (!rt__field_find(function->bytes, function->size, FUNCTION_SIGNATURE, &signature) ||
        signature.wire != RT_WIRE_BYTES ||
        !rt__field_find(signature.bytes, signature.size, SIGNATURE_NAME, &name) ||
        name.wire != RT_WIRE_BYTES || memchr(name.bytes, 0, name.size))
        return rt_fail(err, RT_EFORMAT, "a function without a name");
    *e = (entry){.name = rt__arena_copy(arena, name.bytes, name.size),
                 .bytes = function->bytes,
                 .size = function->size};
    return e->name ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code read_names(rt_functions *f, rt_string library, rt_error *err)
{
    rt_cursor c = rt__cursor(library.bytes, library.size);
    rt_field field;
    rt_code code = RT_OK;
    size_t room = count_functions(library);
    if (room > MOST_FUNCTIONS)
        return rt_fail(err, RT_ELIMIT, "%zu functions, at most %d are read", room, MOST_FUNCTIONS);
    if (!(f->entries = rt__arena_array(f->expansion.arena, room, sizeof *f->entries)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    while (code == RT_OK && rt__field_next(&c, &field))
        if (field.number == LIBRARY_FUNCTION && field.wire == RT_WIRE_BYTES)
            code = read_name(&field, f->expansion.arena, &f->entries[f->count++], err);
    if (code == RT_OK && rt__cursor_left(&c) > 0)
        code = rt_fail(err, RT_EFORMAT, "the library of functions is damaged");
    if (code != RT_OK)
        return code;
    if (f->count)
        qsort(f->entries, f->count, sizeof *f->entries, compare_entries);
    for (size_t i = 1; i < f->count; i++)
        if (strcmp(f->entries[i - 1].name, f->entries[i].name) == 0)
            return rt_fail(err, RT_EFORMAT, "two functions are named '%s'", f->entries[i].name);
    return RT_OK;
}

rt_code rt__functions_new(rt_string library, rt_arena *arena, rt_functions **functions, rt_error *err)
{
    rt_functions *f = calloc(1, sizeof *f);
    rt_code code;
    if (!f)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    f->expansion = (rt_expansion){arena, RT_EXPANSION_BYTES};
    code = read_names(f, library, err);
    if (code == RT_OK)
        *functions = f;
    else
        rt__functions_free(f);
    return code;
}

void rt__functions_free(rt_functions *functions)
{
    if (!functions)
        return;
    for (size_t i = 0; i < functions->count; i++)
        if (functions->entries[i].function)
            rt__graph_free(functions->entries[i].function->body);
    free(functions);
}

static entry *find(const rt_functions *f, const char *name)
{
    return f->count ? bsearch(name, f->entries, f->count, sizeof *f->entries, compare_name) : NULL;
}

bool rt__functions_have(const rt_functions *functions, const char *name)
{
    return find(functions, name) != NULL;
}

/* ---- a body ---- */

/* Where the arguments of an op's result begin among its outputs, for ops with several; a list counts on by
 * itself.  Source: the op definitions of TensorFlow. */
static const struct named_output {
    const char *op;
    const char *outputs[6];
} several_outputs[] = {
    {"FusedBatchNorm", {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
    {"FusedBatchNormV2", {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
    {"FusedBatchNormV3",
     {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"}},
    {"TopKV2", {"values", "indices"}},
    {"TopK", {"values", "indices"}},
    {"MaxPoolWithArgmax", {"output", "argmax"}},
    {"Unique", {"y", "idx"}},
    {"NonMaxSuppressionV5", {"selected_indices", "selected_scores", "valid_outputs"}},
};

static int32_t first_of(const rt_node *node, const char *output, size_t length)
{
    for (size_t i = 0; i < sizeof several_outputs / sizeof *several_outputs; i++) {
        const struct named_output *row = &several_outputs[i];
        if (strcmp(node->op, row->op) != 0)
            continue;
        for (int32_t k = 0; k < 6 && row->outputs[k]; k++)
            if (strlen(row->outputs[k]) == length && memcmp(row->outputs[k], output, length) == 0)
                return k;
    }
    return 0;
}

static bool read_number(const char *text, uint32_t *number)
{
    *number = 0;
    for (const char *digit = text; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || *number > MOST_NODES)
            return false;
        *number = *number * 10 + (uint32_t)(*digit - '0');
    }
    return *text != 0;
}

/* "argument", "argument:0", "node:output:number".  Cuts the text at the first colon for the look-up. */
static bool find_tensor(const rt_graph *body, uint32_t n_args, char *text, rt_edge *edge)
{
    char *colon = strchr(text, ':'), *last = strrchr(text, ':');
    uint32_t number = 0;
    bool found;
    if (last && !read_number(last + 1, &number))
        return false;
    if (colon)
        *colon = 0;
    found = rt__graph_find(body, text, &edge->node);
    if (colon)
        *colon = ':';
    if (!found)
        return false;
    if (edge->node < n_args && (colon != last || number > 0))
        return false;
    if (colon && colon < last)
        number += (uint32_t)first_of(rt__graph_node(body, edge->node), colon + 1, (size_t)(last - colon - 1));
    edge->output = (int32_t)number;
    return true;
}

/* Control inputs are left out: what a function does beside its values is not done here. */
static rt_code connect(rt_function *f, uint32_t index, const Tf__NodeDef *def, rt_edge *edges, rt_error *err)
{
    uint32_t count = 0;
    for (size_t i = 0; i < def->n_input; i++) {
        if (*def->input[i] == '^')
            continue;
        if (!find_tensor(f->body, f->n_args, def->input[i], &edges[count++]))
            return rt_fail(err, RT_EFORMAT, "node '%s': there is nothing for its input '%s'", def->name,
                           def->input[i]);
    }
    return rt__graph_set_inputs(f->body, index, edges, count, NULL, 0, err);
}

static rt_code add_arguments(rt_function *f, const Tf__OpDef *signature, rt_arena *arena, rt_error *err)
{
    rt_dtype *types = rt__arena_array(arena, signature->n_input_arg, sizeof *types);
    const char **names = rt__arena_array(arena, signature->n_input_arg, sizeof *names);
    rt_code code = types && names ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    f->n_args = (uint32_t)signature->n_input_arg;
    f->arg_types = types;
    f->arg_names = names;
    for (uint32_t i = 0, index; code == RT_OK && i < f->n_args; i++) {
        const Tf__ArgDef *arg = signature->input_arg[i];
        if (*arg->number_attr || *arg->type_list_attr || *arg->type_attr)
            return rt_fail(err, RT_EUNSUPPORTED, "argument '%s' is not one tensor of a known type",
                           arg->name);
        types[i] = (rt_dtype)arg->type;
        names[i] = arg->name;
        code = rt__graph_add(f->body, arg->name, "_Arg", &index, err);
    }
    return code;
}

static rt_code add_body(rt_function *f, const Tf__FunctionDef *def, rt_expansion *expansion, rt_error *err)
{
    rt_edge *edges;
    size_t most = 1;
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < def->n_node_def; i++) {
        uint32_t index;
        code = rt__graphdef_add(f->body, def->node_def[i], expansion, &index, err);
        if (def->node_def[i]->n_input > most)
            most = def->node_def[i]->n_input;
    }
    if (code != RT_OK)
        return code;
    if (!(edges = calloc(most, sizeof *edges)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < def->n_node_def; i++)
        code = connect(f, f->n_args + (uint32_t)i, def->node_def[i], edges, err);
    free(edges);
    return code;
}

static rt_code find_output(rt_function *f, const Tf__FunctionDef *def, const char *name, rt_edge *edge,
                           rt_error *err)
{
    for (size_t i = 0; i < def->n_ret; i++) {
        if (strcmp(def->ret[i]->key, name) != 0)
            continue;
        if (find_tensor(f->body, f->n_args, def->ret[i]->value, edge))
            return RT_OK;
        return rt_fail(err, RT_EFORMAT, "there is nothing for its output '%s'", def->ret[i]->value);
    }
    return rt_fail(err, RT_EFORMAT, "it does not say what its output '%s' is", name);
}

static rt_code add_outputs(rt_function *f, const Tf__FunctionDef *def, rt_arena *arena, rt_error *err)
{
    size_t count = def->signature->n_output_arg;
    rt_edge *edges = rt__arena_array(arena, count, sizeof *edges);
    rt_dtype *types = rt__arena_array(arena, count, sizeof *types);
    rt_code code = edges && types ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < count; i++) {
        types[i] = (rt_dtype)def->signature->output_arg[i]->type;
        code = find_output(f, def, def->signature->output_arg[i]->name, &edges[i], err);
    }
    f->outputs = edges;
    f->output_types = types;
    f->n_outputs = (uint32_t)count;
    return code;
}

static rt_code read_function(rt_expansion *expansion, const entry *e, rt_function *f, rt_error *err)
{
    ProtobufCMessage *message;
    const Tf__FunctionDef *def;
    rt_code code =
        rt__proto_unpack(&tf__function_def__descriptor, e->bytes, e->size, expansion->arena, &message, err);
    if (code != RT_OK) {
        if (err)
            err->offset = -1; /* it is counted from the function, which no file begins with */
        return code;
    }
    def = (const Tf__FunctionDef *)message;
    if (def->n_node_def > MOST_NODES || def->signature->n_input_arg > MOST_NODES)
        return rt_fail(err, RT_ELIMIT, "%zu nodes, at most %d are read", def->n_node_def, MOST_NODES);
    if ((code = rt__graph_new(&f->body, err)) != RT_OK)
        return code;
    code = add_arguments(f, def->signature, expansion->arena, err);
    if (code == RT_OK)
        code = add_body(f, def, expansion, err);
    if (code == RT_OK)
        code = add_outputs(f, def, expansion->arena, err);
    if (code != RT_OK)
        rt__graph_free(f->body);
    return code;
}

rt_code rt__functions_read(rt_functions *functions, const char *name, const rt_function **function,
                           rt_error *err)
{
    entry *e = find(functions, name);
    rt_function *f;
    rt_code code;
    if (!e)
        return rt_fail(err, RT_ENOTFOUND, "there is no function '%s' in the graph's library", name);
    if (!e->function) {
        if (!(f = rt__arena_alloc(functions->expansion.arena, sizeof *f)))
            return rt_fail(err, RT_ENOMEM, "out of memory");
        f->name = e->name;
        if ((code = read_function(&functions->expansion, e, f, err)) != RT_OK) {
            rt_doing(err, NULL, "cannot read function '%s'", name);
            return code;
        }
        e->function = f;
    }
    *function = e->function;
    return RT_OK;
}
