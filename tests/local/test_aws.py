"""The moto server: where it listens, what it leaves, and what it does not read."""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.sqs.models import Queue, sqs_backends

from local.aws import Aws, AwsError


def test_serves_on_loopback_in_the_region_asked_for() -> None:
    with Aws(region="eu-west-3") as aws:
        url = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        identity = aws.client("sts").get_caller_identity()

        assert url == f"{aws.endpoint_url}/123456789012/q"
        assert aws.endpoint_url.startswith("http://127.0.0.1:")
        assert identity["Account"] == aws.account
        assert aws.client("sqs").meta.region_name == "eu-west-3"


def test_starts_and_ends_empty() -> None:
    def queues() -> dict[str, Queue]:
        return sqs_backends["123456789012"]["eu-central-1"].queues

    sqs_backends["123456789012"]["eu-central-1"].create_queue("left-behind")
    with Aws() as aws:
        assert not queues()
        aws.client("sqs").create_queue(QueueName="q")
        assert queues()

    assert not queues()


def test_a_busy_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(AwsError, match=f"port {port} of 127.0.0.1 is taken"):
            Aws(port=port).start()


def test_listens_on_the_port_asked_for() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with Aws(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_only_one_can_be_up() -> None:
    with Aws() as aws:
        with pytest.raises(AwsError, match="already running"):
            Aws().start()

        assert aws.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_is_of_no_use_before_and_after() -> None:
    aws = Aws()
    with pytest.raises(AwsError, match="not running"):
        aws.client("sqs")
    with aws:
        pass
    with pytest.raises(AwsError, match="not running"):
        _ = aws.endpoint_url


def test_reads_nothing_of_the_developers_own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "config"
    settings.write_text("[profile mine]\nregion = us-west-2\nendpoint_url = http://10.9.8.7\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.9.8.7")
    monkeypatch.setenv("HTTP_PROXY", "http://10.9.8.7:3128")
    monkeypatch.setenv("http_proxy", "http://10.9.8.7:3128")

    with Aws() as aws:
        # The first as moto's state machines do it, the second as moto itself does.
        for make in (boto3.client, boto3.Session().client):
            client = make("sqs", region_name=aws.region, endpoint_url=aws.endpoint_url)
            assert client.create_queue(QueueName="q")["QueueUrl"].endswith("/q")
        assert aws.client("sqs").meta.region_name == "eu-central-1"


def test_leaves_nothing_behind(eventually: Callable[..., Any]) -> None:
    def traces() -> tuple[object, ...]:
        loggers = [logging.getLogger(name).level for name in ("werkzeug", "moto.stepfunctions")]
        return (dict(os.environ), boto3.DEFAULT_SESSION, loggers)

    before, threads = traces(), set(threading.enumerate())
    with Aws() as aws:
        aws.client("sqs").list_queues()
        assert os.environ["MOTO_PORT"] in aws.endpoint_url

    assert traces() == before
    # A connection's thread ends when it has seen that the client has gone.
    assert eventually(lambda: set(threading.enumerate()) <= threads)


def test_says_nothing_of_each_request(capfd: pytest.CaptureFixture[str]) -> None:
    with Aws() as aws:
        aws.client("sqs").list_queues()

    assert capfd.readouterr() == ("", "")


def test_all_of_it_can_be_imported_and_used_with_a_profile_that_is_gone() -> None:
    program = """
from local.aws import Aws
from local.embedded import announcing, ended_with, one_at_a_time, threading
stopping = threading.Event()
with Aws() as aws, one_at_a_time(stopping), ended_with(aws, stopping), announcing(aws):
    print(aws.client("sqs").create_queue(QueueName="q")["QueueUrl"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "AWS_PROFILE": "there-is-no-such-profile"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout.endswith("/q\n"), ran.stderr
