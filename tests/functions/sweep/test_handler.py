"""The sweep as its schedule calls it."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from functions.clients.dynamodb import Table
from functions.clients.secrets import Secret
from functions.errors import InvalidMessageError, OpenAIRejectedError
from functions.sweep import handler as module
from local.standins.openai import Fault, OpenAIStandIn
from tests.functions.ingest.conftest import Clock
from tests.functions.invocations import Context
from tests.functions.sweep.conftest import DAY


@pytest.fixture
def clock() -> Clock:
    """OpenAI's, a day behind the function's own."""
    return Clock(now=time.time() - DAY - 1)


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, standin: OpenAIStandIn, secret: Secret, table: Table
) -> Iterator[None]:
    variables = {
        "OPENAI_API_KEY_SECRET_ARN": "openai-key",
        "OPENAI_BASE_URL": standin.base_url,
        "INGEST_LEDGER_TABLE": table.name,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    module._collaborators.cache_clear()
    yield
    module._collaborators.cache_clear()


def test_what_belongs_to_nothing_is_deleted_and_counted(
    upload: Callable[..., str], standin: OpenAIStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    upload()
    other = upload(name="other.md")
    assert module.handler({}, Context(seconds=900)) == {"deleted": 1, "remaining": False}
    assert list(standin.files) == [other]
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["FilesSwept"] for line in written if "FilesSwept" in line] == [[1.0]]


def test_a_run_that_failed_fails_the_invocation(
    upload: Callable[..., str], standin: OpenAIStandIn
) -> None:
    upload()
    standin.faults.add(Fault(operation="files.delete", status=400))
    with pytest.raises(OpenAIRejectedError):
        module.handler({}, Context(seconds=900))


def test_the_last_minutes_are_kept_for_calls_under_way(
    upload: Callable[..., str], standin: OpenAIStandIn
) -> None:
    upload()
    assert module.handler({}, Context(seconds=359)) == {"deleted": 0, "remaining": True}
    assert len(standin.files) == 1


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INGEST_LEDGER_TABLE")
    with pytest.raises(InvalidMessageError, match="INGEST_LEDGER_TABLE"):
        module.handler({}, Context())
