"""The main loops that benchmarks/loop_cycles.py finds are those that long arrays go through."""

from __future__ import annotations

from pathlib import Path

import machine_code
import pytest
from instruction_sets import once
from machine_code import Instruction

TOOL = Path(__file__).parent.parent / "benchmarks" / "loop_cycles.py"
pytestmark = [once, pytest.mark.skipif(not TOOL.exists(), reason="the benchmarks are not here")]

# Two loops: of the first, which writes more, the second iteration begins where the jump leads; the
# spill on the stack is no result, and who leaves the loop early does not go round in it.
CODE = """\
0 vmovups (%rdi),%zmm1
6 vmovaps %zmm1,0x40(%rsp)
c vmovups %zmm1,(%rax)
12 vmovups %zmm1,0x40(%rax)
18 jbe 2a <kernel+0x2a>
1a jne 6 <kernel+0x6>
1c vmovups %ymm1,(%rax)
24 je 28 <kernel+0x28>
26 vmovups %zmm1,0x40(%rax)
28 jne 1c <kernel+0x1c>
2a vmovups (%rdi),%ymm2        # 932f80 <constants>
30 vmovups %ymm2,(%rax)
36 jne 2a <kernel+0x2a>
3c ret
"""


@pytest.fixture(scope="module")
def tool(from_file):
    return from_file(TOOL)


@pytest.fixture
def code():
    lines = [line.split(maxsplit=2) for line in CODE.splitlines()]
    return [Instruction(int(where, 16), what, "".join(rest)) for where, what, *rest in lines]


def test_loops_are_found(code):
    found = [(loop[0].address, loop[-1].address) for loop in machine_code.loops(code)]
    assert found == [(6, 0x1A), (0x1C, 0x28), (0x2A, 0x36)]
    assert [machine_code.bytes_stored(loop) for loop in machine_code.loops(code)] == [128, 96, 32]


def test_main_loop_writes_most_and_skips_nothing(tool, code):
    assert tool.main_loop(code)[0].address == 6
    # Without the first, the last: what is between goes through some instructions only at times.
    assert tool.main_loop(code[6:])[0].address == 0x2A


def test_loop_as_assembly(tool, code):
    loop = tool.main_loop(code[6:])
    expected = ["again:", "vmovups (%rdi),%ymm2", "vmovups %ymm2,(%rax)", "jne again"]
    assert [line.strip() for line in tool.assembly(loop).splitlines()] == expected


@pytest.fixture(scope="module")
def measured(tool):
    if not tool.can_count():
        pytest.skip("needs x86-64, objdump and llvm-mca")
    return tool.measure(["relu", "leaky_relu", "sigmoid"])


@pytest.mark.parametrize("isa", machine_code.REGISTERS)
def test_cycles_of_real_loops(measured, isa):
    width = machine_code.WIDTHS[machine_code.REGISTERS[isa]]
    for element, itemsize in (("f32", 4), ("f64", 8)):
        of = {
            loop.partition("_value_")[0]: measured[loop]
            for loop in measured
            if f"{isa}_{element}" in loop
        }
        assert set(of) == {"relu", "leaky_relu", "sigmoid"}
        for name, loop in of.items():
            # Four vectors go through an iteration together, or a multiple of them.
            assert loop["elements"] % (4 * width // itemsize) == 0, name
            assert 0 < loop["ports"] <= loop["simulated"], name
        assert of["sigmoid"]["ports"] > 5 * of["relu"]["ports"]
