"""Calls of every kind, errors included, made again and again: what each leaves behind is counted.

python tests/leak_calls.py NUMBER [KIND...]   make so many calls of each kind, or of these kinds

After a round that warms up nothing may grow: not the number of Python's memory blocks, not the
references to what was given, and not the memory of the process, where malloc's own shows.
"""

from __future__ import annotations

import array
import copy
import gc
import pickle
import sys
import time
from pathlib import Path

import numpy as np

import fastact as fa
from fastact import buffers

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = np.float16

STATUS = Path("/proc/self/status")

x = np.linspace(-3, 3, 64).reshape(8, 8)
narrow, half, whole, brain = (x.astype(t) for t in (np.float32, np.float16, np.int64, bfloat16))
out, mask, view = np.empty_like(x), x > 0, x[:, ::2]
out_of_half, rows_of_half = np.empty_like(half), half[:, ::2]
flat, target = array.array("d", x.ravel()), array.array("d", x.ravel())
fixed = fa.elu.with_parameters(alpha=0.5)
large = np.linspace(-3, 3, 1 << 15)
into = np.empty_like(large)
refused = np.zeros(3, object)
labels, probabilities, losses = np.arange(8), np.full((8, 8), 0.125), np.ones(8)
GIVEN = [x, narrow, half, whole, brain, out, mask, view, out_of_half, rows_of_half, flat, target,
         fixed, large, into, refused, labels, probabilities, losses]  # fmt: skip


def in_a_block(call):
    with fa.num_threads(1):
        call()


CALLS = {
    "value": lambda: fa.mish(x),
    "out": lambda: fa.mish(x, out=out),
    "float32": lambda: fa.elu(narrow, 0.5),
    "float16": lambda: fa.elu(half, alpha=0.5),
    "float16, out": lambda: fa.mish(half, out=out_of_half),
    "float16, view": lambda: fa.mish.derivative(rows_of_half),
    "float16, backward": lambda: fa.mish.backward(half, half),
    "float16, both": lambda: fa.mish.value_and_derivative(half),
    "float16, where": lambda: fa.mish(half, where=mask, out=out_of_half),
    "bfloat16": lambda: fa.mish(brain),
    "bfloat16, derivative": lambda: fa.elu.derivative(brain, 0.5),
    "bfloat16, backward": lambda: fa.mish.backward(brain, brain),
    "integers": lambda: fa.relu(whole),
    "view": lambda: fa.mish(view),
    "float": lambda: fa.mish(0.5),
    "list": lambda: fa.mish([0.5, 1.5]),
    "derivative": lambda: fa.mish.derivative(x),
    "backward": lambda: fa.mish.backward(x, x),
    "value_and_derivative": lambda: fa.mish.value_and_derivative(x),
    "ufunc": lambda: fa.elu.ufunc(x, 1.0),
    "where": lambda: fa.mish(x, where=mask, out=out),
    "dtype": lambda: fa.mish(narrow, dtype=np.float64),
    "array parameter": lambda: fa.leaky_relu(x, x),
    "parallel": lambda: fa.relu(large, out=into),
    "fixed": lambda: fixed(x),
    "with_parameters": lambda: fa.elu.with_parameters(alpha=0.5)(x),
    "array fixed": lambda: fa.elu.with_parameters(alpha=x)(x),
    "pickle": lambda: pickle.loads(pickle.dumps(fixed)),
    "copy": lambda: copy.deepcopy(fixed) == fixed,
    "repr": lambda: (repr(fixed), fixed.__doc__, fixed.__signature__, fixed.max_ulp),
    "softmax": lambda: fa.softmax(x),
    "softmax, axis": lambda: fa.softmax(x, axis=0),
    "softmax, axes": lambda: fa.softmax(x, axis=(0, 1)),
    "softmax, out": lambda: fa.softmax(x, out=out),
    "softmax, where": lambda: fa.softmax(x, where=mask),
    "softmax, temperature": lambda: fa.softmax(x, temperature=2.0),
    "softmax, dtype": lambda: fa.softmax(narrow, dtype=np.float64),
    "softmax, view": lambda: fa.softmax(view),
    "softmax, list": lambda: fa.softmax([0.5, 1.5]),
    "softmax, integers": lambda: fa.softmax(whole),
    "softmax, float16": lambda: fa.softmax(half),
    "softmax, bfloat16": lambda: fa.softmax(brain),
    "softmax, masked": lambda: fa.softmax(np.ma.array(x)),
    "softmax, ufunc": lambda: fa.softmax.ufunc(x),
    "softmax, repr": lambda: (repr(fa.softmax), fa.softmax.__doc__, fa.softmax.__signature__),
    "softmax, pickle": lambda: pickle.loads(pickle.dumps(fa.softmax.backward)),
    "softmax backward": lambda: fa.softmax.backward(x, x),
    "softmax backward, float16": lambda: fa.softmax.backward(half, half),
    "softmax backward_from_output": lambda: fa.softmax.backward_from_output(x, x),
    "softmax jacobian": lambda: fa.softmax.jacobian(x),
    "log_softmax": lambda: fa.log_softmax(x),
    "log_softmax, float16": lambda: fa.log_softmax(half, 0),
    "log_softmax backward": lambda: fa.log_softmax.backward(x, x),
    "log_softmax backward_from_output": lambda: fa.log_softmax.backward_from_output(x, x),
    "softmin": lambda: fa.softmin(x),
    "softmin backward": lambda: fa.softmin.backward(x, x),
    "logsumexp": lambda: fa.logsumexp(x),
    "logsumexp, float16": lambda: fa.logsumexp(half, keepdims=True),
    "logsumexp, ufunc of integers": lambda: fa.logsumexp.ufunc(whole),
    "logsumexp backward": lambda: fa.logsumexp.backward(losses, x),
    "cross_entropy": lambda: fa.cross_entropy(x, labels),
    "cross_entropy, float16": lambda: fa.cross_entropy(half, labels, label_smoothing=0.1),
    "cross_entropy, none": lambda: fa.cross_entropy(x, labels, reduction="none", ignore_index=3),
    "cross_entropy, probabilities": lambda: fa.cross_entropy(x, probabilities),
    "cross_entropy backward": lambda: fa.cross_entropy.backward(1.0, x, labels),
    "cross_entropy backward, none": lambda: fa.cross_entropy.backward(
        losses, x, labels, reduction="none", ignore_index=3),
    "buffer": lambda: buffers.mish(flat),
    "buffer, out": lambda: buffers.elu.derivative(flat, alpha=0.5, out=target),
    "buffer, softmax": lambda: buffers.softmax(flat, out=target),
    "runtime_info": fa.runtime_info,
    "num_threads": lambda: in_a_block(fa.get_num_threads),
    "set_num_threads": lambda: fa.set_num_threads(1),
}  # fmt: skip

REFUSED = {
    "object array": lambda: fa.mish(refused),
    "complex": lambda: fa.mish(1j),
    "string": lambda: fa.mish("x"),
    "nothing": lambda: fa.mish(),
    "too many": lambda: fa.mish(x, 1, 2, 3),
    "unknown keyword": lambda: fa.mish(x, nonsense=1),
    "twice": lambda: fa.elu(x, 1.0, alpha=1.0),
    "nan parameter": lambda: fa.elu(x, float("nan")),
    "none parameter": lambda: fa.elu(x, None),
    "large integer": lambda: fa.elu(x, 10**400),
    "shape of out": lambda: fa.mish(x, out=np.empty(3)),
    "dtype of out": lambda: fa.mish(x, out=np.empty((8, 8), int)),
    "shapes": lambda: fa.mish.backward(x, np.empty(3)),
    "float16, dtype of out": lambda: fa.mish(half, out=np.empty((8, 8), int)),
    "float16, shapes": lambda: fa.mish.backward(half, half[:, :3]),
    "float16, nan parameter": lambda: fa.elu(half, float("nan")),
    "bfloat16, shape of out": lambda: fa.mish(brain, out=np.empty(3, bfloat16)),
    "unknown fixed": lambda: fa.elu.with_parameters(beta=1),
    "by hand": lambda: fa.Activation(),
    "softmax, strings": lambda: fa.softmax(["a"]),
    "softmax, nothing": lambda: fa.softmax(),
    "softmax, axis out of range": lambda: fa.softmax(x, axis=7),
    "softmax, axis of float": lambda: fa.softmax(x, axis=0.5),
    "softmax, axis twice": lambda: fa.softmax(x, axis=(0, 0)),
    "softmax, shape of out": lambda: fa.softmax(x, out=np.empty(3)),
    "softmax, dtype of out": lambda: fa.softmax(x, out=np.empty((8, 8), int)),
    "softmax, float16, shape of out": lambda: fa.softmax(half, out=np.empty(3, np.float16)),
    "softmax, where of numbers": lambda: fa.softmax(x, where=x),
    "softmax, temperature of 0": lambda: fa.softmax(x, temperature=0.0),
    "softmax, unknown keyword": lambda: fa.softmax(x, nonsense=1),
    "softmax backward, shapes": lambda: fa.softmax.backward(x, x[:3]),
    "softmax jacobian, strings": lambda: fa.softmax.jacobian(["a"]),
    "log_softmax, complex": lambda: fa.log_softmax(1j),
    "logsumexp backward, shapes": lambda: fa.logsumexp.backward(x, x),
    "softmin, axis out of range": lambda: fa.softmin.backward(x, x, axis=3),
    "cross_entropy, no class": lambda: fa.cross_entropy(x, labels + 1),
    "cross_entropy, shapes": lambda: fa.cross_entropy(x, labels[:3]),
    "cross_entropy, reduction": lambda: fa.cross_entropy(x, labels, reduction="max"),
    "cross_entropy, float labels": lambda: fa.cross_entropy(x, losses),
    "cross_entropy backward, grad": lambda: fa.cross_entropy.backward(losses, x, labels),
    "buffer of bytes": lambda: buffers.mish(b"abc"),
    "buffer, length": lambda: buffers.mish(flat, out=array.array("d", [1.0])),
    "buffer, format": lambda: buffers.mish(flat, out=array.array("f", [1.0])),
    "threads": lambda: fa.set_num_threads(0),
    "threads of float": lambda: fa.num_threads(1.5),
    "error in a block": lambda: in_a_block(fa.mish),
}


def call_again(call, number, *, refused):
    """Make the calls; returns blocks and bytes of memory, and references to what was given."""
    for _ in range(number):
        try:
            call()
        except (TypeError, ValueError, IndexError, OverflowError):
            if not refused:
                raise
        else:
            assert not refused
    gc.collect()
    text = STATUS.read_text()
    memory = int(text[text.index("VmRSS:") + 6 :].split()[0]) << 10
    return sys.getallocatedblocks(), memory, [sys.getrefcount(value) for value in GIVEN]


def count(name, call, number, *, refused=False):
    """Make the calls, print what they leave behind; an AssertionError if it is anything."""
    call_again(call, 200, refused=refused)
    blocks, memory, references = call_again(call, 1, refused=refused)
    start = time.perf_counter()
    more, larger, now = call_again(call, number, refused=refused)
    seconds = time.perf_counter() - start
    fa.set_num_threads(None)
    print(
        f"{name:<34} {number} calls{' refused' * refused} in {seconds:.1f} s: "
        f"{more - blocks:+} blocks, {(larger - memory) >> 10:+} KiB",
        flush=True,
    )
    assert now == references, (name, references, now)
    # Caches of Python and of NumPy fill and empty; a leak is a block for each call.
    assert more - blocks < 500 + number / 1000, name
    assert larger - memory < (1 << 20) + number / 10, name


def main(number, *kinds):
    """Count what calls of all kinds or of these leave behind."""
    every = [(name, call, False) for name, call in CALLS.items()]
    every += [(name, call, True) for name, call in REFUSED.items()]
    for name, call, refused in every:
        if not kinds or name in kinds:
            count(name, call, number, refused=refused)
    print(len(kinds or every), "kinds")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
