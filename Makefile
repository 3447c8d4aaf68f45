# The front door: every target is one line behind it. Meson does the building (meson.build), the
# scripts under tools/ do the rest; `make help` lists what there is.
BUILD ?= build
T ?=
TIME ?= 60

.PHONY: build lambda deps check test demo demo-events fuzz bench cover format format-check lint \
	install clean help

build: $(BUILD)/build.ninja ## build understudy and understudy-local into build/
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

lambda: ## the AWS Lambda function: build/understudy-lambda.zip, for Amazon Linux 2023
	tools/install_deps build lambda
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) understudy-lambda.zip
	@ls -l $(BUILD)/understudy-lambda.zip

deps: ## install the Debian packages that are missing (names them first)
	tools/install_deps build demo lambda test

check: ## under a minute: unit tests, fuzz seeds, layers, style
	tools/run_tests quick

test: ## everything: sets up, builds three times, runs all tests and checks
	tools/install_deps build demo lambda test
	tools/run_tests full

demo: ## sets up, builds, shows a replication on a local AWS, cleans up
	tools/install_deps build demo
	@$(MAKE) --no-print-directory build
	demo/demo.sh

demo-events: ## sets up, builds, shows changes that follow by events: rule, function, queue
	tools/install_deps build demo lambda
	@$(MAKE) --no-print-directory build lambda
	demo/events.sh

fuzz: ## make fuzz T=json [TIME=60]: one fuzz target; without T all of them in turn
	tools/run_fuzz $(TIME) $(T)

bench: ## ratios against named peers, in one run (installs wrk and nginx-light)
	tools/install_deps build bench lambda
	@$(MAKE) --no-print-directory build lambda
	@status=0; for bench in local_get local_put local_million local_authorize sync steady \
	        events kms_keys faults; do \
	    bench/$$bench.py || status=1; done; exit $$status

cover: ## line coverage of all suites (gcovr), in build-cover/
	tools/run_cover

format: ## clang-format over every C file
	tools/check_format --fix

format-check:
	tools/check_format

lint: build-asan/build.ninja ## clang-tidy and cppcheck
	tools/check_tidy --deep
	tools/check_cppcheck

build-asan/build.ninja:
	CC=clang-14 meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false \
	    -Doptimization=0 -Ddebug=false -Dc_args=-gline-tables-only -Dc_link_args=-fuse-ld=gold

install: build ## as root: meson install into /usr/local (DESTDIR and meson's prefix work)
	meson install -C $(BUILD) --no-rebuild

clean: ## removes what was built
	rm -rf build build-*/ .demo

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile | column -t -s: -l 2
