"""Measured claims, each a command: python -m benchmarks.webhook, python -m benchmarks.broadcast."""
