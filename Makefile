# Two commands for a fresh machine: `make demo` and `make test`. Each makes .venv, installs the tested versions and runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSE := $(BIN)/verse
DEMO := demo
STEPS := 400

.PHONY: demo test test-all lint clean

# From nothing to shards, a contact sheet, a first model, its reconstruction of an object it has not seen, and a table.
demo: $(VENV)/installed
	$(VERSE) generate zeroverse --out $(DEMO)/shards --count 24 --size 128 --shard-size 8
	$(VERSE) verify $(DEMO)/shards
	$(VERSE) preview $(DEMO)/shards --out $(DEMO)
	$(VERSE) generate zeroverse --out $(DEMO)/heldout --start 1000000 --count 6 --rig gso-64 --size 128 --passes rgb
	$(VERSE) train lrm --data $(DEMO)/shards --out $(DEMO)/run --validate $(DEMO)/heldout --preset tiny --steps $(STEPS) --resume
	$(VERSE) reconstruct $(DEMO)/run --views $(DEMO)/heldout --out $(DEMO)
	$(VERSE) benchmark $(DEMO)/run --views $(DEMO)/heldout --out $(DEMO)
	$(VERSE) reconstruct laptop --views $(DEMO)/heldout --out $(DEMO)/released
	@echo; echo "See $(DEMO)/index.html, $(DEMO)/contact_sheet.png, $(DEMO)/turntable.webp, $(DEMO)/gaussians.ply, $(DEMO)/table.md;"
	@echo "the same object by the released model, trained for under three hours: $(DEMO)/released/turntable.webp, $(DEMO)/released/viewer.html"

test: $(VENV)/installed $(VENV)/pyrender
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 10

test-all: $(VENV)/installed $(VENV)/pyrender
	$(BIN)/python -m pytest -m "not gpu"

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Training without any C compiler works, but takes four times as long: then the wheel ziglang, which is one, comes along.
$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt ziglang
	touch $@

# pyrender checks our renderer through OpenGL, which wants system libraries: installed when this user may, else its tests skip and say so.
$(VENV)/pyrender: $(VENV)/installed
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[pyrender]"
	-if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! ldconfig -p | grep -q libEGL_mesa; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends libegl1 libgl1 libgl1-mesa-dri libegl-mesa0; fi
	touch $@

clean:
	rm -rf $(DEMO) build *.egg-info
