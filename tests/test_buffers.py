"""fastact.buffers: the kernels over anything with the buffer protocol, from Python and Cython."""

from __future__ import annotations

import copy
import ctypes
import math
import mmap
import os
import pickle
import re
import shutil
import subprocess
import sys
import sysconfig
from array import array
from multiprocessing import shared_memory
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa
from fastact import buffers
from fastact.catalogue import CATALOGUE

pytestmark = pytest.mark.one_of_each_kind

FORMATS = {np.float32: "f", np.float64: "d"}
OPERATIONS = ("value", "derivative", "backward")
every_operation = pytest.mark.parametrize("operation", OPERATIONS)
with_parameters = pytest.mark.parametrize(
    "row", [row for row in CATALOGUE if row.parameters], ids=lambda row: row.name
)


@pytest.fixture
def function(row):
    return getattr(buffers, row.name)


def member(function, operation):
    return function if operation == "value" else getattr(function, operation)


def numbers(n, dtype=np.float64):
    return ((np.arange(n) - n // 3) * 0.37).astype(dtype)


def arguments(operation, x):
    return (x * 0.75 + 1, x) if operation == "backward" else (x,)


def assert_same_bits(buffer, expected):
    view = memoryview(buffer)
    assert view.nbytes == expected.nbytes
    assert view.tobytes() == expected.tobytes()


# ---- every kind of buffer -----------------------------------------------------------------------


def as_array(x):
    return array(FORMATS[x.dtype.type], x.tolist())


def as_memoryview(x):
    return memoryview(x.tobytes()).cast(FORMATS[x.dtype.type])


def as_bytearray(x):
    return memoryview(bytearray(x.tobytes())).cast(FORMATS[x.dtype.type])


def as_ctypes(x):
    kind = ctypes.c_float if x.dtype == np.float32 else ctypes.c_double
    return (kind * len(x))(*x.tolist())


def as_ndarray(x):
    return x.copy()


def as_mmap(x):
    memory = mmap.mmap(-1, max(x.nbytes, 1))
    memory[: x.nbytes] = x.tobytes()
    return memoryview(memory)[: x.nbytes].cast(FORMATS[x.dtype.type])


def as_middle(x):
    longer = np.concatenate([np.full(3, 7, x.dtype), x, np.full(3, 7, x.dtype)])
    return memoryview(longer)[3 : 3 + len(x)]


KINDS = [as_array, as_memoryview, as_bytearray, as_ctypes, as_ndarray, as_mmap, as_middle]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
@every_operation
def test_same_bits_as_the_functions_of_arrays(row, function, dtype, operation, kind):
    for n in (0, 1, 3, 8, 100, 5000):
        x = arguments(operation, numbers(n, dtype))
        expected = member(getattr(fa, row.name), operation)(*x)
        given = [kind(a) for a in x]
        result = member(function, operation)(*given)
        assert type(result) is array
        assert result.typecode == FORMATS[dtype]
        assert_same_bits(result, expected)
        for before, after in zip(x, given, strict=True):
            assert_same_bits(after, before)


@every_kind
@every_operation
def test_out(row, function, dtype, operation, kind):
    x = arguments(operation, numbers(100, dtype))
    expected = member(getattr(fa, row.name), operation)(*x)
    out = kind(np.zeros(100, dtype))
    if memoryview(out).readonly:
        with pytest.raises(ValueError, match="read-only"):
            member(function, operation)(*x, out=out)
        assert_same_bits(out, np.zeros(100, dtype))
        return
    assert member(function, operation)(*x, out=out) is out
    assert_same_bits(out, expected)
    # In place, over each of the inputs.
    for i in range(len(x)):
        given = [kind(a) for a in x]
        assert member(function, operation)(*given, out=given[i]) is given[i]
        assert_same_bits(given[i], expected)


def ctypes_rows(x):
    kind = ctypes.c_float if x.dtype == np.float32 else ctypes.c_double
    for n in reversed(x.shape):
        kind *= n
    return kind.from_buffer_copy(x.tobytes())


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 3), (2, 3, 4), (1, 1, 70, 40)])
@every_operation
def test_any_number_of_dimensions(row, function, dtype, operation, shape):
    x = arguments(operation, numbers(math.prod(shape), dtype).reshape(shape))
    expected = member(getattr(fa, row.name), operation)(*x)
    called = member(function, operation)
    makers = [np.ndarray.copy]
    if x[0].size:
        makers.append(ctypes_rows)
        makers.append(lambda a: memoryview(bytearray(a)).cast(FORMATS[dtype], shape))
    for make in makers:
        given = [make(np.asarray(a)) for a in x]
        result = called(*given)
        assert type(result) is array
        assert len(result) == x[0].size
        assert_same_bits(result, expected)
        out = make(np.zeros(shape, dtype))
        assert called(*given, out=out) is out
        assert_same_bits(out, expected)
        for i in range(len(x)):  # in place, over each of the inputs
            given = [make(np.asarray(a)) for a in x]
            assert called(*given, out=given[i]) is given[i]
            assert_same_bits(given[i], expected)


def test_shared_memory(row, function, dtype):
    x = numbers(1000, dtype)
    shared = shared_memory.SharedMemory(create=True, size=x.nbytes)
    try:
        view = shared.buf[: x.nbytes].cast(FORMATS[dtype])
        view[:] = as_memoryview(x)
        function(view, out=view)
        assert_same_bits(view, getattr(fa, row.name)(x))
        view.release()
    finally:
        shared.close()
        shared.unlink()


def test_every_format_that_is_native(function):
    order = "<" if sys.byteorder == "little" else ">"
    expected = function(array("d", [-1.0, 2.0]))
    for dtype in ("=f8", order + "f8"):
        assert function(np.array([-1.0, 2.0], dtype)) == expected


# ---- parameters ---------------------------------------------------------------------------------


@with_parameters
@every_operation
def test_parameters(row, function, dtype, operation):
    given = {p.name: 0.3 + i for i, p in enumerate(row.parameters)}
    x = arguments(operation, numbers(50, dtype))
    expected = member(getattr(fa, row.name), operation)(*x, **given)
    called = member(function, operation)
    assert_same_bits(called(*x, **given), expected)
    assert_same_bits(called(*x, *given.values()), expected)
    assert_same_bits(called(*x, *map(np.float64, given.values())), expected)
    assert_same_bits(called.with_parameters(**given)(*x), expected)
    assert_same_bits(member(function.with_parameters(**given), operation)(*x), expected)
    assert called.parameters == {p.name: p.default for p in row.parameters}
    assert called.with_parameters(**given).parameters == given
    # What with_parameters says are other defaults.
    defaults = called.parameters
    assert called.with_parameters(**given)(*x, **defaults) == called(*x)
    called.parameters.clear()  # a copy
    assert called.parameters == defaults


@with_parameters
@every_operation
def test_wrong_parameters(row, function, operation):
    called = member(function, operation)
    x = arguments(operation, numbers(3))
    name = row.parameters[0].name
    for wrong in ("0.5", None, 1j, [1.0], np.ones(3)):
        with pytest.raises(TypeError):
            called(*x, **{name: wrong})
        with pytest.raises(TypeError):
            called.with_parameters(**{name: wrong})
    with pytest.raises(ValueError, match=r"nan"):
        called(*x, float("nan"))
    with pytest.raises(ValueError, match=r"nan"):
        called.with_parameters(**{name: float("nan")})
    with pytest.raises(TypeError, match=rf"{name}.*by position and by name"):
        called(*x, 0.5, **{name: 0.5})


@every_operation
def test_unknown_and_surplus_arguments(row, function, operation):
    called = member(function, operation)
    x = arguments(operation, numbers(3))
    with pytest.raises(TypeError, match="nonsense"):
        called(*x, nonsense=1.0)
    with pytest.raises(TypeError, match="nonsense"):
        called.with_parameters(nonsense=1.0)
    with pytest.raises(TypeError, match="out="):
        called(*x, *called.parameters.values(), np.empty(3))
    for count in range(len(x)):
        with pytest.raises(TypeError):
            called(*x[:count])


# ---- errors write nothing -----------------------------------------------------------------------


WRONG_INPUTS = {
    "integers": (array("i", [1, 2, 3]), TypeError),
    "float16": (np.ones(3, np.float16), TypeError),
    "longdouble": (np.ones(3, np.longdouble), TypeError),
    "complex": (np.ones(3, np.complex64), TypeError),
    "swapped": (np.ones(3, np.dtype("f8").newbyteorder()), TypeError),
    "bytes": (bytes(24), TypeError),
    "bytearray": (bytearray(24), TypeError),
    "list": ([1.0, 2.0, 3.0], TypeError),
    "float": (3.0, TypeError),
    "none": (None, TypeError),
    "two dimensions": (np.ones((3, 1)), ValueError),  # the others have one
    "no dimension": (np.ones(()), ValueError),
    "transposed": (np.ones((3, 2)).T, ValueError),
    "stride": (np.ones(6)[::2], ValueError),
    "reversed": (np.ones(3)[::-1], ValueError),
    "unaligned": (np.frombuffer(bytes(25), np.float64, 3, 1), ValueError),
}


@pytest.mark.parametrize(("wrong", "error"), WRONG_INPUTS.values(), ids=WRONG_INPUTS)
@every_operation
def test_wrong_input(row, operation, wrong, error):
    if isinstance(wrong, np.ndarray) and wrong.dtype == np.longdouble and wrong.itemsize == 8:
        pytest.skip("long double is double here")
    called = member(getattr(buffers, row.name), operation)
    good = np.ones(3)
    out = np.full(3, 7.0)
    for i in range(len(arguments(operation, good))):
        given = list(arguments(operation, good))
        given[i] = wrong
        with pytest.raises(error):
            called(*given, out=out)
        assert (out == 7).all()


WRONG_OUTS = {
    "longer": (np.full(4, 7.0), ValueError),
    "shorter": (np.full(2, 7.0), ValueError),
    "empty": (np.full(0, 7.0), ValueError),
    "two dimensions": (np.full((3, 1), 7.0), ValueError),
    "stride": (np.full(6, 7.0)[::2], ValueError),
    "other format": (np.full(3, 7, np.float32), TypeError),
    "integers": (array("q", [7, 7, 7]), TypeError),
    "read-only": (memoryview(np.full(3, 7.0).tobytes()).cast("d"), ValueError),
    "list": ([7.0, 7.0, 7.0], TypeError),
    "unaligned": (np.frombuffer(bytearray(25), np.float64, 3, 1), ValueError),
}


@pytest.mark.parametrize(("out", "error"), WRONG_OUTS.values(), ids=WRONG_OUTS)
@every_operation
def test_wrong_out(function, operation, out, error):
    before = np.array(out)
    with pytest.raises(error):
        member(function, operation)(*arguments(operation, numbers(3)), out=out)
    assert np.array(out).tobytes() == before.tobytes()


@every_operation
def test_partial_overlap_is_refused(function, dtype, operation):
    memory = numbers(100, dtype)
    before = memory.copy()
    for shift in (-9, -1, 1, 9):
        x, out = memory[20:60], memory[20 + shift : 60 + shift]
        cases = [(x,)] if operation != "backward" else [(x, x.copy()), (x.copy(), x)]
        for given in cases:
            with pytest.raises(ValueError, match="overlaps"):
                member(function, operation)(*given, out=out)
    assert_same_bits(memory, before)


def test_inputs_of_different_length_or_format(function):
    for shapes in ((3, 4), (0, 4), ((2, 3), 6), ((2, 3), (3, 2)), ((), 1), ((0, 3), (3, 0))):
        with pytest.raises(ValueError, match="shape"):
            function.backward(*map(np.ones, shapes))
    with pytest.raises(TypeError, match="format"):
        function.backward(np.ones(3), np.ones(3, np.float32))


# ---- names --------------------------------------------------------------------------------------


def test_every_name_of_the_catalogue_is_there(row, function):
    assert isinstance(function, buffers.Function)
    assert function.__name__ == row.name
    assert function.derivative.__name__ == f"{row.name}.derivative"
    assert function.backward.__name__ == f"{row.name}.backward"
    assert repr(function) == f"<buffer function {row.name!r}>"
    for alias in row.aliases:
        assert getattr(buffers, alias) is function
    assert row.formula in function.__doc__
    assert row.derivative in function.derivative.__doc__
    names = {"Function", "softmax", *(n for r in CATALOGUE for n in (r.name, *r.aliases))}
    assert set(buffers.__all__) == names
    assert all(hasattr(buffers, name) for name in names)


def test_functions_are_not_made_by_hand():
    with pytest.raises(TypeError, match=r"fastact\.buffers"):
        buffers.Function()


def test_functions_cannot_be_changed(function):
    for name in ("__name__", "derivative", "backward", "parameters", "nonsense"):
        with pytest.raises(AttributeError):
            setattr(function, name, None)


@every_operation
def test_identity_after_pickle_and_copy(function, operation):
    called = member(function, operation)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(called, protocol)) is called
    assert copy.copy(called) is called
    assert copy.deepcopy([called])[0] is called


@with_parameters
@every_operation
def test_pickle_and_equality_of_other_parameters(row, function, operation):
    given = {p.name: 0.25 + i for i, p in enumerate(row.parameters)}
    made = member(function.with_parameters(**given), operation)
    again = pickle.loads(pickle.dumps(made))
    assert again == made == member(function, operation).with_parameters(**given)
    assert hash(again) == hash(made)
    assert again.parameters == given
    assert copy.deepcopy(made) is made
    x = arguments(operation, numbers(9))
    assert again(*x) == made(*x)
    assert made != member(function, operation)
    assert made != function.with_parameters(**dict.fromkeys(given, 3.0))
    assert len({made, again, function, function.derivative, function.backward}) == 4
    assert made != fa.elu


def shifted(function):
    x = np.ones(3)
    return function(x[:2], out=x[1:])


WORDS = {
    "format 'f' .* not 'i'": lambda f: f(array("i", [1])),
    r"not 'B'; memoryview\(...\).cast": lambda f: f(bytearray(8)),
    "array.array.* not list": lambda f: f([1.0]),
    "not float": lambda f: f(1.0),
    "takes a buffer, x; 0": lambda f: f(),
    "grad and x; 1": lambda f: f.backward(array("d")),
    "contiguous: copy": lambda f: f(memoryview(array("d", [1, 2, 3]))[::2]),
    r"one shape, not \(2,\) and \(3,\)": lambda f: f(np.ones(2), out=np.ones(3)),
    "one format, not 'd' and 'f'": lambda f: f(np.ones(2), out=np.ones(2, "f4")),
    "out is read-only": lambda f: f(np.ones(1), out=memoryview(bytes(8)).cast("d")),
    "copy the input first": shifted,
    "aligned to their elements of 8": lambda f: f(memoryview(bytearray(9))[1:].cast("d")),
}


@pytest.mark.parametrize("words", WORDS)
def test_errors_say_what_is_wrong(function, words):
    with pytest.raises((TypeError, ValueError), match=words):
        WORDS[words](function)


# ---- softmax ------------------------------------------------------------------------------------


@every_kind
def test_softmax_of_one_row(dtype, kind):
    for n in (0, 1, 3, 100, 5000):
        x = numbers(n, dtype)
        given = kind(x)
        result = buffers.softmax(given)
        assert type(result) is array
        assert_same_bits(result, fa.softmax(x))
        assert_same_bits(given, x)
        if n and not memoryview(given).readonly:
            assert buffers.softmax(given, out=given) is given
            assert_same_bits(given, fa.softmax(x))


@pytest.mark.parametrize(
    "shape", [(3, 5), (1, 7), (7, 1), (0, 3), (3, 0), (200, 300), (2, 3, 4), (1, 2, 0, 3)]
)
def test_softmax_of_rows(dtype, shape):
    x = numbers(math.prod(shape), dtype).reshape(shape)
    expected = fa.softmax(x)
    assert_same_bits(buffers.softmax(x), expected)
    out = np.zeros(shape, dtype)
    assert buffers.softmax(x, out=out) is out
    assert_same_bits(out, expected)
    if x.size:
        view = memoryview(bytearray(x.tobytes())).cast(FORMATS[dtype], shape)
        assert buffers.softmax(view, out=view) is view
        assert_same_bits(view, expected)


def test_softmax_of_ctypes_rows():
    rows = ((ctypes.c_double * 3) * 2)((1, 2, 3), (0, 0, 5))
    expected = fa.softmax(np.array(rows))
    assert_same_bits(buffers.softmax(rows), expected)
    assert buffers.softmax(rows, out=rows) is rows
    assert_same_bits(rows, expected)


WRONG_ROWS = {
    "integers": (np.ones((2, 3), int), TypeError),
    "float16": (np.ones((2, 3), np.float16), TypeError),
    "list": ([1.0, 2.0], TypeError),
    "bytes": (bytes(8), TypeError),
    "no dimension": (np.ones(()), ValueError),
    "transposed": (np.ones((3, 2)).T, ValueError),
    "columns": (np.ones((2, 6))[:, ::2], ValueError),
    "stride": (np.ones(6)[::2], ValueError),
    "unaligned": (np.frombuffer(bytes(49), np.float64, 6, 1).reshape(2, 3), ValueError),
}


@pytest.mark.parametrize(("x", "error"), WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_softmax_of_wrong_input(x, error):
    with pytest.raises(error):
        buffers.softmax(x)


WRONG_ROW_OUTS = {
    "other shape": (np.full((3, 2), 7.0), ValueError),
    "one dimension": (np.full(6, 7.0), ValueError),
    "other format": (np.full((2, 3), 7, np.float32), TypeError),
    "integers": (np.full((2, 3), 7), TypeError),
    "transposed": (np.full((3, 2), 7.0).T, ValueError),
    "read-only": (
        memoryview(np.full((2, 3), 7.0).tobytes()).cast("B").cast("d", (2, 3)),
        ValueError,
    ),
    "list": ([7.0] * 6, TypeError),
}


@pytest.mark.parametrize(("out", "error"), WRONG_ROW_OUTS.values(), ids=WRONG_ROW_OUTS)
def test_softmax_with_wrong_out(out, error):
    before = np.array(out)
    with pytest.raises(error):
        buffers.softmax(np.ones((2, 3)), out=out)
    assert np.array(out).tobytes() == before.tobytes()


def test_softmax_refuses_partial_overlap(dtype):
    memory = numbers(20, dtype)
    with pytest.raises(ValueError, match="overlaps"):
        buffers.softmax(memory[:10], out=memory[1:11])
    with pytest.raises(ValueError, match="overlaps"):
        buffers.softmax(memory[:10].reshape(2, 5), out=memory[5:15].reshape(2, 5))
    assert_same_bits(memory, numbers(20, dtype))


def test_nan_and_infinities_come_through(function, dtype, row):
    x = np.array([np.nan, np.inf, -np.inf, -0.0, np.nan], dtype)
    assert_same_bits(
        np.nan_to_num(np.array(function(x)), nan=7.0),
        np.nan_to_num(getattr(fa, row.name)(x), nan=7.0),
    )
    assert np.isnan(np.array(function(x))).tolist()[::4] == [True, True]


# ---- from Cython --------------------------------------------------------------------------------

USER = """
# cython: language_level=3
from fastact cimport buffers
from fastact import buffers as functions

cdef buffers.Function elu = functions.elu.with_parameters(alpha=0.5)
cdef buffers.Function mish_slope = functions.mish.derivative
cdef buffers.Function elu_backward = elu.backward


def run(float[::1] x, float[::1] y, float[::1] slope, float[::1] grad, float[:, ::1] p):
    cdef float[:, ::1] rows = <float[:2, :x.shape[0] // 2]>&x[0]
    with nogil:
        buffers.apply(elu, x, y)
        buffers.apply(mish_slope, x, slope)
        buffers.apply_backward(elu_backward, slope, x, grad)
        buffers.softmax_rows(rows, p)


def run_double(const double[::1] x, double[::1] y):
    with nogil:
        buffers.apply(elu, x, y)


def run_until(const float[::1] x, float[::1] y, const int[::1] stop):
    # Until another thread, which needs the GIL for it, says that it is enough.
    cdef long calls = 0
    with nogil:
        while stop[0] == 0:
            buffers.apply(elu, x, y)
            calls += 1
    return calls


def run_wrong(const double[::1] x, double[::1] y, const double[:, ::1] rows, double[:, ::1] p,
              int what):
    with nogil:
        if what == 0:
            buffers.apply(elu, x, y)
        elif what == 1:
            buffers.apply_backward(elu, x, x, y)
        elif what == 2:
            buffers.apply(elu_backward, x, y)
        else:
            buffers.softmax_rows(rows, p)
"""

# What the documentation shows, compiled along with it.
DOCS = Path(__file__).parent.parent / "docs"
SHOWN = [
    block
    for page in (DOCS / "buffers.md", DOCS / "howto" / "cython.md")
    if page.exists()
    for block in re.findall(
        r"^```cython\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
]

BUILD = """
import sys
from setuptools import Extension, setup
from Cython.Build import cythonize
setup(
    script_args=["--quiet", "build_ext", "--inplace"],
    ext_modules=cythonize(
        [Extension("user", ["user.pyx"])], include_path=[sys.argv[1]], quiet=True
    ),
)
"""


def compiler_is_missing():
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return sys.platform != "win32" and (shutil.which(command) is None or not headers.exists())


@pytest.fixture(scope="module")
def user(tmp_path_factory, from_file):
    """The module above, compiled against the package that is imported here."""
    for needed in ("Cython", "setuptools"):
        pytest.importorskip(needed)
    if compiler_is_missing():
        pytest.skip("no C compiler, or no headers of Python")
    package = Path(fa.__path__[0])
    assert (package / "buffers.pxd").exists()
    directory = tmp_path_factory.mktemp("user")
    (directory / "user.pyx").write_text("\n\n".join([USER, *SHOWN]))
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(package.parent)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (library,) = directory.glob("user*" + sysconfig.get_config_var("EXT_SUFFIX"))
    return from_file(library)


@once
@pytest.mark.parametrize("n", [2, 64, 5000])
def test_cimport(user, n):
    x = numbers(n, np.float32)
    y, slope, grad = (np.zeros(n, np.float32) for _ in range(3))
    p = np.zeros((2, n // 2), np.float32)
    user.run(x, y, slope, grad, p)
    assert_same_bits(y, fa.elu(x, 0.5))
    assert_same_bits(slope, fa.mish.derivative(x))
    assert_same_bits(grad, fa.elu.backward(slope, x, 0.5))
    assert_same_bits(p, fa.softmax(x.reshape(2, n // 2)))
    double, out = numbers(n), np.zeros(n)
    user.run_double(double, out)
    assert_same_bits(out, fa.elu(double, 0.5))


@once
def test_cython_of_the_documentation(user):
    if not DOCS.exists():
        pytest.skip("needs the source tree")
    assert len(SHOWN) == 2
    x, grad = numbers(64, np.float32), numbers(64, np.float32)[::-1].copy()
    value, slope = fa.elu(x, 0.5), fa.elu.backward(grad, x, 0.5)
    user.elu_and_gradient(x, grad, 0.5)
    assert_same_bits(x, value)
    assert_same_bits(grad, slope)
    rows = numbers(64, np.float32).reshape(4, 16)
    expected = fa.softmax(fa.silu(rows))
    user.dense_step(rows)
    assert_same_bits(rows, expected)


WAITING = """
import sys, threading
sys.path.insert(0, {directory!r})
import numpy as np
import user
x, stop = np.linspace(-1, 1, 100, dtype=np.float32), np.zeros(1, np.intc)
y = np.zeros_like(x)
def say_stop():
    while not y.any():
        pass
    stop[0] = 1
thread = threading.Thread(target=say_stop)
thread.start()
print(user.run_until(x, y, stop) > 0)
thread.join()
"""


@once
def test_cimported_functions_run_without_the_gil(user, run_python):
    """With it, no other thread could ever end the loop."""
    program = WAITING.format(directory=str(Path(user.__file__).parent))
    assert run_python(program) == "True\n"


@once
def test_cimport_checks(user):
    x, rows = numbers(6), numbers(6).reshape(2, 3)
    memory = numbers(9)
    for y, p, what, error in (
        (np.zeros(5), rows, 0, ValueError),
        (memory[1:7], rows, 0, None),
        (np.zeros(6), rows, 1, TypeError),
        (np.zeros(6), rows, 2, TypeError),
        (np.zeros(6), np.zeros((3, 2)), 3, ValueError),
    ):
        if error is None:
            user.run_wrong(x, y, rows, p, what)
            continue
        with pytest.raises(error):
            user.run_wrong(x, y, rows, p, what)
        assert (y == 0).all()
    with pytest.raises(ValueError, match="overlaps"):
        user.run_wrong(memory[:6], memory[1:7], rows, rows, 0)
    empty = np.zeros(0)
    user.run_wrong(empty, empty, rows, rows, 0)
