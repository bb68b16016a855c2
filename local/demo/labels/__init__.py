"""The second half of the demo: labels on their way from proposal to verdict."""
