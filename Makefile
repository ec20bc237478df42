# Two commands do all on a fresh machine with Python 3.10 or later: `make search` and `make test`.

PYTHON ?= python3
ARGS   ?=
BIN    := .venv/bin

# One thread per process: work is spread over processes, and threads on small operators get in each other's way.
export OMP_NUM_THREADS := 1
# Tests start some hundred processes: each would compile the package anew where the environment keeps Python from writing.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help search test browser pythons docs lint stale clean

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

search: .venv/installed  ## run the main job, e.g. make search ARGS="--trainings 48 --seed 1"
	$(BIN)/latent-nas search $(ARGS)

test: lint  ## lint, then run the tests, e.g. make test ARGS="-k codec"
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

browser: .venv/installed-test  ## open report and live page in chromium, which must be on the machine
	$(BIN)/python -m pytest -m browser tests/test_report_page.py tests/test_ui_page.py $(ARGS)

pythons: .venv/installed-test  ## test on the oldest and the newest Python of this machine
	$(BIN)/python .ci/pythons.py $(ARGS)

docs: .venv/installed-docs  ## build the site into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lint: .venv/installed-test  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy latent_nas

stale: .venv/installed-test  ## find names and arguments in benchmarks that the package has no more
	MYPYPATH=tests:benchmarks $(BIN)/mypy --exclude networks_abroad benchmarks scripts

clean:  ## remove .venv, builds and caches; runs/ stays
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are younger than what they were installed from, so pip runs again only after a change there.
.venv/installed: setup.py constraints.txt | $(BIN)/pip
	@echo "installing latent_nas and what it needs into .venv; the first time this takes minutes"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/installed-test: setup.py constraints.txt | $(BIN)/pip
	@echo "installing latent_nas with all extras and test tools into .venv; the first time this takes minutes"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	@touch $@ .venv/installed

.venv/installed-docs: setup.py constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	@touch $@ .venv/installed

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "latent_nas needs Python 3.10 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
