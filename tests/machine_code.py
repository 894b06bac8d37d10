"""The machine code of the built extension, as objdump shows it: what compilers made of src_c."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fastact

X86 = platform.machine() in ("x86_64", "AMD64")

#: The registers that the kernels of an instruction set of x86-64 compute in.
REGISTERS = {"baseline": "xmm", "avx2": "ymm", "avx512": "zmm"}

# A whole register that goes to memory, the stack excepted.
STORE = re.compile(r"v?mov(?:[ua]p[sd]|dq[ua]\d*) %([xyz]mm)\d+,(?!.*%rsp\b|\S*\(%rbp\))\S*\(.*")
WIDTHS = {"xmm": 16, "ymm": 32, "zmm": 64}  # bytes


@dataclass(frozen=True)
class Instruction:
    """One instruction, in AT&T's spelling."""

    address: int
    mnemonic: str
    operands: str

    @property
    def target(self) -> int | None:
        """Where a jump leads; None for what is none, or not to a fixed place."""
        match = re.match("([0-9a-f]+) <", self.operands)
        return int(match[1], 16) if match and self.mnemonic.startswith("j") else None

    @property
    def stored(self) -> str | None:
        """The kind of register that is stored, wholly and not on the stack; None for none."""
        store = STORE.fullmatch(f"{self.mnemonic} {self.operands}")
        return store[1] if store else None


def kernels_path() -> Path:
    """Return the extension that has the kernels."""
    built = Path(fastact.__file__).parent.glob("_kernels.*")
    return next(path for path in built if path.suffix in (".so", ".pyd"))


def output(*command: str, given: str | None = None) -> list[str]:
    """Return the lines that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, input=given)
    return done.stdout.splitlines()


def symbols() -> dict[str, str]:
    """Return the functions of the extension: name -> "l" for local or "g" for global."""
    found = {}
    for line in output("objdump", "-t", str(kernels_path())):
        if match := re.match(r"[0-9a-f]+ (.)\s+F \.text\s+[0-9a-f]+\s+(?:\.\w+ )?(\S+)$", line):
            found[match[2]] = match[1]
    return found


def instructions() -> Iterator[tuple[str, Instruction]]:
    """Yield every instruction of the extension after the name of its function."""
    name = None
    for line in output("objdump", "-d", "--no-show-raw-insn", "-w", str(kernels_path())):
        if match := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            name = match[1]
        elif name and (match := re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)$", line)):
            yield name, Instruction(int(match[1], 16), match[2], match[3])


def loops(code: list[Instruction]) -> list[list[Instruction]]:
    """Return the innermost loops of a function: from where a jump back leads, to the jump."""
    positions = {instruction.address: i for i, instruction in enumerate(code)}
    ranges = [
        range(positions[instruction.target], i + 1)
        for i, instruction in enumerate(code)
        if instruction.target in positions and instruction.target <= instruction.address
    ]
    return [
        code[one.start : one.stop]
        for one in ranges
        if not any(other != one and other[0] in one and other[-1] in one for other in ranges)
    ]


def bytes_stored(loop: list[Instruction]) -> int:
    """Return how many bytes of results an iteration of a loop writes."""
    return sum(WIDTHS[instruction.stored] for instruction in loop if instruction.stored)
