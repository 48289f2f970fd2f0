# Every command of the project. `make help` lists them; Python 3.11 or newer is all that has to be there.

PYTHON ?= python3
WORKERS ?= 2
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TYPED := api shared worker ops

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run stop status demo test check lint format types imports migrations-check openapi-check openapi \
	bench images-check requirements migration mail-preview mail-words settings-docs up down logs migrate psql dev clean

help: ## list the commands
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##@ On this machine, without Docker
run: $(READY) ## everything at once, then one order driven through it (DETACH=1 to return, NO_DEMO=1 to skip the order)
	@$(BIN)/python -m ops.quickstart run $(if $(DETACH),--detach) $(if $(NO_DEMO),--no-demo)

stop: ## end what `make run` started
	@if test -x $(BIN)/python; then $(BIN)/python -m ops.quickstart stop; else echo "Nothing runs."; fi

status: $(READY) ## what runs, and where
	@$(BIN)/python -m ops.quickstart status

demo: $(READY) ## drive the running system over HTTP and say what each step proved (CHAPTER=order for one part)
	@$(BIN)/python -m ops.demo $(if $(CHAPTER),--chapter "$(CHAPTER)")

bench: $(READY) ## how far each path is from the limit of this machine (ARGS=…)
	@$(BIN)/python -m ops.bench $(ARGS)

##@ Before you commit
test: $(READY) ## the whole suite on real services that it starts itself (ARGS=tests/orders, WORKERS=2)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: lint types imports migrations-check openapi-check test ## everything CI runs

lint: $(READY) ## ruff: mistakes and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY) ## ruff: put the format right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY) ## mypy
	@$(BIN)/mypy $(TYPED)

imports: $(READY) ## who may import whom
	@$(BIN)/lint-imports

migrations-check: $(READY) ## migrations are safe, reversible and complete
	@$(BIN)/python -m ops.lint.migrations

openapi-check: $(READY) ## the committed OpenAPI file is the one the code makes
	@$(BIN)/python -m ops.openapi --check

openapi: $(READY) ## write the OpenAPI file
	@$(BIN)/python -m ops.openapi

images-check: $(READY) ## build both images and run the API and the worker from them
	@PATH="$(CURDIR)/$(BIN):$$PATH" ops/images/check.sh

##@ Changing things
migration: $(READY) ## a new migration file (name="add crews")
	@test -n "$(name)" || { echo 'usage: make migration name="add crews"' >&2; exit 2; }
	@$(BIN)/python -m ops.lint.migrations --add "$(name)"

mail-preview: $(READY) ## every mail in every language, to look at: var/mail-preview/index.html (ARGS=--help)
	@$(BIN)/python -m ops.mail_preview $(ARGS)

mail-words: $(READY) ## bring the catalogs of mails up to date with the templates (ADD=fr begins one)
	@$(BIN)/python -m ops.mail_words $(if $(ADD),--add $(ADD))

settings-docs: $(READY) ## write .env.example and the pages of settings, permissions and the order's life
	@$(BIN)/python -m ops.settings_docs
	@$(BIN)/python -m ops.permissions_docs
	@$(BIN)/python -m ops.order_life_docs

requirements: $(READY) ## lock the dependencies again from ops/requirements/*.in
	@cd ops/requirements && for part in api worker dev; do \
		../../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command 'make requirements' \
			--output-file $$part.txt $$part.in || exit 1; \
	done

clean: stop ## forget everything: var/ (all data) and .venv
	@rm -rf var $(VENV)

##@ With Docker Compose
up: ## build and start, in the background
	@docker compose up --build --detach

down: ## stop; the data stays in its volumes
	@docker compose down

logs: ## follow the logs
	@docker compose logs --follow --tail 100

migrate: ## run the migrations
	@docker compose run --rm --build migrate

psql: ## a SQL prompt as superuser
	@docker compose exec postgres sh -c 'exec psql -U "$${POSTGRES_USER:-postgres}" "$${POSTGRES_DB:-crewline}"'

dev: ## start with the source mounted and reloaded
	@docker compose --profile dev up --build

# One file stands for "what is installed is what is locked"; it is older than the lock file after a pull.
$(READY): ops/requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Crewline needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version 2>&1`." >&2; \
		echo "Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Installing the locked dependencies into $(VENV); the first time takes about a minute."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } || { \
		echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@
