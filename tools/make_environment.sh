#!/usr/bin/env bash
# Make a virtual environment from the first usable Python and install what work on fastact needs.
# usage: make_environment.sh DIRECTORY PYTHON...
set -euo pipefail
directory=$1
shift

if ! "$directory/bin/python" -c "" 2>/dev/null; then
    usable='
import pathlib, sys, sysconfig, ensurepip, venv
headers = pathlib.Path(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 11) or not headers.exists())
'
    found=
    for python in "$@"; do
        if "$python" -c "$usable" 2>/dev/null; then
            found=$python
            break
        fi
    done
    if [ -z "$found" ]; then
        echo "No Python 3.11 or newer that has venv and its headers among: $*" >&2
        echo "Install one (Debian: python3 python3-venv python3-dev), or say make PYTHON=..." >&2
        exit 1
    fi
    echo "making $directory with $("$found" --version)"
    "$found" -m venv --clear "$directory"
fi

echo "installing into $directory what pyproject.toml lists, a minute or so"
pip="$directory/bin/python -m pip --quiet"
$pip install --upgrade 'pip>=25.1' # the first that knows dependency groups
$pip install --group build
# The warning that would be shown is about folders beside the source, of which there are none.
PYTHONWARNINGS=ignore $pip install --no-build-isolation --editable '.[test]' --group dev
