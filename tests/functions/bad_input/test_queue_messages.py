"""Whatever a message holds: it is parsed or goes back alone, with its reason in the table."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.dynamodb import Table
from functions.clients.secrets import Secret
from functions.clients.sqs import Queue
from functions.clients.step_functions import StateMachine
from functions.clients.web import Fetched
from functions.deliveries import Failure, batch_response, read_deliveries
from functions.errors import (
    DownloadError,
    DownloadFailure,
    FinalError,
    FlowError,
    InvalidMessageError,
)
from functions.ingest import handler as ingest
from functions.ingest.ledger import request_key
from functions.market_analysis import handler as analysis
from functions.messages import DownloadRequest, MarketAnalysisRequest, Message
from local.standins.openai import OpenAIStandIn
from tests.functions.bad_input.inputs import (
    DEEP,
    DEEP_OBJECT,
    HALF_A_CHARACTER,
    LONG,
    OnlyOurErrors,
    assert_plain,
    check_told,
    few,
    json_values,
    many,
    some,
    spoiled,
    texts,
    with_a_key_twice,
)
from tests.functions.conftest import MakeTable
from tests.functions.ingest.conftest import message as download_message
from tests.functions.invocations import Context, failed_ids
from tests.functions.market_analysis.requests import message as analysis_message

GOOD: dict[type[Message], dict[str, Any]] = {
    DownloadRequest: download_message(requestId="r-1", industries=["a"], legalName="Example"),
    MarketAnalysisRequest: analysis_message(),
}
HANDLERS = {DownloadRequest: ingest.handler, MarketAnalysisRequest: analysis.handler}


def bodies(good: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts, JSON, and good messages with one part spoiled or twice."""
    return (
        texts
        | json_values.map(json.dumps)
        | spoiled(good).map(json.dumps)
        | st.builds(with_a_key_twice, st.just(good), st.sampled_from(sorted(good)), json_values)
        | st.sampled_from([DEEP, DEEP_OBJECT, LONG])
    )


@pytest.mark.parametrize("model", GOOD)
@many
@given(data=st.data())
def test_any_body_is_parsed_or_refused_in_few_words(
    model: type[Message], data: st.DataObject
) -> None:
    body = data.draw(bodies(GOOD[model]))
    try:
        parsed = model.parse_json(body)
    except InvalidMessageError as error:
        check_told(error)
        return
    assert_plain(parsed)
    assert model.parse(parsed.to_wire()) == parsed
    if isinstance(parsed, DownloadRequest):
        assert len(request_key(parsed)) == 64


def record(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
    }


@many
@given(event=spoiled({"Records": [record(1, "{}"), record(2, "{}")]}) | json_values)
def test_an_event_that_is_none_of_sqs_is_refused(event: Any) -> None:
    try:
        deliveries = read_deliveries(event)
    except InvalidMessageError:
        return
    assert all(each.message_id and each.receives >= 0 for each in deliveries)
    assert_plain([each.message_id for each in deliveries])


@pytest.fixture
def tables(
    monkeypatch: pytest.MonkeyPatch,
    secret: Secret,
    standin: OpenAIStandIn,
    flow: StateMachine,
    make_table: MakeTable,
) -> Iterator[dict[type[Message], Table]]:
    """Both functions with all that they need, and a web that has one page."""
    variables = {
        "OPENAI_API_KEY_SECRET_ARN": "openai-key",
        "OPENAI_BASE_URL": standin.base_url,
        "QUEUE_URL": boto3.client("sqs").create_queue(QueueName="source")["QueueUrl"],
        "RETRY_DELAY_SECONDS": "0",
        "ANALYSES_TABLE": "analyses",
        "ANALYSIS_MODEL": "gpt-test",
        "INGEST_LEDGER_TABLE": "ledger",
        "VECTOR_STORE_BATCH_FLOW_ARN": flow._arn,
        "FALLBACK_MODEL": "gpt-test",
        "VECTOR_STORE_BATCH_MAX_FILES": "500",
        "INGEST_REFRESH_AFTER_SECONDS": "86400",
        "DOWNLOAD_MAX_BYTES": "1000000",
        "DOWNLOAD_TIMEOUT_SECONDS": "5",
        "DOWNLOAD_MIN_CHARACTERS": "5",
        "DOWNLOAD_PORTS": "80,443",
        "DOWNLOAD_ALLOW_LOOPBACK": "false",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ingest, "download", web)
    for module in (ingest, analysis):
        module._collaborators.cache_clear()
    yield {DownloadRequest: make_table("ledger"), MarketAnalysisRequest: make_table("analyses")}
    for module in (ingest, analysis):
        module._collaborators.cache_clear()


def web(url: str, _limits: object) -> Fetched:
    """A page, which is nobody's but the good message's; the guard has tests of its own."""
    if url == download_message()["url"]:
        return Fetched(url=url, content_type="text/plain", body=b"Example builds pumps.")
    raise DownloadError(DownloadFailure.HTTP_STATUS, "404")


@pytest.mark.parametrize("model", GOOD)
@few
@given(data=st.data())
def test_what_cannot_be_parsed_goes_back_alone_with_its_reason(
    model: type[Message], tables: dict[type[Message], Table], data: st.DataObject
) -> None:
    good, table = GOOD[model], tables[model]
    bad = data.draw(st.lists(bodies(good), min_size=1, max_size=3))
    numbered = [json.dumps(good), *bad, json.dumps(good)]
    event = {"Records": [record(number, body) for number, body in enumerate(numbered)]}

    given_back = failed_ids(HANDLERS[model](event, Context()))

    unparsed = set()
    for number, body in enumerate(numbered):
        try:
            model.parse_json(body)
        except FlowError:
            unparsed.add(f"message-{number}")
    # The same request, or run, of two messages at once is one of them's: the other comes again.
    good_ids = {"message-0", f"message-{len(numbered) - 1}"}
    assert unparsed <= set(given_back)
    assert not good_ids <= set(given_back), "a good message was done"
    for message_id in given_back:
        kept = table.get({"pk": f"MESSAGE#{message_id}", "sk": "FAILURE"})
        assert kept, message_id
        assert kept["reason"]
        if message_id in unparsed:
            assert kept["reason"].startswith(model.__name__)


def test_a_failure_of_any_length_is_recorded(tables: dict[type[Message], Table]) -> None:
    wrong = {**GOOD[DownloadRequest], "industries": [0] * 60_000}
    with pytest.raises(InvalidMessageError) as refused:
        DownloadRequest.parse(wrong)
    check_told(refused.value, "industries.0: ")
    given_back = failed_ids(ingest.handler({"Records": [record(1, json.dumps(wrong))]}, Context()))
    assert given_back == ["message-1"]
    kept = tables[DownloadRequest].get({"pk": "MESSAGE#message-1", "sk": "FAILURE"})
    assert kept
    assert "industries.0: " in kept["reason"]


@pytest.mark.parametrize("told", ["x" * 500_000, "half: \ud83d"])
def test_a_reason_fits_its_item(tables: dict[type[Message], Table], told: str) -> None:
    table = tables[DownloadRequest]
    [delivery] = read_deliveries({"Records": [record(1, "{}")]})
    queue = Queue(boto3.client("sqs"), "http://queue", retry_delay_seconds=0)

    batch_response([Failure(delivery=delivery, error=FinalError(told))], queue=queue, reasons=table)

    kept = table.get({"pk": "MESSAGE#message-1", "sk": "FAILURE"})
    assert kept
    assert kept["reason"].startswith(told[:6])
    assert len(kept["reason"].encode()) < 2_000


@some
@given(value=json_values)
@example(value=HALF_A_CHARACTER)
def test_half_a_character_is_in_no_message(value: Any) -> None:
    with OnlyOurErrors():
        assert_plain(DownloadRequest.parse({**GOOD[DownloadRequest], "industries": [value]}))
