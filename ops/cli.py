"""What can be asked for on the command line, and with which exit code it ends.

0: done, and all is well; 1: something is stuck, failed or was not done; 2: the command could not do
what was asked for; 130: interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from functions.errors import FlowError
from ops.commands import COMMANDS
from ops.errors import OpsError
from ops.screen import Screen
from ops.stack import Outputs, Stack, how_to_forget, is_up

WRONG = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    options = _parser().parse_args(arguments)
    screen = Screen(as_json=options.json)
    try:
        stack = Stack(Outputs.found(file=options.outputs, stack=options.stack))
        code: int = options.run(options, stack, screen)
    except (OpsError, FlowError, BotoCoreError, ClientError) as error:
        print(f"{error}{_hint(error)}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return _INTERRUPTED
    return code


def _hint(error: Exception) -> str:
    """What may be behind an error. One of a function's clients is a cause of ours."""
    nothing_answers = isinstance(error.__cause__ or error, EndpointConnectionError)
    return f"\n{how_to_forget()}" if nothing_answers and is_up() else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops",
        description="Shows, feeds and mends a stack: a deployed one, or that of `local up`.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar=f"{{{','.join(each.NAME for each in COMMANDS)}}}"
    )
    for each in COMMANDS:
        command = commands.add_parser(each.NAME, help=each.HELP, description=f"{each.HELP}.")
        each.add(command)
        _add_common(command)
        command.set_defaults(run=each.run)
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON document")
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--stack", metavar="NAME", help="the Pulumi stack (default: the embedded one, if it is up)"
    )
    which.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="what `pulumi stack output --json` printed, or `local up` wrote; - is standard input",
    )
