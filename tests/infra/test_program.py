"""The program's wiring: who may do what on which ARN, every environment variable, every output."""

import json
from typing import Any

import pytest

from tests.infra.conftest import Deploy, Recorded

OUTPUTS = {
    "downloadQueueUrl": "documents-download-queue",
    "downloadDeadLetterQueueUrl": "documents-download-dead-letters",
    "marketAnalysisQueueUrl": "documents-market-analysis-queue",
    "marketAnalysisDeadLetterQueueUrl": "documents-market-analysis-dead-letters",
    "vectorStoreBatchFlowArn": "documents-vector-store-batch-state-machine",
    "vectorStoreBatchFlowDeadLetterQueueUrl": "documents-vector-store-batch-dead-letters",
    "analysesTableName": "documents-analyses",
    "ingestLedgerTableName": "documents-ingest-ledger",
    "fileSweepFunctionName": "documents-sweep-function",
    "fileSweepDeadLetterQueueUrl": "documents-sweep-dead-letters",
    "labelTableName": "labels-table",
    "batchBucketName": "labels-batches-bucket",
    "completionPollFlowArn": "labels-poll-state-machine",
    "submitCompletionBatchFunctionName": "labels-submit-function",
    "completionReconcileFunctionName": "labels-reconcile-function",
    "completionDeadLetterQueueUrl": "labels-dead-letters",
    "alarmTopicArn": "monitoring-alarms-topic",
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
FUNCTION_BASICS = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "secretsmanager:GetSecretValue",
}


def environment(recorded: Recorded, function: str) -> dict[str, Any]:
    variables: dict[str, Any] = recorded.one(function).inputs["environment"]["variables"]
    return variables


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_stack_exports_the_documented_outputs(deploy: Deploy, stack: str) -> None:
    recorded = deploy(stack)
    kinds = {"Url": "url", "Arn": "arn"}
    expected = {
        output: recorded.one(resource).outputs[kinds.get(output[-3:], "name")]
        for output, resource in OUTPUTS.items()
    }
    dashboard = f"openai-batch-flows-{stack}-monitoring"
    console = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
    assert recorded.outputs == expected | {
        "ingestRefreshAfterHours": "24",
        "dashboardName": dashboard,
        "dashboardUrl": f"{console}#dashboards/dashboard/{dashboard}",
    }


def test_the_ingest_function_may_do_just_its_work(recorded: Recorded) -> None:
    allowed = recorded.grants("documents-ingest-role")
    ledger = recorded.one("documents-ingest-ledger").arn
    queue = recorded.one("documents-download-queue").arn
    assert allowed.keys() == FUNCTION_BASICS | {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "states:StartExecution",
    }
    assert all(allowed[action] == [ledger] for action in allowed if action[:8] == "dynamodb")
    assert all(allowed[action] == [queue] for action in allowed if action[:3] == "sqs")
    machine = recorded.one("documents-vector-store-batch-state-machine").arn
    assert allowed["states:StartExecution"] == [machine]
    assert allowed["secretsmanager:GetSecretValue"] == [recorded.one("openai-key-secret").arn]
    logs = recorded.one("documents-ingest-logs").arn
    assert allowed["logs:PutLogEvents"] == [f"{logs}:*"]


def test_the_check_function_may_only_record_failed_files(recorded: Recorded) -> None:
    allowed = recorded.grants("documents-vector-store-batch-check-role")
    assert allowed.keys() == FUNCTION_BASICS | {"dynamodb:UpdateItem"}
    assert allowed["dynamodb:UpdateItem"] == [recorded.one("documents-ingest-ledger").arn]


def test_the_market_analysis_function_may_only_keep_analyses(recorded: Recorded) -> None:
    allowed = recorded.grants("documents-market-analysis-role")
    table = recorded.one("documents-analyses").arn
    queue = recorded.one("documents-market-analysis-queue").arn
    assert allowed.keys() == FUNCTION_BASICS | {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }
    assert all(allowed[action] == [table] for action in allowed if action[:8] == "dynamodb")
    assert all(allowed[action] == [queue] for action in allowed if action[:3] == "sqs")


def test_the_state_machine_may_call_its_function_and_send_to_its_two_queues(
    recorded: Recorded,
) -> None:
    allowed = recorded.grants("documents-vector-store-batch-role")
    check = recorded.one("documents-vector-store-batch-check-function").arn
    assert allowed["lambda:InvokeFunction"] == [check]
    assert allowed["sqs:SendMessage"] == [
        recorded.one("documents-market-analysis-queue").arn,
        recorded.one("documents-vector-store-batch-dead-letters").arn,
    ]
    others = allowed.keys() - {"lambda:InvokeFunction", "sqs:SendMessage"}
    assert {action.split(":")[0] for action in others} == {"logs", "xray"}


def test_the_ingest_function_is_told_everything_by_its_environment(deploy: Deploy) -> None:
    recorded = deploy(
        config={"vectorStoreExpiresAfterDays": "9", "openaiBaseUrl": "https://o.ex/v1"}
    )
    assert environment(recorded, "documents-ingest-function") == {
        "POWERTOOLS_SERVICE_NAME": "documents-ingest",
        "POWERTOOLS_METRICS_NAMESPACE": "openai-batch-flows/dev",
        "OPENAI_API_KEY_SECRET_ARN": recorded.one("openai-key-secret").arn,
        "OPENAI_BASE_URL": "https://o.ex/v1",
        "QUEUE_URL": recorded.one("documents-download-queue").outputs["url"],
        "RETRY_DELAY_SECONDS": "30",
        "INGEST_LEDGER_TABLE": recorded.one("documents-ingest-ledger").outputs["name"],
        "VECTOR_STORE_BATCH_FLOW_ARN": recorded.one(
            "documents-vector-store-batch-state-machine"
        ).arn,
        "FALLBACK_MODEL": "gpt-5.4-mini",
        "VECTOR_STORE_BATCH_MAX_FILES": "500",
        "VECTOR_STORE_EXPIRES_AFTER_DAYS": "9",
        "INGEST_REFRESH_AFTER_SECONDS": "86400",
        "DOWNLOAD_MAX_BYTES": "20000000",
        "DOWNLOAD_TIMEOUT_SECONDS": "20",
        "DOWNLOAD_MIN_CHARACTERS": "200",
        "DOWNLOAD_PORTS": "80,443",
        "DOWNLOAD_ALLOW_LOOPBACK": "false",
    }


def test_the_other_functions_are_told_everything_by_their_environment(recorded: Recorded) -> None:
    secret = recorded.one("openai-key-secret").arn
    assert environment(recorded, "documents-vector-store-batch-check-function") == {
        "POWERTOOLS_SERVICE_NAME": "documents-vector-store-batch-check",
        "POWERTOOLS_METRICS_NAMESPACE": "openai-batch-flows/dev",
        "OPENAI_API_KEY_SECRET_ARN": secret,
        "INGEST_LEDGER_TABLE": recorded.one("documents-ingest-ledger").outputs["name"],
    }
    assert environment(recorded, "documents-market-analysis-function") == {
        "POWERTOOLS_SERVICE_NAME": "documents-market-analysis",
        "POWERTOOLS_METRICS_NAMESPACE": "openai-batch-flows/dev",
        "OPENAI_API_KEY_SECRET_ARN": secret,
        "QUEUE_URL": recorded.one("documents-market-analysis-queue").outputs["url"],
        "RETRY_DELAY_SECONDS": "30",
        "ANALYSES_TABLE": recorded.one("documents-analyses").outputs["name"],
        "ANALYSIS_MODEL": "gpt-5.5",
    }


def test_each_queue_tries_a_message_and_then_keeps_it_as_a_dead_letter(recorded: Recorded) -> None:
    for noun in ("download", "market-analysis"):
        queue = recorded.one(f"documents-{noun}-queue")
        assert queue.document("redrivePolicy") == {
            "deadLetterTargetArn": recorded.one(f"documents-{noun}-dead-letters").arn,
            "maxReceiveCount": 5,
        }
    for queue in recorded.of("aws:sqs/queue:Queue"):
        assert queue.inputs["sqsManagedSseEnabled"] is True
        if queue.name.endswith("dead-letters"):
            assert queue.inputs["messageRetentionSeconds"] == 14 * 86_400


def test_mappings_report_failed_records_alone(deploy: Deploy) -> None:
    recorded = deploy(config={"ingestBatchSize": "7", "ingestMaxConcurrency": "3"})
    mapping = recorded.one("documents-ingest-on-documents-download-queue")
    assert mapping.inputs == {
        "eventSourceArn": recorded.one("documents-download-queue").arn,
        "functionName": recorded.one("documents-ingest-function").arn,
        "batchSize": 7,
        "maximumBatchingWindowInSeconds": 5,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 3},
        "tags": mapping.inputs["tags"],
    }
    analysis = recorded.one("documents-market-analysis-on-documents-market-analysis-queue")
    assert analysis.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]


def test_executions_that_no_catch_sees_reach_the_dead_letters_through_events(
    recorded: Recorded,
) -> None:
    name = "documents-vector-store-batch"
    rule = recorded.one(f"{name}-failures")
    assert rule.document("eventPattern") == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
            "stateMachineArn": [recorded.one(f"{name}-state-machine").arn],
        },
    }
    letters = recorded.one(f"{name}-dead-letters")
    target = recorded.one(f"{name}-failures-target")
    assert target.inputs == {"rule": rule.outputs["name"], "arn": letters.arn}
    [statement] = recorded.one(f"{name}-failures-policy").document()["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Resource"] == letters.arn
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule.arn}}


def test_tables_can_be_restored_and_are_encrypted(recorded: Recorded) -> None:
    for table in recorded.of("aws:dynamodb/table:Table"):
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
        assert table.inputs["serverSideEncryption"] == {"enabled": True}
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"


def test_functions_run_on_the_platform_that_the_bundle_is_built_for(recorded: Recorded) -> None:
    functions = recorded.of("aws:lambda/function:Function")
    assert len(functions) == 10
    for function in functions:
        assert function.inputs["runtime"] == "python3.13"
        assert function.inputs["architectures"] == ["arm64"]
        assert function.inputs["tracingConfig"] == {"mode": "Active"}


@pytest.mark.parametrize(
    ("keys", "holder"),
    [
        ({"key": "sk-marked"}, "openai-key"),
        ({"pinecone_key": "sk-marked"}, "pinecone-key"),
        ({"webhook_secret": "sk-marked"}, "webhook-signing"),
    ],
)
def test_a_key_is_nowhere_but_in_its_secret(
    deploy: Deploy, keys: dict[str, str], holder: str
) -> None:
    recorded = deploy(config={"pineconeIndexHost": "words.example.com"}, **keys)
    holders = [
        r.name for r in recorded.resources if "sk-marked" in json.dumps(r.inputs, default=str)
    ]
    assert holders == [f"{holder}-version"]
    assert recorded.one(f"{holder}-version").secret == {"secretString"}
    assert "sk-marked" not in json.dumps(recorded.outputs)


def _comparable(recorded: Recorded) -> dict[str, str]:
    """Each resource's inputs, with random physical names taken out."""
    physical = {r.outputs["name"]: r.name for r in recorded.resources}
    comparable = {}
    for resource in recorded.resources:
        text = json.dumps(resource.inputs, sort_keys=True, default=lambda _: "archive")
        for name, logical in physical.items():
            text = text.replace(name, logical)
        comparable[resource.name] = text
    return comparable


def test_the_poll_interval_changes_the_state_machine_and_nothing_else(deploy: Deploy) -> None:
    before = _comparable(deploy())
    after = _comparable(deploy(config={"vectorStorePollIntervalSeconds": "30"}))
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["documents-vector-store-batch-state-machine"]
    assert before.keys() == after.keys()


def test_a_second_run_registers_the_same(deploy: Deploy) -> None:
    assert _comparable(deploy("prod")) == _comparable(deploy("prod"))
