"""The docstrings of the activations, made from their rows in the catalogue."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING, Any

from fastact.catalogue import Gate

if TYPE_CHECKING:
    from fastact.catalogue import Row, RowFunction


#: Of a line of running text.
WIDTH = 88

#: What every ufunc takes besides `out`.
_KEYWORDS = "where=True, casting='same_kind', order='K', dtype=None, subok=True, signature=None"


def ufunc_text(row: Row | Gate, operation: str) -> str:
    """Return the docstring of the bare ufunc."""
    what = {
        "value": f"{row.summary}.",
        "derivative": f"The derivative of {row.name}.",
        "backward": f"The backward pass of {row.name}, rounded once.",
        "value_and_derivative": f"The value and the derivative of {row.name}.",
    }[operation]
    return f"{what} The ufunc behind fastact.{member_name(row, operation)}."


def text(row: Row | Gate, operation: str, parameters: dict[str, Any]) -> str:
    """Return the numpydoc docstring of an operation, given the parameters it takes."""
    if isinstance(row, Gate):
        return _gate_text(row, operation)
    grad = operation == "backward"
    arguments = ", ".join(
        [*(["grad"] if grad else []), "x", "/"] + [f"{n}={v!r}" for n, v in parameters.items()]
    )
    variants = "".join(f", {name}={next(iter(v))!r}" for name, v in row.variants.items())
    both = operation == "value_and_derivative"
    out = "(None, None)" if both else "None"
    sections = [
        f"{member_name(row, operation)}({arguments}, *, out={out}, {_KEYWORDS}{variants})",
        _summary(row, operation),
        _section("Parameters", [*_arguments(row, grad, both, parameters)]),
        _section("Returns", [*_returns(operation)]),
        _section("Raises", _raises(row, parameters)),
        _section("Notes", [textwrap.fill(_notes(row, operation), WIDTH)]),
        _references(row),
        _section("Examples", [_example(row, operation)]),
    ]
    return "\n\n".join(sections) + "\n"


def member_name(row: Row | RowFunction | Gate, operation: str) -> str:
    """Return the name of an operation within fastact."""
    return row.name if operation == "value" else f"{row.name}.{operation}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _references(row: Row | RowFunction | Gate) -> str:
    source = textwrap.fill(f".. [1] {row.source}.", WIDTH, subsequent_indent="   ")
    return _section("References", [source])


def _bounds(row: RowFunction | Gate) -> str:
    bounds = ", ".join(f"{bound:g} ULP in {dtype}" for dtype, bound in row.max_ulp.items())
    return f"The error is at most {bounds}."


def _summary(row: Row, operation: str) -> str:
    return {
        "value": f"{row.summary} [1]_.\n\nf(x) = {row.formula}",
        "derivative": f"The derivative of {row.name} [1]_.\n\nf'(x) = {row.derivative}",
        "backward": f"The backward pass of {row.name} [1]_: the gradient with respect to x.\n\n"
        f"grad f'(x)\n\nf'(x) = {row.derivative}",
        "value_and_derivative": f"The value and the derivative of {row.name} [1]_, in one pass.\n\n"
        f"f(x) = {row.formula}\n\nf'(x) = {row.derivative}",
    }[operation]


def _arguments(row: Row, grad: bool, both: bool, parameters: dict[str, Any]) -> list[str]:
    lines = []
    if grad:
        lines += [
            "grad : array_like",
            "    The gradient with respect to f(x); broadcasts with x.",
        ]
    lines += [
        "x : array_like",
        "    Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of any shape.",
    ]
    for parameter in row.parameters:
        if parameter.name in parameters:
            lines += [
                f"{parameter.name} : array_like, optional",
                *textwrap.wrap(
                    f"{parameter.summary}; a scalar, or an array that broadcasts with x."
                    + ("" if parameter.domain == "any number" else f" It is {parameter.domain}."),
                    WIDTH,
                    initial_indent="    ",
                    subsequent_indent="    ",
                ),
            ]
    lines += [
        "out : ndarray or tuple of ndarray, optional",
        "    Where to put the result; may be x itself."
        if not both
        else "    Where to put the results: a tuple of two.",
        "where, casting, order, dtype, subok, signature",
        "    As for any `numpy.ufunc`.",
    ]
    for keyword, variants in row.variants.items():
        lines += [f"{keyword} : {{{', '.join(map(repr, variants))}}}, optional"]
        lines += [
            f"    {value!r} is {name}." for value, name in variants.items() if name != row.name
        ]
    return lines


def _returns(operation: str) -> list[str]:
    shape = "    Of the inputs' broadcast shape; of x's dtype, float64 for integers."
    if operation == "value_and_derivative":
        return ["value, derivative : ndarray or scalar", shape]
    return [f"{'y' if operation == 'value' else operation} : ndarray or scalar", shape]


def _raises(row: Row | Gate, parameters: dict[str, Any]) -> list[str]:
    wrong = "a read-only `out`"
    if parameters:
        wrong = "a parameter that is NaN"
        if any(p.domain != "any number" for p in row.parameters) or row.ascending:
            wrong += " or out of its range"
    return [
        "TypeError",
        "    For a dtype that is not supported (complex, longdouble, object, str), and where",
        "    `casting` does not allow `out` or `dtype`.",
        "ValueError",
        f"    For shapes that do not broadcast and for {wrong}.",
    ]


def _notes(row: Row, operation: str) -> str:
    limits = row.at_infinity if operation == "value" else row.slope_at_infinity
    what = "f" if operation == "value" else "f'"
    lines = [f"{what} tends to {limits[0]} at -inf and to {limits[1]} at +inf. NaN gives NaN."]
    if row.kinks and operation != "value":
        at = "; ".join(f"f'({point}) = {slope}" for point, slope in row.kinks.items())
        lines.append(f"At the kinks: {at}.")
    if row.keeps_integers and operation == "value":
        lines.append("Integers stay integers.")
    if row.notes:
        lines.append(row.notes)
    bounds = ", ".join(f"{row.bound(dtype, operation):g} ULP in {dtype}" for dtype in row.max_ulp)
    lines.append(f"The error is at most {bounds}.")
    return " ".join(lines)


def _example(row: Row, operation: str) -> str:
    """Return a call with its result; the numbers come from the formula, not from a list here."""
    import fastact  # not earlier: it imports this module

    function = getattr(fastact, row.name)
    member = function if operation == "value" else getattr(function, operation)
    grad = "[1.0, 1.0, 1.0], " if operation == "backward" else ""
    result = member(*([[1.0, 1.0, 1.0]] if grad else []), [-1.0, 0.5, 2.0])
    call = f">>> fa.{member_name(row, operation)}({grad}[-1.0, 0.5, 2.0])"
    return "\n".join([">>> import fastact as fa", call, repr(result)])


# ---- gated functions -----------------------------------------------------------------------------


def _gate_text(row: Gate, operation: str) -> str:
    """Return the docstring of a gated function of two arrays or of its backward pass."""
    value = operation == "value"
    name = member_name(row, operation)
    out = "None" if value else "(None, None)"
    summary = (
        f"{row.summary} [1]_."
        if value
        else f"The gradients of {row.name} [1]_ with respect to gate and value, in one pass."
    )
    arguments = [
        "gate : array_like",
        "    Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of any shape.",
        "value : array_like",
        "    Likewise; broadcasts with the gate.",
        "out : ndarray or tuple of ndarray, optional",
        "    Where to put the result; may be an input."
        if value
        else "    Where to put the results: a tuple of two, which may be inputs.",
        "where, casting, order, dtype, subok, signature",
        "    As for any `numpy.ufunc`.",
    ]
    if not value:
        arguments = [
            "grad : array_like",
            f"    The gradient with respect to {row.name}(gate, value); broadcasts with them.",
            *arguments,
        ]
    shape = "    Of the inputs' broadcast shape and common dtype, float64 for integers."
    sections = [
        f"{name}({'' if value else 'grad, '}gate, value, /, *, out={out}, {_KEYWORDS})",
        f"{summary}\n\n{row.operations[operation]}",
        _section("Parameters", arguments),
        _section(
            "Returns",
            [f"{'y' if value else 'grad_gate, grad_value'} : ndarray or scalar", shape],
        ),
        _section("Raises", _raises(row, {})),
        _section(
            "Notes",
            [
                textwrap.fill(
                    f"{row.notes} NaN gives NaN, and so do infinities that have no common limit. "
                    + _bounds(row),
                    WIDTH,
                )
            ],
        ),
        _references(row),
        _section("Examples", [_row_example(row, operation)]),
    ]
    return "\n\n".join(sections) + "\n"


# ---- functions of rows ---------------------------------------------------------------------------


def row_text(row: RowFunction, operation: str) -> str:
    """Return the docstring of an operation of a function of rows."""
    value = operation == "value"
    reduces = row.reduces
    inputs = {"value": ["x"], "backward": ["grad", "x"], "backward_from_output": ["grad", "y"]}
    given = inputs[operation]
    name = member_name(row, operation)
    keepdims = "keepdims=False, " if reduces else ""
    signature = (
        f"{name}({', '.join(given)}, axis=-1, *, {keepdims}temperature=1.0, out=None, dtype=None, "
        "where=True)"
    )
    summary = (
        f"{row.summary} [1]_."
        if value
        else f"The gradient of {row.name} [1]_ with respect to x, from "
        f"{'x' if operation == 'backward' else 'its output'}."
    )
    text = [
        textwrap.fill(signature, WIDTH, subsequent_indent="    "),
        f"{summary}\n\n{row.operations[operation]}",
        _section("Parameters", [*_row_arguments(row, operation, given, reduces)]),
        _section("Returns", _row_returns(value, reduces)),
        _section("Raises", _ROW_RAISES),
        _section("See Also", _row_relatives(row, operation)),
        _section("Notes", [textwrap.fill(_row_notes(row, operation), WIDTH)]),
        _references(row),
        _section("Examples", [_row_example(row, operation)]),
    ]
    return "\n\n".join(text) + "\n"


def _row_arguments(row: RowFunction, operation: str, given: list[str], reduces: bool) -> list[str]:
    lines = []
    if "grad" in given:
        lines += [
            "grad : array_like",
            f"    The gradient with respect to what {row.name} returned; of its shape.",
        ]
    lines += {
        "x": [
            "x : array_like",
            "    Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of any shape.",
        ],
        "y": ["y : array_like", f"    What {row.name} returned."],
    }[given[-1]]
    lines += [
        "axis : int, tuple of int or None, default -1",
        "    The axis or axes that a row lies along; None for all of them.",
    ]
    if reduces:
        lines += [
            "keepdims : bool, default False",
            "    Whether what logsumexp returns keeps the axes, with length 1.",
        ]
    lines += [
        "temperature : float, default 1.0",
        "    What x is divided by first; positive.",
        "out : ndarray, optional",
        "    Where to put the result; may be an input.",
        "dtype : dtype, optional",
        "    The floating dtype of the computation and the result; without it the inputs', float64",
        "    for integers.",
        "where : array_like of bool, default True",
        "    What belongs to the rows; broadcasts to x's shape, and a view is not copied.",
    ]
    return lines


def _row_returns(value: bool, reduces: bool) -> list[str]:
    shape = "Of x's shape without the axes." if value and reduces else "Of x's shape."
    return ["ndarray or scalar", f"    {shape}"]


_ROW_RAISES = [
    "TypeError",
    "    For an unsupported dtype, an axis that is no integer and a mask that is not boolean.",
    "ValueError",
    "    For shapes that do not fit, an `out` that is read-only and a temperature that is not",
    "    positive; nothing is written then.",
    "numpy.exceptions.AxisError",
    "    For an axis that x does not have.",
]


def _row_relatives(row: RowFunction, operation: str) -> list[str]:
    others = [name for name in row.operations if name != operation]
    lines = [
        f"{member_name(row, name)} : {'The value.' if name == 'value' else 'A gradient.'}"
        for name in others
    ]
    if row.name == "softmax":
        lines.append("softmax.jacobian : The matrices of derivatives.")
    return lines


def _row_notes(row: RowFunction, operation: str) -> str:
    lines = [row.notes]
    if operation == "value":
        masked = {"log_softmax": "-inf", "logsumexp": ""}.get(row.name, "0")
        if masked:
            lines.append(
                f"Elements that `where` leaves out become {masked}, whole rows of them too."
            )
        lines.append(_bounds(row))
    else:
        lines.append("Elements that `where` leaves out have a gradient of 0.")
    lines.append(
        "A masked array's mask counts as `where` and is kept; a DataFrame comes back as one."
    )
    return " ".join(lines)


def _row_example(row: RowFunction | Gate, operation: str) -> str:
    import fastact  # not earlier: it imports this module

    function = getattr(fastact, row.name)
    member = function if operation == "value" else getattr(function, operation)
    arguments = row.example[operation]
    result = member(*ast.literal_eval(f"({arguments},)"))
    return "\n".join(
        [
            ">>> import fastact as fa",
            f">>> fa.{member_name(row, operation)}({arguments})",
            repr(result),
        ]
    )
