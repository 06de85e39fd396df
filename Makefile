# One command for each thing people come here to do.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# pandas and friends start twice as slowly without compiled caches.
SYNC = $(UV) pip sync -q --python $(BIN)/python --compile-bytecode --require-hashes

# What ruff formats and checks; its rules stand in pyproject.toml.
CODE = workbench tests benchmarks docs

# Two processes, a file of tests or a notebook each at a time; what needs Spark is one group.
TWO = -n 2 --dist loadfile
TOGETHER = -n 2 --dist loadgroup

.PHONY: help report test lab docs words golden verify bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make report   install what is locked, run the reports on real data, say where they are"
	@echo "make test     prove it: every test and every notebook"
	@echo "make lab      open JupyterLab on the start page"
	@echo "make docs     build the documentation site, to be read from disk"
	@echo "make words    bring the Dutch catalogue up to date with the sentences in the code"
	@echo "make golden   run the notebooks anew and keep their cleaned output as the reference"
	@echo "make verify   the long recovery and coverage studies, and many more random cases"
	@echo "make bench    speed and memory beside peers, written to benchmarks/"
	@echo "make lock     resolve the dependencies anew"
	@echo "make clean    remove the environment and all built reports"

$(BIN)/uv: requirements-bootstrap.lock
	@echo "Creating .venv ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, found " + sys.version.split()[0] + "; name another with PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@touch $@

# The test environment contains the user's; once it stands, reports need nothing more.
.venv/.user: requirements.lock pyproject.toml $(BIN)/uv
	@if [ ! -e .venv/.test ] || [ requirements.lock -nt .venv/.test ]; then echo "Installing the locked packages ..."; \
	$(SYNC) requirements.lock requirements-bootstrap.lock && $(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; fi
	@touch $@

.venv/.test: requirements-test.lock pyproject.toml $(BIN)/uv
	@echo "Installing the locked packages, with those for the tests ..."
	@$(SYNC) requirements-test.lock requirements-bootstrap.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ .venv/.user

report: .venv/.user
	@$(BIN)/workbench run 10_buying_stages 20_brand_choice_and_price 30_retention

test: .venv/.test
	@$(BIN)/ruff format -q --check $(CODE)
	@$(BIN)/ruff check -q $(CODE)
	@$(BIN)/python -m pytest $(TOGETHER) -m "not slow"
	@$(BIN)/python -m pytest $(TWO) --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg -p no:cacheprovider --ignore-glob='*.nl.ipynb' notebooks

verify: .venv/.test
	@$(BIN)/python -m pytest -m slow -s
	@THOROUGH=20 $(BIN)/python -m pytest -k "exhaustive or slow_twin or add_up"

lab: .venv/.user
	@JUPYTER_CONFIG_PATH=notebooks/.config $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start.ipynb

docs: .venv/.test
	@$(BIN)/python docs/build.py
	@echo "Read it: docs/_site/html/index.html"

words: .venv/.test
	@$(BIN)/python tests/words.py

golden: .venv/.test
	@$(BIN)/python -m workbench.reports.golden

bench: .venv/.test
	@$(BIN)/python benchmarks/run.py
	@$(BIN)/python benchmarks/models.py

LOCK = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
lock: $(BIN)/uv
	@$(LOCK) pyproject.toml --group build --extra examples -o requirements.lock
	@$(LOCK) pyproject.toml --group build --extra examples --extra test --extra docs --extra spark --extra data -c requirements.lock -o requirements-test.lock
	@echo uv | $(LOCK) - -o requirements-bootstrap.lock

clean:
	rm -rf .venv reports/runs reports/index.html reports/index.nl.html
