"""Time the softmax family beside torch, ONNX Runtime, SciPy and a copy, shape by shape.

    python benchmarks/softmax_table.py [--only TEXT] [--json FILE] [--markdown FILE]

Adds to the JSON file and writes the whole of it as a table. Contestants alternate in rounds; before
each timed call there is a pause, in which the threads of the one before fall asleep, and an untimed
call. The result goes into an array that is there already, but for SciPy's. Nanoseconds per element,
medians.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastact
from fastact.cli import info, peers
from fastact.cli.common import processor

SHAPES = (
    ((131072, 128), -1),
    ((8192, 1000), -1),
    ((1024, 16384), -1),
    ((128, 50257), -1),
    ((16, 1048576), -1),
    ((4194304, 4), -1),
    ((262144, 10), -1),
    ((128, 131072), 0),
    ((64, 1000, 100), 1),
)
OPERATIONS = ("softmax", "log_softmax", "backward", "backward_from_output")
PAUSE, ROUNDS = 0.02, 5

Calls = dict[str, Callable[[], Any]]


def or_none(name: str) -> Any:
    """Import a module if it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def onnx_softmax(x: Any, out: Any, axis: int, threads: int) -> Callable[[], Any] | None:
    """Return ONNX Runtime's softmax of bound arrays; float32 only."""
    onnxruntime = or_none("onnxruntime")
    if onnxruntime is None or x.dtype != np.float32:
        return None
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    model = peers.onnx_model(13, (("Softmax", ("x",), {"axis": axis % x.ndim}),), x.ndim)
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)
    return lambda: session.run_with_iobinding(binding)


def contestants(operation: str, x: Any, axis: int, threads: int) -> Calls:
    """Return what computes an operation, by contestant."""
    torch, special = or_none("torch"), or_none("scipy.special")
    out, grad = np.empty_like(x), x[::-1].copy()
    p = fastact.softmax(x, axis)
    softmax = fastact.softmax
    calls: Calls = {
        "softmax": {"fastact": lambda: softmax(x, axis, out=out)},
        "log_softmax": {"fastact": lambda: fastact.log_softmax(x, axis, out=out)},
        "backward": {"fastact": lambda: softmax.backward(grad, x, axis, out=out)},
        "backward_from_output": {
            "fastact": lambda: softmax.backward_from_output(grad, p, axis, out=out)
        },
    }[operation]
    if torch is not None:
        torch.set_num_threads(threads)
        of_x, of_out, of_grad, of_p = (torch.from_numpy(a) for a in (x, out, grad, p))
        kind = of_x.dtype
        back = torch.ops.aten._softmax_backward_data
        calls["torch"] = {
            "softmax": lambda: torch._softmax(of_x, axis, False, out=of_out),
            "log_softmax": lambda: torch._log_softmax(of_x, axis, False, out=of_out),
            "backward": lambda: back(of_grad, of_p, axis, kind, grad_input=of_out),
            "backward_from_output": lambda: back(of_grad, of_p, axis, kind, grad_input=of_out),
        }[operation]
    if operation == "softmax":
        if onnx := onnx_softmax(x, out, axis, threads):
            calls["ONNX Runtime"] = onnx
        if special is not None:
            calls["SciPy"] = lambda: special.softmax(x, axis)
        calls["copy"] = lambda: np.copyto(out, x)
    return calls


def measure(calls: Calls, size: int) -> dict[str, float]:
    """Return nanoseconds per element."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            time.sleep(PAUSE)
            call()
            begin = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - begin) / size * 1e9)
    return {name: round(statistics.median(found), 3) for name, found in times.items()}


def table(results: dict[str, dict[str, float]]) -> str:
    """Return the results as Markdown, with the ratio to the fastest of the peers."""
    names = ("fastact", "torch", "ONNX Runtime", "SciPy", "copy")
    lines = [f"| what | {' | '.join(names)} | ratio |", "| --- |" + " ---: |" * (len(names) + 1)]
    for what, times in results.items():
        rivals = [t for name, t in times.items() if name not in ("fastact", "copy")]
        ratio = f"{times['fastact'] / min(rivals):.2f}" if rivals else ""
        cells = [f"{times[name]:.2f}" if name in times else "" for name in names]
        lines.append(f"| {what} | {' | '.join(cells)} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/softmax.json"))
    parser.add_argument("--markdown", type=Path, default=Path("benchmarks/results/softmax.md"))
    options = parser.parse_args()
    results = json.loads(options.json.read_text()) if options.json.exists() else {}
    rng = np.random.default_rng(0)
    with fastact.num_threads(options.threads):
        for dtype in ("float32", "float64"):
            for operation in OPERATIONS:
                for shape, axis in SHAPES:
                    what = f"{operation} {dtype} {shape} axis {axis}"
                    if options.only not in what:
                        continue
                    x = (3 * rng.standard_normal(shape, np.float32)).astype(dtype)
                    calls = contestants(operation, x, axis, options.threads)
                    results[what] = measure(calls, x.size)
                    print(what, results[what], flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    of = fastact.runtime_info()
    versions = {**info.versions(), "fastact": of["version"], "compiler": of["compiler"]}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    options.markdown.write_text(
        "Nanoseconds per element, medians; the last column is fastact over the fastest peer. "
        "`backward` computes\nthe exponentials again from x, where PyTorch's is given its "
        f"softmax; `backward_from_output` is given\nit, too. {processor()}, {of['isa']}, "
        f"{options.threads} threads; {listed}.\nMade by `python benchmarks/softmax_table.py`.\n\n"
        + table(results)
    )


if __name__ == "__main__":
    main()
