"""The usual fast readers of Python programs: a photo file to [height, width, 3] bytes, red first.

They resize bilinearly without TensorFlow's rounding (Pillow also averages), so their vectors are near ours, not equal."""
import time

import numpy as np

TRIAL_PHOTOS = 12


def _opencv():
    import cv2
    cv2.setNumThreads(1)

    def read(path, height, width):
        return cv2.resize(cv2.imread(path, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION), (width, height))

    def planes(pixels):
        return cv2.split(pixels)
    return 'cv2 ' + cv2.__version__, read, planes


def _pillow():
    import PIL
    from PIL import Image

    def read(path, height, width):
        with Image.open(path) as photo:
            return np.asarray(photo.convert('RGB').resize((width, height), Image.Resampling.BILINEAR))

    def planes(pixels):
        return pixels.transpose(2, 0, 1)
    kind = 'Pillow-SIMD ' if 'post' in PIL.__version__ else 'Pillow '
    return kind + PIL.__version__, read, planes


def fastest(photos, height, width):
    """Name, read and planes of the one that reads a few of the photos in the least processor time."""
    best = None
    for make in (_opencv, _pillow):
        try:
            reader = make()
        except ImportError:
            continue
        times = []
        for _ in range(3):
            start = time.process_time()
            for path in photos[:TRIAL_PHOTOS]:
                reader[1](path, height, width)
            times.append(time.process_time() - start)
        if not best or min(times) < best[0]:
            best = min(times), reader
    return best[1]


def fill(caller, pixels, planes):
    """The bytes into a caller's input, in its layout."""
    factor = np.float32(1 / 255)
    if caller.layout == 'bytes':
        np.copyto(caller.pixels[0], pixels)
    elif caller.layout == 'nhwc':
        np.multiply(pixels, factor, out=caller.pixels[0], dtype=np.float32)
    else:
        for plane, out in zip(planes(pixels), caller.pixels[0]):
            np.multiply(plane, factor, out=out, dtype=np.float32)
