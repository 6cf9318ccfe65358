# make run: set up .venv if needed, then compute results/<run>/ and its HTML report; call it again after any interruption.
# make test: set up .venv and the test tools if needed, then run every test.
# make benchmark: measure what scoring costs (config/benchmark.yaml), for an hour; make performance: and write docs/performance.md.
# make readme: compute the default run if needed, and bring README's table and figure of it up to date.
# make results: from the shipped scores, results/nats-bench and two further runs, docs/results.md, the papers' tables beside
# ours, README's table of NATS-Bench, and the answers in docs/own-images.md.
# Settings: make run CONFIG=config/digits-truth.yaml CORES=8, make PYTHON=/path/to/python3.11 run

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?= config.yaml
CORES ?= all

.PHONY: run test readme benchmark performance results lint restart
.DELETE_ON_ERROR:

run: .venv/run.stamp
	@.venv/bin/python workflow_scripts/run.py --configfile "$(CONFIG)" --cores $(CORES)

# Whole files side by side, since their tests share what takes long; four processes at most, since each has torch.
test: .venv/test.stamp
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile

readme: override CONFIG = config.yaml
readme: run
	.venv/bin/python docs/update_readme.py

benchmark: .venv/run.stamp
	.venv/bin/python workflow_scripts/run.py --configfile config/benchmark.yaml --cores $(CORES) --target benchmark

performance: benchmark
	.venv/bin/python docs/update_performance.py

results: .venv/run.stamp
	for further in nats-bench-literal nats-bench-128; do \
	  .venv/bin/python workflow_scripts/run.py --configfile config/nats-bench.yaml config/$$further.yaml \
	    --cores $(CORES) --target results/$$further/scores.duckdb || exit; done
	.venv/bin/python workflow_scripts/run.py --configfile config/nats-bench.yaml --cores $(CORES) --target results
	.venv/bin/python docs/update_results.py

lint: .venv/test.stamp
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/snakemake --lint
	.venv/bin/sqlfluff lint workflow_scripts/proxybank

docs/configuration.md: workflow_scripts/proxybank/config.py workflow_scripts/proxybank/config.schema.yaml | .venv/run.stamp
	PYTHONPATH=workflow_scripts .venv/bin/python -m proxybank.config > $@.new && mv $@.new $@

docs/proxies.md: $(wildcard workflow_scripts/proxybank/proxies/*.py) | .venv/run.stamp
	PYTHONPATH=workflow_scripts .venv/bin/python -m proxybank.proxies > $@.new && mv $@.new $@

docs/algorithms.md: $(addprefix workflow_scripts/proxybank/searches/,__main__.py registry.py) | .venv/run.stamp
	PYTHONPATH=workflow_scripts .venv/bin/python -m proxybank.searches > $@.new && mv $@.new $@

# A killed installation leaves half packages that pip takes for whole ones: .venv/unfinished then has us start afresh.
# It holds the number of the make that installs, which nothing may be taken from while it is at work. A pip that fails by
# itself, as without a network, leaves what there was; one that is interrupted counts as killed, whatever it returns.
pip = trap 'exit 130' INT; .venv/bin/python -m pip install -qq
installed = || { code=$$?; [ $$code -gt 128 ] || rm .venv/unfinished; exit $$code; }

restart:
	@installs=$$(cat .venv/unfinished); if kill -0 "$$installs" 2>/dev/null; then \
	  echo "make: .venv: process $$installs is installing packages into it. Expected no other make here." \
	    "Wait for its end, then call make again; if that process is something else, remove .venv." >&2; exit 1; fi
	@rm -rf .venv

.venv/run.stamp: envs/requirements.txt envs/constraints.txt $(if $(wildcard .venv/unfinished),restart)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo "make: '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1 || true). Expected Python 3.11." \
	    "Install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@case "$(CURDIR)" in *[!A-Za-z0-9@%+=:,./_-]*) echo "make: $(CURDIR): found a space or a special character in this" \
	  "path. Expected none, since Snakemake calls Python from a shell without quotes. Move the project." >&2; exit 1;; esac
	@mkdir -p .venv && echo $$PPID > .venv/unfinished
	@echo "Installing the packages of envs/requirements.txt into .venv, once: about a minute, or several where PyTorch comes with CUDA."
	@"$(PYTHON)" -m venv .venv
	@$(pip) -r envs/requirements.txt $(installed)
	@rm .venv/unfinished
	@touch $@

# The reference builder xautodl names dependencies of 2020 and needs none of them here, hence --no-deps.
.venv/test.stamp: .venv/run.stamp envs/requirements-test.txt envs/requirements-slurm.txt envs/requirements-oracle.txt
	@echo $$PPID > .venv/unfinished
	@echo "Installing the packages of envs/requirements-test.txt into .venv: less than a minute, once."
	@$(pip) -r envs/requirements-test.txt $(installed)
	@$(pip) --no-deps -r envs/requirements-oracle.txt $(installed)
	@rm .venv/unfinished
	@touch $@
