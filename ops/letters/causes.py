"""What reasons have in common: the same trouble, told of different documents, is one cause."""

import re

_MOST_CHARACTERS = 160
_OWN = (
    re.compile(r"https?://\S+"),
    re.compile(r"\barn:\S+"),
    # Ids: words of some length with a digit in them.
    re.compile(r"\b(?=[\w-]*\d)\w[\w-]{7,}"),
    # Counts and addresses, but no HTTP status.
    re.compile(r"(?<!status )(?<!code: )\b\d+(?:[.:]\d+)*\b"),
)


def cause_of(reason: str) -> str:
    """A reason with ``…`` in the place of each id, URL and number, at most 160 characters."""
    text = " ".join(reason.split())
    for own in _OWN:
        text = own.sub("…", text)
    return text[:_MOST_CHARACTERS].rstrip()
