"""src_c/constants.h: what its comments claim, recomputed without the tool that wrote them."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from instruction_sets import once

mpmath = pytest.importorskip("mpmath")
mp = mpmath.mp
pytestmark = once

SOURCE = Path(__file__).resolve().parent.parent
TOOL = SOURCE / "tools" / "fit_polynomials.py"
HEADER = SOURCE / "src_c" / "constants.h"

# Wheels are tested with tests/ and tools/ copied out of the source tree, or with tests/ alone.
if not (TOOL.parent.is_dir() and HEADER.parent.is_dir()):
    pytest.skip("needs the source tree: tools/ and src_c/", allow_module_level=True)

DEFINITION = re.compile(
    r"^#define (\w+) (-?0x\S+?)(?:, (-?0x\S+?))?(?:, (-?0x\S+))?$", re.MULTILINE
)
RECORDED_ERROR = re.compile(
    r"^/\* .*, relative error 2\^-(\d+\.\d\d) \*/\n#define (\w+)_C0 ", re.MULTILINE
)


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    # The pairs carry about 107 bits and the residuals below cancel all of them.
    with mp.workprec(400):
        yield


@pytest.fixture(scope="module")
def text() -> str:
    return HEADER.read_text(encoding="ascii")


@pytest.fixture(scope="module")
def constants(text: str) -> dict[str, tuple[float, ...]]:
    return {
        name: tuple(float.fromhex(number) for number in numbers if number)
        for name, *numbers in DEFINITION.findall(text)
    }


def coefficients_of(constants: dict[str, tuple[float, ...]], stem: str) -> list:
    count = sum(re.fullmatch(rf"{stem}_C\d+", name) is not None for name in constants)
    return [mp.fsum(constants[f"{stem}_C{k}"]) for k in range(count)]


def value_of(constants: dict[str, tuple[float, ...]], name: str):
    return mp.fsum(constants[name])


def relative_residual(terms) -> float:
    """The sum of terms that should cancel, against their size."""
    return abs(mp.fsum(terms)) / mp.fsum(terms, absolute=True)


def mish_terms(x) -> list:
    n = mp.exp(x)
    return [n**3, 4 * n**2, 4 * x * n, 6 * n, 4 * x, 4]


def test_the_tool_writes_exactly_this_header():
    run = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_definition_was_parsed(text, constants):
    numeric = [line for line in text.splitlines() if line.startswith("#define ") and "0x" in line]
    assert len(constants) == len(numeric)


@pytest.mark.parametrize(
    ("stem", "head", "first_power", "terms"),
    [("EXPM1_DOUBLE", lambda r: 0, 1, 7), ("EXPM1_PAIR", lambda r: r, 2, 11)],
    ids=["EXPM1_DOUBLE", "EXPM1_PAIR"],
)
def test_recorded_polynomial_error_holds(text, constants, stem, head, first_power, terms):
    recorded = {name: mp.mpf(exponent) for exponent, name in RECORDED_ERROR.findall(text)}
    bound = mp.mpf(2) ** -recorded[stem]
    coefficients = coefficients_of(constants, stem)
    assert len(coefficients) == terms
    end = mp.ln(2) / 2 * (1 + mp.mpf(2) ** -20)
    # Evenly spaced, where the tool measured on Chebyshev nodes; an even number leaves out r = 0.
    for i in range(5000):
        r = end * (2 * mp.mpf(i) / 4999 - 1)
        polynomial = mp.fsum(c * r**power for power, c in enumerate(coefficients))
        value = head(r) + r**first_power * polynomial
        assert abs(value / mp.expm1(r) - 1) <= bound, f"r = {mp.nstr(r, 20)}"


def scaled_tail(t):
    """e^(t^2/2) times the tail of the normal distribution."""
    return mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2


def near_gelu_root(constants):
    return value_of(constants, "GELU_DERIVATIVE_ROOT")


# What a polynomial in the variable v(t) is to be, for t from 0 to some end.
OTHERS = {
    "LOG1P": (
        lambda constants, e: (e / (2 + e)) ** 2,
        lambda constants, e, p: (2 + (e / (2 + e)) ** 2 * p) * e / (2 + e),
        lambda constants, e: mp.log1p(e),
        {"DOUBLE": (1, 5), "PAIR": (1, 11)},
    ),
    "NORMAL_TAIL": (
        lambda constants, t: 1 / (t + constants["TAIL_SHIFT"][0]) - constants["TAIL_CENTRE"][0],
        lambda constants, t, p: p / (t + 5),
        lambda constants, t: scaled_tail(t),
        {"DOUBLE": (24, 13), "PAIR": (55, 23)},
    ),
    "GELU_SLOPE": (
        lambda constants, t: 1 / (t + constants["TAIL_SHIFT"][0]) - constants["TAIL_CENTRE"][0],
        lambda constants, t, p: (near_gelu_root(constants) - t) * p,
        lambda constants, t: scaled_tail(t) - t / mp.sqrt(2 * mp.pi),
        {"DOUBLE": (24, 12), "PAIR": (55, 22)},
    ),
    "TANH_SHRINK": (
        lambda constants, x: x * x,
        lambda constants, x, p: x**3 * p,
        lambda constants, x: x - mp.tanh(x),
        {"DOUBLE": (mp.mpf(3) / 5, 7), "PAIR": (mp.mpf(3) / 5, 13)},
    ),
}


@pytest.mark.parametrize("kind", ["DOUBLE", "PAIR"])
@pytest.mark.parametrize("name", OTHERS)
def test_recorded_errors_of_the_other_polynomials_hold(text, constants, name, kind):
    variable, value, truth, kinds = OTHERS[name]
    end, terms = kinds[kind]
    recorded = {stem: mp.mpf(exponent) for exponent, stem in RECORDED_ERROR.findall(text)}
    bound = mp.mpf(2) ** -recorded[f"{name}_{kind}"]
    coefficients = coefficients_of(constants, f"{name}_{kind}")
    assert len(coefficients) == terms
    for i in range(700):
        # Not the tool's nodes; closer together where the variable changes faster.
        t = end * (mp.mpf(i) + mp.mpf(1) / 7) ** 2 / 700**2
        v = variable(constants, t)
        polynomial = mp.polyval(coefficients[::-1], v)
        assert abs(value(constants, t, polynomial) / truth(constants, t) - 1) <= bound, t


def test_gelu_roots(constants):
    t0 = value_of(constants, "GELU_DERIVATIVE_ROOT")
    tail = [mp.erfc(t0 / mp.sqrt(2)) / 2, -t0 * mp.exp(-t0 * t0 / 2) / mp.sqrt(2 * mp.pi)]
    assert relative_residual(tail) <= mp.mpf(2) ** -155
    a, b = (value_of(constants, f"GELU_TANH_{name}") for name in ("SLOPE", "CUBIC"))
    slope = 2 * mp.sqrt(2 / mp.pi)
    assert abs(a / slope - 1) <= mp.mpf(2) ** -104
    assert abs(b / (slope * mp.mpf(0.044715)) - 1) <= mp.mpf(2) ** -104
    cubic = slope * mp.mpf(0.044715)
    x0 = value_of(constants, "GELU_TANH_DERIVATIVE_ROOT")
    e = mp.exp(slope * x0 + cubic * x0**3)
    assert relative_residual([1, e, slope * x0, 3 * cubic * x0**3]) <= mp.mpf(2) ** -155
    for name, exact in (("ROOT", x0), ("ROOT_SQUARE", x0**2), ("ROOT_EXP", e)):
        assert abs(value_of(constants, f"GELU_TANH_{name}") / exact - 1) <= mp.mpf(2) ** -104


def test_reduction_constants(constants):
    ln2 = mp.ln(2)
    assert constants["ROUND_TO_INTEGER"] == (1.5 * 2.0**52,)
    for name, value in (("LOG2_E", 1 / ln2), ("LN2", ln2)):
        (double,) = constants[name]
        # Half a unit in the last place of either number is at most 2^-53 of it.
        assert abs(double / value - 1) <= mp.mpf(2) ** -53
    (high,) = constants["LN2_HIGH"]
    (low,) = constants["LN2_LOW"]
    assert abs(low / (ln2 - high) - 1) <= mp.mpf(2) ** -53


def test_multiples_of_ln2_high_are_exact(constants):
    (high,) = constants["LN2_HIGH"]
    numerator, _ = high.as_integer_ratio()
    assert numerator.bit_length() <= 41


@pytest.mark.parametrize(
    "name",
    [
        "SILU_DERIVATIVE_ROOT",
        "SILU_DERIVATIVE_ROOT_EXP",
        "MISH_DERIVATIVE_ROOT",
        "MISH_DERIVATIVE_ROOT_EXP",
        "MISH_DERIVATIVE_A",
        "MISH_DERIVATIVE_B",
        "MISH_DERIVATIVE_C",
        "GELU_DERIVATIVE_ROOT",
        "GELU_TANH_SLOPE",
        "GELU_TANH_CUBIC",
        "GELU_TANH_DERIVATIVE_ROOT",
        "GELU_TANH_ROOT",
        "GELU_TANH_ROOT_SQUARE",
        "GELU_TANH_ROOT_EXP",
    ],
)
def test_words_do_not_overlap(constants, name):
    words = constants[name]
    assert len(words) == (3 if name.endswith("DERIVATIVE_ROOT") else 2)
    assert all(high + low == high for high, low in itertools.pairwise(words))


def test_silu_root(constants):
    root = value_of(constants, "SILU_DERIVATIVE_ROOT")
    exponential = value_of(constants, "SILU_DERIVATIVE_ROOT_EXP")
    tolerance = mp.mpf(2) ** -100
    assert relative_residual([1, root, mp.exp(root)]) <= mp.mpf(2) ** -155
    assert abs(exponential / mp.exp(root) - 1) <= tolerance


def test_mish_root(constants):
    root = value_of(constants, "MISH_DERIVATIVE_ROOT")
    exponential = value_of(constants, "MISH_DERIVATIVE_ROOT_EXP")
    tolerance = mp.mpf(2) ** -100
    assert relative_residual(mish_terms(root)) <= mp.mpf(2) ** -155
    assert abs(exponential / mp.exp(root) - 1) <= tolerance


@pytest.mark.parametrize("x", [-30, -3, -1.25, -1.1875, -1, 0, 1, 4])
def test_mish_expansion_about_the_root(constants, x):
    distance = x - value_of(constants, "MISH_DERIVATIVE_ROOT")
    a, b, c = (value_of(constants, f"MISH_DERIVATIVE_{letter}") for letter in "ABC")
    q = mp.expm1(distance)
    expansion = [a * q**3, b * q**2, c * q, 4 * distance, 4 * distance * mp.exp(x)]
    direct = mish_terms(mp.mpf(x))
    assert relative_residual([*expansion, *(-term for term in direct)]) <= mp.mpf(2) ** -100
