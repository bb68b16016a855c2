"""Dead letters on the screen."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from ops.letters.looking import Group, Look
from ops.letters.redriving import Outcome
from ops.screen import Screen, visible
from ops.words import age, counted

# Of the letters of one cause; --json has all.
_SHOWN = 5


def show_groups(screen: Screen, groups: Sequence[Group], looks: Sequence[Look]) -> None:
    """The letters by cause, and what could not be looked at."""
    screen.table(
        "Dead letters by cause",
        ["", "queue", "letters", "oldest", "cause, and what they are about"],
        [
            [
                str(group.number),
                group.queue,
                str(group.count),
                age(group.oldest_seconds),
                _described(group),
            ]
            for group in groups
        ],
    )
    for look in looks:
        for sentence in _beyond(look):
            screen.say(f"{look.queue}: {sentence}.", "yellow")


def show_outcomes(screen: Screen, outcomes: Sequence[Outcome]) -> None:
    """What became of the letters that were chosen."""
    screen.table(
        "What became of them",
        ["letter", "about", "", ""],
        [
            [
                outcome.letter,
                outcome.about,
                Text("done", "green") if outcome.done else Text("not done", "bold red"),
                outcome.what,
            ]
            for outcome in outcomes
        ],
    )


def _described(group: Group) -> Text:
    text = Text(visible(group.cause))
    if group.remedy:
        text.append(f"\n{group.remedy}", style="yellow")
    for letter in group.letters[:_SHOWN]:
        text.append(f"\n{letter.id}  {visible(letter.about)}".rstrip(), style="dim")
    if group.count > _SHOWN:
        text.append(f"\nand {group.count - _SHOWN} more", style="dim")
    return text


def _beyond(look: Look) -> Iterator[str]:
    if look.counts.in_flight:
        yield f"{counted(look.counts.in_flight, 'message')} in somebody else's hands now"
    if look.unseen:
        yield f"about {counted(look.unseen, 'message')} more, beyond --limit"
