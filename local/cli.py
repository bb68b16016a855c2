"""The command line of ``python -m local``: what may be asked for, and how it is refused."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from local.interrupts import interruptible

_INTERRUPTED = 130
_LOG_WIDTH = 100
_FIRST_LINES = {
    "up": "Deploying the Pulumi program onto an AWS inside this machine.",
    "demo": "Demo: documents on their way from queue to file batch to execution to analysis,\n"
    "and labels on theirs from proposal to Batch API job to verdict.\n"
    "Deploying the Pulumi program onto an AWS inside this machine.",
    "import-receipts": "Importing receipts into the stack that is up on this machine.",
}


class Options(argparse.Namespace):
    """What was asked for."""

    command: str
    started: float
    """When, of the monotonic clock."""
    config: list[tuple[str, str]]
    openai: str = "stand-in"
    openai_base_url: str | None = None
    pinecone_host: str | None = None
    port: int = 0
    receipts: Path
    labels: Path | None = None
    outputs: Path | None = None
    report: Path | None = None
    deadline: float | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code, which is 2 where arguments or configuration are wrong."""
    options, parser = Options(started=time.monotonic()), _parser()
    parser.parse_args(arguments, options)
    if options.openai == "real" and not os.environ.get("OPENAI_API_KEY"):
        parser.error("--openai real needs a key: set OPENAI_API_KEY in the environment")
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH, highlight=False)
    try:
        with interruptible():
            console.print(_FIRST_LINES[options.command])
            # Seconds of imports: whoever waits for them should know for what.
            from local import commands  # noqa: PLC0415

            return commands.run(options, console)
    except KeyboardInterrupt:
        console.print("Interrupted. Nothing is left running.")
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Runs the Pulumi program on an AWS that is embedded in this machine.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="{up,demo,import-receipts}"
    )
    up = commands.add_parser(
        "up",
        help="deploy and stay until Ctrl-C",
        description="Deploys, prints the stack's outputs and endpoints, and stays until Ctrl-C.",
    )
    up.add_argument(
        "--outputs",
        type=_file,
        metavar="FILE",
        help="write outputs and endpoints there as JSON when the stack is ready",
    )
    up.add_argument(
        "--port", type=_port, default=0, metavar="N", help="the port of AWS (default: a free one)"
    )
    demo = commands.add_parser(
        "demo",
        help="deploy, send documents and labels, and account for each of them",
        description="Deploys, sends documents and labels, shows them on their way, and accounts "
        "for each.",
    )
    demo.add_argument("--report", type=_file, metavar="FILE", help="write the result there as JSON")
    demo.add_argument(
        "--deadline",
        type=float,
        metavar="SECONDS",
        help="give each flow up then (default: 60, or 600 without the stand-in)",
    )
    for command in (up, demo):
        _add_common(command)
    _add_import(commands)
    return parser


def _add_import(commands: Any) -> None:
    receipts = commands.add_parser(
        "import-receipts",
        help="put receipts and proposed labels into the stack that is up",
        description="Puts receipts and proposed labels into the label table of the stack that "
        "`python -m local up` keeps up, and vectors of their words into its Pinecone.",
    )
    receipts.add_argument(
        "receipts", type=Path, metavar="FILE", help="JSON lines, a receipt a line"
    )
    receipts.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="JSON lines, a label a line (default: labels.jsonl beside the receipts)",
    )
    receipts.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="what `up --outputs` wrote (default: that of the stack that was started last)",
    )


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        action="append",
        type=_assignment,
        default=[],
        metavar="KEY=VALUE",
        help="set a key as `pulumi config set` would; may be repeated",
    )
    server = command.add_mutually_exclusive_group()
    server.add_argument(
        "--openai",
        choices=("stand-in", "real"),
        default="stand-in",
        help="talk to the stand-in (default), or to OpenAI with the key in OPENAI_API_KEY",
    )
    server.add_argument(
        "--openai-base-url",
        metavar="URL",
        help="talk to another server that speaks OpenAI's API, such as http://127.0.0.1:8000/v1",
    )
    command.add_argument(
        "--pinecone-host",
        metavar="HOST",
        help="project onto another Pinecone index, with the key in PINECONE_API_KEY",
    )


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    if key.rpartition(":")[2] == "openaiBaseUrl":
        raise argparse.ArgumentTypeError("another OpenAI is chosen with --openai-base-url")
    if key.rpartition(":")[2] == "pineconeIndexHost":
        raise argparse.ArgumentTypeError("another Pinecone is chosen with --pinecone-host")
    return key, value


def _file(text: str) -> Path:
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {path.absolute().parent}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a directory")
    return path


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)
