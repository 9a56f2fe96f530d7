# The front door: everything else is CMake's. `make` builds, `make demo` shows, `make test` checks.

BUILD ?= build
CMAKE_FLAGS ?=
CONFIGURE = cmake -G Ninja -S . $(shell command -v ccache >/dev/null && echo -DCMAKE_C_COMPILER_LAUNCHER=ccache)
CTEST = ctest --output-on-failure --no-tests=error -j2

.PHONY: build setup setup-tests demo test asan bench fuzz format clean

build: setup
	@test -f $(BUILD)/build.ninja || $(CONFIGURE) -B $(BUILD) $(CMAKE_FLAGS) >/dev/null
	@ninja -C $(BUILD) --quiet

setup:
	@tools/install_system.sh
	@tools/fetch_deps.sh

demo: build # the main job: train, evaluate, save
	@mkdir -p run/demo
	@test -f run/demo/leads.csv || python3 examples/make_leads.py run/demo/leads.csv
	@$(BUILD)/chert submit --python deps/venv-4.1.3/bin/python examples/lead_scoring.py run/demo/leads.csv run/demo

test: setup-tests build
	@cd $(BUILD) && $(CTEST)

setup-tests: # the real mlflow, a PostgreSQL and a browser
	@tools/install_system.sh --with-tests
	@tools/fetch_deps.sh --with-mlflow

asan: setup # the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@test -f build-asan/build.ninja || $(CONFIGURE) -B build-asan -DCHERT_SANITIZE=ON >/dev/null
	@ninja -C build-asan --quiet
	@cd build-asan && $(CTEST) -L unit

bench: build # chert beside the peers that are installed
	@python3 bench/run.py
	@python3 bench/tracking.py
	@python3 bench/scoring.py

FUZZ_SECONDS ?= 600
fuzz: setup # every fuzz target for FUZZ_SECONDS
	@test -f build-fuzz/build.ninja || CC=clang $(CONFIGURE) -B build-fuzz -DCHERT_FUZZ=ON >/dev/null
	@ninja -C build-fuzz --quiet
	@tests/fuzz/run.sh build-fuzz $(FUZZ_SECONDS)

format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-asan build-fuzz
