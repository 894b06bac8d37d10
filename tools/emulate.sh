#!/usr/bin/env bash
# Run fastact on processors that are not here, as qemu-user emulates them.
# usage: emulate.sh PYTHON [nehalem] [haswell] [aarch64]; the first two without a name
#
#   nehalem   the wheel on a processor of 2008, without AVX: import, values, the tests of special
#             values
#   haswell   the wheel with AVX2 and FMA emulated: the same bits as on this processor
#   aarch64   the extensions of the tree cross-compiled with gcc-aarch64-linux-gnu against the Python and NumPy of
#             an arm64 Debian that is unpacked in $FASTACT_ARM64 (debootstrap --foreign --arch=arm64,
#             python3-dev and python3-numpy): the same bits as AVX2
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(readlink -f "$(dirname "$1")")/$(basename "$1")
shift
parts=${*:-nehalem haswell}
work=$PWD/build/emulate
mkdir -p "$work"
rm -rf "$work/site"

step() { printf '== %s\n' "$*"; }

here() { # the digests of this processor's AVX2 kernels
    FASTACT_ISA=avx2 PYTHONPATH=$PWD "$python" tools/result_digests.py >"$work/here"
}

same() { # compare with those of another
    diff "$work/here" "$work/$1" >"$work/$1.diff" || { head "$work/$1.diff"; exit 1; }
    echo "$(wc -l <"$work/$1") digests, the same as with AVX2 here"
}

wheel() { # made of the tree, into a directory with nothing beside it
    [ ! -d "$work/site" ] || return 0
    step "the wheel"
    tools/make_wheel.sh --untested "$python" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
    "$python" -m pip install --quiet --no-deps --target "$work/site" dist/*.whl
}

on() { # a program on an emulated processor, with the wheel, NumPy and what is beside that
    local cpu=$1 numpy
    numpy=$("$python" -c 'import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))')
    env -u PYTHONPATH OPENBLAS_CORETYPE=Nehalem qemu-x86_64 -cpu "$cpu" \
        "$(readlink -f "$python")" -P -c "
import sys
sys.path[:0] = ['$work/site', '$numpy']
import fastact
assert fastact.__file__ == '$work/site/fastact/__init__.py', fastact.__file__
$2"
}

nehalem() {
    wheel
    step "Nehalem: import, the instruction sets that it has, values and their tests"
    on Nehalem "
import numpy as np, fastact as fa
info = fa.runtime_info()
assert info['isa'] == 'baseline' and info['isa_available'] == ['baseline'], info
x = np.linspace(-5, 5, 100_001)
assert abs(fa.sigmoid(x) - 1/(1 + np.exp(-x))).max() < 1e-15
assert abs(fa.softmax(x.reshape(-1, 1)) - 1).max() == 0
print(info['isa'], fa.mish(0.5), fa.elu(np.float32(-1)), fa.softmax([1.0, 2.0]))"
    on Nehalem "
import pytest
raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider', 'tests/test_field_cases.py']))"
}

haswell() {
    wheel
    step "Haswell: AVX2, emulated"
    here
    on Haswell "
import fastact as fa
assert fa.runtime_info()['isa'] == 'avx2', fa.runtime_info()
import runpy
runpy.run_path('tools/result_digests.py', run_name='__main__')" >"$work/haswell"
    same haswell
}

aarch64() {
    step "aarch64: cross-compile"
    local root=${FASTACT_ARM64:?the directory of an arm64 Debian} tree=$work/aarch64/fastact
    local version include suffix
    version=$(basename "$(echo "$root"/usr/include/python3.*)")
    suffix=cpython-3${version#python3.}-aarch64-linux-gnu.so
    include="-Isrc_c -I$root/usr/include/$version -idirafter $root/usr/include"
    include+=" -I$root/usr/lib/python3/dist-packages/numpy/_core/include"
    rm -rf "$work/aarch64"
    mkdir -p "$tree"
    cp fastact/*.py "$tree"
    local flags="-O3 -std=c11 -fPIC -fno-math-errno -fno-trapping-math -ffp-contract=off -fopenmp
        -fvisibility=hidden -fno-thread-jumps -DFASTACT_OPENMP=1 -Wall -Wextra -Werror
        -DNPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION -DNPY_TARGET_VERSION=NPY_2_0_API_VERSION"
    local module source objects
    for source in src_c/*.c; do
        case $source in *avx*) continue ;; esac
        # shellcheck disable=SC2086
        aarch64-linux-gnu-gcc $flags $include -c "$source" \
            -o "$work/aarch64/$(basename "$source" .c).o"
    done
    for module in _kernels _activation _rows _runtime buffers; do
        objects=
        [ $module = _kernels ] && objects=$(echo "$work"/aarch64/*.o)
        # shellcheck disable=SC2086
        aarch64-linux-gnu-gcc ${flags/-O3/-O2} $include -shared "build/cython/fastact/$module.c" \
            $objects -o "$tree/$module.$suffix"
    done
    step "aarch64: the same bits as AVX2"
    here
    local libraries=$root/usr/lib/aarch64-linux-gnu
    qemu-aarch64 -L "$root" -E PYTHONPATH="$work/aarch64" \
        -E LD_LIBRARY_PATH="$libraries/blas:$libraries/lapack:$libraries:/usr/aarch64-linux-gnu/lib" \
        "$root/usr/bin/$version" tools/result_digests.py >"$work/aarch64.digests"
    mv "$work/aarch64.digests" "$work/aarch64.txt"
    same aarch64.txt
}

for part in $parts; do
    case $part in
    nehalem | haswell | aarch64) $part ;;
    *) echo "no such part: $part" >&2 && exit 2 ;;
    esac
done
