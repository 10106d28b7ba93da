# Every target does its own set-up: it installs what is missing from tools/packages.txt, configures and builds.
.PHONY: build run test bench package fuzz asan tsan soak format clean
.DEFAULT_GOAL := build

build:                 ## the program, as build/holdfast
	@tools/install_packages.sh build
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release

run: build             ## start everything with built-in defaults
	@tools/install_packages.sh run
	@build/holdfast up

test: build            ## every test; ends with "N passed, N failed"
	@tools/install_packages.sh build test package fuzz
	@tools/run_tests.py

bench: build           ## Holdfast beside HAProxy, nginx and mosquitto; writes bench/RESULTS.md, RELOADS.md and BROKER.md
	@tools/install_packages.sh bench
	@bench/run.py
	@bench/reload.py
	@bench/broker.py

package: build         ## build/holdfast_VERSION_ARCHITECTURE.deb; see docs/INSTALL.md
	@tools/install_packages.sh package
	@cmake --build --preset release --target package_files
	@cpack --config build/CPackConfig.cmake

asan tsan:             ## build and run every test under a sanitizer
	@tools/install_packages.sh build test
	@tools/run_tests.py --preset $@

soak:                  ## 1,000 MQTT clients that come and go for SOAK_SECONDS (60), under each sanitizer
	@tools/install_packages.sh build test
	@tools/run_tests.py --soak $(or $(SOAK_SECONDS),60)

fuzz:                  ## run every fuzzer for FUZZ_SECONDS (60)
	@tools/install_packages.sh build fuzz
	@tools/run_fuzzers.py $(or $(FUZZ_SECONDS),60)

format:                ## clang-format over every source
	@tools/install_packages.sh test
	@tools/check_format.py --fix

clean:
	@rm -rf build build-debug build-asan build-tsan build-fuzz
