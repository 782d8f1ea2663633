/* What a run leaves for TensorFlow to go on with: variables instead of constants. */
#include "export/checkpoint.h"
#include "export/saved_model_write.h"
#include "retrain_job.h"

static bool is_given(const char *path)
{
    return path && *path;
}

static rt_code write_checkpoint(const rt_retrain_job *job, const rt_variables *variables, rt_error *err)
{
    const char *prefix = job->options->checkpoint_path;
    rt_code code = rt__retrain_make_folder_of(prefix, err);
    return code == RT_OK ? rt__checkpoint_write(variables, prefix, err) : code;
}

rt_code rt__retrain_write_variables(const rt_retrain_job *job, rt_graph *classifier, rt_error *err)
{
    const rt_retrain_options *o = job->options;
    rt_variables variables;
    rt_code code;
    if (!is_given(o->checkpoint_path) && !is_given(o->saved_model_dir))
        return RT_OK;
    code = rt__classifier_variables(classifier, RT_RETRAIN_VARIABLE_SCOPE, &variables, err);
    if (code != RT_OK)
        return code;
    if (is_given(o->checkpoint_path))
        code = write_checkpoint(job, &variables, err);
    if (code == RT_OK && is_given(o->saved_model_dir))
        code = rt__saved_model_write(&variables, "Placeholder", o->final_tensor_name, job->dataset->n_classes,
                                     o->saved_model_dir, err);
    rt__variables_clear(&variables);
    return code;
}
