"""Activation functions of neural networks for NumPy arrays: right, fast and quiet."""

from fastact._activation import Activation, activations
from fastact._rows import softmax
from fastact._runtime import (
    get_num_threads,
    num_threads,
    runtime_info,
    set_num_threads,
    show_runtime,
)
from fastact._version import __version__

globals().update(activations)

__all__ = [
    "Activation",
    "__version__",
    "get_num_threads",
    "num_threads",
    "runtime_info",
    "set_num_threads",
    "show_runtime",
    "softmax",
    *activations,
]

del activations
