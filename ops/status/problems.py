"""What is not well, and what to do about it."""

from typing import Literal

from ops.parts import Part


class Problem(Part):
    """Something that is stuck or failed; ``next`` is a line to type."""

    flow: Literal["documents", "labels"]
    what: str
    next: str
