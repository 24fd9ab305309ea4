PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Each of the two takes up to 5 GB.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: demo test fast-test lint format clean

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

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) records runs

$(VENV)/.run: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
