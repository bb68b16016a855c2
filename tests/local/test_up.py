"""A stack that stays, used as a stranger uses it: with boto3 and the file of outputs."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.demo.labels.scenario import RECEIPTS
from local.sample_web import SampleWeb
from tests.local.commands import children, listens, local, still_there

pytestmark = pytest.mark.embedded


def wait_for(found: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    for _ in range(450):
        if value := found():
            return value
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.2)
    pytest.fail("it did not come within 90 seconds")


def client(service: str, outputs: dict[str, str]) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=outputs["awsEndpointUrl"],
        region_name=outputs["awsRegion"],
        aws_access_key_id=outputs["awsAccessKeyId"],
        aws_secret_access_key=outputs["awsSecretAccessKey"],
    )


def analyse(outputs: dict[str, str], url: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Send a document, and wait for its analysis."""
    message = {
        "domain": "bruckmoor.example",
        "url": url,
        "fallback": "A frame contract.",
        "type": "news",
        "vectorStore": "news/bruckmoor.example",
    }
    client("sqs", outputs).send_message(
        QueueUrl=outputs["downloadQueueUrl"], MessageBody=json.dumps(message)
    )
    dynamodb, table = client("dynamodb", outputs), outputs["analysesTableName"]
    key = {
        "pk": {"S": "DOMAIN#bruckmoor.example"},
        "sk": {"S": "CUSTOMER#bruckmoor.example#SUBJECT#customer"},
    }
    item: dict[str, Any] = wait_for(
        lambda: dynamodb.get_item(TableName=table, Key=key).get("Item"), process
    )
    return item


def test_a_stack_stays_until_it_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    scratch, file = tmp_path / "scratch", tmp_path / "outputs.json"
    scratch.mkdir()
    with SampleWeb() as web, local(scratch, "up", "--outputs", str(file)) as process:
        wait_for(file.exists, process)
        outputs = json.loads(file.read_text())
        item = analyse(outputs, web.url("/press/frame-contract.txt"), process)
        [source] = item["sources"]["L"]
        assert source["M"]["url"]["S"] == web.url("/press/frame-contract.txt")

        workers = children(process)
        assert len(workers) >= 3
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
        assert process.returncode == 0, printed
    assert still_there(workers) == []
    assert not listens(outputs["awsEndpointUrl"])
    assert not listens(outputs["openaiBaseUrl"])
    assert not listens(outputs["sampleWebUrl"])
    assert list(scratch.iterdir()) == []

    # What is printed is enough to go on with.
    for value in outputs.values():
        assert value in printed
    assert f"aws --endpoint-url {outputs['awsEndpointUrl']} sqs send-message --queue-url" in printed
    assert f"export AWS_ACCESS_KEY_ID={outputs['awsAccessKeyId']}" in printed


def test_a_stack_that_is_stopped_while_it_comes_up_leaves_nothing(tmp_path: Path) -> None:
    with local(tmp_path, "up") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)  # somewhere in between: it has to hold at any moment
        process.terminate()
        printed, _ = process.communicate(timeout=30)
    assert process.returncode in (0, 130), printed
    assert "Nothing is left running." in printed
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []


def test_receipts_are_imported_into_the_stack_that_is_up(tmp_path: Path) -> None:
    scratch, file = tmp_path / "scratch", tmp_path / "outputs.json"
    scratch.mkdir()
    quiet = ["--config", "completionSchedulesEnabled=false"]
    with local(scratch, "up", "--outputs", str(file), *quiet) as process:
        wait_for(file.exists, process)
        outputs = json.loads(file.read_text())
        arguments = ["import-receipts", str(RECEIPTS), "--outputs", str(file)]
        for new in (101, 0):
            with local(scratch, *arguments) as importing:
                printed, _ = importing.communicate(timeout=60)
            assert importing.returncode == 0, printed
            assert f"8 receipts with 101 labels are there, {new} of the labels" in printed

        found = client("dynamodb", outputs).scan(
            TableName=outputs["labelTableName"], Select="COUNT"
        )
        assert found["Count"] == 8 + 101
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_without_a_stack_nothing_is_imported(tmp_path: Path) -> None:
    arguments = ["import-receipts", str(RECEIPTS), "--outputs", str(tmp_path / "none.json")]
    with local(tmp_path, *arguments) as process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2, printed
    assert "start one with `python -m local up`" in printed
