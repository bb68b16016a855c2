"""Addresses in what a model wrote.

What it was given may ask for an address that carries off what it knows: whoever shows a text with
an image asks the image's server for it. So a text keeps the addresses that were in its material,
letter by letter, and no other.
"""

import re

_REST = r"[^\s<>\"'`()\[\]{}|]+"
_ADDRESS = re.compile(
    # Browsers take one slash, none, or a backslash for the two; and www. is a link to many viewers.
    rf"(?:https?|ftp|wss?|file|data|javascript|mailto):{_REST}"
    rf"|[a-z][a-z0-9+.-]{{0,30}}://{_REST}"
    rf"|//[\w-]+\.{_REST}"
    rf"|\bwww\.{_REST}",
    re.IGNORECASE,
)
_END_OF_SENTENCE = ".,;:!?"
_LINK_TO_NOTHING = re.compile(r"!?\[([^\[\]]*)\]\([ \t]*(?:\"[^\"\n]*\"[ \t]*)?\)")


def without_foreign_links(text: str, *, material: str) -> str:
    """The text without addresses that are not in the material; of a link to one, its words stay."""

    def kept(found: re.Match[str]) -> str:
        address = found[0].rstrip(_END_OF_SENTENCE)
        return found[0] if address in material else found[0][len(address) :]

    return _LINK_TO_NOTHING.sub(r"\1", _ADDRESS.sub(kept, text))
