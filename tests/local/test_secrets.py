"""API keys are in Secrets Manager and nowhere else, whatever happens to those who use them."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from tests.local.marked_keys import MarkedKeys
from tests.local.marked_run import (
    KEYS,
    OPENAI,
    OPENAI_CALLS,
    PINECONE_CALLS,
    labels_of,
    marked_run,
    waiting,
)
from tests.local.planted_keys import PLANTS
from tests.local.written_places import PLACES, Run, without_secrets

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with marked_run() as run:
        yield run


def test_the_run_went_through_what_can_happen_to_a_key(run: Run) -> None:
    for standin, operations in ((run.openai, OPENAI_CALLS), (run.pinecone, PINECONE_CALLS)):
        for operation in operations:
            met = {call.status for call in standin.calls.of(operation)}
            assert met >= {200, 401, 429, 500, None}, operation
    logged = "".join(file.read_text() for file in run.stack.aws.logs_dir.iterdir())
    for sentence in (
        "OpenAI refused the API key",
        "no header can carry the API key",
        "there is no signing secret of OpenAI's",
        "a webhook was refused",
    ):
        assert sentence in logged
    assert labels_of(run).statuses["VALID"] > 0
    analyses = run.client("dynamodb").scan(TableName=run.stack.aws.outputs["analysesTableName"])
    assert "marked.example" in str(analyses["Items"]), "the new key was used"
    assert waiting(run, "downloadDeadLetterQueueUrl") > 0


@pytest.mark.parametrize("place", PLACES)
def test_no_key_is_in(run: Run, place: str) -> None:
    written = list(PLACES[place](run))

    assert written, "nothing was looked at"
    assert [name for name, content in written if KEYS.found_in(content)] == []


def test_a_key_reaches_the_engine_as_a_secret_of_secrets_manager_alone(run: Run) -> None:
    with_key = {
        name
        for name, inputs in run.registered.inputs
        if KEYS.found_in(json.dumps(inputs, default=str).encode())
    }

    assert with_key == {
        f"aws:secretsmanager/secretVersion:SecretVersion {name}-version"
        for name in ("openai-key", "pinecone-key", "webhook-signing")
    }


# Behind the others of this module: what it plants stays there.
@pytest.mark.parametrize("place", PLACES)
def test_a_key_would_be_found_in(run: Run, place: str) -> None:
    key = f"sk-planted-{secrets.token_hex(16)}"
    with ExitStack() as cleanup:
        PLANTS[place](run, key, cleanup)
        planted = MarkedKeys(key)
        assert any(planted.found_in(content) for _, content in PLACES[place](run))


@pytest.mark.parametrize(
    "form",
    [
        OPENAI,
        OPENAI[9:21],
        OPENAI[-12:],
        quote(OPENAI, safe=""),
        base64.b64encode(OPENAI.encode()).decode(),
        base64.b64encode(f"Bearer {OPENAI}".encode()).decode(),
        base64.b64encode(f":{OPENAI}:".encode()).decode(),
        base64.urlsafe_b64encode(OPENAI.encode()).decode(),
        OPENAI.encode().hex(),
        json.dumps({"key": f"{OPENAI}\n"}),
    ],
    # Not the form itself, which is another one in each process.
    ids=["whole", "middle", "end", "url", "base64", "bearer", "inside", "urlsafe", "hex", "json"],
)
def test_a_key_is_found_in_every_form(form: str) -> None:
    assert KEYS.found_in(f"…{form}…".encode())


def test_what_is_no_key_is_not_taken_for_one() -> None:
    assert not KEYS.found_in(f"…{OPENAI[9:20]}…".encode())
    assert not KEYS.found_in(f"sk-proj-{secrets.token_hex(16)}".encode())


def test_what_is_wrapped_as_a_secret_is_taken_out_and_no_more() -> None:
    wrapped = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "a"}
    assert without_secrets({"b": [wrapped, "c"], "d": "e"}) == {"b": [None, "c"], "d": "e"}
