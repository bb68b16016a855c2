"""The Lambda package: plain Python that imports nothing of ours but itself."""
