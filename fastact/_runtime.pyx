"""Threads, instruction set and build: what fastact runs on, and how many of it."""

from fastact cimport _kernels

import contextlib
import contextvars
import os
import platform
import threading
import warnings

from fastact._version import __version__


def _cgroup_text(*parts):
    try:
        with open(os.path.join(*parts)) as file:
            return file.read().split()
    except OSError:
        return None


def _cpu_quota(mount="/sys/fs/cgroup", membership="/proc/self/cgroup"):
    """Return the processors that the control group grants, rounded up; None without a limit.

    A container sees its own group at the mount's root; a process of the host has its group's path
    in /proc/self/cgroup, and every group above it limits it too.
    """
    quotas = []
    paths = {"v2": [""], "v1": [""]}
    try:
        with open(membership) as file:
            for line in file:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                version = "v2" if not controllers else "v1"
                if version == "v2" or "cpu" in controllers.split(","):
                    steps = path.strip("/").split("/")
                    paths[version] += ["/".join(steps[:i + 1]) for i in range(len(steps))]
    except (OSError, ValueError):
        pass
    for path in paths["v2"]:
        words = _cgroup_text(mount, path, "cpu.max")
        if words and len(words) == 2 and words[0].isdigit():
            quotas.append((int(words[0]), int(words[1])))
    for path in paths["v1"]:
        for controller in ("cpu", "cpu,cpuacct"):
            quota = _cgroup_text(mount, controller, path, "cpu.cfs_quota_us")
            period = _cgroup_text(mount, controller, path, "cpu.cfs_period_us")
            if quota and period and int(quota[0]) > 0:
                quotas.append((int(quota[0]), int(period[0])))
    granted = [max(1, -(-quota // period)) for quota, period in quotas if period > 0]
    return min(granted, default=None)


def _requested():
    """Return what FASTACT_NUM_THREADS asks for, 0 for nothing."""
    text = os.environ.get("FASTACT_NUM_THREADS", "")
    if not text:
        return 0
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
        return int(text)
    warnings.warn(
        f"FASTACT_NUM_THREADS is {text!r}, which is not a positive whole number; ignored",
        RuntimeWarning, stacklevel=2,
    )
    return 0


def _openmp_is_told():
    """Return whether OMP_NUM_THREADS, a number or a list of them, says something that counts."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip().removeprefix("+")
    return first.isascii() and first.isdigit() and 0 < int(first) < 2**31


_UNLIMITED = 2**31 - 1
_OPENMP_IS_TOLD = _openmp_is_told()
_QUOTA = None if _OPENMP_IS_TOLD else _cpu_quota()
_REQUESTED = _requested()
# The quota and the affinity bind where nobody has asked for a number: 0 stands for that.
_kernels.threads_init(
    _REQUESTED, 0 if _OPENMP_IS_TOLD else (_QUOTA or _UNLIMITED))

cdef int _set = 0


cdef int checked(n) except -1:
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"the number of threads must be an integer, not {type(n).__name__}")
    n = n.__index__()
    if not 1 <= n < 2**31:
        raise ValueError(f"the number of threads must be from 1 to 2147483647, not {n}")
    return n


def set_num_threads(n):
    """Set the number of threads for the whole process.

    Parameters
    ----------
    n : int or None
        At least 1; None goes back to the default. `get_num_threads` may be less: OpenMP's own
        limit, which ``OMP_NUM_THREADS`` and threadpoolctl set, binds as well.

    Raises
    ------
    TypeError
        For something that is no integer.
    ValueError
        For a number below 1.

    See Also
    --------
    num_threads : For a stretch of code.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.set_num_threads(1)
    >>> fa.get_num_threads()
    1
    >>> fa.set_num_threads(None)
    """
    global _set
    _set = 0 if n is None else checked(n)
    _kernels.set_num_threads(_set)


def get_num_threads():
    """Return the number of threads a large call in this thread uses at most.

    Returns
    -------
    int
        The least of what `num_threads` or `set_num_threads` or ``FASTACT_NUM_THREADS`` asks for
        and what OpenMP allows (``OMP_NUM_THREADS``, threadpoolctl). Where nothing is asked for,
        also of the processors in the affinity mask and the quota of the control group.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_num_threads() >= 1
    True
    """
    return _kernels.get_num_threads()


def num_threads(n):
    """Limit the number of threads within a ``with`` block.

    The limit holds for the code in the block alone: not for other threads, nor for other tasks
    that an event loop runs meanwhile (a context variable keeps it). It is no more than a limit: see
    `get_num_threads`.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    TypeError
        For something that is no integer.
    ValueError
        For a number below 1.

    Examples
    --------
    >>> import fastact as fa
    >>> with fa.num_threads(1):
    ...     fa.get_num_threads()
    1
    """
    return _NumThreads(checked(n))


# The numbers of the blocks that the running code is in, from the innermost out: (n, those around).
_BLOCKS = contextvars.ContextVar("fastact.num_threads", default=())


cdef int threads_asked() except -1 with gil:
    blocks = _BLOCKS.get()
    return blocks[0] if blocks else 0


class _NumThreads(contextlib.ContextDecorator):
    """The limit of `num_threads`: may be entered again, also within itself."""

    def __init__(self, n):
        self._n = n

    def __enter__(self):
        _BLOCKS.set((self._n, _BLOCKS.get()))
        _kernels.ask_for_threads(threads_asked)  # from now on: it takes the GIL

    def __exit__(self, *exception):
        _BLOCKS.set(_BLOCKS.get()[1])


# ---- signals ------------------------------------------------------------------------------------

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil
    int PyErr_CheckSignals() except -1

cdef unsigned long main_thread = threading.main_thread().ident


cdef int to_be_stopped() except -1 nogil:
    """Run the handlers of signals that have come, as the interpreter does between two
    instructions: in the main thread. What they raise ends the call."""
    if PyThread_get_thread_ident() != main_thread:
        return 0
    with gil:
        process = os.getpid()
        PyErr_CheckSignals()
        if os.getpid() != process:
            raise RuntimeError("a signal handler has forked during a call of fastact, which cannot "
                               "go on in the child: its threads are in the parent")
    return 0


_kernels.ask_whether_to_stop(to_be_stopped)


# ---- information --------------------------------------------------------------------------------

def _origin():
    cdef int override = threads_asked()
    if not _kernels.openmp_version():
        return "no OpenMP in this build"
    wanted = override or _set or _REQUESTED
    if wanted and wanted == get_num_threads():
        return ("num_threads" if override else "set_num_threads" if _set
                else "FASTACT_NUM_THREADS")
    if _OPENMP_IS_TOLD:
        return "OMP_NUM_THREADS"
    if wanted:
        return "OpenMP's limit"
    if _QUOTA is not None and _QUOTA == get_num_threads():
        return "cgroup quota"
    return "processors in the affinity mask"


def runtime_info():
    """Return what fastact runs on.

    Returns
    -------
    dict
        ``version``, ``isa`` (the instruction set in use), ``isa_available`` (from the least to
        the best), ``num_threads``, ``num_threads_from`` (where the number comes from),
        ``openmp`` (the date of the specification, 0 for a build without), ``parallel_threshold``
        (elements from which a call runs on several threads), ``compiler``, ``compile_flags``,
        ``machine``, ``python``.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.runtime_info()["isa"] in fa.runtime_info()["isa_available"]
    True
    """
    return {
        "version": __version__,
        "isa": _kernels.isa(),
        "isa_available": _kernels.available_isas(),
        "num_threads": get_num_threads(),
        "num_threads_from": _origin(),
        "openmp": _kernels.openmp_version(),
        "parallel_threshold": _kernels.parallel_thresholds(),
        "compiler": _kernels.compiler(),
        "compile_flags": _kernels.compile_flags(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def show_runtime():
    """Print `runtime_info`, for a bug report.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.show_runtime()  # doctest: +ELLIPSIS
    version              ...
    """
    for name, value in runtime_info().items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        print(f"{name:<20} {value}")


def _set_parallel_threshold(cost, elements):
    """Set the elements from which a call goes parallel: for tests and for finding the value."""
    _kernels.set_parallel_threshold(cost, elements)


def _row_limits():
    """Return what decides between the ways through rows, by name."""
    return _kernels.row_limits()


def _set_row_limit(name, value):
    """Set one of them: for tests and for finding the values."""
    _kernels.set_row_limit(name, value)
