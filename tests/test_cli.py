"""``python -m fastact``: what the commands print, write and refuse."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.metadata
import importlib.util
import io
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact
from fastact import __main__, cli
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, ROW_CATALOGUE
from fastact.cli import accuracy, bench, common, demo, formula, info, peers, plot, sweeps, timing

pytestmark = once

ROWS = pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.name)


def run(capsys, *arguments):
    """Run a command; return its exit code and what it wrote to stdout and stderr."""
    try:
        status = cli.main(list(map(str, arguments)))
    except SystemExit as leaving:  # argparse
        status = leaving.code
    return status, *capsys.readouterr()


def test_import_of_fastact_imports_no_command():
    code = (
        "import sys, fastact\n"
        "print([m for m in sys.modules if m.startswith(('fastact.cli', 'matplotlib', 'rich'))])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, check=True, text=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_has_an_example(capsys, command):
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    assert f"example:\n  python -m fastact {command}" in out


def test_no_command_is_an_error(capsys):
    status, _, err = run(capsys)
    assert status == 2
    assert "COMMAND" in err


# ---- info ---------------------------------------------------------------------------------------


def test_info(capsys):
    status, out, _ = run(capsys, "info")
    assert status == 0
    shown = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert shown["version"] == fastact.__version__
    assert shown["isa"] == fastact.runtime_info()["isa"]
    assert all(row.name in shown["functions"] for row in CATALOGUE)
    assert f"numpy {np.__version__}" in shown["versions"]


def test_info_as_json_from_a_process_of_its_own():
    command = [sys.executable, "-m", "fastact", "info", "--json"]
    found = subprocess.run(command, capture_output=True, check=True, text=True)
    shown = json.loads(found.stdout)
    assert shown["isa"] in shown["isa_available"]
    assert shown["num_threads"] >= 1
    assert shown["versions"]["numpy"] == np.__version__
    assert found.stderr == ""


# ---- list ---------------------------------------------------------------------------------------


@once
def test_list_shows_what_there_is(capsys):
    status, out, err = run(capsys, "list")
    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["function", "f(x)", "ULP", "float32", "float64", "also"]
    shown = {line.partition("(")[0]: line for line in lines}
    assert list(shown) == [row.name for row in (*CATALOGUE, *ROW_CATALOGUE, *GATE_CATALOGUE)]
    for row in CATALOGUE:
        assert f"  {row.formula}  " in shown[row.name]
        assert all(alias in shown[row.name] for alias in row.aliases)
        assert all(f"{p.name}={p.default:g}" in shown[row.name] for p in row.parameters)


@once
def test_list_finds_by_words_and_by_names_elsewhere(capsys):
    assert "mish(x)" in run(capsys, "list", "hyperbolic", "SOFTPLUS")[1]
    assert "identity(x)" in run(capsys, "list", "LINEAR")[1]  # as Keras has it
    status, out, err = run(capsys, "list", "qqqq")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["list", "info"])
@pytest.mark.parametrize("columns", [80, 200])
def test_lines_fit_the_terminal(capsys, monkeypatch, command, columns):
    one_by_one = run(capsys, command)[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    status, out, _ = run(capsys, command)
    assert status == 0
    assert max(map(len, out.splitlines())) <= columns
    assert sorted("".join(out.split())) == sorted("".join(one_by_one.split()))


@once
def test_list_as_json(capsys):
    shown = {row["name"]: row for row in json.loads(run(capsys, "list", "--json")[1])}
    assert list(shown) == [row.name for row in (*CATALOGUE, *ROW_CATALOGUE, *GATE_CATALOGUE)]
    assert shown["elu"]["parameters"][0]["default"] == 1.0
    assert shown["elu"]["max_ulp"]["float32"]["value"] == 0.51
    assert shown["elu"]["names"]["onnx"] == ["Elu"]
    assert shown["softmax"]["kind"] == "rows"
    assert shown["glu"]["kind"] == "gated"
    assert shown["prelu"]["names"]["onnx"] == ["PRelu"]


# ---- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["plot", "bench"])
def test_unknown_name_gives_those_that_are_near(capsys, command):
    status, out, err = run(capsys, command, "sigmoit")
    assert status == 2
    assert out == ""
    assert "'sigmoit'" in err
    assert "sigmoid" in err


def test_unknown_name_near_to_none_gives_all(capsys):
    status, _, err = run(capsys, "plot", "qqqq")
    assert status == 2
    assert all(row.name in err for row in CATALOGUE)


def test_aliases_and_capitals_are_names():
    for row in CATALOGUE:
        assert common.chosen([row.name.upper(), *row.aliases]) == [row.name]


@pytest.mark.parametrize(
    ("arguments", "modules", "extra"),
    [
        (["plot", "relu"], ["matplotlib"], "plot"),
        (["bench", "relu"], ["rich.console"], "bench"),
        (["bench", "relu", "--chart", "times.png"], ["matplotlib"], "plot"),
        (["demo"], ["rich.console"], "demo"),
        (["demo"], ["sklearn.datasets"], "demo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_missing_library_is_one_sentence(capsys, monkeypatch, tmp_path, arguments, modules, extra):
    if modules != ["rich.console"] and arguments[0] != "plot":
        pytest.importorskip("rich")  # is asked for first
    monkeypatch.chdir(tmp_path)
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    status, out, err = run(capsys, *arguments)
    assert status == 1
    assert out == ""
    assert err.count("\n") == 1
    assert f'pip install "fastact[{extra}]"' in err
    assert modules[0].partition(".")[0] in err
    assert list(tmp_path.iterdir()) == []


def test_interrupt_leaves_without_a_traceback(capsys, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "run", interrupted)
    status, out, err = run(capsys, "info")
    assert (status, out, err) == (130, "", "\n")


@once
@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
def test_interrupt_of_long_work_leaves_without_a_traceback(tmp_path):
    pytest.importorskip("rich")
    words = ["accuracy", "tanh", "--dtype", "float32", "--exhaustive", "-o", tmp_path]
    command = [sys.executable, "-m", "fastact", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()  # it has begun
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == b""
    assert b"Traceback" not in out


@once
@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
@pytest.mark.parametrize("colours", [True, False], ids=["colours", "NO_COLOR"])
def test_terminals_get_colours_unless_they_want_none(colours):
    pytest.importorskip("rich")
    reader, writer = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "" if colours else "1"}
    command = [sys.executable, "-m", "fastact", "accuracy", "tanh", "--dtype", "float16"]
    with subprocess.Popen(command, stdout=writer, stderr=writer, env=environment) as process:
        os.close(writer)
        out = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
            while piece := os.read(reader, 1 << 16):
                out += piece
    os.close(reader)
    assert process.returncode == 0
    assert (re.search(rb"\x1b\[(\d+;)*3\d", out) is not None) == colours
    assert b"-:--:--" in out  # the time that a progress bar expects


@once
def test_script_is_the_same():
    path = Path(__file__).parent.parent / "pyproject.toml"
    if not path.exists():
        pytest.skip("needs the source tree")
    script = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["scripts"]["fastact"]
    assert importlib.metadata.EntryPoint("fastact", script, "").load() is __main__.run


def test_output_that_cannot_be_written_is_one_sentence(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    occupied = tmp_path / "file"
    occupied.touch()
    status, _, err = run(capsys, "plot", "relu", "-o", occupied / "pictures")
    assert status == 1
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="no such pipes on Windows")
def test_reader_that_has_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "fastact", "info"]
    found = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (found.returncode, found.stderr) == (141, b"")


# ---- plot ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot_writes_pictures_and_leaves_matplotlib_as_it_was(capsys, tmp_path, suffix):
    matplotlib = pytest.importorskip("matplotlib")
    settings = dict(matplotlib.rcParams)
    where = tmp_path / "new" / "pictures"
    names = ("leaky_relu", "softmax")
    status, out, err = run(capsys, "plot", *names, "-o", where, "--format", suffix)
    assert (status, err) == (0, "")
    written = [where / f"{name}.{suffix}" for name in names]
    assert out.splitlines() == list(map(str, written))
    assert sorted(where.iterdir()) == written
    for path in written:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG") if suffix == "png" else b"</svg>" in data
        assert len(data) > 10_000
    assert dict(matplotlib.rcParams) == settings


def test_the_same_picture_is_the_same_file(tmp_path):
    pytest.importorskip("matplotlib")
    first, second = (list(plot.write(["relu"], tmp_path / name, "svg", False)) for name in "ab")
    assert first[0].read_bytes() == second[0].read_bytes()


@ROWS
def test_formulas_are_typeset(row):
    for text in (row.formula, row.derivative):
        typeset = formula.typeset("f", text)
        assert typeset.startswith("$f = ")
        assert "*" not in typeset
        assert typeset.count("$") % 2 == 0
        for parameter in row.parameters:
            if parameter.name in text:
                assert formula.name(parameter.name) in typeset


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1/(1 + exp(-x))", r"$f = \dfrac{1}{1 + e^{-x}}$"),
        ("(1 + x)**2*(-x)", r"$f = (1 + x)^{2}\,(-x)$"),
        ("a - (b - x)", "$f = a - (b - x)$"),
        ("6 if x > 6 else 0*x", "$f = 6$ if $x > 6$, else $0$"),
        ("x*s, s = log1p(x)", r"$f = x\,s$, $s = \ln(1 + x)$"),
        ("lambda: x", "$f$ = lambda: x"),
        ("2*(x if x > 0 else 3*x) - 1", "$f = 2\\,x - 1$ if $x > 0$, else $2 \\cdot 3\\,x - 1$"),
        ("(0 if x > 0 else x) - x**2", "$f = -x^{2}$ if $x > 0$, else $x - x^{2}$"),
        ("tanh(x/pi)", r"$f = \tanh\left(\dfrac{x}{\pi}\right)$"),
        ("exp(-x**2/2)/(1 + x/pi)", r"$f = \dfrac{e^{-x^{2}/2}}{1 + x/\pi}$"),
        ("1/(1 - x)/2", r"$f = \dfrac{1}{2\,(1 - x)}$"),
        ("0 if -pi > x else 1", r"$f = 0$ if $x < -\pi$, else $1$"),
    ],
)
def test_typesetting(expression, expected):
    assert formula.typeset("f", expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1/x", r"f = \dfrac{1}{x}"),
        (
            "6 if x > 6 else 0",
            r"f = \begin{cases} 6 & \text{if } x > 6 \\ 0 & \text{else} \end{cases}",
        ),
        ("x*s, s = log1p(x)", r"f = x\,s,\quad s = \ln(1 + x)"),
    ],
)
def test_typesetting_on_a_line_of_its_own(expression, expected):
    assert formula.latex("f", expression) == expected


@ROWS
def test_curves_come_near_their_asymptotes(row):
    for curve in plot.curves(row):
        for side, far in enumerate((-1e8, 1e8)):
            if (line := curve.asymptote(side)) is not None:
                slope, intercept = line
                value = curve.value(np.array([far]))[0]
                np.testing.assert_allclose(value, slope * far + intercept, atol=1e-6)


@ROWS
def test_jumps_lie_at_the_kinks_of_the_catalogue(row):
    for curve in plot.curves(row):
        for x, left, right, at in curve.jumps():
            assert x in row.kinks_at(curve.parameters)
            assert left != right
            assert curve.derivative(np.array([x]))[0] == at


# ---- accuracy -----------------------------------------------------------------------------------


def test_accuracy_prints_and_writes_what_it_finds(capsys, tmp_path):
    words = ("accuracy", "elu", "relu", "--dtype", "float16", "--output", tmp_path)
    status, out, _ = run(capsys, *words)
    assert status == 0
    for title in ("relu, float16, all 65,536 inputs", "elu(alpha=-2), float16"):
        assert title in out
    data = json.loads((tmp_path / "elu.json").read_text())
    assert data["function"] == "elu"
    assert [result["parameters"]["alpha"] for result in data["results"]] == [1, 0.5, 2, -2]
    for result in data["results"]:
        assert list(result["found"]) == fastact.runtime_info()["isa_available"][::-1]
        for operations in result["found"].values():
            assert operations["value"]["misrounded"] == 0
            assert 0.49 < operations["value"]["max_ulp"] <= 0.5
            worst = float.fromhex(operations["value"]["worst_x"])
            assert np.float16(worst) == worst
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["elu.json", "relu.json"]


def test_accuracy_does_not_measure_again_what_is_there(capsys, monkeypatch, tmp_path):
    words = ("accuracy", "tanh", "--dtype", "float16", "--output", tmp_path)
    first = run(capsys, *words)
    before = (tmp_path / "tanh.json").read_text()
    monkeypatch.setattr(accuracy, "_swept", None)
    assert run(capsys, *words) == first
    assert (tmp_path / "tanh.json").read_text() == before
    monkeypatch.setattr(accuracy, "build", lambda: "another")
    with pytest.raises(TypeError, match="NoneType"):
        cli.main(list(map(str, words)))


def test_interrupted_sweep_goes_on_where_it_was(monkeypatch, tmp_path):
    monkeypatch.setitem(accuracy._SAMPLE_PIECE, "float32", 4096)
    case = sweeps.Case(common.ROWS["mish"], {}, "float32")
    isas = accuracy.known_isas(None)
    whole = accuracy.Sweep(case, isas, exhaustive=False)
    whole.run(2, lambda inputs: None, lambda: None)

    record = accuracy.Record(tmp_path, "mish")
    interrupted = accuracy.Sweep(case, isas, exhaustive=False)
    swept = []

    def advance(inputs):
        swept.append(inputs)
        if len(swept) == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted.run(2, advance, lambda: record.save_partial(interrupted))
    assert [path.name for path in tmp_path.iterdir()] == [".mish.partial.json"]

    resumed = accuracy.Sweep(case, isas, exhaustive=False)
    record = accuracy.Record(tmp_path, "mish")
    record.load(resumed)
    assert len(resumed.waiting) == len(whole.pieces) - 40
    resumed.run(2, lambda inputs: None, lambda: None)
    result = record.add(resumed)
    assert result["found"] == whole.as_data()["found"]
    assert [path.name for path in tmp_path.iterdir()] == ["mish.json"]

    others = [accuracy.Sweep(case, isas[:1], exhaustive=False)]
    others += [accuracy.Sweep(case, isas, exhaustive=False, offset=1)]
    record.save_partial(interrupted)
    for other in others:
        record.load(other)
        assert len(other.waiting) == len(other.pieces)
    record.partial.write_text("{")
    record.load(resumed)  # as if nothing were there


def test_accuracy_does_not_put_a_sample_in_the_place_of_all(capsys, tmp_path):
    words = ("accuracy", "relu", "--dtype", "float32", "--output", tmp_path)
    assert run(capsys, *words)[0] == 0
    path = tmp_path / "relu.json"
    data = json.loads(path.read_text())
    data["results"][0].update(all=True, inputs=2**32)
    path.write_text(json.dumps(data))
    status, _, err = run(capsys, *words)
    assert status == 2
    assert "4,294,967,296 inputs" in err
    assert json.loads(path.read_text()) == data
    data["results"][0].update(inputs=1000, build="another")
    path.write_text(json.dumps(data))
    if len(accuracy.known_isas(None)) > 1:
        status, _, err = run(capsys, *words, "--isa", "baseline")
        assert status == 2
        assert "more than this would measure" in err
    assert run(capsys, *words)[0] == 0
    assert json.loads(path.read_text())["results"][0]["inputs"] > 1000


def test_accuracy_fails_where_an_error_is_beyond_its_bound(capsys, monkeypatch):
    row = common.ROWS["tanh"]
    bounds = {**row.max_ulp, "float32": {"value": 0.5, "derivative": 0.51}}
    monkeypatch.setitem(common.ROWS, "tanh", dataclasses.replace(row, max_ulp=bounds))
    status, out, _ = run(capsys, "accuracy", "tanh", "--dtype", "float32")
    assert status == 1
    assert "Beyond the bounds" in out


def test_accuracy_refuses_what_it_cannot_measure(capsys):
    status, _, err = run(capsys, "accuracy", "softmax")
    assert status == 2
    assert "softmax takes rows" in err
    status, _, err = run(capsys, "accuracy", "relu", "--isa", "mmx")
    assert status == 2
    assert "no 'mmx' here; there is baseline" in err
    status, _, err = run(capsys, "accuracy", "relu", "--offset", -1)
    assert status == 2
    assert "natural_number value: '-1'" in err


# ---- bench and demo, in processes of their own: the libraries that they load stay out of this one


def run_apart(*arguments):
    """Run a command in a process of its own; return what it wrote to stdout."""
    command = [sys.executable, "-m", "fastact", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (found.returncode, found.stderr) == (0, b"")
    out = found.stdout.decode()
    assert "\x1b" not in out  # not a terminal
    return out


def test_bench_writes_what_it_prints(tmp_path):
    pytest.importorskip("rich")
    pytest.importorskip("matplotlib")
    times, chart = tmp_path / "new" / "times.json", tmp_path / "times.svg"
    out = run_apart(
        "bench", "relu", "softmax", "--quick", "--threads", 1, "--json", times, "--chart", chart
    )
    written = json.loads(times.read_text(encoding="utf-8"))
    conditions, results = written["conditions"], written["results"]
    assert conditions["threads"] == 1
    assert conditions["fastact"]["isa"] == fastact.runtime_info()["isa"]
    assert [result["function"] for result in results] == ["relu"] * 3 + ["softmax"] * 3
    for result in results:
        assert {"fastact", "NumPy"} <= set(result["seconds"])
        for name, seconds in result["seconds"].items():
            assert 0 < seconds < 1
            assert result["ns_per_element"][name] == seconds / result["elements"] * 1e9
            assert name.split()[0] in out
    assert str(chart) in out.replace("\n", "")
    assert b"</svg>" in chart.read_bytes()


def test_bench_prints_json_and_nothing_else():
    pytest.importorskip("rich")
    command = [sys.executable, "-m", "fastact", "bench", "identity", "--quick", "--json", "-"]
    found = subprocess.run(command, capture_output=True, check=True)
    assert [of["function"] for of in json.loads(found.stdout)["results"]] == ["identity"] * 3
    assert b"identity" in found.stderr


def test_interrupt_waits_until_libraries_are_imported():
    done = []

    def imported():
        with peers.interrupts_later():
            signal.raise_signal(signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        imported()
    assert done == [True]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_demo_breaks_no_name_and_no_number(columns):
    console = pytest.importorskip("rich.console").Console(width=columns, file=io.StringIO())
    for shown in demo.value_tables(columns):
        console.print(shown)
    out = console.file.getvalue()
    assert "…" not in out
    assert all(row.name in out for row in CATALOGUE)


def test_bench_times_what_it_is_asked_for(tmp_path):
    pytest.importorskip("rich")
    times = tmp_path / "times.json"
    asked = {"operation": "backward", "dtype": "float64", "memory": "fresh", "inputs": "zeros"}
    options = [word for name, value in asked.items() for word in (f"--{name}", value)]
    run_apart("bench", "silu", "--quick", *options, "--peer", "NumPy", "--json", times)
    written = json.loads(times.read_text(encoding="utf-8"))
    assert {name: written["conditions"][name] for name in asked} == asked
    for result in written["results"]:
        assert list(result["seconds"]) == ["fastact", "NumPy", "copy"]
        assert result["bytes"] == 8 * result["elements"]


@pytest.mark.parametrize("memory", peers.MEMORY)
@pytest.mark.parametrize("inputs", peers.INPUTS)
def test_arrays_of_contestants(inputs, memory):
    arrays = peers.Arrays.of((5000,), "float32", inputs, memory)
    assert arrays.x.dtype == arrays.other.dtype == np.float32
    assert {"out": arrays.out is not arrays.x, "fresh": arrays.into == {}}.get(
        memory, arrays.out is arrays.x
    )
    tiny = fastact.sigmoid(arrays.x)
    seen = {
        "normal": 2.9 < arrays.x.std() < 3.1,
        "uniform": arrays.x.min() < -99 and arrays.x.max() > 99,
        "zeros": not arrays.x.any(),
        "subnormal": tiny.min() > 0 and tiny.max() < np.finfo(np.float32).smallest_normal,
    }
    assert seen[inputs]


def test_numbers_in_place_do_not_drift():
    x = np.zeros(64)
    restore = functools.partial(np.copyto, x, 0.0)
    call = timing.Call(np.add, (x, 1.0), {"out": x}, restore=restore)
    timing.medians({"counted": call}, rounds=3)
    assert (x == timing.RUN).all()
    numpy = [peers.numpy_peer(1)]
    for name in (*common.FUNCTIONS, *common.GATES):
        calls = bench.contestants(name, (8, 16), bench.Work(memory="in-place"), numpy)
        for who in {peers.FASTACT, "NumPy"} & set(calls):
            first = np.array(calls[who]())
            calls[who]()
            calls[who].restore()
            np.testing.assert_array_equal(calls[who](), first, err_msg=f"{name} by {who}")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("--threads 0", "--threads must be at least 1"),
        ("--chart times.txt", "times.txt"),
        ("swiglu --operation backward", "of swiglu only the value is timed"),
    ],
)
def test_bench_refuses_before_it_measures(capsys, monkeypatch, wrong, why):
    pytest.importorskip("rich")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(peers, "installed", None)
    status, out, err = run(capsys, "bench", *wrong.split())
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert why in err


#: What each peer has no call for, of the gated functions.
LACKING = {
    "NumPy": {"geglu"},  # for want of an erf
    "SciPy": set(common.GATES),
    "torch": set(),
    "ONNX Runtime": set(),
    "JAX": set(),
    "numexpr": {"geglu"},
    "numba": set(),
    "OpenVINO": set(),
}
#: And in place: models want arrays of their own, and glu's result is half of what JAX hands over.
LACKING_IN_PLACE = {"ONNX Runtime": set(common.GATES), "OpenVINO": {"glu"}, "JAX": {"glu"}}
#: Where torch allocates its result, having no other way.
ALLOCATED_BY_TORCH = {"prelu"}


def compare(peer, memory):
    """Compare a peer with fastact; return what was compared, None for a peer that is missing."""
    try:
        found = peers.PEERS[peer](1)
    except ImportError:
        return None
    compared = []
    functions = common.FUNCTIONS if memory == "out" else ("identity", "silu", "softmax")
    for name in (*functions, *common.GATES):
        for operation in ("value", "derivative", "backward"):
            normal = peers.Arrays.normal((8, 16), function=name)
            own = peers.fastact_call(operation, name, normal)
            arrays = peers.Arrays.of((8, 16), memory=memory, function=name)
            call = found.make(operation, name, arrays)
            if own is None or call is None:
                continue
            expected = np.array(own.result(own()))
            if memory == "out":
                arrays.out.fill(np.nan)
            with peers.without_gradients():
                returned = call.result(call())
            if peer == "torch" and memory != "fresh" and name in common.GATES:
                given = np.may_share_memory(returned, arrays.out)
                assert given is (name not in ALLOCATED_BY_TORCH), (name, memory)
            result = np.array(returned)
            assert result.dtype == np.float32
            what = f"{peer}: {operation} of {name}, {memory}"
            # JAX's slope of one function is less right than all others.
            slope = operation != "value"
            atol = 2e-6 if (peer, name, slope) == ("JAX", "gelu_tanh", True) else 1e-6
            np.testing.assert_allclose(result, expected, rtol=1e-5, atol=atol, err_msg=what)
            if call.restore is not None:
                call.restore()
                np.testing.assert_array_equal(call.result(call()), result, err_msg=what)
            compared.append(what)
    return compared


@pytest.mark.parametrize("peer", peers.PEERS)
def test_peers_compute_what_fastact_does(peer):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        for memory in peers.MEMORY:
            compared = pool.submit(compare, peer, memory).result()
            if compared is None:
                pytest.skip(f"{peer} is not installed")
            assert compared or (peer, memory) == ("ONNX Runtime", "in-place")
            valued = {f"{peer}: value of {name}, {memory}": name for name in common.GATES}
            gates = {name for what, name in valued.items() if what in compared}
            lacking = LACKING_IN_PLACE if memory == "in-place" else {}
            assert set(common.GATES) - gates == LACKING[peer] | lacking.get(peer, set())


def test_demo_trains_and_prints_all_tables(tmp_path):
    pytest.importorskip("rich")
    pytest.importorskip("sklearn")
    out = run_apart("demo", "--quick", "-o", tmp_path)
    values, learned, timed, _ = re.split("A classifier|The same forward pass|Pictures", out)
    for row in CATALOGUE:
        assert row.name in values
        (accuracy,) = re.findall(rf"^ *{row.name} +(\S+)%", learned, re.MULTILINE)
        assert float(accuracy) > 75  # after three epochs
        assert row.name in timed
    assert "∂p₁/∂x₁" in values
    if importlib.util.find_spec("matplotlib") is None:
        assert "fastact[plot]" in out
    else:
        overview = tmp_path / "overview.png"
        assert str(overview) in out.replace("\n", "")
        assert overview.read_bytes().startswith(b"\x89PNG")
