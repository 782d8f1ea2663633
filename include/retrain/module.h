/* retrain/module.h - open a pretrained network and ask what it wants and gives.
 *
 * An open module never changes: any number of threads may share it.  Weights may stay mapped from disk: do
 * not rewrite the files while it is open. */
#ifndef RETRAIN_MODULE_H
#define RETRAIN_MODULE_H

#include "retrain/error.h"

typedef struct rt_module rt_module;

/* What the user says about a graph that does not say it itself.  {0} leaves everything to be found. */
typedef struct rt_module_options {
    const char *bottleneck_tensor;     /* "a/b" or "a/b:0", also several, "a/b,c/d:0", whose vectors
                                          are put together; NULL: the module's own output, or the input of the
                                          classifier's last MatMul or Conv2D */
    const char *input_tensor;          /* NULL: the only image Placeholder */
    int32_t input_height, input_width; /* 0: from the graph */
    /* The network wants (pixel - input_mean) / input_std for pixels in 0 .. 255.  input_std 0: a hub module
     * takes [0, 1] by definition; a bare graph is taken to want [-1, 1] (mean 127.5, std 127.5), which is
     * said in notice. */
    float input_mean, input_std;
} rt_module_options;

typedef struct rt_module_info {
    const char *path;            /* as given to rt_module_open */
    const char *kind;            /* "TF1 Hub module", "frozen GraphDef" */
    const char *input, *feature; /* tensor names in the file */
    const char *notice;          /* one line: what was chosen, and why where it was a guess */
    int32_t height, width;       /* pixels, > 0; colours are 3: red, green, blue in [0, 1]  */
    int32_t feature_size;        /* floats a photo, > 0 */
    float input_mean, input_std; /* as above; 0 and 255 for a hub module */
    uint64_t weight_count;
} rt_module_info; /* strings live as long as the module */

/* Opens a TF1 Hub module (folder or .tar.gz), an archive of the Object Detection API, a SavedModel (of
 * TensorFlow 1 or 2), a checkpoint with its graph (folder or PREFIX.meta) or a frozen GraphDef, told apart by
 * content.  What has no classifier at its end, a detector say, gives the backbone's widest feature map,
 * averaged. path     borrowed during the call        options  NULL for {0} module   written on success only;
 * give back with rt_module_close() RT_ENOTFOUND     no such path, a folder with no model in it, no such
 * tensor RT_EFORMAT       err->path and err->offset say where RT_EUNSUPPORTED  no feature tensor, or an op
 * inside the needed part that we cannot run; err->cause names the node, its op and its type RT_ELIMIT,
 * RT_EIO, RT_ENOMEM Source: saved_model.proto, tensor_bundle.proto; hub's native_module.py. */
rt_code rt_module_open(const char *path, const rt_module_options *options, rt_module **module, rt_error *err);
void rt_module_close(rt_module *module); /* NULL is allowed */

const rt_module_info *rt_module_describe(const rt_module *module);

#endif
