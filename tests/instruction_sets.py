"""What the tests need not repeat: `make test` runs them all under each instruction set."""

from __future__ import annotations

import pytest

import fastact

_INFO = fastact.runtime_info()

#: For what knows nothing of instruction sets.
once = pytest.mark.skipif(
    _INFO["isa"] != _INFO["isa_available"][-1],
    reason="the same for every instruction set: tested with the best one",
)
