"""Times our program beside the engines others use, on the same photos, in turns:  compare.py --help

For each network and number of cores all contenders are started, shown to compute the same vector, and then measured in
rounds, each in a new random order. See bench/README.md.
"""
import argparse
import contextlib
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import numpy as np

import machine
import table

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NETWORKS = ('mobilenet_v1_025', 'mobilenet_v1_100', 'mobilenet_v2_100', 'efficientnet_lite0', 'ssd_inception_v2',
            'inception_v3')
ENGINES = ('ours', 'onnxruntime', 'openvino', 'litert', 'mnn', 'tensorflow')
MORE_ENGINES = ('opencv',)
TOLERANCE = 1e-3   # of the vector's largest value, between contenders, for the same pixels
SIMILAR = 0.98     # cosine of vectors of a photo, which each contender resizes in its own way
PAUSE = 0.03       # seconds, until the threads of the one before have stopped spinning


class Contender:
    """A process that holds one engine ready; asked and answering by lines."""

    def __init__(self, engine, command, cpus, log):
        self.engine = engine
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus), cwd=HERE)
        self.about = json.loads(self.answer())

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError('%s ended with status %d' % (self.engine, self.process.wait()))
        return line

    def ask(self, *words):
        self.process.stdin.write('\t'.join(str(word) for word in words) + '\n')
        self.process.stdin.flush()
        return self.answer().split()

    def floats(self, scratch, *words):
        path = os.path.join(scratch, 'floats')
        self.ask(*words, path)
        return np.fromfile(path, np.float32)

    def close(self):
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self.process.stdin.close()
        self.process.wait()


class Contest:
    """All contenders on one network and one number of cores."""

    def __init__(self, options, network, cpus, scratch):
        self.options, self.network, self.cores, self.scratch = options, network, len(cpus), scratch
        self.folder = os.path.join(options.work, 'networks', network)
        with open(os.path.join(self.folder, 'network.json'), encoding='utf-8') as file:
            self.module = json.load(file)['module']
        self.contenders = []
        ours = self.start('ours', cpus, [options.ours, self.module, str(self.cores), options.photo_list])
        self.flops, self.peak = ours.about['flops'], 0.0
        for engine in options.engines:
            if engine != 'ours':
                self.start(engine, cpus, self.peer_command(engine, ours.about))

    def peer_command(self, engine, about):
        venv = 'tensorflow' if engine == 'tensorflow' else 'engines'
        return [os.path.join(self.options.work, venv, 'bin', 'python'), 'contender.py', engine, self.folder,
                str(about['height']), str(about['width']), str(self.cores), self.options.photo_list]

    def start(self, engine, cpus, command):
        log = open(os.path.join(self.options.work, 'logs', '%s-%s-%d.txt' % (self.network, engine, self.cores)), 'w',
                   encoding='utf-8')
        with log:
            try:
                contender = Contender(engine, command, cpus, log)
            except ChildProcessError as failure:
                if engine == 'ours':
                    raise
                print('\ncompare: %s: %s; see %s' % (self.network, failure, log.name), file=sys.stderr)
                return None
        self.contenders.append(contender)
        return contender

    def verify(self):
        """Leaves out, saying so, whoever does not compute the same vector."""
        photo = self.options.photos[0]
        tensor = os.path.join(self.scratch, 'tensor')
        ours = self.contenders[0]
        ours.ask('tensor', photo, tensor)
        wanted, whole = ours.floats(self.scratch, 'vector', tensor), ours.floats(self.scratch, 'photo', photo)
        for contender in list(self.contenders):
            vector, own = contender.floats(self.scratch, 'vector', tensor), contender.floats(self.scratch, 'photo', photo)
            same = vector.shape == wanted.shape and own.shape == whole.shape
            contender.difference = float(abs(vector - wanted).max() / abs(wanted).max()) if same else float('inf')
            contender.cosine = float(own @ whole / np.linalg.norm(own) / np.linalg.norm(whole)) if same else 0.0
            if not contender.difference <= TOLERANCE or not contender.cosine >= SIMILAR:
                self.leave_out(contender, 'computes another vector (difference %.1e, cosine of its own reading %.4f)'
                               % (contender.difference, contender.cosine))

    def leave_out(self, contender, why):
        if contender.engine == 'ours':
            sys.exit('compare: %s: our own program: %s' % (self.network, why))
        print('\ncompare: %s: %s left out: %s' % (self.network, contender.engine, why), file=sys.stderr)
        self.contenders.remove(contender)
        contender.close()

    def measure(self, done):
        seconds, least = self.options.seconds, self.options.least
        measured = {(c.engine, kind): [] for c in self.contenders for kind in self.options.passes}
        for round_number in range(self.options.rounds):
            self.peak = max(self.peak, float(self.contenders[0].ask('peak')[0]))
            turns = [(c, kind) for c in self.contenders for kind in self.options.passes]
            random.shuffle(turns)
            first = round_number * len(self.options.photos) // self.options.rounds
            for contender, kind in turns:
                done(self.network, self.cores, round_number)
                if contender not in self.contenders:
                    continue
                time.sleep(PAUSE)
                words = (kind, seconds, least) + ((first,) if kind == 'whole' else ())
                try:
                    measured[contender.engine, kind].append([float(word) for word in contender.ask(*words)])
                except (ChildProcessError, BrokenPipeError) as failure:
                    self.leave_out(contender, failure)
        return measured

    def results(self, measured):
        for contender in self.contenders:
            for kind in self.options.passes:
                yield table.Result(
                    network=self.network, kind=kind, cores=self.cores, engine=contender.engine,
                    version=contender.about['version'], way=contender.about[kind],
                    rates=[rate for rate, _ in measured[contender.engine, kind]],
                    processor=[seconds for _, seconds in measured[contender.engine, kind]],
                    flops=self.flops, peak=self.peak, difference=contender.difference, cosine=contender.cosine)

    def close(self):
        for contender in self.contenders:
            contender.close()


class Progress:
    def __init__(self, total):
        self.total, self.done, self.began = total, 0, time.time()

    def __call__(self, network, cores, round_number):
        self.done += 1
        left = (time.time() - self.began) * (self.total - self.done) / self.done
        text = '%3d%%, %2d min %02d s left: %s, %d core%s, round %d' % (
            100 * self.done // self.total, left // 60, left % 60, network, cores, '' if cores == 1 else 's', round_number + 1)
        if sys.stderr.isatty():
            print('\r%-78s' % text, end='', file=sys.stderr, flush=True)
        elif self.done % 20 == 0:
            print(text, file=sys.stderr, flush=True)


def names(known, more=()):
    def parse(text):
        chosen = text.split(',')
        unknown = [name for name in chosen if name not in known and name not in more]
        if unknown:
            raise argparse.ArgumentTypeError('no %s; there are %s' % (unknown[0], ', '.join(known + more)))
        return chosen
    return parse


def read_options(arguments):
    parser = argparse.ArgumentParser(prog='bench/peers/run.sh', formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('folder', nargs='?', metavar='FOLDER_OF_PHOTOS',
                        default=os.path.join(os.environ['RETRAIN_SHARED'], 'data', 'flower_photos'), help='JPEG files in folders')
    parser.add_argument('--networks', type=names(NETWORKS), default=','.join(NETWORKS))
    parser.add_argument('--engines', type=names(ENGINES, MORE_ENGINES), default=','.join(ENGINES))
    parser.add_argument('--passes', type=names(('forward', 'whole')), default='forward,whole')
    parser.add_argument('--cores', type=names(('one', 'all')), default='one,all')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=0.5, help='of a measurement')
    parser.add_argument('--least', type=int, default=3, help='photos a thread in a measurement')
    parser.add_argument('--results', default=os.path.join(HERE, '..', 'results'), metavar='FOLDER')
    parser.add_argument('--name', default=machine.file_name(), help='of the results there')
    options = parser.parse_args(arguments)
    options.work = os.environ['RETRAIN_PEERS']
    options.ours = os.environ['RETRAIN_OURS']
    return options


def list_photos(options):
    options.photos = sorted(glob.glob(os.path.join(glob.escape(options.folder), '**', '*.jpg'), recursive=True))
    if not options.photos:
        sys.exit('compare: no *.jpg in %s' % options.folder)
    random.Random(7).shuffle(options.photos)
    options.photo_list = os.path.join(options.work, 'photos.txt')
    with open(options.photo_list, 'w', encoding='utf-8') as file:
        file.write('\n'.join(options.photos) + '\n')


def make_networks(options):
    folder = os.path.join(options.work, 'networks')
    subprocess.run([os.path.join(options.work, 'tensorflow', 'bin', 'python'), os.path.join(HERE, 'networks.py'), folder,
                    options.photo_list, *options.networks], check=True)
    options.networks = [name for name in options.networks if os.path.exists(os.path.join(folder, name, 'network.json'))]


def run(options, cpu_sets, write):
    progress = Progress(len(options.networks) * len(cpu_sets) * options.rounds * len(options.engines) * len(options.passes))
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for network in options.networks:
            for cpus in cpu_sets:
                contest = Contest(options, network, cpus, scratch)
                contest.verify()
                results += contest.results(contest.measure(progress))
                contest.close()
            write(results)


def main(arguments):
    options = read_options(arguments)
    os.makedirs(os.path.join(options.work, 'logs'), exist_ok=True)
    os.makedirs(options.results, exist_ok=True)
    list_photos(options)
    make_networks(options)
    every = sorted(os.sched_getaffinity(0))
    cpu_sets = [cpus for name, cpus in (('one', every[-1:]), ('all', every)) if name in options.cores]
    about = machine.describe(options)
    path = os.path.join(options.results, options.name)
    run(options, cpu_sets, lambda results: table.write(path, about, results))
    with open(path + '.md', encoding='utf-8') as file:
        print('\n' + file.read() + '\nwrote %s.md and .csv' % os.path.relpath(path))


main(sys.argv[1:])
