"""``python -m ops ingest``: ask for documents, and follow them to their analyses."""

import argparse
from typing import Any

from ops.screen import Screen
from ops.stack import Stack

NAME = "ingest"
HELP = "Send documents to be ingested, and follow them to their analyses"

_WATCH_SECONDS = 900.0
_DEFAULTS = {
    "domain": "whom the document is about",
    "vector_store": "the vector store that it goes into, such as news/example.com",
    "type": "what it is, such as news",
    "fallback": "what is known of it, in case it cannot be downloaded",
    "legal_name": "the name of whom it is about",
    "industries": "separated by ;",
    "markets": "separated by ;",
    "customer_domain": "who asks (default: the domain)",
    "subject_type": "customer or competitor (default: customer)",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Its own arguments."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="FILE|URL",
        help="a .csv file with a header row, a .jsonl file, or the URL of a document",
    )
    values = parser.add_argument_group(
        "what URLs, and records without the field, are completed with"
    )
    for name, meaning in _DEFAULTS.items():
        values.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=meaning)
    parser.add_argument("--dry-run", action="store_true", help="check everything, send nothing")
    parser.add_argument("--watch", action="store_true", help="follow each to its analysis")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=_WATCH_SECONDS,
        metavar="SECONDS",
        help=f"how long to watch (default: {_WATCH_SECONDS:.0f})",
    )


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
    """0: all sent, and with ``--watch`` all analysed; 1: not all; 2: nothing, for it was wrong."""
    # Rich's live views and the functions' models: whoever asks for help need not wait for them.
    from ops.ingest.running import Wanted, ingest  # noqa: PLC0415

    wanted = Wanted(
        sources=options.sources,
        defaults=_defaults(options),
        dry_run=options.dry_run,
        watch_seconds=options.timeout if options.watch else None,
    )
    return ingest(wanted, stack, screen)


def _defaults(options: argparse.Namespace) -> dict[str, Any]:
    """Those that were given, by their names on the wire."""
    from pydantic.alias_generators import to_camel  # noqa: PLC0415

    from ops.ingest.records import LISTS, as_list  # noqa: PLC0415

    given = {to_camel(name): getattr(options, name) for name in _DEFAULTS}
    return {
        name: as_list(text) if name in LISTS else text
        for name, text in given.items()
        if text is not None
    }


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 0 to 86400 seconds")
    return seconds
