#!/usr/bin/env bash
# Fuzz the calls that tests/fuzz_calls.py makes of bytes, with atheris, and in the extensions clang's
# coverage and ASan where atheris brings what they need. Inputs are kept in build/fuzz/corpus, one that
# fails beside it.
# usage: fuzz.sh PYTHON SECONDS; PYTHON has atheris
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
seconds=$2
tree=$PWD/build/fuzz
mkdir -p "$tree" "$tree/corpus"
git ls-files -z | xargs -0 cp --parents -u -t "$tree"
site=$("$python" -c 'import atheris; print(atheris.path())')
if [ -e "$site/asan_with_fuzzer.so" ]; then
    flags="-fsanitize=address,fuzzer-no-link -fno-omit-frame-pointer -g1"
    # Linked without the sanitizer: its runtime is the one that atheris brings.
    (cd "$tree" && CC=clang LDSHARED="clang -shared" CFLAGS="$flags" FASTACT_WERROR=0 \
        "$python" setup.py --quiet build_ext --inplace)
    preload=$site/asan_with_fuzzer.so
fi
cd "$tree"
export LD_PRELOAD=${preload:-} ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
export PYTHONPATH=$tree:$tree/tests OPENBLAS_NUM_THREADS=1
exec nice -n 19 "$python" tools/fuzz.py corpus -max_total_time="$seconds" -max_len=160 \
    -print_final_stats=1 -artifact_prefix="$tree/"
