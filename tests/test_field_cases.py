"""What people reported of activation functions elsewhere, restated as inputs and right answers.

An identifier such as A9 names the kind of mistake; the issues are where it was met. Every case is
tried at several lengths and on strided arrays, in its dtype and, against exact arithmetic, in
both; and with more inputs of its kind.
"""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact
from fastact.catalogue import CATALOGUE

ROWS = {row.name: row for row in CATALOGUE}
SIZES = (1, 2, 3, 7, 8, 15, 16, 17, 33, 100)
SINGLE, DOUBLE = (np.float32,), (np.float64,)
BOTH = (np.float32, np.float64)


@dataclass(frozen=True)
class Case:
    """One reported mistake of an elementwise function.

    `expected` are the right results for `x` in `dtypes`, as text; see `is_written`.
    `more` are inputs of the same kind, whose results exact arithmetic gives.
    """

    id: str
    reports: str
    function: str
    x: list[float]
    expected: str
    operation: str = "value"
    dtypes: tuple[type, ...] = BOTH
    parameters: dict[str, float] = field(default_factory=dict)
    more: Any = ()


CASES = [
    Case(
        "A2-silu",
        "tenstorrent/tt-metal#56517",
        "silu",
        [-4, -10, -20, -50, -88, -100],
        "-0.07194484 -0.0004539787 -4.122307e-08 -9.643749e-21 -5.3280498e-37 -3.72e-42",
        dtypes=SINGLE,
        more=-np.linspace(1, 103, 300),
    ),
    Case(
        "A2-swish",
        "tenstorrent/tt-metal#56517",
        "swish",
        [-4, -10, -20, -50, -60],
        "-0.0044147237 -4.0579604e-07 -3.2934088e-14 -5.501855e-36 -2.68e-43",
        dtypes=SINGLE,
        parameters={"beta": 1.702},
        more=-np.linspace(1, 60, 200),
    ),
    Case(
        "A3",
        "jax-ml/jax#1207, pytorch/pytorch#173968, tensorflow/tensorflow#116943",
        "elu",
        [-1e-6, -1e-7, -1e-8, -1e-10, -1e-30],
        "-9.999995e-07 -9.9999994e-08 -1e-08 -1e-10 -1e-30",
        dtypes=SINGLE,
        more=-np.logspace(-37, 0, 200),
    ),
    Case(
        "A3-float64",
        "jax-ml/jax#1207",
        "elu",
        [-1e-12, -1e-16, -1e-300],
        "-9.999999999995e-13 -1e-16 -1e-300",
        dtypes=DOUBLE,
        more=-np.logspace(-300, 0, 200),
    ),
    # A7, A8: a large x, and a large product with a parameter.
    *(
        Case(
            f"A7-{name}-{operation}",
            "tracel-ai/burn#5373, openvinotoolkit/openvino#4932",
            name,
            [88, 89, 100, 1e10],
            expected,
            operation=operation,
            more=[*np.linspace(40, 800, 50), 1e30, 3e38],
        )
        for name in ("silu", "swish", "mish")
        for operation, expected in (("value", "88 89 100 1e10"), ("derivative", "1 1 1 1"))
    ),
    Case(
        "A8",
        "pytorch/pytorch#31110, pytorch/pytorch#83169",
        "swish",
        [0.5, 1, 2, 1e20, -0.5, -1e20],
        "0.5 1 2 1e20 -0 -0",
        parameters={"beta": 1e30},
        more=[*np.logspace(-33, 3, 100), *-np.logspace(-33, 3, 100)],
    ),
    Case(
        "A8-jump",
        "pytorch/pytorch#180193",
        "swish",
        [0.05, 0.3, -0.05],
        "0.031122968 0.28577226 -0.018877033",
        dtypes=SINGLE,
        parameters={"beta": 10},
        more=np.linspace(-11, 11, 300),
    ),
    Case(
        "A9",
        "AlexeyAB/darknet#5452, apple/coremltools#2359",
        "mish",
        [-2.5, -10, -15, -20, -30, -50, -88],
        "-0.1968162 -0.000453989 -4.588534e-06 -4.122307e-08 -2.807287e-12 -9.643749e-21 "
        "-5.3280498e-37",
        dtypes=SINGLE,
        more=-np.linspace(1, 103, 300),
    ),
    # Three digits of a table.
    *(
        Case(
            f"A16-{name}",
            "ggml-org/llama.cpp#29252",
            name,
            [1.23456789],
            expected,
            dtypes=SINGLE,
            more=np.linspace(-4, 4, 200),
        )
        for name, expected in (
            ("sigmoid", "0.7746171"),
            ("tanh", "0.8438992"),
            ("silu", "0.95631737"),
            ("mish", "1.1152053"),
        )
    ),
    Case(
        "A18",
        "numpy/numpy#30821",
        "tanh",
        [1000],
        "1",
        more=[*np.linspace(7, 23, 200), 500, 65504, -65504],
    ),
    Case(
        "A20",
        "uxlfoundation/oneDNN#1021",
        "tanh",
        [1e-8, 1e-4, 1e-30],
        "1e-08 1e-04 1e-30",
        dtypes=SINGLE,
        more=[*np.logspace(-37, 0, 200), *-np.logspace(-37, 0, 200)],
    ),
    # 1 - tanh, by its derivative.
    Case(
        "A20-derivative",
        "uxlfoundation/oneDNN#1021",
        "tanh",
        [9, -20, -44, 50],
        "6.0919916e-08 1.6993417e-17 2.421841e-38 1.49e-43",
        operation="derivative",
        dtypes=SINGLE,
        more=[*np.linspace(1, 380, 200), *-np.linspace(1, 52, 100)],
    ),
    Case(
        "A21",
        "pytorch/pytorch#160876",
        "silu",
        [-math.inf, math.inf, math.nan],
        "-0 inf nan",
        more=[-1e4, 1e4, -1e30, 1e30, -3e38, 3e38],
    ),
    Case(
        "A21-swish",
        "pytorch/pytorch#160876",
        "swish",
        [-math.inf, math.inf, math.nan],
        "-0 inf nan",
        parameters={"beta": 1.702},
        more=[-1e4, 1e4, -1e30, 1e30, -3e38, 3e38],
    ),
    Case(
        "A23",
        "mindspore#379, apple/coremltools#2618",
        "mish",
        [math.inf, -math.inf],
        "inf -0",
        more=[-1e4, 1e4, -1e30, 1e30, -3e38, 3e38],
    ),
    Case(
        "A23-derivative",
        "mindspore#379, apple/coremltools#2618",
        "mish",
        [math.inf, -math.inf],
        "1 -0",
        operation="derivative",
    ),
    Case(
        "A24",
        "met with A21",
        "leaky_relu",
        [-math.inf, math.inf, -1.0, 3.0],
        "0 inf 0 3",
        parameters={"negative_slope": 0.0},
        more=[-1e30, 1e30, -3e38, -1e-40, 1e-40],
    ),
    Case(
        "A24-derivative",
        "met with A21",
        "leaky_relu",
        [-math.inf, math.inf, -1.0, 3.0],
        "0 1 0 1",
        operation="derivative",
        parameters={"negative_slope": 0.0},
        more=[-1e30, 1e30, -3e38, -1e-40, 1e-40],
    ),
    # tanh as a quotient that overflows.
    Case(
        "A25",
        "pytorch/pytorch#186278, executorch#22323",
        "mish",
        [10.5, 13.24, -13.24, 50],
        "10.5 13.24 -2.3541208e-05 50",
        dtypes=SINGLE,
        more=np.linspace(5, 60, 300),
    ),
    Case(
        "A25-float64",
        "pytorch/pytorch#186278",
        "mish",
        [19.8, 21.657723, 400],
        "19.8 21.657723 400",
        dtypes=DOUBLE,
        more=np.linspace(15, 800, 300),
    ),
    Case(
        "A26",
        "apache/mxnet#11115, openvinotoolkit/openvino#35649, tensorflow/tensorflow#40072",
        "relu",
        [math.nan, 1.0, -1.0],
        "nan 1 0",
        more=[-1e30, -1e-40, 1e-40, 1e30],
    ),
    Case(
        "A29",
        "pytorch/pytorch#13448",
        "sigmoid",
        [math.nan, 0.0, math.inf, -math.inf],
        "nan 0.5 1 0",
        more=np.linspace(-20, 20, 100),
    ),
    Case(
        "A30",
        "clab/dynet#1525",
        "sigmoid",
        [88, 89, 3212, -1662],
        "1 1 1 0",
        more=[*range(80, 110), *range(-110, -80), *-np.linspace(700, 750, 50), 1e30, -1e30],
    ),
    Case(
        "A31",
        "deeplearning4j/deeplearning4j#7382",
        "tanh",
        [20, -20, 100, -100, 1e4, -1e4, 1e38, -1e38],
        "1 -1 1 -1 1 -1 1 -1",
        more=np.linspace(19.5, 800, 50),
    ),
    Case(
        "A35",
        "pytorch/pytorch#193781, numpy/numpy#32341",
        "relu",
        [-0.0, 0.0, -1.0, -1e-45],
        "-0 0 0 0",
        more=[-1e30, -6, -1e-40],
    ),
    Case(
        "A35-relu6",
        "pytorch/pytorch#193781",
        "relu6",
        [-0.0, 0.0, -1.0, 7.0],
        "-0 0 0 6",
        more=[-1e30, -6, -1e-40, 1e-40, 5.9999995, 6, 6.0000005, 1e30],
    ),
    Case(
        "A38",
        "tracel-ai/burn#1139, huggingface/candle#1722, tinygrad/tinygrad#3038",
        "sigmoid",
        [-74.2032, -90, -201.7, -548],
        "~5.9e-33 8.19401e-40 0 0",
        operation="derivative",
        dtypes=SINGLE,
        more=-np.linspace(60, 110, 200),
    ),
    Case(
        "A39-silu-float64",
        "jax-ml/jax#39798",
        "silu",
        [-709],
        "-8.614807714413836e-306",
        operation="derivative",
        dtypes=DOUBLE,
        more=-np.linspace(690, 745, 100),
    ),
    Case(
        "A39-silu-float32",
        "jax-ml/jax#39798",
        "silu",
        [-88],
        "-5.267504e-37",
        operation="derivative",
        dtypes=SINGLE,
        more=-np.linspace(80, 103, 100),
    ),
    *(
        Case(
            f"A39-{name}-float64",
            "jax-ml/jax#39798",
            name,
            [-709],
            "~-8.6148077e-306",
            operation="derivative",
            dtypes=DOUBLE,
            parameters=parameters,
            more=-np.linspace(690, 745, 100),
        )
        for name, parameters in (("swish", {"beta": 1.0}), ("mish", {}))
    ),
    Case(
        "A39-elu",
        "jax-ml/jax#39796",
        "elu",
        [-40],
        "4.248354255291589e-18",
        operation="derivative",
        dtypes=DOUBLE,
        more=-np.linspace(30, 745, 200),
    ),
    Case(
        "A41",
        "davisking/dlib#1938, tracel-ai/burn#5373",
        "mish",
        [-10, -20, -50, 50, 5000],
        "-0.0004085798 -3.9161918e-08 -9.4508745e-21 1 1",
        operation="derivative",
        dtypes=SINGLE,
        more=[*-np.linspace(1, 103, 100), *np.linspace(0, 800, 100)],
    ),
    Case(
        "A43",
        "jax-ml/jax#1538, jax-ml/jax#9873, tinygrad/tinygrad#17852",
        "elu",
        [88, 89, 100, 400],
        "1 1 1 1",
        operation="derivative",
        more=[1e-40, 1e-8, *np.linspace(80, 800, 50), 1e4, 1e30],
    ),
    # The scale applied twice, and a wrong sign.
    Case(
        "A47",
        "RubixML/ML#427",
        "elu",
        [-0.5, -10],
        "1.0148835 7.596589e-05",
        operation="derivative",
        dtypes=SINGLE,
        parameters={"alpha": 1.67326},
        more=-np.linspace(0.1, 103, 200),
    ),
    # pytorch/pytorch#148065: the limit, not inf times 0.
    Case(
        "A50",
        "pytorch/pytorch#148065",
        "elu",
        [-2, 0, 2, -1e-30],
        "-inf 0 2 -inf",
        parameters={"alpha": math.inf},
    ),
]

# A28, A46: NaN through every function there is, and through its backward pass; A35: one sign of
# zero for every length.
CASES += [
    Case(
        f"{kind}-{row.name}-{operation}",
        reports,
        row.name,
        [math.nan, -math.nan],
        "nan nan",
        operation=operation,
    )
    for row in CATALOGUE
    for kind, operation, reports in (
        ("A28", "value", "pytorch/pytorch#106604, apache/tvm#17999"),
        ("A28", "derivative", "pytorch/pytorch#106604"),
        ("A46", "backward", "tenstorrent/tt-metal#57374"),
    )
]


def apply(case: Case, x: np.ndarray) -> np.ndarray:
    function = getattr(fastact, case.function)
    if case.operation == "value":
        return function(x, **case.parameters)
    if case.operation == "backward":
        return function.backward(np.ones_like(x), x, **case.parameters)
    return getattr(function, case.operation)(x, **case.parameters)


def other_ways(case: Case, x: np.ndarray) -> list[np.ndarray]:
    """The same by every other member of the function that gives it, and into the places that it
    may be put."""
    function = getattr(fastact, case.function)
    member = function if case.operation == "value" else getattr(function, case.operation)
    inputs = (np.ones_like(x), x.copy()) if case.operation == "backward" else (x.copy(),)
    out = np.full_like(x, 7)
    member(*inputs, **case.parameters, out=out)
    member(*inputs, **case.parameters, out=inputs[-1])
    results = [out, inputs[-1]]
    if case.operation != "backward":
        both = function.value_and_derivative(x, **case.parameters)
        results.append(both[case.operation == "derivative"])
    if case.operation == "derivative":
        results.append(function.backward(np.ones_like(x), x, **case.parameters))
    return results


def is_written(got: Any, text: str) -> bool:
    """Whether a result is the number that is written, with its sign, that of 0 too; after a ~ to
    the digits that are written."""
    if text == "nan":
        return bool(np.isnan(got))
    if text.startswith("~"):
        digits = len(text.lstrip("~-0.").split("e")[0].replace(".", ""))
        return float(f"{float(got):.{digits}g}") == float(text[1:])
    return got == type(got)(text) and np.signbit(got) == text.startswith("-")


def test_is_written():
    for number in (np.float32, np.float64):
        assert is_written(number(1e-8), "1e-08")
        assert is_written(number("-0.1968162"), "-0.1968162")
        assert not is_written(np.nextafter(number("-0.1968162"), number(0)), "-0.1968162")
        assert is_written(number(5.912e-33), "~5.9e-33")
        assert not is_written(number(5.97e-33), "~5.9e-33")
        assert is_written(number(0.99999782), "~0.9999978")
        assert not is_written(number(0.99999769), "~0.9999978")
        assert not is_written(number(0), "-0")
        assert not is_written(number(1), "nan")
        assert not is_written(number(math.nan), "1")


def cases_and_dtypes() -> list[Any]:
    return [
        pytest.param(case, dtype, id=f"{case.id}-{dtype.__name__}")
        for case in CASES
        for dtype in case.dtypes
    ]


@pytest.mark.parametrize(("case", "dtype"), cases_and_dtypes())
def test_as_reported(case, dtype):
    with np.errstate(under="ignore"):
        x = np.array(case.x).astype(dtype)
    texts = case.expected.split()
    for size in SIZES:
        for start in range(len(x)):  # each input at each place of a short array, by rotation
            around = np.resize(np.roll(x, -start), size)
            wanted = np.resize(np.roll(texts, -start), size)
            strided = np.repeat(around, 3)[::3]
            column = np.asfortranarray(np.tile(around, (2, 1)))[0]
            results = [apply(case, layout) for layout in (around, strided, column)]
            for y in (*results, *(other_ways(case, around) if start == 0 else ())):
                assert y.dtype == dtype
                wrong = [
                    (a, b, c)
                    for a, b, c in zip(around, y, wanted, strict=True)
                    if not is_written(b, c)
                ]
                assert not wrong, case.reports


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.operation != "backward"], ids=lambda case: case.id
)
def test_and_more_of_the_kind(case, dtype):
    """In both dtypes, against exact arithmetic, within the bound that is promised."""
    row = ROWS[case.function]
    with np.errstate(over="ignore", under="ignore"):
        x = np.array([*case.x, *case.more], float).astype(dtype)
    x = x[np.isfinite(x)]
    parameters = {p.name: p.default for p in row.parameters} | case.parameters
    rounded = oracle.in_dtype(parameters, dtype)
    exact = {
        "value": lambda i: oracle.value(row, x[i], rounded),
        "derivative": lambda i: oracle.derivative(row, x[i], rounded, dtype),
    }[case.operation]
    for layout in (x, np.repeat(x, 2)[::2], x[::-1].copy()[::-1]):
        y = apply(case, layout)
        if x.size:
            bound = row.max_ulp[dtype.__name__][case.operation]
            oracle.check(row, case.operation, x, y, exact, bound, parameters)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        pytest.param("tanh", [1000, 9, -9, 65504], "1 1 -1 1", id="A17-A18"),
        pytest.param("silu", [-math.inf, math.inf, math.nan, -65504], "-0 inf nan -0", id="A21"),
        pytest.param("mish", [-math.inf, math.inf, math.nan, -65504], "-0 inf nan -0", id="A23"),
        pytest.param("sigmoid", [math.nan, 11, 12, -20], "nan 1 1 0", id="A29-A30"),
        pytest.param("elu", [11, 12, 30000, -0.0], "11 12 30000 -0", id="A7-A43"),
        pytest.param("relu6", [math.nan, -0.0, -1, 65504], "nan -0 0 6", id="A28-A35"),
    ],
)
def test_half_precision(function, x, expected):
    """What float16 is for these: numpy/numpy#30821, Tencent/ncnn#6978; at every place."""
    for size in SIZES:
        for start in range(len(x)):
            around = np.resize(np.roll(x, -start), size).astype(np.float16)
            wanted = np.resize(np.roll(expected.split(), -start), size)
            for layout in (around, np.repeat(around, 3)[::3]):
                y = getattr(fastact, function)(layout).astype(np.float16)
                assert all(map(is_written, y, wanted))


# ---- softmax ------------------------------------------------------------------------------------

LOWEST = -3.4028235e38

SOFTMAX_CASES = {
    # scipy/scipy#18295, pytorch/pytorch#113708: the loser of a wide gap, where log_softmax of the
    # winner lost it
    "A11": (SINGLE, [20, 0], "1 2.0611537e-09"),
    "A11-float64": (DOUBLE, [40, 0], "1 4.248354255291589e-18"),
    "A11-subnormal": (SINGLE, [100, 0], "1 3.8e-44"),
    # pytorch/pytorch#11752, ml-explore/mlx#4169: equal logits, however large
    **{
        f"A12-{v:g}": (BOTH if abs(v) < 1e38 else DOUBLE, [v, v], "0.5 0.5")
        for v in (1, 1e4, 1e8, 1e20, 1e36, -1e8)
    },
    # torch/nn#804
    "A13": (DOUBLE, [-5.2040, 7.8325], "~2.1793101e-06 ~0.9999978"),
    "A13-rounded": (SINGLE, [-5.2040, 7.8325], "~2.179310e-06 0.9999978"),
    # tenstorrent/tt-metal#4173
    "A14": (SINGLE, [-200, -201, -202], "0.66524096 0.24472847 0.09003057"),
    # microsoft/onnxruntime#26670
    "A15": (BOTH, [LOWEST, LOWEST], "0.5 0.5"),
    "A15-masked": (BOTH, [LOWEST, -math.inf], "1 0"),
    # mindspore#378, tenstorrent/tt-metal#56056
    "A32": (BOTH, [0, math.nan, 1], "nan nan nan"),
    "A32-inf": (BOTH, [math.nan, math.inf, -math.inf], "nan nan nan"),
    # pytorch/pytorch#25110, jax-ml/jax#21495, scipy/scipy#23225
    "A33": (BOTH, [-math.inf] * 3, "nan nan nan"),
    "A33-inf": (BOTH, [0, math.inf], "nan nan"),
    "A33-masked": (BOTH, [-math.inf, 0], "0 1"),
}


@pytest.mark.parametrize(
    ("row", "texts", "dtype"),
    [
        pytest.param(row, texts.split(), dtype, id=f"{name}-{dtype.__name__}")
        for name, (dtypes, row, texts) in SOFTMAX_CASES.items()
        for dtype in dtypes
    ],
)
def test_softmax_as_reported(row, texts, dtype):
    x = np.array(row, dtype)
    for rows in (1, 2, 7, 33):
        matrix = np.tile(x, (rows, 1))
        for y in (
            fastact.softmax(matrix),
            fastact.softmax(np.asfortranarray(matrix)),
            fastact.softmax(np.repeat(matrix, 2, axis=1)[:, ::2]),
            fastact.softmax(matrix.T, axis=0).T,
        ):
            assert y.dtype == dtype
            assert all(
                is_written(got, text) for line in y for got, text in zip(line, texts, strict=True)
            )


@pytest.mark.parametrize("v", [0, 1, 1e4, -1e8, 1e20, 1e36, -1e36, LOWEST, -LOWEST])
def test_a12_a15_softmax_of_equal_logits(dtype, v):
    """pytorch/pytorch#11752, onnxruntime#26670: 1/n however large they are; and 0 for the masked
    that stand among them."""
    for n in (*range(1, 40), 511, 512, 513, 5000):
        assert set(fastact.softmax(np.full(n, v, dtype)).tolist()) == {float(dtype(1) / dtype(n))}
        masked = np.full(2 * n, -math.inf, dtype)
        masked[::2] = v
        p = fastact.softmax(masked)
        assert set(p[::2].tolist()) == {float(dtype(1) / dtype(n))}
        assert not p[1::2].any()


@pytest.mark.parametrize("n", [1, 2, 7, 8, 15, 16, 17, 33, 512, 513, 5000])
def test_a32_a33_rows_without_a_softmax(dtype, n):
    """pytorch/pytorch#25110, mindspore#378: a row of -inf alone, or with +inf or NaN at
    either end, is NaN, forward and backward; its neighbours are what they are without it."""
    for strange in (-math.inf, math.nan, math.inf):
        rows = np.zeros((3, n), dtype)
        rows[1] = -math.inf
        rows[1, [0, -1]] = strange
        y = fastact.softmax(rows)
        for result in (y, fastact.softmax.backward(np.ones_like(rows), rows)):
            assert np.isnan(result[1]).all()
        for k in (0, 2):
            np.testing.assert_array_equal(y[k], fastact.softmax(rows[k]))


@pytest.mark.parametrize("gap", [5, 13, 13.0365, 20, 40, 87, 100, 103])
def test_a13_softmax_of_a_gap(dtype, gap):
    """torch/nn#804: neither of two logits is lost, however far apart they are."""
    loser, winner = fastact.softmax(np.array([0, gap], dtype))
    wide = mp.exp(mp.mpf(float(dtype(gap))))
    assert oracle.ulps(loser, 1 / (1 + wide), dtype) <= 1
    assert oracle.ulps(winner, wide / (1 + wide), dtype) <= 1


@pytest.mark.parametrize("base", [-1e4, -200, -103, -88, 88, 100, 200, 1e4])
@pytest.mark.parametrize("n", [3, 8, 16, 17, 33])
def test_a14_a57_softmax_of_rows_far_from_0(dtype, base, n):
    """tenstorrent/tt-metal#4173, pytorch/pytorch#62897: the maximum is subtracted, in the body of
    a row and in its tail."""
    x = dtype(base) - np.arange(n, dtype=dtype) % 3
    np.testing.assert_array_equal(fastact.softmax(x), fastact.softmax(x - dtype(base)))
    assert abs(fastact.softmax(x).astype(np.float64).sum() - 1) < 2e-7
    half = x.astype(np.float16)
    wide = fastact.softmax(half.astype(np.float64))
    np.testing.assert_array_equal(fastact.softmax(half), wide.astype(np.float16))


@pytest.mark.parametrize("n", [512, 2048, 4096, 4097, 65536])
def test_a53_softmax_of_zeros(dtype, n):
    """huggingface/candle#3727, executorch#20090: a sum that does not stall."""
    for x in (np.zeros(n, dtype), np.zeros(2 * n, dtype)[::2], np.zeros((2, n), dtype)[1]):
        half = fastact.softmax(x.astype(np.float16))
        assert set(half.tolist()) == {float(np.float16(1 / n))}
        p = fastact.softmax(x)
        assert set(p.tolist()) == {float(dtype(1 / n))}
        assert math.fsum(p.tolist()) == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(("n", "off"), [(3, 6e-8), (100, 6e-8), (50_000, 1e-6)])
def test_a56_softmax_sums_to_1(dtype, n, off):
    """numpy/numpy#6123, clab/dynet#699: as probabilities for np.random's choice."""
    rng = np.random.default_rng(n)
    for spread in (1, 3, 10):
        p = fastact.softmax(rng.normal(0, spread, n).astype(dtype))
        total = p.astype(np.float64).sum()
        assert abs(total - 1) <= (off if dtype is np.float32 else 1e-15 * math.sqrt(n))
        assert 0 <= rng.choice(n, p=p) < n


def test_a51_backward_of_other_shapes():
    """pytorch/pytorch#194799: a gradient of another shape is refused, not read past its end."""
    pairs = [((1, 16), (1, 1)), ((1, 1), (1, 16)), ((4,), (1, 4)), ((3, 4), (4, 3))]
    for grad_shape, shape in pairs:
        grad, y = np.ones(grad_shape, np.float32), np.ones(shape, np.float32)
        for backward in (fastact.softmax.backward, fastact.softmax.backward_from_output):
            with pytest.raises(ValueError, match="shape"):
                backward(grad, y)


# ---- a slope for each channel -------------------------------------------------------------------


def test_a49_slope_per_channel(dtype, rng):
    """FlagGems#4992: along the axis that broadcasting says, when others have its length too."""
    x = rng.normal(size=(2, 3, 4, 3)).astype(dtype)
    slopes = np.array([0.1, 2.0, -0.5], dtype)
    y = fastact.leaky_relu(x, slopes[:, None, None])
    slope = fastact.leaky_relu.derivative(x, slopes[:, None, None])
    grad = rng.normal(size=x.shape).astype(dtype)
    dx = fastact.leaky_relu.backward(grad, x, slopes[:, None, None])
    for channel, value in enumerate(slopes):
        part = x[:, channel]
        np.testing.assert_array_equal(y[:, channel], np.where(part < 0, part * value, part))
        np.testing.assert_array_equal(slope[:, channel], np.where(part <= 0, value, 1))
        np.testing.assert_array_equal(dx[:, channel], grad[:, channel] * slope[:, channel])


# ---- signs of zero ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(1, 34))
def test_a35_sign_of_zero_for_every_length(dtype, n):
    """pytorch/pytorch#181801, oneDNN#139: the same sign in the body and in the tail of an array,
    in any layout."""
    for function in (
        fastact.relu,
        fastact.relu6,
        fastact.leaky_relu,
        fastact.elu,
        fastact.silu,
        fastact.tanh,
        fastact.mish,
        fastact.identity,
    ):
        for x, negative in ((-0.0, True), (0.0, False)):
            for array in (np.full(n, x, dtype), np.full(2 * n, x, dtype)[::2]):
                assert np.signbit(function(array)).tolist() == [negative] * n
    for function in (fastact.relu, fastact.relu6):
        assert not np.signbit(function(np.full(n, -1, dtype))).any()


# ---- arrays -------------------------------------------------------------------------------------
#
# B4, that instruction sets differ, is in test_same_bits.py; B12 to B15, softmax along an axis, in
# test_softmax.py; B23, more than 2^31 elements, in test_out.py.

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")


def everything():
    """Every operation of every function, as a function of x alone."""
    for row in CATALOGUE:
        for operation in OPERATIONS:
            function = getattr(fastact, row.name)
            member = function if operation == "value" else getattr(function, operation)
            yield (
                (lambda x, member=member, **k: member(x, x, **k))
                if operation == "backward"
                else (lambda x, member=member, **k: member(x, **k)),
                2 if operation == "value_and_derivative" else 1,
            )


def with_parameters():
    """Every function of x and a parameter that is an array."""
    for row in CATALOGUE:
        for i, parameter in enumerate(row.parameters):
            before = [p.default for p in row.parameters[:i]]
            function = getattr(fastact, row.name)
            yield lambda x, array, f=function, before=before, **k: f(x, *before, array, **k)
            yield lambda x, array, f=function, name=parameter.name, **k: f.backward(
                x, x, **{name: array}, **k
            )


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def assert_as_on_a_copy(x, **keywords):
    for function, _ in everything():
        copies = as_tuple(function(np.array(x, x.dtype.newbyteorder("="), order="C")))
        for got, wanted in zip(as_tuple(function(x, **keywords)), copies, strict=True):
            np.testing.assert_array_equal(got, wanted, strict=True)


FLOATS = (np.float16, np.float32, np.float64)
every_float = pytest.mark.parametrize("dtype", FLOATS)


@every_float
@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 33, 100, 1500])
def test_b1_strides(dtype, n):
    """numpy/numpy#13512: a vector path that does not look at the strides."""
    numbers = np.linspace(-9, 9, 3 * n).astype(dtype)
    for step in (2, 3, -1, -2, -3):
        assert_as_on_a_copy(numbers[::step])


@every_float
def test_b2_views(dtype, low_threshold):
    """pytorch/pytorch#11206, fla-org/flash-linear-attention#759: wrong values, or an error that
    asks for contiguous arrays."""
    x = np.zeros((3, 3, 1, 2), dtype)
    x[:, 2] = 1
    assert (fastact.tanh(x[:, 2]) == fastact.tanh(dtype(1))).all()
    assert_as_on_a_copy(x[:, 2])
    wide = np.linspace(-9, 9, 4 * 34).astype(dtype).reshape(4, 34)
    for view in (wide[:, :32], wide.T, wide[:, 1:].T, wide[1], wide[:, 1], wide[1:3, ::3]):
        assert_as_on_a_copy(view)
    cube = np.linspace(-9, 9, 6 * 7 * 90).astype(dtype).reshape(6, 7, 90)
    for view in (cube.transpose(2, 0, 1), cube[..., 0], cube[:, 1:3, 2:], cube[None, :, None, 3]):
        assert_as_on_a_copy(view)


@every_float
def test_b6_out_in_another_order(dtype):
    """numpy/numpy#11605: results written as if `out` were in C order."""
    x = np.linspace(-9, 9, 35).astype(dtype).reshape(5, 7)
    for function, outputs in everything():
        wanted = as_tuple(function(x))
        for make in (
            lambda: np.zeros((5, 7), dtype, order="F"),
            lambda: np.zeros((5, 7), dtype)[::-1],
            lambda: np.zeros((5, 7), dtype)[:, ::-1],
            lambda: np.zeros((7, 5), dtype)[::-1, ::-1].T,
            lambda: np.zeros((5, 14), dtype)[:, ::2],
            lambda: np.zeros((5, 7, 2), dtype)[..., 1],
        ):
            outs = tuple(make() for _ in range(outputs))
            function(x, out=outs)
            for out, values in zip(outs, wanted, strict=True):
                np.testing.assert_array_equal(out, values)


@every_float
def test_b8_in_place_where_elements_are_one(dtype):
    """pytorch/pytorch#17935: the function is applied once, not once for each time that the element
    is shown."""
    for shape, strides, needed in (
        ((5,), (0,), 1),
        ((4, 3), (0, 1), 3),
        ((3, 4), (1, 0), 3),
        ((3, 2), (1, 1), 4),  # windows
        ((600, 600), (1, 1), 1199),
    ):
        numbers = np.linspace(-3, 3, needed).astype(dtype) - dtype(0.5)
        bytewise = [s * numbers.itemsize for s in strides]
        for function, outputs in everything():
            if outputs == 1:
                memory = numbers.copy()
                x = np.lib.stride_tricks.as_strided(memory, shape, bytewise, writeable=True)
                function(x, out=x)
                np.testing.assert_array_equal(memory, function(numbers))
    x = np.broadcast_to(np.ones(3, dtype), (4, 3))
    for function, outputs in everything():
        with pytest.raises(ValueError, match="read-only"):
            function(x, out=(x,) * outputs)


@every_float
def test_b9_packed_and_unaligned(dtype):
    """numpy/numpy#16660, numpy/numpy#26775, joblib/joblib#563: fields of records of an odd size,
    and numbers that begin at an odd address."""
    numbers = np.linspace(-9, 9, 700).astype(dtype)
    records = np.zeros(700, [("c", "S1"), ("v", dtype), ("w", dtype, 2)])
    records["v"], records["w"] = numbers, numbers[:, None]
    unaligned = np.frombuffer(b"!" + numbers.tobytes(), dtype, offset=1)
    for x in (records["v"], records["w"], records["w"].T, unaligned, unaligned[::-2]):
        assert not x.flags.aligned
        assert_as_on_a_copy(x)
    for function, outputs in everything():
        outs = tuple(records[name] for name in ("v", "w"))[:outputs]
        results = as_tuple(function(numbers[:, None] if outputs == 2 else numbers))
        if outputs == 1:
            function(numbers, out=outs)
            np.testing.assert_array_equal(records["v"], results[0])
            assert set(records["c"]) == {b""}


GUARDED = """
import ctypes, mmap
import numpy as np
import fastact
from test_field_cases import FLOATS, as_tuple, everything, with_parameters

libc = ctypes.CDLL(None, use_errno=True)
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 6 * page)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))

def forbid(offset, length):
    if libc.mprotect(ctypes.c_void_p(start + offset), ctypes.c_size_t(length), 0):
        raise OSError(ctypes.get_errno(), "mprotect")

# Two pages of numbers, each between pages that nobody may touch.
for at in (0, 2 * page, 4 * page):
    forbid(at, page)
for dtype in FLOATS:
    size = np.dtype(dtype).itemsize
    first = np.frombuffer(memory, dtype, page // size, page)
    second = np.frombuffer(memory, dtype, page // size, 3 * page)
    numbers = np.linspace(-9, 9, first.size).astype(dtype)
    for n in (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100):
        for step in (1, 2, 3, -1, -2):
            for at_the_end in (False, True):
                if (n - 1) * abs(step) >= first.size:
                    continue
                reach = (n - 1) * abs(step) + 1
                taken = slice(first.size - reach, None) if at_the_end else slice(0, reach)
                for function, outputs in everything():
                    first[:] = numbers
                    x = first[taken][::step]
                    wanted = as_tuple(function(x.copy()))
                    outs = (second[taken][::step], np.empty(n, dtype))[:outputs]
                    for keywords in ({}, {"out": outs}):
                        for got, values in zip(as_tuple(function(x, **keywords)), wanted):
                            assert got.tobytes() == values.tobytes()
                    if outputs == 1:
                        function(x, out=x)
                        assert x.tobytes() == wanted[0].tobytes()
                first[:] = numbers
                x = first[taken][::step]
                fastact.softmax(x, out=second[taken][::step])
                for function in with_parameters():
                    function(x, x, out=second[taken][::step])
for dtype in "?bBhHiIlL":
    first = np.frombuffer(memory, dtype, page // np.dtype(dtype).itemsize, page)
    for n in (1, 7, 16, 33, 100):
        for x in (first[:n], first[-n:], first[-2 * n :][1::2], first[-n:][::-1]):
            for function, _ in everything():
                function(x)
print("unharmed")
"""


@pytest.mark.skipif(not hasattr(mmap, "PROT_READ"), reason="needs mprotect")
def test_b10_nothing_beyond_an_array_is_touched(run_python):
    """numpy/numpy#25231: a strided load that reads past the end of the last page."""
    assert run_python(GUARDED) == "unharmed\n"


@every_float
def test_b11_byte_order(dtype):
    """pydata/bottleneck#104, pydata/xarray#489, scipy/scipy#4476: 4.6e-40 for 1."""
    other = np.dtype(dtype).newbyteorder("S")
    assert_as_on_a_copy(np.ones(10, other))
    x = np.linspace(-9, 9, 700).astype(dtype)
    for view in (x.astype(other), x.astype(other)[::3], x.reshape(70, 10).astype(other).T):
        assert_as_on_a_copy(view)
    for function, outputs in everything():
        for given in (x, x.astype(other)):
            outs = tuple(np.zeros(700, other) for _ in range(outputs))
            function(given, out=outs)
            for out, values in zip(outs, as_tuple(function(x)), strict=True):
                np.testing.assert_array_equal(out, values)


def test_b17_integers_leave_the_parameters_alone():
    """keras-team/keras#23607, tensorflow/tensorflow#35430: a slope of 0.2 becomes 0."""
    assert fastact.leaky_relu([-10, 0, 10], 0.2).tolist() == [-2, 0, 10]
    for row in CATALOGUE:
        function = getattr(fastact, row.name)
        given = {p.name: 0.2 for p in row.parameters}
        for kind in "bhilq":
            x = np.array([-10, -2, -1, 0, 1, 2, 10], kind)
            wanted = function(x.astype(float), **given)
            np.testing.assert_array_equal(function(x, **given), wanted)
            for operation in ("derivative", "value_and_derivative"):
                member = getattr(function, operation)
                for y, z in zip(
                    as_tuple(member(x, **given)),
                    as_tuple(member(x.astype(float), **given)),
                    strict=True,
                ):
                    np.testing.assert_array_equal(y, z, strict=True)
        np.testing.assert_array_equal(function([True, False]), function([1.0, 0.0]), strict=True)


def test_b18_the_dtype_of_the_result():
    """numpy/numpy#13493, numpy/numpy#6846: float16 stays, integers become float64."""
    for row in CATALOGUE:
        function = getattr(fastact, row.name)
        kept = "bBhHiIlLqQ" if row.keeps_integers else ""
        for code in "efd?bBhHiIlLqQ":
            wanted = np.dtype(code if code in "efd" or code in kept else "d")
            for x in (np.ones(3, code), np.ones((), code), np.ones(3, code)[::2]):
                assert function(x).dtype == wanted
                if code not in kept:
                    assert function.derivative(x).dtype == wanted
            assert function(np.ones(3, np.dtype(code).newbyteorder("S"))).dtype == wanted
        assert type(function(1.5)) is np.float64
        assert type(function(np.float32(1.5))) is np.float32
        if np.dtype(np.longdouble).itemsize > 8:
            with pytest.raises(TypeError, match=f"{row.name}.*longdouble|{row.name}.*float1?28"):
                function(np.ones(3, np.longdouble))


@pytest.mark.parametrize("z", [1j, 0j, np.complex64(1), np.array([1j]), [1j, 2], np.ones(2, "c8")])
def test_b19_complex(z):
    """statsmodels/statsmodels#1442: a clear refusal, of a complex parameter as well."""
    for row in CATALOGUE:
        function = getattr(fastact, row.name)
        for call in (
            function,
            function.derivative,
            function.value_and_derivative,
            lambda z: function.backward(z, 1.0),  # noqa: B023
            lambda z: function.backward(1.0, z),  # noqa: B023
            *[lambda z, p=p: function(1.0, **{p.name: z}) for p in row.parameters],  # noqa: B023
        ):
            with pytest.raises(TypeError, match=f"{row.name}.*complex"):
                call(z)


@every_float
def test_b20_where(dtype):
    """numpy/numpy#17192, numpy/numpy#25242: what is masked out is not touched."""
    x = np.linspace(-9, 9, 700).astype(dtype).reshape(7, 100)
    for mask in (x > 0, np.arange(100) % 3 == 0, np.ones((7, 1), bool), x > 100, x[::-1, ::-1] < 2):
        for function, outputs in everything():
            outs = tuple(np.full((7, 100), 0.25, dtype) for _ in range(outputs))
            function(x, where=mask, out=outs)
            for out, values in zip(outs, as_tuple(function(x)), strict=True):
                np.testing.assert_array_equal(out, np.where(mask, values, dtype(0.25)))
            if outputs == 1:
                y = x.copy()
                function(y, where=mask, out=y)
                np.testing.assert_array_equal(y, np.where(mask, function(x), x))


@every_float
def test_b21_read_only(dtype, tmp_path):
    """scikit-learn#7981, dask/distributed#1978: input that may not be written to is read, output
    that may not be written to is refused."""
    x = np.linspace(-9, 9, 700).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    fixed = x.copy()
    fixed.flags.writeable = False
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for view in (fixed, fixed[::-2], mapped, mapped[::3], np.frombuffer(x.tobytes(), dtype)):
        assert not view.flags.writeable
        assert_as_on_a_copy(np.asarray(view))
        for function, outputs in everything():
            with pytest.raises(ValueError, match="read-only"):
                function(x[: view.size], out=(view,) * outputs)


def test_b22_masks():
    """scipy/scipy#12164: a mask is kept, and what is under it does not matter."""
    x = np.ma.array([1.0, -2.0, 3.0, 1e300], mask=[0, 0, 1, 1])
    for function, _ in everything():
        for y, values in zip(as_tuple(function(x)), as_tuple(function(x.data)), strict=True):
            assert isinstance(y, np.ma.MaskedArray)
            assert y.mask.tolist() == [False, False, True, True]
            np.testing.assert_array_equal(y.data[:2], values[:2])


@every_float
@pytest.mark.parametrize("n", range(1, 34))
def test_b25_no_lane_raises(dtype, n):
    """numpy/numpy#25097, numpy/numpy#18916: what fills the rest of a vector sets no flag; nor does
    a NaN."""
    with np.errstate(all="raise"):
        for number in (
            [-1000, 0, 1000],
            [np.nan],
            [0],
            [-0.0],
            [np.inf, -np.inf, 1],
            [6e-5, -6e-5],
        ):
            x = np.resize(np.array(number, dtype), n)
            for layout in (x, np.repeat(x, 2)[::2]):
                for function, _ in everything():
                    function(layout)
                fastact.softmax(layout)
