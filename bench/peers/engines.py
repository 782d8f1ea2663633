"""The engines that run a network file, each set up as its own documentation advises for one core and for all.

An engine has a name, a version and ways(cores): pairs of a label and a function that makes callers, of which each is used
by a thread of its own. ways_whole(cores) are those for photo files.
"""
import os

import numpy as np


class Caller:
    """What a thread runs. Besides, it has pixels (the array to be filled, batch first), run() and vector()."""
    layout = 'nchw'      # or 'nhwc': floats in [0, 1]; 'bytes': [height, width, 3]
    batch = 1            # photos of a run()
    keeps_input = True   # whether pixels are the same after run()

    def ready(self):
        """Called when pixels have been filled, but not before each run()."""


class Engine:
    file = 'network.onnx'

    def __init__(self, folder, size):
        self.path = os.path.join(folder, self.file)
        self.height, self.width = size

    def ways_whole(self, cores):
        return [way for way in self.ways(cores) if cores == 1 or 'callers' in way[0]]

    def ways(self, cores):
        """N callers of one thread each and, on several cores, one caller with N threads."""
        alone = [('1 thread', lambda: self.callers(1, 1))]
        several = [('%d callers' % cores, lambda: self.callers(cores, 1)),
                   ('%d threads' % cores, lambda: self.callers(1, cores))]
        return alone if cores == 1 else several


class OnnxRuntime(Engine):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        import onnxruntime
        self.library = onnxruntime
        self.version = onnxruntime.__version__

    def callers(self, n, threads):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = self.library.InferenceSession(self.path, options, providers=['CPUExecutionProvider'])
        return [OnnxRuntimeCaller(session, self) for _ in range(n)]


class OnnxRuntimeCaller(Caller):
    def __init__(self, session, engine):
        self.session = session
        self.pixels = np.zeros((1, 3, engine.height, engine.width), np.float32)
        output = session.get_outputs()[0].name
        self.binding = session.io_binding()
        self.binding.bind_cpu_input(session.get_inputs()[0].name, self.pixels)
        self.result = engine.library.OrtValue.ortvalue_from_numpy(session.run([output], {
            session.get_inputs()[0].name: self.pixels})[0])
        self.binding.bind_ortvalue_output(output, self.result)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def vector(self):
        return self.result.numpy()


class OpenVino(Engine):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        import openvino
        self.library = openvino
        self.version = openvino.__version__.split('-')[0]

    def compiled(self, hint, streams, threads, photos):
        core = self.library.Core()
        model = core.read_model(self.path)
        if photos:  # its own preprocessing takes bytes as they are read
            steps = self.library.preprocess.PrePostProcessor(model)
            steps.input().tensor().set_element_type(self.library.Type.u8).set_layout(self.library.Layout('NHWC'))
            steps.input().model().set_layout(self.library.Layout('NCHW'))
            steps.input().preprocess().convert_element_type(self.library.Type.f32).scale(255.0)
            model = steps.build()
        options = {'PERFORMANCE_HINT': hint, 'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': threads}
        if streams:
            options['NUM_STREAMS'] = streams
        return core.compile_model(model, 'CPU', options)

    def made(self, hint, streams, threads, n, photos):
        compiled = self.compiled(hint, streams, threads, photos)
        return [OpenVinoCaller(compiled.create_infer_request(), photos) for _ in range(n)]

    def choices(self, cores, photos):
        kind = ', bytes' if photos else ''
        if cores == 1:
            return [('latency' + kind, lambda: self.made('LATENCY', 0, 1, 1, photos))]
        several = [('throughput, %d callers%s' % (n, kind), lambda n=n: self.made('THROUGHPUT', cores, cores, n, photos))
                   for n in (cores, 2 * cores)]
        return several + [('latency, %d threads%s' % (cores, kind), lambda: self.made('LATENCY', 0, cores, 1, photos))]

    def ways(self, cores):
        return self.choices(cores, False)

    def ways_whole(self, cores):
        both = self.choices(cores, True) + self.choices(cores, False)
        return [way for way in both if cores == 1 or 'callers' in way[0]]


class OpenVinoCaller(Caller):
    def __init__(self, request, photos):
        self.request = request
        self.layout = 'bytes' if photos else 'nchw'
        self.pixels = request.get_input_tensor().data
        self.result = request.get_output_tensor().data

    def run(self):
        self.request.start_async()
        self.request.wait()

    def vector(self):
        return self.result.copy()


class LiteRt(Engine):
    """XNNPACK, which is its default for floats."""
    file = 'network.tflite'

    def __init__(self, *arguments):
        super().__init__(*arguments)
        import importlib.metadata
        from ai_edge_litert.interpreter import Interpreter
        self.interpreter = Interpreter
        self.version = importlib.metadata.version('ai-edge-litert')

    def callers(self, n, threads):
        return [LiteRtCaller(self.interpreter(self.path, num_threads=threads)) for _ in range(n)]


class LiteRtCaller(Caller):
    layout = 'nhwc'
    keeps_input = False

    def __init__(self, interpreter):
        interpreter.allocate_tensors()
        interpreter.invoke()
        self.interpreter = interpreter
        self.input = interpreter.tensor(interpreter.get_input_details()[0]['index'])
        self.output = interpreter.get_output_details()[0]['index']

    @property
    def pixels(self):
        return self.input()  # must not be kept: the interpreter refuses to run while it is looked at

    def run(self):
        self.interpreter.invoke()

    def vector(self):
        return self.interpreter.get_tensor(self.output)


class Mnn(Engine):
    """Its converter is called directly: the package's own front end installs a telemetry client first."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        import MNN
        self.library = MNN
        self.version = MNN.version()
        source, self.path = self.path, os.path.splitext(self.path)[0] + '-%s.mnn' % self.version
        if not os.path.exists(self.path):
            import _tools
            _tools.mnnconvert(['mnnconvert', '-f', 'ONNX', '--modelFile', source, '--MNNModel', self.path,
                               '--bizCode', 'peers'])

    def callers(self, n, threads):
        return [MnnCaller(self.library, self.path, threads) for _ in range(n)]


class MnnCaller(Caller):
    keeps_input = False

    def __init__(self, library, path, threads):
        self.interpreter = library.Interpreter(path)
        self.session = self.interpreter.createSession({'backend': 'CPU', 'numThread': threads, 'precision': 'high'})
        self.input = self.interpreter.getSessionInput(self.session)
        self.output = self.interpreter.getSessionOutput(self.session)

    @property
    def pixels(self):
        return self.input.getNumpyData()

    def run(self):
        self.interpreter.runSession(self.session)

    def vector(self):
        return self.output.getNumpyData().copy()


class OpenCv(Engine):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        import cv2
        self.library = cv2
        self.version = cv2.__version__

    def callers(self, n, threads):
        self.library.setNumThreads(threads)
        return [OpenCvCaller(self) for _ in range(n)]


class OpenCvCaller(Caller):
    def __init__(self, engine):
        self.network = engine.library.dnn.readNetFromONNX(engine.path)
        self.pixels = np.zeros((1, 3, engine.height, engine.width), np.float32)

    def run(self):
        self.network.setInput(self.pixels)
        self.result = self.network.forward()

    def vector(self):
        return self.result


ENGINES = {'onnxruntime': OnnxRuntime, 'openvino': OpenVino, 'litert': LiteRt, 'mnn': Mnn, 'opencv': OpenCv}
