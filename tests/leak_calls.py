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
one, none = narrow[0, 0], np.array(0.5, np.float32)
flat, target = array.array("d", x.ravel()), array.array("d", x.ravel())
fixed = fa.elu.with_parameters(alpha=0.5)
large = np.linspace(-3, 3, 1 << 15)
into = np.empty_like(large)
refused = np.zeros(3, object)
labels, probabilities, losses = np.arange(8), np.full((8, 8), 0.125), np.ones(8)
odd, short, read_only = x[:, :7], np.empty((8, 4)), np.empty((8, 8))
read_only.flags.writeable = False
weights, gradients = np.full(8, 0.25), np.empty(8)
GIVEN = [x, narrow, half, whole, brain, out, mask, view, out_of_half, rows_of_half, flat, target,
         fixed, large, into, refused, labels, probabilities, losses, odd, short, read_only, weights,
         gradients, one, none]  # fmt: skip


def in_a_block(call):
    with fa.num_threads(1):
        call()


CALLS = {
    "value": lambda: fa.mish(x),
    "out": lambda: fa.mish(x, out=out),
    "float32": lambda: fa.elu(narrow, 0.5),
    "scalar": lambda: fa.elu(one, one),
    "no dimension": lambda: fa.elu.value_and_derivative(none),
    "scalar, out": lambda: fa.elu.backward(one, none, out=none),
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
    "swiglu": lambda: fa.swiglu(x, x),
    "swiglu, out": lambda: fa.swiglu(x, x, out=out),
    "swiglu, views": lambda: fa.swiglu(x[:, :4], x[:, 4:], out=short),
    "swiglu, broadcast": lambda: fa.swiglu(x, weights),
    "swiglu, floats": lambda: fa.swiglu(0.5, 1.5),
    "swiglu, where": lambda: fa.swiglu(x, x, where=mask, out=out),
    "swiglu, backward": lambda: fa.swiglu.backward(x, x, x),
    "swiglu, backward, out": lambda: fa.swiglu.backward(x, x, x, out=(out, None)),
    "geglu, float16": lambda: fa.geglu(half, half),
    "geglu, float16, backward": lambda: fa.geglu.backward(half, half, rows_of_half[:, :1]),
    "geglu, bfloat16": lambda: fa.geglu.backward(brain, brain, brain),
    "reglu, integers": lambda: fa.reglu(whole, whole),
    "reglu, lists": lambda: fa.reglu([0.5, 1.5], [1.0, 2.0]),
    "reglu, parallel": lambda: fa.reglu(large, large, out=into),
    "reglu, pickle": lambda: pickle.loads(pickle.dumps(fa.reglu.backward)),
    "gate, repr": lambda: (repr(fa.glu), fa.glu.__doc__, fa.glu.formula, fa.prelu.max_ulp),
    "glu": lambda: fa.glu(x),
    "glu, axis": lambda: fa.glu(x, axis=0),
    "glu, out": lambda: fa.glu(x, out=short),
    "glu, list": lambda: fa.glu([0.5, 1.5]),
    "glu, masked": lambda: fa.glu(np.ma.array(x)),
    "glu, float16": lambda: fa.glu(half),
    "glu, backward": lambda: fa.glu.backward(short, x),
    "glu, backward, axis, out": lambda: fa.glu.backward(1.0, x, axis=0, out=out),
    "glu, backward, masked": lambda: fa.glu.backward(1.0, np.ma.array(x)),
    "prelu": lambda: fa.prelu(x, weights),
    "prelu, number": lambda: fa.prelu(x, 0.25),
    "prelu, axis, out": lambda: fa.prelu(x, weights, axis=0, out=out),
    "prelu, bfloat16": lambda: fa.prelu(brain, 0.25),
    "prelu, backward": lambda: fa.prelu.backward(x, x, weights),
    "prelu, backward, number": lambda: fa.prelu.backward(1.0, x, 0.25),
    "prelu, backward, axis, out": lambda: fa.prelu.backward(
        x, x, weights, axis=0, out=(out, gradients)),
    "prelu, backward, float16": lambda: fa.prelu.backward(half, half, half[0]),
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
    "swiglu, nothing": lambda: fa.swiglu(),
    "swiglu, shapes": lambda: fa.swiglu(x, x[:3]),
    "swiglu, object array": lambda: fa.swiglu(x, refused),
    "swiglu, read-only out": lambda: fa.swiglu(x, x, out=read_only),
    "swiglu, dtype of out": lambda: fa.swiglu(x, x, out=np.empty((8, 8), int)),
    "swiglu, unknown keyword": lambda: fa.swiglu(x, x, nonsense=1),
    "swiglu, backward, shapes": lambda: fa.swiglu.backward(x, x, x[:3]),
    "swiglu, backward, read-only out": lambda: fa.swiglu.backward(x, x, x, out=(out, read_only)),
    "swiglu, backward, one out": lambda: fa.swiglu.backward(x, x, x, out=out),
    "glu, odd": lambda: fa.glu(odd),
    "glu, number": lambda: fa.glu(0.5),
    "glu, axis out of range": lambda: fa.glu(x, axis=2),
    "glu, axis of float": lambda: fa.glu(x, axis=0.5),
    "glu, strings": lambda: fa.glu(["a", "b"]),
    "glu, shape of out": lambda: fa.glu(x, out=out),
    "glu, read-only out": lambda: fa.glu(x, out=read_only[:, :4]),
    "glu, backward, odd": lambda: fa.glu.backward(1.0, odd),
    "glu, backward, grad": lambda: fa.glu.backward(x, x),
    "glu, backward, read-only out": lambda: fa.glu.backward(1.0, x, out=read_only),
    "glu, backward, list as out": lambda: fa.glu.backward(1.0, x, out=[1.0]),
    "prelu, weights": lambda: fa.prelu(x, weights[:3]),
    "prelu, weights of two dimensions": lambda: fa.prelu(x, x),
    "prelu, nan": lambda: fa.prelu(x, float("nan")),
    "prelu, axis out of range": lambda: fa.prelu(x, weights, axis=2),
    "prelu, complex": lambda: fa.prelu(x, 1j),
    "prelu, read-only out": lambda: fa.prelu(x, weights, out=read_only),
    "prelu, backward, grad": lambda: fa.prelu.backward(short, x, weights),
    "prelu, backward, shape of out": lambda: fa.prelu.backward(
        x, x, weights, out=(out, losses[:3])
    ),
    "prelu, backward, read-only out": lambda: fa.prelu.backward(
        x, x, weights, out=(read_only, gradients)
    ),
    "prelu, backward, dtype of out": lambda: fa.prelu.backward(x, x, weights, out=(None, labels)),
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
