"""What is seen of documents on their way, on a terminal and in a log."""

import io

from rich.console import Console

from functions.messages import DownloadRequest
from ops.ingest.documents import Document
from ops.ingest.stages import Progress, Stage
from ops.ingest.view import progress_shown
from tests.ops.documents_under_way import DOCUMENT

DOCUMENTS = [
    Document(
        f"documents.csv:{number}",
        DownloadRequest.parse({**DOCUMENT, "url": f"https://example.com/[b]{number}\x1b[31m"}),
    )
    for number in range(30)
]
FOUND = {each.key: Progress(stage=Stage.ANALYSED) for each in DOCUMENTS}
LAST = DOCUMENTS[-1].key


def shown(console: Console, *views: dict[str, Progress]) -> str:
    """What is printed for these."""
    assert isinstance(console.file, io.StringIO)
    with progress_shown(console, DOCUMENTS) as show:
        for view in views:
            show(view)
        return console.file.getvalue()


def test_a_terminal_shows_as_many_documents_as_fit_those_first_that_are_not_well() -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=100, height=12
    )
    changed = FOUND | {
        DOCUMENTS[3].key: Progress(stage=Stage.INDEXING),
        LAST: Progress(stage=Stage.DEAD_LETTER, reason="[i]no\a\nnever"),
    }
    printed = shown(console, changed)
    assert "1 indexing, 28 analysed, 1 dead letter" in printed
    lines = [line for line in printed.splitlines() if "example.com" in line]
    assert len(lines) == 4
    assert "https://example.com/[b]29\\x1b[31m" in lines[0]
    assert "[i]no\\x07 never" in lines[0]
    assert "https://example.com/[b]3\\x1b" in lines[1]


def test_a_log_has_a_line_for_each_change() -> None:
    console = Console(file=io.StringIO(), width=100)
    changed = FOUND | {LAST: Progress(stage=Stage.INDEXING)}
    printed = shown(console, changed, changed, FOUND)
    assert [line.partition(" s  ")[2] for line in printed.splitlines()] == [
        "1 indexing, 29 analysed",
        "30 analysed",
    ]


def test_a_script_is_shown_nothing() -> None:
    console = Console(file=io.StringIO(), quiet=True, force_terminal=True)
    assert shown(console, FOUND) == ""
