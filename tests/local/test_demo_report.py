"""What the demo tells: the report, the summary, and the progress on a terminal and without one."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from local.demo.outcomes import SentMessage, document_states
from local.demo.progress import View, progress
from local.demo.report import report
from local.demo.scenario import Outcome, scenario
from local.demo.snapshot import Snapshot
from local.demo.summary import print_summary, print_verdict
from local.sample_web import SampleWeb
from tests.local.demo_snapshots import DONE, URL, download_letter, sent


def test_the_report_is_json_and_has_all_its_keys() -> None:
    messages = [sent(), sent(Outcome.DEAD_LETTER, body="{")]
    snapshot = replace(DONE, letters=[replace(download_letter("{"))])
    messages[0] = replace(messages[0], message_ids=["m-0"])
    found = json.loads(json.dumps(report(messages, snapshot, problems=["one"], seconds=12.34)))
    assert found["documents"][0] == {
        "url": URL,
        "customerDomain": "b.example",
        "outcome": "ingested",
        "reason": "",
        "fileId": "file-1",
        "vectorStoreId": "vs_1",
        "batchId": "vsfb_1234567",
        "executionStatus": "SUCCEEDED",
        "messageIds": ["m-0"],
    }
    assert found["documents"][1]["outcome"] == "dead letter"
    assert found["documents"][1]["fileId"] is None
    assert found["executions"][0]["checks"] == 3
    assert found["notifications"] == [{"domain": "a.example", "batchId": "vsfb_1234567"}]
    assert found["analyses"][0]["version"] == 1
    assert found["analyses"][0]["sources"][0]["score"] == 0.5
    assert found["deadLetters"][0]["body"] == "{"
    assert found["problems"] == ["one"]
    assert found["seconds"] == 12.3


def view(messages: list[SentMessage], snapshot: Snapshot) -> View:
    return View(
        seconds=3.0,
        base_url="http://127.0.0.1:8000",
        states=document_states(messages, snapshot),
        snapshot=snapshot,
    )


@pytest.mark.parametrize("width", [80, 100])
def test_the_summary_tells_of_every_document_and_fits(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    messages = [sent(), sent(Outcome.DEAD_LETTER, body="{")]
    snapshot = replace(DONE, letters=[download_letter("{")])
    messages[0] = replace(messages[0], message_ids=["m-0"])
    print_summary(console, view(messages, snapshot))
    print_verdict(console, [])
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    assert text.count("/press/frame-contract.txt") == 2
    assert "vsfb_123456  a.example for b.example  SUCCEEDED, 3 checks" in text
    assert "DownloadRequest: markets: Input should" in text
    assert "1 signals from 1 files" in text
    assert "Everything that was sent is accounted for." in text


def test_the_summary_tells_what_is_missing() -> None:
    console = Console(file=io.StringIO(), width=100)
    print_summary(console, view([sent()], Snapshot()))
    print_verdict(console, ["unfinished: something"])
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "unfinished  /press/frame-contract.txt  queued" in text
    assert "unfinished: something" in text
    assert "accounted for" not in text


def test_without_a_terminal_a_change_is_a_line() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    with progress(console) as show:
        show(view([sent()], DONE))
        show(view([sent()], DONE))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1
    assert "executions: 1 succeeded, 3 checks in all" in lines[0]


@pytest.mark.parametrize("height", [16, 24, 30])
def test_on_a_terminal_the_view_fits_the_screen(height: int) -> None:
    console = Console(file=io.StringIO(), width=80, height=height, force_terminal=True)
    messages = [replace(sent(), message_ids=[f"m-{number}"]) for number in range(40)]
    snapshot = replace(DONE, requests={})
    with progress(console) as show:
        show(view(messages, snapshot))
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(shown.splitlines()) <= height
    assert "more" in shown


def test_the_scenario_has_each_end_a_duplicate_and_a_shared_store() -> None:
    with SampleWeb() as web:
        messages = scenario(web, standin=True)
        others = scenario(web, standin=False)
    assert {message.outcome for message in messages} == set(Outcome)
    assert sum(message.copies == 2 for message in messages) == 1
    parsed = [json.loads(m.body) for m in messages if m.reason != "Invalid JSON"]
    customers = {(m["vectorStore"], m.get("customerDomain", m["domain"])) for m in parsed}
    assert len(customers) > len({store for store, _ in customers})
    # Another server cannot be told to fail.
    assert {m.outcome for m in others} == set(Outcome) - {Outcome.FILE_FAILED}
