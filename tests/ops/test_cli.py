"""The operator command: which stack it works on, and with which exit code it ends."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ops import cli, stack
from ops.errors import OpsError
from ops.stack import Outputs, Stack


@pytest.fixture
def nothing_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a stack that is up would be written down; none is."""
    file = tmp_path / "up.json"
    monkeypatch.setattr(stack, "RUNNING", file)
    return file


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch, outputs_file: Path) -> list[list[str]]:
    """A Pulumi CLI that has the outputs of a stack; the command lines that it was given."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, stdout=outputs_file.read_text())

    monkeypatch.setattr(subprocess, "run", run)
    return asked


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("", "has not the outputs of a stack of this program: JSON"),
        ("[]", "has not the outputs of a stack of this program"),
        ("{}", "downloadQueueUrl, downloadDeadLetterQueueUrl"),
    ],
)
def test_a_file_that_has_not_the_outputs_ends_it_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, complaint: str
) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content)
    assert cli.main(["status", "--outputs", str(file)]) == 2
    assert complaint in capsys.readouterr().err


def test_the_outputs_may_come_from_standard_input(
    outputs_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(outputs_file.read_text()))
    assert cli.main(["status", "--json", "--outputs", "-"]) == 0


def test_a_stack_that_is_up_is_the_one_unless_another_is_named(
    nothing_up: Path, outputs_file: Path, pulumi: list[list[str]]
) -> None:
    nothing_up.write_text(
        json.dumps(json.loads(outputs_file.read_text()) | {"awsEndpointUrl": "http://127.0.0.1:1"})
    )
    assert Outputs.found(file=None, stack=None).aws_endpoint_url == "http://127.0.0.1:1"
    assert pulumi == []
    assert Outputs.found(file=None, stack="prod").aws_endpoint_url is None
    assert pulumi == [["pulumi", "stack", "output", "--json", "--stack", "prod"]]


def test_one_that_was_killed_and_left_its_outputs_behind_can_be_forgotten(
    nothing_up: Path,
    outputs_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing_up.write_text(outputs_file.read_text())

    def nothing_answers(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr("ops.commands.status.run", nothing_answers)
    assert cli.main(["status"]) == 2
    assert f"delete {nothing_up}" in capsys.readouterr().err
    nothing_up.unlink()
    assert cli.main(["status", "--outputs", str(outputs_file)]) == 2
    assert "delete" not in capsys.readouterr().err


def test_without_one_that_is_up_it_is_pulumis_selected_stack(
    nothing_up: Path, pulumi: list[list[str]]
) -> None:
    assert Outputs.found(file=None, stack=None).label_table_name == "labels"
    assert pulumi == [["pulumi", "stack", "output", "--json"]]


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (FileNotFoundError("pulumi"), "start one with `python -m local up`"),
        (
            subprocess.CalledProcessError(1, "pulumi", stderr="error: no stack named 'x'\n"),
            "no stack named 'x'",
        ),
    ],
)
def test_a_pulumi_that_has_no_outputs_is_told_of(
    nothing_up: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, complaint: str
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(OpsError, match=complaint):
        Outputs.found(file=None, stack=None)


def test_the_region_is_the_stacks_own(
    outputs_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ops.stack.boto3.Session", boto3.session.Session)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    outputs = json.loads(outputs_file.read_text())
    outputs["completionPollFlowArn"] = "arn:aws:states:ap-south-1:123456789012:stateMachine:poll"
    file = tmp_path / "other.json"
    file.write_text(json.dumps(outputs))
    client = Stack(Outputs.found(file=file, stack=None)).client("sqs")
    assert client.meta.region_name == "ap-south-1"


def test_an_interrupt_ends_it_with_130(
    outputs_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.commands.status.run", interrupted)
    assert cli.main(["status", "--outputs", str(outputs_file)]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_two_ways_to_name_a_stack_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["status", "--stack", "prod", "--outputs", "file"])
    assert "not allowed with" in capsys.readouterr().err
