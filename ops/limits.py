"""How much a command looks at."""

import argparse

_DEFAULT = 200


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit``: what is counted or listed is so up to this number."""
    parser.add_argument(
        "--limit",
        type=_limit,
        default=_DEFAULT,
        metavar="N",
        help=f"look at so many of each kind at the most (default: {_DEFAULT})",
    )


def _limit(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("at least 1")
    return number
