"""The page of results: what is measured for it, and what it makes of that."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

from fastact.cli import bench, peers, timing

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
pytestmark = once
needs_sources = pytest.mark.skipif(
    not ((ROOT / "benchmarks").exists() and (ROOT / "tools").exists()),
    reason="needs the source tree",
)

ABOUT = {
    "processor": "one",
    "rounds": 5,
    "peers": {"torch": "2", "ONNX Runtime": "1"},
    "fastact": {"isa": "avx512", "version": "0", "compiler": "gcc"},
    "gigahertz": [4.0, 4.0],
}


@pytest.fixture
def from_tools(monkeypatch):
    for folder in ("benchmarks", "tools"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:  # with what the tests have put into them
        if (getattr(sys.modules[name], "__file__", "") or "").startswith(str(ROOT)):
            del sys.modules[name]


# ---- what is measured ---------------------------------------------------------------------------


@pytest.mark.parametrize(("slowest", "rounds"), [(3.0, 2), (1.5, 5)])
def test_who_is_far_behind_is_timed_in_two_rounds(monkeypatch, slowest, rounds):
    timed = []
    seconds = {"first": 1.0, "second": slowest}

    class Timer:
        def __init__(self, name):
            self.name = name

        def timeit(self, number):
            timed.append(self.name)
            return number * seconds[self.name]

    class Call:
        restore = None

        def __init__(self, name):
            self.timer = lambda: Timer(name)

    monkeypatch.setattr(timing, "warm_up", lambda call: None)
    monkeypatch.setattr(timing, "calls_per_batch", lambda timer, batch: 1)
    calls = {name: Call(name) for name in seconds}
    assert timing.medians(calls, rounds=5, within=2.0) == seconds
    assert timed.count("first") == 5
    assert timed.count("second") == rounds


@pytest.mark.parametrize("reads", [1, 2])
@pytest.mark.parametrize("with_torch", [False, True])
def test_copies_move_what_they_say(reads, with_torch):
    if with_torch:
        pytest.importorskip("torch")
    arrays = peers.Arrays.normal((1000,))
    others = peers.installed(1, ["torch"]) if with_torch else []
    calls = bench.copies(arrays, others, reads)
    assert len(calls) == (2 if reads == 1 else 1) + with_torch
    for name, call in calls.items():
        arrays.out[:] = 0
        call()
        expected = arrays.x if reads == 1 else arrays.x + arrays.other
        np.testing.assert_array_equal(arrays.out, expected, err_msg=name)


@needs_sources
def test_interrupted_run_goes_on(from_tools, monkeypatch, tmp_path):
    """Files that are there stay; those that are shown change when all have been measured."""
    report = importlib.import_module("report")
    measured = []

    def run(command, **keywords):
        path = Path(command[command.index("--json") + 1])
        measured.append(path.stem)
        if measured == ["first", "second"]:
            raise KeyboardInterrupt
        path.write_text(path.stem)
        return report.subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(report.subprocess, "run", run)
    monkeypatch.setattr(report, "MADE", tmp_path / "made")
    monkeypatch.setattr(report.records, "ROOT", tmp_path)
    monkeypatch.setattr(report.records, "TIMES", tmp_path / "shown")
    monkeypatch.setattr(report, "PARTS", {"first": report.Part(), "second": report.Part()})
    monkeypatch.setattr(report, "OTHERS", {"third": ["third.py"]})
    with pytest.raises(KeyboardInterrupt):
        report.run_all([])
    assert not (tmp_path / "shown").exists()
    assert report.run_all([]) == 0
    assert measured == ["first", "second", "second", "third"]
    shown = {path.stem: path.read_text() for path in (tmp_path / "shown").iterdir()}
    assert shown == {name: name for name in ("first", "second", "third")}
    # And what was shown is measured again by the next run.
    assert report.run_all([]) == 0
    assert measured[4:] == ["first", "second", "third"]


# ---- what is shown ------------------------------------------------------------------------------


@pytest.fixture
def page(from_tools, monkeypatch, tmp_path):
    if not PAGE.exists():
        pytest.skip("needs the source tree")
    module = importlib.import_module("write_performance")
    monkeypatch.setattr(module.records, "TIMES", tmp_path)
    return module


def write(page, name, times):
    """Write a file of results: by function and size, what each contestant takes."""
    rows = [
        {"function": function, "elements": size, "ns_per_element": {"fastact": 1.0, **others}}
        for (function, size), others in times.items()
    ]
    page.records.write(page.records.TIMES / f"{name}.json", ABOUT, rows)


def test_page_without_results_says_how_to_have_them(page):
    for name, section in page.SECTIONS.items():
        assert "make bench-report" in section() or name == "targets"
    assert page.targets().count("not measured") == len(page.TARGETS)


def test_page_has_every_section(page):
    text = PAGE.read_text(encoding="utf-8")
    for name in page.SECTIONS:
        assert text.count(f"<!-- build: performance {name} -->") == 1, name


def test_cells_where_another_is_first_are_marked(page):
    write(
        page,
        page.VALUE,
        {
            ("relu", 4096): {"copy": 0.5, "torch": 2.0, "ONNX Runtime": 4.0},
            ("mish", 4096): {"copy": 0.5, "torch": 0.98},
            ("tanh", 4096): {"copy": 0.5, "torch": 4.0, "ONNX Runtime": 0.5},
            ("elu", 4096): {"copy": 0.25},
        },
    )
    shown = page.whole(page.VALUE)
    rows = {row.partition("</th>")[0]: row for row in shown.split('<th scope="row">')[1:]}
    assert "<td><b>0.50</b><small>1 ns, 50 %</small><small>torch 2</small></td>" in rows["relu"]
    assert '<td class="behind"><b>△ 1.02</b>' in rows["mish"]
    assert '<td class="behind"><b>▲ 2.00</b>' in rows["tanh"]
    assert "ORT 0.5<" in rows["tanh"]
    assert "<td>–<small>1 ns, 25 %</small></td>" in rows["elu"]
    # In the summary one of the three that others have.
    assert '<td class="behind"><b>▲ 1 of 3</b><small>median 1.02</small></td>' in page.summary()


def test_targets_are_computed(page):
    sizes = page.LARGE
    write(
        page,
        page.VALUE,
        {("relu", n): {"copy": 0.95, "torch": 1.0} for n in sizes}
        | {("sigmoid", n): {"copy": 0.1, "torch": 1.0, "ONNX Runtime": 0.5} for n in sizes}
        | {("elu", sizes[0]): {"torch": 4.0}, ("elu", sizes[1]): {"torch": 2.0}},
    )
    write(page, page.DERIVATIVE, {("elu", n): {"copy": 1.0, "NumPy": 9.0} for n in sizes})
    write(page, page.BACKWARD, {("elu", n): {"copy": 1.0, "torch": 0.5} for n in sizes})
    rows = page.targets().split("<tr>")[2:]
    met = {}
    for target, row in zip(page.TARGETS, rows, strict=True):
        assert row.startswith(f'<th scope="row">{target.what}</th>')
        met[target.what, target.rival] = row
    assert "<b>met</b></td>" in met["relu, relu6, leaky_relu", "fastest peer"]
    assert "<td>1.00 and 1.00</td>" in met["relu, relu6, leaky_relu", "fastest peer"]
    assert "<b>met</b></td>" in met["relu, relu6, leaky_relu", "a copy"]
    assert "<td>1.05 and 1.05</td>" in met["relu, relu6, leaky_relu", "a copy"]
    for place, percent, ratios in (
        (("sigmoid, silu", "ONNX Runtime"), 48, "2.00 and 2.00"),
        (("elu", "fastest peer"), 43, "0.25 and 0.50"),
        # Against the backward pass of torch, which is in another file.
        (("derivative", "torch's backward"), 233, "2.00 and 2.00"),
    ):
        assert f'<td class="behind"><b>▲ missed by {percent} %</b></td>' in met[place]
        assert f"<td>{ratios}</td>" in met[place]
    assert "not measured" in met["mish", "fastest peer"]


def test_many_ratios_are_summed_up(page):
    ratios = {(name, 4096): ratio for name, ratio in zip("abcd", (0.5, 0.9, 1.5, 1.2), strict=True)}
    assert page.measured(ratios, 1.0) == "2 of 4; most 1.50, c at 4,096"


def test_steps_that_stay_are_listed(page):
    times = [1.0, 1.0, 3.0, 1.0, 1.0, 1.5, 1.5]
    rows = [
        {"function": name, "elements": 2**i, "threads": threads, "ns_per_element": time}
        for i, time in enumerate(times)
        for name in ("relu", "copy")
        for threads in (1, 2)
    ]
    page.records.write(page.records.TIMES / "scaling.json", {}, rows)
    assert page.steps().splitlines()[2:] == [
        "| relu | 1 thread | 16 to 32 | 1 | 1.5 |",
        "| relu | 2 threads | 16 to 32 | 1 | 1.5 |",
    ]


def test_share_of_the_loops_cycles(page):
    write(page, page.VALUE, {("relu", 4096): {"copy": 1.0}, ("relu", 64): {"copy": 1.0}})
    kernel = {"kernel": "relu_value_avx512_f32", "model": "some", "ports": 1.0, "simulated": 2.0}
    about = {"gigahertz": 3.0, "llvm": "19"}
    page.records.write(page.records.TIMES / "loop-cycles.json", about, [kernel])
    cells = "".join(f"<td>{text}</td>" for text in ("4.00", "1.00", "2.00", "25 %", "50 %"))
    assert cells in page.loops()
    assert page.loops().count("<tr>") == 2
