PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
# Each of the two takes up to 5 GB.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
# Broken links and pages that nothing leads to are errors. The theme's word on its own future is left out.
BUILD_SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Pins and hashes for every platform and Python at once, of the versions that are installed where the tests run.
TESTED := $(VENV)/tested.txt
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes --no-annotate \
	--custom-compile-command="make lock" --constraints=$(TESTED)

.PHONY: demo test fast-test lint format docs lock clean

# The whole pipeline on the embedded sample: photos in, a measured and exported model out.
demo: $(VENV)/.run
	$(BIN)/python -m deepusps_tf.main --flagfile=configs/demo.flags

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(TWO_AT_ONCE) --durations=20

fast-test: $(VENV)/.dev
	$(BIN)/python -m pytest $(TWO_AT_ONCE) -m "not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BUILD_SITE)

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The manual as a site of files, site/index.html.
docs: $(VENV)/.dev
	$(BIN)/python -m docs.write_settings
	$(BUILD_SITE)

# What installations with hashes take, see docs/deploy.md, and the page of its licences.
lock: $(VENV)/.dev
	$(BIN)/python -m pip freeze --exclude-editable --exclude=deepusps_tf >$(TESTED)
	for needs in requirements requirements-predict requirements-build; do \
		$(LOCK) $$needs.txt --output-file=$$needs.lock || exit 1; \
	done
	$(BIN)/python -m docs.write_licences

clean:
	rm -rf $(VENV) records runs site

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) .
	touch $@

$(VENV)/.dev: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) '.[dev]'
	touch $(VENV)/.run $@
