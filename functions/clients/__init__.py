"""The edge of each outside system, one module each."""
