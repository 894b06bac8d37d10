#!/usr/bin/env bash
# Make the source distribution, and for each Python the wheel from it; repair and check the wheels
# and run the tests on them in environments that hold nothing else of fastact.
# usage: make_wheel.sh [--untested] PYTHON [PYTHON...]; the first one has the packaging tools, and
# --untested leaves the tests out
set -euo pipefail
cd "$(dirname "$0")/.."
tested=yes
[ "$1" != --untested ] || { tested=; shift; }
PATH=$(cd "$(dirname "$1")" && pwd):$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset FASTACT_WERROR PYTHONPATH
export LDFLAGS=${LDFLAGS:--Wl,--strip-debug} # the names of the kernels stay, for profilers

step() { printf '== %s\n' "$*"; }
run_tests() { (cd "$work/checkout" && "$work/env/bin/python" -m pytest -q "$@"); }

rm -rf dist
step source distribution
"$1" -m build --sdist --outdir dist >"$work/log" || { cat "$work/log"; exit 1; }
sdist=$(echo dist/*.tar.gz)

# The tests in their tree, whose fastact is no package any more: what they import is the wheel.
mkdir "$work/checkout"
tar -xzf "$sdist" -C "$work/checkout" --strip-components 1
rm "$work/checkout/fastact/__init__.py"

for python in "$@"; do
    step "wheel for $("$python" --version), from the source distribution"
    rm -rf "$work/built" "$work/repaired" "$work/unpacked" "$work/env"
    "$python" -m venv "$work/env"
    pip="$work/env/bin/python -m pip --quiet --disable-pip-version-check"
    $pip install --upgrade pip
    $pip wheel --no-deps --wheel-dir "$work/built" "$sdist"
    check-wheel-contents "$work/built"
    auditwheel repair --wheel-dir "$work/repaired" "$work"/built/*.whl
    wheel=$(echo "$work"/repaired/*.whl)
    "$python" -m zipfile --list "$wheel" >"$work/contents"
    if grep -q 'libgomp' "$work/contents"; then
        grep -q 'licenses/licenses/libgomp.txt' "$work/contents"
    fi
    twine check --strict "$sdist" "$wheel"
    "$python" -m zipfile --extract "$wheel" "$work/unpacked"
    # Neither who built it, nor where, nor for which processor: tests/test_process_binary.py says more.
    if grep -rlaE "$HOME/|$PWD/|$work/|/pip-|-march=native" "$work"/unpacked/fastact; then
        echo "these files of the wheel tell of the machine that built it" >&2
        exit 1
    fi
    cp "$wheel" dist
    [ "$tested" ] || continue

    step "the wheel alone, with NumPy and nothing else"
    $pip install "$wheel"
    (cd "$work" && env/bin/python -m fastact info)

    step "the tests, on the newest NumPy that installs"
    $pip install "$wheel[test]"
    run_tests

    step "values, with each instruction set"
    isas='import fastact; print(*fastact.runtime_info()["isa_available"])'
    for isa in $(cd "$work" && env/bin/python -c "$isas"); do
        FASTACT_ISA=$isa run_tests tests/test_values.py tests/test_field_cases.py
    done

    step "a part of them, on the oldest NumPy that installs"
    for oldest in 2.0 2.1 2.2 2.3 2.4; do
        $pip install --only-binary numpy "numpy==$oldest.*" 2>/dev/null && break
    done
    "$work/env/bin/python" -c 'import numpy; print("NumPy", numpy.__version__)'
    run_tests tests/test_article.py
done
ls -l dist
