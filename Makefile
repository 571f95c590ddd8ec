# Every task of the repository. `make` alone lists them; each one first installs what it needs and is missing (scripts/setup).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A fresh rustup has put cargo here, and the shell may not have heard of it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# make demo ARCHIVE=path HOME_DIR=path
export ARCHIVE HOME_DIR

.PHONY: help demo test check lint bench soak build clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## catalog a sample archive (or ARCHIVE=path), run a pipeline over it, explain and verify
	@scripts/setup build web media sample
	@scripts/demo --check
	@scripts/web build
	@cargo build --release --locked --package exhibit-app
	@scripts/demo

test: ## everything that must hold: format, clippy, tidy, all tests on SQLite and PostgreSQL
	@scripts/setup build web media sample lint test
	@scripts/test

check: ## the quick part of it, to be run often: lint and the unit tests of model
	@scripts/setup build lint
	@scripts/lint
	@cargo test --locked --quiet --package exhibit-model

lint: ## format, clippy and tidy
	@scripts/setup build lint
	@scripts/lint

bench: ## measure against other programs and raw loops in the same run
	@scripts/setup build web media sample bench
	@bench/run

soak: ## kills at 200 points, a million files, a whole archive, fuzzing: at most 80 minutes; writes bench/SOAK.md
	@scripts/setup build media sample test fuzz
	@scripts/soak

build: ## the release binary with the web UI in it, target/release/exhibit
	@scripts/setup build web
	@scripts/web build
	@cargo build --release --locked --package exhibit-app

clean: ## remove everything that was built, the demo included
	@cargo clean
