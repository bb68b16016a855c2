"""How many tokens texts are: a quarter of their characters."""

import json
import math
from collections.abc import Mapping
from typing import Any


def tokens(characters: int) -> int:
    """The tokens in a text of so many characters."""
    return math.ceil(characters / 4)


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """The tokens of what a request for a response says itself."""
    said = {name: body.get(name) for name in ("instructions", "input", "text")}
    return tokens(len(json.dumps(said)))
