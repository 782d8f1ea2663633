#include "tflite_metadata.h"

#include "flatbuffer.h"

/* Enums and unions of metadata_schema.fbs. */
enum { TENSOR_AXIS_LABELS = 2, RGB = 1, FEATURE_PROPERTIES = 1, IMAGE_PROPERTIES = 2, NORMALIZATION = 1 };

typedef struct limits {
    float least, most;
} limits;

static rt_fb_ref image_content(rt_fb *fb)
{
    rt_fb_ref properties;
    rt__fb_table_begin(fb); /* ImageProperties */
    rt__fb_add_u8(fb, 0, RGB);
    properties = rt__fb_table_end(fb);
    rt__fb_table_begin(fb); /* Content */
    rt__fb_add_ref(fb, 1, properties);
    rt__fb_add_u8(fb, 0, IMAGE_PROPERTIES);
    return rt__fb_table_end(fb);
}

static rt_fb_ref feature_content(rt_fb *fb)
{
    rt_fb_ref properties;
    rt__fb_table_begin(fb); /* FeatureProperties, which has no fields */
    properties = rt__fb_table_end(fb);
    rt__fb_table_begin(fb); /* Content */
    rt__fb_add_ref(fb, 1, properties);
    rt__fb_add_u8(fb, 0, FEATURE_PROPERTIES);
    return rt__fb_table_end(fb);
}

/* Readers apply it to floats only: 8-bit elements say the same by their scale and zero point. */
static rt_fb_ref normalization(rt_fb *fb)
{
    static const float mean[] = {0}, std[] = {255};
    rt_fb_ref means = rt__fb_vector(fb, mean, 1, sizeof *mean, 4);
    rt_fb_ref stds = rt__fb_vector(fb, std, 1, sizeof *std, 4), options, unit;
    rt__fb_table_begin(fb); /* NormalizationOptions */
    rt__fb_add_ref(fb, 0, means);
    rt__fb_add_ref(fb, 1, stds);
    options = rt__fb_table_end(fb);
    rt__fb_table_begin(fb); /* ProcessUnit */
    rt__fb_add_ref(fb, 1, options);
    rt__fb_add_u8(fb, 0, NORMALIZATION);
    unit = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &unit, 1);
}

static rt_fb_ref stats(rt_fb *fb, limits l)
{
    rt_fb_ref most = rt__fb_vector(fb, &l.most, 1, sizeof l.most, 4);
    rt_fb_ref least = rt__fb_vector(fb, &l.least, 1, sizeof l.least, 4);
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, most);
    rt__fb_add_ref(fb, 1, least);
    return rt__fb_table_end(fb);
}

static rt_fb_ref label_files(rt_fb *fb)
{
    rt_fb_ref name = rt__fb_string(fb, RT_TFLITE_LABELS);
    rt_fb_ref description = rt__fb_string(fb, "The class of each probability, one a line."), file;
    rt__fb_table_begin(fb); /* AssociatedFile */
    rt__fb_add_ref(fb, 0, name);
    rt__fb_add_ref(fb, 1, description);
    rt__fb_add_u8(fb, 2, TENSOR_AXIS_LABELS);
    file = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &file, 1);
}

typedef struct tensor_facts {
    const char *name, *description;
    rt_fb_ref content, process_units, associated_files;
    limits limits;
} tensor_facts;

/* A vector of one TensorMetadata. */
static rt_fb_ref tensors(rt_fb *fb, const tensor_facts *facts)
{
    rt_fb_ref name = rt__fb_string(fb, facts->name), description = rt__fb_string(fb, facts->description);
    rt_fb_ref range = stats(fb, facts->limits), tensor;
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, name);
    rt__fb_add_ref(fb, 1, description);
    rt__fb_add_ref(fb, 3, facts->content);
    rt__fb_add_ref(fb, 4, facts->process_units);
    rt__fb_add_ref(fb, 5, range);
    rt__fb_add_ref(fb, 6, facts->associated_files);
    tensor = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &tensor, 1);
}

static rt_fb_ref subgraphs(rt_fb *fb, limits l)
{
    tensor_facts in = {.name = "image", .description = "The photo, resized to these pixels.", .limits = l};
    tensor_facts out = {.name = "probability", .description = "How likely each class is.", .limits = l};
    rt_fb_ref inputs, outputs, subgraph;
    in.content = image_content(fb);
    in.process_units = normalization(fb);
    inputs = tensors(fb, &in);
    out.content = feature_content(fb);
    out.associated_files = label_files(fb);
    outputs = tensors(fb, &out);
    rt__fb_table_begin(fb); /* SubGraphMetadata */
    rt__fb_add_ref(fb, 2, inputs);
    rt__fb_add_ref(fb, 3, outputs);
    subgraph = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &subgraph, 1);
}

rt_code rt__tflite_metadata(const char *description, float least, float most, rt_buffer *out, rt_error *err)
{
    rt_fb fb = {0};
    rt_fb_ref list = subgraphs(&fb, (limits){least, most}), name = rt__fb_string(&fb, "image classifier");
    rt_fb_ref text = rt__fb_string(&fb, description), parser = rt__fb_string(&fb, "1.0.0"), root;
    rt_code code;
    rt__fb_table_begin(&fb); /* ModelMetadata */
    rt__fb_add_ref(&fb, 0, name);
    rt__fb_add_ref(&fb, 1, text);
    rt__fb_add_ref(&fb, 3, list);
    rt__fb_add_ref(&fb, 7, parser);
    root = rt__fb_table_end(&fb);
    code = rt__fb_finish(&fb, root, "M001", out, err);
    rt__fb_clear(&fb);
    return code;
}
