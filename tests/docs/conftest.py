"""What the pages are generated from, and all pages."""

from pathlib import Path

import pytest

from docs.generate.program import ROOT, Program, program

_OURS = ("*.md", "docs/**/*.md", "provider/**/*.md", "policy/*.md")


@pytest.fixture(scope="session")
def registered() -> Program:
    """The program as pages show it."""
    return program()


def all_pages() -> list[Path]:
    """Every page of the repository."""
    return sorted(page for pattern in _OURS for page in ROOT.glob(pattern))
