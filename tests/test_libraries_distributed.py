"""Dask's distributed scheduler: activations go to worker processes and compute there."""

from __future__ import annotations

import pytest
from instruction_sets import once

pytestmark = once

# Digits of 28 x 28 as float64: 650 MB with what is computed of them, in chunks of 1.6 MB that the
# workers let go of when their sums are made.
PROGRAM = """
import logging
import numpy as np
import dask
import dask.array as da
from dask.distributed import Client, LocalCluster

import fastact as fa

ROWS, WIDTH, CHUNK = 8_000, 784, 250
HALF = fa.elu.with_parameters(alpha=0.5)
assert fa.elu != HALF


def digits(block_info=None):
    (start, stop), _ = block_info[None]["array-location"]
    return np.random.default_rng(start).uniform(-4, 4, size=(stop - start, WIDTH))


def who(block, function):
    import os
    assert type(function).__module__ == "fastact._activation" or function is fa.softmax
    return np.full((1, 1), os.getpid())


def difference(got, plain):
    # Bits, not values: a NaN or a -0.0 counts.
    different = got.view(np.uint64) != plain.view(np.uint64)
    return np.count_nonzero(different, axis=1, keepdims=True)


def expected(block, function, *arguments, **keywords):
    import fastact
    with fastact.num_threads(1):
        return function(block, *arguments, **keywords)


def check(got, block, function, *arguments, axis=None, **keywords):
    assert isinstance(got, da.Array)
    assert got.dtype == np.float64
    keywords = keywords if axis is None else {**keywords, "axis": axis}
    plain = block.map_blocks(expected, function, *arguments, dtype=float, **keywords)
    bad = da.map_blocks(difference, got, plain, chunks=(got.chunks[0], 1), dtype=int)
    return bad.sum()


if __name__ == "__main__":
    chunks = ((CHUNK,) * (ROWS // CHUNK), (WIDTH,))
    x = da.map_blocks(digits, chunks=chunks, dtype=float, meta=np.empty((0, 0)))
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            memory_limit="1GB",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        pids = x.map_blocks(who, fa.mish, chunks=((1,) * len(chunks[0]), (1,)), dtype=int)
        assert len(set(pids.compute().ravel().tolist())) == 2

        # What a worker makes of a function is the function, and it computes the same bits there.
        for function in (fa.mish, HALF, HALF.derivative, fa.silu.backward, fa.softmax):
            back = client.submit(lambda f: (f, repr(f)), function, pure=False).result()
            assert back == (function, repr(function)), back
        small = np.linspace(-9, 9, 1000)
        for function in (fa.mish, HALF, fa.tanh.derivative, fa.softmax):
            there = client.submit(function, small, pure=False).result()
            assert there.tobytes() == function(small).tobytes()

        narrow = x.rechunk((CHUNK, 98))  # rows in eight pieces
        results = {
            "value": check(fa.mish(x), x, fa.mish),
            "derivative": check(fa.mish.derivative(x), x, fa.mish.derivative),
            "parameter": check(HALF(x), x, fa.elu, alpha=0.5),
            "backward": check(fa.silu.backward(x, x), x, lambda b: fa.silu.backward(b, b)),
            "softmax, whole rows": check(x.map_blocks(fa.softmax), x, fa.softmax),
            "softmax, cut rows": check(
                narrow.rechunk({1: -1}).map_blocks(fa.softmax), x, fa.softmax
            ),
        }
        counts = dask.compute(results)[0]
        assert all(count == 0 for count in counts.values()), counts

        # Along the axis that was cut into chunks: few columns, as a worker must hold them whole.
        columns = x[:, :32].rechunk({0: -1, 1: 8})
        across = columns.map_blocks(fa.softmax, axis=0)
        assert dask.compute(check(across, columns, fa.softmax, axis=0)) == (0,)
        sums = across.sum(axis=0).compute()
        assert np.abs(sums - 1).max() < 1e-12
    print("same bits", len(counts))
"""


def test_a_cluster_of_two_processes(run_python, tmp_path):
    pytest.importorskip("dask.distributed")
    (tmp_path / "cluster.py").write_text(PROGRAM)
    # The workers import what __main__ is, so that it must be a file.
    program = f"import runpy; runpy.run_path({str(tmp_path / 'cluster.py')!r}, run_name='__main__')"
    printed = run_python(
        program,
        DASK_TEMPORARY_DIRECTORY=str(tmp_path),
        # A worker whose modules alone take most of its memory would wait for ever.
        DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE="False",
        DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE="False",
    )
    assert printed.split("\n")[-2] == "same bits 6"
