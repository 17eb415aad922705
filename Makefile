# One door for everything. Needs Python >= 3.11 and make; the rest is installed into .venv from requirements.lock.
export PYTHONUTF8 := 1
# Compiled once and kept, whatever this machine's habit: else each of a run's many processes compiles all of it anew.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(VENV)/bin/uv
# PYTHON names the interpreter to build .venv with; without it the first one found that is new enough.
FIND_PYTHON = for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 ""; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; \
	[ -n "$$python" ] || { echo "Python 3.11 or newer was not found. Install it, or name it: make PYTHON=/path/to/python3 ..."; exit 1; }
CHECKED := models activities workflows api worker.py deploy
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# TEMPORAL=cluster: Temporal's roles as processes apart instead of its dev server (programs: make temporal-cluster).
ifneq ($(TEMPORAL),)
export ONECARD_TEMPORAL := $(TEMPORAL)
endif

.PHONY: help demo up down clean doctor temporal-cluster test test-pages pages-all pages-old tour pictures check bench faults vendor lock venv

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: venv ## one whole batch through every step on a fresh local stack, then stop; TEMPORAL=cluster on the cluster
	@$(RUN) -m deploy.stack demo

up: venv ## the local stack with demo data, until Ctrl-C
	@$(RUN) -m deploy.stack up

temporal-cluster: venv ## the programs of TEMPORAL=cluster (up, demo, faults, bench), built once; needs Go
	@$(RUN) -m deploy.cluster.programs

down: venv ## end a running stack and whatever a killed run left behind
	@$(RUN) -m deploy.stack down

clean: venv ## down, then remove everything the stack has stored
	@$(RUN) -m deploy.stack clean

doctor: ## what is missing on this machine, and how to mend it
	@if [ -x $(RUN) ]; then $(RUN) -m deploy.doctor; else $(FIND_PYTHON); "$$python" -m deploy.doctor; fi

# Most tests wait for servers, so three at a time keep two cores busy. The files that take longest come early by name,
# so they are not reordered to the end for having few tests.
test: venv ## every test, on real servers
	@$(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The journeys of tests/test_*.py, which `make test` walks over HTTP, and what only a browser shows. One browser on one
# loop for all; for some of them alone: make test-pages PAGE_TESTS=tests/test_pages_flows.py
PAGE_TESTS := tests/test_*.py tests/chromium_*.py
# Debian's Chromium and a Chinese face; without them there is no picture and no journey, so a missing one is a failure.
IN_CHROMIUM = ONECARD_IN_CHROMIUM=1 $(RUN) -m pytest -q -o asyncio_default_fixture_loop_scope=session \
	-o asyncio_default_test_loop_scope=session
test-pages: venv ## every journey of the pages in a real browser
	@command -v chromium >/dev/null || apt-get install --yes --quiet --no-install-recommends chromium
	@fc-list :lang=zh-cn 2>/dev/null | grep -q . || apt-get install --yes --quiet --no-install-recommends fonts-noto-cjk fontconfig
	@$(IN_CHROMIUM) $(PAGES_LIMIT) $(PAGE_TESTS)

# One test goes through all pages in one look, and may take half an hour for it.
pages-all: export PAGES_ALL := 1
pages-all: PAGES_LIMIT := -o faulthandler_timeout=3600
pages-all: test-pages ## the same, with every page in every look and size

# Before a release: what offices with Windows 7 have. tests/test_*.py alone has journeys by these numbers.
pages-old: venv ## journeys 5, 8, 20 and 24 in Chromium 109, the last for Windows 7 (needs npm)
	@CHROMIUM=$$($(RUN) -m deploy.old_browser) && export CHROMIUM && \
		ONECARD_JOURNEYS=5,8,20,24 $(IN_CHROMIUM) tests/test_*.py

tour: venv ## going live and a season's twelve steps through the pages in Chromium; counts clicks and seconds, leaves pictures in var/tour
	@$(RUN) -m deploy.tour

pictures: venv ## the README's pictures, taken anew from a played stack
	@$(RUN) -m deploy.pictures

check: venv ## style, types, import law, the house's measures, the API's contract, and an install without dev tools
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy $(CHECKED)
	$(RUN) -m pytest -q tests/test_import_law.py
	@$(RUN) -m deploy.measures
	$(RUN) -m pytest -q tests/contract_walk.py
	@$(RUN) -m deploy.bare_install

bench: venv ## how fast: prints a table; PART=cards|troubled|pages|patience|lookups|province|open|backpressure|cluster|firstload|season measures that alone
	@$(RUN) -m deploy.bench $(if $(PART),--part $(PART))

faults: venv ## everything that must be survived, case by case; SEED=… repeats it, CASE=… plays some
	@$(RUN) -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case "$(CASE)")

vendor: venv ## fetch the pages' htmx and Bootstrap anew at their named versions (needs npm)
	@$(RUN) -m deploy.vendor

lock: venv ## resolve pyproject.toml anew
	$(LOCK) --upgrade pyproject.toml --extra dev -o requirements.lock
	$(LOCK) --constraint requirements.lock pyproject.toml -o deploy/requirements.lock

# The copy of the lock inside .venv is written last: an interrupted install starts over, an unchanged lock costs nothing.
venv: ## install what is needed into .venv; the others do it by themselves
	@cmp -s requirements.lock $(VENV)/installed.lock || { $(FIND_PYTHON); \
		echo "Installing into $(VENV), once per change of requirements.lock ..."; \
		{ $(RUN) -c '' 2>/dev/null || "$$python" -m venv --clear $(VENV); } && \
		{ [ -x $(UV) ] || $(RUN) -m pip install --quiet --disable-pip-version-check uv; } && \
		$(UV) pip sync --quiet --compile-bytecode --python $(RUN) --require-hashes requirements.lock && \
		cp requirements.lock $(VENV)/installed.lock || { echo "The install did not finish; 'make doctor' says what is missing."; exit 1; }; }
