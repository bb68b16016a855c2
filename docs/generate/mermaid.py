"""Flowcharts of Mermaid, in the part of its syntax that leaves nothing to guess.

https://mermaid.js.org/syntax/flowchart.html
"""

import re
from enum import Enum


class Shape(Enum):
    """What a node is drawn as: what comes before its label, and what after it."""

    BOX = ("[", "]")
    PILL = ("([", "])")
    DIAMOND = ("{", "}")
    HEXAGON = ("{{", "}}")
    SLANTED = ("[/", "/]")


def identifier(name: str) -> str:
    """A node's id. ValueError for a name that Mermaid would take for something else."""
    made = name.replace("-", "_")
    if not re.fullmatch(r"\w+", made) or made.lower() == "end":
        raise ValueError(f"{name!r} cannot be the id of a node")
    return made


def label(*lines: str) -> str:
    """Lines of text, in quotes."""
    escaped = (
        line.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;") for line in lines
    )
    return f'"{"<br/>".join(escaped)}"'


def node(name: str, shape: Shape, *lines: str) -> str:
    """A node with its label."""
    before, after = shape.value
    return f"{identifier(name)}{before}{label(*lines)}{after}"


def edge(source: str, target: str, text: str = "", *, dotted: bool = False) -> str:
    """An arrow from one node to another, or to a subgraph."""
    arrow = "-.->" if dotted else "-->"
    written = f"|{label(text)}|" if text else ""
    return f"{identifier(source)} {arrow}{written} {identifier(target)}"


def subgraph(name: str, *lines: str) -> str:
    """The first line of a subgraph, whose last one is ``end``."""
    return f"subgraph {identifier(name)}[{label(*lines)}]"


def block(*lines: str) -> str:
    """A picture as Markdown has it."""
    return "\n".join(["```mermaid", *lines, "```", ""])
