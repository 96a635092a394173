# The course in two commands: `make lab` and `make test`. `make` alone lists the others.
PYTHON ?= python3
PY := .venv/bin/python
PYTEST := $(PY) -m pytest -q
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
SCREEN := $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname))
PORT ?= 8888

help:
	@echo 'make lab        install what is missing, open JupyterLab on notebooks/'
	@echo 'make test       install what is missing, run every test (unit, notebooks, browser)'
	@echo 'make notebooks  run every cell of every notebook, with the network cut off'
	@echo 'make doctor     say what is fine with this machine, and what to do about the rest'
	@echo 'make bench      print measured ratios'
	@echo 'make pages      run the notebooks into web pages that need no kernel, in build/pages'
	@echo 'make data       rebuild what is built under data/'
	@echo 'make lint       check and format the code'
	@echo 'make clean      remove .venv and what tests left'

install:
	@command -v $(PYTHON) >/dev/null || \
	  { echo 'Not installed: there is no $(PYTHON); install Python 3.11 or newer.' >&2; exit 1; }
	@$(PYTHON) -m lecture_utils.setup.install

lab: install
	@$(PY) -m nbformat.sign notebooks/*.ipynb >/dev/null || true
	@echo 'JupyterLab starts; its address stands below. Stop it with Ctrl-C.'
	@$(PY) -m jupyterlab notebooks --port $(PORT) $(ROOT_FLAG) $(if $(SCREEN),,--no-browser) \
	  --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

# All parts run even if one fails.
test: install
	@status=0; for part in unit notebooks browser; do echo "== $$part"; \
	  $(MAKE) --no-print-directory $$part || status=1; done; exit $$status

# One thread each, two at a time: no quarrel on two cores.
unit: install
	@OMP_NUM_THREADS=1 $(PYTEST) tests --ignore tests/test_browser.py -n 2 --dist loadfile

notebooks: install
	@OMP_NUM_THREADS=1 PYTHONPATH=tests $(PYTEST) -p harness notebooks -n 2 --dist loadfile

browser: install
	@$(PYTEST) tests/test_browser.py

doctor: install
	@$(PY) -m lecture_utils.setup.doctor

bench: install
	@$(PY) tests/bench.py $(ONLY)

# Text before widgets: a page has no kernel to draw a widget, but holds its default.
pages: install
	@OMP_NUM_THREADS=1 $(PY) -m nbconvert --to html --execute --output-dir build/pages \
	  --NbConvertBase.display_data_priority='["text/html","image/png","text/markdown","text/plain"]' \
	  notebooks/*.ipynb

data: install
	@$(PY) -m lecture_utils.build_data

lint: install
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help install lab test unit notebooks browser doctor bench pages data lint clean
