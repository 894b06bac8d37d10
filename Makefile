# Everything one does with a checkout of fastact. `make` alone lists the targets.
#
# Needs make, a C compiler and Python 3.11 or newer with its headers; the rest goes into .venv.
# PYTHON=... chooses the interpreter that .venv is made from (remove an old one first), CC=... the
# compiler.

.DEFAULT_GOAL := help
SHELL := /bin/bash

RUN := .venv/bin/python
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python

# Compiler warnings are errors, except for who only wants to see the demo.
export FASTACT_WERROR ?= 1
demo: export FASTACT_WERROR = 0
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help env build demo test lint format bench bench-env bench-full bench-report accuracy \
	docs sanitize emulate fuzz leaks stubs wheel clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

env: .venv/ready ## make .venv with everything that the other targets need

.venv/ready: pyproject.toml
	@tools/make_environment.sh .venv $(CANDIDATES)
	@touch $@

build: env ## compile the extensions in place, where something changed
	@$(RUN) setup.py --quiet build_ext --inplace

demo: build ## see it work: values, a trained classifier, timings
	@$(RUN) -m fastact demo

test: lint ## check everything: lint, types, then all tests under each instruction set
	@set -e; \
	isas=$$($(RUN) -c 'import fastact; print(*fastact.runtime_info()["isa_available"][::-1])'); \
	test -n "$$isas"; \
	for isa in $$isas; do \
		echo "== tests with FASTACT_ISA=$$isa"; \
		FASTACT_ISA=$$isa $(RUN) -m pytest -q -n auto --maxprocesses 4 --dist loadfile; \
	done

lint: build ## ruff, cython-lint, mypy and stubtest
	ruff check
	ruff format --check
	cython-lint fastact
	mypy
	stubtest fastact

format: env ## rewrite the Python as lint wants it
	ruff check --fix
	ruff format

bench: build ## compare with NumPy's expressions, and with torch where installed
	@$(RUN) -m fastact bench --quick --json build/bench/times.json --chart build/bench/times.png
	@$(RUN) -m pytest benchmarks --quick -q --benchmark-json build/bench/pytest.json \
		--benchmark-columns=min,median,iqr,rounds

bench-env: env ## install every library that the benchmarks compare with
	@$(RUN) -m pip install --quiet --group peers

# Each in a process of its own, as some libraries can be told their number of threads only once.
bench-full: build ## the same for all operations, dtypes, ways of memory and threads (hours)
	@for operation in value derivative backward; do for dtype in float32 float64; do \
	for memory in out fresh in-place; do for threads in 1 2; do \
		$(RUN) -m fastact bench --operation $$operation --dtype $$dtype --memory $$memory \
			--threads $$threads \
			--json build/bench/$$operation-$$dtype-$$memory-$$threads.json || exit 1; \
	done; done; done; done

bench-report: build ## measure what docs/performance.md shows (half an hour; NAMES=scaling: of that)
	@$(RUN) benchmarks/report.py $(NAMES)

accuracy: build ## sweep all inputs of every kernel (two hours; NAMES="elu mish": of those) into docs
	@$(RUN) -m fastact accuracy $(NAMES) --exhaustive --output docs/accuracy
	@$(if $(NAMES),true,$(RUN) benchmarks/accuracy_of_peers.py --json docs/accuracy/peers.json \
		--markdown docs/accuracy/peers.md)
	@$(RUN) tools/write_tables.py

docs: build ## the pages in build/docs/html, their examples run, and looked at in Chromium
	@$(RUN) -m pip install --quiet --group docs
	@$(RUN) tools/write_site.py build/docs/source
	@$(RUN) -m sphinx -q -W --keep-going -d build/docs/doctrees build/docs/source build/docs/html
	@$(RUN) -m sphinx -q -W -b doctest -d build/docs/doctrees build/docs/source build/docs/doctest
	@$(RUN) -m pytest -q tests/test_site.py

sanitize: build ## ASan and UBSan, TSan and valgrind over the C code (minutes; PARTS=thread)
	@tools/sanitize.sh $(RUN) $(PARTS)

emulate: build ## run the wheel on emulated processors: without AVX, with AVX2 (PARTS="nehalem")
	@tools/emulate.sh $(RUN) $(PARTS)

fuzz: env ## fuzz calls for half an hour (DURATION=60: seconds) and keep what was found; needs clang
	@$(RUN) -m pip install --quiet atheris
	@tools/fuzz.sh $(RUN) $(or $(DURATION),1800)
	@$(RUN) tools/fuzz.py --keep build/fuzz/corpus

leaks: build ## a million calls of each kind, errors included; counts blocks, references and memory
	@PYTHONPATH=. $(RUN) tests/leak_calls.py 1000000 $(KINDS)

stubs: build ## write fastact/__init__.pyi from the catalogue
	@$(RUN) tools/write_stubs.py

wheel: env ## sdist, wheel from it, repaired, checked, and tried in bare environments
	@tools/make_wheel.sh $(RUN) $(WHEEL_PYTHONS)

clean: ## remove what was built, but not .venv
	rm -rf build dist *.egg-info fastact/*.so fastact/*.pyd
