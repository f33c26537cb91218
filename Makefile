# Two commands for a newcomer: `make demo` and `make test`. Everything is set up by what they depend on.

PYTHON ?= python3
ARGS ?=
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export UV_LINK_MODE ?= copy

.PHONY: setup demo test coverage spark lint types imports bench import-big crash calibrate scenarios mutants lock system clean

## Make the environment: uv from PyPI into .tools, hash-pinned dependencies into .venv.
setup: .venv/.ready

$(UV): requirements/uv.lock
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "whosaw needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	touch $(UV)

.venv/.ready: $(UV) requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip sync --quiet requirements/dev.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

## The story on this machine, in under three minutes; leaves the console running (ARGS=--no-serve ends instead).
demo: setup
	$(BIN)/whosaw demo --check demo/check.py $(ARGS)

## System packages that some tests need; says which, why, and what is left out where they cannot be installed.
system:
	scripts/system-packages

## Every test that this machine can run; two processes, each with a PostgreSQL of its own, and a file stays in one.
test: setup system
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

## The same in one process, with what it covered.
coverage: setup system
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report --format=total | sed 's/^/lines and branches covered in this process: /;s/$$/ %/'

## The lake's questions on Spark too: PySpark is an archive of 434 MB and needs Java 17, so it comes only here. The first
## time small questions are asked for what they leave: an archive of Spark's classes, with which Java starts in half the time.
spark: setup system
	$(UV) pip install --quiet --require-hashes -r requirements/spark.lock
	ls .tools/spark-*.jsa >/dev/null 2>&1 || $(BIN)/python -m pytest tests/unit/lake/test_spark.py -m spark -k gives_the_rows -q
	$(BIN)/python -m pytest tests/unit/lake tests/unit/app/test_tracelake.py -m spark

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

## Side-by-side measurements; each prints ratios.
bench: setup
	$(BIN)/python bench/http
	$(BIN)/python bench/bank_log.py
	$(BIN)/python bench/trail.py
	$(BIN)/python bench/fsck.py
	$(BIN)/python bench/decide.py
	$(BIN)/python bench/suspension.py
	$(BIN)/python bench/import.py
	$(BIN)/python bench/lake.py

## A log of ten gigabytes imported in one gigabyte of memory; needs about 40 GB of disk.
import-big: setup
	$(BIN)/python bench/import_big.py --gigabytes 10 --limit-mb 1024

## Real processes killed at random under load; what the clients wrote down is the judge.
crash: setup system
	$(BIN)/python tests/crash/campaign.py --kills 1000 --parts .run/crash.jsonl --write $(ARGS)
	$(BIN)/python tests/crash/lake_kills.py --kills 200 --parts .run/lake-crash.jsonl --write

## Attribution on cases with a known truth; writes docs/measured/trace.md, and what found lists do beside complaints into
## trace-more.md. Hours at this size: --cases makes it less.
calibrate: setup
	$(BIN)/python bench/trace/found.py --cases 200 --write $(ARGS)
	$(BIN)/python bench/trace/calibrate.py --cases 200 --write $(ARGS)

## The stories with many seeds, into docs/measured/scenarios.md; `make test` plays a few.
scenarios: setup
	WHOSAW_SCENARIOS_WRITE=1 WHOSAW_STORY_SEEDS=200 WHOSAW_WORLD_SEEDS=20 WHOSAW_ANSWER_SEEDS=10 \
		$(BIN)/pytest tests/scenarios $(ARGS)

## Break each protection on a copy of the source: a test must notice.
mutants: setup
	$(BIN)/python tests/mutants/run.py $(ARGS)

## Pin dependencies anew (no download addresses are written).
lock: $(UV)
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements/uv.in -o requirements/uv.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra all --group bench --group contract --group dev --group ontology --group build -o requirements/dev.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra all --group build -o requirements/run.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra spark -o requirements/spark.lock

clean:
	rm -rf .venv .tools .run .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
