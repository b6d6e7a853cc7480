# make help lists what there is. Everything that is installed goes into .venv, everything that is made into var.
.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench requirements clean prepare-demo prepare-check prepare-dev prepare-bench
MAKEFLAGS += --no-print-directory
PORT ?= 8000
ARGS ?=
unexport PYTHONDONTWRITEBYTECODE # with it, each of the many processes that are started would compile everything anew

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

prepare-demo:
	@python=$$(sh .ci/find-python) && "$$python" .ci/prepare.py demo

prepare-check:
	@python=$$(sh .ci/find-python) && "$$python" .ci/prepare.py check

prepare-dev:
	@python=$$(sh .ci/find-python) && "$$python" .ci/prepare.py dev

prepare-bench:
	@python=$$(sh .ci/find-python) && "$$python" .ci/prepare.py bench

demo: prepare-demo ## Start the product on 336,776 real flights (PORT=8000); Ctrl-C stops it
	@exec .venv/bin/python manage.py demo --port $(PORT)

test: prepare-dev ## Run the tests on SQLite and on PostgreSQL, with coverage (ARGS="tests/grids -x" for a part)
	@exec .venv/bin/python .ci/suite.py $(ARGS)

check: prepare-check ## Judge the code: format, lint, types, layers, migrations, documentation, front end
	@exec .venv/bin/python .ci/checks.py

docs: prepare-check ## Build the documentation into var/docs (warnings are errors)
	@exec .venv/bin/python .ci/checks.py documentation

bench: prepare-bench ## Run the benchmarks in tests/benchmarks (ARGS="name" for one)
	@exec .venv/bin/python -m tests.benchmarks $(ARGS)

requirements: prepare-dev ## Resolve the dependencies anew (UPGRADE=1 takes newer versions)
	@exec sh .ci/compile

clean: ## Remove what was made and installed here
	rm -rf .venv var gridkit_django/frontend/node_modules gridkit_django/frontend/build
	rm -f gridkit_django/static/gridkit/gridkit.js gridkit_django/static/gridkit/gridkit-*.js gridkit_django/static/gridkit/gridkit.js.LEGAL.txt
