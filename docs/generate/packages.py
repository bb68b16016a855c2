"""The packages, and which of them each imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docs.generate import markdown
from docs.generate.program import ROOT, Program

_PACKAGES = ("infra", "functions", "ops", "local", "policy", "provider", "docs/generate")
_OURS = frozenset({"infra", "functions", "ops", "local", "rules", "provider", "docs", "tests"})


def packages(_program: Program) -> str:
    """A table of packages."""
    return markdown.table(
        ["package", "what it is", "what it imports of ours"],
        [
            (markdown.code(name), docstring(_main_file(name)), markdown.codes(imports(name)))
            for name in _PACKAGES
        ],
    )


def imports(package: str) -> list[str]:
    """The other packages of ours that a package imports anywhere."""
    own = {package.partition("/")[0], *(["rules"] if package == "policy" else [])}
    found = {
        name.partition(".")[0]
        for file in (ROOT / package).rglob("*.py")
        if not {".venv", "node_modules"} & set(file.parts)
        for name in _imported(ast.parse(file.read_text(encoding="utf-8")))
    }
    return sorted(found & _OURS - own)


def docstring(file: Path) -> str:
    """A module's first paragraph, in one line and with the code marks of Markdown."""
    return first_paragraph(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))))


def first_paragraph(text: str | None) -> str:
    """As ``docstring``, of a text that was read already."""
    return " ".join((text or "").split("\n\n")[0].split()).replace("``", "`")


def _main_file(package: str) -> Path:
    files = [ROOT / package / name for name in ("__init__.py", "__main__.py")]
    return next(file for file in files if file.exists())


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
