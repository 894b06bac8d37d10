"""Write src_c/constants.h: the coefficients and constants that the C kernels are built from.

    python tools/fit_polynomials.py           write the header
    python tools/fit_polynomials.py --check   fail when the header on disk is out of date

Every number in that header comes from a formula in this file, computed with mpmath at 80 digits.
The polynomials are minimax fits (Remez exchange) whose coefficients are rounded to double one
after the other, so that the coefficients still free absorb each rounding error; or all at once
where that does not show, the first ones being sums of two doubles. The error that stands beside
each polynomial is that of the rounded coefficients, evaluated exactly on a grid far denser than the
one of the fit.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mpmath import mp, mpf

HEADER = Path(__file__).resolve().parent.parent / "src_c" / "constants.h"

OPENING = """\
/* Written by tools/fit_polynomials.py; do not edit. */
#ifndef FASTACT_CONSTANTS_H
#define FASTACT_CONSTANTS_H
"""

DIGITS = 80

# Dense enough to meet every extremum of the error curve to about 1e-3 of its height. That limits
# only how close to minimax the fit gets: the recorded error comes from the denser grid.
FIT_NODES = 400
MEASURE_NODES = 6000


@dataclass(frozen=True)
class Polynomial:
    """truth(r) = head(r) + r^first_power (c0 + c1 r + ...), judged by its relative error."""

    stem: str
    formula: str
    truth: Callable[[mpf], mpf]
    ends: Callable[[], tuple[mpf, mpf]]
    head: Callable[[mpf], mpf]
    first_power: int
    terms: int
    pairs: int | None = None  # how many coefficients are two doubles; None: rounded in turn


@dataclass(frozen=True)
class Samples:
    """The fit as linear algebra: relative error at node i = sum(c_k * rows[i][k]) - targets[i]."""

    rows: list[list[mpf]]
    targets: list[mpf]


# After reduction |r| <= ln2/2 except for the rounding of x * log2(e); the margin covers that.
INTERVAL_TEXT = "|r| <= ln2/2 (1 + 2^-20)"


def reduced_arguments() -> tuple[mpf, mpf]:
    """Return the ends of the interval that the polynomials of expm1 must serve."""
    end = mp.ln2 / 2 * (1 + mpf(2) ** -20)
    return -end, end


def tanh_of_half_over_r(u: mpf) -> mpf:
    """tanh(r/2)/r with u = r^2."""
    r = mp.sqrt(u)
    return mp.tanh(r / 2) / r if r else mpf(1) / 2


def log1p_over_s(y: mpf) -> mpf:
    """log(1 + e)/s with s = e/(2 + e), y = s^2."""
    s = mp.sqrt(y)
    return 2 * mp.atanh(s) / s if s else mpf(2)


# The tail of the normal distribution is a polynomial in 1/(t + 5), about the middle of where it is
# needed; with 4 or 6 for the 5 it takes as many terms or more.
TAIL_SHIFT = 5.0
TAIL_CENTRE = float.fromhex("0x1.bcp-4")


def tail_arguments(largest: int) -> tuple[mpf, mpf]:
    """Return the ends of v = 1/(t + 5) - centre for t from 0 to the largest."""
    return 1 / (largest + mpf(TAIL_SHIFT)) - TAIL_CENTRE, 1 / mpf(TAIL_SHIFT) - TAIL_CENTRE


def scaled_tail(t: mpf) -> mpf:
    """e^(t^2/2) Phi(-t), Phi being the normal distribution's."""
    return mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2


def normal_tail(v: mpf) -> mpf:
    """The same over w = 1/(t + 5), v being how far w is from the centre."""
    w = v + TAIL_CENTRE
    return scaled_tail(1 / w - TAIL_SHIFT) / w


def scaled_gelu_slope(t: mpf) -> mpf:
    """e^(t^2/2) gelu'(-t)."""
    return scaled_tail(t) - t / mp.sqrt(2 * mp.pi)


@functools.cache
def gelu_root() -> mpf:
    """The t at which gelu'(-t) is 0."""
    return mp.findroot(scaled_gelu_slope, mpf("0.75179"))


def gelu_slope(v: mpf) -> mpf:
    """The same over t0 - t, t0 being its root."""
    t = 1 / (v + TAIL_CENTRE) - TAIL_SHIFT
    return scaled_gelu_slope(t) / (gelu_root() - t)


def tanh_shrink_over_cube(y: mpf) -> mpf:
    """(x - tanh(x))/x^3 with y = x^2."""
    x = mp.sqrt(y)
    return (x - mp.tanh(x)) / x**3 if x else mpf(1) / 3


NORMAL_TAIL_COMMENT = (
    "e^(t^2/2) Phi(-t) = w (c0 + ... + c{} v^{}), w = 1/(t + TAIL_SHIFT), v = w - TAIL_CENTRE, "
    "0 <= t <= {}"
)
GELU_SLOPE_COMMENT = (
    "e^(t^2/2) gelu'(-t) = (t0 - t) (c0 + ... + c{} v^{}), v as above, 0 <= t <= {}"
)
TANH_SHRINK_COMMENT = "x - tanh(x) = x^3 (c0 + ... + c{} y^{}), y = x^2, |x| <= 3/5"
EXPM1_COMMENT = "expm1(r) = {}, {}"
LOG1P_COMMENT = "log(1 + e)/s = 2 + y ({}), s = e/(2 + e), y = s^2 <= 1/9"

POLYNOMIALS = (
    Polynomial(
        stem="EXPM1_DOUBLE",
        formula=EXPM1_COMMENT.format("r (c0 + ... + c6 r^6)", INTERVAL_TEXT),
        truth=mp.expm1,
        ends=reduced_arguments,
        head=lambda r: mpf(0),
        first_power=1,
        terms=7,
    ),
    Polynomial(
        stem="EXPM1_PAIR",
        formula=EXPM1_COMMENT.format("r + r^2 (c0 + ... + c10 r^10)", INTERVAL_TEXT),
        truth=mp.expm1,
        ends=reduced_arguments,
        head=lambda r: r,
        first_power=2,
        terms=11,
    ),
    Polynomial(
        stem="TANH_OF_HALF_DOUBLE",
        formula=f"tanh(r/2) = r (c0 + ... + c3 u^3), u = r^2, {INTERVAL_TEXT}",
        truth=tanh_of_half_over_r,
        ends=lambda: (mpf(0), reduced_arguments()[1] ** 2),
        head=lambda u: mpf(0),
        first_power=0,
        terms=4,
    ),
    Polynomial(
        stem="LOG1P_DOUBLE",
        formula=LOG1P_COMMENT.format("c0 + ... + c4 y^4"),
        truth=log1p_over_s,
        ends=lambda: (mpf(0), mpf(1) / 9),
        head=lambda y: mpf(2),
        first_power=1,
        terms=5,
        pairs=0,
    ),
    Polynomial(
        stem="LOG1P_PAIR",
        formula=LOG1P_COMMENT.format("c0 + ... + c10 y^10"),
        truth=log1p_over_s,
        ends=lambda: (mpf(0), mpf(1) / 9),
        head=lambda y: mpf(2),
        first_power=1,
        terms=11,
        pairs=1,
    ),
    Polynomial(
        stem="NORMAL_TAIL_DOUBLE",
        formula=NORMAL_TAIL_COMMENT.format(12, 12, 24),
        truth=normal_tail,
        ends=lambda: tail_arguments(24),
        head=lambda v: mpf(0),
        first_power=0,
        terms=13,
        pairs=0,
    ),
    Polynomial(
        stem="NORMAL_TAIL_PAIR",
        formula=NORMAL_TAIL_COMMENT.format(22, 22, 55),
        truth=normal_tail,
        ends=lambda: tail_arguments(55),
        head=lambda v: mpf(0),
        first_power=0,
        terms=23,
        pairs=3,
    ),
    Polynomial(
        stem="GELU_SLOPE_DOUBLE",
        formula=GELU_SLOPE_COMMENT.format(11, 11, 24),
        truth=gelu_slope,
        ends=lambda: tail_arguments(24),
        head=lambda v: mpf(0),
        first_power=0,
        terms=12,
        pairs=0,
    ),
    Polynomial(
        stem="GELU_SLOPE_PAIR",
        formula=GELU_SLOPE_COMMENT.format(21, 21, 55),
        truth=gelu_slope,
        ends=lambda: tail_arguments(55),
        head=lambda v: mpf(0),
        first_power=0,
        terms=22,
        pairs=3,
    ),
    Polynomial(
        stem="TANH_SHRINK_DOUBLE",
        formula=TANH_SHRINK_COMMENT.format(6, 6),
        truth=tanh_shrink_over_cube,
        ends=lambda: (mpf(0), mpf(9) / 25),
        head=lambda v: mpf(0),
        first_power=0,
        terms=7,
        pairs=0,
    ),
    Polynomial(
        stem="TANH_SHRINK_PAIR",
        formula=TANH_SHRINK_COMMENT.format(12, 12),
        truth=tanh_shrink_over_cube,
        ends=lambda: (mpf(0), mpf(9) / 25),
        head=lambda v: mpf(0),
        first_power=0,
        terms=13,
        pairs=2,
    ),
)


def round_to_bits(value: mpf, bits: int) -> float:
    """Round to nearest, to a double of at most `bits` significant bits."""
    # The unary plus rounds to the working precision, to nearest.
    with mp.workprec(bits):
        return float(+value)


def nearest_double(value: mpf) -> float:
    """Round to the nearest double."""
    return round_to_bits(value, sys.float_info.mant_dig)


def chebyshev_nodes(polynomial: Polynomial, count: int) -> list[mpf]:
    """Extrema of a Chebyshev polynomial over the interval, ends included.

    An even count leaves out the middle: there r = 0 for expm1, whose relative error is 0/0.
    """
    low, high = polynomial.ends()
    middle, radius = (low + high) / 2, (high - low) / 2
    return [middle - radius * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def sample(polynomial: Polynomial, count: int) -> Samples:
    """Evaluate basis and target of the fit at `count` Chebyshev nodes."""
    rows = []
    targets = []
    for r in chebyshev_nodes(polynomial, count):
        truth = polynomial.truth(r)
        basis = r**polynomial.first_power / truth
        row = []
        for _ in range(polynomial.terms):
            row.append(basis)
            basis *= r
        rows.append(row)
        targets.append(1 - polynomial.head(r) / truth)
    return Samples(rows, targets)


def alternating_extrema(
    errors: Sequence[mpf], signs: Sequence[int], floor: mpf, count: int
) -> list[int]:
    """`count` nodes where errors of at least `floor` alternate in sign, the largest one included.

    Smaller errors are passed over: around r = 0 the coefficients that are already fixed leave an
    error whose sign flips no free coefficient can influence.
    """
    extrema: list[int] = []
    previous = 0
    for i, (error, sign) in enumerate(zip(errors, signs, strict=True)):
        if abs(error) < floor:
            continue
        direction = sign if error > 0 else -sign
        if direction != previous:
            extrema.append(i)
        elif abs(error) > abs(errors[extrema[-1]]):
            extrema[-1] = i
        previous = direction
    while len(extrema) > count:
        first_is_lower = abs(errors[extrema[0]]) < abs(errors[extrema[-1]])
        extrema.pop(0 if first_is_lower else -1)
    return extrema


def remez(samples: Samples, residuals: Sequence[mpf], first: int) -> tuple[list[mpf], mpf]:
    """Minimax values of coefficients `first` and up against what the earlier ones left over.

    Also returns the largest relative error. The free part is r^first times a polynomial, and so
    may change sign at r = 0 by itself: the errors alternate only after that sign is divided out.
    """
    signs = [1 if row[first] > 0 else -1 for row in samples.rows]
    size = len(samples.rows[0]) - first + 1
    # A spread start costs an exchange or two more than the reference of the preceding fit, which
    # may not alternate under the new signs.
    reference = [round((len(residuals) - 1) * i / (size - 1)) for i in range(size)]
    for _ in range(40):
        system = mp.matrix(size, size)
        right = mp.matrix(size, 1)
        for line, i in enumerate(reference):
            for column, value in enumerate(samples.rows[i][first:]):
                system[line, column] = value
            system[line, size - 1] = signs[i] * (-1) ** line
            right[line] = residuals[i]
        solution = list(mp.lu_solve(system, right))
        coefficients, levelled = solution[:-1], abs(solution[-1])
        errors = [
            mp.fdot(coefficients, row[first:]) - residual
            for row, residual in zip(samples.rows, residuals, strict=True)
        ]
        # The slack keeps the old reference, whose errors equal the levelled one up to rounding.
        exchanged = alternating_extrema(errors, signs, levelled * (1 - mpf(2) ** -40), size)
        if exchanged == reference:
            return coefficients, max(abs(error) for error in errors)
        reference = exchanged
    raise ArithmeticError(f"no convergence with the coefficients from {first} up free")


def doubles_around(value: mpf) -> tuple[float, float]:
    """Return the two doubles that enclose value, the nearest first."""
    nearest = nearest_double(value)
    return nearest, math.nextafter(nearest, math.inf if value > nearest else -math.inf)


def words_of(value: mpf, words: int) -> tuple[float, ...]:
    """Return a value as the sum of so many doubles."""
    doubles: list[float] = []
    for _ in range(words):
        doubles.append(nearest_double(value - mp.fsum(doubles)))
    return tuple(doubles)


def fit(polynomial: Polynomial) -> list[tuple[float, ...]]:
    """Rounded coefficients, lowest power first, each as the doubles whose sum it is."""
    if polynomial.pairs is None:
        return [(coefficient,) for coefficient in fit_in_turn(polynomial)]
    samples = sample(polynomial, FIT_NODES)
    coefficients, _ = remez(samples, samples.targets, 0)
    return [words_of(c, 2 if k < polynomial.pairs else 1) for k, c in enumerate(coefficients)]


def fit_in_turn(polynomial: Polynomial) -> tuple[float, ...]:
    """Coefficients that are doubles, lowest power first.

    The low powers are rounded first: their rounding errors weigh most, and the coefficients still
    free can make up for them. Of the two doubles around a coefficient the farther one is sometimes
    made up for better. Keeping several choices open instead of the best one lowered no error.
    """
    samples = sample(polynomial, FIT_NODES)
    residuals = samples.targets
    fixed: list[float] = []
    for first in range(polynomial.terms):
        free, _ = remez(samples, residuals, first)
        trials = []
        for double in doubles_around(free[0]):
            left = [
                residual - double * row[first]
                for row, residual in zip(samples.rows, residuals, strict=True)
            ]
            if first + 1 < polynomial.terms:
                _, level = remez(samples, left, first + 1)
            else:
                level = max(abs(residual) for residual in left)
            trials.append((level, double, left))
        _, chosen, residuals = min(trials, key=lambda trial: trial[:2])
        fixed.append(chosen)
    return tuple(fixed)


def measured_error(polynomial: Polynomial, coefficients: Sequence[tuple[float, ...]]) -> mpf:
    """Return the largest relative error of the rounded coefficients, evaluated exactly."""
    worst = mpf(0)
    exactly = [mp.fsum(words) for words in coefficients]
    for r in chebyshev_nodes(polynomial, MEASURE_NODES):
        value = mpf(0)
        for coefficient in reversed(exactly):
            value = value * r + coefficient
        truth = polynomial.truth(r)
        value = polynomial.head(r) + r**polynomial.first_power * value
        worst = max(worst, abs(value / truth - 1))
    return worst


def as_power_of_two(error: mpf) -> str:
    """2^-xx.xx, rounded so that the text never claims less error than was measured."""
    hundredths = int(mp.floor(-mp.log(error, 2) * 100))
    return f"2^-{hundredths // 100}.{hundredths % 100:02d}"


def double_definition(name: str, value: float, comment: str) -> str:
    """Render one double with its comment."""
    return f"/* {comment} */\n#define {name} {value.hex()}\n"


def sum_definition(name: str, value: mpf, words: int, comment: str) -> str:
    """Render a value as the sum of so many doubles, with its comment."""
    doubles = ", ".join(double.hex() for double in words_of(value, words))
    return f"/* {comment} */\n#define {name} {doubles}\n"


def pair_definition(name: str, value: mpf, comment: str) -> str:
    """Render a value as the sum of two doubles."""
    return sum_definition(name, value, 2, comment)


def root_definition(name: str, value: mpf, comment: str) -> str:
    """Render a root: the double next to it differs from it by its second word alone, so that
    full accuracy there takes a third."""
    return sum_definition(name, value, 3, comment)


def polynomial_definition(polynomial: Polynomial) -> str:
    """Render the coefficients, under one comment that says what they are good for."""
    coefficients = fit(polynomial)
    error = as_power_of_two(measured_error(polynomial, coefficients))
    lines = [
        f"/* {polynomial.formula}, relative error {error} */",
        *(
            f"#define {polynomial.stem}_C{k} {', '.join(word.hex() for word in words)}"
            for k, words in enumerate(coefficients)
        ),
    ]
    return "\n".join(lines) + "\n"


def reduction_definitions() -> list[str]:
    """Render what exp needs to split x into k ln2 + r."""
    ln2_high = round_to_bits(+mp.ln2, 41)
    return [
        double_definition(
            "ROUND_TO_INTEGER",
            float.fromhex("0x1.8p52"),
            "adding it rounds |z| < 2^51 to an integer, which then sits in the low mantissa bits",
        ),
        double_definition("LOG2_E", nearest_double(1 / mp.ln2), "log2(e)"),
        double_definition("LN2", nearest_double(+mp.ln2), "ln 2"),
        double_definition(
            "LN2_HIGH", ln2_high, "ln 2 in 41 bits: k * LN2_HIGH is exact for |k| < 2^12"
        ),
        double_definition("LN2_LOW", nearest_double(mp.ln2 - ln2_high), "ln 2 - LN2_HIGH"),
        double_definition("TAIL_SHIFT", TAIL_SHIFT, "for the polynomials of gelu, below"),
        double_definition("TAIL_CENTRE", TAIL_CENTRE, "the middle of 1/(t + TAIL_SHIFT)"),
    ]


def silu_root_definitions() -> list[str]:
    """Render the root of silu', where its numerator must not be formed by adding."""
    root = mp.findroot(lambda x: 1 + x + mp.exp(x), mpf("-1.278"))
    return [
        root_definition("SILU_DERIVATIVE_ROOT", root, "x0, the root of 1 + x + e^x"),
        pair_definition("SILU_DERIVATIVE_ROOT_EXP", mp.exp(root), "e^x0"),
    ]


def mish_numerator(x: mpf) -> mpf:
    """Evaluate the factor of mish' that has the root."""
    n = mp.exp(x)
    return n**3 + 4 * n**2 + (4 * x + 6) * n + 4 * (x + 1)


def mish_root_definitions() -> list[str]:
    """The numerator of mish' expanded about its root x0, so that nothing cancels there.

    With q = expm1(x - x0) and n = e^x it equals q (A q^2 + B q + C) + 4 (x - x0) (1 + n).
    """
    x0 = mp.findroot(mish_numerator, mpf("-1.192"))
    n0 = mp.exp(x0)
    a = n0**3
    b = 3 * n0**3 + 4 * n0**2
    c = 3 * n0**3 + 8 * n0**2 + (6 + 4 * x0) * n0
    return [
        root_definition(
            "MISH_DERIVATIVE_ROOT",
            x0,
            "x0, the root of n^3 + 4 n^2 + (4 x + 6) n + 4 (x + 1), n = e^x",
        ),
        pair_definition("MISH_DERIVATIVE_ROOT_EXP", n0, "n0 = e^x0"),
        pair_definition(
            "MISH_DERIVATIVE_A",
            a,
            "n0^3; the sum above is q (A q^2 + B q + C) + 4 (x - x0) (1 + n), q = expm1(x - x0)",
        ),
        pair_definition("MISH_DERIVATIVE_B", b, "3 n0^3 + 4 n0^2"),
        pair_definition("MISH_DERIVATIVE_C", c, "3 n0^3 + 8 n0^2 + (6 + 4 x0) n0"),
    ]


def gelu_definitions() -> list[str]:
    """Render what gelu and its tanh form are made of, besides polynomials."""
    slope = 2 * mp.sqrt(2 / mp.pi)
    cubic = slope * mpf(0.044715)
    # The factor of gelu_tanh' that has the root.
    x0 = mp.findroot(
        lambda x: 1 + mp.exp(slope * x + cubic * x**3) + slope * x + 3 * cubic * x**3,
        mpf("-0.7524"),
    )
    return [
        root_definition("GELU_DERIVATIVE_ROOT", gelu_root(), "t0, the root of gelu'(-t)"),
        pair_definition("GELU_TANH_SLOPE", slope, "a = 2 sqrt(2/pi); z = x (a + b x^2)"),
        pair_definition("GELU_TANH_CUBIC", cubic, "b = 0.044715 a"),
        root_definition(
            "GELU_TANH_DERIVATIVE_ROOT", x0, "x0, the root of 1 + e^z + x z', x z' = a x + 3 b x^3"
        ),
        pair_definition("GELU_TANH_ROOT", x0, "x0 in two words"),
        pair_definition("GELU_TANH_ROOT_SQUARE", x0**2, "x0^2"),
        pair_definition("GELU_TANH_ROOT_EXP", mp.exp(slope * x0 + cubic * x0**3), "e^z0"),
    ]


def render() -> str:
    """Return the whole header."""
    with mp.workdps(DIGITS):
        blocks = [
            OPENING,
            *reduction_definitions(),
            *(polynomial_definition(polynomial) for polynomial in POLYNOMIALS),
            "/* Below, several doubles stand for their sum. */\n",
            *silu_root_definitions(),
            *mish_root_definitions(),
            *gelu_definitions(),
            "#endif\n",
        ]
    return "\n".join(blocks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the header; return the exit status."""
    parser = argparse.ArgumentParser(description="Write src_c/constants.h.")
    parser.add_argument(
        "--check", action="store_true", help="compare with the file on disk instead of writing it"
    )
    options = parser.parse_args(arguments)
    expected = render().encode("ascii")
    if not options.check:
        HEADER.write_bytes(expected)
        return 0
    if not HEADER.exists():
        print(f"{HEADER} is missing; run python tools/fit_polynomials.py", file=sys.stderr)
        return 1
    if HEADER.read_bytes() != expected:
        print(f"{HEADER} is out of date; run python tools/fit_polynomials.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
