"""Which letters are put back: as the command line says, or as a person answers."""

import argparse
from collections.abc import Mapping, Sequence

from ops.errors import OpsError
from ops.letters.letters import Letter
from ops.letters.looking import Group
from ops.screen import Screen
from ops.words import counted

Groups = Mapping[int, tuple[Group, Sequence[Letter]]]

_QUESTION = "Put back which: a number, all, or Enter for none?"
_YES = ("y", "yes")


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add ``--all``, ``--cause``, ``--letter``, ``--discard``, ``--dry-run`` and ``--yes``."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="put back all letters that it can help")
    which.add_argument(
        "--cause",
        metavar="N|TEXT",
        help="put back the letters of a cause: its number in the listing, or a part of its text",
    )
    which.add_argument("--letter", metavar="ID", help="put back one letter")
    parser.add_argument(
        "--discard",
        action="store_true",
        help="delete the letters of the cause, or the one, for good: when their work was done anew",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be put back")
    parser.add_argument("--yes", action="store_true", help="do not ask once more")


def chosen(options: argparse.Namespace, groups: Groups, screen: Screen) -> list[Letter]:
    """The letters to be put back; none where nobody has said which. OpsError for what is not there.

    Those that this cannot help are put back only when their cause or they themselves are named.
    """
    if options.discard and options.cause is None and options.letter is None:
        raise OpsError("--discard wants to know which: --cause N|TEXT or --letter ID")
    if options.all:
        letters = _all(groups)
    elif options.cause is not None:
        letters = _of_cause(options.cause, groups)
    elif options.letter is not None:
        letters = _named(options.letter, groups)
    elif options.dry_run:
        return _all(groups)
    else:
        answer = screen.ask(_QUESTION) if groups else None
        return _answered(answer or "", groups)
    if letters and not options.dry_run and not options.yes:
        what = "Delete for good" if options.discard else "Put back"
        answer = screen.ask(f"{what} {counted(len(letters), 'letter')}? [y/N]")
        # Without anybody to ask, the command line has said enough.
        if answer is not None and answer.lower() not in _YES:
            return []
    return letters


def _all(groups: Groups) -> list[Letter]:
    return [letter for _, letters in groups.values() for letter in letters if not letter.remedy]


def _of_cause(cause: str, groups: Groups) -> list[Letter]:
    if cause.isdecimal():
        matching = [letters for number, (_, letters) in groups.items() if number == int(cause)]
    else:
        wanted = cause.casefold()
        matching = [ls for group, ls in groups.values() if wanted in group.cause.casefold()]
    if not matching:
        raise OpsError(f"no cause is {cause!r}, or has this in its text")
    return [letter for letters in matching for letter in letters]


def _named(id_: str, groups: Groups) -> list[Letter]:
    found = [
        letter
        for _, letters in groups.values()
        for letter in letters
        if id_ in {message.message_id for message in letter.messages}
    ]
    if not found:
        raise OpsError(f"no letter {id_} is among those that were looked at: see --limit")
    return found


def _answered(answer: str, groups: Groups) -> list[Letter]:
    if not answer:
        return []
    return _all(groups) if answer.lower() == "all" else _of_cause(answer, groups)
