#include "commands.h"
#include "interrupt.h"
#include "retrain/image.h"
#include "retrain/pipeline.h"
#include "terminal.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

typedef struct retrain_arguments {
    rt_retrain_options run;
    rt_level logging_verbosity;
    int32_t verbosity; /* absl's: 1 debug, 0 info, -1 warning, -2 error, -3 fatal */
} retrain_arguments;

#define AT(field)  offsetof(retrain_arguments, field)
#define RUN(field) offsetof(retrain_arguments, run.field)
#define MOST       INT32_MAX

static const rt_option options[] = {
    {"image_dir", "Photos", RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(image_dir), NULL,
     "Folder that holds a folder of photos (JPEG, PNG, GIF) for each class; or an archive of it (.tgz, .zip "
     "...), by file name or URL."},
    {"testing_percentage", NULL, RT_OPTION_INT, "PERCENT", 0, 100, RUN(testing_percentage), NULL,
     "How many of the photos are kept for the final test."},
    {"validation_percentage", NULL, RT_OPTION_INT, "PERCENT", 0, 100, RUN(validation_percentage), NULL,
     "How many of the photos are kept to watch the training."},
    {"split", NULL, RT_OPTION_CHOICE, "stable|legacy", 0, 0, RUN(split), NULL,
     "stable: the split does not change when the folder moves, and each class of 3 photos or more has some "
     "in "
     "each set. legacy: retrain.py's, which hashes the path as it is spelled."},
    {"labels", NULL, RT_OPTION_CHOICE, "utf8|legacy", 0, 0, RUN(labels), NULL,
     "utf8: labels keep their letters, two folders with one label are an error. legacy: retrain.py's, which "
     "turns all but a-z and 0-9 into blanks and lets a later folder replace an earlier one."},
    {"strict", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(strict), NULL,
     "End the run at a photo that cannot be read, instead of skipping it."},
    {"tfhub_module", "Base network", RT_OPTION_TEXT, "MODULE", 0, 0, RUN(tfhub_module), NULL,
     "TF1 Hub module (folder, .tar.gz or URL) or frozen graph (.pb) that the new classifier stands on."},
    {"bottleneck_tensor", NULL, RT_OPTION_TEXT, "NAME[,NAME...]", 0, 0, RUN(module.bottleneck_tensor),
     "the module's own, or what the graph's last layer reads",
     "Tensor to train on, such as a/b:0; the vectors of several, as in a/b,c/d, are put together."},
    {"input_tensor", NULL, RT_OPTION_TEXT, "NAME", 0, 0, RUN(module.input_tensor),
     "the only image placeholder", "Tensor that takes the pixels."},
    {"input_size", NULL, RT_OPTION_SIZE, "HxW", 1, 16384, RUN(module.input_height), "from the module",
     "Pixels that the network takes: 224, or height x width as in 192x256."},
    {"input_mean", NULL, RT_OPTION_REAL, "X", -FLT_MAX, FLT_MAX, RUN(module.input_mean),
     "0 for a module, 127.5 for a graph", "The network gets (pixel - mean) / std of pixels from 0 to 255."},
    {"input_std", NULL, RT_OPTION_REAL, "X", 1e-6, FLT_MAX, RUN(module.input_std),
     "255 for a module, 127.5 for a graph", "See --input_mean."},
    {"tfhub_cache_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(tfhub_cache_dir),
     "~/.cache/retrain/modules",
     "Where downloaded modules are kept, as tensorflow_hub keeps them; "
     "$TFHUB_CACHE_DIR counts before it."},
    {"tfhub_model_load_format", NULL, RT_OPTION_CHOICE, "AUTO|COMPRESSED|UNCOMPRESSED", 0, 0,
     RUN(tfhub_model_load_format), NULL,
     "How modules are downloaded: as archives, whatever is said here; UNCOMPRESSED is tensorflow_hub's, "
     "which reads from Google Cloud Storage in each run."},
    {"how_many_training_steps", "Training", RT_OPTION_INT, "N", 0, MOST, RUN(how_many_training_steps), NULL,
     "Steps of gradient descent."},
    {"learning_rate", NULL, RT_OPTION_REAL, "X", 1e-9, FLT_MAX, RUN(learning_rate), NULL,
     "Length of a step along the gradient."},
    {"train_batch_size", NULL, RT_OPTION_INT, "N", -1, MOST, RUN(train_batch_size), NULL,
     "Photos drawn for a step, each class as often as the others; -1: all."},
    {"validation_batch_size", NULL, RT_OPTION_INT, "N", -1, MOST, RUN(validation_batch_size), NULL,
     "Photos drawn for a validation; -1: all."},
    {"test_batch_size", NULL, RT_OPTION_INT, "N", -1, MOST, RUN(test_batch_size), NULL,
     "Photos drawn for the final test; -1: all."},
    {"eval_step_interval", NULL, RT_OPTION_INT, "N", 1, MOST, RUN(eval_step_interval), NULL,
     "Steps from one validation to the next."},
    {"seed", NULL, RT_OPTION_SEED, "N", 0, 0, RUN(seed), NULL,
     "Seed of all random draws: runs with one seed write the same bytes."},
    {"print_misclassified_test_images", NULL, RT_OPTION_SWITCH, NULL, 0, 0,
     RUN(print_misclassified_test_images), NULL, "List the test photos that were labelled wrong."},
    {"flip_left_right", "Distortions of training photos", RT_OPTION_SWITCH, NULL, 0, 0, RUN(flip_left_right),
     NULL, "Flip half of them."},
    {"random_crop", NULL, RT_OPTION_INT, "PERCENT", 0, RT_MOST_CROP, RUN(random_crop), NULL,
     "Enlarge them by this, and cut the network's size out of them at random."},
    {"random_scale", NULL, RT_OPTION_INT, "PERCENT", 0, RT_MOST_SCALE, RUN(random_scale), NULL,
     "Enlarge them by up to this before the cut."},
    {"random_brightness", NULL, RT_OPTION_INT, "PERCENT", 0, RT_MOST_BRIGHTNESS, RUN(random_brightness), NULL,
     "Brighten or darken them by up to this."},
    {"distortion_cache", NULL, RT_OPTION_INT, "N", 1, 1000, RUN(distortion_cache), "each step distorts anew",
     "Make N distortions of each photo once and train on those: seconds instead of minutes."},
    {"output_graph", "Files written", RT_OPTION_TEXT, "FILE", 0, 0, RUN(output_graph), NULL,
     "The retrained classifier, a frozen TensorFlow graph."},
    {"output_labels", NULL, RT_OPTION_TEXT, "FILE", 0, 0, RUN(output_labels), NULL,
     "Its labels, one a line."},
    {"bottleneck_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(bottleneck_dir), NULL,
     "Cache of what the network makes of each photo."},
    {"bottleneck_cache", NULL, RT_OPTION_CHOICE, "packed|text", 0, 0, RUN(bottleneck_cache), NULL,
     "packed: one file there, in which a photo is known by its content, so that photos and folders may be "
     "moved and renamed; retrain.py's text files are read too. text: retrain.py's text files."},
    {"exact", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(extraction.exact), NULL,
     "Sum convolutions directly, where Winograd's way would be quicker: vectors differ by about 1e-6, and "
     "the cache keeps them apart."},
    {"fast_decode", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(extraction.fast_decode), NULL,
     "Decode JPEG photos at 1/2, 1/4 or 1/8 of their size where that is no smaller than what the network "
     "takes: quicker for large photos, not TensorFlow's pixels. The cache keeps such vectors apart."},
    {"final_tensor_name", NULL, RT_OPTION_TEXT, "NAME", 0, 0, RUN(final_tensor_name), NULL,
     "Name of the output graph's last node."},
    {"intermediate_store_frequency", NULL, RT_OPTION_INT, "N", 0, MOST, RUN(intermediate_store_frequency),
     "never", "Steps from one intermediate graph to the next."},
    {"intermediate_output_graphs_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0,
     RUN(intermediate_output_graphs_dir), NULL, "Where intermediate graphs go."},
    {"json", NULL, RT_OPTION_TEXT, "FILE", 0, 0, RUN(json), NULL,
     "The run and its result as JSON; - for standard output."},
    {"summaries_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(summaries_dir), NULL,
     "Where logs for TensorBoard go: train, validation and test. Those of an earlier run of retrain are "
     "replaced."},
    {"summary_interval", NULL, RT_OPTION_INT, "N", 1, MOST, RUN(summary_interval), "--eval_step_interval",
     "Steps from one summary of the training to the next; 1 is retrain.py's."},
    {"checkpoint_path", NULL, RT_OPTION_TEXT, "PREFIX", 0, 0, RUN(checkpoint_path), NULL,
     "Where TensorFlow's checkpoint goes: PREFIX.meta, PREFIX.index, PREFIX.data-00000-of-00001, and a file "
     "named "
     "checkpoint beside them."},
    {"saved_model_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(saved_model_dir), "none",
     "Where a SavedModel goes, for TensorFlow and TensorFlow Serving: a new folder."},
    {"checkpoint_interval", NULL, RT_OPTION_INT, "SECONDS", 0, MOST, RUN(checkpoint_interval), NULL,
     "How often the training is stored in PREFIX.state, for --resume."},
    {"resume", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(resume), NULL,
     "Go on with the run that --checkpoint_path tells of; the result is that of a run that was never "
     "stopped."},
    {"threads", "Run", RT_OPTION_INT, "N", 0, 1024, RUN(threads), "one for each core",
     "Threads; the result does not depend on them."},
    {"logging_verbosity", NULL, RT_OPTION_CHOICE, "DEBUG|INFO|WARN|ERROR|FATAL", 0, 0, AT(logging_verbosity),
     NULL, "What is logged to standard error."},
    {"verbosity", NULL, RT_OPTION_INT, "N", -3, 1, AT(verbosity), NULL,
     "The same as a number: 1 debug, 0 info, -1 warnings, -2 errors, -3 fatal errors; counts where "
     "--logging_verbosity is INFO."},
};

static void defaults(void *arguments)
{
    retrain_arguments *a = arguments;
    rt_retrain_defaults(&a->run);
    a->run.stop = &rt__interrupt;
    a->logging_verbosity = RT_INFO;
}

/* absl's numbers run the other way. */
static rt_level level(const retrain_arguments *a)
{
    return a->logging_verbosity == RT_INFO ? (rt_level)(RT_INFO - a->verbosity) : a->logging_verbosity;
}

/* Does not come back after a signal. */
static int stopped(rt_retrain_result *result)
{
    fprintf(stderr, "retrain: stopped after %llu steps; the same command with --resume goes on from there\n",
            (unsigned long long)result->steps);
    rt_retrain_result_clear(result);
    rt__interrupt_end();
    return RT_FAILED;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    const retrain_arguments *a = arguments;
    rt_terminal terminal = rt__terminal(level(a));
    const rt_log log = rt__terminal_log(&terminal);
    const rt_progress progress = rt__terminal_progress(&terminal);
    rt_retrain_result result = {0};
    rt_error err;
    rt_code code = rt_retrain(&a->run, &log, &progress, &result, &err);
    int status = RT_DONE;
    (void)operands;
    (void)n_operands;
    rt__terminal_clear(&terminal);
    if (result.helped)
        status = RT_DONE; /* rank 0 tells how it went */
    else if (code != RT_OK)
        status = result.told ? RT_FAILED : rt__complain(&err);
    else if (result.stopped)
        status = stopped(&result);
    else if (a->run.json && strcmp(a->run.json, "-") == 0)
        fputs(result.json, stdout);
    rt_retrain_result_clear(&result);
    return status;
}

const rt_command rt__cmd_retrain = {
    .name = "",
    .summary = "Retrains a pretrained network to tell your own classes of photos apart.",
    .usage = "--image_dir FOLDER --tfhub_module MODULE [flags]\nCOMMAND [flags]",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(retrain_arguments),
    .defaults = defaults,
    .run = run,
};
