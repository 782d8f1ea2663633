# The two commands that set everything up are "make demo" and "make test"; "make help" lists the others.
# Each builds what it needs: Meson does the building, this file only says which folder and which tests.
.DELETE_ON_ERROR:
.PHONY: help packages build test sanitize

# CI and packagers may ask for more, e.g. MESON_OPTIONS=-Dwerror=true.
MESON_OPTIONS ?=
TEST = meson test --print-errorlogs --no-rebuild

help:
	@sed -n 's/^## //p' Makefile

packages:
	@scripts/packages.sh

## make build      build/retrain, optimised and with debug information
build: packages build/build.ninja
	@ninja -C build

build/build.ninja:
	@meson setup build $(MESON_OPTIONS)

## make test       builds and runs every test that needs no Python
test: build
	@$(TEST) -C build

## make sanitize   the same tests under AddressSanitizer and UndefinedBehaviorSanitizer (build-asan/)
sanitize: packages build-asan/build.ninja
	@ninja -C build-asan
	@$(TEST) -C build-asan

build-asan/build.ninja:
	@meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false $(MESON_OPTIONS)
