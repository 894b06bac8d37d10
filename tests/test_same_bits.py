"""An element's bits depend on its value alone: not on where it stands, how it is laid out, how
many threads there are, which way the call takes, or, with FMA, which instruction set computes."""

from __future__ import annotations

import ctypes
import hashlib
import json
from array import array

import numpy as np
import oracle
import pytest

import fastact
from fastact import buffers
from fastact.catalogue import CATALOGUE

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
WITH_PARAMETERS = [row for row in CATALOGUE if row.parameters]


def sample(dtype, n=1500, seed=1):
    """Gradients and inputs of every kind, NaN too, in no order."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    parts = [rng.normal(0, size, n // 6) for size in (1e-3, 1, 10, 100)]
    parts += [oracle.random_bits(rng, n // 6, dtype), oracle.edges(dtype)]
    strange = [np.nan, np.inf, -np.inf, 0.0, -0.0, info.max, info.tiny, 6.0, -745.0, -104.0]
    parts.append(np.resize(np.array(strange, dtype), n // 6))
    x = np.concatenate([np.asarray(part, dtype) for part in parts])
    rng.shuffle(x)
    return oracle.random_bits(rng, x.size, dtype), x


def call(function, operation, grad, x, parameters, **keywords):
    """One operation of an activation as a list of arrays."""
    member = function if operation == "value" else getattr(function, operation)
    inputs = (grad, x) if operation == "backward" else (x,)
    done = member(*inputs, **parameters, **keywords)
    return list(done) if isinstance(done, tuple) else [done]


def same(got, expected):
    """Whether two results have the same dtype, shape and bits; a NaN may be any NaN."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return False
    nan = np.isnan(expected)
    if not np.array_equal(np.isnan(got), nan):
        return False
    bits = oracle.integer_of(got.dtype.type)
    # One by one, as a copy: x may be of any layout.
    got, expected = (np.ascontiguousarray(a[~nan]).view(bits) for a in (got, expected))
    return np.array_equal(got, expected)


def all_same(got, expected):
    return all(same(a, b) for a, b in zip(got, expected, strict=True))


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return request.param


def test_comparison_sees_the_sign_of_zero_and_the_last_bit():
    one = np.array([0.0, 1.0, np.nan], np.float32)
    assert same(one, one.copy())
    assert not same(np.array([-0.0, 1, np.nan], np.float32), one)
    assert not same(
        np.array([0, np.nextafter(np.float32(1), np.float32(2)), np.nan], np.float32), one
    )
    assert not same(np.array([0, 1, 1], np.float32), one)
    assert not same(one.astype(np.float64), one)


# ---- position -----------------------------------------------------------------------------------


def test_one_by_one(row, activation, parameters, dtype, operation):
    grad, x = sample(dtype, 300)
    whole = call(activation, operation, grad, x, parameters)
    for i in range(x.size):
        part = slice(i, i + 1)
        one = call(activation, operation, grad[part], x[part], parameters)
        assert all_same(one, [result[part] for result in whole]), x[part]
    scalars = [call(activation, operation, grad[i], x[i], parameters) for i in range(60)]
    for result, ones in zip(whole, zip(*scalars, strict=True), strict=True):
        assert same(np.array(ones), result[:60])


def test_every_offset(row, activation, parameters, dtype, operation):
    grad, x = sample(dtype)
    whole = call(activation, operation, grad, x, parameters)
    for offset in range(1, 16):
        moved = call(activation, operation, grad[offset:], x[offset:], parameters)
        assert all_same(moved, [result[offset:] for result in whole])
        # Aligned inputs, but an output that is not.
        if operation != "value_and_derivative":
            out = np.empty(x.size + offset, dtype)[offset:]
            call(activation, operation, grad, x, parameters, out=out)
            assert same(out, whole[0])


def test_every_length(row, activation, parameters, dtype, operation):
    grad, x = sample(dtype)
    whole = call(activation, operation, grad, x, parameters)
    for n in range(101):
        short = call(activation, operation, grad[:n], x[:n], parameters)
        assert all_same(short, [result[:n] for result in whole])


# ---- threads ------------------------------------------------------------------------------------


@pytest.mark.one_of_each_kind
def test_two_threads(row, activation, parameters, dtype, operation, low_threshold):
    grad, x = sample(dtype, 4000)
    with fastact.num_threads(1):
        serial = call(activation, operation, grad, x, parameters)
        strided = call(activation, operation, grad[::2], x[::2], parameters)
    with fastact.num_threads(2):
        assert all_same(call(activation, operation, grad, x, parameters), serial)
        assert all_same(call(activation, operation, grad[::2], x[::2], parameters), strided)
        for n in (2, 3, 31, 511, 513, 1025):
            parts = call(activation, operation, grad[1 : n + 1], x[1 : n + 1], parameters)
            assert all_same(parts, [result[1 : n + 1] for result in serial])


def digest(results):
    """A digest of the bits, all NaN being one."""
    total = hashlib.sha256()
    for result in results:
        total.update(np.where(np.isnan(result), result.dtype.type(np.nan), result).tobytes())
    return total.hexdigest()[:16]


def digests(n, threads=1, threshold=None):
    """The digest of every operation of every activation, and of softmax."""
    if threshold is not None:
        for cost in fastact.runtime_info()["parallel_threshold"]:
            fastact._runtime._set_parallel_threshold(cost, threshold)
    found = {}
    with fastact.num_threads(threads):
        for dtype in (np.float32, np.float64):
            grad, x = sample(dtype, n)
            for row in CATALOGUE:
                function = getattr(fastact, row.name)
                for operation in OPERATIONS:
                    key = f"{row.name} {operation} {dtype.__name__}"
                    found[key] = digest(call(function, operation, grad, x, {}))
                    found[key + " strided"] = digest(
                        call(function, operation, grad[::-2], x[::-2], {})
                    )
                    if row.parameters:  # the other kernel: a parameter for each element
                        varying = oracle.allowed(
                            row,
                            {
                                p.name: np.linspace(-2, 2, x.size, dtype=dtype)
                                for p in row.parameters
                            },
                        )
                        found[key + " varying"] = digest(
                            call(function, operation, grad, x, varying)
                        )
                        for number in (-2.0, 0.0, 0.5, 10.0):
                            others = oracle.allowed(row, {p.name: number for p in row.parameters})
                            found[f"{key} {number}"] = digest(
                                call(function, operation, grad, x, others)
                            )
            rng = np.random.default_rng(5)
            for columns in (7, 100, 5000):
                logits = rng.normal(0, 30, (max(2, n // columns // 8), columns)).astype(dtype)
                gradients = rng.normal(size=logits.shape).astype(dtype)
                softmax = fastact.softmax
                results = [softmax(logits), softmax.backward(gradients, logits)]
                results.append(softmax.backward_from_output(gradients, results[0]))
                results += [softmax(logits, axis=0), softmax(logits[:, ::-2], axis=None)]
                results.append(softmax.backward(gradients, logits, axis=0))
                results.append(softmax(logits[1:].T, axis=0).T)
                assert same(results[-1], results[0][1:])
                if columns < 5000:
                    results.append(softmax.jacobian(logits[:50]))
                for name in ("log_softmax", "softmin", "logsumexp", "sparsemax"):
                    function = getattr(fastact, name)
                    results += [function(logits), function(logits, 0), function(logits[:, ::-2])]
                    results.append(function(logits, where=logits > -9, temperature=0.7))
                    results.append(function.backward(function(logits), logits))
                labels = np.arange(len(logits)) % columns
                results.append(fastact.cross_entropy(logits, labels, reduction="none"))
                results.append(fastact.cross_entropy.backward(1.0, logits, labels))
                found[f"softmax {columns} {dtype.__name__}"] = digest(results)
    return found


@pytest.mark.parametrize("n", [1237, 40_000, 40_001])
def test_eight_threads(run_python, n):
    """In a process that OpenMP allows eight threads, however few processors there are."""
    printed = run_python(
        "import json, fastact, test_same_bits\n"
        "from test_same_bits import digests\n"
        "with fastact.num_threads(8): allowed = fastact.get_num_threads()\n"
        f"print(json.dumps([allowed, *(digests({n}, t, 16) for t in (1, 2, 3, 7, 8))]))\n",
        OMP_NUM_THREADS="8",
    )
    allowed, one, *others = json.loads(printed)
    assert allowed == (8 if fastact.runtime_info()["openmp"] else 1)
    for more in others:
        assert [key for key in one if one[key] != more[key]] == []


# ---- instruction sets ---------------------------------------------------------------------------


def test_instruction_sets_with_fma_agree(run_python):
    """Nothing but the width of the vectors differs between AVX2 and AVX-512."""
    available = [isa for isa in fastact.runtime_info()["isa_available"] if isa.startswith("avx")]
    if len(available) < 2:
        pytest.skip("this processor has fewer than two instruction sets with FMA")
    program = (
        "import json, fastact\n"
        "from test_same_bits import digests\n"
        "print(json.dumps([fastact.runtime_info()['isa'], digests(120_000)]))\n"
    )
    found = {}
    for isa in available:
        used, found[isa] = json.loads(run_python(program, FASTACT_ISA=isa))
        assert used == isa
    first, *others = found.values()
    for other in others:
        assert [key for key in first if first[key] != other[key]] == []


# ---- ways ---------------------------------------------------------------------------------------


@pytest.mark.one_of_each_kind
def test_short_way_and_ufunc_way(row, activation, parameters, dtype, operation):
    grad, x = sample(dtype)
    short = call(activation, operation, grad, x, parameters)
    member = activation if operation == "value" else getattr(activation, operation)
    inputs = (grad, x) if operation == "backward" else (x,)
    done = member.ufunc(*inputs, *parameters.values())
    assert all_same(list(done) if isinstance(done, tuple) else [done], short)
    # By a keyword that the short way does not know, and with parameters of the loop's dtype.
    assert all_same(call(activation, operation, grad, x, parameters, order="K"), short)
    typed = {name: dtype(value) for name, value in parameters.items()}
    assert all_same(call(activation, operation, grad, x, typed), short)


@pytest.mark.one_of_each_kind
def test_numbers_and_arrays(row, activation, parameters, dtype, operation):
    """Python's numbers, NumPy's, arrays of no dimension and lists have the bits of an array."""
    grad, x = sample(dtype, 1500)
    grad, x = grad[:64], x[:64]
    whole = call(activation, operation, grad, x, parameters)
    kinds = [dtype, lambda number: np.array(number, dtype)]
    if dtype is np.float64:
        kinds.append(float)
        lists = call(activation, operation, grad.tolist(), x.tolist(), parameters)
        assert all_same(lists, whole)
    for kind in kinds:
        ones = [
            call(activation, operation, kind(g), kind(number), parameters)
            for g, number in zip(grad, x, strict=True)
        ]
        for result, of_each in zip(whole, zip(*ones, strict=True), strict=True):
            assert same(np.array(of_each), result)


@pytest.mark.one_of_each_kind
def test_long_arrays_in_pieces(row, activation, dtype, operation, low_threshold):
    """NumPy hands over in pieces what it converts, swaps, copies or masks."""
    grad, x = sample(dtype, 25_000)
    odd = np.arange(x.size) % 3 == 1
    parameters = oracle.allowed(row, {p.name: -1.25 for p in row.parameters})
    expected = call(activation, operation, grad, x, parameters)
    for layout in ("byte-swapped", "unaligned", "field of a packed record", "every second"):
        arrays = [LAYOUTS[layout](a) for a in (grad, x)]
        wanted = [LAYOUTS[layout](result) for result in expected]
        wanted = [np.array(result, dtype) for result in wanted]
        assert all_same(call(activation, operation, *arrays, parameters), wanted)
    outs = [np.full(x.size, 7, dtype) for _ in expected]
    call(activation, operation, grad, x, parameters, out=tuple(outs), where=odd)
    assert all_same(outs, [np.where(odd, result, dtype(7)) for result in expected])
    # From the other dtype, and into it.
    other = {np.float32: np.float64, np.float64: np.float32}[dtype]
    with np.errstate(over="ignore"):
        rounded = [a.astype(other) for a in (grad, x)]
        converted = call(activation, operation, *rounded, parameters, dtype=dtype)
        back = [a.astype(dtype) for a in rounded]
    assert all_same(converted, call(activation, operation, *back, parameters))
    outs = [np.full(x.size, 7, other) for _ in expected]
    with np.errstate(all="ignore"):
        call(activation, operation, grad, x, parameters, out=tuple(outs), dtype=dtype)
        assert all_same(outs, [result.astype(other) for result in expected])
    # One x for many gradients, and many for one.
    rows, x = x[: 24 * 1000].reshape(24, 1000), x[:1000]
    for a, b in ((rows, x), (x, rows), (rows[:, :1], x)):
        if operation == "backward":
            whole = [np.array(array) for array in np.broadcast_arrays(a, b)]
            expected = call(activation, operation, *whole, parameters)
            assert all_same(call(activation, operation, a, b, parameters), expected)


@pytest.mark.one_of_each_kind
def test_fixed_parameters(row, activation, parameters, dtype, operation):
    grad, x = sample(dtype, 300)
    fixed = activation.with_parameters(**parameters)
    expected = call(activation, operation, grad, x, parameters)
    assert all_same(call(fixed, operation, grad, x, {}), expected)


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
def test_array_parameter_and_scalar_parameter(row, activation, parameters_of, dtype, operation):
    grad, x = sample(dtype)
    for parameters in parameters_of(row):
        scalar = call(activation, operation, grad, x, parameters)
        full = {name: np.full(x.shape, value, dtype) for name, value in parameters.items()}
        assert all_same(call(activation, operation, grad, x, full), scalar)
        # One that repeats along an axis: the innermost loop sees one value, the outer many.
        column = {name: np.full((2, 1), value, dtype) for name, value in parameters.items()}
        pairs = call(activation, operation, np.stack([grad, grad]), np.stack([x, x]), column)
        assert all_same(pairs, [np.stack([result, result]) for result in scalar])


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
def test_a_parameter_for_each_element(row, activation, dtype, operation, rng):
    """Each element has its own: the result is what that parameter gives to all."""
    grad, x = sample(dtype)
    pool = [-2.5, -0.5, 0.0, 0.01, 1.0, 7.25, np.inf, -np.inf, 1e30, -1e-38]
    chosen = rng.integers(0, len(pool), x.size)
    every = [
        call(
            activation,
            operation,
            grad,
            x,
            oracle.allowed(row, {p.name: number for p in row.parameters}),
        )
        for number in pool
    ]
    expected = [
        np.choose(chosen, [result[output] for result in every]) for output in range(len(every[0]))
    ]
    array = np.array(pool, dtype)[chosen]
    for layout in (array, np.repeat(array, 3)[::3], array[::-1].copy()[::-1]):
        parameters = oracle.allowed(row, {p.name: layout for p in row.parameters})
        assert all_same(call(activation, operation, grad, x, parameters), expected)


def test_buffers(row, activation, parameters, dtype, low_threshold):
    function = getattr(buffers, row.name)
    code = {np.float32: "f", np.float64: "d"}[dtype]
    for n in (0, 1, 15, 64, 1000, 4001):
        grad, x = (a[:n].copy() for a in sample(dtype, 5000))
        views = [array(code, a.tobytes()) for a in (grad, x)]
        for operation in ("value", "derivative", "backward"):
            expected = call(activation, operation, grad, x, parameters)[0]
            got = call(function, operation, *views, parameters)[0]
            assert same(np.frombuffer(got, dtype), expected)
            out = (ctypes.c_float if code == "f" else ctypes.c_double) * n
            out = out()
            call(function, operation, *views, parameters, out=out)
            assert same(np.frombuffer(out, dtype, n) if n else np.empty(0, dtype), expected)


def test_silu_is_swish_with_beta_1(dtype, operation):
    grad, x = sample(dtype, 3000)
    silu = call(fastact.silu, operation, grad, x, {})
    assert all_same(call(fastact.swish, operation, grad, x, {}), silu)
    assert all_same(call(fastact.swish, operation, grad, x, {"beta": 1}), silu)
    ones = np.ones(x.shape, dtype)
    assert all_same(call(fastact.swish, operation, grad, x, {"beta": ones}), silu)


# ---- layout -------------------------------------------------------------------------------------

LAYOUTS = {
    "every second": lambda a: a[::2],
    "backwards": lambda a: a[::-1],
    "backwards by three": lambda a: a[1200::-3],
    "transposed": lambda a: a[:1200].reshape(24, 50).T,
    "Fortran": lambda a: np.asfortranarray(a[:1200].reshape(24, 50)),
    "columns": lambda a: a[:1200].reshape(24, 50)[:, 3:17],
    "every second column": lambda a: a[:1200].reshape(24, 50)[:, ::2],
    "planes": lambda a: a[:1200].reshape(4, 6, 50)[:, ::2].transpose(2, 0, 1),
    "repeated": lambda a: np.broadcast_to(a[:50], (3, 50)),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1),
    "off by 3 bytes": lambda a: np.frombuffer(b"abc" + a.tobytes(), a.dtype, offset=3),
    "off by 4 bytes": lambda a: np.frombuffer(b"abcd" + a.tobytes(), a.dtype, offset=4),
    "backwards in both": lambda a: a[:1200].reshape(24, 50)[::-1, ::-1],
    "of no dimension": lambda a: a[7].reshape(()),
    "field of a packed record": lambda a: packed(a),
}


def defaults(row):
    return {p.name: p.default for p in row.parameters}


def packed(a):
    records = np.zeros(a.size, np.dtype([("tag", "S1"), ("value", a.dtype)]))
    records["value"] = a
    return records["value"]


@pytest.mark.one_of_each_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(row, activation, dtype, operation, layout):
    grad, x = (LAYOUTS[layout](a) for a in sample(dtype))
    plain = [np.array(a, dtype, order="C") for a in (grad, x)]
    for parameters in ({}, oracle.allowed(row, {p.name: -1.25 for p in row.parameters})):
        expected = call(activation, operation, *plain, parameters)
        assert all_same(call(activation, operation, grad, x, parameters), expected)
        member = activation if operation == "value" else getattr(activation, operation)
        inputs = (grad, x) if operation == "backward" else (x,)
        done = member.ufunc(*inputs, *({**defaults(row), **parameters}).values())
        assert all_same(list(done) if isinstance(done, tuple) else [done], expected)
        # x alone so laid out, and an output that is
        assert all_same(call(activation, operation, plain[0], x, parameters), expected)
        if operation != "value_and_derivative" and x.flags.writeable:
            out = x.copy() if layout == "Fortran" else np.empty(2 * x.size, dtype)[::2]
            out = out.reshape(x.shape) if out.shape != x.shape and x.ndim == 1 else out
            if out.shape == x.shape:
                call(activation, operation, *plain, parameters, out=out)
                assert same(out, expected[0])


def test_in_place(row, activation, parameters, dtype):
    grad, x = sample(dtype)
    for operation in ("value", "derivative", "backward"):
        expected = call(activation, operation, grad, x, parameters)[0]
        own = x.copy()
        assert call(activation, operation, grad, own, parameters, out=own)[0] is own
        assert same(own, expected)
        every_second = np.repeat(x, 2)[::2]
        call(activation, operation, grad, every_second, parameters, out=every_second)
        assert same(every_second, expected)
        if operation == "backward":
            own = grad.copy()
            call(activation, operation, own, x, parameters, out=own)
            assert same(own, expected)
        # An output that begins within the input: NumPy's ufuncs copy first, and so it is here.
        shifted = np.concatenate([x[:3], x])
        call(activation, operation, grad, shifted[3:], parameters, out=shifted[:-3])
        assert same(shifted[:-3], expected)
