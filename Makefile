# The same commands as ./yizhan, for those who have make.
PORT ?= 8000
SIM_PORT ?= 8001
PYTHON = .venv/bin/python

.PHONY: demo test check format prove node

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

# The clients of npm against the simulator; needs Node 20 and npm.
node: .venv/made-from
	YIZHAN_NODE=1 $(PYTHON) -m pytest -n 0 tests/simulator/test_node_clients.py

.venv/made-from: requirements.lock
	./yizhan --version
