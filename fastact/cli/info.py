"""``info``: what fastact runs on, for a bug report."""

from __future__ import annotations

import argparse
import importlib.util
import json
from importlib import metadata
from typing import Any

import numpy as np

import fastact
from fastact.cli.common import FUNCTIONS, fitted

SUMMARY = "show version, instruction set, threads and build"
EXAMPLE = "python -m fastact info --json"

# What the other commands can use, by the names under which it is imported and distributed.
_OPTIONAL = {
    "jax": "jax",
    "matplotlib": "matplotlib",
    "onnxruntime": "onnxruntime",
    "pytest_benchmark": "pytest-benchmark",
    "rich": "rich",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "torch": "torch",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument("--json", action="store_true", help="print JSON")


def versions() -> dict[str, str]:
    """Return the versions of NumPy and of the optional packages that are installed.

    Returns
    -------
    dict
        Version by the name of the distribution.
    """
    found = {"numpy": np.__version__}
    for module, distribution in _OPTIONAL.items():
        try:
            if importlib.util.find_spec(module) is not None:
                found[distribution] = metadata.version(distribution)
        except (ImportError, ValueError):  # renamed builds, and modules without a spec
            continue
    return found


def collect() -> dict[str, Any]:
    """Return all that `info` shows.

    Returns
    -------
    dict
        `fastact.runtime_info` with ``versions`` and ``functions``.
    """
    return {**fastact.runtime_info(), "versions": versions(), "functions": list(FUNCTIONS)}


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        The exit code.
    """
    shown = collect()
    if options.json:
        print(json.dumps(shown, indent=2))
        return 0
    for name, value in shown.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        print(fitted(f"{name:<20} {value}", 21))
    return 0
