"""The dashboard and the alarms: every metric that they name exists, of a resource that exists."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from functions.metrics import BY_MODEL, Metric
from tests.infra.conftest import ROOT, Deploy, Recorded

# What AWS has, and by which dimensions.
AWS_METRICS: Mapping[str, tuple[str, set[str]]] = {
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": (
        "QueueName",
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfEmptyReceives",
            "NumberOfMessagesDeleted",
            "NumberOfMessagesReceived",
            "NumberOfMessagesSent",
            "SentMessageSize",
        },
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": (
        "StateMachineArn",
        {
            "ExecutionTime",
            "ExecutionThrottled",
            "ExecutionsAborted",
            "ExecutionsFailed",
            "ExecutionsStarted",
            "ExecutionsSucceeded",
            "ExecutionsTimedOut",
        },
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": (
        "FunctionName",
        {
            "ConcurrentExecutions",
            "DeadLetterErrors",
            "DestinationDeliveryFailures",
            "Duration",
            "Errors",
            "Invocations",
            "Throttles",
        },
    ),
}
RESOURCES = {
    "AWS/SQS": ("aws:sqs/queue:Queue", "name"),
    "AWS/States": ("aws:sfn/stateMachine:StateMachine", "arn"),
    "AWS/Lambda": ("aws:lambda/function:Function", "name"),
}
KEYS = {"pinecone_key": "pc-test", "webhook_secret": "whsec_dGVzdC10ZXN0LXRlc3QtdGVzdA=="}
CONFIG = {"pineconeIndexHost": "words.example.com"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
HOUR, DAY = 3600, 86_400


@dataclass(frozen=True)
class Named:
    """A metric as a widget or an alarm names it, and which of them."""

    by: str
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def everything(deploy: Deploy) -> Recorded:
    """A stack with all that there can be."""
    return deploy("prod", {**CONFIG, "alarmSubscribers": '["a@b.example"]'}, **KEYS)


def widgets(recorded: Recorded) -> list[dict[str, Any]]:
    body = recorded.one("monitoring-dashboard").document("dashboardBody")
    return [dict(widget) for widget in body["widgets"]]


def shown(recorded: Recorded) -> Iterator[Named]:
    """Every metric of the dashboard."""
    for widget in widgets(recorded):
        for metric in widget["properties"].get("metrics", []):
            namespace, name, *pairs, options = metric
            assert set(options) == {"label", "stat"}
            dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            yield Named(widget["properties"]["title"], namespace, name, dimensions)


def alarms(recorded: Recorded) -> Mapping[str, Mapping[str, Any]]:
    """Every alarm, by its name without the component's."""
    return {
        alarm.name.removeprefix("monitoring-"): alarm.inputs
        for alarm in recorded.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    }


def watched(recorded: Recorded) -> Iterator[Named]:
    """Every metric of the alarms."""
    for name, alarm in alarms(recorded).items():
        queries = [query["metric"] for query in alarm.get("metricQueries", []) if "metric" in query]
        for metric in queries or [alarm]:
            dimensions = frozenset(metric["dimensions"].items())
            yield Named(name, metric["namespace"], metric["metricName"], dimensions)


def named(recorded: Recorded) -> list[Named]:
    return [*shown(recorded), *watched(recorded)]


def test_aws_has_every_metric_of_its_own_of_a_resource_of_this_stack(everything: Recorded) -> None:
    looked_at = set()
    for metric in named(everything):
        if metric.namespace.startswith("AWS/"):
            dimension, names = AWS_METRICS[metric.namespace]
            token, key = RESOURCES[metric.namespace]
            there = {resource.outputs[key] for resource in everything.of(token)}
            assert metric.name in names, metric
            [(found, value)] = metric.dimensions
            assert found == dimension, metric
            assert value in there, metric
            looked_at.add(metric.namespace)
    assert looked_at == AWS_METRICS.keys()


def test_the_functions_have_every_other_metric_in_the_stacks_own_namespace(
    everything: Recorded,
) -> None:
    services = {
        function.inputs["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"]
        for function in everything.of("aws:lambda/function:Function")
    }
    ours = [each for each in named(everything) if not each.namespace.startswith("AWS/")]
    assert len(ours) > 30
    for metric in ours:
        assert metric.namespace == "openai-batch-flows/prod", metric
        dimensions = dict(metric.dimensions)
        assert dimensions.pop("service") in services, metric
        by_model = Metric(metric.name) in BY_MODEL
        assert dimensions.keys() == ({"model"} if by_model else set()), metric


def test_two_stacks_of_an_account_do_not_mix(deploy: Deploy, everything: Recorded) -> None:
    found = {
        function.inputs["environment"]["variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for stack in (everything, deploy("dev"))
        for function in stack.of("aws:lambda/function:Function")
    }
    assert found == {"openai-batch-flows/dev", "openai-batch-flows/prod"}


def test_nothing_looks_at_lambdas_errors_of_the_check(everything: Recorded) -> None:
    check = everything.one("documents-vector-store-batch-check-function").outputs["name"]
    errors = [each for each in named(everything) if each.name == "Errors"]
    assert len(errors) == len(everything.of("aws:lambda/function:Function")) - 1
    assert [each for each in errors if ("FunctionName", check) in each.dimensions] == []


def test_every_queue_of_dead_letters_is_shown_and_has_an_alarm(everything: Recorded) -> None:
    letters = {
        queue.outputs["name"]
        for queue in everything.of("aws:sqs/queue:Queue")
        if queue.name.endswith("dead-letters")
    }
    for kind in (shown, watched):
        found = {
            value
            for metric in kind(everything)
            if metric.name == "ApproximateNumberOfMessagesVisible"
            for _, value in metric.dimensions
        }
        assert letters <= found
    assert len(letters) == 5


def test_both_machines_and_every_function_are_shown_and_have_alarms(everything: Recorded) -> None:
    for name, token, key in (
        ("ExecutionsFailed", "aws:sfn/stateMachine:StateMachine", "arn"),
        ("Throttles", "aws:lambda/function:Function", "name"),
    ):
        every = {resource.outputs[key] for resource in everything.of(token)}
        for kind in (shown, watched):
            metrics = [metric for metric in kind(everything) if metric.name == name]
            assert {value for metric in metrics for _, value in metric.dimensions} == every


def test_the_dashboard_shows_what_it_is_for(everything: Recorded) -> None:
    names = {metric.name for metric in shown(everything)}
    assert names >= {
        "ApproximateAgeOfOldestMessage",
        "ExecutionsSucceeded",
        "ExecutionsTimedOut",
        "FileBatchChecks",
        "MessageToAnalysis",
        "OldestBatchAge",
        "LabelsValid",
        "LabelsInvalid",
        "LabelsNeedReview",
        "InputTokens",
        "OutputTokens",
        "CostUsd",
        "AnswersWithoutPrice",
        "WordsProjected",
        "Duration",
    }


def test_the_models_are_those_of_the_configuration(deploy: Deploy) -> None:
    recorded = deploy(config={"fallbackModel": "a", "analysisModel": "b", "completionModel": "c"})
    found = {
        (dict(metric.dimensions)["service"], dict(metric.dimensions)["model"])
        for metric in shown(recorded)
        if metric.name == "CostUsd"
    }
    assert found == {
        ("documents-ingest", "a"),
        ("documents-market-analysis", "b"),
        ("labels-finish", "c"),
    }


def test_no_two_widgets_are_in_one_place_and_none_is_beyond_the_edge(everything: Recorded) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets(everything):
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "eu-central-1"


def test_cloudwatch_looks_as_far_back_as_each_alarm_asks(deploy: Deploy) -> None:
    seldom = {
        "completionSubmitMinutes": "1440",
        "completionPollMinutes": "1440",
        "completionReconcileMinutes": "59",
    }
    often = {"completionPollMinutes": "1", "completionSubmitMinutes": "1", "fileSweepHours": "1"}
    for config in (seldom, often):
        for name, alarm in alarms(deploy(config=config)).items():
            periods = {
                query["metric"]["period"]
                for query in alarm.get("metricQueries", [])
                if "metric" in query
            }
            [period] = periods or {alarm["period"]}
            assert period % 60 == 0, name
            assert period >= 300, name
            longest = 7 * DAY if period >= HOUR else DAY
            assert period * alarm["evaluationPeriods"] <= longest, name
            assert alarm["datapointsToAlarm"] == alarm["evaluationPeriods"]


def test_an_old_batch_is_one_that_openai_and_a_run_have_had_their_time_for(deploy: Deploy) -> None:
    for minutes in (5, 1440):
        alarm = alarms(deploy(config={"completionPollMinutes": str(minutes)}))["old-batch"]
        assert alarm["threshold"] == 26 * HOUR + minutes * 60
        assert alarm["period"] == minutes * 60
        assert alarm["statistic"] == "Maximum"
        assert alarm["treatMissingData"] == "ignore", "it holds until the next run"


def test_one_failed_run_wakes_nobody_and_several_in_a_row_do(everything: Recorded) -> None:
    labels, documents = (alarms(everything)[f"{flow}-failing"] for flow in ("labels", "documents"))
    assert (labels["evaluationPeriods"], labels["threshold"]) == (3, 1)
    assert documents["threshold"] == 3
    for alarm in (labels, documents):
        [total] = [query for query in alarm["metricQueries"] if "expression" in query]
        assert (total["expression"], total["returnData"]) == ("SUM(METRICS())", True)
        assert alarm["treatMissingData"] == "notBreaching"


def test_a_schedule_that_starts_nothing_is_told_of_after_three_times(deploy: Deploy) -> None:
    config = {"completionPollMinutes": "10", "completionSubmitMinutes": "90", "fileSweepHours": "2"}
    found = alarms(deploy(config=config))
    for name, seconds, metric in (
        ("poll", 600, "ExecutionsStarted"),
        ("submit", 5400, "Invocations"),
        ("reconcile", 3600, "Invocations"),
        ("file-sweep", 7200, "Invocations"),
    ):
        alarm = found[f"{name}-did-not-run"]
        assert (alarm["period"], alarm["evaluationPeriods"]) == (seconds, 3)
        assert (alarm["metricName"], alarm["statistic"]) == (metric, "Sum")
        assert (alarm["comparisonOperator"], alarm["threshold"]) == ("LessThanThreshold", 1)
        assert alarm["treatMissingData"] == "breaching"


def test_a_schedule_that_is_turned_off_is_not_missed(deploy: Deploy) -> None:
    found = alarms(deploy(config={"completionSchedulesEnabled": "false"}))
    assert {name for name in found if name.endswith("did-not-run")} == {"file-sweep-did-not-run"}


def sections() -> dict[str, str]:
    """The sections of docs/operations.md about alarms, by what links call them."""
    text = (ROOT / "docs" / "operations.md").read_text()
    _, _, about_alarms = text.partition("\n## Alarms\n")
    about_alarms, _, _ = about_alarms.partition("\n## ")
    found = re.findall(r"^### (.+)\n((?:(?!^### ).*\n?)*)", about_alarms, re.MULTILINE)
    return {title.lower().replace(" ", "-"): body for title, body in found}


def test_every_alarm_says_what_to_type_and_has_its_section_and_no_section_is_of_none(
    everything: Recorded,
) -> None:
    known = sections()
    named_in: dict[str, set[str]] = {section: set() for section in known}
    for name, alarm in alarms(everything).items():
        description = alarm["alarmDescription"]
        assert len(description) <= 1024
        assert re.search(r"`(python -m ops|aws) [^`]+`", description), name
        _, _, section = description.partition("docs/operations.md#")
        assert f"`{name}`" in known[section], f"{name} is not named in its section"
        named_in[section].add(name)
    assert all(named_in.values()), named_in
    for section, body in known.items():
        of_alarms = body.strip().partition("\n\n")[0]
        assert set(re.findall(r"`([a-z-]+)`", of_alarms)) == named_in[section]
        assert "python -m ops" in body


def test_every_alarm_tells_the_topic_and_nobody_is_told_when_all_is_well(
    everything: Recorded,
) -> None:
    topic = everything.one("monitoring-alarms-topic").arn
    for alarm in alarms(everything).values():
        assert alarm["alarmActions"] == [topic]
        assert not alarm.get("okActions")
        assert not alarm.get("insufficientDataActions")


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use(everything: Recorded) -> None:
    key, topic = everything.one("monitoring-alarms-key"), everything.one("monitoring-alarms-topic")
    assert topic.inputs["kmsMasterKeyId"] == key.arn
    assert key.inputs["enableKeyRotation"] is True
    owner, used = key.document()["Statement"]
    [published] = everything.one("monitoring-alarms-takes-alarms-alone").document()["Statement"]
    assert owner["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}
    assert "kms:PutKeyPolicy" in owner["Action"], "else KMS refuses the key"
    assert not {"kms:Decrypt", "kms:Encrypt"} & set(owner["Action"])
    assert used["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert published["Action"] == ["sns:Publish"]
    assert published["Resource"] == topic.arn
    for statement in (used, published):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}


def test_each_subscriber_is_told_in_the_way_that_it_is_named(deploy: Deploy) -> None:
    config = {"alarmSubscribers": json.dumps(["a@b.example", "https://c.example/sns?x=1"])}
    recorded = deploy(config=config)
    topic = recorded.one("monitoring-alarms-topic").arn
    found = recorded.of("aws:sns/topicSubscription:TopicSubscription")
    assert {(each.inputs["protocol"], each.inputs["endpoint"]) for each in found} == {
        ("email", "a@b.example"),
        ("https", "https://c.example/sns?x=1"),
    }
    assert all(each.inputs["topic"] == topic for each in found)
    only = deploy(config={"alarmSubscribers": '["https://c.example/sns?x=1"]'})
    [kept] = only.of("aws:sns/topicSubscription:TopicSubscription")
    names = {each.inputs["endpoint"]: each.name for each in found}
    assert kept.name == names["https://c.example/sns?x=1"], "who stays is not asked again"


def test_without_subscribers_the_topic_is_there_for_whoever_comes(recorded: Recorded) -> None:
    assert recorded.of("aws:sns/topicSubscription:TopicSubscription") == []
    assert len(alarms(recorded)) > 10
