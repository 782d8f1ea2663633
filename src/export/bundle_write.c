#include "bundle_write.h"

#include "base/file.h"
#include "base/hash.h"
#include "proto/message.h"
#include "table_write.h"
#include "tf_bundle.pb-c.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const rt_named_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static rt_code add_message(rt_table_writer *table, const char *key, const ProtobufCMessage *message,
                           rt_error *err)
{
    rt_buffer bytes = {0};
    rt_code code = rt__proto_pack(message, &bytes, err);
    if (code == RT_OK)
        rt__table_add(table, key, strlen(key), bytes.bytes ? bytes.bytes : "", bytes.size);
    rt__buffer_clear(&bytes);
    return code;
}

static rt_code add_header(rt_table_writer *table, rt_error *err)
{
    Tf__BundleHeaderProto header = TF__BUNDLE_HEADER_PROTO__INIT;
    Tf__VersionDef version = TF__VERSION_DEF__INIT;
    version.producer = 1; /* kTensorBundleVersion */
    header.num_shards = 1;
    header.version = &version;
    return add_message(table, "", &header.base, err);
}

static rt_code add_tensor(rt_table_writer *table, const rt_named_tensor *named, uint64_t offset,
                          rt_error *err)
{
    const rt_tensor *tensor = &named->tensor;
    Tf__BundleEntryProto entry = TF__BUNDLE_ENTRY_PROTO__INIT;
    Tf__TensorShapeProto shape = TF__TENSOR_SHAPE_PROTO__INIT;
    Tf__TensorShapeProto__Dim dims[RT_MAX_RANK], *pointers[RT_MAX_RANK];
    for (int i = 0; i < tensor->shape.rank; i++) {
        tf__tensor_shape_proto__dim__init(&dims[i]);
        dims[i].size = tensor->shape.dim[i];
        pointers[i] = &dims[i];
    }
    shape.n_dim = (size_t)tensor->shape.rank;
    shape.dim = pointers;
    entry.dtype = (int32_t)tensor->dtype;
    entry.shape = &shape;
    entry.offset = (int64_t)offset;
    entry.size = (int64_t)tensor->bytes;
    entry.crc32c = rt__crc32c_mask(rt__crc32c(0, tensor->data, tensor->bytes));
    return add_message(table, named->name, &entry.base, err);
}

static rt_code check(const rt_named_tensor *const *sorted, size_t n, rt_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rt__dtype_size(sorted[i]->tensor.dtype) == 0)
            return rt_fail(err, RT_EARG, "tensor '%s' is a %s, which is not written to checkpoints",
                           sorted[i]->name, rt__dtype_name(sorted[i]->tensor.dtype));
        if (i > 0 && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return rt_fail(err, RT_EARG, "two tensors are named '%s'", sorted[i]->name);
    }
    return RT_OK;
}

/* The data file, and the table in *index. */
static rt_code write_data(const char *path, const rt_named_tensor *const *sorted, size_t n, rt_buffer *index,
                          rt_error *err)
{
    rt_table_writer table;
    rt_writer data;
    rt_code code = rt__writer_open(&data, path, err), table_code;
    if (code != RT_OK)
        return code;
    rt__table_begin(&table, index);
    code = add_header(&table, err);
    for (size_t i = 0; code == RT_OK && i < n; i++)
        if ((code = add_tensor(&table, sorted[i], data.bytes, err)) == RT_OK)
            code = rt__writer_add(&data, sorted[i]->tensor.data, sorted[i]->tensor.bytes, err);
    table_code = rt__table_end(&table, code == RT_OK ? err : NULL);
    return rt__writer_close(&data, code == RT_OK ? table_code : code, true, err);
}

rt_code rt__bundle_write(const char *prefix, const rt_named_tensor *tensors, size_t n, rt_error *err)
{
    const rt_named_tensor **sorted = calloc(n ? n : 1, sizeof(*sorted));
    rt_buffer path = {0}, index = {0};
    rt_code code;
    if (!sorted)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        sorted[i] = &tensors[i];
    qsort(sorted, n, sizeof(*sorted), by_name);
    rt__buffer_format(&path, "%s.data-00000-of-00001", prefix);
    if ((code = check(sorted, n, err)) == RT_OK && (code = rt__buffer_ok(&path, err)) == RT_OK)
        code = write_data(path.bytes, sorted, n, &index, err);
    rt__buffer_reset(&path);
    rt__buffer_format(&path, "%s.index", prefix);
    if (code == RT_OK && (code = rt__buffer_ok(&path, err)) == RT_OK)
        code = rt__file_write(path.bytes, index.bytes, index.size, true, err);
    rt__buffer_clear(&path);
    rt__buffer_clear(&index);
    free(sorted);
    return code;
}
