# make env     .venv with everything and .venv42 with Blender 4.2, from the pinned lists in requirements/
# make demo    a sketch, a blockout and a prompt through headless Blender into demo/out
# make zip     the extension as artists install it, into dist
# make release  the zip, an extension repository (index.json) and checksums, into dist
# make docs    the documentation as a site, into build/docs
# make pictures  the documentation's pictures; WINDOW=FILE takes a screenshot along
# make lint    ruff, and mypy's errors against tests/type_errors.txt
# make test    all tests, without a GPU
# make test-fast  what needs neither Blender nor minutes
# make train   the starter from meshes to report in one go: DATA, MINUTES (for everything together), OUT
# make constraints  what Set Up Worker installs, locked anew after a change of requirements/main.txt (needs uv)
# make bench   the codec against the paper's table, the seconds of each stage, and the longest poll of the supervisor
#
# Where pip finds packages is pip's own configuration. PyPI's torch for Linux brings CUDA along (2 GB); the small CPU build comes with
#   make env PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

PYTHON ?= python3.11
# A folder of meshes, for `make train` and, in the format of wala_blender/training/data/mesh_datasets.py, for `make bench`, which leaves out what needs it.
DATA ?=
MINUTES ?= 60
OUT ?= runs/starter
INSTALL = -m pip install --disable-pip-version-check --only-binary :all:
# Stamps name their lists' contents, so that a changed list is installed and a new checkout's file dates do not matter.
MAIN = .venv/complete-$(shell cat requirements/main.txt pyproject.toml | cksum | cut -d' ' -f1)
BLENDER42 = .venv42/complete-$(shell cksum < requirements/blender42.txt | cut -d' ' -f1)

ifdef PIP_EXTRA_INDEX_URL
export PIP_EXTRA_INDEX_URL
endif

.PHONY: env demo zip release docs pictures lint test test-fast train constraints bench
.DELETE_ON_ERROR:

env: $(MAIN) $(BLENDER42)

$(MAIN):
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) -r requirements/main.txt
	.venv/bin/python -m pip install --disable-pip-version-check --no-deps -e .
	rm -f .venv/complete-*
	touch $@

$(BLENDER42):
	$(PYTHON) -m venv .venv42
	.venv42/bin/python $(INSTALL) -r requirements/blender42.txt
	rm -f .venv42/complete-*
	touch $@

demo: env
	.venv/bin/python -m demo

zip: env
	.venv/bin/python -m demo.package dist

release: env
	.venv/bin/python -m demo.package dist --release

docs: env
	.venv/bin/python -m sphinx -q -W -c docs -b html . build/docs
	echo '<meta http-equiv="refresh" content="0; url=docs/index.html">' > build/docs/index.html

pictures: env
	.venv/bin/python -m demo --pictures docs $(if $(WINDOW),--window $(WINDOW))

lint: env
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m tests.type_errors

test: env
	.venv/bin/python -m pytest

test-fast: env
	.venv/bin/python -m pytest -n 2 -m "not slow and not blender"

train: env
	$(if $(DATA),,$(error name the folder of meshes: make train DATA=FOLDER))
	.venv/bin/python -m wala_blender train all --data $(DATA) --out $(OUT) --minutes $(MINUTES)

# numpy 1.26 has no wheels for Python 3.13. PyTorch names the CUDA packages of its builds itself.
constraints:
	mkdir -p build
	sed 's/^numpy==.*/&; python_version < "3.13"/' requirements/main.txt > build/tested.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate -c build/tested.txt -o build/constraints.txt runtime/requirements.txt
	(head -2 runtime/constraints.txt && grep -vE "^(nvidia|cuda|triton)|== 'emscripten'" build/constraints.txt) > build/locked.txt
	mv build/locked.txt runtime/constraints.txt

bench: env
	.venv/bin/python benchmarks/codec.py $(if $(DATA),--data $(DATA))
	.venv/bin/python benchmarks/generate.py
	.venv/bin/python benchmarks/loading.py
	.venv/bin/python benchmarks/loading_lagem.py
	.venv/bin/python benchmarks/working_memory.py
	.venv/bin/python benchmarks/start.py
	.venv/bin/python benchmarks/precision.py
	.venv/bin/python benchmarks/convolutions.py
	.venv/bin/python benchmarks/scaling.py
	.venv/bin/python benchmarks/main_thread.py
	.venv/bin/python benchmarks/supervisor_poll.py
