"""What the function and the process that reads its pages say to each other."""

import struct
from dataclasses import dataclass

REQUEST = struct.Struct("!QQQ")
"""Seconds of the processor's time, bytes of memory, and the bytes of the HTML that follows."""
ANSWER = struct.Struct("!iQ")
"""How the page's own process ended, and the bytes of the JSON that follows."""
OUT_OF_MEMORY = 3
"""What a page's process ends with that had too little."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page says."""

    markdown: str
    characters: int  # that a reader sees: no markup, no link targets, whitespace collapsed
