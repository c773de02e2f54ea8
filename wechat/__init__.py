"""The wire to the platform."""
