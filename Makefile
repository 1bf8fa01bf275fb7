# `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
READY := $(VENV)/ready
# The stages call `python`: the environment's own.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
BASE ?= main

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): requirements.txt .ci/venv
	.ci/venv $(VENV)
	pip install --quiet --disable-pip-version-check --requirement requirements.txt
	pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

setup: $(READY)  ## make the Python environment in .venv (the other commands do so by themselves)

run: $(READY)  ## run the pipeline, print the results; PRESET=tutorial: with the settings of presets/tutorial.yaml
	@python -m selflabel run $(if $(PRESET),--preset $(PRESET))

label: $(READY)  ## open the page on which people label
	@python -m selflabel label

test: $(READY)  ## lint, check types and imports, then all tests
	ruff check .
	ruff format --check .
	mypy --no-error-summary
	lint-imports --no-cache > /dev/null || lint-imports --no-cache
	python -m pytest

test-browser: $(READY)  ## label in a real Chromium (Debian: apt-get install chromium)
	python -m pytest -n0 -m browser tests/browser

test-label-studio: $(READY)  ## ask through a real Label Studio, installed in .venv-label-studio
	.ci/label-studio .venv-label-studio
	LABEL_STUDIO=$(CURDIR)/.venv-label-studio/bin/label-studio python -m pytest -n0 -m label_studio tests/people

docs: $(READY)  ## build the pages of docs/ into site/
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

rounds: $(READY)  ## N=15: make room for N rounds in rounds/table.yaml
	@python -m selflabel rounds $(if $(N),$(N),$(error say how many rounds there shall be: make rounds N=15))

compare: $(READY)  ## print DVC's experiments as a table
	@python -m selflabel compare

pr-report: $(READY)  ## BASE=main: write report/report.md, what changed against a revision
	@python -m selflabel pr-report --base $(BASE)

fresh: $(READY)  ## check, without data, that the committed results are those of the committed code
	@clone=$$(mktemp -d) && trap 'rm -rf "$$clone"' EXIT && git clone --quiet . "$$clone" && cd "$$clone" && \
	dvc repro --quiet inputs/dvc.yaml:code && for part in $$(ls -d . study 2> /dev/null); do \
	out=$$(cd $$part && dvc repro --dry --allow-missing 2>&1) || true; echo "$$out" | grep -v "didn't change" || true; \
	grep -q "Data and pipelines are up to date." <<< "$$out" || { echo "error: what is committed in the lock files, \
	metrics/ and study/ is older than the code or params.yaml: run 'make run' and 'make study', and commit" >&2; exit 1; }; done

study: $(READY)  ## play the arms of study/arms.yaml over five seeds (hours; not part of `make run`)
	@dvc repro && cd study && dvc repro
	@python -m selflabel study

bench: $(READY)  ## time the tutorial's own loop against this one, stages as pools grow, and what DVC adds (minutes)
	python -m bench.tutorial_loop
	python -m bench.scale
	python -m bench.overhead

same-bytes: $(READY)  ## tell whether this machine computes what others do, with its versions and kernels
	@TF_CPP_MIN_LOG_LEVEL=3 python -m bench.same_bytes

lock: $(READY)  ## renew requirements.txt from pyproject.toml
	.ci/lock requirements.txt

.PHONY: help setup run label test test-browser test-label-studio docs rounds compare pr-report fresh study bench same-bytes lock
