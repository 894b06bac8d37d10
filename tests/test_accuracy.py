"""What measures the accuracy is itself right; and a sweep of every kernel keeps to the bounds.

The judge (fastact/_accuracy.pyx, src_c/accuracy) is compared with arbitrary precision, and shown
wrong results. The sweep takes other inputs with every change of the compiled code.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
import oracle
import pytest
from instruction_sets import once

import fastact
from fastact import _accuracy
from fastact.catalogue import CATALOGUE, Row
from fastact.cli.accuracy import build, known_dtypes, known_isas
from fastact.cli.sweeps import PIECE, Case, Piece, merged, piece_of_all, piece_of_sample, sweep

mp = oracle.mp
ROWS = {row.name: row for row in CATALOGUE}
DTYPES = known_dtypes(None)
ISAS = known_isas(None)

needs_quad = pytest.mark.skipif(
    not _accuracy.judges("float64"), reason="this build has no quadruple precision"
)


def bits_of(numbers: Any, dtype: str) -> np.ndarray:
    x = np.atleast_1d(np.array(numbers, dtype))
    return x.view(f"u{x.itemsize}")


# ---- the exact values ---------------------------------------------------------------------------


def is_between(low: float, exact: Any, high: float) -> bool:
    """The oracle's slopes are right in 80 bits, or to what is nothing in float64."""
    slack = abs(exact) * mp.ldexp(1, -78) + mp.ldexp(1, -1130)
    return bool(low <= exact + slack and exact - slack <= high)


@once
@pytest.mark.parametrize("wide", [False, True])
def test_bounds_enclose_the_exact_values(row, parameters, wide):
    references = _accuracy.References(row, parameters, "float32")
    rng = np.random.default_rng(5)
    x = [
        *rng.normal(0, 3, 20),
        *rng.uniform(-800, 800, 20),
        *oracle.random_bits(rng, 20, np.float64),
        *row.kinks_at(references.parameters),
        *oracle.slope_roots(row, references.parameters),
        *(side * size for side in (-1, 1) for size in (0.0, 1e-320, 12000.0, 1e30, 1.7e308)),
    ]
    for number in x:
        value, slope = references.enclose(number, wide)
        assert is_between(value[0], oracle.value(row, number, references.parameters), value[1])
        exact = oracle.derivative(row, number, references.parameters)
        assert is_between(slope[0], exact, slope[1]), number


@once
@needs_quad
def test_wide_bounds_are_narrow(row, parameters):
    """Neighbours as doubles, also where a naive evaluation of the formula overflows; beside the
    root of a slope they have lost what cancels."""
    references = _accuracy.References(row, parameters, "float32")
    x = [*np.linspace(-30, 30, 41), -1e5, 1e5, -1e30, 1e30, 1e-310]
    for number in x:
        for low, high in references.enclose(number):
            assert high - low <= abs(low) * 2**-51 + 1e-322
    for number in (-1e308, 1e308):
        low, high = references.enclose(number)[1]
        assert high - low <= abs(low) * 2**-51 + 1e-322 or math.isinf(high)
    for number in oracle.slope_roots(row, references.parameters):
        low, high = references.enclose(number)[1]
        assert abs(low) < 1e-15
        assert high - low < 1e-31


@once
def test_a_formula_out_of_reach_is_refused():
    for formula in ("gamma(x)", "x**3", "x % 2", "~x", "y", "1 < x < 2"):
        row = Row("f", "", formula, "", ("0", "0"), ("0", "0"), "", {})
        with pytest.raises(ValueError, match=r"cannot evaluate .* teach"):
            _accuracy.References(row, {}, "float32")


@once
def test_every_operation_of_a_formula():
    """Those that no row of the catalogue has so far, too."""
    formula = "abs(x)**2/(2 - -x) + log1p(x - 0.5)*3 if x >= 1 else expm1(-x)"
    row = Row("f", "", formula, "", ("0", "0"), ("0", "0"), "", {})
    references = _accuracy.References(row, {}, "float32")

    def exact(x: Any) -> Any:
        x = mp.mpf(x)
        if x >= 1:
            return abs(x) ** 2 / (2 + x) + mp.log1p(x - 0.5) * 3
        return mp.expm1(-x)

    for x, wide in itertools.product((-3.0, 0.25, 1.0, 7.5, 1e3), (False, True)):
        value, slope = references.enclose(x, wide)
        assert is_between(value[0], exact(x), value[1])
        assert is_between(slope[0], mp.diff(exact, x, direction=x >= 1), slope[1])


# ---- the verdict --------------------------------------------------------------------------------


@once
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_are_those_of_arbitrary_precision(dtype):
    """Results that are wrong by some floats, or by half of all there are."""
    row, bits = ROWS["silu"], Case(ROWS["silu"], {}, dtype).unsigned
    references = _accuracy.References(row, {}, dtype)
    kind = np.asarray(_accuracy.rounded(0.0, dtype)).dtype
    x = np.array([-80.5, -9.25, -3.5, -1.5, -0.3, 0.001, 0.7, 2.0, 11.0]).astype(kind)
    exact = [oracle.value(row, float(number), {}) for number in x]
    right = np.array([float(number) for number in exact]).astype(kind).view(bits)
    for steps in (0, 1, -1, 3, 1000):
        y = (right + np.array(steps).astype(bits)).view(kind)  # away from 0, or towards it
        for i in range(x.size):
            references.set_inputs(bits_of(x[i], kind))
            found = references.compare("value", bits_of(y[i], kind))
            wanted = oracle.ulps_of_name(y[i], exact[i], dtype)
            assert found["max_ulp"] == pytest.approx(wanted, rel=1e-6, abs=1e-6)
            assert found["misrounded"] == (wanted > 0.5)
            assert found["worst_x"] == int(bits_of(x[i], kind)[0]) or wanted == 0
            assert (found["inputs"], found["undecided"]) == (1, 0)


@once
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 0.25, 0.0, -0.0, 1e-40])
def test_one_wrong_result_is_found(dtype, wrong):
    """In the middle of a block that is constant by proof, of one that is linear, of any other."""
    if not _accuracy.judges(dtype):
        pytest.skip("this build cannot judge it")
    references = _accuracy.References(ROWS["tanh"], {}, dtype)
    for start in (-50.0, -1e-20, -3.0, 1e-15, 0.5, 77.0):
        first = Case(ROWS["tanh"], {}, dtype).place(start)
        x = _accuracy.in_order(dtype, first, first + 600)
        y = fastact.tanh(x.view(dtype))
        references.set_inputs(x)
        assert references.compare("value", y.view(x.dtype))["max_ulp"] <= 1
        y[123] = wrong
        found = references.compare("value", y.view(x.dtype))
        assert found["max_ulp"] > 1e6 or (start == -3.0 and wrong == math.inf)
        assert (found["worst_x"], found["misrounded"] >= 1) == (int(x[123]), True)


@once
def test_a_wrong_sign_and_a_number_for_nan_are_infinitely_wrong():
    references = _accuracy.References(ROWS["silu"], {}, "float32")
    references.set_inputs(bits_of(-100.0, "float32"))
    assert references.compare("value", bits_of(3.7e-42, "float32"))["max_ulp"] == math.inf
    references.set_inputs(bits_of(-300.0, "float32"))
    assert references.compare("value", bits_of(0.0, "float32"))["max_ulp"] == math.inf
    assert references.compare("value", bits_of(-0.0, "float32"))["max_ulp"] < 1e-60
    references.set_inputs(bits_of([math.nan], "float32"), bits_of([1.0], "float32"))
    for operation in _accuracy.OPERATIONS:
        assert references.compare(operation, bits_of(0.0, "float32"))["max_ulp"] == math.inf
        assert references.compare(operation, bits_of(math.nan, "float32"))["max_ulp"] == 0


@once
def test_infinities_have_the_limits(row, parameters):
    for dtype in ("float32", "float64") if _accuracy.judges("float64") else ("float32",):
        references = _accuracy.References(row, parameters, dtype)
        x = bits_of([-math.inf, math.inf], dtype)
        references.set_inputs(x, bits_of([1.5, 1.5], dtype))
        given = references.parameters
        limits = [oracle.expression_value(text, given) for text in row.at_infinity]
        slopes = [oracle.expression_value(text, given) for text in row.slope_at_infinity]
        for operation, y in (
            ("value", limits),
            ("derivative", slopes),
            ("backward", [1.5 * slope for slope in slopes]),
        ):
            allowed = 0.5 if operation == "backward" else 0
            if not all(math.isinf(number) or dtype_of(number, dtype) == number for number in y):
                allowed = 0.5
            assert references.compare(operation, bits_of(y, dtype))["max_ulp"] <= allowed
            wrong = [number + 1 if math.isfinite(number) else 0 for number in y]
            assert references.compare(operation, bits_of(wrong, dtype))["max_ulp"] > 1000


def dtype_of(number: float, dtype: str) -> float:
    return float(np.dtype(dtype).type(number))


@once
def test_falls_and_rises():
    references = _accuracy.References(ROWS["identity"], {}, "float32")
    x = np.arange(700, dtype=np.uint32) + np.uint32(0x3F800000)
    y = x.view(np.float32).copy()
    references.set_inputs(x)
    found = references.compare("value", y.view(np.uint32))
    assert (found["falls"], found["rises"]) == (0, 699)
    y[[256, 400]] = y[[255, 398]]  # level, then up by two; down by one, then up by two
    found = references.compare("value", y.view(np.uint32))
    assert (found["falls"], found["rises"]) == (1, 697)
    assert (found["smallest"], found["largest"]) == (1.0, float(y[-1]))


@once
@pytest.mark.parametrize("index", [1, 100, 254, 255, 256, 257, 511, 512, 598])
def test_no_fall_is_overlooked(index):
    """Wherever in a block it is, and whatever was compared before."""
    references = _accuracy.References(ROWS["sigmoid"], {}, "float32")
    for x in (bits_of(np.linspace(-3, 3, 600), "float32"), bits_of(np.linspace(60, 61, 600), "f4")):
        references.set_inputs(x)
        y = fastact.sigmoid(x.view(np.float32))
        assert references.compare("value", y.view(np.uint32))["falls"] == 0
        y[index] = y[index + 1] + np.float32(0.1)
        assert references.compare("value", y.view(np.uint32))["falls"] == 1


@once
def test_blocks_do_not_know_of_each_other():
    """A constant block after another one, the first input being the last of that."""
    case = Case(ROWS["tanh"], {}, "float32")
    references = _accuracy.References(case.row, {}, "float32")
    for start in (50.0, -60.0):
        x = bits_of(np.linspace(start, start + 10, 600), "float32")
        found = sweep(references, case, ISAS, Piece(x, lead=1))
        for what in found.values():
            assert (what["value"]["falls"], what["value"]["rises"]) == (0, 0)
            assert what["value"]["inputs"] == 599


@once
def test_a_jump_is_no_slope():
    """That f is linear between two points is not concluded where it may jump."""
    for formula, right in (
        ("1 if x > 0 else 0", lambda x: np.where(x > 0, 1, 0)),
        ("x if x > 1 else x - 1", lambda x: np.where(x > 1, x, x - np.float32(1))),
    ):
        row = Row("f", "", formula, "", ("0", "0"), ("0", "0"), "", {}, kinks={"0": "0"})
        references = _accuracy.References(row, {}, "float32")
        for centre in (0.0, 1.0):
            x = oracle.neighbours(centre, 150, np.float32)
            references.set_inputs(x.view(np.uint32))
            y = right(x).astype(np.float32)
            assert references.compare("value", y.view(np.uint32))["max_ulp"] <= 0.5


@once
def test_inputs_of_a_wrong_type_are_refused():
    references = _accuracy.References(ROWS["silu"], {}, "float32")
    x = np.zeros(8, np.uint32)
    for wrong in (x.astype(np.uint64), x.view(np.float32), x.reshape(2, 4), x[::2], x[:0]):
        with pytest.raises(ValueError, match=r"must be|more inputs"):
            references.sweep(wrong, x, ISAS)
        with pytest.raises(ValueError, match=r"at most|at least"):
            references.set_inputs(wrong if wrong.size != 4 else np.zeros(5000, np.uint32))
    with pytest.raises(ValueError, match="one gradient per input"):
        references.sweep(x, x[:4], ISAS)
    for lead in (-1, 8):
        with pytest.raises(ValueError, match="more inputs"):
            references.sweep(x, x, ISAS, lead)
    with pytest.raises(ValueError, match="no kernels for 'mmx'"):
        references.sweep(x, x, ["mmx"])


@once
@needs_quad
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_proofs_say_what_single_references_say(row, parameters, activation, dtype):
    """That a function is constant or linear all over a block is proved, not assumed: the verdict
    is the one of references computed one by one."""
    references = _accuracy.References(row, parameters, dtype)
    case = Case(row, parameters, dtype)
    starts = [
        case.place(mark * side)
        for mark in (1e-30, 1e-9, 0.7, 20.0, 130.0, 1e20)
        for side in (-1, 1)
    ]
    for start in [*starts, 0, case.place(0.0) - 100]:
        x = _accuracy.in_order(dtype, start, start + 300)
        grad = _accuracy.gradients(dtype, x)
        results = {
            "value": activation(x.view(dtype), **parameters),
            "derivative": activation.derivative(x.view(dtype), **parameters),
            "backward": activation.backward(grad.view(dtype), x.view(dtype), **parameters),
        }
        verdicts = []
        for one_by_one in (False, True):
            references.set_inputs(x, grad, one_by_one)
            verdicts.append(
                {name: references.compare(name, y.view(x.dtype)) for name, y in results.items()}
            )
        for name in results:
            proved, single = (verdict[name] for verdict in verdicts)
            # What is proved may be known a little less well.
            assert proved["max_ulp"] == pytest.approx(single["max_ulp"], abs=2**-9)
            for key in ("inputs", "misrounded", "undecided", "falls", "rises"):
                assert proved[key] == single[key], (start, name, key)


# ---- the inputs ---------------------------------------------------------------------------------


@once
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_all_inputs_are_all(dtype):
    case = Case(ROWS["tanh"], {}, dtype)
    pieces = [_accuracy.in_order(dtype, begin, end) for begin, end in case.all_pieces()]
    x = np.concatenate(pieces)
    assert np.array_equal(np.sort(x), np.arange(1 << 16))
    numbers = [case.number(int(bits)) for bits in x]
    assert np.array_equal(np.isnan(numbers), np.arange(x.size) >= case.not_nan)
    assert (np.diff(numbers[: case.not_nan]) >= 0).all()


@once
def test_pieces_cover_float32():
    case = Case(ROWS["tanh"], {}, "float32")
    pieces = case.all_pieces()
    assert (pieces[0][0], pieces[-1][1]) == (0, 1 << 32)
    assert all(a[1] == b[0] and a[1] - a[0] <= PIECE for a, b in itertools.pairwise(pieces))
    for number, place in ((-math.inf, 0), (math.inf, case.not_nan - 1), (-1.5, None), (0.0, None)):
        found = case.place(number)
        assert place is None or found == place
        x = _accuracy.in_order("float32", found, found + 1)
        assert float(x.view(np.float32)[0]).hex() == number.hex()
    assert (
        _accuracy.in_order("float32", case.not_nan, case.not_nan + 2) == [0x7F800001, 0xFF800001]
    ).all()


@once
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_are_in_order_and_everywhere(row, parameters, dtype):
    if not _accuracy.judges(dtype):
        pytest.skip("this build cannot judge it")
    case = Case(row, parameters, dtype)
    rounded = _accuracy.in_dtype(parameters, dtype)
    x = case.sampled(20_000, offset=12345)
    numbers = x.view(dtype)
    places = [case.place(float(number)) for number in numbers[np.abs(numbers) > 0]]
    assert all(a < b for a, b in itertools.pairwise(places))
    assert 15_000 < x.size < 30_000
    assert (numbers[0], numbers[-1]) == (-math.inf, math.inf)
    info = np.finfo(dtype)
    for centre in (0.0, *row.kinks_at(rounded), *oracle.slope_roots(row, rounded), -info.tiny):
        assert np.isin(oracle.neighbours(centre, 2, info.dtype.type), numbers).all()
    assert not np.array_equal(x, case.sampled(20_000, offset=12346))


@once
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_finite_and_of_every_size(dtype):
    x = _accuracy.in_order(dtype, 5000, 25_000)
    grad = _accuracy.gradients(dtype, x)
    assert np.array_equal(grad, _accuracy.gradients(dtype, x))
    numbers = np.array([Case(ROWS["tanh"], {}, dtype).number(int(bits)) for bits in grad])
    assert np.isfinite(numbers).all()
    assert _accuracy.gradients(dtype, np.zeros(1, x.dtype))[0] != 0
    exponents = np.unique(np.frexp(numbers[numbers != 0])[1])
    assert exponents.size > 0.95 * {"float16": 30, "float64": 2046}.get(dtype, 254)


# ---- the sweep ----------------------------------------------------------------------------------


@functools.cache
def swept(name: str, parameters: tuple[tuple[str, float], ...], dtype: str) -> dict[str, Any]:
    case = Case(ROWS[name], dict(parameters), dtype)
    references = _accuracy.References(case.row, case.parameters, dtype)
    if case.bits == 16:
        pieces = [piece_of_all(case, begin, end) for begin, end in case.all_pieces()]
    else:
        count = 200_000 if dtype == "float32" else 20_000
        x = case.sampled(count, offset=int(build(), 16) % 1_000_003)
        pieces = [piece_of_sample(x, 0, x.size)]
    found = None
    for piece in pieces:
        found = merged(found, sweep(references, case, ISAS, piece))
    assert found is not None
    return found


@pytest.fixture(params=DTYPES)
def found(request, row, parameters):
    return request.param, swept(row.name, tuple(parameters.items()), request.param)


@once
def test_every_kernel_keeps_to_the_bounds(row, parameters, found):
    dtype, of_isas = found
    case = Case(row, parameters, dtype)
    for isa, operations in of_isas.items():
        for operation, what in operations.items():
            bound = row.bound(dtype, operation)
            # A reference may be a thousandth of an ULP wide, on either side of half of one: what is
            # rounded correctly is within that.
            error = what["max_ulp"] if what["misrounded"] else min(what["max_ulp"], 0.5)
            assert round(error, 5) <= bound, (
                f"{operation} {isa}: {what['max_ulp']} ULP at "
                f"{case.number(what['worst_x']).hex()}, "
                f"grad {case.number(what['worst_grad']).hex()}"
            )
            assert what["inputs"] > 1000
            # Beside the root of a slope quadruple precision does not tell, nor does double where
            # it is all there is: test_derivatives.py takes more there.
            if _accuracy.judges("float64"):
                assert what["undecided"] <= (10 if dtype == "float64" else 0)
            if case.bits == 16 and operation != "backward":
                assert what["misrounded"] == 0


@once
def test_instruction_sets_with_fma_give_the_same_bits(row, parameters, found):
    dtype, of_isas = found
    for isa in ISAS[1:]:
        for what in of_isas[isa].values():
            if isa != "baseline":
                assert what["differ"] == 0
            elif dtype != "float64":
                assert what["most_apart"] <= 1


@once
def test_monotone_functions_are_monotone(row, parameters, found):
    """Where the exact slope never changes its sign no two neighbours are in the wrong order."""
    _, of_isas = found
    for what in of_isas.values():
        if oracle.never(row, parameters, -1):
            assert what["value"]["falls"] == 0
        if oracle.never(row, parameters, 1):
            assert what["value"]["rises"] == 0


@once
def test_symmetric_functions_are_symmetric(row, parameters, found):
    """To the last bit, where the exact ones are so."""
    _, of_isas = found
    for operation, what in itertools.product(("value", "derivative"), of_isas.values()):
        if oracle.is_odd(row, parameters, operation):
            assert what[operation]["not_odd"] == 0
        if oracle.is_even(row, parameters, operation):
            assert what[operation]["not_even"] == 0


@once
def test_which_functions_these_are():
    """The two tests before do not pass for want of a case."""
    defaults = [(row, row.parameter_sets()[0]) for row in CATALOGUE]
    names = {
        what: {row.name for row, parameters in defaults if holds(row, parameters)}
        for what, holds in {
            "rising": lambda row, given: oracle.never(row, given, -1),
            "odd": lambda row, given: oracle.is_odd(row, given, "value"),
            "even slope": lambda row, given: oracle.is_even(row, given, "derivative"),
        }.items()
    }
    assert {"sigmoid", "tanh", "relu", "relu6", "elu", "leaky_relu"} <= names["rising"]
    assert {"silu", "mish"}.isdisjoint(names["rising"])
    assert {"tanh", "identity"} <= names["odd"]
    assert {"tanh", "sigmoid", "identity"} <= names["even slope"]
    assert "silu" not in names["odd"] | names["even slope"]
