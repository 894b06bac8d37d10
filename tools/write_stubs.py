"""Write the type stubs of fastact from its catalogue: fastact/__init__.pyi and buffers.pyi.

usage: python tools/write_stubs.py [--check]

With --check nothing is written; the exit code is 1 if a stub is not what would be written.

Why stubs at all: the objects are made at import from the catalogue, so a type checker sees none of
them in the source. Why overloads: `np.ufunc` itself is typed so that every call gives Any; here an
array of float32 gives an array of float32, and a misspelt parameter is an error.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent / "fastact"
# Run by itself: importing it through the package would need the compiled extensions.
_read = runpy.run_path(str(PACKAGE / "catalogue.py"))
CATALOGUE, ROW_CATALOGUE = _read["CATALOGUE"], _read["ROW_CATALOGUE"]
GATE_CATALOGUE = _read["GATE_CATALOGUE"]

WRITTEN_BY = "# Written by tools/write_stubs.py from fastact/catalogue.py: `make stubs` does it.\n"

ARRAY = "np.ndarray[_Shape, np.dtype[{}]]"
DTYPE_IS_FREE = "dtype: DTypeLike | None = None"
DTYPE_IS_NOT_GIVEN = "dtype: None = None"

HEADER = f"""{WRITTEN_BY}
from contextlib import AbstractContextManager
from inspect import Signature
from typing import (
    Any,
    Final,
    Literal,
    Never,
    Protocol,
    Self,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
    type_check_only,
)

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from typing_extensions import disjoint_base  # a type checker knows it, nothing has to have it

__all__ = {{names}}

__version__: Final[str]

_Shape = TypeVar("_Shape", bound=tuple[int, ...])
_Float = TypeVar("_Float", np.float16, np.float32, np.float64)
_Integer = TypeVar("_Integer", bound=np.integer[Any])
_Out = TypeVar("_Out", bound=NDArray[Any])
_Out2 = TypeVar("_Out2", bound=NDArray[Any])

# Arrays of other libraries, which answer to ufuncs themselves.
@type_check_only
class _AnswersUfuncs(Protocol):
    @property
    def __array_ufunc__(self) -> Any: ...

_Input: TypeAlias = ArrayLike | _AnswersUfuncs
_NoOut: TypeAlias = tuple[None] | None
_NoOuts: TypeAlias = tuple[None, None] | None
_FloatType: TypeAlias = type[_Float] | np.dtype[_Float]
_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None

@type_check_only
class _Keywords(TypedDict, total=False):
    where: ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    subok: bool
    signature: str | tuple[str | None, ...] | None

@type_check_only
class _Operation:
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    @property
    def __signature__(self) -> Signature: ...
    @property
    def fixed(self) -> dict[str, Any]: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def nargs(self) -> int: ...
    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def parameters(self) -> dict[str, Any]: ...
    @property
    def types(self) -> list[str]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...

"""

CROSS_ENTROPY = """
_Reduction: TypeAlias = Literal["mean", "sum", "none"]

@type_check_only
class _CrossEntropy:
    @property
    def __name__(self) -> str: ...
    def __call__(
        self,
        logits: ArrayLike,
        labels: ArrayLike,
        axis: SupportsIndex = -1,
        *,
        label_smoothing: float = 0.0,
        reduction: _Reduction = "mean",
        ignore_index: int | None = None,
    ) -> Any: ...
    def backward(
        self,
        grad: ArrayLike,
        logits: ArrayLike,
        labels: ArrayLike,
        axis: SupportsIndex = -1,
        *,
        label_smoothing: float = 0.0,
        reduction: _Reduction = "mean",
        ignore_index: int | None = None,
    ) -> NDArray[Any]: ...

cross_entropy: Final[_CrossEntropy]
"""

ROW_FUNCTION = """
@type_check_only
class {kind}:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
{methods}

{name}: Final[{kind}]
"""

ARRANGEMENTS = f"""
@type_check_only
class _Arrangement:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...

@type_check_only
class _Glu(_Arrangement):
    @overload
    def __call__(
        self, x: _Input, axis: SupportsIndex = -1, *, out: _Out, {DTYPE_IS_FREE},
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: {ARRAY.format("_Float")}, axis: SupportsIndex = -1, *, out: None = None,
        {DTYPE_IS_NOT_GIVEN}, **keywords: Unpack[_Keywords],
    ) -> {ARRAY.format("_Float")}: ...
    @overload
    def __call__(
        self, x: _Input, axis: SupportsIndex = -1, *, out: None = None, {DTYPE_IS_FREE},
        **keywords: Unpack[_Keywords],
    ) -> Any: ...
    @overload
    def backward(
        self, grad: _Input, x: _Input, axis: SupportsIndex = -1, *, out: _Out
    ) -> _Out: ...
    @overload
    def backward(
        self, grad: NDArray[_Float] | float, x: {ARRAY.format("_Float")},
        axis: SupportsIndex = -1, *, out: None = None,
    ) -> {ARRAY.format("_Float")}: ...
    @overload
    def backward(
        self, grad: _Input, x: _Input, axis: SupportsIndex = -1, *, out: None = None
    ) -> Any: ...

@type_check_only
class _Prelu(_Arrangement):
    @overload
    def __call__(
        self, x: _Input, weight: ArrayLike, axis: SupportsIndex = 1, *, out: _Out,
        {DTYPE_IS_FREE}, **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: {ARRAY.format("_Float")}, weight: NDArray[_Float] | float,
        axis: SupportsIndex = 1, *, out: None = None, {DTYPE_IS_NOT_GIVEN},
        **keywords: Unpack[_Keywords],
    ) -> {ARRAY.format("_Float")}: ...
    @overload
    def __call__(
        self, x: _Input, weight: ArrayLike, axis: SupportsIndex = 1, *, out: None = None,
        {DTYPE_IS_FREE}, **keywords: Unpack[_Keywords],
    ) -> Any: ...
    def backward(
        self, grad: ArrayLike, x: ArrayLike, weight: ArrayLike, axis: SupportsIndex = 1, *,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] = (None, None),
    ) -> tuple[Any, Any]: ...

glu: Final[_Glu]
prelu: Final[_Prelu]
"""

RUNTIME = """
def get(name: str, framework: str = "torch") -> Any: ...
def get_num_threads() -> int: ...
def num_threads(n: SupportsIndex) -> AbstractContextManager[None]: ...
def runtime_info() -> dict[str, Any]: ...
def set_num_threads(n: SupportsIndex | None) -> None: ...
def show_runtime() -> None: ...
"""

BUFFERS_HEADER = f"""{WRITTEN_BY}
from array import array
from typing import Any, Final, Never, Self, TypeAlias, TypeVar, overload, type_check_only

from _typeshed import ReadableBuffer, WriteableBuffer
from numpy.typing import NDArray
from typing_extensions import disjoint_base

__all__ = {{names}}

# NumPy's stubs call an ndarray a buffer from Python 3.12 on.
_Buffer: TypeAlias = ReadableBuffer | NDArray[Any]
_Out = TypeVar("_Out", bound=WriteableBuffer | NDArray[Any])

@disjoint_base
class Function:
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def __name__(self) -> str: ...
    @property
    def derivative(self) -> Function: ...
    @property
    def backward(self) -> Function: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    def with_parameters(self, **parameters: float) -> Self: ...
    # What holds of them all; each is more exact below.
    def __call__(self, *args: Any, out: Any = None, **parameters: float) -> Any: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...

@overload
def softmax(x: _Buffer, *, out: None = None) -> array[float]: ...
@overload
def softmax(x: _Buffer, *, out: _Out) -> _Out: ...

"""

Names = tuple[str, ...]

# By keyword, the values that choose a function; they stand among the parameters.
VARIANTS = {
    keyword: f"Literal[{', '.join(map(repr, values))}]"
    for row in CATALOGUE
    for keyword, values in row.variants.items()
}


def class_name(parameters: Names, what: str) -> str:
    """Return the name of the class of all activations that take these parameters."""
    return "_" + "".join(name.title().replace("_", "") for name in parameters) + what


def overloads(signatures: list[tuple[list[str], str]], name: str = "__call__") -> str:
    """Return a method with a signature for each list of arguments and its result."""
    return "\n".join(
        f"    @overload\n    def {name}(self, {', '.join(arguments)}) -> {result}: ..."
        for arguments, result in signatures
    )


def call(inputs: list[str], parameters: Names, number: str, out: str, dtype: str) -> list[str]:
    """Return the arguments of a call; each parameter may be a `number`."""
    return [
        *inputs,
        "/",
        *(f"{name}: {number} = ..." for name in parameters if name not in VARIANTS),
        "*",
        out,
        dtype,
        *(f"{name}: {VARIANTS[name]} = ..." for name in parameters if name in VARIANTS),
        "**keywords: Unpack[_Keywords]",
    ]


def of_x(parameters: Names, result: str, out: str, outs: str, integers: str) -> str:
    """Return the signatures of a function of x. `result` has a place for the type of one output,
    `outs` is what a call with `out` returns; `integers` become "float64", are "kept", or "Any" of
    these."""
    no_out = f"out: {'_NoOut' if outs == '_Out' else '_NoOuts'} = None"

    def keeping(x: str, y: str, dtype: str = DTYPE_IS_NOT_GIVEN) -> tuple[list[str], str]:
        # Where a parameter is an array, its dtype decides as well: that is the last signature's.
        return call([f"x: {x}"], parameters, "float", no_out, dtype), result.replace("{}", y)

    floats = ARRAY.format("_Float")
    signatures = [
        (call(["x: _Input"], parameters, "_Input", f"out: {out}", DTYPE_IS_FREE), outs),
        keeping(floats, floats),
        keeping("_Float", "_Float"),
        keeping(ARRAY.format("Any"), floats, "dtype: _FloatType[_Float]"),
    ]
    result_of_integer = {
        "float64": ARRAY.format("np.float64"),
        "kept": ARRAY.format("_Integer"),
        "Any": ARRAY.format("Any"),
    }[integers]
    signatures += [
        keeping(ARRAY.format("_Integer"), result_of_integer),
        keeping(ARRAY.format("np.bool"), ARRAY.format("np.float64")),
        keeping("float", "np.float64" if integers == "float64" else "Any"),
    ]
    anything = call(["x: _Input"], parameters, "_Input", no_out, DTYPE_IS_FREE)
    return overloads([*signatures, (anything, result.replace("{}", "Any"))])


def value(parameters: Names, integers: str) -> str:
    """Return the signatures of a value or derivative."""
    return of_x(parameters, "{}", "_Out | tuple[_Out]", "_Out", integers)


def both(parameters: Names) -> str:
    """Return the signatures of value_and_derivative."""
    outs = "tuple[_Out, _Out2]"
    return of_x(parameters, "tuple[{}, {}]", outs, outs, "float64")


def backward(parameters: Names) -> str:
    """Return the signatures of a backward pass."""

    def keeping(grad: str, x: str, result: str) -> tuple[list[str], str]:
        inputs = [f"grad: {grad}", f"x: {x}"]
        return call(inputs, parameters, "float", "out: _NoOut = None", DTYPE_IS_NOT_GIVEN), result

    anything = ["grad: _Input", "x: _Input"]
    out = "out: _Out | tuple[_Out]"
    same = ARRAY.format("_Float")
    broadcast = "NDArray[_Float]"
    return overloads(
        [
            (call(anything, parameters, "_Input", out, DTYPE_IS_FREE), "_Out"),
            keeping(same, same, same),
            keeping(f"{broadcast} | float", broadcast, broadcast),
            keeping("_Float", "_Float", "_Float"),
            keeping("float", "float", "np.float64"),
            (call(anything, parameters, "_Input", "out: _NoOut = None", DTYPE_IS_FREE), "Any"),
        ]
    )


def members(parameters: Names) -> str:
    """Return the three members of an activation."""
    return "\n".join(
        f"    @property\n    def {name}(self) -> {class_name(parameters, what)}: ..."
        for name, what in (
            ("derivative", "Derivative"),
            ("backward", "Backward"),
            ("value_and_derivative", "ValueAndDerivative"),
        )
    )


def fixing(parameters: Names, result: str) -> str:
    """Return with_parameters."""
    named = ", *, " + ", ".join(
        f"{name}: {VARIANTS.get(name, 'ArrayLike')} = ..." for name in parameters
    )
    return (
        f"    def with_parameters(self{named if parameters else ''}) -> {result}: ..."
        "  # type: ignore[override]"
    )


def operation_classes(parameters: Names) -> Iterator[str]:
    """Write the classes of the members of activations with these parameters."""
    for what, body in (
        ("Derivative", value(parameters, "float64")),
        ("Backward", backward(parameters)),
        ("ValueAndDerivative", both(parameters)),
    ):
        base = class_name((), what) if parameters else "_Operation"
        yield f"@type_check_only\nclass {class_name(parameters, what)}({base}):\n{body}\n"


def gate_classes() -> str:
    """Write the classes of gated functions of two arrays, and the objects."""

    def signatures(inputs: Names, out: str, outs: str, no_out: str, result: str) -> str:
        def giving(kind: str, out: str, dtype: str) -> list[str]:
            return call([f"{name}: {kind}" for name in inputs], (), "", out, dtype)

        same = ARRAY.format("_Float")
        return overloads(
            [
                (giving("_Input", f"out: {out}", DTYPE_IS_FREE), outs),
                (giving(same, no_out, DTYPE_IS_NOT_GIVEN), result.replace("{}", same)),
                (giving("_Float", no_out, DTYPE_IS_NOT_GIVEN), result.replace("{}", "_Float")),
                (giving("float", no_out, DTYPE_IS_NOT_GIVEN), result.replace("{}", "np.float64")),
                (giving("_Input", no_out, DTYPE_IS_FREE), result.replace("{}", "Any")),
            ]
        )

    inputs = GATE_CATALOGUE[0].inputs
    outs = "tuple[_Out, _Out2]"
    no_outs = "out: _NoOuts = None"
    objects = [f"{row.name}: Final[_Gate]" for row in GATE_CATALOGUE if two_arrays(row)]
    return "\n".join(
        [
            "@type_check_only\nclass _GateBackward(_Operation):",
            signatures(("grad", *inputs), outs, outs, no_outs, "tuple[{}, {}]"),
            "@type_check_only\nclass _Gate(_Operation):",
            "    @property\n    def backward(self) -> _GateBackward: ...",
            signatures(inputs, "_Out | tuple[_Out]", "_Out", "out: _NoOut = None", "{}"),
            "",
            *objects,
        ]
    )


def two_arrays(row: Any) -> bool:
    """Return whether a gated function is called with two arrays, and so a ufunc."""
    return bool(row.arguments == ", ".join(row.inputs))


def row_function(row: Any) -> str:
    """Write a function of rows and its gradients."""
    tail = ["axis: _Axis = -1", "*", *(["keepdims: bool = False"] if row.reduces else [])]
    tail.append("temperature: float = 1.0")

    def method(name: str, *inputs: str) -> str:
        def giving(kind: str, out: str, dtype: str, result: str) -> tuple[list[str], str]:
            last = [out, dtype, "where: ArrayLike = True"]
            return [*(f"{i}: {kind}" for i in inputs), *tail, *last], result

        no_out = "out: None = None"
        array = ARRAY.format("_Float")
        whole = ARRAY.format("np.integer[Any] | np.bool")
        signatures = [giving("_Input", "out: _Out", DTYPE_IS_FREE, "_Out")]
        if not row.reduces:
            signatures += [
                giving(array, no_out, DTYPE_IS_NOT_GIVEN, array),
                giving("_Float", no_out, DTYPE_IS_NOT_GIVEN, "_Float"),
                giving(ARRAY.format("Any"), no_out, "dtype: _FloatType[_Float]", array),
                giving(whole, no_out, DTYPE_IS_NOT_GIVEN, ARRAY.format("np.float64")),
            ]
        return overloads([*signatures, giving("_Input", no_out, DTYPE_IS_FREE, "Any")], name)

    inputs = {
        "value": ("x",),
        "backward": ("grad", "x"),
        "backward_from_output": ("grad", "y"),
    }
    methods = [
        method("__call__" if operation == "value" else operation, *inputs[operation])
        for operation in row.operations
    ]
    if row.name == "softmax":
        axis = ["axis: SupportsIndex = -1", "*"]
        signatures = [
            (["x: NDArray[_Float]", *axis, DTYPE_IS_NOT_GIVEN], "NDArray[_Float]"),
            (["x: ArrayLike", *axis, "dtype: _FloatType[_Float]"], "NDArray[_Float]"),
            (["x: ArrayLike", *axis, DTYPE_IS_FREE], "NDArray[Any]"),
        ]
        methods.append(overloads(signatures, "jacobian"))
    kind = "_" + row.name.title().replace("_", "")
    return ROW_FUNCTION.format(kind=kind, name=row.name, methods="\n".join(methods))


def parameters_of(row: Any) -> Names:
    """Return the names of the parameters of a row, and of its other keywords."""
    return (*(parameter.name for parameter in row.parameters), *row.variants)


def names_of(row: Any) -> Names:
    """Return all names of a row's object."""
    return (row.name, *row.aliases)


def package() -> str:
    """Return the text of fastact/__init__.pyi."""
    kinds = sorted({parameters_of(row) for row in CATALOGUE})
    parts = [text for parameters in sorted({(), *kinds}) for text in operation_classes(parameters)]
    parts.append(
        "@disjoint_base\nclass Activation(_Operation):\n"
        "    def __init__(self, *args: Never, **kwargs: Never) -> None: ...\n"
        f"{members(())}\n"
        "    def with_parameters(self, **parameters: ArrayLike) -> Activation: ...\n"
        f"{value((), 'Any')}\n"
    )
    classes = {}
    for row in CATALOGUE:
        parameters = parameters_of(row)
        what = "IntegerActivation" if row.keeps_integers else "FloatActivation"
        name = class_name(parameters, what)
        classes[row.name] = name
        if name in list(classes.values())[:-1]:
            continue
        # Once its only parameter is fixed, an activation takes none.
        fixed = "Self" if len(parameters) > 1 else "Activation"
        parts.append(
            f"@type_check_only\nclass {name}(Activation):\n"
            + (f"{members(parameters)}\n" if parameters else "")
            + f"{fixing(parameters, fixed)}\n"
            + value(parameters, "kept" if row.keeps_integers else "float64")
            + "\n"
        )
    objects = "\n".join(
        f"{name}: Final[{classes[row.name]}]" for row in CATALOGUE for name in names_of(row)
    )
    functions = [line[4:].split("(")[0] for line in RUNTIME.splitlines() if line[:4] == "def "]
    public = [
        "Activation",
        "__version__",
        *functions,
        "cross_entropy",
        *(row.name for row in ROW_CATALOGUE),
        *(row.name for row in GATE_CATALOGUE),
        *(name for row in CATALOGUE for name in names_of(row)),
    ]
    rows = "".join(row_function(row) for row in ROW_CATALOGUE)
    text = HEADER.format(names=public) + "\n".join(parts) + "\n"
    return text + objects + "\n" + gate_classes() + ARRANGEMENTS + rows + CROSS_ENTROPY + RUNTIME


def buffer_parameters_of(row: Any) -> Names:
    """Return the names of the parameters of a row; a buffer function has no other keywords."""
    return tuple(parameter.name for parameter in row.parameters)


def buffers() -> str:
    """Return the text of fastact/buffers.pyi."""
    parts = []
    for parameters in sorted({buffer_parameters_of(row) for row in CATALOGUE}):
        given = [f"{name}: float = ..." for name in parameters]
        for what, inputs in (("Backward", ("grad", "x")), ("Derivative", ("x",)), ("", ("x",))):
            arguments = [*(f"{name}: _Buffer" for name in inputs), "/", *given, "*"]
            signatures = [
                ([*arguments, "out: None = None"], "array[float]"),
                ([*arguments, "out: _Out"], "_Out"),
            ]
            narrowed = "".join(
                f"    @property\n    def {name}(self) -> {class_name(parameters, kind)}: ...\n"
                for name, kind in (
                    ("derivative", "DerivativeFunction"),
                    ("backward", "BackwardFunction"),
                )
                if not what
            )
            named = f", *, {', '.join(given)}" if given else ""
            parts.append(
                f"@type_check_only\nclass {class_name(parameters, what + 'Function')}(Function):\n"
                f"{narrowed}"
                f"    def with_parameters(self{named}) -> Self: ...  # type: ignore[override]\n"
                + overloads(signatures).replace(
                    "@overload", "@overload  # type: ignore[override]", 1
                )
                + "\n"
            )
    objects = "".join(
        f"{name}: Final[{class_name(buffer_parameters_of(row), 'Function')}]\n"
        for row in CATALOGUE
        for name in names_of(row)
    )
    public = ["Function", "softmax", *(name for row in CATALOGUE for name in names_of(row))]
    return BUFFERS_HEADER.format(names=public) + "\n".join(parts) + "\n" + objects


def formatted(text: str) -> str:
    """Return the text as the linter wants it, which checks stubs as well."""
    for command in (["check", "--quiet", "--fix-only"], ["format"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", "stub.pyi", "-"],
            input=text,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=PACKAGE.parent,
        ).stdout
    return text


def main() -> int:
    """Write the stubs, or compare them."""
    stale = []
    for name, text in (("__init__.pyi", package()), ("buffers.pyi", buffers())):
        path = PACKAGE / name
        wanted = formatted(text)
        if not path.exists() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path)
            if "--check" not in sys.argv[1:]:
                path.write_text(wanted, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        names = ", ".join(path.name for path in stale)
        print(f"stale, run `make stubs`: {names}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
