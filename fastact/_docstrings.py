"""The docstrings of the activations, made from their rows in the catalogue."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastact.catalogue import Row


#: Of a line of running text.
WIDTH = 88


def ufunc_text(row: Row, operation: str) -> str:
    """Return the docstring of the bare ufunc."""
    what = {
        "value": f"{row.summary}.",
        "derivative": f"The derivative of {row.name}.",
        "backward": f"grad times the derivative of {row.name}, rounded once.",
        "value_and_derivative": f"The value and the derivative of {row.name}.",
    }[operation]
    return f"{what} The ufunc behind fastact.{member_name(row, operation)}."


def text(row: Row, operation: str, parameters: dict[str, Any]) -> str:
    """Return the numpydoc docstring of an operation, given the parameters it takes."""
    grad = operation == "backward"
    arguments = ", ".join(
        [*(["grad"] if grad else []), "x", "/"] + [f"{n}={v!r}" for n, v in parameters.items()]
    )
    both = operation == "value_and_derivative"
    out = "(None, None)" if both else "None"
    keywords = f"out={out}, where=True, casting='same_kind', order='K', dtype=None, subok=True"
    sections = [
        f"{member_name(row, operation)}({arguments}, *, {keywords}, signature=None)",
        _summary(row, operation),
        _section("Parameters", [*_arguments(row, grad, both, parameters)]),
        _section("Returns", [*_returns(operation)]),
        _section("Raises", [*_raises(bool(parameters))]),
        _section("Notes", [textwrap.fill(_notes(row, operation), WIDTH)]),
        _section(
            "References",
            [
                textwrap.fill(f".. [1] {row.source}.", WIDTH, subsequent_indent="   "),
            ],
        ),
        _section("Examples", [_example(row, operation)]),
    ]
    return "\n\n".join(sections) + "\n"


def member_name(row: Row, operation: str) -> str:
    """Return the name of an operation within fastact."""
    return row.name if operation == "value" else f"{row.name}.{operation}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _summary(row: Row, operation: str) -> str:
    return {
        "value": f"{row.summary} [1]_.\n\nf(x) = {row.formula}",
        "derivative": f"The derivative of {row.name} [1]_.\n\nf'(x) = {row.derivative}",
        "backward": f"The backward pass of {row.name} [1]_: the gradient with respect to x.\n\n"
        f"grad f'(x), with f'(x) = {row.derivative}",
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
                f"    {parameter.summary}; a scalar, or an array that broadcasts with x.",
            ]
    lines += [
        "out : ndarray or tuple of ndarray, optional",
        "    Where to put the result; may be x itself."
        if not both
        else "    Where to put the results: a tuple of two.",
        "where, casting, order, dtype, subok, signature",
        "    As for any `numpy.ufunc`.",
    ]
    return lines


def _returns(operation: str) -> list[str]:
    shape = "    Of the inputs' broadcast shape; of x's dtype, float64 for integers."
    if operation == "value_and_derivative":
        return ["value, derivative : ndarray or scalar", shape]
    return [f"{'y' if operation == 'value' else operation} : ndarray or scalar", shape]


def _raises(has_parameters: bool) -> list[str]:
    return [
        "TypeError",
        "    For a dtype that is not supported (complex, longdouble, object, str), and where",
        "    `casting` does not allow `out` or `dtype`.",
        "ValueError",
        "    For shapes that do not broadcast"
        + (
            " and for a parameter that is NaN." if has_parameters else " and for a read-only `out`."
        ),
    ]


def _notes(row: Row, operation: str) -> str:
    limits = row.at_infinity if operation == "value" else row.slope_at_infinity
    what = "f" if operation == "value" else "f'"
    lines = [f"{what} tends to {limits[0]} at -inf and to {limits[1]} at +inf. NaN gives NaN."]
    if row.kinks and operation != "value":
        at = "; ".join(f"f'({point:g}) = {slope}" for point, slope in row.kinks.items())
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
