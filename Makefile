# The two commands that set everything up are "make demo" and "make test"; "make help" lists the others.
# Each builds what it needs: Meson does the building, this file only says which folder and which tests.
.DELETE_ON_ERROR:
.NOTPARALLEL: # ninja uses the cores
.PHONY: help packages build demo test sanitize interop bench peers clean

# CI and packagers may ask for more, e.g. MESON_OPTIONS=-Dwerror=true.
MESON_OPTIONS ?=
DRAW = tools/traffic_lights/traffic_lights
TEST = meson test --print-errorlogs --no-rebuild

help:
	@sed -n 's/^## //p' Makefile

packages:
	@scripts/packages.sh

## make demo       retrains on sample photos it draws, with a pretrained network it gets; all of it goes to demo/
demo: packages build/build.ninja demo/efficientnet_lite0/saved_model.pb demo/photos.drawn
	@ninja -C build retrain
	@scripts/demo.sh

demo/efficientnet_lite0/saved_model.pb: scripts/efficientnet_lite0.sh $(wildcard tools/efficientnet_lite0/*.py) | packages
	@scripts/efficientnet_lite0.sh demo/efficientnet_lite0 demo/downloads

# New photos come from another seed: none of them was trained on.
demo/photos.drawn: $(wildcard tools/traffic_lights/*.[ch]) | build/build.ninja
	@ninja -C build $(DRAW)
	@mkdir -p demo && rm -rf demo/photos demo/new_photos
	@build/$(DRAW) demo/photos
	@build/$(DRAW) demo/new_photos 4 2
	@touch $@

## make test       builds and runs every test that needs no Python
test: build
	@$(TEST) -C build

## make build      build/retrain, optimised and with debug information
build: packages build/build.ninja
	@ninja -C build

build/build.ninja: | packages
	@meson setup build $(MESON_OPTIONS)

## make sanitize   the same tests under AddressSanitizer and UndefinedBehaviorSanitizer (build-asan/)
sanitize: packages build-asan/build.ninja
	@ninja -C build-asan
	@$(TEST) -C build-asan

build-asan/build.ninja: | packages
	@meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false $(MESON_OPTIONS)

## make interop    real TensorFlow 2.15.1 (in build-interop/, Python 3.11) runs what we wrote
interop: build demo/efficientnet_lite0/saved_model.pb
	@scripts/packages.sh libegl1 libgles2 libportaudio2 # MediaPipe's
	@tests/interop/run.sh

## make bench      times decode, resize, network, training, and whole runs
bench: build
	@bench/run.sh

## make peers      times it beside ONNX Runtime, OpenVINO, LiteRT, MNN and TensorFlow (in build-peers/, Python 3.11)
peers: build
	@bench/peers/run.sh $(PEERS)

## make clean      removes the build folders; demo/ stays
clean:
	@rm -rf build build-*
