"""What the documentation says is so: its examples run, its sections and paths are there."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa
from fastact import buffers
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE

ROOT = Path(__file__).parent.parent
MEMBERS = ("derivative", "backward", "value_and_derivative")
PAGES = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
    if path.exists()
]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
pytestmark = once
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_objects():
    """Everything with a docstring that users meet, by its name, once."""
    objects = {"fastact": fa, "fastact.buffers": buffers, "fastact.Activation": fa.Activation}
    objects["fastact.Activation.with_parameters"] = fa.Activation.with_parameters
    for row in CATALOGUE:
        activation = getattr(fa, row.name)
        objects[row.name] = activation
        objects |= {f"{row.name}.{member}": getattr(activation, member) for member in MEMBERS}
    for row in GATE_CATALOGUE:
        objects[row.name] = getattr(fa, row.name)
        objects[f"{row.name}.backward"] = getattr(fa, row.name).backward
    objects["softmax"] = fa.softmax
    for name in fa.__all__:
        value = getattr(fa, name)
        if callable(value) and value not in objects.values():
            objects[name] = value
    for owner, prefix in ((fa.softmax, "softmax"), (buffers.relu, "buffers.relu")):
        for name in dir(type(owner)):
            if not name.startswith("_") and inspect.isroutine(getattr(type(owner), name)):
                objects[f"{prefix}.{name}"] = getattr(owner, name)
    objects["buffers.softmax"] = buffers.softmax
    return objects


OBJECTS = public_objects()
FUNCTIONS = {
    name: value
    for name, value in OBJECTS.items()
    if not inspect.ismodule(value) and not inspect.isclass(value)
}


def run_examples(text, name, names=None):
    """Run what follows >>> in a text; returns how many examples there were."""
    parser = doctest.DocTestParser()
    test = parser.get_doctest(text, dict(names or {}), name, None, None)
    failures = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    with np.printoptions():
        runner.run(test, out=failures.append)
    assert not runner.failures, "".join(failures)
    return len(test.examples)


# ---- docstrings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OBJECTS)
def test_examples_of_docstrings(name):
    text = inspect.getdoc(OBJECTS[name])
    assert text
    count = run_examples(text, name)
    assert count or name == "fastact"


def sections_of(text):
    """A numpydoc docstring by its sections."""
    parts = re.split(r"^(\w[\w ]*)\n-+$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# In the order that numpydoc wants.
ORDER = [
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "See Also",
    "Notes",
    "References",
    "Examples",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sections_of_docstrings(name):
    function = FUNCTIONS[name]
    text = inspect.getdoc(function)
    sections = sections_of(text)
    assert [title for title in ORDER if title in sections] == list(sections)
    assert "Examples" in sections
    takes = [
        p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")
    ]
    assert ("Parameters" in sections) == bool(takes)
    # set_num_threads, show_runtime and the block return nothing.
    returns_nothing = ("set_num_threads", "show_runtime", "num_threads")
    assert ("Returns" in sections) == (name not in returns_nothing)
    described = sections.get("Parameters", "")
    for parameter in takes:
        assert re.search(rf"(^|\s|\*\*){parameter.name}\b[\w, ]*(:|\n)", described), parameter.name
    for title, body in sections.items():
        assert body.strip(), title
    # The first paragraph, after a signature where there is one, is a summary.
    first, *others = re.split(r"\n\n", text)
    summary = others[0] if "(" in first.splitlines()[0].split(" ")[0] else first
    assert summary.strip().endswith((".", ":"))
    # But for the signature, which is NumPy's long list of keywords.
    assert all(len(line) < 100 for line in text.splitlines() if "*, out=" not in line)


def unwrapped(text):
    """A text whose lines may be broken anywhere."""
    return " ".join(text.split())


def test_docstrings_of_activations_say_what_the_catalogue_knows(row, activation):
    text = unwrapped(activation.__doc__)
    assert row.summary in text
    assert row.formula in text
    assert row.source in text
    for parameter in row.parameters:
        assert parameter.summary in text
    for dtype, bounds in row.max_ulp.items():
        assert f"{bounds['value']:g} ULP in {dtype}" in text
        slope = unwrapped(activation.derivative.__doc__)
        assert f"{bounds['derivative']:g} ULP in {dtype}" in slope
    for member in MEMBERS:
        described = unwrapped(getattr(activation, member).__doc__)
        assert described.startswith(f"{row.name}.{member}(")
        assert row.derivative in described
        for point in row.kinks:
            assert f"f'({point}) =" in described
    assert text.startswith(f"{row.name}(x, /")


def test_help_shows_formula_and_bound(row, activation):
    shown = unwrapped(pydoc.plain(pydoc.render_doc(activation)))
    assert row.formula in shown
    assert f"at most {row.max_ulp['float32']['value']:g} ULP" in shown
    for parameter in row.parameters:
        assert f"{parameter.name}={parameter.default!r}" in shown


def test_help_of_the_rest():
    assert "with_parameters" in pydoc.plain(pydoc.render_doc(fa.Activation))
    assert "exponentials" in pydoc.plain(pydoc.render_doc(fa.softmax))
    for row in CATALOGUE:
        assert row.formula in pydoc.plain(pydoc.render_doc(getattr(buffers, row.name)))


# ---- pages --------------------------------------------------------------------------------------


def blocks_of(page):
    """The Python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@every_page
def test_python_blocks_of_pages(page, tmp_path, monkeypatch):
    if page.name == "CONTRIBUTING.md":
        pytest.skip("its block is a part of the catalogue, to be filled in")
    if page.name == "libraries.md":
        pytest.skip("test_libraries_recipes.py runs it, section by section")
    monkeypatch.chdir(tmp_path)  # what an example writes
    names = {}
    prompts = []
    for module in ("dask", "pandas", "polars", "xarray"):
        if f"import {module}" in page.read_text(encoding="utf-8"):
            pytest.importorskip(module)
    for block in blocks_of(page):
        if ">>>" in block:
            prompts.append(block)
        else:
            exec(compile(block, str(page), "exec"), names)
    run_examples("\n".join(prompts), page.name, names)


def test_readme_shows_every_activation():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("needs the source tree")
    text = readme.read_text(encoding="utf-8")
    for row in (*CATALOGUE, *GATE_CATALOGUE):
        assert row.name in text


@every_page
def test_paths_in_pages_exist(page):
    if not (ROOT / "src_c").exists():
        pytest.skip("needs the source tree")
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    # Paths in the running text.
    made = {"build", "dist"}  # by a command, if at all
    folders = "|".join(
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and path.name[0] != "." and path.name not in made
    )
    for path in re.findall(rf"`((?:{folders})/[\w./*]*)`", text):
        assert list(ROOT.glob(path.rstrip("/"))), path


def test_citation_has_the_version():
    path = ROOT / "CITATION.cff"
    if not path.exists():
        pytest.skip("needs the source tree")
    assert f"\nversion: {fa.__version__}\n" in path.read_text(encoding="utf-8")


@every_page
def test_make_targets_in_pages_exist(page):
    makefile = ROOT / "Makefile"
    if not makefile.exists():
        pytest.skip("needs the source tree")
    targets = re.findall(r"^([a-z]+):", makefile.read_text(encoding="utf-8"), re.MULTILINE)
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^|\w )make ([a-z]+)(?: *#|`)", text, re.MULTILINE):
        assert target in targets


def test_make_help_lists_every_target():
    makefile = ROOT / "Makefile"
    if not makefile.exists() or shutil.which("make") is None:
        pytest.skip("needs the source tree and make")
    shown = subprocess.run(
        ["make", "-s", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    ).stdout
    rules = makefile.read_text(encoding="utf-8").replace("\\\n", "")
    phony = re.search(r"^\.PHONY: (.*)$", rules, re.MULTILINE)
    for target in phony.group(1).split():
        assert re.search(rf"^ *make {target} +\w", shown, re.MULTILINE), target
    # Without a target, too.
    assert (
        subprocess.run(
            ["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True
        ).stdout
        == shown
    )
