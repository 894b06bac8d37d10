"""fastact inside numba's @njit: the same bits as outside, without a line of user code for it."""

from __future__ import annotations

import pickle
import signal
from importlib import metadata

import numpy as np
import pytest
from fastact._kernels import OPERATIONS
from instruction_sets import once

import fastact as fa
from fastact.catalogue import CATALOGUE

pytestmark = once

numba = pytest.importorskip("numba")
llvmlite_binding = pytest.importorskip("llvmlite.binding")

STEEP = fa.swish.with_parameters(beta=1.702)
SLOPES = fa.leaky_relu.with_parameters(negative_slope=np.array([0.1, 0.2, 0.3]))
OPERATION_OF = {
    f"{row.name}.{kind}": getattr(fa, row.name)
    if kind == "value"
    else getattr(getattr(fa, row.name), kind)
    for row in CATALOGUE
    for kind in OPERATIONS
}


# Operations are types of their own: each is compiled for by itself.
@numba.njit
def of_one(f, x):
    return f(x)


@numba.njit
def of_two(f, x, y):
    return f(x, y)


@numba.njit
def of_three(f, x, y, z):
    return f(x, y, z)


INSIDE = {1: of_one, 2: of_two, 3: of_three}


def inside(operation, *arguments):
    return INSIDE[len(arguments)](operation, *arguments)


def assert_same_bits(got, expected):
    got = got if isinstance(got, tuple) else (got,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


def arrays_for(operation, x):
    return (x[::-1].copy(), x) if "backward" in operation.__name__ else (x,)


def numbers(dtype, shape=(7,)):
    return np.random.default_rng(3).normal(scale=3, size=shape).astype(dtype)


def test_numba_finds_it_by_the_entry_point(run_python):
    """In an installed fastact: nothing is imported or called for it."""
    (entry,) = [e for e in metadata.entry_points(group="numba_extensions") if "fastact" in e.value]
    assert entry.name == "init"
    program = """
import sys
import numpy as np, fastact as fa
assert not {"numba", "llvmlite", "fastact._numba"} & set(sys.modules)
import numba
assert "fastact._numba" not in sys.modules

@numba.njit
def layer(x, grad):
    y, slope = fa.mish.value_and_derivative(x)
    return fa.sigmoid(x), fa.elu(x, alpha=0.5), fa.silu.backward(grad, x), y, slope

x = np.linspace(-4, 4, 9)
expected = (fa.sigmoid(x), fa.elu(x, 0.5), fa.silu.backward(x, x), *fa.mish.value_and_derivative(x))
for got, wanted in zip(layer(x, x), expected, strict=True):
    assert got.tobytes() == wanted.tobytes()
print("same")
"""
    assert run_python(program).split() == ["same"]


# Compiling is what takes the time here: each of the 40 operations is compiled once for arrays, and
# the ways of calling one for a few of them.


@pytest.mark.parametrize("name", OPERATION_OF)
def test_every_operation(name):
    operation = OPERATION_OF[name]
    dtype = np.float32 if name.endswith((".value", ".backward")) else np.float64
    with np.errstate(over="ignore"):
        special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-310, 1e300], dtype)
    for x in (numbers(dtype), special):
        arrays = arrays_for(operation, x)
        assert_same_bits(inside(operation, *arrays), operation(*arrays))


def test_every_operation_has_its_symbols():
    names = [f"fastact.{name}.{dtype}" for name in OPERATION_OF for dtype in ("float32", "float64")]
    names += ["fastact.relu.value.int8", "fastact.relu6.value.uint64", "fastact.apply"]
    numba.typeof(fa.relu)  # by now numba has called fastact
    addresses = {llvmlite_binding.address_of_symbol(name) for name in names}
    assert None not in addresses
    assert len(addresses) == len(names)


@pytest.mark.parametrize(
    "operation", [fa.mish, fa.elu.derivative, fa.silu.backward, fa.tanh.value_and_derivative]
)
def test_numbers(operation):
    arrays = arrays_for(operation, numbers(np.float64))
    one = tuple(array[0] for array in arrays)
    assert_same_bits(inside(operation, *one), operation(*one))
    # numba hands out a float32 as Python's float, which it is exactly.
    narrow = tuple(np.float32(number) for number in one)
    expected = tuple(map(float, np.ravel(operation(*narrow))))
    assert np.ravel(inside(operation, *narrow)).tolist() == list(expected)


@pytest.mark.parametrize(
    ("operation", "dtype"), [(fa.elu, np.float32), (fa.leaky_relu.backward, np.float64)]
)
def test_parameters(operation, dtype):
    x = numbers(dtype, (2, 3))
    arrays = arrays_for(operation, x)
    for value in (0.3, 2, np.array([0.25, 0.5, 1.5], dtype), np.array([[0.25], [1.5]])):
        assert_same_bits(inside(operation, *arrays, value), operation(*arrays, value))
    # A scalar gives way to x's dtype, whatever its own: numba tells no Python number from others.
    assert_same_bits(inside(operation, *arrays, np.float64(0.3)), operation(*arrays, 0.3))
    with pytest.raises(ValueError, match="a parameter that is nan"):
        inside(operation, *arrays, np.nan)


def test_names_keywords_and_fixed_parameters():
    @numba.njit
    def call(x):
        return (
            fa.elu(x, alpha=0.5),
            fa.elu.backward(x, x, alpha=0.5),
            STEEP(x),
            STEEP.derivative(x),
            SLOPES(x),
        )

    x = numbers(np.float32, (4, 3))
    wide = SLOPES(x.astype(np.float64))  # an array of float64 is what makes it wide
    expected = (fa.elu(x, 0.5), fa.elu.backward(x, x, 0.5), STEEP(x), STEEP.derivative(x), wide)
    assert_same_bits(call(x), expected)
    with pytest.raises(numba.TypingError):
        numba.njit(lambda x: fa.elu(x=x))(1.0)
    with pytest.raises(numba.TypingError):
        numba.njit(lambda x: STEEP(x, 2.0))(1.0)


VIEWS = {
    "transposed": lambda x: x.T,
    "every second": lambda x: x[::2],
    "reversed and cut": lambda x: x[:, ::-1, 1:],
    "permuted": lambda x: x.transpose(1, 0, 2),
    "one dimension": lambda x: x[0, 0],
    "last column": lambda x: x[..., 0],
    "empty": lambda x: x[:0],
    "empty row": lambda x: x[0, 0, :0],
    "broadcast": lambda x: np.broadcast_to(x[0, 0], (3, 6)),
    "Fortran": lambda x: np.asfortranarray(x),
    "one element": lambda x: x[:1, :1, :1],
    "no dimension": lambda x: np.array(x[0, 0, 0]),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=[name.replace(" ", "-") for name in VIEWS])
def test_layouts(view):
    x = view(numbers(np.float64, (4, 5, 6)))
    assert_same_bits(inside(fa.mish, x), fa.mish(x))
    assert_same_bits(inside(fa.tanh.value_and_derivative, x), fa.tanh.value_and_derivative(x))


def test_broadcasting():
    x = numbers(np.float64, (4, 5, 6))
    for view in (x[0], x[:, :1], np.asfortranarray(x)):
        assert_same_bits(inside(fa.silu.backward, view, x), fa.silu.backward(view, x))
    slopes = np.abs(x[0, :, :1])
    assert_same_bits(inside(fa.leaky_relu, x[0, 0], slopes), fa.leaky_relu(x[0, 0], slopes))
    assert_same_bits(inside(fa.silu.backward, 0.75, x), fa.silu.backward(0.75, x))
    with pytest.raises(ValueError, match="broadcast"):
        inside(fa.silu.backward, x[0], x[:, 0])


def test_dtypes_are_numpys():
    x = numbers(np.float64)
    for operation, kinds in [(fa.mish, "?bH"), (fa.relu, "?bL"), (fa.relu.derivative, "i")]:
        for kind in kinds:
            integers = np.arange(-3, 4).astype(kind)
            assert_same_bits(inside(operation, integers), operation(integers))
    assert inside(fa.relu, 3) == 3
    assert type(inside(fa.relu, 3)) is int
    assert inside(fa.mish, 3) == fa.mish(3)
    narrow, small = x.astype(np.float32), np.arange(7, dtype=np.int8)
    for pair in ((narrow, x), (narrow, small)):
        assert_same_bits(inside(fa.silu.backward, *pair), fa.silu.backward(*pair))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: of_one(fa.mish, 1j), "fastact.mish"),
        (lambda: of_one(fa.mish, np.ones(3, complex)), "fastact.mish"),
        (lambda: of_one(fa.mish, "a"), "fastact.mish takes numbers and arrays"),
        (lambda: of_one(fa.mish, (1.0, 2.0)), "fastact.mish takes numbers and arrays"),
        (lambda: of_two(fa.elu, 1.0, None), "fastact.elu takes numbers and arrays"),
        (lambda: of_one(fa.silu.backward, 1.0), "missing a required argument"),
    ],
    ids=["complex", "complex array", "string", "tuple", "None", "one of two"],
)
def test_what_is_refused(call, message):
    with pytest.raises(numba.TypingError, match=message):
        call()


def test_in_parallel_loops_and_without_the_gil():
    @numba.njit(parallel=True)
    def by_rows(x):
        out = np.empty_like(x)
        for i in numba.prange(len(x)):
            out[i] = fa.mish(x[i])
        return out

    @numba.njit(parallel=True)
    def by_elements(x):
        out = np.empty_like(x)
        for i in numba.prange(x.size):
            out.flat[i] = fa.elu.derivative(x.flat[i], 0.5)
        return out

    @numba.njit(nogil=True)
    def alone(x):
        return fa.tanh(x)

    x = numbers(np.float64, (30, 20_000))
    assert_same_bits(by_rows(x), fa.mish(x))
    assert_same_bits(by_elements(x), fa.elu.derivative(x, 0.5))
    assert_same_bits(alone(x), fa.tanh(x))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
def test_a_signal_ends_compiled_code_at_once():
    """Else it would go on with a result that is written in part."""

    class SignalledError(Exception):
        pass

    def handler(number, frame):
        raise SignalledError

    @numba.njit
    def many(x, count):
        for _ in range(1000):
            count[0] += 1
            fa.mish(x)

    count = np.zeros(1, np.int64)
    many(np.ones(10), count)
    count[0] = 0
    before = signal.signal(signal.SIGALRM, handler)
    try:
        x = np.ones(1 << 26)  # a call looks for signals after 50 ms, so it has to take longer
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with fa.num_threads(1), pytest.raises(SignalledError):
            many(x, count)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert count[0] < 1000


def test_vectorize_makes_a_ufunc_of_it():
    @numba.vectorize(["float64(float64)", "float32(float32)"])
    def gated(x):
        return x * fa.sigmoid(x)

    x = numbers(np.float64)
    assert_same_bits(gated(x), x * fa.sigmoid(x))


CACHED = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np, fastact as fa, cached

x = np.linspace(-3, 3, 50)
assert cached.total(x) == fa.mish.derivative(x[0]) + fa.mish.derivative(x[1])
assert cached.arrays(x).tobytes() == fa.elu(x, 0.5).tobytes()
assert cached.given(fa.silu.derivative, x).tobytes() == fa.silu.derivative(x).tobytes()
for function in (cached.total, cached.arrays, cached.given):
    hits = sum(function.stats.cache_hits.values())
    print(hits)
"""


def test_compiled_code_is_cached_without_an_address(run_python, tmp_path):
    """What one process compiles another runs, where everything lies elsewhere."""
    (tmp_path / "cached.py").write_text(
        "import numba, fastact as fa\n"
        "@numba.njit(cache=True)\n"
        "def total(x):\n"
        "    return fa.mish.derivative(x[0]) + fa.mish.derivative(x[1])\n"
        "@numba.njit(cache=True)\n"
        "def arrays(x):\n"
        "    return fa.elu(x, 0.5)\n"
        "@numba.njit(cache=True)\n"
        "def given(f, x):\n"
        "    return f(x)\n"
    )
    program = CACHED.format(folder=str(tmp_path))
    assert run_python(program).split() == ["0", "0", "0"]
    assert run_python(program).split() == ["1", "1", "1"]


def test_types_pickle_as_what_they_are_the_type_of():
    for operation in (fa.mish, fa.elu.backward, STEEP, STEEP.derivative):
        kind = numba.typeof(operation)
        assert pickle.loads(pickle.dumps(kind)) is kind
    assert numba.typeof(STEEP) != numba.typeof(fa.swish)
