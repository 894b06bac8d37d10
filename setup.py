"""Build the extension modules; everything static about the project is in pyproject.toml.

Three environment variables change the build:
    FASTACT_OPENMP=auto|0|1   use OpenMP when the compiler has it (default) | never | or fail
    FASTACT_WERROR=1          -Wall -Wextra -Werror
    CC, CFLAGS, LDFLAGS       as everywhere
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import Cython
import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# What the kernels rely on: without trapping maths compare-and-select loops vectorise, and without
# contraction every instruction set rounds where the source says so.  Nothing that changes values
# (-ffast-math and its parts) and nothing that binds the build to this machine (-march=native).
GNU_CORE_FLAGS = [
    "-O3",
    "-std=c11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fvisibility=hidden",
]
# gcc alone has it. Threading a jump through the clamp of an exponential's argument makes it compute
# the rest of a function twice, once for each side of the clamp, and choose at the end.
NO_THREADING_FLAG = "-fno-thread-jumps"
# Likewise. Has the operations of the elements that share an iteration shuffled together, as far as
# there are registers for it (elementwise.h says why).
SCHEDULING_FLAGS = [
    "-fschedule-insns",
    "-fsched-pressure",
    "--param=sched-pressure-algorithm=2",
    "-fno-lra-remat",  # what registers run out for is kept in memory, not divided again
]
# Functions that come out the same keep a name each, for whoever reads the machine code.
NO_FOLDING_FLAG = "-fno-ipa-icf"
GNU_GENERATED_FLAGS = ["-O2", "-fvisibility=hidden"]
GNU_STRICT_FLAGS = ["-Wall", "-Wextra", "-Werror"]
GNU_LINUX_LINK_FLAGS = ["-Wl,-z,relro,-z,now,-z,noexecstack"]
MSVC_FLAGS = ["/O2", "/std:c11", "/experimental:c11atomics", "/fp:precise"]

# Not build_ext's own build_temp, which `pip install -e .` throws away: it would translate and
# compile everything again each time.
BUILD = Path("build")

KERNELS = "fastact._kernels"

# What measures the kernels calls it; the kernels do not.
MATHS_LIBRARY = [] if sys.platform == "win32" else ["m"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "embedsignature": False,
    "binding": True,
    "autotestdict": False,
    "freethreading_compatible": True,
}

OPENMP_PROBE = """
#include <omp.h>
int main(void) {
    int sum = 0;
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < 100; ++i) sum += omp_get_num_threads();
    return sum == 0;
}
"""
EMPTY_PROBE = "int main(void) { return 0; }"
SIMD_PROBE = """
int main(int argc, char **argv) {
    int sum = argv == 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < argc; ++i) sum += i;
    return sum;
}
"""


def files(pattern):
    """Return the files of a pattern as setuptools wants them: relative and with slashes."""
    return sorted(path.as_posix() for path in Path().glob(pattern))


def extension(name, *c_sources, libraries=()):
    """Describe one extension; the kernels are in _kernels alone, the others cimport it."""
    return Extension(
        f"fastact.{name}",
        [f"fastact/{name}.pyx", *c_sources],
        include_dirs=["src_c", np.get_include()],
        libraries=list(libraries),
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
        ],
        depends=["setup.py", *files("src_c/**/*.h"), *files("fastact/*.pxd")],
    )


def require_supported_platform():
    """Stop with a message where the kernels have never been compiled."""
    platform = sysconfig.get_platform().lower()
    if not platform.endswith(("x86_64", "amd64", "aarch64", "arm64", "universal2")):
        raise SystemExit(
            f"fastact does not support the platform {platform!r}: its kernels are written and "
            "tested for 64-bit x86 and 64-bit ARM."
        )


class BuildExt(build_ext):
    """Choose flags by compiler and by source, and compile the sources of an extension at once."""

    def finalize_options(self):
        """Build the extensions side by side unless told how many."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count()

    def build_extensions(self):
        """Add flags and macros to the extensions, translate them with Cython, build them."""
        require_supported_platform()
        gnu = self.compiler.compiler_type != "msvc"
        openmp = self.openmp_flags(gnu)
        core = GNU_CORE_FLAGS + self.optional_flags() + openmp if gnu else MSVC_FLAGS + openmp
        generated = GNU_GENERATED_FLAGS if gnu else MSVC_FLAGS
        macros = [("FASTACT_COMPILE_FLAGS", f'"{" ".join(core)}"')]
        if openmp:
            macros.append(("FASTACT_OPENMP", "1"))
        if gnu and os.environ.get("FASTACT_WERROR", "0") not in ("", "0"):
            core = core + GNU_STRICT_FLAGS
            generated = generated + GNU_STRICT_FLAGS

        for ext in self.extensions:
            ext.define_macros += macros
            if not gnu:
                ext.extra_compile_args += core if len(ext.sources) > 1 else generated
            elif sys.platform == "linux":
                ext.extra_link_args += GNU_LINUX_LINK_FLAGS
            if gnu and ext.name == KERNELS:
                ext.extra_link_args += openmp
        if gnu:
            self.compile_with_flags(core, generated)
            # A Python that was built where it lies has extensions look for libraries there.
            linker = [word for word in self.compiler.linker_so if "-rpath" not in word]
            self.compiler.set_executable("linker_so", linker)

        # An edited file rebuilds what depends on it; so must a changed compiler, flag or Cython.
        command = getattr(self.compiler, "compiler_so", None) or []
        settings = [Cython.__version__, str(DIRECTIVES), *command, *core, "/", *generated]
        stamp = BUILD / f"settings-{self.plat_name}-{sys.implementation.cache_tag}.txt"
        if not stamp.exists() or stamp.read_text() != "\n".join(settings):
            stamp.unlink(missing_ok=True)
            self.force = True
        translated = cythonize(
            self.extensions,
            build_dir=str(BUILD / "cython"),
            compiler_directives=DIRECTIVES,
            include_path=["."],
            force=self.force,
        )
        for ext, new in zip(self.extensions, translated, strict=True):
            ext.sources = new.sources
        super().build_extensions()
        stamp.write_text("\n".join(settings))

    def compiles_and_links(self, source, *flags):
        """Tell whether a C program builds with these flags."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "probe.c")
            path.write_text(source)
            program = path.with_suffix(".out")
            command = [*self.compiler.compiler_so, *flags, str(path), "-o", str(program)]
            try:
                return subprocess.run(command, capture_output=True, check=False).returncode == 0
            except OSError as error:
                raise SystemExit(f"fastact needs a C compiler: {error}") from None

    def optional_flags(self):
        """Return those flags that not every compiler knows."""
        flags = []
        for probe, optional in (
            (EMPTY_PROBE, [NO_THREADING_FLAG]),
            (EMPTY_PROBE, SCHEDULING_FLAGS),
            (EMPTY_PROBE, [NO_FOLDING_FLAG]),
            (SIMD_PROBE, ["-fopenmp-simd"]),  # for `#pragma omp simd`, which needs no runtime
        ):
            if self.compiles_and_links(probe, "-Werror", *optional):
                flags += optional
        return flags

    def openmp_flags(self, gnu):
        """Return the flags for OpenMP, or none where it is absent or not wanted."""
        wanted = os.environ.get("FASTACT_OPENMP", "auto") or "auto"
        if wanted not in ("auto", "0", "1"):
            raise SystemExit(f"FASTACT_OPENMP is {wanted!r}; it can be auto, 0 or 1")
        if wanted == "0":
            return []
        if not gnu:  # MSVC's OpenMP 2.0 has not been tried: only when asked for
            return ["/openmp"] if wanted == "1" else []
        if self.compiles_and_links(OPENMP_PROBE, "-fopenmp"):
            return ["-fopenmp"]
        if wanted == "1":
            raise SystemExit(
                "FASTACT_OPENMP=1, but the compiler cannot compile and link a program with "
                "-fopenmp: install its OpenMP runtime (gcc: libgomp, clang: libomp) or use "
                "FASTACT_OPENMP=auto"
            )
        print("fastact: no OpenMP in this compiler, building without threads", file=sys.stderr)
        return []

    def compile_with_flags(self, core, generated):
        """Give src_c and Cython's output their own flags, and run the compiler in parallel."""
        compiler = self.compiler

        def compile_sources(
            sources,
            output_dir=None,
            macros=None,
            include_dirs=None,
            debug=False,
            extra_preargs=None,
            extra_postargs=None,
            depends=None,
        ):
            macros, objects, extra_postargs, pp_opts, build = compiler._setup_compile(
                output_dir, macros, include_dirs, sources, depends, extra_postargs
            )
            cc_args = compiler._get_cc_args(pp_opts, debug, extra_preargs)

            def compile_one(item):
                target, (source, suffix) = item
                flags = core if Path(source).parts[0] == "src_c" else generated
                compiler._compile(target, source, suffix, cc_args, extra_postargs + flags, pp_opts)

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(compile_one, build.items()))
            return objects

        compiler.compile = compile_sources


setup(
    ext_modules=[
        extension("_kernels", *files("src_c/*.c")),
        extension("_activation"),
        extension("_rows"),
        extension("_runtime"),
        extension("_accuracy", *files("src_c/accuracy/*.c"), libraries=MATHS_LIBRARY),
        extension("buffers"),
    ],
    cmdclass={"build_ext": BuildExt},
)
