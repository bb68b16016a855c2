"""``redrive``: dead letters by their cause, and their work put back."""

import argparse
from collections.abc import Sequence

from ops.letters.choosing import add_choices, chosen
from ops.letters.letters import Letter
from ops.letters.looking import Look, groups_of, looking
from ops.letters.queues import DeadLetterQueue
from ops.letters.redriving import Outcome, Redriver
from ops.letters.showing import show_groups, show_outcomes
from ops.limits import add_limit
from ops.screen import Screen
from ops.stack import Stack
from ops.words import counted

NAME = "redrive"
HELP = "Show dead letters by their cause, and put their work back"

# As long as a person may think, and then as each letter waits for its turn.
_HOLD_SECONDS = 900
_CHOICES = "--all, --cause N or --letter ID"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_choices(parser)
    parser.add_argument(
        "--queue",
        type=DeadLetterQueue,
        choices=list(DeadLetterQueue),
        help="look into one dead-letter queue alone",
    )
    add_limit(parser)


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
    """Show the letters and put the chosen ones back.

    0 if all that was asked for was done; with ``--all``, only if nothing is left.
    """
    queues = [options.queue] if options.queue else list(DeadLetterQueue)
    with looking(stack, queues, most=options.limit, hold_seconds=_HOLD_SECONDS) as looks:
        groups = groups_of(looks)
        show_groups(screen, [group for group, _ in groups.values()], looks)
        letters = chosen(options, groups, screen)
        outcomes = [] if options.dry_run else _redriven(options, stack, looks, letters)
    left = _left(looks, outcomes)
    show_outcomes(screen, outcomes)
    screen.say(_summary(options, letters, outcomes, left))
    screen.document(
        {
            "dryRun": options.dry_run,
            "discard": options.discard,
            "groups": [group.to_json() for group, _ in groups.values()],
            "chosen": [letter.id for letter in letters],
            "outcomes": [outcome.to_json() for outcome in outcomes],
            "left": left,
        }
    )
    if options.dry_run or not left:
        return 0
    done_as_asked = outcomes and all(outcome.done for outcome in outcomes) and not options.all
    return 0 if done_as_asked else 1


def _redriven(
    options: argparse.Namespace, stack: Stack, looks: Sequence[Look], letters: Sequence[Letter]
) -> list[Outcome]:
    holds = {look.queue: look.hold for look in looks}
    redriver = Redriver(stack)
    act = redriver.discard if options.discard else redriver.redrive
    return [act(letter, holds[letter.queue]) for letter in letters]


def _left(looks: Sequence[Look], outcomes: Sequence[Outcome]) -> int:
    """About how many letters there are still, those in other hands among them."""
    found = sum(len(look.letters) + look.unseen + look.counts.in_flight for look in looks)
    return found - sum(outcome.done for outcome in outcomes)


def _summary(
    options: argparse.Namespace, letters: Sequence[Letter], outcomes: Sequence[Outcome], left: int
) -> str:
    done = "deleted" if options.discard else "put back"
    if options.dry_run:
        what = counted(len(letters), "letter")
        return f"{what} would be {done}; nothing was done. Choose with {_CHOICES}."
    if not outcomes and not left:
        return "No dead letters."
    if not outcomes:
        return f"Nothing was {done}. Choose with {_CHOICES}."
    number = sum(outcome.done for outcome in outcomes)
    return f"{counted(number, 'letter')} {done}, {left} left."
