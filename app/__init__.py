"""The running program: the only package that knows all others."""
