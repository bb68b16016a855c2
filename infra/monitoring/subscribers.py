"""Who may be told of alarms."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

_EMAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")
# With a password in it, it would be a secret that everybody can read.
_URL = re.compile(r"https://[^\s@/?#]+[^\s@]*")


def _address(text: str) -> str:
    if not (text.isprintable() and (_EMAIL.fullmatch(text) or _URL.fullmatch(text))):
        raise ValueError("must be an e-mail address or an https URL")
    return text


def _each_once(subscribers: Sequence[str]) -> Sequence[str]:
    if len(set(subscribers)) < len(subscribers):
        raise ValueError("names somebody twice")
    return subscribers


Subscribers = Annotated[
    list[Annotated[str, Field(max_length=2048), AfterValidator(_address)]],
    Field(max_length=20),
    AfterValidator(_each_once),
]
