"""A command a module: its ``NAME`` and ``HELP``, ``add`` its arguments, ``run`` it."""

import argparse
from typing import Protocol

from ops.commands import cost, ingest, poll, redrive, status, submit
from ops.screen import Screen
from ops.stack import Stack


class Command(Protocol):
    """What each module here has."""

    NAME: str
    HELP: str
    """Without a full stop."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""

    def run(self, options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
        """Do it; the exit code."""


COMMANDS: tuple[Command, ...] = (status, ingest, submit, poll, redrive, cost)
