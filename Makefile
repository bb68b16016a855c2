# Every target sets up what it needs: the only thing asked of the machine is Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test faults bench docs check format lock clean

demo: $(STAMP)
	$(BIN)/python -m local demo

test: $(STAMP)
	$(BIN)/python -m pytest -m ''

# Every call of the functions, with everything that can go wrong at it: docs/reliability.md.
faults: $(STAMP)
	$(BIN)/python -m tests.faults

# What it costs and how long it takes, beside what people do today: docs/performance.md.
bench: $(STAMP)
	$(BIN)/python -m benchmarks

# The generated parts of pages in docs/: a test fails when one is out of date.
docs: $(STAMP)
	$(BIN)/python -m docs.generate

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --strict-collection --quiet .github

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Lambda's runtime has these, whatever of the functions' asks for them: boto3 has to fit its own.
RUNTIMES_OWN := $(addprefix --no-emit-package ,botocore jmespath python-dateutil urllib3)

# Pins the newest versions of everything named in the .in files.
lock: $(STAMP)
	for name in requirements functions/requirements local/runtime-requirements policy/requirements \
	    ops/requirements requirements-dev; do \
	  case $$name in functions/*) left_out="$(RUNTIMES_OWN)" ;; *) left_out= ;; esac; \
	  $(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 $$left_out \
	    --custom-compile-command 'make lock' $$name.in --output-file $$name.txt || exit 1; \
	done

clean:
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache

$(STAMP): requirements-dev.txt functions/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^uv==' requirements.txt)
	$(BIN)/uv pip install --quiet --requirement requirements-dev.txt
	@# The functions' own packages, for Lambda and for this machine.
	$(BIN)/python -c 'from local.unpacked import unpacked; unpacked()'
	touch $(STAMP)
