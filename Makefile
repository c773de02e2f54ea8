# The same commands as ./yizhan, for those who have make.
PORT ?= 8000
SIM_PORT ?= 8001
PYTHON = .venv/bin/python

.PHONY: demo test check format prove

demo:
	./yizhan demo --port $(PORT) --sim-port $(SIM_PORT)

test:
	./yizhan test

# Format, lint, types, and who may import whom.
check: .venv/made-from
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/made-from
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# The long proofs of the nightly lane; SEED=… replays one.
prove: .venv/made-from
	$(PYTHON) -m pytest -m prove --timeout=3600 -s

.venv/made-from: requirements.lock
	./yizhan --version
