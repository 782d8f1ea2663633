#include "base/file.h"
#include "fetch.h"
#include "retrain_job.h"

#include <string.h>
#include <sys/stat.h>

#define DEFAULT_MODULE "https://tfhub.dev/google/imagenet/inception_v3/feature_vector/3"

void rt_retrain_defaults(rt_retrain_options *options)
{
    *options = (rt_retrain_options){
        .testing_percentage = 10,
        .validation_percentage = 10,
        .tfhub_module = DEFAULT_MODULE,
        .how_many_training_steps = 4000,
        .learning_rate = 0.01F,
        .train_batch_size = 100,
        .validation_batch_size = 100,
        .test_batch_size = -1,
        .eval_step_interval = 10,
        .bottleneck_dir = "/tmp/bottleneck",
        .output_graph = "/tmp/output_graph.pb",
        .output_labels = "/tmp/output_labels.txt",
        .final_tensor_name = "final_result",
        .intermediate_output_graphs_dir = "/tmp/intermediate_graph/",
        .summaries_dir = "/tmp/retrain_logs",
        .checkpoint_path = "/tmp/_retrain_checkpoint",
        .checkpoint_interval = 30,
    };
}

static bool is_empty(const char *text)
{
    return !text || !*text;
}

static rt_code check_inputs(const rt_retrain_options *o, rt_error *err)
{
    if (is_empty(o->image_dir))
        return rt_fail(err, RT_EARG,
                       "Must set flag --image_dir: the folder that holds a folder of photos for each class");
    if (is_empty(o->tfhub_module))
        return rt_fail(err, RT_EARG, "--tfhub_module is empty; name a module folder, a .tar.gz or a graph");
    return RT_OK;
}

static rt_code check_batch(const char *name, int32_t size, rt_error *err)
{
    if (size == 0 || size < -1)
        return rt_fail(err, RT_EARG, "--%s: %d is no number of photos; use 1 or more, or -1 for all", name,
                       (int)size);
    return RT_OK;
}

static rt_code check_training(const rt_retrain_options *o, rt_error *err)
{
    rt_code code;
    if (o->testing_percentage < 0 || o->validation_percentage < 0)
        return rt_fail(err, RT_EARG, "--testing_percentage and --validation_percentage must not be negative");
    if (o->testing_percentage + o->validation_percentage >= 100)
        return rt_fail(err, RT_EARG,
                       "--testing_percentage %d and --validation_percentage %d leave no photo to train on",
                       (int)o->testing_percentage, (int)o->validation_percentage);
    if ((code = check_batch("train_batch_size", o->train_batch_size, err)) != RT_OK ||
        (code = check_batch("validation_batch_size", o->validation_batch_size, err)) != RT_OK ||
        (code = check_batch("test_batch_size", o->test_batch_size, err)) != RT_OK)
        return code;
    if (o->how_many_training_steps < 0)
        return rt_fail(err, RT_EARG, "--how_many_training_steps must not be negative");
    if (o->eval_step_interval < 1)
        return rt_fail(err, RT_EARG, "--eval_step_interval must be 1 or more");
    if (o->resume && is_empty(o->checkpoint_path))
        return rt_fail(err, RT_EARG, "--resume goes on from --checkpoint_path, which is empty");
    if (!(o->learning_rate >= 0))
        return rt_fail(err, RT_EARG, "--learning_rate must not be negative");
    return RT_OK;
}

rt_distortion rt__retrain_distortion(const rt_retrain_options *o)
{
    return (rt_distortion){o->flip_left_right, o->random_crop, o->random_scale, o->random_brightness};
}

static rt_code check_distortions(const rt_retrain_options *o, rt_error *err)
{
    const rt_distortion distortion = rt__retrain_distortion(o);
    rt_error seen;
    if (rt_distortion_check(&distortion, &seen) != RT_OK)
        return rt_fail(err, RT_EARG, "--%s", seen.cause);
    if (o->distortion_cache < 0)
        return rt_fail(err, RT_EARG, "--distortion_cache: %d is no number of distortions",
                       (int)o->distortion_cache);
    if (o->distortion_cache > 0 && !rt_distortion_any(&distortion))
        return rt_fail(err, RT_EARG,
                       "--distortion_cache %d, but nothing is distorted: add --flip_left_right, "
                       "--random_crop, --random_scale or --random_brightness",
                       (int)o->distortion_cache);
    return RT_OK;
}

static rt_code check_urls(const rt_retrain_options *o, rt_error *err)
{
    bool supported;
    if (rt__is_url(o->image_dir, &supported) && !supported)
        return rt_fail(err, RT_EUNSUPPORTED,
                       "--image_dir %s: only http://, https:// and archives in gs:// can be fetched; get it "
                       "yourself and name "
                       "the folder",
                       o->image_dir);
    if (rt__is_url(o->tfhub_module, &supported) && !supported)
        return rt_fail(err, RT_EUNSUPPORTED,
                       "--tfhub_module %s: only http://, https:// and archives in gs:// can be fetched; get "
                       "it yourself and name "
                       "the folder",
                       o->tfhub_module);
    return RT_OK;
}

/* TensorFlow's rule; a slash at the end would name a scope. */
static bool is_node_name(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/>\\";
    size_t length = strlen(name);
    return length && strspn(name, first) && strspn(name, rest) == length && name[length - 1] != '/';
}

static rt_code check_final_name(const char *name, rt_error *err)
{
    static const char *const taken[] = {"Placeholder", "input", "final_retrain_ops", "module",
                                        "module_apply_default"};
    if (!name || !is_node_name(name))
        return rt_fail(
            err, RT_EARG,
            "--final_tensor_name '%s' is no name for TensorFlow: it takes letters, digits and . _ - / "
            ">, begins with a letter, a digit or . and does not end with /",
            name ? name : "");
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        size_t length = strlen(taken[i]);
        if (strncmp(name, taken[i], length) == 0 && (name[length] == 0 || name[length] == '/'))
            return rt_fail(err, RT_EARG,
                           "--final_tensor_name '%s': '%s' is taken by another part of the graph", name,
                           taken[i]);
    }
    return RT_OK;
}

/* ---- files that will be written ---- */

typedef struct output {
    const char *flag, *path;
    bool is_folder, used;
} output;

static bool same_file(const char *a, const char *b)
{
    struct stat at_a, at_b;
    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
           at_a.st_ino == at_b.st_ino;
}

static rt_code check_output(const output *out, const char *module, rt_error *err)
{
    rt_buffer inside = {0};
    rt_error seen;
    rt_code code;
    if (is_empty(out->path))
        return rt_fail(err, RT_EARG, "--%s is empty", out->flag);
    if (!out->is_folder && same_file(out->path, module))
        return rt_fail(err, RT_EARG, "--%s %s would overwrite the base network", out->flag, out->path);
    if (out->is_folder && !rt__path_join(&inside, out->path, "x"))
        code = rt_fail(&seen, RT_ENOMEM, "out of memory");
    else
        code = rt__file_check_writable(out->is_folder ? inside.bytes : out->path, &seen);
    rt__buffer_clear(&inside);
    if (code != RT_OK)
        rt_fail(err, code, "--%s %s: %s", out->flag, out->path, seen.cause);
    return code;
}

/* A folder with files in it is not written to. */
static rt_code check_saved_model(const char *folder, rt_error *err)
{
    struct stat at;
    if (is_empty(folder) || stat(folder, &at) != 0)
        return RT_OK;
    if (!S_ISDIR(at.st_mode))
        return rt_fail(err, RT_EARG, "--saved_model_dir %s is a file; name a new folder", folder);
    if (!rt__folder_is_empty(folder))
        return rt_fail(err, RT_EARG, "--saved_model_dir %s exists and is not empty; name a new folder",
                       folder);
    return RT_OK;
}

/* A packed cache that cannot be written to is read all the same. */
static bool is_folder(const char *path)
{
    struct stat at;
    return path && stat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

static rt_code check_outputs(const rt_retrain_options *o, rt_error *err)
{
    bool json_file = o->json && strcmp(o->json, "-") != 0;
    const output outputs[] = {
        {"output_graph", o->output_graph, false, true},
        {"output_labels", o->output_labels, false, true},
        {"json", o->json, false, json_file},
        {"bottleneck_dir", o->bottleneck_dir, true,
         o->bottleneck_cache == RT_CACHE_TEXT || !is_folder(o->bottleneck_dir)},
        {"intermediate_output_graphs_dir", o->intermediate_output_graphs_dir, true,
         o->intermediate_store_frequency > 0},
        {"checkpoint_path", o->checkpoint_path, false, !is_empty(o->checkpoint_path)},
        {"summaries_dir", o->summaries_dir, true, !is_empty(o->summaries_dir)},
        {"saved_model_dir", o->saved_model_dir, true, !is_empty(o->saved_model_dir)},
    };
    size_t n = sizeof outputs / sizeof *outputs;
    for (size_t i = 0; i < n; i++) {
        rt_code code = outputs[i].used ? check_output(&outputs[i], o->tfhub_module, err) : RT_OK;
        if (code != RT_OK)
            return code;
        for (size_t k = 0; k < i; k++)
            if (outputs[i].used && outputs[k].used && same_file(outputs[i].path, outputs[k].path))
                return rt_fail(err, RT_EARG, "--%s and --%s both name %s", outputs[k].flag, outputs[i].flag,
                               outputs[i].path);
    }
    return RT_OK;
}

rt_code rt_retrain_check(const rt_retrain_options *options, rt_error *err)
{
    rt_code code;
    if ((code = check_inputs(options, err)) != RT_OK)
        return code;
    if ((code = check_training(options, err)) != RT_OK)
        return code;
    if ((code = check_distortions(options, err)) != RT_OK)
        return code;
    if ((code = check_final_name(options->final_tensor_name, err)) != RT_OK)
        return code;
    if ((code = check_urls(options, err)) != RT_OK)
        return code;
    if ((code = check_saved_model(options->saved_model_dir, err)) != RT_OK)
        return code;
    return check_outputs(options, err);
}
