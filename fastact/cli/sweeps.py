"""Which inputs the ``accuracy`` command tries, and how what is found of them is put together.

A `Case` is one function with its parameters and a dtype. Its inputs come in pieces, in rising order
within each: all floats there are, or runs of neighbours all over them and where something happens.
"""

from __future__ import annotations

import itertools
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastact import _accuracy
from fastact.catalogue import Row

Bits = NDArray[Any]
Found = dict[str, dict[str, dict[str, Any]]]  # by instruction set, operation and quantity

#: What is added up over pieces; of the rest the largest or smallest counts.
_SUMS = ("inputs", "misrounded", "undecided", "falls", "rises", "not_odd", "not_even", "differ")

#: Inputs of a piece of an exhaustive sweep: some tenths of a second.
PIECE = 1 << 20

#: Of an exhaustive sweep one block of so many has gradients too: they cannot be exhausted anyway.
BACKWARD_EVERY = 8

# Bits of an element, and of its fraction.
_FORMATS = {"float16": (16, 10), "bfloat16": (16, 7), "float32": (32, 23), "float64": (64, 52)}


@dataclass(frozen=True)
class Case:
    """What is swept at once.

    Attributes
    ----------
    row : Row
    parameters : dict
        Values by name.
    dtype : str
    """

    row: Row
    parameters: dict[str, float]
    dtype: str

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value:g}" for name, value in self.parameters.items())
        return f"{self.row.name}({given})" if given else self.row.name

    @property
    def bits(self) -> int:
        """The bits of an element."""
        return _FORMATS[self.dtype][0]

    @property
    def unsigned(self) -> np.dtype[Any]:
        """The type of an element's bits."""
        return np.dtype(f"u{self.bits // 8}")

    @property
    def not_nan(self) -> int:
        """The number of elements that are not NaN."""
        return 2 * (self._infinity + 1)

    @property
    def _infinity(self) -> int:
        """The bits of +inf."""
        fraction = _FORMATS[self.dtype][1]
        return ((1 << (self.bits - 1 - fraction)) - 1) << fraction

    def at(self, places: NDArray[np.uint64]) -> Bits:
        """Return the bits of numbers by their place in the order from -inf to -0, 0 and inf.

        Parameters
        ----------
        places : ndarray of uint64

        Returns
        -------
        ndarray
        """
        infinity, one = np.uint64(self._infinity), np.uint64(1)
        sign = np.uint64(1 << (self.bits - 1))
        with np.errstate(over="ignore"):
            bits = np.where(places <= infinity, sign + infinity - places, places - infinity - one)
        return bits.astype(self.unsigned)

    def place(self, number: float) -> int:
        """Return the place of the element nearest to a number in that order.

        Parameters
        ----------
        number : float

        Returns
        -------
        int
        """
        return int(self._places(np.array([number]))[0])

    def number(self, bits: int) -> float:
        """Return the element with these bits.

        Parameters
        ----------
        bits : int

        Returns
        -------
        float
        """
        if self.dtype == "bfloat16":
            return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])
        return float(np.array([bits], self.unsigned).view(self.dtype)[0])

    # ---- inputs -----------------------------------------------------------------------------

    def all_pieces(self) -> list[tuple[int, int]]:
        """Return the pieces of all elements, as ranges of places.

        Returns
        -------
        list of tuple of int
        """
        ends = [*range(0, self.not_nan, PIECE), *range(self.not_nan, 1 << self.bits, PIECE)]
        return list(itertools.pairwise([*ends, 1 << self.bits]))

    def sampled(self, count: int, offset: int = 0) -> Bits:
        """Return about `count` inputs in order: runs of neighbours, half of them evenly over all
        elements, the rest over ordinary numbers and at the places where something happens.

        Parameters
        ----------
        count : int
        offset : int
            Another offset gives other inputs.

        Returns
        -------
        ndarray
            Bits.
        """
        runs = max(8, math.isqrt(count // 4))
        length = max(4, count // 2 // runs)
        step = self.not_nan // runs
        starts = np.arange(runs, dtype=np.uint64) * np.uint64(step) + np.uint64(offset % step)
        even = starts[:, None] + np.arange(length, dtype=np.uint64)

        rng = np.random.default_rng(offset)
        scale = max([1.0, *(abs(value) for value in self.parameters.values())])
        reach = 800.0 if self.bits == 64 else 120.0
        usual = np.concatenate(
            [
                rng.uniform(-reach, reach, count // 8) / scale,
                rng.uniform(-8, 8, count // 8) / scale,
                rng.choice([-1, 1], count // 8) * np.exp2(rng.uniform(-60, 12, count // 8)),
            ]
        )

        centres = np.array([self.place(number) for number in self.landmarks()], np.uint64)
        around = np.arange(max(3, count // 8 // centres.size), dtype=np.uint64)
        near = centres[:, None] - np.uint64(around.size // 2) + around

        ends = np.array([0, self.not_nan - 1], np.uint64)
        places = np.unique(np.concatenate([even.ravel(), self._places(usual), near.ravel(), ends]))
        return self.at(places[places < np.uint64(self.not_nan)])

    def _places(self, numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
        with np.errstate(over="ignore"):
            bits = numbers.astype(self.dtype).view(self.unsigned).astype(np.uint64)
        sign = np.uint64(1 << (self.bits - 1))
        size = bits & ~sign
        infinity, one = np.uint64(self._infinity), np.uint64(1)
        places: NDArray[np.uint64] = np.where(bits & sign, infinity - size, infinity + one + size)
        return places

    def landmarks(self) -> list[float]:
        """Return the numbers about which every neighbour is tried: roots and kinks of the slope,
        where an exponential's reduction goes over to the next multiple of log(2), where a function
        saturates, and the ends of the range.

        Returns
        -------
        list of float
        """
        fraction = _FORMATS[self.dtype][1]
        least = 1 - (self._infinity >> fraction) // 2
        ends = (fraction + 1, fraction + 2, -least, fraction - least + 1, fraction - least + 2)
        switches = [*range(-8, 9), *(k + i for k in ends for i in (-1, 0, 1)), -700, -1400]
        factors = {1.0, 2.0, *(abs(p) for p in self.parameters.values() if 1e-3 < abs(p) < 1e3)}
        marks = {0.0, 2.0**least, 2.0 ** (least - fraction), *self._kinks(), *self._roots()}
        for factor in factors:
            for k in switches:
                marks.update(((k + 0.5) * math.log(2) / factor, k * math.log(2) / factor))
        return sorted({*marks, *(-mark for mark in marks)})

    def _kinks(self) -> list[float]:
        """Where the slope jumps, for the parameters that the dtype has."""
        return [*self.row.kinks_at(_accuracy.in_dtype(self.parameters, self.dtype))]

    def _roots(self) -> list[float]:
        """Where the slope changes its sign, other than at a kink."""
        references = _accuracy.References(self.row, self.parameters, self.dtype)

        def sign(x: float) -> int:
            _, (low, high) = references.enclose(x)
            return 1 if low > 0 else -1 if high < 0 else 0

        roots = []
        for left, right in itertools.pairwise(np.linspace(-40.05, 40.05, 1024).tolist()):
            if any(left <= kink <= right for kink in self._kinks()) or not (
                sign(left) * sign(right) < 0
            ):
                continue
            while left < (middle := (left + right) / 2) < right:
                if sign(left) * sign(middle) <= 0:
                    right = middle
                else:
                    left = middle
            roots.append(right)
        return roots


@dataclass(frozen=True)
class Piece:
    """Inputs that are swept in one go.

    Attributes
    ----------
    x : ndarray
        Bits, in rising order.
    lead : int
        How many of the first are there to be neighbours only.
    nan : bool
        Whether they are the NaN.
    backward_every : int
        One block of so many has gradients.
    """

    x: Bits
    lead: int
    nan: bool = False
    backward_every: int = 1


def piece_of_all(case: Case, begin: int, end: int) -> Piece:
    """Return a range of `Case.all_pieces`.

    Parameters
    ----------
    case : Case
    begin, end : int

    Returns
    -------
    Piece
    """
    nan = begin >= case.not_nan
    lead = int(begin > 0 and not nan)
    x = _accuracy.in_order(case.dtype, begin - lead, end)
    return Piece(x, lead, nan, BACKWARD_EVERY if case.bits > 16 else 1)


def piece_of_sample(x: Bits, begin: int, end: int) -> Piece:
    """Return a range of `Case.sampled`.

    Parameters
    ----------
    x : ndarray
    begin, end : int

    Returns
    -------
    Piece
    """
    lead = int(begin > 0)
    return Piece(np.ascontiguousarray(x[begin - lead : end]), lead)


def sweep(references: _accuracy.References, case: Case, isas: list[str], piece: Piece) -> Found:
    """Compare the kernels of instruction sets with the exact results.

    Parameters
    ----------
    references : References
    case : Case
    isas : list of str
    piece : Piece

    Returns
    -------
    dict
    """
    grad = _accuracy.gradients(case.dtype, piece.x)
    found: Found = references.sweep(piece.x, grad, isas, piece.lead, piece.backward_every)
    for operations in found.values() if piece.nan else ():
        for quantities in operations.values():  # NaN have no order, no sides, no bits to agree upon
            quantities.update(falls=0, rises=0, not_odd=0, not_even=0, differ=0, most_apart=0)
    return found


def merged(a: Found | None, b: Found) -> Found:
    """Return what is found of two pieces together.

    Parameters
    ----------
    a, b : dict

    Returns
    -------
    dict
    """
    if a is None:
        return b
    result: Found = {}
    for isa, operations in b.items():
        result[isa] = {}
        for operation, new in operations.items():
            old = a[isa][operation]
            worse = new if new["max_ulp"] > old["max_ulp"] else old
            result[isa][operation] = {
                "max_ulp": worse["max_ulp"],
                "worst_x": worse["worst_x"],
                "worst_grad": worse["worst_grad"],
                "smallest": min(old["smallest"], new["smallest"]),
                "largest": max(old["largest"], new["largest"]),
                "most_apart": max(old["most_apart"], new["most_apart"]),
                **{name: old[name] + new[name] for name in _SUMS},
            }
    return result
