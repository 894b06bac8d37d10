"""Activation functions of neural networks for NumPy arrays: right, fast and quiet."""

try:
    from fastact._activation import Activation, activations
except ModuleNotFoundError as error:
    if error.name != "fastact._activation":
        raise
    raise ImportError(
        f"the compiled parts of fastact are not in {__path__[0]}: `make build` makes them in a "
        "checkout; from a zip archive Python cannot load them, so `pip install` it"
    ) from error
from fastact._names import get
from fastact._rows import cross_entropy
from fastact._rows import functions as row_functions
from fastact._runtime import (
    get_num_threads,
    num_threads,
    runtime_info,
    set_num_threads,
    show_runtime,
)
from fastact._version import __version__
from fastact.gates import gated

globals().update(activations)
globals().update(gated)
globals().update(row_functions)

__all__ = [
    "Activation",
    "__version__",
    "cross_entropy",
    "get",
    "get_num_threads",
    "num_threads",
    "runtime_info",
    "set_num_threads",
    "show_runtime",
    *row_functions,
    *gated,
    *activations,
]

del activations, gated, row_functions
