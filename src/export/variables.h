/* The way back from a frozen graph: its trained constants as variables again, with the ops that store and
 * load them, for checkpoints, SavedModels and hub modules.
 *
 * A constant becomes a variable of the same name, so whatever reads it stays as it is; beside it stand
 * NAME/Assign, which starts it at NAME/Initializer/zeros, and for a resource NAME/Read/ReadVariableOp.
 * Source: resource_variable_ops.py, variables.py, saver.py of TensorFlow; what retrain.py's checkpoint holds.
 */
#ifndef RT_EXPORT_VARIABLES_H
#define RT_EXPORT_VARIABLES_H

#include "bundle_write.h"

typedef enum rt_variable_kind {
    RT_NO_VARIABLE,
    RT_RESOURCE_VARIABLE, /* VarHandleOp: a hub module's */
    RT_REF_VARIABLE,      /* VariableV2: the trained layer's in retrain.py's graph */
    RT_RANGE_VARIABLE     /* VariableV2 that gradients do not reach */
} rt_variable_kind;

typedef struct rt_unfrozen_variable {
    rt_named_tensor stored; /* as it stands in a checkpoint */
    bool is_resource, is_trained;
    uint32_t variable, read, initial, assign; /* nodes of the graph */
} rt_unfrozen_variable;

typedef struct rt_variables {
    rt_graph *graph; /* the nodes of the frozen one under their old numbers, then the others */
    rt_unfrozen_variable *variables; /* in rising order of their names */
    size_t n;
    uint32_t save_path, save_done, restore, init; /* nodes of rt__variables_add_saver() */
} rt_variables;

/* kinds: one for each node of frozen, RT_NO_VARIABLE where it is no Const.
 *   variables  written on success; give back with rt__variables_clear() */
rt_code rt__variables_unfreeze(rt_graph *frozen, const rt_variable_kind *kinds, rt_variables *variables,
                               rt_error *err);
void rt__variables_clear(rt_variables *variables);

/* Adds save/..., which writes and reads a checkpoint at the path fed to save/Const, and init, which starts
 * all variables; under save_1, init_1 and so on where those names are taken. */
rt_code rt__variables_add_saver(rt_variables *variables, rt_error *err);

/* Writes their values: prefix.index and prefix.data-00000-of-00001. */
rt_code rt__variables_write(const rt_variables *variables, const char *prefix, rt_error *err);

#endif
