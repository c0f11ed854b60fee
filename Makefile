# Everything a developer does here. Needs git, make and Python 3.11 or newer, nothing else.

.POSIX:
PYTHON = python3
export PYTHON
# Many images set it. With it, each process of Airflow compiles all of Airflow's modules itself.
PYTHONDONTWRITEBYTECODE =
export PYTHONDONTWRITEBYTECODE

VENV = .venv/bin
# From scratch, every reference checked, and a warning is an error.
SPHINX = --quiet --fresh-env --nitpicky --fail-on-warning --keep-going

help: ## list what can be made
	@echo 'make TARGET [PYTHON=python3.12]'
	@sed -n 's/^\([a-z][a-z0-9.-]*\):.*## \(.*\)/  \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '%-15s %s\n' "$$name" "$$text"; done

DIALECT = translated

demo: venv ## run the main job: a real Airflow cancels flagged orders, all is compared; DIALECT=native
	@exec "$(VENV)/python" -m demo $(DIALECT)

demo-ui: venv ## the same set-up with Airflow's web UI, until you press Ctrl-C
	@exec "$(VENV)/python" -m demo.ui

test: venv ## lint, types, the package, every test on Airflow 3.3.2, those about Airflow on 2.11.2
	@"$(VENV)/python" -m nox

# CONTRIBUTING.md says which of them holds which rule.
RULES = tests/api/test_responses.py tests/api/test_errors.py tests/api/test_error_bodies.py \
	tests/api/test_native_part_requests.py tests/api/test_translated_parts.py \
	tests/cancellation/test_decision.py \
	tests/cancellation/test_decision_lines.py tests/cancellation/test_native_decisions.py \
	tests/cancellation/test_refusals.py tests/cancellation/test_pauses.py \
	tests/cancellation/test_promises.py tests/cancellation/test_runner.py \
	tests/cancellation/test_hostile_tenant.py tests/cancellation/parts/test_part_faults.py \
	tests/cancellation/parts/test_part_stories.py \
	tests/cancellation/parts/test_parts_over_sockets.py \
	tests/docs/test_contributing.py tests/docs/test_references.py

# Many of them wait, so that one more works than a small machine has processors.
unit: venv ## the fast tests of the provider: no database, no docs, no tools
	@"$(VENV)/python" -m pytest --unit --numprocesses=3 --dist=worksteal

rules: venv ## the tests of what an answer proves about an order: after a change of such a rule
	@"$(VENV)/python" -m pytest --quiet --numprocesses=3 --dist=worksteal $(RULES)

e2e: venv ## use the web UI in a headless browser; WRITE_DOCS=1 takes the docs' pictures again
	@"$(VENV)/python" -m pytest --e2e tests/e2e

soak: venv ## cancel ten thousand orders in one task, with faults, killed five times (minutes)
	@"$(VENV)/python" -m pytest --soak -rP tests/scheduler

kubernetes-proof: venv ## cancel sets in pods that are evicted, killed, wiped and cut off (minutes)
	@"$(VENV)/python" -m pytest --soak -rP tests/scheduler/test_pods.py

SEEDS = 100000

simulate: venv ## run stories of whole runs in virtual time, on all cores; SEEDS=1000000
	@exec "$(VENV)/python" -m tests.simulation $(SEEDS) $(OPTIONS)

fault-table: venv ## write what each fault ends as into docs/what-happens-when.md
	@WRITE_DOCS=1 "$(VENV)/python" -m pytest --quiet tests/cancellation/test_hostile_tenant.py \
		tests/cancellation/parts/test_part_faults.py

docs: venv ## build the docs into build/docs/html; any warning is an error
	@rm -rf build/docs/html
	@"$(VENV)/python" -m sphinx $(SPHINX) -c docs . build/docs/html
	@echo 'The docs are in build/docs/html/index.html'

docs-links: venv ## look whether every outside link of the docs still leads somewhere
	@"$(VENV)/python" -m sphinx $(SPHINX) -b linkcheck -c docs . build/docs/links

docs-parts: venv ## write what the docs take from the code: the emulator's tables
	@"$(VENV)/python" -m scripts.emulator_tables

public-api: venv ## write the public names and signatures into docs/reference/public-api.txt
	@"$(VENV)/python" -m scripts.public_api

bench: venv ## measure the operator next to a mapped task, a loop and thread pools (most of an hour)
	@"$(VENV)/python" -m bench $(OPTIONS)

cluster-test: venv-cluster ## cancel 20,000 orders on Celery, Redis and Postgres while parts die (minutes)
	@exec .venv-cluster/bin/python -m cluster

JOBS = 1

matrix: venv ## the built wheel on every Airflow and Python (an hour); CELL=… for one, JOBS=2
	@cell='$(CELL)'; "$(VENV)/python" -m nox --parallel=$(JOBS) \
		--session="cell$${cell:+($$cell)}" -- $(OPTIONS); \
	status=$$?; "$(VENV)/python" -m scripts.compatibility && exit $$status

package: venv ## build wheel and sdist twice, compare, check; TAG=v1.2.3 before a release
	@"$(VENV)/python" -m scripts.package --tag='$(TAG)'

release-dry-run: venv ## the release workflow up to the upload; OPTIONS=tests/packaging for fewer
	@"$(VENV)/python" -m scripts.release_dry_run

sbom: venv ## write sbom.cdx.json, which each wheel has in its metadata
	@"$(VENV)/python" -m scripts.sbom

mutants: venv ## put known mistakes and random ones into a copy, and show what the tests let live
	@"$(VENV)/python" -m scripts.mutants
	@"$(VENV)/python" -m scripts.random_mutants $(OPTIONS)

lint: venv ## ruff, mypy, and actionlint and zizmor on the workflows
	@"$(VENV)/python" -m nox --session lint

format: venv ## let ruff rewrite what it can
	@"$(VENV)/python" -m ruff check --fix --quiet . ; "$(VENV)/python" -m ruff format .

venv: ## build .venv (Airflow 3.3.2) if it is not there or not up to date
	@$(PYTHON) scripts/make_venv.py .venv constraints/airflow-3.3.txt

venv-2.11: ## build .venv-2.11 (Airflow 2.11.2; Python 3.11 or 3.12)
	@$(PYTHON) scripts/make_venv.py .venv-2.11 constraints/airflow-2.11.txt --below=3.13

venv-cluster: ## build .venv-cluster (Airflow 3.3.2 with Celery and Postgres)
	@$(PYTHON) scripts/make_venv.py .venv-cluster constraints/cluster.txt

constraints: venv ## resolve constraints/*.in again, to the newest versions that fit together
	@for airflow in 3.4 3.3 3.2 3.1 3.0 2.11; do \
		"$(VENV)/uv" pip compile --quiet --upgrade --universal --python-version=3.11 \
			$$(sed -n 's/^# uv: //p' "constraints/airflow-$$airflow.in") \
			--no-header --no-annotate --no-emit-index-url --group=dev --extra=emulator \
			pyproject.toml "constraints/airflow-$$airflow.in" \
			--output-file="constraints/airflow-$$airflow.txt" || exit 1; \
	done
	@"$(VENV)/uv" pip compile --quiet --upgrade --universal --python-version=3.11 \
		--no-header --no-annotate --no-emit-index-url --group=cluster --extra=emulator \
		pyproject.toml constraints/cluster.in --output-file=constraints/cluster.txt

clean: ## remove the environments, what the demo left, and every cache
	rm -rf .venv .venv-2.11 .venv-cluster .nox .bench .cluster .demo .demo-ui build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help demo demo-ui test unit rules e2e soak kubernetes-proof simulate fault-table docs docs-links docs-parts \
	public-api bench cluster-test matrix package release-dry-run sbom mutants lint format \
	venv venv-2.11 venv-cluster constraints clean
