# One verb for each thing a developer or CI does; see CONTRIBUTING.md.

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
ARGS ?=

# uv must take the Python that is here: it would otherwise try to download one.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1

.PHONY: setup runtime demo run test test-pythons lint types bench screenshots docs lock clean

## setup: make .venv with everything to run and to develop Aftercall
setup: $(UV)
	@$(UV) sync --frozen --quiet --extra weights --extra llm --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@$(MAKE) --no-print-directory pages

## runtime: make .venv with what Aftercall needs to run
runtime: $(UV)
	@$(UV) sync --frozen --quiet --inexact --no-dev --extra weights --extra llm --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@$(MAKE) --no-print-directory pages

## demo: show Aftercall on its built-in demo PBX (ARGS=--once to print the calls and exit)
demo: runtime
	@.venv/bin/aftercall demo $(ARGS)

## run: start Aftercall for a real PBX
run: runtime
	@.venv/bin/aftercall serve $(ARGS)

## test: pass the tests; says loudly what this machine cannot run
test: setup
	@.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

## test-pythons: the tests that need no PBX and no browser, on every other Python this machine has
test-pythons: setup
	@for version in 3.11 3.12 3.13; do scripts/test-on-python $$version $(UV) || exit 1; done

## lint: style of code and format
lint: setup
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .

## types: the strict type checker
types: setup
	@.venv/bin/mypy

## bench: measured ratios, each against a stated baseline of the same run
bench: setup
	@.venv/bin/python -m bench $(ARGS)

## screenshots: draw the pages of the demo for the README
screenshots: setup
	@.venv/bin/python -m scripts.screenshots $(ARGS)

## docs: write the parts of docs/ that come from the code
docs: setup
	@.venv/bin/python scripts/write_error_docs.py
	@cp src/aftercall/pbx/freepbx/guide.md docs/freepbx.md

## lock: resolve the dependencies anew
lock: $(UV)
	@$(UV) lock

clean:
	rm -rf .venv .venv-* .tools frontend/node_modules src/aftercall/web/static/dist .mypy_cache .ruff_cache .pytest_cache

# pip --target works on a fresh Debian too, where there is neither ensurepip nor a writable site-packages.
$(UV):
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools uv==$(UV_VERSION)

# The bundle of the pages is built with the package; it is missing only after somebody deleted it by hand.
.PHONY: pages
pages:
	@test -f src/aftercall/web/static/dist/manifest.json || $(UV) sync --frozen --quiet --inexact --extra weights --extra llm --reinstall-package aftercall \
		--python .venv/bin/python
