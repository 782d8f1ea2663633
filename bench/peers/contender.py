"""One engine on one network, asked by lines on stdin:  contender.py ENGINE NETWORK_FOLDER HEIGHT WIDTH CORES PHOTO_LIST

First answer, once it is ready: a JSON object. Then the commands of ours.c, words parted by tabs:
    forward SECONDS LEAST | whole SECONDS LEAST FIRST | vector TENSOR OUT | photo PHOTO OUT
"""
import itertools
import json
import os
import sys
import threading
import time

import numpy as np

TRIAL_SECONDS = 0.25
TRIALS = 2
HOPELESS = 2.0  # a way that takes this many times the best one's time is not tried again


def start_engine(name, folder, size, cores):
    if name == 'tensorflow':
        import engine_tensorflow
        return engine_tensorflow.TensorFlow(folder, size, cores)
    import engines
    return engines.ENGINES[name](folder, size)


def in_threads(work, items):
    """work(item) for each, in a thread each; their results. A failure in one is raised here."""
    results = [None] * len(items)

    def one(i):
        try:
            results[i] = work(items[i])
        except Exception as failure:  # of whatever kind: it is raised again below
            results[i] = failure
    threads = [threading.Thread(target=one, args=(i,)) for i in range(1, len(items))]
    for thread in threads:
        thread.start()
    one(0)
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def summed(results, processor):
    """Each thread by its own clock: none counts as idle while the last one ends. The processor time besides is taken off."""
    besides = sum(result[2] for result in results)
    return sum(result[0] for result in results), (processor - besides) / sum(result[1] for result in results)


class Forward:
    """Passes over pixels that are ready. Where an engine's input does not outlast a pass it is written again before each,
    outside the time, which then takes no more callers than cores."""

    def __init__(self, make, size):
        self.callers = make()
        self.take(np.zeros((*size, 3), np.float32))

    def take(self, pixels):
        self.pixels = {'nhwc': pixels, 'nchw': np.ascontiguousarray(pixels.transpose(2, 0, 1))}
        for caller in self.callers:
            caller.pixels[:] = self.pixels[caller.layout]
            caller.ready()

    def again_and_again(self, caller, seconds, least):
        n, start = 0, time.perf_counter()
        while time.perf_counter() < start + seconds or n < least:
            caller.run()
            n += caller.batch
        return n / (time.perf_counter() - start), n, 0.0

    def written_anew(self, caller, seconds, least):
        source = self.pixels[caller.layout]
        n, wall, besides, until = 0, 0.0, 0.0, time.perf_counter() + seconds
        while time.perf_counter() < until or n < least:
            began = time.thread_time()
            caller.pixels[0] = source
            besides += time.thread_time() - began
            start = time.perf_counter()
            caller.run()
            wall += time.perf_counter() - start
            n += 1
        return n / wall, n, besides

    def measure(self, seconds, least):
        work = self.again_and_again if self.callers[0].keeps_input else self.written_anew
        began = time.process_time()
        results = in_threads(lambda caller: work(caller, seconds, least), self.callers)
        return summed(results, time.process_time() - began)

    def vector(self, pixels):
        self.take(pixels)
        self.callers[0].run()
        return self.callers[0].vector()


class Whole:
    """Photo files to vectors: each caller reads, resizes and runs a photo at a time."""

    def __init__(self, make, engine, reader):
        self.callers, self.engine = make(), engine
        _, self.read, self.planes = reader

    def photo(self, caller, path):
        import readers
        readers.fill(caller, self.read(path, self.engine.height, self.engine.width), self.planes)
        caller.run()
        return caller.vector()

    def measure(self, photos, first, seconds, least):
        index = itertools.count(first)

        def work(caller):
            n, start = 0, time.perf_counter()
            while time.perf_counter() < start + seconds or n < least:
                self.photo(caller, photos[next(index) % len(photos)])
                n += 1
            return n / (time.perf_counter() - start), n, 0.0
        began = time.process_time()
        results = in_threads(work, self.callers)
        return summed(results, time.process_time() - began)

    def vector(self, path):
        return self.photo(self.callers[0], path)


def best(ways, make, measure):
    """The way that is fastest in short trials: its label and what make() made of it."""
    if len(ways) == 1:
        return ways[0][0], make(ways[0][1])
    tried = {label: [make(way), 0.0] for label, way in ways}
    for _ in range(TRIALS):
        for label, entry in tried.items():
            if entry[1] and entry[1] * HOPELESS < max(rate for _, rate in tried.values()):
                continue
            entry[1] = max(entry[1], measure(entry[0])[0])
    label = max(tried, key=lambda label: tried[label][1])
    return label, tried[label][0]


class Contender:
    def __init__(self, name, folder, height, width, cores, photo_list):
        size, cores = (int(height), int(width)), int(cores)
        with open(photo_list, encoding='utf-8') as file:
            self.photos = file.read().splitlines()
        engine = start_engine(name, folder, size, cores)
        if hasattr(engine, 'reader'):
            self.reader, prepare = engine.reader, lambda make: make()
        else:
            import readers
            reader = readers.fastest(self.photos, *size)
            self.reader, prepare = reader[0], lambda make: Whole(make, engine, reader)
        self.size, self.version = size, engine.version
        self.forward_way, self.forwarder = best(engine.ways(cores), lambda make: Forward(make, size),
                                                lambda it: it.measure(TRIAL_SECONDS, 1))
        self.whole_way, self.wholer = best(engine.ways_whole(cores), prepare,
                                           lambda it: it.measure(self.photos, 0, TRIAL_SECONDS, 1))

    def about(self):
        return json.dumps({'version': self.version, 'forward': self.forward_way,
                           'whole': '%s, %s' % (self.reader, self.whole_way)})

    def forward(self, seconds, least):
        return '%.6g %.6g' % self.forwarder.measure(float(seconds), int(least))

    def whole(self, seconds, least, first):
        return '%.6g %.6g' % self.wholer.measure(self.photos, int(first) % len(self.photos), float(seconds), int(least))

    def vector(self, tensor, out):
        pixels = np.fromfile(tensor, np.float32).reshape(*self.size, 3)
        return self.write(self.forwarder.vector(pixels), out)

    def photo(self, path, out):
        return self.write(self.wholer.vector(path), out)

    @staticmethod
    def write(vector, out):
        np.asarray(vector, np.float32).tofile(out)
        return 'done'


def main(arguments):
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # libraries talk on stdout
    contender = Contender(*arguments)
    print(contender.about(), file=answers, flush=True)
    for line in sys.stdin:
        command, *words = line.rstrip('\n').split('\t')
        print(getattr(contender, command)(*words), file=answers, flush=True)


main(sys.argv[1:])
