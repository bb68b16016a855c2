"""A command a module: its ``NAME`` and ``HELP``, ``add`` its arguments, ``run`` it."""

import argparse
from typing import Protocol

from ops.screen import Screen
from ops.stack import Stack


class Command(Protocol):
    """What each module here has."""

    NAME: str
    HELP: str
    """Without a full stop."""

    @staticmethod
    def add(parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""

    @staticmethod
    def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
        """Do it; the exit code."""


COMMANDS: tuple[Command, ...] = ()
