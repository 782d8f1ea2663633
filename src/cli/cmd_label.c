#include "commands.h"
#include "retrain/label.h"

#include <float.h>

typedef struct label_arguments {
    rt_label_options label;
    const char *image; /* label_image.py's way to name the photo */
    int32_t top;
    bool json;
} label_arguments;

#define AT(field)    offsetof(label_arguments, field)
#define LABEL(field) offsetof(label_arguments, label.field)

static const rt_option options[] = {
    {"image", "Photos", RT_OPTION_TEXT, "FILE", 0, 0, AT(image), NULL,
     "A photo, besides those named without a flag."},
    {"graph", "Classifier", RT_OPTION_TEXT, "FILE", 0, 0, LABEL(graph), NULL,
     "A retrained graph, or another frozen classifier."},
    {"labels", NULL, RT_OPTION_TEXT, "FILE", 0, 0, LABEL(labels),
     "those the graph carries, else /tmp/output_labels.txt", "Names of the classes, one a line."},
    {"input_layer", NULL, RT_OPTION_TEXT, "NAME", 0, 0, LABEL(input_layer), "from the graph",
     "Layer that takes the pixels."},
    {"output_layer", NULL, RT_OPTION_TEXT, "NAME", 0, 0, LABEL(output_layer), "from the graph",
     "Layer that gives the probabilities."},
    {"input_height", NULL, RT_OPTION_INT, "N", 1, 16384, LABEL(input_height), "from the graph",
     "Height of the photo in pixels as the graph takes it."},
    {"input_width", NULL, RT_OPTION_INT, "N", 1, 16384, LABEL(input_width), "from the graph", "Its width."},
    {"input_mean", NULL, RT_OPTION_REAL, "X", -FLT_MAX, FLT_MAX, LABEL(input_mean), "from the graph",
     "The graph gets (pixel - mean) / std of pixels from 0 to 255."},
    {"input_std", NULL, RT_OPTION_REAL, "X", 1e-6, FLT_MAX, LABEL(input_std), "from the graph",
     "See --input_mean."},
    {"top", "Result", RT_OPTION_INT, "N", 1, INT32_MAX, AT(top), NULL,
     "How many labels to print for a photo."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(json), NULL, "Print JSON."},
    {"threads", "Run", RT_OPTION_INT, "N", 0, 1024, LABEL(threads), "one for each core", "Threads."},
};

static void defaults(void *arguments)
{
    label_arguments *a = arguments;
    a->label.graph = "/tmp/output_graph.pb";
    a->top = 5;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    const label_arguments *a = arguments;
    rt_error err;
    (void)operands;
    if (n_operands == 0 && !a->image) {
        rt_fail(&err, RT_EARG, "name a photo: retrain label photo.jpg");
        return rt__complain(&err);
    }
    return RT_DONE;
}

const rt_command rt__cmd_label = {
    .name = "label",
    .summary = "Say what is on photos.",
    .usage = "[flags] PHOTO|FOLDER ...",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(label_arguments),
    .defaults = defaults,
    .takes_operands = true,
    .run = run,
};
