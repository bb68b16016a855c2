"""The wrappers as Pulumi's host calls them: plain dicts, numbers as floats."""

from typing import Any

import pytest

from provider import components
from tests.infra.conftest import Recorded
from tests.provider.conftest import Run

PROGRAM = """
import pulumi
from pulumi.provider.experimental.component import ComponentProvider
from provider.components import COMPONENTS, NAME

host = ComponentProvider(list(COMPONENTS), NAME)
result = host.construct({name!r}, NAME + ":index:{component}", {inputs})
pulumi.export("urn", result.urn)
for name, value in result.state.items():
    pulumi.export(name, value)
"""


def construct(run: Run, component: str, name: str, inputs: dict[str, Any]) -> Recorded:
    """What Pulumi's host makes of one resource of a program in another language."""
    return run(PROGRAM.format(component=component, name=name, inputs=repr(inputs)))


def environment(recorded: Recorded, function: str) -> dict[str, Any]:
    variables: dict[str, Any] = recorded.one(f"{function}-function").inputs["environment"]
    return dict(variables["variables"])


def test_the_document_flow_is_made_with_what_it_was_given(run: Run) -> None:
    made = construct(
        run,
        "IngestPipeline",
        "news",
        {
            "openaiKeySecretArn": "arn:key",
            "openaiBaseUrl": "https://o.ex/v1",
            "ingest": {
                "batchSize": 8.0,
                "downloadPorts": [443.0],
                "vectorStoreExpiresAfterDays": 9.0,
                "refreshAfterSeconds": 60.0,
            },
            "polling": {"intervalSeconds": 15.0, "backoffRate": 1.5},
            "analysis": {"model": "gpt-5.4"},
            "queueMaxReceives": 7.0,
            "logRetentionDays": 14.0,
        },
    )
    assert made.one("news-ingest-on-news-download-queue").inputs["batchSize"] == 8
    told = environment(made, "news-ingest")
    # A float's text would be refused by the function.
    assert told["DOWNLOAD_PORTS"] == "443"
    assert told["VECTOR_STORE_EXPIRES_AFTER_DAYS"] == "9"
    assert told["INGEST_REFRESH_AFTER_SECONDS"] == "60"
    assert told["VECTOR_STORE_BATCH_MAX_FILES"] == "500"
    assert told["OPENAI_API_KEY_SECRET_ARN"] == "arn:key"
    assert told["OPENAI_BASE_URL"] == "https://o.ex/v1"
    assert environment(made, "news-market-analysis")["ANALYSIS_MODEL"] == "gpt-5.4"
    machine = made.one("news-vector-store-batch-state-machine").document("definition")
    [retrier] = [
        retrier
        for retrier in machine["States"]["CheckBatchStatus"]["Retry"]
        if retrier["ErrorEquals"] == ["BatchPending"]
    ]
    assert (retrier["IntervalSeconds"], retrier["BackoffRate"]) == (15, 1.5)
    queue = made.one("news-download-queue")
    assert queue.document("redrivePolicy")["maxReceiveCount"] == 7
    assert made.one("news-ingest-logs").inputs["retentionInDays"] == 14
    assert {name: made.outputs[name] for name in ("downloadQueueUrl", "downloadQueueArn")} == {
        "downloadQueueUrl": queue.outputs["url"],
        "downloadQueueArn": queue.arn,
    }
    # The engine takes no component of another type, or under another name, than it asked for.
    assert made.outputs["urn"].endswith("$openai-batch-flows:index:IngestPipeline::news")


def test_the_label_completion_is_made_with_what_it_was_given(run: Run) -> None:
    made = construct(
        run,
        "CompletionFlow",
        "words",
        {
            "openaiKeySecretArn": "arn:key",
            "pineconeKeySecretArn": "arn:pinecone",
            "pineconeIndexHost": "words.example.com",
            "pineconeUpdatesPerSecond": 50.0,
            "completion": {"maxEnqueuedTokens": 5e9, "maxCostUsd": 0.5, "maxAttempts": 2.0},
            "polling": {"chunksAtOnce": 3.0},
            "schedules": {"enabled": False, "pollMinutes": 10.0},
            "batchRetentionDays": 60.0,
        },
    )
    told = environment(made, "words-submit")
    assert told["COMPLETION_MAX_ENQUEUED_TOKENS"] == "5000000000"
    assert told["COMPLETION_MAX_COST_USD"] == "0.5"
    assert environment(made, "words-apply")["COMPLETION_MAX_ATTEMPTS"] == "2"
    projected = environment(made, "words-project")
    assert projected["PINECONE_API_KEY_SECRET_ARN"] == "arn:pinecone"
    assert projected["PINECONE_INDEX_HOST"] == "words.example.com"
    assert projected["PINECONE_NAMESPACE"] == "words"
    assert projected["PINECONE_UPDATES_PER_SECOND"] == "50"
    assert '"MaxConcurrency": 3,' in made.one("words-poll-state-machine").inputs["definition"]
    [schedule] = [
        each.inputs
        for each in made.of("aws:scheduler/schedule:Schedule")
        if each.name == "words-poll-schedule"
    ]
    assert (schedule["scheduleExpression"], schedule["state"]) == ("rate(10 minutes)", "DISABLED")
    [expires, _] = made.one("words-batches-lifecycle").inputs["rules"]
    assert expires["expiration"] == {"days": 60}
    assert made.outputs["labelTableName"] == made.one("words-table").outputs["name"]


def test_every_output_that_the_schema_promises_has_a_value(run: Run) -> None:
    of = {"openaiKeySecretArn": "arn:key"}
    for component, inputs in (
        ("ApiKey", {"value": "sk-test"}),
        ("IngestPipeline", of),
        ("CompletionFlow", of),
    ):
        made = construct(run, component, "all", inputs)
        promised = {"urn"}
        for name in getattr(components, component).__annotations__:
            first, *rest = name.split("_")
            promised.add(first + "".join(map(str.title, rest)))
        assert made.outputs.keys() == promised
        assert all(made.outputs.values())


@pytest.mark.parametrize(
    ("component", "inputs", "told"),
    [
        ("IngestPipeline", {}, "openaiKeySecretArn"),
        ("IngestPipeline", {"ingest": {"batchSize": 2_000.0}}, "batch_size"),
        ("IngestPipeline", {"ingest": {"batchSize": 1.5}}, "batch_size"),
        ("IngestPipeline", {"queueRetryDelaySeconds": 0.0}, "queue_retry_delay_seconds is 0"),
        ("CompletionFlow", {"pineconeKeySecretArn": "arn:pinecone"}, "index_host"),
        ("CompletionFlow", {"pineconeIndexHost": "words.example.com"}, "key_secret_arn"),
        ("CompletionFlow", {"schedules": {"pollMinutes": 0.0}}, "poll_minutes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    run: Run, component: str, inputs: dict[str, Any], told: str
) -> None:
    given = {"openaiKeySecretArn": "arn:key", **inputs} if inputs else {}
    with pytest.raises(Exception, match=told):
        construct(run, component, "news", given)


def test_a_group_that_is_known_later_is_refused_and_not_taken_for_defaults(run: Run) -> None:
    """The host makes an empty group of it."""
    inputs = '{"openaiKeySecretArn": "a", "ingest": pulumi.Output.secret({"batchSize": 5.0})}'
    with pytest.raises(Exception, match="ingest is empty, or holds a secret"):
        run(PROGRAM.format(component="IngestPipeline", name="news", inputs=inputs))
