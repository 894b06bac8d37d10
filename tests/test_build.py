"""What the compiler made of src_c: read from the built extension, as the processor will.

That a loop "vectorised" is not enough. These tests count: vector instructions of the width that
the name of a kernel promises, one division for each result that needs one, no call into a maths
library, and nothing wider than the baseline outside the kernels that are chosen at run time.
"""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import sys
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import machine_code
import pytest
from instruction_sets import once
from machine_code import REGISTERS, X86, Instruction, output

import fastact
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, Gate, Row

pytestmark = once  # what is read has the kernels of all instruction sets

INFO = fastact.runtime_info()
GCC = INFO["compiler"].startswith("gcc")
# Kernels for instruction sets that this processor lacks are in the file all the same.
ISAS = ("baseline", "avx2", "avx512") if X86 else ("baseline",)
WIDE, HALVES = ("f32", "f64"), ("f16", "bf16")
OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
# The steps of rowwise.h, and how many vector instructions of arithmetic each has at least: those
# with an exponential have many.
ROW_STEPS = {
    "no_maxima": 0,
    "plain_maxima": 0,
    "origin_maxima": 0,
    "softmax_sums": 20,
    "softmax_write": 20,
    "log_softmax_sums": 20,
    "log_softmax_write": 2,
    "logsumexp_sums": 20,
    "logsumexp_write": 0,
    "log_parts_write": 0,
    "sum_below_0_sums": 2,
    "sum_below_0_write": 0,
    "softmax_backward_sums": 20,
    "softmax_backward_write": 20,
    "softmax_backward_from_output_sums": 2,
    "softmax_backward_from_output_write": 2,
    "log_softmax_backward_sums": 20,
    "log_softmax_backward_write": 20,
    "log_softmax_backward_from_output_sums": 1,
    "log_softmax_backward_from_output_write": 20,
    "logsumexp_backward_write": 20,
    "sparsemax_maxima": 0,
    "sparsemax_sums": 16,
    "sparsemax_write": 12,
    "sparsemax_backward_sums": 20,
    "sparsemax_backward_write": 8,
}
# There objdump and the symbols are certain to be had: no skipping.
MUST_RUN = bool(os.environ.get("CI")) and sys.platform == "linux" and X86

ARITHMETIC = re.compile(r"v?(mul|add|sub|div|max|min|fn?m(add|sub)\d+)p[sd]")
DIVISION = re.compile(r"v?div([ps])[sd]")
COPY = re.compile(r"<mem(cpy|move|set)@plt>")
LIBM = re.compile(
    r"_ZGV.*|(__)?(exp|exp2|exp10|expm1|log|log1p|log2|log10|pow|tanh|sinh|cosh|sin|cos|tan|erf|"
    r"erfc|fma|fmax|fmin|fmod|ldexp|scalbn|frexp|floor|ceil|rint|nearbyint|round|trunc|sqrt|hypot)"
    r"[fl]?(_finite)?"
)


@dataclass
class Function:
    """The instructions of one function of the extension, as far as these tests look at them."""

    mnemonics: Counter[str] = field(default_factory=Counter)
    called: Counter[str] = field(default_factory=Counter)
    arithmetic: Counter[str] = field(default_factory=Counter)  # packed, by register
    divisions: Counter[str] = field(default_factory=Counter)  # by register, or "scalar"
    stores: Counter[str] = field(default_factory=Counter)  # of whole registers, by register
    registers: Counter[str] = field(default_factory=Counter)  # instructions that touch one

    def read(self, instruction: Instruction) -> None:
        mnemonic, operands = instruction.mnemonic, instruction.operands
        self.mnemonics[mnemonic] += 1
        if mnemonic.startswith(("call", "bl")):
            self.called[operands] += 1
        found = [register for register in ("zmm", "ymm", "xmm") if register in operands]
        for register in found:
            self.registers[register] += 1
        if stored := instruction.stored:
            self.stores[stored] += 1
        if ARITHMETIC.fullmatch(mnemonic):
            self.arithmetic[found[0]] += 1
        if division := DIVISION.fullmatch(mnemonic):
            self.divisions[found[0] if division[1] == "p" else "scalar"] += 1


def not_here(reason: str) -> None:
    assert not MUST_RUN, reason
    pytest.skip(reason)


@pytest.fixture(scope="module")
def objdump() -> Iterator[str]:
    program = shutil.which("objdump")
    if sys.platform != "linux":
        not_here("reads ELF files")
    if program is None:
        not_here("needs objdump, of binutils")
    return program


@pytest.fixture(scope="module")
def symbols(objdump) -> dict[str, str]:
    found = machine_code.symbols()
    if not found:
        not_here("the extension is stripped of its symbols")
    return found


@pytest.fixture(scope="module")
def functions(objdump, symbols) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for name, instruction in machine_code.instructions():
        found.setdefault(name, Function()).read(instruction)
    return found


# prelu has no loops of its own.
GATES = [row for row in GATE_CATALOGUE if row.name != "prelu"]


def loops_of(row: Row | Gate) -> list[str]:
    if isinstance(row, Gate):
        return [f"{row.name}_value", f"{row.name}_backward"]
    varying = ("", "_varying") if row.parameters else ("",)
    return [f"{row.name}_{operation}{kind}" for operation in OPERATIONS for kind in varying]


def loop_name(loop: str, isa: str, element: str) -> str:
    """The function that computes; the halves' kernels themselves only convert, block by block."""
    return f"{loop}{'_of_block' if element in HALVES else ''}_{isa}_{element}"


def results_of(loop: str) -> int:
    of_gate = loop.partition("_")[0] in {row.name for row in GATES}
    return 2 if "value_and_derivative" in loop or (of_gate and "backward" in loop) else 1


# Their slopes are chosen, not computed: 1, 0 or a parameter.
CHOSEN = [
    f"{row.name}_backward"
    for row in CATALOGUE
    if all(re.fullmatch(r"\w+", slope) for slope in re.split(r" if .+? else ", row.derivative))
]

#: float32 loops that need no double where there is an fma (rational.h).
IN_FLOATS = {"softsign_value", "hard_sigmoid_value", "hard_swish_value"}


def copies_of(loop: str, element: str) -> int:
    """How often an element stands in a loop: where four go through it together (elementwise.h),
    these and, for the rest, one more."""
    alone = element in HALVES or loop in CHOSEN or "varying" in loop
    together = results_of(loop) == 1 and not alone
    return 5 if together else 1


def divisions_of(row: Row, loop: str, element: str) -> tuple[int, int]:
    """How many divisions an element takes, least and most: one for each quotient whose divisor has
    x in it, for tanh and for log1p. What is divided by a parameter is multiplied by its reciprocal,
    one for all elements or one for each; what by a constant is divided where ties matter."""
    names = {parameter.name for parameter in row.parameters}
    divisors = [
        {part.id for part in ast.walk(node.right) if isinstance(part, ast.Name)}
        for node in ast.walk(ast.parse(row.formula, mode="eval"))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    ]
    # The polynomial of erfc is one in a quotient.
    least = int(
        any("x" in divisor for divisor in divisors)
        or any(f"{function}(" in row.formula for function in ("tanh", "log1p", "erfc"))
    )
    most = least
    most += "varying" in loop and any(
        divisor & names and "x" not in divisor for divisor in divisors
    )
    if element in HALVES and not least and set() in divisors:
        most += 1 + bool(names)  # a loop of its own for what an infinite parameter gives
    if "sqrt(x" in row.formula:  # whose slope is one more, and a pair's low part
        most += 1 + (element == "f64")
    return least, most


# ---- which functions there are ------------------------------------------------------------------


def test_every_kernel_is_there_and_local(symbols):
    """One for each activation, operation, instruction set and dtype, under its name."""
    expected = {
        f"{stem}_{isa}_{dtype}"
        for isa in ISAS
        for dtype in WIDE + HALVES
        for stem in (
            *(loop for row in (*CATALOGUE, *GATES) for loop in loops_of(row)),
            *(f"{step}_{way}" for step in ROW_STEPS for way in ("along", "across")),
            "row_merge",
            "sparsemax_again",
            "round_parameter",
            *(["in_blocks", "backward_by_slopes"] if dtype in HALVES else []),
            *(f"{row.name}_slopes" for row in CATALOGUE if dtype in HALVES),
        )
    }
    expected |= {
        loop_name(loop, isa, dtype)
        for isa in ISAS
        for dtype in HALVES
        for row in (*CATALOGUE, *GATES)
        for loop in loops_of(row)
    }
    assert expected - set(symbols) == set()
    # No other carries such a name: neither one that the catalogue does not know, nor a part that
    # the compiler has split off.
    named = {name for name in symbols if re.search(rf"_({'|'.join(ISAS)})_b?f(16|32|64)", name)}
    assert named - expected == set()
    assert {symbols[name] for name in expected} == {"l"}


def test_integer_kernels_are_there(symbols):
    widths = [f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    for row in CATALOGUE:
        kept = {f"{row.name}_value_{width}" for width in widths} & set(symbols)
        assert len(kept) == (8 if row.keeps_integers else 0)


def test_nothing_is_exported_but_the_module(objdump):
    for path in Path(fastact.__file__).parent.glob("*.so"):
        module = path.name.split(".")[0]
        exported = {
            line.split()[-1]
            for line in output(objdump, "-T", str(path))
            if re.match(r"[0-9a-f]{8,}", line) and "*UND*" not in line
        } - {"_init", "_fini", "_end", "_edata", "__bss_start"}
        assert exported == {f"PyInit_{module}"}, path.name


# ---- what is in them ----------------------------------------------------------------------------


@pytest.fixture(params=WIDE + HALVES)
def element(request) -> str:
    return request.param


@pytest.fixture(params=ISAS)
def isa(request) -> str:
    if not X86:
        pytest.skip("knows the instructions of x86-64 alone")
    return request.param


@pytest.mark.parametrize("row", [*CATALOGUE, *GATES], ids=lambda row: row.name)
def test_loops_are_vectors_of_the_full_width(functions, row, isa, element):
    register = REGISTERS[isa]
    stored = [register]
    if element != "f64" and not GCC:  # clang narrows one register of doubles at a time
        stored.append({"zmm": "ymm", "ymm": "xmm", "xmm": "xmm"}[register])
    for loop in loops_of(row):
        function = functions[loop_name(loop, isa, element)]
        if not function.called:  # a copy may be memmove's
            least = copies_of(loop, element) * results_of(loop)
            assert sum(function.stores[r] for r in stored) >= least, loop
        if row.cost == "exponential":  # the polynomial alone has seven or eleven steps
            assert function.arithmetic[register] >= 12 * copies_of(loop, element), loop


def test_one_division_for_each_result_that_needs_one(functions, row, isa, element):
    """A clamp that the compiler threads through an expression makes two of it, at twice the time.

    gcc makes a vector of 32-bit results from two of double, which is what divides; clang may do so.
    """
    register = REGISTERS[isa]
    for loop in loops_of(row):
        function = functions[loop_name(loop, isa, element)]
        least, most = divisions_of(row, loop, element)
        divisions = function.divisions[register]
        in_floats = element == "f32" and loop in IN_FLOATS and isa != "baseline"
        of_double = 1 if element == "f64" or in_floats else 2
        vectors = copies_of(loop, element) * of_double
        allowed = vectors * most * results_of(loop)
        if element in WIDE:  # a short loop may be written out
            allowed = max(allowed, of_double * most * function.stores[register])
        if not GCC:
            assert least <= divisions <= 2 * allowed, loop
        else:  # a value and its derivative may share one
            assert vectors * least <= divisions <= allowed, loop
        if not most:
            packed = {r for r in function.divisions if r != "scalar"}
            assert not packed, loop


@pytest.mark.parametrize("row", GATES, ids=lambda row: row.name)
def test_gates_divide_as_their_parts_do(functions, row, isa, element):
    """Once for f and once for f', or once for both where they share a quotient."""
    most = {"relu": 0, "gelu": 1}.get(row.activation, 2)
    for loop in loops_of(row):
        divisions = functions[loop_name(loop, isa, element)].divisions[REGISTERS[isa]]
        vectors = copies_of(loop, element) * (1 if element == "f64" and GCC else 2)
        least = copies_of(loop, element) * min(1, most)
        assert least <= divisions <= vectors * most, loop


@pytest.mark.parametrize("row", [*CATALOGUE, *GATES], ids=lambda row: row.name)
def test_loops_call_nothing(functions, row, isa, element):
    for loop in loops_of(row):
        called = functions[loop_name(loop, isa, element)].called
        assert [target for target in called if not COPY.search(target)] == [], loop


@pytest.mark.parametrize("element", WIDE + HALVES)
def test_steps_of_rows_are_vectors_and_call_nothing(functions, isa, element):
    for step, least in ROW_STEPS.items():
        for way in ("along", "across"):
            function = functions[f"{step}_{way}_{isa}_{element}"]
            assert function.arithmetic[REGISTERS[isa]] >= least, (step, way)
            called = [target for target in function.called if not COPY.search(target)]
            assert called == [], (step, way)
        # What is divided is numbers of rows, of which both ways have as many: no element of a row.
        along, across = (functions[f"{step}_{way}_{isa}_{element}"] for way in ("along", "across"))
        assert along.divisions == across.divisions, step


# ---- what is not --------------------------------------------------------------------------------


@pytest.mark.skipif(not X86, reason="the baseline is all there is")
def test_wide_instructions_only_where_they_were_asked_for(functions):
    """A processor without AVX must be able to run everything else: import, choose, compute."""
    for name, function in functions.items():
        widest = next(
            (isa for isa in ("avx512", "avx2") if re.search(f"_{isa}_b?f", name)), "baseline"
        )
        wide = {register for register in ("ymm", "zmm") if function.registers[register]}
        if widest == "baseline":
            assert wide == set(), name
            # AVX's own encoding of what SSE2 has, too
            encoded = [mnemonic for mnemonic in function.mnemonics if mnemonic.startswith("v")]
            assert encoded == [], name
        elif widest == "avx2":
            assert "zmm" not in wide, name


def test_no_mathematical_library(objdump):
    undefined = {
        line.split()[-1].split("@")[0]
        for line in output(objdump, "-T", str(machine_code.kernels_path()))
        if "*UND*" in line
    }
    assert undefined  # the file was read
    assert {name for name in undefined if LIBM.fullmatch(name)} == set()


@pytest.mark.parametrize("name", ["exp", "expm1f", "tanh", "fma", "_ZGVdN4v_exp", "__expf_finite"])
def test_names_of_the_mathematical_library_are_recognised(name):
    assert LIBM.fullmatch(name)


def test_subnormals_are_not_switched_off(symbols, functions):
    """-ffast-math at link time brings in a start-up function that does it for the process."""
    assert [name for name in symbols if "fast_math" in name] == []
    if X86:
        changing = {name for name, code in functions.items() if code.mnemonics["ldmxcsr"]}
        # The drivers, which keep and restore what they find.
        drivers = {"run_range", "fastact_apply", "fastact_apply_contiguous", "fastact_round"}
        drivers |= {"run_boxes", "fastact_apply_shaped", "fill", "fastact_enter", "fastact_leave"}
        drivers |= {"run_in_place", "run_gathered", "run_chunks", "fastact_apply_rows"}
        drivers |= {"run_by_chunks", "run_long_gathered", "describe"}
        assert {name.split(".")[0] for name in changing} <= drivers


def test_flags():
    flags = INFO["compile_flags"].split()
    forbidden = {
        "-ffast-math",
        "-Ofast",
        "-funsafe-math-optimizations",
        "-ffinite-math-only",
        "-fno-signed-zeros",
        "-fassociative-math",
        "-freciprocal-math",
        "-fno-rounding-math",
        "/fp:fast",
    }
    assert forbidden & set(flags) == set()
    assert [flag for flag in flags if flag.startswith(("-march", "-mtune", "-mcpu"))] == []
    if GCC or INFO["compiler"].startswith("clang"):
        assert {"-ffp-contract=off", "-fno-trapping-math"} <= set(flags)


SETUP = Path(__file__).parent.parent / "setup.py"


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The build's choice of flags, with a compiler that knows no -fopenmp, as Apple's."""
    if not SETUP.exists() or sys.platform == "win32":
        pytest.skip("needs the source tree and a compiler like gcc")
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    monkeypatch.chdir(SETUP.parent)
    command = runpy.run_path(str(SETUP))["BuildExt"](setuptools.Distribution())
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\ncase " $* " in *" -fopenmp "*) exit 1 ;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    command.compiler = types.SimpleNamespace(compiler_so=[str(compiler)])
    return command


def test_compiler_without_openmp(build, monkeypatch, capsys):
    """Apple's clang: packages that insist on -fopenmp do not build there (pyndl #147)."""
    monkeypatch.delenv("FASTACT_OPENMP", raising=False)
    assert build.compiles_and_links("int main(void) { return 0; }")
    assert build.openmp_flags(True) == []
    assert "without threads" in capsys.readouterr().err
    monkeypatch.setenv("FASTACT_OPENMP", "1")
    with pytest.raises(SystemExit, match="libgomp"):
        build.openmp_flags(True)


def test_openmp_is_used_where_it_is_and_wanted(build, monkeypatch, capsys):
    build.compiler.compiler_so = ["cc"]
    monkeypatch.setenv("FASTACT_OPENMP", "0")
    assert build.openmp_flags(True) == []
    monkeypatch.setenv("FASTACT_OPENMP", "auto")
    there = build.compiles_and_links("#include <omp.h>\nint main(void) { return 0; }", "-fopenmp")
    assert build.openmp_flags(True) == (["-fopenmp"] if there else [])
    assert there or "without threads" in capsys.readouterr().err
    monkeypatch.setenv("FASTACT_OPENMP", "yes")
    with pytest.raises(SystemExit, match="auto, 0 or 1"):
        build.openmp_flags(True)
