"""Import: what it reads, starts and changes, and where it works.

The faults: a package that takes the import of half of SciPy with it (scikit-rf #1057), one that
writes beside itself, and one that wants a home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from children import environment, finished_child, run_child
from instruction_sets import once

import fastact as fa
from fastact.catalogue import CATALOGUE

pytestmark = once
PACKAGE = Path(fa.__file__).parent

EVERYTHING = f"""
import numpy as np, fastact as fa
from fastact import buffers
x = np.linspace(-5, 5, 300_000)
for name in {[row.name for row in CATALOGUE]!r}:
    activation = getattr(fa, name)
    for call in activation, activation.derivative, activation.value_and_derivative:
        call(x), call(x[::2]), call(x, dtype=np.float32), call(1.0)
    activation.backward(x, x), getattr(buffers, name)(x)
fa.softmax(x.reshape(-1, 3)), fa.runtime_info(), fa.show_runtime()
"""


def test_import_brings_only_numpy():
    program = """
import sys, numpy
before = set(sys.modules)
import fastact
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(name for name in new if name not in sys.stdlib_module_names))
heavy = {"scipy", "torch", "matplotlib", "rich", "sklearn", "mpmath", "Cython", "setuptools"}
assert not heavy & {name.split(".")[0] for name in sys.modules}
assert "fastact.cli" not in sys.modules and "fastact.buffers" not in sys.modules
"""
    # cython_runtime and _cython_x_y are what Cython puts beside every extension.
    assert {name for name in run_child(program).split() if "cython" not in name} == {"fastact"}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_import_and_small_calls_start_no_threads():
    names = [row.name for row in CATALOGUE]
    program = f"""
import os, numpy as np
before = len(os.listdir("/proc/self/task"))
import fastact as fa
x = np.ones(100)
for name in {names!r}:
    getattr(fa, name)(x)
fa.softmax(x)
print(len(os.listdir("/proc/self/task")) - before)
"""
    assert run_child(program) == "0"


def test_import_changes_nothing_in_the_process():
    program = """
import os, signal, sys, warnings, numpy as np
def state():
    return (dict(os.environ), np.geterr(), np.get_printoptions(), list(warnings.filters),
            [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)], sys.path[:])
before = state()
import fastact
assert state() == before
tiny = np.float32(1e-40)
assert tiny * np.float32(0.5) != 0
"""
    run_child(program)


def test_what_is_opened_and_started():
    """Nothing is written, so a read-only file system will do; nothing is read but fastact, Python
    and what the system tells of processors; nothing is started. As Python's auditing sees it."""
    run_child(
        """
import os, sys, numpy
events = []
def audit(event, arguments):
    if event == "open" or event.startswith(("socket.", "subprocess.", "os.")):
        events.append((event, *arguments))
sys.addaudithook(audit)
import fastact
seen, events = events, []
own = (fastact.__path__[0], os.path.dirname(os.__file__), "/proc/", "/sys/fs/cgroup")
for event, *arguments in seen:
    if event in ("os.listdir", "os.scandir"):
        continue
    assert event == "open", (event, arguments)
    path, mode, flags = arguments
    assert str(path).startswith(own), path
    assert mode is None or not set(mode) & set("wax+"), (path, mode)
assert any(str(arguments[0]).startswith(own[0]) for _, *arguments in seen)
"""
        + EVERYTHING
        + """
events = [event for event in events if event[0] == "open" or event[0].startswith("so")]
writing = [event for event in events if event[2] and set(event[2]) & set("wax+")]
assert not writing, writing
""",
        PYTHONDONTWRITEBYTECODE="1",
    )


SITE = (
    f"import sys; sys.path[:0] = {[str(PACKAGE.parent), str(Path(np.__file__).parent.parent)]!r}\n"
)


@pytest.mark.parametrize(
    "options",
    [("-I",), ("-S",), ("-I", "-S", "-X", "importtime"), ("-O",), ("-OO",), ("-B",), ("-bb",),
     ("-X", "dev"), ("-X", "utf8"), ("-W", "error")],
    ids=" ".join,
)  # fmt: skip
def test_options_of_the_interpreter(options):
    """-I and -S: without the user's and the site's directories. -OO: without docstrings."""
    program = SITE + EVERYTHING
    if "-OO" in options:
        program += "assert fa.relu.__doc__ and not fa.set_num_threads.__doc__\n"
    run_child(program, options=options)


@pytest.mark.parametrize(
    "variables", [{"HOME": ""}, {"HOME": "/nonexistent"}, {"PATH": ""}], ids=str
)
def test_poor_environments(variables):
    run_child(SITE + EVERYTHING, **variables)


def test_without_any_environment():
    program = "import os\nos.environ.clear()\n" + SITE + EVERYTHING
    run_child(program)


def test_on_a_read_only_file_system():
    """As in a container whose root may not be written: nothing is cached beside the modules."""
    program = """
import errno
try:
    open("/tmp/fastact", "w")
except OSError as error:
    assert error.errno == errno.EROFS, error
else:
    raise AssertionError("it can be written")
"""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare, of util-linux")
    alone = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else []), "sh", "-c"]
    read_only = "mount -o remount,bind,ro / && "
    trial = subprocess.run([*alone, read_only + "true"], capture_output=True, check=False)
    if trial.returncode or os.stat("/").st_dev != os.stat("/tmp").st_dev:  # noqa: PTH116
        pytest.skip("no file system can be made read-only here")
    done = subprocess.run(
        [*alone, read_only + 'exec "$@"', "sh", sys.executable, "-c", program + SITE + EVERYTHING],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def import_from(place):
    """Import fastact from there, with NumPy to be had and no other fastact."""
    path = [str(place), str(Path(np.__file__).parent.parent)]
    program = f"import sys; sys.path[:0] = {path!r}; import fastact"
    return finished_child(program, options=("-I", "-S"))


def test_from_a_zip_archive(tmp_path):
    """Python cannot load extensions from there; that has to be said."""
    archive = tmp_path / "fastact.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(PACKAGE.parent))
    done = import_from(archive)
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: ")
    assert str(archive) in message
    assert "zip" in message
    assert "pip install" in message


def test_from_a_tree_that_has_not_been_built(tmp_path):
    package = tmp_path / "fastact"
    package.mkdir()
    for path in PACKAGE.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    done = import_from(tmp_path)
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: ")
    assert str(package) in message
    assert "make build" in message


def test_imported_twice():
    """A reload, and an import after the modules have been thrown away, find the same C core."""
    run_child(
        """
import importlib, sys
import numpy as np, fastact
importlib.reload(fastact)
assert fastact.relu(-1.0) == 0
for name in [name for name in sys.modules if name.startswith("fastact")]:
    del sys.modules[name]
try:
    import fastact as again
except ImportError as error:
    assert "once" in str(error) or "twice" in str(error), error
else:
    assert (again.mish(np.ones(3)) == fastact.mish(np.ones(3))).all()
"""
    )


SUBINTERPRETER = """
import warnings
warnings.simplefilter("ignore")
try:
    import _interpreters as interpreters
    run = interpreters.exec
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _xxinterpchannels, _xxinterpreters as interpreters
    run = interpreters.run_string
code = (
    "import warnings\\n"
    "warnings.simplefilter('ignore')\\n"
    "try:\\n"
    "    import fastact\\n"
    "except ImportError as error:\\n"
    "    print('ImportError', error)\\n"
    "else:\\n"
    "    print('imported', fastact.relu(-1.0))\\n"
)
"""


@pytest.mark.parametrize("first", ["", "import fastact"])
def test_subinterpreters(first):
    """An import of their own or an ImportError; NumPy gives the latter from Python 3.12 on."""
    printed = run_child(
        SUBINTERPRETER
        + first
        + """
one = interpreters.create()
failed = run(one, code)
assert not failed, failed
interpreters.destroy(one)
exec(code)
"""
    ).splitlines()
    told = ("imported 0.0", "ImportError Interpreter change detected", "ImportError module ")
    assert len(printed) == 2
    assert all(line.startswith(told) for line in printed), printed
    # Whoever was first has it.
    assert printed[1 if first else 0].startswith("imported") or sys.version_info >= (3, 12)
    assert not first or printed[1] == "imported 0.0"


def test_at_the_end_of_the_interpreter():
    """Calls in atexit handlers, in finalisers and in daemon threads that are cut off."""
    run_child(
        """
import atexit, threading
import numpy as np, fastact as fa
x = np.linspace(-5, 5, 1 << 18)
def loop():
    with fa.num_threads(2):
        while True: fa.mish(x)
for _ in range(3):
    threading.Thread(target=loop, daemon=True).start()
class Last:
    def __del__(self): fa.mish(x)
last = Last()
atexit.register(lambda: fa.softmax(x.reshape(-1, 64)))
for _ in range(20): fa.mish(x)
""",
        OMP_NUM_THREADS="3",
        timeout=60,
    )
