"""What OpenAI's webhooks start, and that nobody else's start anything."""

import base64
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
import time_machine
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from functions.clients import calls
from functions.errors import AwsRejectedError, AwsUnavailableError
from functions.webhooks.receiving import execution_name
from functions.webhooks.requests import MOST_BODY_BYTES
from local.standins.openai.webhooks import signed
from tests.functions.bad_input.inputs import OnlyOurErrors, json_values, some, spoiled
from tests.functions.conftest import LogLines
from tests.functions.webhooks.conftest import (
    JOB,
    SECRET,
    Url,
    event_body,
    replace_secret,
    web_event,
)

START, READ = "stepfunctions.start_execution", "secretsmanager.get_secret_value"
GOOD = event_body()
OTHERS = f"whsec_{base64.b64encode(b'somebody else knows only this one').decode()}"
Event = Mapping[str, Any]


def sent(body: str, **signing: Any) -> Event:
    """A body that OpenAI has signed."""
    return web_event(body, signed(body.encode(), SECRET, **signing))


def with_header(name: str, value: str | None) -> Event:
    """A good one with another header, or without it."""
    headers: dict[str, Any] = {**signed(GOOD.encode(), SECRET), name: value}
    return web_event(GOOD, {key: text for key, text in headers.items() if text is not None})


def binary(content: bytes) -> Event:
    """Content that a function URL takes for no text."""
    headers = signed(content, SECRET)
    return web_event(base64.b64encode(content).decode(), headers, encoded=True)


@pytest.mark.parametrize(
    "kind", ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
)
def test_the_end_of_a_job_starts_one_execution_that_looks_at_it(url: Url, kind: str) -> None:
    body = event_body(kind)

    assert url.post(body, signed(body.encode(), SECRET, webhook_id="wh_685342e6c53c")) == 200

    assert url.started() == {"wh_685342e6c53c": {"openaiBatchId": JOB}}


@pytest.mark.parametrize(
    "kind",
    [
        "response.completed",
        "batch.in_progress",
        "batch.Completed",
        "agent.session.created",
        "",
        "?",
    ],
)
def test_an_event_of_another_kind_is_taken_and_starts_nothing(url: Url, kind: str) -> None:
    assert url.post(event_body(kind, data={"anything": 1})) == 200
    assert url.started() == {}


# Each made when it is needed: a signature is good for five minutes.
BAD: dict[str, tuple[int, str, Callable[[], Event]]] = {
    "signed by another": (
        401,
        "forged",
        lambda: web_event(GOOD, signed(GOOD.encode(), OTHERS)),
    ),
    "signed for another body": (
        401,
        "forged",
        lambda: web_event(event_body("batch.failed"), signed(GOOD.encode(), SECRET)),
    ),
    "under another id": (401, "forged", lambda: with_header("webhook-id", "wh_other")),
    "with no signature in its header": (
        401,
        "forged",
        lambda: with_header("webhook-signature", ""),
    ),
    "with no body": (
        401,
        "forged",
        lambda: web_event(None, signed(GOOD.encode(), SECRET)),
    ),
    "stale": (401, "stale", lambda: sent(GOOD, at=1_000)),
    "of the future": (401, "stale", lambda: sent(GOOD, at=5_000_000_000)),
    "at no time": (400, "unsigned", lambda: with_header("webhook-timestamp", "today")),
    "without an id": (400, "unsigned", lambda: with_header("webhook-id", None)),
    "without a time": (400, "unsigned", lambda: with_header("webhook-timestamp", None)),
    "without a signature": (400, "unsigned", lambda: with_header("webhook-signature", None)),
    "no JSON": (400, "malformed", lambda: sent("needle")),
    "no object": (400, "malformed", lambda: sent('["needle"]')),
    "no type": (400, "malformed", lambda: sent('{"data": {"id": "batch_needle"}}')),
    "no job": (400, "malformed", lambda: sent(event_body(data={"needle": 1}))),
    "a job that is none": (400, "malformed", lambda: sent(event_body(data={"id": "../needle"}))),
    "deeper than anything": (400, "malformed", lambda: sent("[" * 30_000)),
    "no text": (400, "malformed", lambda: binary(b"\xff\xfe needle")),
    "no base64": (
        400,
        "malformed",
        lambda: web_event("needle!", signed(GOOD.encode(), SECRET), encoded=True),
    ),
    "too large": (413, "too-large", lambda: sent(event_body(needle="x" * MOST_BODY_BYTES))),
    "too large as bytes": (413, "too-large", lambda: sent("é" * (MOST_BODY_BYTES // 2 + 1))),
    "too large in base64": (413, "too-large", lambda: binary(b"x" * (MOST_BODY_BYTES + 1))),
    "far too large to be decoded": (
        413,
        "too-large",
        lambda: web_event("!" * 5_000_000, signed(b"", SECRET), encoded=True),
    ),
    "a GET": (405, "no-post", lambda: {**sent(GOOD), **_method("GET")}),
    "a PUT": (405, "no-post", lambda: {**sent(GOOD), **_method("PUT")}),
}


def _method(method: str) -> Event:
    return {"requestContext": {"http": {"method": method}}}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_does_nothing_and_is_told_nothing(
    url: Url, logged: LogLines, made: Counter[str], name: str
) -> None:
    status, reason, event = BAD[name]

    assert url.call(event()) == status

    assert made[START] == 0
    assert url.started() == {}
    [line] = logged()
    assert (line["message"], line["reason"]) == ("a webhook was refused", reason)
    assert "needle" not in json.dumps(line)
    assert len(json.dumps(line)) < 1_000


@pytest.mark.parametrize(
    "name", [name for name, (_, reason, _) in BAD.items() if reason not in ("forged", "malformed")]
)
def test_what_can_be_told_without_the_secret_reads_none(
    url: Url, made: Counter[str], name: str
) -> None:
    url.call(BAD[name][2]())
    assert made[READ] == 0


def test_a_flood_of_forged_ones_reads_the_secret_once_and_starts_nothing(
    url: Url, made: Counter[str]
) -> None:
    forged = BAD["signed by another"][2]()

    assert {url.call(forged) for _ in range(50)} == {401}

    assert made == {READ: 1}
    assert url.started() == {}


def test_what_is_taken_and_what_is_refused_is_counted(
    url: Url, capsys: pytest.CaptureFixture[str]
) -> None:
    url.call(BAD["signed by another"][2]())
    assert '"WebhooksRefused":[1.0]' in capsys.readouterr().out
    url.post(GOOD)
    assert '"WebhooksAccepted":[1.0]' in capsys.readouterr().out


def test_a_body_in_base64_is_what_was_signed(url: Url) -> None:
    assert url.call(binary(event_body(note="Größe").encode())) == 200
    assert len(url.started()) == 1


@pytest.mark.parametrize("in_case", [str.upper, str.title])
def test_names_of_headers_may_be_in_any_case(url: Url, in_case: Callable[[str], str]) -> None:
    headers = {in_case(name): value for name, value in signed(GOOD.encode(), SECRET).items()}
    assert url.post(GOOD, headers) == 200
    assert len(url.started()) == 1


def test_what_is_taken_can_be_followed(url: Url, logged: LogLines) -> None:
    url.call(sent(GOOD, webhook_id="wh_1"))
    [line] = logged()
    assert (line["openai_batch_id"], line["execution"]) == (JOB, "wh_1")


def test_the_largest_body_is_read(url: Url) -> None:
    body = event_body(note="")
    full = event_body(note="x" * (MOST_BODY_BYTES - len(body)))
    assert len(full) == MOST_BODY_BYTES
    assert url.post(full) == url.call(binary(full.encode())) == 200


@pytest.mark.parametrize("webhook_id", ["wh_1", "wh with spaces/*", "é" * 300, "", "w" * 81])
def test_the_same_one_again_starts_no_other(url: Url, webhook_id: str) -> None:
    for _ in range(2):
        assert url.call(sent(GOOD, webhook_id=webhook_id)) == 200
    assert url.call(sent(GOOD, webhook_id="wh_another")) == 200

    assert url.started() == {
        execution_name(webhook_id): {"openaiBatchId": JOB},
        "wh_another": {"openaiBatchId": JOB},
    }


def test_an_old_one_that_is_sent_again_is_refused(url: Url) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        recorded = sent(GOOD, webhook_id="wh_1")
        assert url.call(recorded) == 200
        clock.shift(301)
        assert url.call(recorded) == 401
    assert len(url.started()) == 1


@given(webhook_id=st.text() | st.just("\ud83d"))
def test_an_execution_has_a_name_that_step_functions_takes(webhook_id: str) -> None:
    name = execution_name(webhook_id)
    assert 1 <= len(name) <= 80
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert name == execution_name(webhook_id)


def test_two_ids_that_are_no_names_have_two_names() -> None:
    assert execution_name("a b") != execution_name("a c")


def test_a_new_secret_is_believed_after_five_minutes_and_at_once_beside_the_old_one(
    url: Url, made: Counter[str]
) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        assert url.post(GOOD) == 200
        replace_secret(OTHERS)

        new = signed(GOOD.encode(), OTHERS)
        assert url.post(GOOD, new) == 401
        both = signed(GOOD.encode(), SECRET, webhook_id=new["webhook-id"])["webhook-signature"]
        assert url.post(GOOD, {**new, "webhook-signature": f"{new['webhook-signature']} {both}"})
        assert made[READ] == 1

        clock.shift(301)
        assert url.post(GOOD, signed(GOOD.encode(), OTHERS)) == 200
        assert url.post(GOOD) == 401
        assert made[READ] == 2


@pytest.mark.parametrize("text", ["not-yet", "whsec_", "whsec_c2hvcnQ="])
def test_before_there_is_a_secret_everything_is_to_be_delivered_again(
    url: Url, logged: LogLines, log: io.StringIO, text: str
) -> None:
    replace_secret(text)
    key = base64.b64encode(b"").decode()

    for headers in (signed(GOOD.encode(), SECRET), signed(GOOD.encode(), f"whsec_{key}")):
        assert url.post(GOOD, headers) == 503

    assert url.started() == {}
    assert "pulumi config set --secret webhookSecret" in logged()[0]["message"]
    assert text not in log.getvalue()


def test_what_step_functions_cannot_do_now_is_raised(
    url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = calls.call

    def throttled(name: str, request: Callable[[], Any]) -> Any:
        if name == START:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")
        return call(name, request)

    with monkeypatch.context() as patch:
        patch.setattr(calls, "call", throttled)
        with pytest.raises(AwsUnavailableError):
            url.call(sent(GOOD, webhook_id="wh_1"))

    assert url.call(sent(GOOD, webhook_id="wh_1")) == 200
    assert list(url.started()) == ["wh_1"]


def test_a_machine_that_is_gone_is_raised(url: Url) -> None:
    boto3.client("stepfunctions").delete_state_machine(stateMachineArn=url.machine_arn)
    with pytest.raises(AwsRejectedError):
        url.post(GOOD)


def test_a_secret_that_cannot_be_read_is_raised(url: Url) -> None:
    boto3.client("secretsmanager").delete_secret(
        SecretId="webhook", ForceDeleteWithoutRecovery=True
    )
    with pytest.raises(AwsUnavailableError):
        url.post(GOOD)


@some
@given(data=st.data())
def test_any_event_is_answered_or_is_our_error(url: Url, data: st.DataObject) -> None:
    good = sent(GOOD, webhook_id="wh_1")
    event = data.draw(json_values | spoiled(good))
    with OnlyOurErrors():
        assert url.call(event) in (200, 400, 401, 405, 413)
    assert url.started() in ({}, {"wh_1": {"openaiBatchId": JOB}})


def test_no_client_of_others_is_imported() -> None:
    """Each takes longer than all the rest: OpenAI does not wait."""
    loaded = "import functions.webhooks.handler, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in found.stdout.split()}
    assert "pydantic" in modules
    assert not {"openai", "pinecone", "httpx", "httpx2", "markdownify", "tenacity"} & modules
