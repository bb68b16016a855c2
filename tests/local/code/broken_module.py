"""Fails when it is imported."""

raise KeyError("SETTING")
