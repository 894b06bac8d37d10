"""Programs in processes of their own: for what could take the tests' own process down with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fastact

# What decides on threads and kernels; a child has only what its test gives it.
VARIABLES = ("FASTACT_NUM_THREADS", "FASTACT_ISA", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT")


def environment(**variables: str) -> dict[str, str]:
    """The environment of a child that can import this fastact and what lies beside the tests."""
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    path = [str(Path(fastact.__path__[0]).parent), str(Path(__file__).parent)]
    env["PYTHONPATH"] = os.pathsep.join([*path, *filter(None, [env.get("PYTHONPATH")])])
    # NumPy's BLAS has threads of its own, which are not what is counted.
    return {**env, "OPENBLAS_NUM_THREADS": "1", **variables}


def finished_child(program, *, options=(), timeout=120, **variables):
    """Run a program; returns the finished process. Who hangs is ended, and that is an error."""
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def run_child(program, *, options=(), timeout=120, **variables):
    """Run a program that has to end well; returns what it printed."""
    done = finished_child(program, options=options, timeout=timeout, **variables)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
