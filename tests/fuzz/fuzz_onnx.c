/* An ONNX model: read, made a module, folded. */
#include "foreign.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    foreign_read(rt__onnx_read, bytes, size);
    return 0;
}
