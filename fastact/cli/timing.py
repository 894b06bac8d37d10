"""Times that can be compared: medians of batches, the contestants taking turns.

Every batch begins after a pause and untimed calls: by then the threads of whoever ran before have
stopped spinning for work, and this contestant's own are awake again. The first call after a pause
can take two ticks of the scheduler, 8 ms, where it wakes a thread on the very processor on which
it then spins until that thread is done. Turns, because a machine gets faster and slower while it
is measured, which a median of one contestant after another takes for a difference between them.
"""

from __future__ import annotations

import math
import statistics
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PAUSE = 0.02  # seconds; OpenMP's threads spin for a few milliseconds at most
WARM_UP = 0.012  # seconds of untimed calls
#: Calls that go on with each other's results, in place, before their input is put back: after some
#: dozens all numbers would be 0 or infinite.
RUN = 8


@dataclass(frozen=True)
class Call:
    """A call ready to be made: its arguments, arrays to write into among them, are there.

    Attributes
    ----------
    function : callable
    arguments : tuple
    keywords : dict
    result : callable
        What the call has computed, as an ndarray, after it has been made.
    restore : callable or None
        Puts the input back that the call overwrites.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    result: Callable[[Any], Any] = lambda returned: returned
    restore: Callable[[], object] | None = None

    def __call__(self) -> Any:
        """Make the call."""
        return self.function(*self.arguments, **self.keywords)

    def timer(self) -> timeit.Timer:
        """Return a timer of the bare call, without the cost of unpacking arguments.

        Returns
        -------
        timeit.Timer
        """
        names = {f"a{i}": value for i, value in enumerate(self.arguments)}
        named = {f"k_{name}": value for name, value in self.keywords.items()}
        given = [*names, *(f"{name}=k_{name}" for name in self.keywords)]
        return timeit.Timer(
            f"f({', '.join(given)})", globals={"f": self.function, **names, **named}
        )


def warm_up(call: Callable[[], Any]) -> None:
    """Pause, and then make untimed calls until the threads that these wake have settled.

    Parameters
    ----------
    call : callable
    """
    time.sleep(PAUSE)
    end = time.perf_counter() + WARM_UP
    call()
    while time.perf_counter() < end:
        call()


def calls_per_batch(timer: timeit.Timer, batch: float) -> int:
    """Return how many calls take about `batch` seconds; to be called warm.

    Parameters
    ----------
    timer : timeit.Timer
    batch : float

    Returns
    -------
    int
        At least 1.
    """
    timer.timeit(1)
    number = 1
    while (elapsed := timer.timeit(number)) < batch / 10:
        number *= 4
    return max(1, round(number * batch / elapsed))


def seconds_per_call(call: Call, timer: timeit.Timer, number: int) -> float:
    """Return how long a call of a batch takes.

    Parameters
    ----------
    call : Call
    timer : timeit.Timer
        Of the call.
    number : int
        The calls of the batch; a few more where they come in runs.

    Returns
    -------
    float
    """
    if call.restore is None:
        return timer.timeit(number) / number
    runs = -(-number // RUN)
    seconds = 0.0
    for _ in range(runs):
        call.restore()
        seconds += timer.timeit(RUN)
    return seconds / (runs * RUN)


def medians(
    calls: Mapping[str, Call],
    *,
    rounds: int = 9,
    batch: float = 0.005,
    within: float = math.inf,
) -> dict[str, float]:
    """Time calls in turns.

    Parameters
    ----------
    calls : mapping of str to Call
    rounds : int
        Batches for each call.
    batch : float
        Seconds that a batch should take; a call that takes longer is a batch by itself.
    within : float
        Who takes more than so many times as long as the first of them, in each of two rounds, is
        left out of the others.

    Returns
    -------
    dict of str to float
        The median of the seconds per call.
    """
    timers = {name: call.timer() for name, call in calls.items()}
    numbers: dict[str, int] = {}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for round_number in range(rounds):
        if round_number == 2 and names:
            limit = within * min(samples[names[0]])
            names = [name for name in names if min(samples[name]) <= limit]
        shift = round_number % len(names) if names else 0
        for name in names[shift:] + names[:shift]:
            warm_up(calls[name])
            if name not in numbers:
                numbers[name] = calls_per_batch(timers[name], batch)
            samples[name].append(seconds_per_call(calls[name], timers[name], numbers[name]))
    return {name: statistics.median(values) for name, values in samples.items()}
