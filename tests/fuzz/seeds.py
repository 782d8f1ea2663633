"""Small inputs for the fuzz targets out of the reference files: seeds.py SHARED OUT

Writes OUT/TARGET/NAME.  Graphs are cut to their first nodes (which read no later ones), checkpoints to rows, so that
an input runs in a few milliseconds.  Needs nothing but Python's own library.
"""
import glob
import os
import struct
import sys

NODES, META_GRAPHS, GRAPH_DEF, LIBRARY = 1, 2, 2, 2
NODE_COUNTS = (8, 40, 150)
MOST_BYTES = 100000


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def to_varint(value):
    out = b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def fields(data):
    """(number, the field as it stands, its content) of a message."""
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        if tag & 7 == 0:
            _, at = varint(data, at)
            content = b''
        elif tag & 7 == 2:
            size, at = varint(data, at)
            content = data[at:at + size]
            at += size
        else:
            size = 8 if tag & 7 == 1 else 4
            content = data[at:at + size]
            at += size
        yield tag >> 3, data[start:at], content


def field(number, content):
    return to_varint(number << 3 | 2) + to_varint(len(content)) + content


def cut_graph(graph, count):
    """The first nodes of a GraphDef, without functions."""
    nodes = [raw for number, raw, _ in fields(graph) if number == NODES]
    rest = [raw for number, raw, _ in fields(graph) if number not in (NODES, LIBRARY)]
    return b''.join(nodes[:count] + rest)


def cut_meta_graph(meta, count):
    parts = [field(GRAPH_DEF, cut_graph(content, count)) if number == GRAPH_DEF else raw
             for number, raw, content in fields(meta) if len(raw) < 4000 or number == GRAPH_DEF]
    return b''.join(parts)


def block_rows(data, offset, size):
    block = data[offset:offset + size]
    restarts = struct.unpack('<I', block[-4:])[0]
    end, at, key = len(block) - 4 - 4 * restarts, 0, b''
    while at < end:
        shared, at = varint(block, at)
        rest, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at:at + rest]
        at += rest
        yield key, block[at:at + length]
        at += length


def table_rows(data):
    """The rows of an uncompressed table."""
    at = varint(data, varint(data, len(data) - 48)[1])[1]
    offset, at = varint(data, at)
    size, at = varint(data, at)
    for _, handle in block_rows(data, offset, size):
        place, at = varint(handle, 0)
        yield from block_rows(data, place, varint(handle, at)[0])


def packed_rows(rows):
    """As fuzz_bundle.c and fuzz_bundle_v1.c take them."""
    return b''.join(struct.pack('<BH', len(key), len(value)) + key + value
                    for key, value in rows if len(key) < 256 and len(value) < 65536)


def literal_snappy(data):
    """A snappy stream without copies."""
    out = to_varint(len(data))
    for at in range(0, len(data), 60):
        piece = data[at:at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.count = {}

    def add(self, target, data):
        if len(data) > MOST_BYTES:
            return
        os.makedirs(os.path.join(self.folder, target), exist_ok=True)
        number = self.count[target] = self.count.get(target, 0) + 1
        with open(os.path.join(self.folder, target, 'seed%03d' % number), 'wb') as file:
            file.write(data)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def add_graphs(reference, writer):
    metas = []
    for path in sorted(glob.glob(reference + '/**/saved_model.pb', recursive=True)):
        data = read(path)
        writer.add('saved_model', data)
        for number, _, content in fields(data):
            if number == META_GRAPHS:
                metas.append(content)
    for meta in metas:
        for count in NODE_COUNTS:
            writer.add('saved_model', field(META_GRAPHS, cut_meta_graph(meta, count)))
    for path in sorted(glob.glob(reference + '/**/*.meta', recursive=True)):
        metas.append(read(path))
    for meta in metas:
        for number, _, content in fields(meta):
            for count in NODE_COUNTS if number == GRAPH_DEF else ():
                writer.add('graphdef', cut_graph(content, count))
    for path in sorted(glob.glob(reference + '/**/*graph*.pb', recursive=True)):
        for count in NODE_COUNTS:
            writer.add('graphdef', cut_graph(read(path), count))


def add_checkpoints(reference, writer):
    for path in sorted(glob.glob(reference + '/checkpoints/*/*')):
        data = read(path)
        if struct.pack('<Q', 0xdb4775248b80fb57) != data[-8:]:
            continue
        rows = list(table_rows(data))
        target = 'bundle' if path.endswith('.index') else 'bundle_v1'
        for count in (3, 8, len(rows)):
            writer.add(target, packed_rows(rows[:count]))
        writer.add('table', data)
        size = sum(map(len, map(b''.join, rows[:20])))
        if size < MOST_BYTES:
            block = b''.join(b'\0' + to_varint(len(k)) + to_varint(len(v)) + k + v for k, v in rows[:20])
            block += struct.pack('<II', 0, 1)
            writer.add('snappy', literal_snappy(block))
            writer.add('snappy', block)


def main():
    shared, out = sys.argv[1:]
    writer = Writer(out)
    add_graphs(os.path.join(shared, 'reference'), writer)
    add_checkpoints(os.path.join(shared, 'reference'), writer)
    for target, count in sorted(writer.count.items()):
        print('%s: %d seeds' % (target, count))


if __name__ == '__main__':
    main()
