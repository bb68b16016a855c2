"""``cost``: what the stack has cost, or what it would."""

import argparse
from collections.abc import Callable

from ops.screen import Screen
from ops.stack import Stack

NAME = "cost"
HELP = "Show what the last days cost, or what a run would, at OpenAI and at AWS"

_DAYS, _MOST_DAYS = 7, 455  # CloudWatch forgets after fifteen months
_LIMIT = 10_000
_WAITING = -1


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--days",
        type=_number_up_to(_MOST_DAYS),
        default=_DAYS,
        metavar="N",
        help="the last N days of 24 hours (default: %(default)s)",
    )
    parser.add_argument(
        "--plan",
        type=_number_up_to(10**9),
        nargs="?",
        const=_WAITING,
        metavar="LABELS",
        help="what so many labels would cost; without a number, all labels that wait now",
    )
    parser.add_argument(
        "--plan-documents",
        type=_number_up_to(10**9),
        metavar="DOCUMENTS",
        help="what so many documents would cost",
    )
    parser.add_argument(
        "--limit",
        type=_number_up_to(10**6),
        default=_LIMIT,
        metavar="N",
        help="read no more than N batches, and N receipts that wait (default: %(default)s)",
    )


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
    """Show it; 1 if something of it is not known."""
    # What it needs takes its time to be imported.
    from ops.costs.asking import Asked, show_costs, show_plan  # noqa: PLC0415

    asked = Asked.of(stack, days=options.days, limit=options.limit)
    if options.plan is None and options.plan_documents is None:
        return show_costs(asked, screen)
    waiting = options.plan == _WAITING
    labels = None if waiting else options.plan
    return show_plan(
        asked, screen, waiting=waiting, labels=labels, documents=options.plan_documents
    )


def _number_up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        found = int(text)
        if not 1 <= found <= most:
            raise ValueError(f"from 1 to {most}")
        return found

    return number
