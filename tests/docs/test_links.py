"""Links lead somewhere, and files that pages name exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate.program import ROOT
from tests.docs.conftest import all_pages

_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"(\.?\w[\w-]*)/[\w./-]+")


def links(text: str) -> Iterator[str]:
    """What a page links to, but for other servers."""
    for target in _LINK.findall(_CODE.sub("", _FENCED.sub("", text))):
        if not re.match(r"https?://", target):
            yield target


def anchors(text: str) -> set[str]:
    """The headings as GitHub makes anchors of them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        plain = _LINK.sub(lambda link: link[0][1:].partition("]")[0], heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        taken = (f"{anchor}-{n}" for n in range(1, 100))
        found.add(anchor if anchor not in found else next(a for a in taken if a not in found))
    return found


def broken(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        there = target.is_relative_to(ROOT) and target.exists()
        if not there or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            yield link


def named_files(text: str) -> Iterator[str]:
    """The files and folders of this repository that a page names in code."""
    tops = {entry.name for entry in ROOT.iterdir() if entry.is_dir()} - {".build", ".venv"}
    for code in _CODE.findall(_FENCED.sub("", text)):
        if (found := _PATH.fullmatch(code)) and found[1] in tops:
            yield code


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = named_files(page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = ROOT / "README.md"
    text = "[a](none.md) [b](LICENSE#c) [d](https://e.example) `[f](g)`\n```\n[h](i)\n```\n"
    assert list(links(text)) == ["none.md", "LICENSE#c"]
    assert anchors("# A `b`: c, d_e\n## [f](g) (h)\n# A b c d_e\n```\n# i\n```\n") == {
        "a-b-c-d_e",
        "f-h",
        "a-b-c-d_e-1",
    }
    assert list(named_files("`infra/none.py` `x/y.py` `infra` `Allow/a b`")) == ["infra/none.py"]
    assert page in all_pages()
