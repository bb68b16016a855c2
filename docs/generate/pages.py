"""Every part of a page that is generated, and where it stands: between two marks.

What is between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is generated; all else is written.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from docs.generate import components, configuration, grants, machines, packages, refusals, wiring
from docs.generate.program import Program

Part = Callable[[Program], str]

PAGES: Mapping[str, Mapping[str, Part]] = MappingProxyType(
    {
        "docs/architecture.md": {
            "packages": packages.packages,
            "components": components.components,
            "wiring": wiring.wiring,
            "machines": machines.machines,
            "transient errors": machines.transient_errors,
            "functions": components.functions,
            "roles": grants.roles,
            "policies of resources": grants.resources,
        },
        "docs/configuration.md": {
            "keys": configuration.keys,
            "refusals": refusals.refusals,
        },
    }
)
_BETWEEN_MARKS = re.compile(
    r"(?P<begin><!-- begin (?P<name>[^>]+) -->\n).*?(?P<end><!-- end (?P=name) -->)", re.DOTALL
)


def filled(text: str, parts: Mapping[str, Part], program: Program) -> str:
    """A page with its parts written anew. ValueError unless its marks are those of the parts."""
    marked = [found["name"] for found in _BETWEEN_MARKS.finditer(text)]
    if sorted(marked) != sorted(parts):
        raise ValueError(f"the marks are those of {marked}, the parts are {list(parts)}")

    def fill(found: re.Match[str]) -> str:
        return f"{found['begin']}\n{parts[found['name']](program)}\n{found['end']}"

    return _BETWEEN_MARKS.sub(fill, text)
