"""Writes a TF1 Hub module: saved_model.pb, tfhub_module.pb and variables/, without TensorFlow.

A message is bytes here: field(number, value) makes one field, and fields are joined with +.
Sources: saved_model.proto, meta_graph.proto, graph.proto, node_def.proto, attr_value.proto, tensor.proto,
variable.proto, tensor_bundle.proto; LevelDB's table_format.md; tensorflow_hub's native_module.py and
image_module_info.proto.
"""
import array
import math
import os
import struct
import sys

DT_FLOAT, DT_INT32 = 1, 3
READ = '/Read/ReadVariableOp'
RESTORED = 'restored'  # stands where a variable's initialiser would: the values come from variables/


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """An int becomes a varint, a float a fixed32, text and bytes a length-delimited field."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack('<f', value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(number, key, value):
    """An entry of a map<string, message>."""
    return field(number, field(1, key) + field(2, value))


def shape(dimensions):
    return b''.join(field(2, field(1, n)) for n in dimensions)


class Attr:
    """AttrValue messages."""

    @staticmethod
    def ints(values):
        return field(1, field(3, b''.join(varint(v) for v in values)))

    @staticmethod
    def text(value):
        return field(2, value)

    @staticmethod
    def float(value):
        return field(4, float(value))

    @staticmethod
    def bool(value):
        return field(5, int(value))

    @staticmethod
    def type(value):
        return field(6, value)

    @staticmethod
    def shape(dimensions):
        return field(7, shape(dimensions))

    @staticmethod
    def tensor(dtype, dimensions, content):
        return field(8, field(1, dtype) + field(2, shape(dimensions)) + field(4, content))


class Graph:
    """Nodes and the values of the variables they name; the building calls return a tensor's name."""

    def __init__(self):
        self.nodes = []
        self.variables = {}  # name -> (shape, array of floats)

    def node(self, name, op, inputs, **attrs):
        message = field(1, name) + field(2, op) + b''.join(field(3, i) for i in inputs)
        self.nodes.append(message + b''.join(entry(5, key, attrs[key]) for key in sorted(attrs)))
        return name

    def constant(self, name, values, dtype=DT_FLOAT, dimensions=()):
        content = struct.pack('<%d%s' % (len(values), 'f' if dtype == DT_FLOAT else 'i'), *values)
        return self.node(name, 'Const', [], dtype=Attr.type(dtype), value=Attr.tensor(dtype, dimensions, content))

    def variable(self, name, dimensions, values):
        self.variables[name] = (dimensions, values)
        self.node(name, 'VarHandleOp', [], dtype=Attr.type(DT_FLOAT), shape=Attr.shape(dimensions),
                  shared_name=Attr.text(name), container=Attr.text(''))
        return self.node(name + READ, 'ReadVariableOp', [name], dtype=Attr.type(DT_FLOAT))


def tensor_info(name, dimensions):
    return field(1, name + ':0') + field(2, DT_FLOAT) + field(3, shape(dimensions))


def collection(name, values):
    return entry(4, name, field(2, b''.join(field(1, value) for value in values)))


def variable_definition(name):
    """VariableDef, by which tensorflow_hub finds what to restore."""
    return field(1, name + ':0') + field(2, RESTORED) + field(3, name + READ + ':0') + field(5, 1) + field(7, 1)


def saved_model(graph, signatures, height, width):
    """signatures: {key: (input name, its shape, output name, its shape)}."""
    graph.node(RESTORED, 'NoOp', [])
    definition = b''.join(field(1, node) for node in graph.nodes) + field(4, field(1, 24))
    size = field(1, field(1, height) + field(2, width))
    attachment = field(1, 'image_module_info') + field(2, size)
    stripped_default_attrs = field(7, 1)  # and no tags: how a module for inference is marked
    meta_graph = field(1, stripped_default_attrs) + field(2, definition)
    meta_graph += collection('hub_module_attachments', [attachment])
    meta_graph += collection('variables', [variable_definition(name) for name in graph.variables])
    for key, (images, images_shape, output, output_shape) in sorted(signatures.items()):
        meta_graph += entry(5, key, entry(1, 'images', tensor_info(images, images_shape)) +
                            entry(2, 'default', tensor_info(output, output_shape)))
    return field(1, 1) + field(2, meta_graph)


def _crc_tables():
    """CRC-32C of every 16-bit value, followed by 0 and by 2 bytes of zeros."""
    byte = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        byte.append(value)

    def step(crc):
        return byte[crc & 255] ^ crc >> 8

    low = array.array('I', (step(step(v)) for v in range(65536)))
    return byte, low, array.array('I', (step(step(v)) for v in low))


_BYTE, _LOW, _HIGH = _crc_tables()


def masked_crc32c(content):
    """CRC-32C in LevelDB's and TensorFlow's disguise; four bytes a turn, since this is Python."""
    crc = 0xFFFFFFFF
    whole = len(content) & ~3
    words = array.array('I', content[:whole])
    if sys.byteorder == 'big':
        words.byteswap()
    low, high = _LOW, _HIGH
    for word in words:
        crc ^= word
        crc = high[crc & 0xFFFF] ^ low[crc >> 16]
    for value in content[whole:]:
        crc = _BYTE[(crc ^ value) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _block(entries):
    """A block of LevelDB's table format: no shared prefixes, so every entry is a restart point."""
    content, restarts = b'', []
    for key, value in entries:
        restarts.append(len(content))
        content += varint(0) + varint(len(key)) + varint(len(value)) + key + value
    restarts = restarts or [0]
    return content + struct.pack('<%dI' % (len(restarts) + 1), *restarts, len(restarts))


def table(entries):
    """Sorted (key, value) pairs as a table file with one data block, not compressed."""
    out = b''

    def add(block):
        nonlocal out
        handle = varint(len(out)) + varint(len(block))
        out += block + b'\0' + struct.pack('<I', masked_crc32c(block + b'\0'))
        return handle

    data = add(_block(entries))
    meta_index = add(_block([]))
    index = add(_block([(entries[-1][0], data)]))
    return out + (meta_index + index).ljust(40, b'\0') + struct.pack('<Q', 0xDB4775248B80FB57)


def bundle(variables):
    """{name: (shape, floats)} -> (content of .index, content of .data-00000-of-00001)."""
    entries, data = [(b'', field(1, 1) + field(3, field(1, 1)))], bytearray()
    for name in sorted(variables):
        dimensions, values = variables[name]
        content = values.tobytes()
        if sys.byteorder == 'big':
            swapped = array.array('f', values)
            swapped.byteswap()
            content = swapped.tobytes()
        if len(values) != math.prod(dimensions):
            raise ValueError('%s: %d numbers for shape %s' % (name, len(values), dimensions))
        message = field(1, DT_FLOAT) + field(2, shape(dimensions)) + field(4, len(data)) + field(5, len(content))
        message += varint(6 << 3 | 5) + struct.pack('<I', masked_crc32c(content))
        entries.append((name.encode(), message))
        data += content
    return table(entries), bytes(data)


def write(folder, model, variables):
    """The module appears whole: saved_model.pb is written last."""
    index, data = bundle(variables)
    os.makedirs(os.path.join(folder, 'variables'), exist_ok=True)
    for name, content in (('variables/variables.data-00000-of-00001', data), ('variables/variables.index', index),
                          ('tfhub_module.pb', b'\x08\x03'), ('saved_model.pb', model)):
        path = os.path.join(folder, name)
        with open(path + '.part', 'wb') as file:
            file.write(content)
        os.replace(path + '.part', path)
