"""Beside other libraries that have threads and OpenMP runtimes of their own.

The faults: two runtimes in one process that abort or dead-lock (galpy #653, loky #248), or that
cannot be loaded after each other (scikit-learn #17231).
"""

from __future__ import annotations

import importlib.util
import threading

import numpy as np
import pytest
from children import run_child
from instruction_sets import once

import fastact as fa

pytestmark = once

FASTACT = """
import os
import numpy as np, fastact as fa
x = np.linspace(-5, 5, 1 << 18, dtype=np.float32)
def ours():
    assert abs(fa.sigmoid(x) - 1 / (1 + np.exp(-x.astype(float)))).max() < 1e-7
"""

# How each is imported, and a call that goes parallel there and checks itself.
NEIGHBOURS = {
    "torch": """
import torch
def theirs():
    y = torch.tanh(torch.linspace(-5, 5, 1 << 20))
    assert abs(y[-1] - 0.9999092) < 1e-6
""",
    "sklearn": """
import numpy
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.cluster import KMeans
data = numpy.linspace(0, 1, 6000).reshape(2000, 3) ** 2
def theirs():
    assert KMeans(3, n_init=1, random_state=0).fit(data).labels_.max() == 2
    model = HistGradientBoostingClassifier(max_iter=3).fit(data, data[:, 0] > 0.3)
    assert model.score(data, data[:, 0] > 0.3) > 0.99
""",
    "numba": """
import numba, numpy
numba.config.THREADING_LAYER = "{layer}"
@numba.njit(parallel=True)
def total(a):
    s = 0.0
    for i in numba.prange(a.size): s += a[i]
    return s
def theirs():
    assert total(numpy.ones(1 << 18)) == 1 << 18
    assert numba.threading_layer() == "{layer}"
""",
    "scipy": """
import numpy, scipy.linalg
def theirs():
    a = numpy.eye(600) * 2
    assert abs(scipy.linalg.solve(a, a) - numpy.eye(600)).max() == 0
""",
    "onnxruntime": """
import numpy, onnx, onnxruntime
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1 << 20]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Tanh", ["x"], ["y"])], "g", ends[:1], ends[1:])
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 3
session = onnxruntime.InferenceSession(model.SerializeToString(), options)
def theirs():
    y, = session.run(None, {"x": numpy.linspace(-5, 5, 1 << 20, dtype=numpy.float32)})
    assert abs(y[-1] - 0.9999092) < 1e-6
""",
    # NumPy's functions replaced by MKL's, and Intel's OpenMP runtime.
    "mkl": """
import mkl_fft, mkl_umath, numpy
mkl_umath.patch_numpy_umath()
signal = numpy.linspace(0, 1, 1 << 20).reshape(256, -1) ** 2
def theirs():
    assert abs(mkl_fft.ifft(mkl_fft.fft(signal)) - signal).max() < 1e-12
    assert abs(numpy.log(numpy.exp(signal)) - signal).max() < 1e-12
""",
}

MAIN = """
def threads():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
before = threads()
ours()
assert threads() <= before + 2  # fastact's workers
for _ in range(5):
    theirs(), ours()
before = threads()
for _ in range(5):
    ours()
assert threads() <= before
import threading
callers = [threading.Thread(target=call) for call in (ours, theirs)]
for caller in callers: caller.start()
for caller in callers: caller.join()
theirs(), ours()
print("done")
"""


@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("neighbour", ["torch", "sklearn", "numba:omp", "numba:tbb", "scipy",
                                       "onnxruntime", "mkl"])  # fmt: skip
def test_imported_before_and_after_and_called_in_turn(neighbour, first):
    name, _, layer = neighbour.partition(":")
    needed = {"mkl": ["mkl_fft", "mkl_umath"], "onnxruntime": ["onnx", "onnxruntime"]}
    for module in needed.get(name, [name]):
        if importlib.util.find_spec(module) is None:  # not imported: this process stays without
            pytest.skip(f"needs {module}")
    if layer == "tbb":
        pytest.importorskip("numba.np.ufunc.tbbpool", reason="needs TBB", exc_type=ImportError)
    theirs = NEIGHBOURS[name].replace("{layer}", layer)
    program = FASTACT + theirs if first == "ours" else theirs + FASTACT
    assert run_child(program + MAIN, OMP_NUM_THREADS="3").endswith("done")


def test_threads_beside_a_blas():
    """A BLAS that multiplies in its own threads between the calls, as a network does."""
    a, x = np.ones((300, 300)), np.linspace(-5, 5, 1 << 17)
    with fa.num_threads(1):
        expected = fa.mish(x).tobytes()
    for _ in range(50):
        assert (a @ a)[0, 0] == 300
        assert fa.mish(x).tobytes() == expected


def test_neighbour_is_not_held_up():
    """What runs beside a loop of calls gets the interpreter meanwhile."""
    x, beside = np.linspace(-5, 5, 1 << 20), []
    stop = threading.Event()

    def count():
        number = 0
        while not stop.is_set():
            number += 1
        beside.append(number)

    thread = threading.Thread(target=count)
    thread.start()
    for _ in range(20):
        fa.mish(x)
    stop.set()
    thread.join()
    assert beside[0] > 1000
