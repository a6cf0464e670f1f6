# SPDX-License-Identifier: Apache-2.0
# The short face of the CMake build. Everything is built out of tree, in build/.
BUILD ?= build
JOBS  ?= $(shell nproc)
TYPE  ?= Release

.PHONY: all configure demo test bench bench-instr bench-quick fuzz install clean format

all: configure
	@cmake --build $(BUILD) -j$(JOBS) -- --no-print-directory

configure:
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=$(TYPE) >$(BUILD).cmake.log 2>&1 && rm -f $(BUILD).cmake.log || { cat $(BUILD).cmake.log; exit 1; }

demo: all
	@tools/demo.sh $(BUILD)

# make test AREA=tcp runs what is named so; ONLY=unit,judges some steps.
test:
	@tools/test.sh $(if $(AREA),--area $(AREA)) $(if $(ONLY),--only $(ONLY))

# Beside the kernel, gVisor, pasta and slirp4netns, as root: docs/guide-bench.md.
bench: all
	@tests/bench/run.py $(BUILD)

bench-quick: all
	@tests/bench/run.py --quick $(BUILD)

bench-instr: all
	@tests/bench/instr.sh $(BUILD)

# make fuzz MINUTES=30 TARGET=tcp
fuzz:
	@MINUTES='$(MINUTES)' TARGET='$(TARGET)' tools/fuzz.sh

install: all
	@cmake --install $(BUILD)

format:
	@git ls-files '*.[ch]' | xargs clang-format -i

clean:
	@rm -rf build build-*
