# The course in two commands: `make lab` and `make test`. `make` alone lists the others.
PYTHON ?= python3
PY := .venv/bin/python
PYTEST := $(PY) -m pytest -q
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
SCREEN := $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname))
PORT ?= 8888
SETUP := lecture_utils/setup
# Where python3 is too old, a newer one may stand beside it.
PYTHONS := "$(PYTHON)" $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)

help:
	@echo 'make lab        install what is missing, open JupyterLab on notebooks/'
	@echo 'make test       install what is missing, run every test (unit, notebooks, browser)'
	@echo '                TORCH=cuda or TORCH=cpu (Linux): PyTorch with CUDA (4 GB more) or without'
	@echo 'make notebooks  run every cell of every notebook, with the network cut off'
	@echo '                SITE=1 keeps them for the site, which need not run them once more'
	@echo 'make vote       let a class rate sounds by phone; OPEN=1 opens it to the room, NEW=1 begins anew'
	@echo 'make stage      one notebook for the projector: short path, large fonts, players ready'
	@echo '                NOTEBOOK=04 chooses it (08 if nothing is said)'
	@echo 'make hub        a JupyterHub for a class on this machine; OPEN=1 opens it to the room,'
	@echo '                PASSWORD= sets the class password, STUDENTS=30 how many are expected'
	@echo 'make doctor     say what is fine with this machine, and what to do about the rest'
	@echo 'make bench      print measured ratios'
	@echo 'make site       run the notebooks, build the web site in build/site (needs Node.js)'
	@echo 'make play       play every player of the site in Chromium, three pages in Firefox and WebKit'
	@echo 'make data       rebuild what is built under data/'
	@echo 'make lint       check style and spelling of code and notebooks'
	@echo 'make fix        put right what ruff can'
	@echo 'make lock       write down the newest versions as the tested ones; then: make test'
	@echo 'make canary     run every test with the newest versions (the next call takes them back)'
	@echo 'make clean      remove .venv and what tests left'

install:
	@for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	  exec "$$python" -m lecture_utils.setup.install; \
	done; \
	echo 'Not installed: Python 3.11 or newer is needed, and $(PYTHON) is' \
	  "$$("$(PYTHON)" -V 2>/dev/null || echo not there);" \
	  'install one and call make again (make lab PYTHON=python3.12).' >&2; exit 1

lab: install
	@if ! test -w "$$HOME"; then export HOME="$$(mktemp -d)"; \
	  echo "Your home can't be written to; what JupyterLab keeps goes to $$HOME."; fi; \
	$(PY) -m nbformat.sign notebooks/*.ipynb >/dev/null || true; \
	echo 'JupyterLab starts; its address stands below. Stop it with Ctrl-C.'; \
	JUPYTER_CONFIG_PATH="$(SETUP)/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	  $(PY) -m jupyterlab notebooks --port $(PORT) $(ROOT_FLAG) $(if $(SCREEN),,--no-browser)

# All parts run even if one fails.
test: install
	@status=0; for part in unit notebooks browser; do echo "== $$part"; \
	  $(MAKE) --no-print-directory $$part || status=1; done; exit $$status

# One thread each, two at a time: no quarrel on two cores.
unit: install
	@OMP_NUM_THREADS=1 $(PYTEST) tests -n 2 --dist loadfile \
	  --ignore-glob 'tests/test_browser*.py'

notebooks: install
	@$(PY) tests/short_paths.py build/short
	@OMP_NUM_THREADS=1 PYTHONPATH=tests $(PYTEST) -p harness notebooks build/short -n 2 \
	  --dist loadfile --no-loadscope-reorder $(if $(SITE),--site build/executed)

browser: install
	@OMP_NUM_THREADS=1 $(PYTEST) tests/test_browser*.py -n 2 --dist loadfile \
	  --no-loadscope-reorder

vote: install
	@$(PY) -m lecture_utils.listening_test.vote $(if $(TEST),'$(TEST)') $(if $(OPEN),--open) \
	  $(if $(NEW),--new) $(if $(ADDRESS),--address $(ADDRESS)) \
	  $(if $(filter file,$(origin PORT)),,--port $(PORT))

stage: install
	@$(PY) -m lecture_utils.setup.stage $(if $(NOTEBOOK),'$(NOTEBOOK)') --port $(PORT) \
	  $(if $(SCREEN),,--no-browser)

# Packages that only the hub or the site needs come in tested versions, unless the newest are wanted.
PINS := $(if $(filter newest,$(VERSIONS)),,-c $(SETUP)/constraints.txt -c $(SETUP)/site/constraints.txt)

hub-packages: install
	@$(PY) -c 'import jupyterhub' 2>/dev/null || \
	  $(PY) -m pip install --quiet $(PINS) -r $(SETUP)/hub/requirements.txt

HUB := .cache/hub/node_modules/.bin/configurable-http-proxy
hub: hub-packages
	@command -v npm >/dev/null || { echo 'No hub: npm is missing; install Node.js.' >&2; exit 1; }
	@test -x $(HUB) || npm install --prefix .cache/hub --no-fund --no-audit --silent \
	  configurable-http-proxy@5.3.0
	@$(if $(filter file,$(origin PORT)),,PORT=$(PORT)) OPEN='$(OPEN)' PASSWORD='$(PASSWORD)' \
	  STUDENTS='$(STUDENTS)' $(PY) -m jupyterhub -f $(SETUP)/hub/jupyterhub_config.py

doctor: install
	@$(PY) -m lecture_utils.setup.doctor

bench: install
	@$(PY) tests/bench.py $(ONLY)

site: install
	@$(PY) -c 'import myst_nb, furo' 2>/dev/null || $(PY) -m pip install --quiet $(PINS) -e '.[site]'
	@$(PY) -m lecture_utils.setup.site $(ONLY)

play: install
	@$(PY) tests/play_site.py build/site

data: install
	@$(PY) -m lecture_utils.build_data

lint: install
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m codespell_lib

fix: install
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

# One list for every system and Python, so that all students have the same environment.
lock: install
	@$(PY) -m uv pip compile pyproject.toml --extra test --extra rulers --universal --python-version 3.11 \
	  --fork-strategy fewest --upgrade --quiet --no-annotate \
	  --custom-compile-command 'make lock' -o $(SETUP)/constraints.txt
	@$(PY) -m uv pip compile pyproject.toml --extra site --universal --python-version 3.11 \
	  --fork-strategy fewest --upgrade --quiet --no-annotate -c $(SETUP)/constraints.txt \
	  --custom-compile-command 'make lock' -o $(SETUP)/site/constraints.txt

canary:
	@rm -f .venv/installed.txt
	@$(MAKE) --no-print-directory test VERSIONS=newest

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help install lab test unit notebooks browser vote stage hub-packages hub doctor bench site play data lint fix lock canary clean
