"""Reads the tensors of a PyTorch state dict in its file format before version 1.6, without PyTorch.

The file is five pickles and then the numbers:
  1. a magic number       2. the format's version, 1001       3. sizes of C types; byte order
  4. an OrderedDict: name -> call of _rebuild_tensor_v2(storage, offset, size, stride, ...), where a storage is a
     persistent id ('storage', type, key, location, count)
  5. a list of storage keys
  6. for each key in that order: count as int64, then count numbers, little-endian
Source: torch/serialization.py (_legacy_save), torch/_utils.py.
"""
import array
import collections
import io
import itertools
import pickle
import struct
import sys

MAGIC = 0x1950A86A20F9469CFC6C
TYPE_CODES = {'FloatStorage': 'f', 'LongStorage': 'q'}

Storage = collections.namedtuple('Storage', 'key code count')
View = collections.namedtuple('View', 'storage offset shape stride')


class Tensor:
    """numbers[offset + sum of index * stride] for each index within shape."""

    def __init__(self, view, numbers):
        self.offset, self.shape, self.stride, self.numbers = view.offset, view.shape, view.stride, numbers
        if len(self.shape) != len(self.stride) or min(self.stride, default=1) < 1 or min(self.shape, default=1) < 1:
            raise ValueError('a tensor of shape %s and strides %s' % (self.shape, self.stride))
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride))
        if self.offset < 0 or last >= len(numbers):
            raise ValueError('a tensor reaches beyond its storage of %d numbers' % len(numbers))

    def values(self, axes=None):
        """The numbers as an array.array, row-major; with axes the tensor is transposed first, as numpy does."""
        axes = list(range(len(self.shape))) if axes is None else list(axes)
        out = array.array(self.numbers.typecode)
        if not axes:
            out.append(self.numbers[self.offset])
            return out
        *outer, inner = axes
        step = self.stride[inner]
        reach = self.shape[inner] * step
        for index in itertools.product(*(range(0, self.shape[a] * self.stride[a], self.stride[a]) for a in outer)):
            start = self.offset + sum(index)
            out.extend(self.numbers[start:start + reach:step])
        return out


def _rebuild_tensor(storage, offset, shape, stride, *_):
    return View(storage, offset, tuple(shape), tuple(stride))


class _Unpickler(pickle.Unpickler):
    """Admits tensors in a dictionary and nothing else, so that loading a file never runs anything from it."""

    def find_class(self, module, name):
        if (module, name) == ('collections', 'OrderedDict'):
            return collections.OrderedDict
        if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
            return _rebuild_tensor
        if module == 'torch' and name in TYPE_CODES:
            return TYPE_CODES[name]
        raise pickle.UnpicklingError('%s.%s has no place in a file of tensors' % (module, name))

    def persistent_load(self, pid):
        kind, code, key, _, count = pid[:5]
        if kind != 'storage':
            raise pickle.UnpicklingError('persistent id of kind %r' % (kind,))
        return Storage(key, code, count)


def _read_numbers(file, storage):
    (count,) = struct.unpack('<q', file.read(8))
    if count != storage.count:
        raise ValueError('storage %s: %d numbers, %d announced' % (storage.key, count, storage.count))
    numbers = array.array(storage.code)
    numbers.frombytes(file.read(count * numbers.itemsize))
    if len(numbers) != count:
        raise ValueError('storage %s: the file ends early' % storage.key)
    if sys.byteorder == 'big':
        numbers.byteswap()
    return numbers


def read(content):
    """bytes of the file -> {name: Tensor}, in the file's order."""
    file = io.BytesIO(content)
    magic, version, _, views, keys = (_Unpickler(file).load() for _ in range(5))
    if magic != MAGIC or version != 1001:
        raise ValueError('not a PyTorch file of the format before 1.6')
    storages = {view.storage.key: view.storage for view in views.values()}
    numbers = {key: _read_numbers(file, storages[key]) for key in keys}
    tensors = {}
    for name, view in views.items():
        try:
            tensors[name] = Tensor(view, numbers[view.storage.key])
        except ValueError as problem:
            raise ValueError('%s: %s' % (name, problem)) from None
    return tensors
