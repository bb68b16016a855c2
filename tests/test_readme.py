"""The README says at once what this is, and its tables have what is really there."""

import re

from docs.generate.program import ROOT, program

README = (ROOT / "README.md").read_text()
# A small terminal, or a laptop's window.
_SCREEN = 40


def section(heading: str) -> str:
    """The text below a heading of the second level."""
    return README.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_what_it_is_and_the_first_commands_and_links_are_one_screen() -> None:
    screen = README.split("\n## ")[0]
    assert len(screen.splitlines()) <= _SCREEN
    assert screen.startswith("# openai-batch-flows\n")
    assert {"make demo", "pulumi up"} <= set(
        re.findall(r"^(?:make|pulumi) \w+", screen, re.MULTILINE)
    )
    for page in ("architecture", "configuration", "operations", "reliability", "reuse"):
        assert f"(docs/{page}.md)" in screen


def test_every_output_is_in_the_table_and_nothing_else_is() -> None:
    rows = [row for row in section("What comes out").splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(program().outputs)


def test_every_folder_of_the_program_is_where_things_are() -> None:
    where = section("Where things are")
    for folder in sorted(file.parent for file in ROOT.glob("[a-z]*/*.py")):
        assert f"\n{folder.name}/" in where, folder.name
    for folder in sorted(file.parent for file in ROOT.glob("functions/*/handler.py")):
        assert f"{folder.name}/" in where, folder.name
