"""Who fastact is compared with: every peer's way to compute each function, once.

NumPy's expressions are what people write in its absence: they make new arrays, but for those that
are a single ufunc and take ``out`` as fastact and the others do. The others write into the same
memory as fastact, except for what is an expression in PyTorch too or has no ``out`` there, and for
JAX, which takes over the memory of its result before. They get the number of threads that fastact
has; NumPy and SciPy have only one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastact
from fastact.cli.common import GATES, ROWS, activation, defaults, row_function
from fastact.cli.timing import Call

Array = NDArray[Any]

FASTACT = "fastact"


#: What an input may hold: normal numbers three times as wide as pre-activations tend to be, numbers
#: from -100 to 100, zeros, or such that results of exponentials are subnormal.
INPUTS = ("normal", "uniform", "zeros", "subnormal")

#: Where a result may go: into an array that is there, into a new one, or into the input.
MEMORY = ("out", "fresh", "in-place")


@dataclass(frozen=True)
class Arrays:
    """What all contestants compute on.

    Attributes
    ----------
    x : ndarray
        The input; the gate of a gated function.
    other : ndarray
        What a call takes besides: the gradient of a backward pass, the value that a gate is for,
        the weights of prelu.
    out : ndarray or None
        Where the result goes; None: into a new array in each call.
    packed : ndarray or None
        What x and other are the halves of, for glu.
    """

    x: Array
    other: Array
    out: Array | None
    packed: Array | None = None

    @classmethod
    def normal(
        cls, shape: tuple[int, ...], dtype: str = "float32", *, function: str = ""
    ) -> Arrays:
        """Return arrays of normal numbers, and one for the result.

        Parameters
        ----------
        shape : tuple of int
        dtype : str
        function : str

        Returns
        -------
        Arrays
        """
        return cls.of(shape, dtype, function=function)

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        dtype: str = "float32",
        inputs: str = "normal",
        memory: str = "out",
        function: str = "",
    ) -> Arrays:
        """Return arrays.

        Parameters
        ----------
        shape : tuple of int
            Of the result.
        dtype : str
        inputs : str
            One of `INPUTS`.
        memory : str
            One of `MEMORY`.
        function : str
            What they are for, where that is known: glu and prelu take arrays of other shapes.

        Returns
        -------
        Arrays
        """
        generator = np.random.default_rng(0)
        least = math.log(np.finfo(dtype).smallest_normal)
        numbers: dict[str, Callable[[], Array]] = {
            "normal": lambda: 3.0 * generator.standard_normal(shape),
            "uniform": lambda: generator.uniform(-100.0, 100.0, shape),
            "zeros": lambda: np.zeros(shape),
            "subnormal": lambda: generator.uniform(least - 9.0, least - 1.0, shape),
        }
        x = numbers[inputs]().astype(dtype)
        channels = shape[1:2] if function == "prelu" else shape
        other = generator.standard_normal(channels).astype(dtype)
        packed = None
        if function == "glu":
            packed = np.concatenate((other, x), axis=-1)
            other, x = np.split(packed, 2, axis=-1)
        out = {"out": np.zeros(shape, dtype), "fresh": None, "in-place": x}[memory]
        return cls(x, other, out, packed)

    @property
    def into(self) -> dict[str, Array]:
        """The keyword `out`, where there is one."""
        return {} if self.out is None else {"out": self.out}


Maker = Callable[[str, str, Arrays], Call | None]


@dataclass(frozen=True)
class Peer:
    """A library to compare with.

    Attributes
    ----------
    name : str
    version : str
    make : callable
        Takes "value", "derivative" or "backward", the name of a function, and `Arrays`; returns
        the `Call`, or None for what the library has no call for.
    """

    name: str
    version: str
    make: Maker


def fastact_call(operation: str, name: str, arrays: Arrays) -> Call | None:
    """Return fastact's call.

    Parameters
    ----------
    operation : str
        "value", "derivative" or "backward".
    name : str
        Of the function.
    arrays : Arrays

    Returns
    -------
    Call or None
        None for the derivative of a function of rows, which is a matrix, and for the gradients of a
        gated function, which are two.
    """
    if name in GATES:
        if operation != "value":
            return None
        given = (arrays.x, arrays.other) if arrays.packed is None else (arrays.packed,)
        return Call(getattr(fastact, name), given, arrays.into)
    function = activation(name) if name in ROWS else row_function(name)
    if operation != "value":
        function = getattr(function, operation, None)
        if function is None:
            return None
    inputs = (arrays.other, arrays.x) if operation == "backward" else (arrays.x,)
    return Call(function, inputs, arrays.into)


# ---- NumPy --------------------------------------------------------------------------------------


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _swish_derivative(x: Array, beta: float = 1.0) -> Array:
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)


def _mish_derivative(x: Array) -> Array:
    t = np.tanh(np.log1p(np.exp(x)))
    return t + x * (1 - t * t) / (1 + np.exp(-x))  # type: ignore[no-any-return]


def _threshold(x: Array, threshold: float, value: float) -> Array:
    return np.where(x > threshold, x, value)


def _gelu_tanh(x: Array) -> Array:
    inside = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(inside))  # type: ignore[no-any-return]


def _gelu_tanh_derivative(x: Array) -> Array:
    scale = math.sqrt(2 / math.pi)
    t = np.tanh(scale * (x + 0.044715 * x**3))
    slope = scale * (1 + 0.134145 * x**2)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope  # type: ignore[no-any-return]


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def _softmax_backward(grad: Array, x: Array) -> Array:
    p = _softmax(x)
    return p * (grad - (p * grad).sum(axis=-1, keepdims=True))  # type: ignore[no-any-return]


_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805  # selu's

# The expression as it is written: what it takes after x are the parameters.
NUMPY: dict[str, Callable[..., Array]] = {
    "sigmoid": _sigmoid,
    "leaky_relu": lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x)),
    "swish": lambda x, beta: x / (1 + np.exp(-beta * x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": lambda x, beta: np.log1p(np.exp(beta * x)) / beta,
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "gelu_tanh": _gelu_tanh,  # and no gelu, for want of an erf
    "quick_gelu": lambda x: x / (1 + np.exp(-1.702 * x)),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(x)),
    "celu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x, width=6.0: np.clip(x / width + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "soft_shrink": lambda x, lambd: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
    "hard_shrink": lambda x, lambd: np.where(np.abs(x) > lambd, x, 0),
    "threshold": _threshold,
    "squareplus": lambda x, b: (x + np.sqrt(x * x + b)) / 2,
    "relu_squared": lambda x: np.square(np.maximum(x, 0)),
    "softmax": _softmax,
    "prelu": lambda x, weight: np.where(x > 0, x, weight * x),
}

# A single ufunc, and what it takes between x and out.
NUMPY_UFUNCS: dict[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "tanh": (np.tanh, ()),
    "relu": (np.maximum, (0.0,)),
    "relu6": (np.clip, (0.0, 6.0)),
    "hard_tanh": (np.clip, (-1.0, 1.0)),
    "identity": (np.positive, ()),
}

NUMPY_DERIVATIVES: dict[str, Callable[..., Array]] = {
    "sigmoid": lambda x: (s := _sigmoid(x)) * (1 - s),
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "relu": lambda x: (x > 0).astype(x.dtype),
    "relu6": lambda x: ((x > 0) & (x < 6)).astype(x.dtype),
    "leaky_relu": lambda x, slope: np.where(x > 0, x.dtype.type(1), x.dtype.type(slope)),
    "elu": lambda x, alpha: np.where(x > 0, 1, alpha * np.exp(x)),
    "swish": _swish_derivative,
    "silu": _swish_derivative,
    "identity": np.ones_like,
    "mish": _mish_derivative,
    "softplus": lambda x, beta: 1 / (1 + np.exp(-beta * x)),
    "log_sigmoid": lambda x: 1 / (1 + np.exp(x)),
    "gelu_tanh": _gelu_tanh_derivative,
    "quick_gelu": lambda x: _swish_derivative(x, 1.702),
    "selu": lambda x: _SCALE * np.where(x > 0, 1, _ALPHA * np.exp(x)),
    "celu": lambda x, alpha: np.where(x > 0, 1, np.exp(x / alpha)),
    "softsign": lambda x: 1 / (1 + np.abs(x)) ** 2,
    "hard_sigmoid": lambda x, width=6.0: (np.abs(x) < width / 2) / x.dtype.type(width),
    "hard_swish": lambda x: np.where(x <= -3, 0, np.where(x < 3, (2 * x + 3) / 6, 1)),
    "hard_tanh": lambda x, low, high: ((x > low) & (x < high)).astype(x.dtype),
    "tanh_shrink": lambda x: np.tanh(x) ** 2,
    "soft_shrink": lambda x, lambd: (np.abs(x) > lambd).astype(x.dtype),
    "hard_shrink": lambda x, lambd: (np.abs(x) > lambd).astype(x.dtype),
    "threshold": lambda x, threshold, value: (x > threshold).astype(x.dtype),
    "squareplus": lambda x, b: (1 + x / np.sqrt(x * x + b)) / 2,
    "relu_squared": lambda x: 2 * np.maximum(x, 0),
}

# Where it is no product with the derivative.
NUMPY_BACKWARD: dict[str, Callable[[Array, Array], Array]] = {"softmax": _softmax_backward}


def numpy_expression(name: str) -> Callable[[Array], Array] | None:
    """Return a function as NumPy's expression, its parameters at their defaults.

    Parameters
    ----------
    name : str

    Returns
    -------
    callable or None
        None where there is none in this file.
    """
    if name in NUMPY_UFUNCS:
        ufunc, arguments = NUMPY_UFUNCS[name]
        return lambda x: ufunc(x, *arguments)
    if name not in NUMPY:
        return None
    parameters = defaults(ROWS[name]) if name in ROWS else ()
    expression = NUMPY[name]
    return functools.partial(_with, expression, parameters) if parameters else expression


def gated_call(function: Callable[[Any], Any] | None, gate: Any, value: Any) -> Call | None:
    """Return the call of a gated function where it is two expressions.

    Parameters
    ----------
    function : callable or None
        The activation of the gate; None where there is none.
    gate, value : ndarray or torch.Tensor

    Returns
    -------
    Call or None
        None without a function.
    """
    return function and Call(lambda: function(gate) * value, result=np.asarray)


def _with(expression: Callable[..., Array], parameters: tuple[float, ...], x: Array) -> Array:
    return expression(x, *parameters)


def _numpy_call(operation: str, name: str, arrays: Arrays) -> Call | None:
    given: tuple[Any, ...] = (arrays.other,) if name in GATES else ()
    parameters = defaults(ROWS[name]) if name in ROWS else given
    if operation == "value":
        if name in NUMPY_UFUNCS:
            ufunc, arguments = NUMPY_UFUNCS[name]
            return Call(ufunc, (arrays.x, *arguments), arrays.into)
        if name in NUMPY:
            return Call(NUMPY[name], (arrays.x, *parameters))
        if name in GATES:
            function = numpy_expression(GATES[name].activation)
            return gated_call(function, arrays.x, arrays.other)
        return None
    if name in NUMPY_BACKWARD:
        backward = NUMPY_BACKWARD[name]
        return Call(backward, (arrays.other, arrays.x)) if operation == "backward" else None
    derivative = NUMPY_DERIVATIVES.get(name)
    if derivative is None:
        return None
    if operation == "derivative":
        return Call(derivative, (arrays.x, *parameters))

    def product(grad: Array, x: Array) -> Array:
        return grad * derivative(x, *parameters)

    return Call(product, (arrays.other, arrays.x))


def numpy_peer(threads: int) -> Peer:
    """Return NumPy's expressions; it has no use for threads.

    Parameters
    ----------
    threads : int

    Returns
    -------
    Peer
    """
    return Peer("NumPy", np.__version__, _numpy_call)


# ---- SciPy --------------------------------------------------------------------------------------


def scipy_peer(threads: int) -> Peer:
    """Return SciPy; it has no use for threads.

    Parameters
    ----------
    threads : int

    Returns
    -------
    Peer

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    special = importlib.import_module("scipy.special")
    ufuncs = {"sigmoid": "expit", "log_sigmoid": "log_expit", "softplus": "softplus"}

    def gelu(x: Array) -> Array:
        return 0.5 * x * (1 + special.erf(x / math.sqrt(2)))  # type: ignore[no-any-return]

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        if operation != "value":
            return None
        if ufunc := getattr(special, ufuncs.get(name, ""), None):  # softplus came with 1.17
            return Call(ufunc, (arrays.x,), arrays.into)
        if name == "gelu":
            return Call(gelu, (arrays.x,))
        if name == "softmax":
            return Call(special.softmax, (arrays.x,), {"axis": -1})
        return None

    return Peer("SciPy", importlib.import_module("scipy").__version__, make)


# ---- PyTorch ------------------------------------------------------------------------------------


def torch_function(name: str) -> Callable[[Any], Any] | None:
    """Return PyTorch's function of a tensor, its parameters at the defaults of the catalogue.

    Parameters
    ----------
    name : str
        Of an elementwise activation.

    Returns
    -------
    callable or None
        None where PyTorch has no such function.
    """
    torch = importlib.import_module("torch")
    functional = torch.nn.functional
    functions: dict[str, Callable[..., Any]] = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "swish": functional.silu,  # at beta = 1; it has no other
        "identity": torch.nn.Identity(),
        "log_sigmoid": functional.logsigmoid,
        "gelu_tanh": functools.partial(functional.gelu, approximate="tanh"),
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "hard_sigmoid": functional.hardsigmoid,  # of the default width alone
        "hard_swish": functional.hardswish,
        "hard_tanh": functional.hardtanh,
        "tanh_shrink": functional.tanhshrink,
        "soft_shrink": functional.softshrink,
        "hard_shrink": functional.hardshrink,
        "relu_squared": lambda x: torch.relu(x).square(),
    }
    function = functions.get(name) or getattr(functional, name, None)
    if function is None:
        return None
    given = () if name in ("swish", "hard_sigmoid") else defaults(ROWS[name])
    return lambda x: function(x, *given)


def torch_gated(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any]:
    """Return a gated function that takes `out` as PyTorch's functions do, and makes no other array.

    Parameters
    ----------
    function : callable
        The activation of the gate, which takes `out`.
    arguments : tuple
        What it takes between the gate and `out`.

    Returns
    -------
    callable
    """
    torch = importlib.import_module("torch")

    def gated(gate: Any, value: Any, *, out: Any = None) -> Any:
        gate = function(gate, *arguments, out=out)
        return torch.mul(gate, value, out=out)

    return gated


def torch_backward(name: str, x: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """Return PyTorch's backward pass, what it keeps of the forward pass being there.

    Parameters
    ----------
    name : str
        Of an elementwise activation.
    x : torch.Tensor

    Returns
    -------
    tuple or None
        The operator, and what it takes after the gradient. None where PyTorch has none that writes
        into given memory.
    """
    torch = importlib.import_module("torch")
    # The name of the operator, and its arguments.
    operators: dict[str, tuple[str, tuple[Any, ...]]] = {
        "relu": ("threshold", (x, 0)),
        "relu6": ("hardtanh", (x, 0.0, 6.0)),
        "leaky_relu": ("leaky_relu", (x, 0.01, False)),
        "elu": ("elu", (1.0, 1.0, 1.0, False, x)),
        "selu": ("elu", (_ALPHA, _SCALE, 1.0, False, x)),
        "celu": ("elu", (1.0, 1.0, 1.0, False, x)),
        "swish": ("silu", (x,)),
        "silu": ("silu", (x,)),
        "softplus": ("softplus", (x, 1.0, 20.0)),
        "gelu": ("gelu", (x,)),
        "hard_sigmoid": ("hardsigmoid", (x,)),
        "hard_tanh": ("hardtanh", (x, -1.0, 1.0)),
        "soft_shrink": ("softshrink", (x, 0.5)),
        "hard_shrink": ("hardshrink", (x, 0.5)),
        "threshold": ("threshold", (x, 1.0)),
    }
    if name in ("sigmoid", "tanh"):  # of the result, which the forward pass has left
        operators[name] = name, (getattr(torch, name)(x),)
    if name not in operators:
        return None
    operator, arguments = operators[name]
    return getattr(torch.ops.aten, f"{operator}_backward"), arguments


def torch_peer(threads: int) -> Peer:
    """Return PyTorch, without gradients but for its operators of backward passes.

    Parameters
    ----------
    threads : int

    Returns
    -------
    Peer

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    # What torch.nn.functional calls; only here do these take `out`.
    native = torch._C._nn
    # The function and what it takes between x and out, the default parameters where None.
    functions: dict[str, tuple[Callable[..., Any], tuple[Any, ...] | None]] = {
        "sigmoid": (torch.sigmoid, ()),
        "tanh": (torch.tanh, ()),
        "relu": (torch.clamp_min, (0,)),
        "relu6": (native.hardtanh, (0.0, 6.0)),
        "leaky_relu": (native.leaky_relu, None),
        "elu": (native.elu, None),
        "swish": (native.silu, ()),
        "silu": (native.silu, ()),
        "mish": (native.mish, ()),
        "softplus": (native.softplus, None),
        "log_sigmoid": (native.log_sigmoid, ()),
        "gelu": (native.gelu, ()),
        "gelu_tanh": (functools.partial(native.gelu, approximate="tanh"), ()),
        # torch.selu and torch.celu call this and take no `out`.
        "selu": (native.elu, (_ALPHA, _SCALE)),
        "celu": (native.elu, (1.0, 1.0, 1.0)),
        "hard_sigmoid": (native.hardsigmoid, ()),
        "hard_swish": (native.hardswish, ()),
        "hard_tanh": (native.hardtanh, None),
        "soft_shrink": (native.softshrink, None),
        "hard_shrink": (torch.hardshrink, None),
        "threshold": (torch.threshold, None),
        "softmax": (torch.softmax, (-1,)),
    }

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        x, other = torch.from_numpy(arrays.x), torch.from_numpy(arrays.other)
        out = None if arrays.out is None else torch.from_numpy(arrays.out)

        def call(function: Callable[..., Any], *given: Any, keyword: str = "out") -> Call:
            return Call(function, given, {} if out is None else {keyword: out}, result=np.asarray)

        if operation == "backward" and (found := torch_backward(name, x)) is not None:
            operator, kept = found
            function = operator.default if out is None else operator.grad_input
            return call(function, other, *kept, keyword="grad_input")
        if operation != "value":
            return None
        if name == "glu":
            return call(native.glu, torch.from_numpy(arrays.packed), -1)
        if name == "prelu":  # which takes no `out`
            return Call(torch.prelu, (x, other), result=np.asarray)
        if name == "identity":
            return Call(x.clone) if out is None else Call(out.copy_, (x,), result=np.asarray)
        plain = GATES[name].activation if name in GATES else name
        if plain not in functions:
            expression = torch_function(name)
            return None if expression is None else Call(expression, (x,), result=np.asarray)
        function, arguments = functions[plain]
        arguments = defaults(ROWS[plain]) if arguments is None else arguments
        if name in GATES:
            return call(torch_gated(function, arguments), x, other)
        return call(function, x, *arguments)

    return Peer("torch", torch.__version__, make)


def torch_sum(arrays: Arrays) -> Call:
    """Return PyTorch's sum of both inputs: it reads and writes what a backward pass does.

    Parameters
    ----------
    arrays : Arrays
        With memory for the result.

    Returns
    -------
    Call
    """
    torch = importlib.import_module("torch")
    given = torch.from_numpy(arrays.other), torch.from_numpy(arrays.x)
    return Call(torch.add, given, {"out": torch.from_numpy(arrays.out)}, result=np.asarray)


# ---- ONNX Runtime -------------------------------------------------------------------------------

# Nodes as (operator, inputs, attributes), the last of which gives the result, y; what those before
# give is t0, t1, ..., and the second half of what is split t0b. And the version of the operators'
# definitions in which these are attributes.
_Nodes = tuple[tuple[str, tuple[str, ...], Mapping[str, float | str]], ...]
_ONNX: dict[str, tuple[int, _Nodes]] = {
    "sigmoid": (13, (("Sigmoid", ("x",), {}),)),
    "tanh": (13, (("Tanh", ("x",), {}),)),
    "relu": (14, (("Relu", ("x",), {}),)),
    "relu6": (10, (("Clip", ("x",), {"min": 0.0, "max": 6.0}),)),
    "leaky_relu": (16, (("LeakyRelu", ("x",), {"alpha": 0.01}),)),
    "elu": (13, (("Elu", ("x",), {"alpha": 1.0}),)),
    "silu": (14, (("Sigmoid", ("x",), {}), ("Mul", ("x", "t0"), {}))),  # it fuses these
    "identity": (14, (("Identity", ("x",), {}),)),
    "mish": (18, (("Mish", ("x",), {}),)),
    "softplus": (1, (("Softplus", ("x",), {}),)),
    "log_sigmoid": (13, (("Sigmoid", ("x",), {}), ("Log", ("t0",), {}))),
    "gelu": (20, (("Gelu", ("x",), {}),)),
    "gelu_tanh": (20, (("Gelu", ("x",), {"approximate": "tanh"}),)),
    "quick_gelu": (  # these too
        14,
        (
            ("Constant", (), {"value_float": 1.702}),
            ("Mul", ("x", "t0"), {}),
            ("Sigmoid", ("t1",), {}),
            ("Mul", ("x", "t2"), {}),
        ),
    ),
    "selu": (6, (("Selu", ("x",), {}),)),
    "celu": (12, (("Celu", ("x",), {"alpha": 1.0}),)),
    "softsign": (1, (("Softsign", ("x",), {}),)),
    "hard_sigmoid": (6, (("HardSigmoid", ("x",), {"alpha": 1 / 6, "beta": 0.5}),)),
    "hard_swish": (14, (("HardSwish", ("x",), {}),)),
    "hard_tanh": (10, (("Clip", ("x",), {"min": -1.0, "max": 1.0}),)),
    "tanh_shrink": (14, (("Tanh", ("x",), {}), ("Sub", ("x", "t0"), {}))),
    "soft_shrink": (9, (("Shrink", ("x",), {"lambd": 0.5, "bias": 0.5}),)),
    "hard_shrink": (9, (("Shrink", ("x",), {"lambd": 0.5}),)),
    "threshold": (10, (("ThresholdedRelu", ("x",), {"alpha": 1.0}),)),
    "squareplus": (
        14,
        (
            ("Constant", (), {"value_float": 4.0}),
            ("Mul", ("x", "x"), {}),
            ("Add", ("t1", "t0"), {}),
            ("Sqrt", ("t2",), {}),
            ("Add", ("x", "t3"), {}),
            ("Constant", (), {"value_float": 0.5}),
            ("Mul", ("t4", "t5"), {}),
        ),
    ),
    "relu_squared": (14, (("Relu", ("x",), {}), ("Mul", ("t0", "t0"), {}))),
    "softmax": (13, (("Softmax", ("x",), {}),)),
    "glu": (
        13,
        (
            ("Split", ("x",), {"axis": -1}),
            ("Sigmoid", ("t0b",), {}),
            ("Mul", ("t0", "t1"), {}),
        ),
    ),
    "prelu": (16, (("PRelu", ("x", "other"), {}),)),
}


def _onnx_nodes(name: str) -> tuple[int, _Nodes] | None:
    """Return what computes a function; of a gated one the activation and a product."""
    if name not in GATES or name in _ONNX:
        return _ONNX.get(name)
    version, nodes = _ONNX[GATES[name].activation]
    return max(version, 13), (*nodes, ("Mul", (f"t{len(nodes) - 1}", "other"), {}))


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """Encode a field of a protocol buffer."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % 2**64)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def onnx_model_of(
    operation: str, name: str, arrays: Arrays
) -> tuple[bytes, dict[str, Array]] | None:
    """Return the ONNX model that computes a function of float32.

    Parameters
    ----------
    operation : str
    name : str
    arrays : Arrays

    Returns
    -------
    tuple or None
        The model, and its inputs by their names. None where there is none.
    """
    found = _onnx_nodes(name)
    if operation != "value" or found is None or arrays.x.dtype != np.float32:
        return None
    if arrays.packed is not None and arrays.out is arrays.x:
        return None  # no array of its own
    version, nodes = found
    given = {"x": arrays.x if arrays.packed is None else arrays.packed, "other": arrays.other}
    used = {read: given[read] for _, reads, _ in nodes for read in reads if read in given}
    ranks = {read: array.ndim for read, array in used.items()}
    return onnx_model(version, nodes, arrays.x.ndim, ranks), used


def onnx_model(
    version: int, nodes: _Nodes, dimensions: int, inputs: Mapping[str, int] | None = None
) -> bytes:
    """Return an ONNX model of float32 inputs, by default x alone, and one output y.

    Written by hand, since a few dozen bytes are not worth a dependency on the onnx package. The
    numbers are those of the fields in onnx.proto.
    """
    graph = b""
    for i, (operator, reads, attributes) in enumerate(nodes):
        node = b"".join(_field(1, name) for name in reads)
        gives = ["y"] if i == len(nodes) - 1 else [f"t{i}", f"t{i}b"][: 1 + (operator == "Split")]
        node += b"".join(_field(2, name) for name in gives) + _field(4, operator)
        for name, value in attributes.items():
            where, kind = {float: (2, 1), int: (3, 2), str: (4, 3)}[type(value)]
            node += _field(5, _field(1, name) + _field(where, value) + _field(20, kind))
        graph += _field(1, node)
    graph += _field(2, "one_function")
    ranks = [(11, *of) for of in (inputs or {"x": dimensions}).items()] + [(12, "y", dimensions)]
    for number, name, rank in ranks:
        shape = b"".join(_field(1, _field(2, f"{name}{i}")) for i in range(rank))
        tensor = _field(1, 1) + _field(2, shape)  # element type 1 is float32
        graph += _field(number, _field(1, name) + _field(2, _field(1, tensor)))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, version))


def onnxruntime_peer(threads: int) -> Peer:
    """Return ONNX Runtime, its inputs and output bound beforehand.

    Parameters
    ----------
    threads : int

    Returns
    -------
    Peer

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    onnxruntime = importlib.import_module("onnxruntime")

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        found = onnx_model_of(operation, name, arrays)
        # In place a later one of several nodes would find x overwritten.
        if found is None or arrays.out is arrays.x:
            return None
        model, inputs = found
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        # Or its idle threads spin, and slow whoever comes next.
        settings.add_session_config_entry("session.force_spinning_stop", "1")
        session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        if arrays.out is None:
            return Call(session.run, (None, inputs), result=lambda results: results[0])
        binding = session.io_binding()
        binds = [(binding.bind_input, *of) for of in inputs.items()]
        for bind, field, array in (*binds, (binding.bind_output, "y", arrays.out)):
            bind(field, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return Call(session.run_with_iobinding, (binding,), result=lambda _: arrays.out)

    return Peer("ONNX Runtime", onnxruntime.__version__, make)


# ---- JAX ----------------------------------------------------------------------------------------


def jax_peer(threads: int) -> Peer:
    """Return JAX, compiled for the CPU, with gradients of sums as derivatives.

    Parameters
    ----------
    threads : int
        Kept where JAX has computed nothing in this process yet.

    Returns
    -------
    Peer

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    os.environ.setdefault("NPROC", str(threads))  # which XLA takes for the number of processors
    jax = importlib.import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)  # float32 stays what it is
    nn = jax.nn
    # With the parameters at their defaults, which are the same in both libraries.
    functions: dict[str, Callable[[Any], Any]] = {
        "tanh": jax.numpy.tanh,
        "swish": nn.silu,  # at beta = 1; it has no other
        "gelu": functools.partial(nn.gelu, approximate=False),
        "gelu_tanh": functools.partial(nn.gelu, approximate=True),
        "quick_gelu": lambda x: x * nn.sigmoid(1.702 * x),
        "softsign": nn.soft_sign,
        "relu_squared": lambda x: jax.numpy.square(nn.relu(x)),
        "tanh_shrink": lambda x: x - jax.numpy.tanh(x),
    }
    # Of x and the other array, where it is no product.
    gates = {"glu": lambda x, other: nn.glu(x), "prelu": nn.leaky_relu}

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        plain = GATES[name].activation if name in GATES else name
        function = functions.get(plain) or getattr(nn, plain, None)
        if function is None or (operation == "derivative" and name not in ROWS):
            return None

        def value(x: Any, other: Any) -> Any:
            return function(x)

        def gated(x: Any, other: Any) -> Any:
            return function(x) * other

        def derivative(x: Any, other: Any) -> Any:
            return jax.grad(lambda x: function(x).sum())(x)

        def backward(x: Any, grad: Any) -> Any:
            return jax.vjp(function, x)[1](grad)[0]

        chosen = {
            "value": gates.get(name, gated) if name in GATES else value,
            "derivative": derivative,
            "backward": backward,
        }[operation]
        given = (arrays.x if arrays.packed is None else arrays.packed, arrays.other)
        x, other = map(jax.numpy.array, given)
        if arrays.out is None:
            compiled = jax.jit(chosen, keep_unused=True)
            return Call(lambda: compiled(x, other).block_until_ready(), result=np.asarray)
        # It writes into no given memory, but takes over that of an argument: of what it has made in
        # the call before, or of x.
        reuse = {"donate_argnums": 0, "keep_unused": True}
        restore = None
        if arrays.out is arrays.x:
            if arrays.packed is not None:
                return None  # the result is half as large
            step, last = jax.jit(chosen, **reuse), [x]
            others: tuple[Any, ...] = (other,)

            def restore() -> None:
                last[0] = jax.numpy.array(arrays.x)

        else:
            step = jax.jit(lambda before, x, other: chosen(x, other), **reuse)
            last, others = [jax.numpy.array(arrays.out)], (x, other)

        def call() -> Any:
            last[0] = step(last[0], *others)
            return last[0].block_until_ready()

        return Call(call, result=np.asarray, restore=restore)

    return Peer("JAX", jax.__version__, make)


def _compiled(maker: str) -> Callable[[int], Peer]:
    def make(threads: int) -> Peer:
        module = importlib.import_module("fastact.cli.compiled_peers")
        return getattr(module, maker)(threads)  # type: ignore[no-any-return]

    return make


#: By the name that tables show; a maker raises ImportError where the library is not installed.
PEERS: dict[str, Callable[[int], Peer]] = {
    "NumPy": numpy_peer,
    "SciPy": scipy_peer,
    "torch": torch_peer,
    "ONNX Runtime": onnxruntime_peer,
    "JAX": jax_peer,
    "numexpr": _compiled("numexpr_peer"),
    "numba": _compiled("numba_peer"),
    "OpenVINO": _compiled("openvino_peer"),
}


def installed(threads: int, names: list[str] | None = None) -> list[Peer]:
    """Return the peers that are installed.

    Parameters
    ----------
    threads : int
        How many each may use.
    names : list of str, optional
        Those that are asked for; by default all.

    Returns
    -------
    list of Peer
    """
    makers = [PEERS[name] for name in names or PEERS]
    with interrupts_later():
        return [peer for make in makers if (peer := _or_none(make, threads)) is not None]


def _or_none(make: Callable[[int], Peer], threads: int) -> Peer | None:
    try:
        return make(threads)
    except ImportError:
        return None


@contextlib.contextmanager
def interrupts_later() -> Iterator[None]:
    """Keep Ctrl-C until the block is done.

    Libraries that are interrupted while they are imported swallow that, or abort the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


@contextlib.contextmanager
def without_gradients() -> Iterator[None]:
    """Have PyTorch, where it is loaded, record nothing for a backward pass within the block."""
    torch = sys.modules.get("torch")
    with contextlib.nullcontext() if torch is None else torch.inference_mode():
        yield
