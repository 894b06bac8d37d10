"""The contestants of the benchmarks: fastact and every peer of ``fastact/cli/peers.py``.

The peers' functions stand there, since ``python -m fastact bench`` has them without a checkout;
here they become parameters of tests, those of absent libraries skipped by name.
"""

from __future__ import annotations

import functools

import pytest

from fastact.cli import peers
from fastact.cli.timing import Call

CONTESTANTS = (peers.FASTACT, *peers.PEERS)


@functools.cache
def peer(name: str, threads: int) -> peers.Peer | None:
    """Return a peer, or None where it is not installed."""
    try:
        return peers.PEERS[name](threads)
    except ImportError:
        return None


def call(name: str, operation: str, function: str, arrays: peers.Arrays, threads: int) -> Call:
    """Return a contestant's call, or skip the test."""
    if name == peers.FASTACT:
        made = peers.fastact_call(operation, function, arrays)
    else:
        found = peer(name, threads)
        if found is None:
            pytest.skip(f"{name} is not installed")
        made = found.make(operation, function, arrays)
    if made is None:
        pytest.skip(f"{name} has no {operation} of {function}")
    return made
