"""``ingest`` from its command line to its exit code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.messages import DownloadRequest
from ops import cli
from ops.ingest.documents import Document
from ops.ingest.running import _receives
from ops.ingest.sending import Sender, Sent
from ops.stack import Stack
from tests.ops.documents_under_way import DOCUMENT, Functions

OTHER = {**DOCUMENT, "url": "https://example.com/other"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two documents, one of them twice."""
    file = tmp_path / "documents.jsonl"
    file.write_text("\n".join(map(json.dumps, [DOCUMENT, OTHER, DOCUMENT])))
    return file


def run(outputs_file: Path, *arguments: str) -> int:
    return cli.main(["ingest", *arguments, "--outputs", str(outputs_file)])


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What ``--json`` printed, and nothing beside it."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def queued(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """The messages in the queue, by their ids."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=stack.outputs.download_queue_url, MaxNumberOfMessages=10
    )
    return {each["MessageId"]: json.loads(each["Body"]) for each in answer.get("Messages", [])}


def test_documents_are_sent_each_once(
    outputs_file: Path, stack: Stack, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, str(file), "--json") == 0
    found = document(capsys)
    assert found["sent"] == 2
    assert found["duplicates"] == [{"where": f"{file}:3", "sameAs": f"{file}:1"}]
    assert {each["messageId"]: each["url"] for each in found["documents"]} == {
        id_: message["url"] for id_, message in queued(stack).items()
    }
    assert {each["stage"] for each in found["documents"]} == {"queued"}


def test_a_url_is_sent_with_what_the_flags_say(outputs_file: Path, stack: Stack) -> None:
    flags = ["--domain", "example.com", "--vector-store", "news/example.com", "--type", "news"]
    flags += ["--fallback", "Pumps.", "--industries", "Pumps; Valves", "--legal-name", "Example AG"]
    assert run(outputs_file, "https://example.com/a", *flags) == 0
    [message] = queued(stack).values()
    assert DownloadRequest.parse(message).industries == ["Pumps", "Valves"]
    assert (message["legalName"], message["customerDomain"]) == ("Example AG", "example.com")


def test_of_documents_of_which_one_is_wrong_none_is_sent(
    outputs_file: Path, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "d.jsonl"
    bad = [{**DOCUMENT, "url": "x"}, {**DOCUMENT, "markets": [1], "extra": 2}, {"domain": "a"}]
    file.write_text("\n".join(map(json.dumps, [OTHER, *bad[:2], {**DOCUMENT, "markets": [1]}])))

    assert run(outputs_file, str(file)) == 2
    printed = capsys.readouterr().out.replace(str(tmp_path), "")
    assert "must start with http" in printed
    assert "Nothing was sent: 3 problems" in printed

    assert run(outputs_file, str(file), "--json") == 2
    found = document(capsys)
    assert found["sent"] == 0
    assert [(each["where"], each["field"]) for each in found["problems"]] == [
        (f"{file}:2", "url"),
        (f"{file}:3", "extra"),
        (f"{file}:4", "markets.0"),
    ]
    assert queued(stack) == {}


def test_a_dry_run_sends_nothing(
    outputs_file: Path, stack: Stack, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, str(file), "--dry-run", "--watch") == 0
    assert "2 documents would be" in capsys.readouterr().out
    assert run(outputs_file, str(file), "--dry-run", "--json") == 0
    assert [each["url"] for each in document(capsys)["documents"]] == [
        DOCUMENT["url"],
        OTHER["url"],
    ]
    assert queued(stack) == {}


def test_of_very_many_documents_a_person_is_shown_those_that_are_not_well(
    outputs_file: Path,
    stack: Stack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ops.ingest.report._MOST_ROWS", 2)
    urls = [f"https://example.com/{number}" for number in range(4)]
    file = tmp_path / "d.jsonl"
    file.write_text("\n".join(json.dumps({**DOCUMENT, "url": url}) for url in urls))
    functions = Functions(stack)
    there = Document("", DownloadRequest.parse({**DOCUMENT, "url": urls[0]}))
    functions.hand_over(there)
    functions.end_run("SUCCEEDED")
    functions.analyse(there)

    assert run(outputs_file, str(file), "--watch", "--timeout", "0") == 1
    table = capsys.readouterr().out.partition("Documents")[2]
    assert [url in table for url in urls] == [False, True, True, False]
    assert "… and 2 more: --json tells of all." in table
    assert run(outputs_file, str(file), "--json") == 0
    assert [each["url"] for each in document(capsys)["documents"]] == urls


def test_a_message_may_be_as_large_as_the_queue_takes(
    outputs_file: Path, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("sqs").set_queue_attributes(
        QueueUrl=stack.outputs.download_queue_url, Attributes={"MaximumMessageSize": "2000"}
    )
    file = tmp_path / "d.jsonl"
    size = Document("", DownloadRequest.parse({**DOCUMENT, "fallback": "x"})).size
    for length, code in ((2000 - size + 1, 0), (2000 - size + 2, 2)):
        file.write_text(json.dumps({**DOCUMENT, "fallback": "x" * length}))
        assert run(outputs_file, str(file), "--json") == code
    assert "2,001 bytes" in capsys.readouterr().out


def test_what_is_not_sent_is_told_and_the_exit_code_says_so(
    outputs_file: Path,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(self: Sender, documents: list[Document]) -> Sent:
        return Sent(
            message_ids={documents[0].key: "m-1"}, unsent={documents[1].key: "InternalError: no"}
        )

    monkeypatch.setattr(Sender, "send", send)
    for more in ([], ["--watch", "--timeout", "0"]):
        assert run(outputs_file, str(file), "--json", *more) == 1
        found = document(capsys)
        assert (found["sent"], found["documents"][1]["messageId"]) == (1, None)
        assert found["documents"][1]["stage"] == "not sent"
        assert found["documents"][1]["reason"] == "InternalError: no"


def test_who_interrupts_the_sending_is_told_how_many_are_sent(
    outputs_file: Path,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(self: Sender, documents: list[Document]) -> Sent:
        self.done.message_ids[documents[0].key] = "m-1"
        raise KeyboardInterrupt

    monkeypatch.setattr(Sender, "send", send)
    assert run(outputs_file, str(file)) == 130
    assert "1 of 2 documents sent." in capsys.readouterr().out


def test_documents_that_had_come_before_are_told_to_be_there_already(
    outputs_file: Path, stack: Stack, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = Functions(stack)
    for number, value in enumerate((DOCUMENT, OTHER)):
        wanted = Document("", DownloadRequest.parse(dict(value)))
        functions.hand_over(wanted, f"vsfb_{number}")
        functions.end_run("SUCCEEDED", batch_id=f"vsfb_{number}")
        functions.analyse(wanted, f"vsfb_{number}")

    assert run(outputs_file, str(file), "--watch", "--json") == 0
    found = document(capsys)["documents"]
    assert [each["stage"] for each in found] == ["already ingested"] * 2
    assert [each["batchId"] for each in found] == ["vsfb_0", "vsfb_1"]


def test_whoever_watches_is_told_what_is_still_under_way(
    outputs_file: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, str(file), "--watch", "--timeout", "0.1") == 1
    printed = capsys.readouterr().out
    assert "2 queued" in printed
    assert "go on without being watched" in printed


def test_text_of_documents_is_shown_as_it_is(
    outputs_file: Path, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {**DOCUMENT, "url": "https://a/[bold]b[/bold]\x1b[31m"}
    file = tmp_path / "d.jsonl"
    file.write_text(json.dumps(odd))
    functions = Functions(stack)
    wanted = Document("", DownloadRequest.parse(odd))
    functions.claim(wanted)
    functions.upload(wanted, reason="[red]\x1b]0;x\x07")
    functions.hand_over(wanted)

    for more in (["--dry-run"], ["--watch", "--timeout", "0"]):
        run(outputs_file, str(file), *more)
        printed = capsys.readouterr().out
        assert "[bold]b[/bold]\\x1b[31m" in printed
        assert "\x1b" not in printed
    assert "[red]\\x1b]0;x\\x07" in printed


@pytest.mark.parametrize("content", ["", "\n\n", "domain,url\n"])
def test_a_file_without_documents_is_refused(
    outputs_file: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.csv"
    file.write_text(content)
    assert run(outputs_file, str(file)) == 2
    assert "there is no document in" in capsys.readouterr().err


def test_a_queue_says_how_often_its_messages_are_tried() -> None:
    policy = json.dumps({"deadLetterTargetArn": "arn", "maxReceiveCount": 3})
    assert _receives({"RedrivePolicy": policy}) == 3
    assert _receives({}) > 10**6


@pytest.mark.parametrize("seconds", ["-1", "nan", "soon", "86401"])
def test_a_time_out_has_bounds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["ingest", "https://a", "--timeout", seconds])
    assert "0 to 86400 seconds" in capsys.readouterr().err
