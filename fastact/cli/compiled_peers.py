"""More peers: numexpr and numba, which compile the catalogue's formula, and OpenVINO, which takes
ONNX Runtime's models. ``peers.PEERS`` asks for them.
"""

from __future__ import annotations

import ast
import functools
import importlib
import io
import math
from typing import Any

import numpy as np

from fastact.cli.common import GATES, ROWS, defaults
from fastact.cli.peers import Array, Arrays, Peer, onnx_model_of
from fastact.cli.timing import Call


class _WithNamedNumbers(ast.NodeTransformer):
    """A formula whose numbers are names, since both compilers would take them for doubles."""

    def __init__(self, parameters: dict[str, float]) -> None:
        self.numbers = dict(parameters)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        assert isinstance(node.value, int | float)
        return self._named(f"n{len(self.numbers)}", node.value)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._named("pi", math.pi) if node.id == "pi" else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Pow):  # whose exponent is 2
            base: ast.expr = self.visit(node.left)
            return ast.BinOp(base, ast.Mult(), base)
        self.generic_visit(node)
        return node

    def _named(self, name: str, value: float) -> ast.expr:
        self.numbers[name] = value
        return ast.Name(name, ast.Load())


class _WithWhere(ast.NodeTransformer):
    """A formula for arrays: its choices as calls."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return ast.Call(ast.Name("where", ast.Load()), [node.test, node.body, node.orelse], [])


def _formula(
    operation: str, name: str, dtype: np.dtype[Any]
) -> tuple[ast.expr, dict[str, Any]] | None:
    """Return the formula of x, of a gated function also of what is named other, and the numbers in
    it, in a dtype; None where the compilers have none."""
    row = ROWS.get(GATES[name].activation if name in GATES else name)
    if operation != "value" or row is None or dtype.itemsize < 4:
        return None
    text = row.formula
    given = dict(zip((p.name for p in row.parameters), defaults(row), strict=True))
    if name == "prelu":
        text, given = GATES[name].formula.replace("weight", "other"), {}
    elif name in GATES:
        text = f"({text})*other"
    naming = _WithNamedNumbers(given)
    tree = naming.visit(ast.parse(text, mode="eval").body)
    return tree, {key: dtype.type(number) for key, number in naming.numbers.items()}


def numexpr_peer(threads: int) -> Peer:
    """Return numexpr, evaluating the catalogue's formula.

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
    numexpr = importlib.import_module("numexpr")
    numexpr.set_num_threads(threads)

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        found = _formula(operation, name, arrays.x.dtype)
        if found is None:
            return None
        tree, numbers = found
        text = ast.unparse(_WithWhere().visit(tree))
        if "erfc" in text:
            return None  # it has no such function
        known = {"x": arrays.x, "other": arrays.other, **numbers}
        keywords = {"local_dict": known, **arrays.into}
        return Call(numexpr.evaluate, (text,), keywords)

    return Peer("numexpr", numexpr.__version__, make)


def numba_peer(threads: int) -> Peer:
    """Return numba, compiling the catalogue's formula into a parallel loop.

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
    numba = importlib.import_module("numba")
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    functions = {key: getattr(math, key) for key in ("sqrt", "exp", "expm1", "log1p", "tanh")}

    @functools.cache  # as it takes half a second
    def compiled(operation: str, name: str, dtype: np.dtype[Any], *dimensions: int) -> Any:
        found = _formula(operation, name, dtype)
        if found is None:
            return None
        tree, numbers = found
        index = ("i", "j")[: dimensions[0]]
        inputs = dict(zip(("x", "other"), dimensions, strict=False))
        lines = [
            f"def kernel({''.join(f'{key}s, ' for key in inputs)}out):",
            *("for i in prange(out.shape[0]):", "for j in range(out.shape[1]):")[: len(index)],
        ]
        depth = len(lines)
        for key, number in inputs.items():  # weights run along the last axis
            lines.append(f"{key} = {key}s[{', '.join(index[-number:])}]")
        lines.append(f"out[{', '.join(index)}] = {ast.unparse(tree)}")
        source = "\n".join(" " * min(at, depth) + line for at, line in enumerate(lines))
        known = {"prange": numba.prange, "erfc": math.erfc, "abs": abs, **functions, **numbers}
        exec(compile(source, f"<{name}>", "exec"), known)
        return numba.njit(parallel=True, error_model="numpy")(known["kernel"])

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        inputs = (arrays.x, arrays.other) if name in GATES else (arrays.x,)
        kernel = compiled(operation, name, arrays.x.dtype, *(array.ndim for array in inputs))
        if kernel is None:
            return None
        if arrays.out is None:

            def fresh(*given: Array) -> Array:
                out = np.empty_like(given[0])
                kernel(*given, out)
                return out

            return Call(fresh, inputs)
        return Call(kernel, (*inputs, arrays.out), result=lambda _: arrays.out)

    return Peer("numba", numba.__version__, make)


def openvino_peer(threads: int) -> Peer:
    """Return OpenVINO, its inputs and output bound beforehand.

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
    openvino = importlib.import_module("openvino")
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}

    def make(operation: str, name: str, arrays: Arrays) -> Call | None:
        found = onnx_model_of(operation, name, arrays)
        if found is None:
            return None
        text, inputs = found
        model = core.read_model(io.BytesIO(text))
        model.reshape({key: list(array.shape) for key, array in inputs.items()})
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        for key, array in inputs.items():
            request.set_tensor(key, openvino.Tensor(array, shared_memory=True))
        if arrays.out is None:
            return Call(request.infer, result=lambda results: results[0])
        request.set_output_tensor(openvino.Tensor(arrays.out, shared_memory=True))
        return Call(request.infer, result=lambda _: arrays.out)

    return Peer("OpenVINO", openvino.__version__.partition("-")[0], make)
