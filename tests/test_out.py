"""`out` may be any array, lie over the inputs in any way, be of any dtype that casting allows, and
belong to another process: what it holds is as if the inputs had been copied first."""

from __future__ import annotations

import os
from multiprocessing import shared_memory

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

FUNCTIONS = {
    "value of 1": (fa.sigmoid, 1, 1),
    "value of 1, cheap": (fa.relu, 1, 1),
    "derivative": (fa.mish.derivative, 1, 1),
    "value of 2": (fa.elu, 2, 1),
    "backward of 2": (fa.silu.backward, 2, 1),
    "backward of 3": (fa.leaky_relu.backward, 3, 1),
    "both of 1": (fa.tanh.value_and_derivative, 1, 2),
    "both of 2": (fa.elu.value_and_derivative, 2, 2),
}


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


# ---- views of one memory ------------------------------------------------------------------------

MEMORY = 1 << 16


@st.composite
def views(draw, shape, dtype, is_output):
    """An array of this shape as offset, strides and dtype of its elements in a memory. An input
    may show an element many times, an output shows each once."""
    size = dtype.itemsize
    strides = [0] * len(shape)
    within = 1  # what the dimensions that lie further inside take, in elements
    for d in draw(st.permutations(range(len(shape)))):
        if is_output or draw(st.integers(0, 3)):
            step = within * draw(st.sampled_from([1, 1, 1, 2]))
            within = step * shape[d]
        else:
            step = draw(st.sampled_from([0, 1, 2]))
        strides[d] = step * size * draw(st.sampled_from([1, 1, -1]))
    reach = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    # Near each other, so that they meet.
    offset = draw(st.sampled_from([0, 1, 2, 3, 16, 500])) * size + draw(st.sampled_from([0, 0, 1]))
    offset -= sum(r for r in reach if r < 0)
    note(f"{dtype.str} from {offset} by {strides}")
    return {"shape": shape, "dtype": dtype, "offset": offset, "strides": tuple(strides)}


def one_nan(arrays):
    """Put one NaN for all of them: which it is nobody says."""
    for a in arrays:
        if a.dtype.kind == "f":
            a[np.isnan(a)] = np.nan


@once
@settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    # low_threshold is the same for all examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(list(FUNCTIONS)),
    shape=st.sampled_from([(7,), (600,), (2500,), (3, 5), (4, 300), (40, 33), (2, 3, 100), (1, 9)]),
    dtypes=st.sampled_from(["f4 f4", "f8 f8", "f2 f2", ">f4 >f4", "f4 f8", "f8 f4", "i2 f8"]),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_views_of_one_memory(low_threshold, name, shape, dtypes, threads, data):
    function, inputs, outputs = FUNCTIONS[name]
    kinds = [np.dtype(kind) for kind in dtypes.split()]
    sources = [data.draw(views(shape, kinds[0], False)) for _ in range(inputs)]
    targets = [data.draw(views(shape, kinds[1], True)) for _ in range(outputs)]
    memory = np.zeros(MEMORY, np.uint8)
    memory.view(kinds[0])[:] = np.random.default_rng(7).normal(0, 3, MEMORY // kinds[0].itemsize)
    expected = memory.copy()
    outs = tuple(np.ndarray(buffer=memory, **target) for target in targets)
    assume(outputs == 1 or not np.shares_memory(*outs))

    with np.errstate(all="ignore"):  # unaligned, they are any numbers
        arrays = [np.ndarray(buffer=memory, **source) for source in sources]
        wanted = as_tuple(function(*[a.astype(a.dtype.newbyteorder("=")) for a in arrays]))
        places = [np.ndarray(buffer=expected, **target) for target in targets]
        for place, values in zip(places, wanted, strict=True):
            place[...] = values
        with fa.num_threads(threads):
            results = as_tuple(function(*arrays, out=outs))
    assert all(y is out for y, out in zip(results, outs, strict=True))
    one_nan([*outs, *places])
    assert memory.tobytes() == expected.tobytes()


# ---- named overlaps, at a size where threads share the work -------------------------------------

N = 6000
OVERLAPS = {
    "the same": (np.s_[:N], np.s_[:N]),
    "one further": (np.s_[:N], np.s_[1 : N + 1]),
    "one before": (np.s_[1 : N + 1], np.s_[:N]),
    "a tile further": (np.s_[:N], np.s_[512 : N + 512]),
    "a tile before": (np.s_[512 : N + 512], np.s_[:N]),
    "half of it": (np.s_[:N], np.s_[N // 2 : N + N // 2]),
    "reversed": (np.s_[:N], np.s_[N - 1 :: -1]),
    "both reversed": (np.s_[N - 1 :: -1], np.s_[N - 1 :: -1]),
    "reversed, one further": (np.s_[:N], np.s_[N:0:-1]),
    "interleaved": (np.s_[: 2 * N : 2], np.s_[1 : 2 * N : 2]),
    "spread out": (np.s_[:N], np.s_[: 2 * N : 2]),
    "drawn together": (np.s_[: 2 * N : 2], np.s_[:N]),
    "every second backwards": (np.s_[: 2 * N : 2], np.s_[2 * N - 1 :: -2]),
    "one beside all": (np.s_[: 2 * N : 2], np.s_[2 : 2 * N + 2 : 2]),
}


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_overlaps(low_threshold, name, overlap):
    function, inputs, outputs = FUNCTIONS[name]
    source, target = OVERLAPS[overlap]
    for dtype in (np.float16, np.float32, np.float64):
        numbers = np.linspace(-4, 4, 3 * N).astype(dtype)
        others = [(np.arange(N) % 7 * 0.25 + 0.25).astype(dtype) for _ in range(inputs - 1)]
        for place in range(inputs):  # of the grad, x or the parameter that `out` lies over
            for first in range(outputs):
                memory = numbers.copy()
                args = [*others[:place], memory[source], *others[place:]]
                wanted = as_tuple(function(*[a.copy() for a in args]))
                outs = [np.empty(N, dtype)] * outputs
                outs[first] = memory[target]
                function(*args, out=tuple(outs))
                for out, values in zip(outs, wanted, strict=True):
                    np.testing.assert_array_equal(out, values)
                outside = np.ones(3 * N, bool)
                outside[target] = False
                np.testing.assert_array_equal(memory[outside], numbers[outside])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_transposed_over_the_inputs(low_threshold, name, dtype):
    function, inputs, outputs = FUNCTIONS[name]
    square = np.linspace(-4, 4, 90 * 90).astype(dtype).reshape(90, 90)
    wanted = as_tuple(function(*[square] * inputs))
    memory = square.copy()
    outs = (memory.T, np.empty((90, 90), dtype))[:outputs]
    function(*[memory] * inputs, out=outs)
    for out, values in zip(outs, wanted, strict=True):
        np.testing.assert_array_equal(out, values)


def test_both_outs_are_the_inputs(low_threshold, dtype):
    x, alpha = np.linspace(-4, 4, N).astype(dtype), np.linspace(0.5, 2, N).astype(dtype)
    wanted = fa.elu.value_and_derivative(x, alpha)
    for outs in ((0, 1), (1, 0)):
        args = (x.copy(), alpha.copy())
        fa.elu.value_and_derivative(*args, out=tuple(args[i] for i in outs))
        for i, values in zip(outs, wanted, strict=True):
            np.testing.assert_array_equal(args[i], values)


@pytest.mark.parametrize("strides", [(1, 1), (0, 1), (1, 0), (2, 3), (0, 0), (-1, 1)])
def test_an_out_that_shows_elements_twice(low_threshold, dtype, strides):
    """What stays is what NumPy writes last."""
    shape = (600, 500)
    needed = 1 + sum((n - 1) * abs(s) for n, s in zip(shape, strides, strict=True))
    numbers = np.linspace(1, 4, needed).astype(dtype)
    x = np.random.default_rng(1).permutation(300_000).astype(dtype).reshape(shape)
    memories = []
    for function in (fa.relu, fa.elu, fa.leaky_relu.value_and_derivative, np.positive):
        memory = numbers.copy()
        start = memory[max(0, (shape[0] - 1) * -strides[0]) :]
        steps = [s * memory.itemsize for s in strides]
        out = np.lib.stride_tricks.as_strided(start, shape, steps, writeable=True)
        function(x, out=(out, None)[: function.nout])
        memories.append(memory)
    for memory in memories:
        np.testing.assert_array_equal(memory, memories[-1])


# ---- memory that is more than this process's ----------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memmap(name, dtype, tmp_path):
    function, inputs, outputs = FUNCTIONS[name]
    x = np.linspace(-4, 4, N).astype(dtype)
    wanted = as_tuple(function(*[x] * inputs))
    (tmp_path / "x").write_bytes(x.tobytes())
    mapped = [np.memmap(tmp_path / "x", dtype, "r") for _ in range(inputs)]
    for shape, order in (((N,), "C"), ((60, 100), "F")):
        outs = tuple(
            np.memmap(tmp_path / f"out {i}", dtype, "w+", shape=shape, order=order)
            for i in range(outputs)
        )
        results = function(*[a.reshape(shape, order=order) for a in mapped], out=outs)
        for i, (result, out, values) in enumerate(
            zip(as_tuple(results), outs, wanted, strict=True)
        ):
            assert result is out
            out.flush()
            assert (tmp_path / f"out {i}").read_bytes() == values.tobytes()
    read_only = tuple(np.memmap(tmp_path / f"out {i}", dtype, "r") for i in range(outputs))
    with pytest.raises(ValueError, match="read-only"):
        function(*mapped, out=read_only)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parts_of_a_memmap(name, tmp_path):
    """A file that is updated in place, block by block."""
    function, inputs, outputs = FUNCTIONS[name]
    x = np.linspace(-4, 4, N)
    (tmp_path / "x").write_bytes(x.tobytes())
    mapped = np.memmap(tmp_path / "x", x.dtype, "r+")
    for block in np.split(mapped, 6):
        outs = (block, np.empty(len(block)))[:outputs]
        function(*[block] * inputs, out=outs)
    mapped.flush()
    wanted = as_tuple(function(*[x] * inputs))[0]
    assert (tmp_path / "x").read_bytes() == wanted.tobytes()


CHILD = """
import numpy as np
import fastact as fa
from multiprocessing import resource_tracker, shared_memory
memory = shared_memory.SharedMemory({name!r})
# Or it would be taken away when this process ends.
resource_tracker.unregister(memory._name, "shared_memory")
x, y, slope = np.ndarray((3, {n}), np.float64, memory.buf)
fa.mish.value_and_derivative(x, out=(y, slope))
fa.elu(x[1::2], out=x[1::2])
del x, y, slope
memory.close()
"""


def test_shared_memory(run_python):
    x = np.linspace(-4, 4, N)
    memory = shared_memory.SharedMemory(create=True, size=3 * x.nbytes)
    try:
        shared = np.ndarray((3, N), np.float64, memory.buf)
        shared[0] = x
        run_python(CHILD.format(name=memory.name, n=N))
        value, slope = fa.mish.value_and_derivative(x)
        x[1::2] = fa.elu(x[1::2])
        np.testing.assert_array_equal(shared, [x, value, slope])
        fa.relu(shared, out=shared)
        np.testing.assert_array_equal(shared, fa.relu([x, value, slope]))
        del shared
    finally:
        memory.close()
        memory.unlink()


# ---- more elements than an int counts -----------------------------------------------------------

MANY = 2**31 + 9


@pytest.mark.skipif(
    "FASTACT_TEST_MANY" not in os.environ,
    reason="takes 9 GB and a minute: FASTACT_TEST_MANY=1 asks for it",
)
class TestManyElements:
    """Nothing stops or goes round at 2^31: what is beyond is computed, and nothing else is."""

    FAR = (0, 1, 2**30, 2**31 - 1, 2**31, 2**31 + 1, MANY - 1)

    def numbers(self, dtype=np.float16):
        x = np.zeros(MANY, dtype)
        x[list(self.FAR)] = [-1, 2, -3, 4, -5, 6, -7]
        return x

    def check(self, function, x, wanted_of):
        before = x[list(self.FAR)].copy()
        np.testing.assert_array_equal(function(x)[list(self.FAR)], wanted_of(before))
        assert x[2**31 + 4] == wanted_of(np.zeros(1, x.dtype))[0]

    def test_in_place(self):
        self.check(lambda x: fa.sigmoid(x, out=x), self.numbers(), fa.sigmoid)

    def test_backwards(self):
        x = self.numbers()[::-1]
        self.check(lambda x: fa.elu(x, 0.5, out=x), x, lambda x: fa.elu(x, 0.5))

    def test_integers(self):
        self.check(lambda x: fa.relu(x, out=x), self.numbers(np.int8), fa.relu)

    def test_columns(self):
        whole = np.full((2**28 + 2, 9), 3, np.float16)
        x = whole[:, :8]  # 2^31 + 16 elements, in rows that are apart
        fa.leaky_relu(x, 0.5, out=x)
        whole[-1] = whole[2**28] = -1
        fa.leaky_relu(x, 0.5, out=x)
        assert (
            whole[[0, 2**27, 2**28 - 1, 2**28 + 1]] == [[3] * 9] * 3 + [[-0.5] * 8 + [-1]]
        ).all()
        assert (whole[2**28] == [-0.5] * 8 + [-1]).all()

    def test_one_number_many_times(self):
        x = np.broadcast_to(np.float16(-2), MANY)
        out = np.zeros(MANY, np.float16)
        assert fa.elu(x, out=out) is out
        assert (out[list(self.FAR)] == fa.elu(np.float16(-2))).all()

    def test_one_row(self):
        x = self.numbers()
        far = x[list(self.FAR)].astype(np.float64)
        log = np.log(MANY - len(far) + np.exp(far).sum())
        fa.log_softmax(x, out=x)
        np.testing.assert_array_equal(x[list(self.FAR)], (far - log).astype(np.float16))
        assert fa.logsumexp(np.broadcast_to(np.float32(0), MANY)) == np.float32(np.log(MANY))
        rows = np.broadcast_to(np.float16([1, 1]), (2**30 + 5, 2))
        assert (fa.softmax(rows) == 0.5).all()

    def test_where(self):
        x = self.numbers()
        mask = np.broadcast_to(np.array(True), MANY)
        self.check(lambda x: fa.relu(x, out=x, where=mask), x, fa.relu)
