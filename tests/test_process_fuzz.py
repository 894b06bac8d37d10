"""What the fuzzer has found worth keeping, and random bytes besides: see fuzz_calls.py."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_calls
import numpy as np
import pytest
from instruction_sets import once

CORPUS = Path(__file__).parent / "fuzz_corpus.txt"
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_corpus(part):
    lines = CORPUS.read_text().split()
    assert len(lines) > 1000
    for line in lines[part::PARTS]:
        try:
            fuzz_calls.check(bytes.fromhex(line))
        except Exception as error:
            raise AssertionError(f"the call of {line}") from error


def test_random_bytes():
    numbers = random.Random(2718)
    for _ in range(2000):
        data = numbers.randbytes(numbers.choice((20, 40, 80, 160)))
        try:
            fuzz_calls.check(data)
        except Exception as error:
            raise AssertionError(f"the call of {data.hex()}") from error


@once
@pytest.mark.parametrize("name", ["tanh", "glu"])
def test_the_check_can_fail(name, monkeypatch):
    """A kernel whose results depend on the position of an element."""

    class Wrong:
        def __init__(self, call):
            self.call = call

        def __call__(self, *arguments, **keywords):
            result = self.call(*arguments, **keywords)
            if np.size(result) > 4 and not any(np.ndim(a) == 1 for a in arguments[:1]):
                result[..., -1] += 1
            return result

    names = [row.name for row in fuzz_calls.CATALOGUE]
    # Its value, of float64, two dimensions of 7 and 17 or, of glu, of 7 and 16.
    data = {
        "tanh": bytes([names.index("tanh"), 0, 1, 0, 2, 3, 5]) + bytes(3),
        "glu": bytes([len(names) + 1, 0, 0, 1, 2, 7, 5]) + bytes(5),
    }[name] + bytes(range(80))
    fuzz_calls.check(data)
    monkeypatch.setattr(fuzz_calls.fa, name, Wrong(getattr(fuzz_calls.fa, name)))
    with pytest.raises(AssertionError):
        fuzz_calls.check(data)
