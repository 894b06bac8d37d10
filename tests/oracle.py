"""The truth that the tests compare with.

A value is the catalogue's formula at a precision that no cancellation spoils; a derivative is the
numerical derivative of that same formula, never the catalogue's text of it. For volume the same
formula is evaluated on whole arrays in a wider floating type.
"""

from __future__ import annotations

import ast
import functools
import itertools
import math
import threading
from collections.abc import Callable
from types import CodeType
from typing import Any

import mpmath
import numpy as np

from fastact.catalogue import Row

# A context of its own: nobody else's precision matters here, and ours not to anybody.
mp = mpmath.mp.clone()
VALUE_BITS = 200
mp.prec = VALUE_BITS
# The precision is one for all threads.
PRECISION = threading.RLock()
SLOPE_BITS = 150

Parameters = dict[str, float]

# ---- floating-point formats ---------------------------------------------------------------------


def integer_of(dtype: type) -> type:
    return {np.float32: np.int32, np.float64: np.int64}[dtype]


def ordinals(x: np.ndarray) -> np.ndarray:
    """Integers in the order of the floats: neighbours are one apart, both zeros are 0."""
    bits = x.view(integer_of(x.dtype.type))
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)


def from_ordinals(n: np.ndarray, dtype: type) -> np.ndarray:
    integers = np.asarray(n, integer_of(dtype))
    return np.where(integers < 0, np.iinfo(integers.dtype).min - integers, integers).view(dtype)


def neighbours(centre: Any, steps: int, dtype: type) -> np.ndarray:
    """The floats nearest to a number and `steps` more on either side."""
    middle = ordinals(np.array([float(centre)], dtype))[0]
    return from_ordinals(middle + np.arange(-steps, steps + 1), dtype)


def in_dtype(parameters: Parameters, dtype: type) -> Parameters:
    """Parameters as a loop of that dtype gets them."""
    return {name: float(dtype(value)) for name, value in parameters.items()}


def ulp_of(exact: Any, dtype: type) -> Any:
    """2^(max(floor(log2|exact|), emin) - nmant), the exponent being one that the dtype has."""
    info = np.finfo(dtype)
    exponent = int(info.minexp)
    if exact:
        exponent = min(max(mp.mag(exact) - 1, exponent), int(info.maxexp) - 1)
    return mp.ldexp(1, exponent - int(info.nmant))


def ulps(y: Any, exact: Any, dtype: type) -> float:
    """|y - exact| in such units.

    An infinite y stands for the power of two after the largest float, and so does whatever is
    exactly more than that. A NaN, or a sign that is not that of an exact value other than 0, is
    infinitely wrong.
    """
    if np.isnan(y) or (exact and (exact < 0) != bool(np.signbit(y))):
        return math.inf
    largest = mp.ldexp(1, int(np.finfo(dtype).maxexp))
    size = min(abs(exact), largest)
    got = largest if np.isinf(y) else mp.mpf(abs(float(y)))
    return float(abs(got - size) / ulp_of(size, dtype))


def ulps_of_name(y: Any, exact: Any, dtype: str) -> float:
    """The same for a dtype by its name, bfloat16 too, of which NumPy knows no limits."""
    if dtype != "bfloat16":
        return ulps(y, exact, np.dtype(dtype).type)
    largest = mp.ldexp(1, 128)
    number = float(y)
    if math.isnan(number) or (exact and (exact < 0) != (math.copysign(1, number) < 0)):
        return math.inf
    size = min(abs(exact), largest)
    got = largest if math.isinf(number) else mp.mpf(abs(number))
    exponent = min(max(int(mp.mag(size)) - 1, -126), 127) if size else -126
    return float(abs(got - size) / mp.ldexp(1, exponent - 7))


def array_ulps(y: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The same for arrays, `exact` being of a wider type: good to what that type is."""
    info = np.finfo(y.dtype)
    largest = np.ldexp(exact.dtype.type(1), info.maxexp)
    size = np.minimum(np.abs(exact), largest)
    got = np.where(np.isinf(y), largest, np.abs(y).astype(exact.dtype))
    exponent = np.where(size == 0, info.minexp, np.frexp(size)[1] - 1)
    exponent = np.clip(exponent, info.minexp, info.maxexp - 1)
    errors = np.ldexp(np.abs(got - size), info.nmant - exponent)
    wrong = np.isnan(y) | ((exact != 0) & (np.signbit(y) != np.signbit(exact)))
    return np.where(wrong, np.inf, errors)


# ---- one number at a time, exactly --------------------------------------------------------------


def _erfc_of_number(x: Any) -> Any:
    """mpmath's, which fails far out: there the first term of its series is all that shows."""
    if abs(x) < 1e6:
        return mp.erfc(x)
    return (0 if x > 0 else 2) + mp.exp(-(x**2)) / (x * mp.sqrt(mp.pi))


def _less_tanh(x: Any) -> Any:
    """x - tanh(x), to the precision that is asked for: about x^3/3."""
    with mp.workprec(mp.prec + 20 + 2 * max(0, -int(mp.mag(x))) if x else mp.prec):
        return x - mp.tanh(x)


EXACT = {
    "abs": abs,
    "pi": mp.pi,
    "sqrt": mp.sqrt,
    "erfc": _erfc_of_number,
    "less_tanh": _less_tanh,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "inf": math.inf,
}


class _Cancelling(ast.NodeTransformer):
    """`a - tanh(a)` is less_tanh(a): no precision is enough for the difference of any two."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left = ast.unparse(node.left)
        if ast.unparse(node) == f"{left} - tanh({left})":
            return ast.Call(ast.Name("less_tanh", ast.Load()), [node.left], [])
        return node


@functools.cache
def compiled(expression: str) -> CodeType:
    tree = _Cancelling().visit(ast.parse(expression, mode="eval"))
    return compile(ast.fix_missing_locations(tree), expression, "eval")


def expression_value(expression: str, parameters: Parameters) -> float:
    """A limit or the slope at a kink, as the catalogue writes them."""
    return eval(compiled(expression), dict(EXACT), dict(parameters))


def value(row: Row, x: float, parameters: Parameters) -> Any:
    return _value(row.formula, float(x), tuple(parameters.items()))


@functools.cache
def _value(text: str, x: float, parameters: tuple[tuple[str, float], ...]) -> Any:
    names = {**EXACT, **{key: mp.mpf(number) for key, number in parameters}}
    with PRECISION:
        return mp.mpf(eval(compiled(text), {**names, "x": mp.mpf(x)}))


# Beyond these binary places a slope is nothing: half the smallest subnormal, with 60 bits to
# spare; for float32 even times the largest gradient.
NOTHING = {np.float32: 149 + 128 + 60, np.float64: 1074 + 60}


def derivative(row: Row, x: Any, parameters: Parameters, dtype: type = np.float64) -> Any:
    """f'(x), right in its 80 leading bits or to what is nothing in the dtype.

    At a kink it is what the catalogue documents.
    """
    kinks = row.kinks_at(parameters)
    if x in kinks:
        return mp.mpf(kinks[x])
    return _derivative(
        row.formula, float(x), tuple(parameters.items()), tuple(kinks), NOTHING[dtype]
    )


@functools.cache
def _derivative(
    text: str,
    x: float,
    parameters: tuple[tuple[str, float], ...],
    kinks: tuple[float, ...],
    nothing: int,
) -> Any:
    code = compiled(text)
    names = {**EXACT, **{key: mp.mpf(number) for key, number in parameters}}

    def f(t: Any) -> Any:
        return eval(code, {**names, "x": t})

    point = mp.mpf(x)
    # diff takes steps of 2^-(bits + 10) and computes with 2 bits + 40. A step must be small also
    # when it is multiplied by a parameter, and leave its mark on x; what f loses comes back
    # divided by the step, and must not show in the slope.
    bits = SLOPE_BITS + max(0, *(int(mp.mag(number)) for _, number in parameters if number), 0)
    bits = max(bits, mp.mag(point) + 70 if point else 0)
    while True:
        with PRECISION, mp.workprec(bits):
            step = mp.ldexp(1, -bits - 10)
            # Beside a kink only the side away from it is asked, however near the kink is.
            sides = [mp.sign(point - kink) for kink in kinks if abs(point - kink) < 4 * step]
            direction = int(sides[0]) if sides else 0
            slope = mp.diff(f, point, direction=direction)
            lost = mp.ldexp(abs(f(point)), 4 - 2 * bits - 40 + bits + 10)
            # A slope that vanishes at 0 takes steps that are small beside x, and one of 0 there.
            beside_0 = (100 - mp.mag(point) if point else nothing) if abs(slope) < 2**-20 else 0
            if beside_0 > bits:
                bits = int(beside_0)
                continue
            if lost <= mp.ldexp(abs(slope), -80) or lost < mp.ldexp(1, -nothing):
                return slope
        bits *= 2


def slope_roots(row: Row, parameters: Parameters) -> tuple[float, ...]:
    """Where f' changes its sign, other than at a kink: there a relative error has no mercy."""
    return _slope_roots(row.formula, tuple(parameters.items()), tuple(row.kinks_at(parameters)))


@functools.cache
def _slope_roots(
    text: str, parameters: tuple[tuple[str, float], ...], kinks: tuple[float, ...]
) -> tuple[float, ...]:
    def slope(x: float) -> Any:
        return _derivative(text, x, parameters, kinks, NOTHING[np.float64])

    roots = []
    grid = np.linspace(-8.05, 8.05, 140).tolist()
    for low, high in itertools.pairwise(grid):
        if any(low <= kink <= high for kink in kinks) or slope(low) * slope(high) >= 0:
            continue
        left, right = low, high
        while left < (middle := (left + right) / 2) < right:
            if slope(left) * slope(middle) <= 0:
                right = middle
            else:
                left = middle
        roots.append(right)
    return tuple(roots)


# ---- what the exact function is like ------------------------------------------------------------


def _sides(row: Row, parameters: Parameters, operation: str) -> list[tuple[Any, Any]]:
    """The exact results at some x and -x."""
    function = value if operation == "value" else derivative
    return [(function(row, x, parameters), function(row, -x, parameters)) for x in (0.3, 1.7, 20.0)]


def is_odd(row: Row, parameters: Parameters, operation: str) -> bool:
    sides = _sides(row, parameters, operation)
    return all(abs(a + b) <= abs(a) * mp.ldexp(1, -70) for a, b in sides)


def is_even(row: Row, parameters: Parameters, operation: str) -> bool:
    sides = _sides(row, parameters, operation)
    return all(abs(a - b) <= abs(a) * mp.ldexp(1, -70) for a, b in sides)


@functools.cache
def _slopes(text: str, parameters: tuple[tuple[str, float], ...], kinks: tuple[float, ...]) -> Any:
    x = [*np.linspace(-40.2, 40.1, 120).tolist(), 1e-5, -1e-5, 1e-2, -1e-2]
    return [_derivative(text, t, parameters, kinks, NOTHING[np.float64]) for t in x]


def never(row: Row, parameters: Parameters, sign: int) -> bool:
    """Whether the slope never has that sign."""
    kinks = tuple(row.kinks_at(parameters))
    slopes = _slopes(row.formula, tuple(parameters.items()), kinks)
    if any(slope * sign > 0 for slope in slopes):
        return False
    # Nor does the function jump that way.
    for kink in kinks:
        left, at, right = (value(row, kink + side, parameters) for side in (-1e-9, 0, 1e-9))
        if max((at - left) * sign, (right - at) * sign) > 1e-6:
            return False
    return True


# ---- whole arrays, in a wider type --------------------------------------------------------------


class Dual:
    """A value and its slope: carries the derivative of a formula along, without subtracting."""

    __array_ufunc__ = None  # NumPy's numbers leave it to this class

    def __init__(self, value: Any, slope: Any = 0) -> None:
        self.value = value
        self.slope = slope

    @staticmethod
    def of(other: Any) -> Dual:
        return other if isinstance(other, Dual) else Dual(other)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Any) -> Dual:
        other = Dual.of(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Any) -> Dual:
        other = Dual.of(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Any) -> Dual:
        other = Dual.of(other)
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return Dual.of(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Dual:
        return self + -Dual.of(other)

    def __rsub__(self, other: Any) -> Dual:
        return Dual.of(other) - self

    def __pow__(self, exponent: int) -> Dual:
        return Dual(self.value**exponent, exponent * self.value ** (exponent - 1) * self.slope)

    def __abs__(self) -> Dual:
        return Dual(abs(self.value), np.where(self.value >= 0, 1, -1) * self.slope)

    def __gt__(self, other: Any) -> Any:
        return self.value > Dual.of(other).value

    def __lt__(self, other: Any) -> Any:
        return self.value < Dual.of(other).value

    def __ge__(self, other: Any) -> Any:
        return self.value >= Dual.of(other).value


def _chosen(condition: Any, a: Any, b: Any) -> Dual:
    a, b = Dual.of(a), Dual.of(b)
    return Dual(np.where(condition, a.value, b.value), np.where(condition, a.slope, b.slope))


def _exp(a: Dual) -> Dual:
    e = np.exp(a.value)
    return Dual(e, e * a.slope)


def _sqrt(a: Any) -> Dual:
    a = Dual.of(a)
    root = np.sqrt(a.value)
    return Dual(root, a.slope / (2 * root))


def _less_tanh_of_array(a: Dual) -> Dual:
    """By the continued fraction of tanh, in which nothing cancels."""
    square, c = np.minimum(abs(a.value), 3) ** 2, 0
    for odd in range(59, 1, -2):
        c = square / (odd + c)
    near = a.value * (c / (1 + c))
    value = np.where(abs(a.value) < 3, near, a.value - np.tanh(a.value))
    return Dual(value, np.tanh(a.value) ** 2 * a.slope)


def _erfc(a: Dual) -> Dual:
    """By the series of erf where it is below 1/2, and beyond by the continued fraction."""
    size = np.abs(a.value)
    small, large = np.minimum(size, 1), np.maximum(size, 1)
    total = term = small
    for n in range(1, 40):
        term = term * 2 * small**2 / (2 * n + 1)
        total = total + term
    root_of_pi = np.sqrt(4 * np.arctan(size.dtype.type(1)))
    near = 1 - 2 / root_of_pi * np.exp(-(small**2)) * total
    fraction = large
    for n in range(300, 0, -1):
        fraction = large + n / size.dtype.type(2) / fraction
    far = np.exp(-(large**2)) / root_of_pi / fraction
    positive = np.where(size < 1, near, far)
    value = np.where(a.value < 0, 2 - positive, positive)
    return Dual(value, -2 / root_of_pi * np.exp(-(a.value**2)) * a.slope)


WIDE = {
    "abs": abs,
    "sqrt": _sqrt,
    "erfc": _erfc,
    "less_tanh": _less_tanh_of_array,
    "exp": _exp,
    "expm1": lambda a: Dual(np.expm1(a.value), np.exp(a.value) * a.slope),
    "log1p": lambda a: Dual(np.log1p(a.value), a.slope / (1 + a.value)),
    "tanh": lambda a: Dual(np.tanh(a.value), a.slope / np.cosh(a.value) ** 2),
    "chosen": _chosen,
}


class _Choices(ast.NodeTransformer):
    """`a if c else b` asks one number; chosen(c, a, b) asks an array."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.Call:
        self.generic_visit(node)
        return ast.Call(ast.Name("chosen", ast.Load()), [node.test, node.body, node.orelse], [])


@functools.cache
def _for_arrays(expression: str) -> CodeType:
    tree = _Cancelling().visit(ast.parse(expression, mode="eval"))
    return compile(ast.fix_missing_locations(_Choices().visit(tree)), expression, "eval")


def wide(row: Row, x: np.ndarray, parameters: Parameters, wider: type) -> Dual:
    """Value and slope of an array, in the type `wider`: the formulas of the catalogue lose
    nothing by cancellation, which the tests check against the exact ones on a sample."""
    names = {name: wider(number) for name, number in parameters.items()}
    names["pi"] = 4 * np.arctan(wider(1))
    with np.errstate(all="ignore"):
        result = eval(
            _for_arrays(row.formula), {**WIDE, **names, "x": Dual(x.astype(wider), wider(1))}
        )
    slope = np.broadcast_to(np.asarray(result.slope, wider), x.shape)
    # Where a formula's exponential overflows the slope is at its limit.
    ends = [wider(expression_value(end, parameters)) for end in row.slope_at_infinity]
    slope = np.where(np.isfinite(slope), slope, np.where(x < 0, *ends))
    for kink, at_kink in row.kinks_at(parameters).items():
        slope = np.where(x == kink, wider(at_kink), slope)
    return Dual(result.value, slope)


def exactly(number: Any) -> Any:
    """A scalar of any floating type as an arbitrary-precision number."""
    mantissa, exponent = np.frexp(number)
    high = float(mantissa)
    return mp.ldexp(mp.mpf(high) + mp.mpf(float(mantissa - high)), int(exponent))


# ---- inputs -------------------------------------------------------------------------------------


def random_bits(rng: np.random.Generator, n: int, dtype: type) -> np.ndarray:
    """Finite floats, every bit pattern as likely as any other."""
    info = np.iinfo(integer_of(dtype))
    x = rng.integers(info.min, info.max, 2 * n + 10, integer_of(dtype), True).view(dtype)
    return x[np.isfinite(x)][:n]


def landmarks(dtype: type) -> list[float]:
    """Where something begins or ends: e^x or e^2x is lost beside 1, becomes subnormal, or
    vanishes; and where the range of the type ends."""
    info = np.finfo(dtype)
    powers = (info.nmant + 1, info.nmant + 2, -info.minexp, -info.minexp + info.nmant + 1)
    return [float(power) * math.log(2) / halved for power in powers for halved in (1, 2)]


def edges(dtype: type) -> np.ndarray:
    """Zero, the subnormals, the smallest normals and the largest floats."""
    info = np.finfo(dtype)
    around = [neighbours(centre, 3, dtype) for centre in (0, info.tiny)]
    tops = neighbours(info.max, 0, dtype), np.array([1e30, 3e38], dtype)
    sizes = np.concatenate([*around, *tops])
    return np.concatenate([sizes, -sizes])


def inputs(row: Row, dtype: type, parameters: Parameters, scale: int = 100) -> np.ndarray:
    """Finite inputs of every kind that has ever been trouble; `scale` is how many of each."""
    rng = np.random.default_rng([ord(letter) for letter in row.name])
    bits = np.finfo(dtype).nmant
    parts = [random_bits(rng, scale // 2, dtype), edges(dtype)]
    parts += [rng.uniform(-reach, reach, 2 * scale) for reach in (4, 25, 110)]
    if dtype is np.float64:
        parts.append(rng.uniform(-760, 760, scale))
    sizes = np.exp2(rng.uniform(-60, 12, 2 * scale))
    parts.append(sizes * rng.choice([-1, 1], sizes.size))
    # Subnormal, or near it: a product has no room for its low digits there.
    sizes = float(np.finfo(dtype).tiny) * np.exp2(rng.uniform(-bits, 10, scale // 2))
    parts.append(sizes * rng.choice([-1, 1], sizes.size))
    # The exponent may be a multiple of x.
    factors = {1.0, *(abs(p) for p in parameters.values() if 0 < abs(p) < 1e6)}
    for mark in landmarks(dtype):
        for centre in {mark / factor for factor in factors}:
            for signed in (centre, -centre):
                parts.append(neighbours(signed, max(2, scale // 50), dtype))
                parts.append(signed + rng.uniform(-1, 1, max(2, scale // 20)))
    for centre in (*row.kinks_at(parameters), *slope_roots(row, parameters)):
        parts.append(neighbours(centre, scale, dtype))
        away = np.exp2(-rng.uniform(0, bits + 8, scale))
        parts.append(centre + away * rng.choice([-1, 1], scale))
    worst = WORST.get((row.name, dtype.__name__), "").split()
    parts.append(np.array([float.fromhex(number) for number in worst]))
    with np.errstate(over="ignore"):
        x = np.concatenate([np.asarray(part).astype(dtype) for part in parts])
    return np.unique(x[np.isfinite(x)])


# The worst inputs found so far, by searches larger than the tests', in values, derivatives and
# backward passes, with and without FMA: they stay.
WORST = {
    ("sigmoid", "float32"): "0x1.cbc0b8p+4 -0x1.cbc0b8p+4 -0x1.974a8ap+5 0x1.fe277ep+2",
    ("sigmoid", "float64"): "-0x1.62785d924f7aep+9 -0x1.6255bff7a8f0cp+9 -0x1.628669f2239fap+9 "
    "0x1.a6cf7f6b024eep+6 0x1.4acc6986da120p+9",
    ("tanh", "float32"): "0x1.d1968p-4 0x1.d6a7acp-4 0x1.409198p+2 0x1.194a5cp+5",
    ("tanh", "float64"): "-0x1.0133469dd0470p-3 -0x1.00e9f610f35f0p-3 0x1.62faf13b24618p+8 "
    "-0x1.632246219915bp+8 0x1.3b5fe1c9fdc42p-3",
    ("elu", "float32"): "-0x1.07e7d6p-4 -0x1.028f24p-4 -0x1.4334c4p-2 -0x1.cf96aap+2",
    ("elu", "float64"): "-0x1.125e413e9ee1cp-2 -0x1.1e6d4485a4768p-2 -0x1.d9dd80a4c3d45p+5 "
    "-0x1.35781efecad00p+1 -0x1.30fb5eeceb305p+4",
    # With beta = 1.702 and 10 the last two are next to the root of the derivative.
    ("swish", "float32"): "-0x1.4f488p+4 -0x1.4f69p-1 -0x1.0f6706p-1 -0x1.0ee7fap-1",
    ("swish", "float64"): "-0x1.a4145c4f02000p+8 -0x1.1d3f04fb6f548p+6 -0x1.0cebd007c0000p-1 "
    "-0x1.10273801362bbp+0 -0x1.7166148a1c100p-4 -0x1.80974a62be3dfp-1 -0x1.05d45ca03419ep-3",
    ("silu", "float32"): "-0x1.5ccb22p+4 -0x1.49ad1ep+5 -0x1.caf5acp-1 -0x1.cc4440p-1",
    ("silu", "float64"): "-0x1.65861fe6ba4c0p+9 -0x1.657d9ff71d705p+9 -0x1.d076e41769b12p-1 "
    "-0x1.d69b60b1b1736p-1 -0x1.474973c84120ap+0",
    ("mish", "float32"): "-0x1.56e6f4p+3 -0x1.49ad1ep+5 -0x1.3a8e28p+3 -0x1.07d8eep+6",
    ("mish", "float64"): "-0x1.65861fe6ba4c0p+9 -0x1.657d9ff71d705p+9 -0x1.abd716a39d678p-1 "
    "-0x1.af02132861b3ap-1 -0x1.8a4857c513e3cp-1022 -0x1.1c9422d6df1dbp-1022 "
    "0x0.febc48d337ea0p-1022 0x1.9e3099c345408p-1022 -0x1.9e3099c345408p-1022",
}


# ---- parameters ---------------------------------------------------------------------------------


def allowed(row: Row, parameters: dict[str, Any]) -> dict[str, Any]:
    """The same parameters - numbers or arrays - as far as the row takes them; others are made such
    that it does: not negative, positive, in rising order."""
    result = {}
    for parameter in row.parameters:
        given = parameters[parameter.name]
        if parameter.domain != "any number":
            given = abs(given)
        if parameter.domain == "positive":
            given = given + (given == 0)
        result[parameter.name] = given
    if row.ascending:
        names = list(result)
        ordered = np.sort(np.stack([np.asarray(result[name]) for name in names]), axis=0)
        result = {
            name: ordered[i] if isinstance(result[name], np.ndarray) else ordered[i].item()
            for i, name in enumerate(names)
        }
    return result


def allowed_first(row: Row, value: Any) -> Any:
    """A value - a number or an array - as far as the row takes it for its first parameter, the
    others being what they are by default."""
    first = row.parameters[0]
    if row.ascending:
        return -abs(value)
    return allowed(row, {p.name: value for p in row.parameters})[first.name]


# ---- the comparison -----------------------------------------------------------------------------

#: The largest errors met in this run: (activation, dtype, what) -> (ULP, where).
met: dict[tuple[str, str, str], tuple[float, str]] = {}


def record(name: str, dtype: type, what: str, error: float, where: str) -> None:
    key = (name, dtype.__name__, what)
    if key not in met or error > met[key][0]:
        met[key] = (error, where)


def check(
    row: Row,
    what: str,
    x: np.ndarray,
    y: np.ndarray,
    exact: Callable[[int], Any],
    bound: float,
    parameters: Parameters,
) -> None:
    """Assert that each y is within `bound` ULP of exact(its index)."""
    dtype = y.dtype.type
    errors = [ulps(y[i], exact(i), dtype) for i in range(len(x))]
    worst = max(range(len(x)), key=errors.__getitem__)
    where = f"x = {float(x[worst]).hex()} {parameters or ''}"
    record(row.name, dtype, what, errors[worst], where)
    assert errors[worst] <= bound, (
        f"{row.name} {what} {dtype.__name__}: {errors[worst]:.4f} ULP (bound {bound}) at {where}: "
        f"{y[worst]!r} instead of {mp.nstr(exact(worst), 20)}; "
        f"{sum(error > bound for error in errors)} of {len(x)} inputs are beyond the bound"
    )


# ---- functions of rows ---------------------------------------------------------------------------


def sparsemax(z: list[Any]) -> list[Any]:
    """The nearest point to z among probabilities: by sorting, with exact sums."""
    with mp.workprec(2500):
        total, threshold = mp.mpf(0), None
        for k, value in enumerate(sorted(z, reverse=True), 1):
            total += value
            if 1 + k * value <= total:
                break
            threshold = (total - 1) / k
        return [max(value - threshold, mp.mpf(0)) for value in z]


def sparsemax_backward(grad: list[Any], p: list[Any]) -> tuple[list[Any], list[Any]]:
    """The gradient from p, and the size of what is subtracted there."""
    support = [g for g, q in zip(grad, p, strict=True) if q > 0]
    mean = mp.fsum(support) / len(support)
    size = mp.fsum(support, absolute=True) / len(support)
    return (
        [g - mean if q > 0 else mp.mpf(0) for g, q in zip(grad, p, strict=True)],
        [size if q > 0 else mp.mpf(0) for q in p],
    )
