"""Keys that ``python -m local`` is given in its environment, and what it writes."""

import json
import secrets
import signal
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from local.standins.pinecone import PineconeStandIn
from ops.stack import RUNNING
from tests.local.commands import local
from tests.local.marked_keys import MarkedKeys
from tests.local.written_places import files

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(600)]

OPENAI, PINECONE = f"sk-proj-{secrets.token_urlsafe(24)}", f"pcsk_{secrets.token_urlsafe(24)}"
KEYS = MarkedKeys(OPENAI, PINECONE)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    monkeypatch.setenv("PINECONE_API_KEY", PINECONE)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def with_keys(*directories: Path) -> list[str]:
    return [
        name
        for directory in directories
        for name, content in files(directory)
        if KEYS.found_in(content)
    ]


def test_a_stack_that_stays_has_its_keys_in_secrets_manager_and_writes_them_nowhere(
    tmp_path: Path, scratch: Path, eventually: Callable[..., None]
) -> None:
    # Nothing is sent and no schedule runs, so that nobody calls OpenAI.
    quiet = ["--openai", "real", "--config", "completionSchedulesEnabled=false"]
    file = tmp_path / "outputs.json"
    with (
        PineconeStandIn() as pinecone,
        local(
            scratch, "up", "--pinecone-host", pinecone.host, "--outputs", str(file), *quiet
        ) as process,
    ):
        eventually(lambda: file.exists() or process.poll() is not None, 300)
        assert process.poll() is None, process.communicate()[0]
        assert secrets_of(json.loads(file.read_text())) == {OPENAI, PINECONE}
        assert with_keys(tmp_path) == []
        assert not RUNNING.exists() or not KEYS.found_in(RUNNING.read_bytes())
        process.send_signal(signal.SIGTERM)
        printed = process.communicate(timeout=120)[0]
        assert process.returncode == 0, printed

    assert list(scratch.iterdir()) == []
    assert "Stack outputs" in printed
    assert not KEYS.found_in(printed.encode())


def secrets_of(outputs: dict[str, str]) -> set[str]:
    manager = boto3.client(
        "secretsmanager",
        endpoint_url=outputs["awsEndpointUrl"],
        region_name=outputs["awsRegion"],
        aws_access_key_id=outputs["awsAccessKeyId"],
        aws_secret_access_key=outputs["awsSecretAccessKey"],
    )
    found = manager.list_secrets()["SecretList"]
    return {manager.get_secret_value(SecretId=each["ARN"])["SecretString"] for each in found}
