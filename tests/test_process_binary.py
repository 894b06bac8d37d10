"""The extension modules as files: hardened, self-contained, and telling nothing of who built them.

The faults: a stack that may be executed, a table of functions that may be written after the import,
and a wheel that looks for libraries where its builder had them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from instruction_sets import once

import fastact

PACKAGE = Path(fastact.__file__).parent
MODULES = sorted(PACKAGE.glob("*.so"))
MUST_RUN = bool(os.environ.get("CI")) and sys.platform == "linux"
pytestmark = [
    once,
    pytest.mark.skipif(sys.platform != "linux", reason="reads ELF files"),
    pytest.mark.skipif(
        shutil.which("readelf") is None and not MUST_RUN,
        reason="needs readelf and objcopy, of binutils",
    ),
]


def read(path: Path, *options: str) -> list[str]:
    command = ["readelf", "--wide", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def segments(path: Path) -> Iterator[tuple[str, int, int, str]]:
    """Kind, address, size and flags."""
    for line in read(path, "--program-headers"):
        pattern = r"\s+(\w+)\s+0x\w+ 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) ([RWE ]{3})"
        if match := re.match(pattern, line):
            yield match[1], int(match[2], 16), int(match[3], 16), match[4]


@pytest.fixture(params=MODULES, ids=lambda path: path.name.split(".")[0])
def module(request) -> Path:
    return request.param


def test_there_are_modules():
    assert len(MODULES) >= 5


def test_nothing_is_writable_and_executable(module):
    found = list(segments(module))
    stack = [flags for kind, _, _, flags in found if kind == "GNU_STACK"]
    assert stack == ["RW "]
    loaded = [flags for kind, _, _, flags in found if kind == "LOAD"]
    assert "R E" in loaded
    assert not [flags for flags in loaded if "W" in flags and "E" in flags]


def test_relocations_are_done_at_once_and_then_protected(module):
    dynamic = "\n".join(read(module, "--dynamic"))
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW|\(BIND_NOW\)", dynamic)
    assert "TEXTREL" not in dynamic
    assert [kind for kind, *_ in segments(module) if kind == "GNU_RELRO"]


def test_tables_of_kernels_are_protected():
    """Whoever can write one decides what is called."""
    path = next(PACKAGE.glob("_kernels.*.so"))
    ((_, begin, size, _),) = [found for found in segments(path) if found[0] == "GNU_RELRO"]
    tables = {}
    for line in read(path, "--symbols"):
        words = line.split()
        if len(words) == 8 and words[3] == "OBJECT":
            tables[words[7]] = int(words[1], 16)
    if not tables:
        pytest.skip("the extension is stripped of its symbols")
    named = r"isas(\.\d+)?|fastact_(kernels_\w+|integer_kernels)"
    names = [name for name in tables if re.fullmatch(named, name)]
    assert {"isas", "fastact_integer_kernels"} <= {name.split(".")[0] for name in names}
    assert len(names) >= 6
    for name in names:
        assert begin <= tables[name] < begin + size, name


def test_only_system_libraries_and_the_openmp_runtime(module):
    dynamic = read(module, "--dynamic")
    needed = {line.split("[")[1].rstrip("]") for line in dynamic if "(NEEDED)" in line}
    system = r"lib(c|m|pthread|dl|gcc_s)\.so\.\d+|ld-linux[\w-]*\.so\.\d|libc\.musl-\w+\.so\.1"
    openmp = r"lib(gomp|omp|iomp5)(-\w+)?\.so(\.[\d.]+)?"
    assert [name for name in needed if not re.fullmatch(f"{system}|{openmp}", name)] == []
    # Where else than at home would it look?
    paths = [
        line.split("[")[1].rstrip("]") for line in dynamic if re.search(r"\(R(UN)?PATH\)", line)
    ]
    assert all(part.startswith("$ORIGIN") for path in paths for part in path.split(":"))


def test_no_trace_of_the_builder(module, tmp_path):
    """No flag for one machine, and no absolute path of a source file. Debug information, which an
    installed wheel has not, has the flags and may have paths."""
    data = module.read_bytes()
    assert not re.findall(rb"-m(?:arch|tune|cpu)=native", data)
    bare = tmp_path / "bare.so"
    subprocess.run(["objcopy", "--strip-debug", module, bare], check=True)
    data = bare.read_bytes()
    assert re.findall(rb"(?<![\w./-])/[\w.+~/-]+\.(?:c|h|pyx|pxd|py)\b", data) == []
    home = str(Path.home())
    assert home == "/" or home.encode() not in data
