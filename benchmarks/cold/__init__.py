"""What it takes to start functions cold: their processes, their first events, the usual bundle."""
