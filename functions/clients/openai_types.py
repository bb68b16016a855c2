"""Has the openai package load its types when they are used, and not all when it is imported.

``import openai`` reads some 400 modules that describe every endpoint's arguments and answers, of
which the functions need a few: half of the time that the import takes, in a process that has to
start quickly. The packages below ``openai.types`` are lists of imports and nothing else; each name
in such a list is loaded here when it is first asked for.

A process in which openai has been imported already is not changed.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_PACKAGE = "openai.types"
# A statement is on one line, or has its names in parentheses; each name stands with its alias.
_LIST = re.compile(r"^from (\.\S+) import (?:\(([^)]*)\)|(.*))", re.MULTILINE)
_NAME = re.compile(r"(\w+) as (\w+)")


def load_when_used() -> None:
    """From now on, if it is early enough; more than once does no harm."""
    if "openai" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not f"{fullname}.".startswith(f"{_PACKAGE}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and spec.submodule_search_locations is not None:
            spec.loader = _NamesWhenAskedFor(fullname, spec.origin)
        return spec


class _NamesWhenAskedFor(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        text = self.get_data(self.path).decode()
        places = {
            name: (found[1], original)
            for found in _LIST.finditer(text)
            for original, name in _NAME.findall(found[2] or found[3])
        }

        def load(name: str) -> Any:
            if name not in places:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            submodule, original = places[name]
            value = getattr(import_module(submodule, module.__name__), original)
            setattr(module, name, value)
            return value

        module.__dict__["__getattr__"] = load
