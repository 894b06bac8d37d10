#!/usr/bin/env bash
# Build fastact with the compilers' sanitizers in build/sanitize and run what they have to see.
# usage: sanitize.sh PYTHON [address] [thread] [valgrind]; all three without a name
#
#   address    gcc's ASan and UBSan around all of the extensions, and the tests that go through
#              shapes, strides, dtypes, errors and buffers
#   thread     clang's TSan around src_c, with libomp, and the program tools/parallel_calls.c;
#              libgomp has barriers of its own, which look like races
#   valgrind   memcheck, on what is built in the tree, and the program tools/small_calls.py
#
# Each has to see a fault first that is planted for it.
#
# Needs gcc, and for the others clang with libomp and its sanitizers, and valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
parts=${*:-address thread valgrind}
work=$PWD/build/sanitize
mkdir -p "$work"

step() { printf '== %s\n' "$*"; }

must_be_seen() { # a program with a fault ends with this status, or the check checks nothing
    local status=0
    "${@:2}" >"$work/fault" 2>&1 || status=$?
    [ "$status" = "$1" ] || { cat "$work/fault"; echo "a planted fault was not seen" >&2; exit 1; }
}

address() {
    step "ASan and UBSan: build"
    local tree=$work/address flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
    mkdir -p "$tree"
    git ls-files -z | xargs -0 cp --parents -u -t "$tree"
    (cd "$tree" && CC=gcc CFLAGS="$flags -g1 -fno-omit-frame-pointer" LDFLAGS="$flags" \
        "$python" setup.py --quiet build_ext --inplace)
    step "ASan and UBSan: tests"
    # What Python itself never frees is no leak of fastact's: `make leaks` counts those.
    local run=(env PYTHONPATH="$tree" PYTHONMALLOC=malloc
        LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
        ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
        UBSAN_OPTIONS=print_stacktrace=1 "$python")
    cd "$tree"
    must_be_seen 1 "${run[@]}" -c "
import numpy, fastact
fastact.mish(numpy.lib.stride_tricks.as_strided(numpy.zeros(10_000), (10_001,)))"
    grep -q 'heap-buffer-overflow' "$work/fault"
    "${run[@]}" -m pytest -q -p no:cacheprovider -W 'ignore:.*:RuntimeWarning' \
        tests/test_layouts.py tests/test_properties.py tests/test_softmax.py tests/test_buffers.py \
        tests/test_field_cases.py tests/test_process_threads.py tests/test_process_interrupts.py \
        tests/test_process_fork.py tests/test_row_functions.py tests/test_process_fuzz.py
    cd - >/dev/null
}

thread() {
    step "TSan: src_c and tools/parallel_calls.c"
    mkdir -p "$work/thread"
    local build=(clang -fsanitize=thread -g -O1 -std=c11 -fopenmp -DFASTACT_OPENMP=1
        -ffp-contract=off -Isrc_c tools/parallel_calls.c -lpthread)
    local run=(env OMP_NUM_THREADS=4
        TSAN_OPTIONS="halt_on_error=1 ignore_noninstrumented_modules=1")
    # Two callers may have the workers at a time.
    local faulty=$work/thread/parallel.c
    sed 's/&& !atomic_flag_test_and_set(&team_is_taken)//' src_c/parallel.c >"$faulty"
    if cmp --quiet src_c/parallel.c "$faulty"; then
        echo "parallel.c takes its team otherwise: plant another race" >&2
        exit 1
    fi
    local others
    mapfile -t others < <(ls src_c/*.c | grep -v /parallel.c)
    "${build[@]}" "${others[@]}" "$faulty" -o "$work/thread/fault"
    must_be_seen 66 "${run[@]}" "$work/thread/fault"
    grep -q 'data race.*parallel.c' "$work/fault"

    "${build[@]}" src_c/*.c -o "$work/thread/parallel_calls"
    "${run[@]}" "$work/thread/parallel_calls"
}

memcheck() {
    step "valgrind: memcheck"
    # Python's own allocator reads what it has not written, on purpose: not with PYTHONMALLOC=malloc.
    # valgrind knows no AVX-512; its AVX2 is enough.
    local run=(env PYTHONPATH="$PWD:$PWD/tools" PYTHONMALLOC=malloc FASTACT_ISA=avx2
        OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 valgrind --quiet --error-exitcode=9
        --suppressions=tools/valgrind.supp "$python")
    must_be_seen 9 "${run[@]}" -c "
import numpy, small_calls
small_calls.looked_at(numpy.empty(10_000))"
    "${run[@]}" tools/small_calls.py
}

for part in $parts; do
    case $part in
    address) address ;;
    thread) thread ;;
    valgrind) memcheck ;;
    *) echo "no such part: $part" >&2 && exit 2 ;;
    esac
done
