"""Threads, instruction sets, environment variables, forks: what fastact does to a process and what
a process may do to it."""

from __future__ import annotations

import json
import os
import re
import threading
import time

import numpy as np
import pytest
from children import finished_child, run_child
from instruction_sets import once

import fastact as fa
from fastact import _runtime

pytestmark = once
INFO = fa.runtime_info()
needs_openmp = pytest.mark.skipif(not INFO["openmp"], reason="built without OpenMP")
needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks"
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def threads_of_child(program="", **environment):
    report = "import fastact as fa\n" + program + "\ni = fa.runtime_info()\n"
    report += "print(i['num_threads'], i['num_threads_from'], sep=': ')"
    number, origin = run_child(report, **environment).split(": ", 1)
    return int(number), origin


@pytest.fixture(autouse=True)
def default_number_of_threads():
    yield
    fa.set_num_threads(None)


@pytest.fixture
def most():
    """The largest number that OpenMP lets anybody have."""
    with fa.num_threads(2**31 - 1):
        return fa.get_num_threads()


# ---- the number of threads ----------------------------------------------------------------------


@needs_openmp
def test_set_num_threads(most):
    before = fa.get_num_threads()
    for n in (1, 2, 3, 1000, np.int64(2)):
        fa.set_num_threads(n)
        assert fa.get_num_threads() == min(n, most)
    assert fa.runtime_info()["num_threads_from"] == "set_num_threads"
    fa.set_num_threads(None)
    assert fa.get_num_threads() == before


@needs_openmp
def test_num_threads_nests_and_ends(most):
    fa.set_num_threads(2)
    outer = fa.get_num_threads()
    with fa.num_threads(1):
        assert fa.get_num_threads() == 1
        assert fa.runtime_info()["num_threads_from"] == "num_threads"
        with fa.num_threads(1000):
            assert fa.get_num_threads() == most
            fa.set_num_threads(1)
            assert fa.get_num_threads() == most
        assert fa.get_num_threads() == 1
        fa.set_num_threads(2)
    assert fa.get_num_threads() == outer
    with pytest.raises(KeyError), fa.num_threads(1):
        raise KeyError
    assert fa.get_num_threads() == outer


@needs_openmp
def test_num_threads_is_the_calling_threads_own(most):
    seen = {}

    def other(name):
        seen[name] = fa.get_num_threads()

    def ask(name):
        thread = threading.Thread(target=other, args=(name,))
        thread.start()
        thread.join()

    fa.set_num_threads(None)
    before = fa.get_num_threads()
    with fa.num_threads(1):
        ask("within num_threads")
    fa.set_num_threads(1)
    ask("after set_num_threads")
    assert seen == {"within num_threads": before, "after set_num_threads": 1}


@pytest.mark.parametrize(
    ("n", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (2**31, ValueError),
        (-(2**70), ValueError),
        (1.0, TypeError),
        ("2", TypeError),
        (True, TypeError),
        ([1], TypeError),
    ],
    ids=repr,
)
def test_bad_number_of_threads(n, error):
    fa.set_num_threads(1)
    with pytest.raises(error, match="number of threads"):
        fa.set_num_threads(n)
    with pytest.raises(error, match="number of threads"), fa.num_threads(n):
        pass
    assert fa.get_num_threads() == 1


def test_none_is_no_number_of_threads_for_a_block():
    with pytest.raises(TypeError, match="number of threads"), fa.num_threads(None):
        pass


# ---- the environment ----------------------------------------------------------------------------


@needs_openmp
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"FASTACT_NUM_THREADS": "1"}, (1, "FASTACT_NUM_THREADS")),
        ({"OMP_NUM_THREADS": "1"}, (1, "OMP_NUM_THREADS")),
        # Whoever says OMP_NUM_THREADS gets it, more than the processors too.
        ({"OMP_NUM_THREADS": "7"}, (7, "OMP_NUM_THREADS")),
        ({"FASTACT_NUM_THREADS": "2", "OMP_NUM_THREADS": "5"}, (2, "FASTACT_NUM_THREADS")),
        ({"FASTACT_NUM_THREADS": "5", "OMP_NUM_THREADS": "3"}, (3, "OMP_NUM_THREADS")),
    ],
    ids=str,
)
def test_variables(environment, expected):
    assert threads_of_child(**environment) == expected


@needs_openmp
def test_variables_beside_set_num_threads():
    environment = {"FASTACT_NUM_THREADS": "3", "OMP_NUM_THREADS": "4"}
    assert threads_of_child("fa.set_num_threads(2)", **environment)[0] == 2
    assert threads_of_child("fa.set_num_threads(9)", **environment)[0] == 4
    again = "fa.set_num_threads(2); fa.set_num_threads(None)"
    assert threads_of_child(again, **environment) == (3, "FASTACT_NUM_THREADS")


@pytest.mark.parametrize("nonsense", ["0", "-1", "two", "1.5", "2 ", "٢", "99999999999"])
def test_nonsense_warns_once_and_is_ignored(nonsense):
    program = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastact as fa
    fa.sigmoid([1.0]), fa.get_num_threads(), fa.runtime_info()
(warning,) = caught
assert warning.category is RuntimeWarning
assert "FASTACT_NUM_THREADS" in str(warning.message) and "ignored" in str(warning.message)
print(fa.get_num_threads())
"""
    got = run_child(program, FASTACT_NUM_THREADS=nonsense, PYTHONUTF8="1")
    assert int(got) == threads_of_child()[0]


def test_empty_variable_is_no_variable():
    assert threads_of_child(FASTACT_NUM_THREADS="") == threads_of_child()


@needs_openmp
@needs_affinity
def test_affinity():
    one = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    expected = (1, "processors in the affinity mask")
    assert threads_of_child(one) == expected  # changed after the import
    program = one + "import fastact as fa; print(fa.get_num_threads())"
    assert run_child(program) == "1"
    # Who asks for a number gets it.
    available = len(os.sched_getaffinity(0))
    assert threads_of_child(one + "fa.set_num_threads(2)")[0] == min(2, available)


# ---- the quota of a control group ---------------------------------------------------------------


@pytest.fixture
def group(tmp_path):
    """Writes files of a control group; returns what _cpu_quota makes of them."""

    def read(membership, files):
        mount = tmp_path / "mount"
        for path, text in files.items():
            file = mount / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "membership").write_text(membership)
        return _runtime._cpu_quota(str(mount), str(tmp_path / "membership"))

    return read


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000\n", None),
        ("100000 100000\n", 1),
        ("150000 100000\n", 2),
        ("400000 100000\n", 4),
        ("1000 100000\n", 1),
        ("\n", None),
        ("nonsense\n", None),
    ],
)
def test_quota_of_version_2(group, limit, expected):
    assert group("0::/\n", {"cpu.max": limit}) == expected


def test_quota_is_the_least_of_all_groups_above(group):
    files = {
        "cpu.max": "max 100000",
        "user/cpu.max": "300000 100000",
        "user/app/cpu.max": "max 100000",
        "other/cpu.max": "100000 100000",
    }
    assert group("0::/user/app\n", files) == 3
    assert group("0::/user/app/deeper\n", files) == 3
    assert group("0::/\n", files) is None
    files["user/app/cpu.max"] = "200000 100000"
    assert group("0::/user/app\n", files) == 2


@pytest.mark.parametrize("controller", ["cpu", "cpu,cpuacct"])
def test_quota_of_version_1(group, controller):
    files = {
        f"{controller}/app/cpu.cfs_quota_us": "250000\n",
        f"{controller}/app/cpu.cfs_period_us": "100000\n",
        f"{controller}/cpu.cfs_quota_us": "-1\n",
        f"{controller}/cpu.cfs_period_us": "100000\n",
    }
    membership = f"4:{controller}:/app\n3:memory:/elsewhere\n0::/\n"
    assert group(membership, files) == 3
    assert group(f"4:{controller}:/\n", files) is None


def test_quota_where_there_are_no_groups(tmp_path, group):
    assert _runtime._cpu_quota(str(tmp_path / "none"), str(tmp_path / "neither")) is None
    assert group("not a line of that file\n", {"cpu.max": "200000 100000"}) == 2


@needs_openmp
def test_quota_binds_where_nobody_asks(tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    # The mount is redirected: a real group takes more rights than a test has.
    redirect = f"""
import builtins, io
plain = builtins.open
def redirected(file, *args, **keywords):
    file = str(file)
    if file.startswith("/sys/fs/cgroup"):
        file = {str(tmp_path)!r} + file.removeprefix("/sys/fs/cgroup")
    return plain(file, *args, **keywords)
builtins.open = redirected
"""
    program = redirect + "import fastact as fa; i = fa.runtime_info()\n"
    report = "print(i['num_threads'], i['num_threads_from'])"
    assert run_child(program + report) == "1 cgroup quota"
    assert run_child(program + report, OMP_NUM_THREADS="3") == "3 OMP_NUM_THREADS"
    assert run_child(program + report, FASTACT_NUM_THREADS="2", OMP_NUM_THREADS="2")[0] == "2"


# ---- instruction sets ---------------------------------------------------------------------------


@pytest.mark.parametrize("request_", ["nonsense", "AVX2", "avx2 ", "neon,avx2"])
def test_unknown_instruction_set_is_an_import_error(request_):
    done = finished_child("import fastact", FASTACT_ISA=request_)
    assert done.returncode == 1  # an exception, not a signal
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: FASTACT_ISA")
    assert repr(request_) in message
    for isa in INFO["isa_available"]:
        assert isa in message


@pytest.mark.parametrize("isa", INFO["isa_available"])
def test_instruction_set_that_is_asked_for(isa):
    program = """
import numpy as np, fastact as fa
assert abs(fa.sigmoid(np.full(1000, 0.5)) - 0.6224593312018546).max() < 1e-15
print(fa.runtime_info()["isa"])
"""
    assert run_child(program, FASTACT_ISA=isa) == isa


def test_best_instruction_set_is_the_default():
    program = "import fastact as fa; print(fa.runtime_info()['isa'])"
    assert run_child(program) == INFO["isa_available"][-1]
    assert run_child(program, FASTACT_ISA="") == INFO["isa_available"][-1]


# ---- what is told -------------------------------------------------------------------------------


def test_runtime_info():
    info = fa.runtime_info()
    assert set(info) == set(re.findall(r"``(\w+)``", fa.runtime_info.__doc__))
    assert json.loads(json.dumps(info)) == info
    assert info["version"] == fa.__version__
    assert info["isa"] in info["isa_available"]
    assert info["num_threads"] == fa.get_num_threads()
    assert all(elements > 0 for elements in info["parallel_threshold"].values())
    info["isa_available"].clear()  # a copy
    assert fa.runtime_info()["isa_available"] == INFO["isa_available"]


def test_show_runtime(capsys):
    assert fa.show_runtime() is None
    printed = capsys.readouterr().out
    for name, value in fa.runtime_info().items():
        assert name in printed
        if isinstance(value, str):
            assert value in printed


# ---- other libraries' threads -------------------------------------------------------------------


@needs_openmp
def test_threadpoolctl():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    before = fa.get_num_threads()
    with threadpoolctl.threadpool_limits(1):
        assert fa.get_num_threads() == 1
        with fa.num_threads(8):
            assert fa.get_num_threads() == 1
    assert fa.get_num_threads() == before
    assert any(pool["user_api"] == "openmp" for pool in threadpoolctl.threadpool_info())


def test_many_python_threads_at_once(low_threshold, row, activation):
    x = np.linspace(-9, 9, 20_000)
    arrays = [x * (1 + i / 16) for i in range(16)]
    with fa.num_threads(1):
        expected = [(activation(a).tobytes(), fa.softmax(a).tobytes()) for a in arrays]
    got = [None] * 16
    together = threading.Barrier(16)

    def work(i):
        together.wait()
        for _ in range(3):
            got[i] = (activation(arrays[i]).tobytes(), fa.softmax(arrays[i]).tobytes())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == expected


def test_gil_is_released():
    x = np.linspace(-9, 9, 1 << 22)

    def longest_pause(call):
        """The longest time that this thread stood still while another one was in the call, as a
        part of the call's time."""
        entered, left = [], []

        def work():
            with fa.num_threads(1):
                entered.append(time.perf_counter())
                call()
                left.append(time.perf_counter())

        thread = threading.Thread(target=work)
        thread.start()
        ticks = []
        while not left:
            ticks.append(time.perf_counter())
            time.sleep(0)
        thread.join()
        inside = [entered[0], *(t for t in ticks if entered[0] < t < left[0]), left[0]]
        return max(np.diff(inside)) / (left[0] - entered[0])

    out = np.empty_like(x)
    strided, half = np.repeat(x[::2], 2)[::2], out[: x.size // 2]
    rows, rows_out = x.reshape(-1, 64), out.reshape(-1, 64)
    for call in (
        lambda: fa.mish.derivative(x, out=out),
        lambda: fa.mish.derivative(strided, out=half),
        lambda: fa.softmax(rows, out=rows_out),
        lambda: fa.softmax.backward(rows, rows, out=rows_out),
    ):
        # A busy machine may hold up this thread as well: not every time.
        assert any(longest_pause(call) < 0.8 for _ in range(20))


def test_num_threads_can_be_entered_again_and_checks_at_the_call():
    limit = fa.num_threads(1)
    with limit, limit:
        assert fa.get_num_threads() == 1
    with limit:
        assert fa.get_num_threads() == 1
    with pytest.raises(ValueError, match="from 1 to"):
        fa.num_threads(0)

    @fa.num_threads(1)
    def decorated():
        return fa.get_num_threads()

    assert decorated() == 1
