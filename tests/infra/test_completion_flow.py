"""The label-completion flow's resources: who may do what, what is told to whom, what is private."""

import pytest

from functions import environment as environments
from tests.infra.conftest import Deploy, Recorded
from tests.infra.test_program import POWERTOOLS

CONFIG = {"pineconeIndexHost": "words.example.com"}
BASICS = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}
KEY = {"secretsmanager:GetSecretValue"}
READS, QUERIES = {"dynamodb:GetItem"}, {"dynamodb:Query"}
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
FILES = {"s3:GetObject", "s3:ListBucket"}
LETTERS = {"sqs:SendMessage"}
ALLOWED = {
    "submit": KEY | READS | QUERIES | WRITES | LETTERS | {"s3:PutObject"},
    "list-pending": KEY | QUERIES | {"dynamodb:UpdateItem"},
    "collect": KEY | READS | {"dynamodb:UpdateItem", "s3:PutObject"} | FILES,
    "apply": READS | QUERIES | WRITES | FILES,
    "finish": READS | QUERIES | {"dynamodb:UpdateItem"},
    "project": KEY | QUERIES | WRITES | {"dynamodb:DeleteItem"},
    "reconcile": KEY | READS | QUERIES | {"dynamodb:UpdateItem"} | LETTERS | FILES,
}
# What is queried, the table itself among it.
QUERIED = {
    "submit": ["", "/index/GSI3"],
    "list-pending": ["/index/GSI1", "/index/GSI2"],
    "apply": [""],
    "finish": [""],
    "project": ["", "/index/GSI2"],
    "reconcile": ["/index/GSI1", "/index/GSI2", "/index/GSI3"],
}
ENVIRONMENTS: dict[str, type[environments.LabelEnvironment]] = {
    "submit": environments.SubmitEnvironment,
    "list-pending": environments.ListPendingEnvironment,
    "collect": environments.CollectEnvironment,
    "apply": environments.ApplyEnvironment,
    "finish": environments.LabelEnvironment,
    "project": environments.ProjectEnvironment,
    "reconcile": environments.ReconcileEnvironment,
}


@pytest.fixture(scope="session")
def projected(deploy: Deploy) -> Recorded:
    """The flow with everything that it can have."""
    return deploy(config=CONFIG, pinecone_key="pc-test")


def variables(recorded: Recorded, function: str) -> dict[str, str]:
    found: dict[str, str] = recorded.one(f"labels-{function}-function").inputs["environment"][
        "variables"
    ]
    return found


@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_just_its_work(projected: Recorded, function: str) -> None:
    allowed = projected.grants(f"labels-{function}-role")
    assert allowed.keys() == BASICS | ALLOWED[function]

    table = projected.one("labels-table").arn
    bucket = projected.one("labels-batches-bucket").arn
    service = "pinecone" if function == "project" else "openai"
    expected = {
        "dynamodb:Query": [f"{table}{queried}" for queried in QUERIED.get(function, [])],
        "dynamodb:GetItem": [table],
        "dynamodb:PutItem": [table],
        "dynamodb:UpdateItem": [table],
        "dynamodb:DeleteItem": [table],
        "s3:GetObject": [f"{bucket}/batches/*"],
        "s3:PutObject": [f"{bucket}/batches/*"],
        "s3:ListBucket": [bucket],
        "sqs:SendMessage": [projected.one("labels-dead-letters").arn],
        "secretsmanager:GetSecretValue": [projected.one(f"{service}-key-secret").arn],
    }
    for action in ALLOWED[function]:
        assert allowed[action] == expected[action], action


@pytest.mark.parametrize("function", ENVIRONMENTS)
def test_a_function_is_told_what_it_reads_and_nothing_else(
    projected: Recorded, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    told = variables(projected, function)
    model = ENVIRONMENTS[function]
    optional = {"OPENAI_BASE_URL", "COMPLETION_MAX_ENQUEUED_TOKENS", "COMPLETION_MAX_COST_USD"}
    read = {name.upper() for name in model.model_fields}
    assert told.keys() == {*POWERTOOLS, *read} - optional

    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert model.load().label_table == projected.one("labels-table").outputs["name"]


def test_functions_are_told_what_is_configured(deploy: Deploy) -> None:
    recorded = deploy(
        config={
            **CONFIG,
            "completionModel": "gpt-6",
            "completionBatchMaxRequests": "7",
            "completionBatchMaxBytes": "1000001",
            "completionMaxEnqueuedTokens": "90000",
            "completionPollMaxBatches": "9",
            "completionValidatingTimeoutSeconds": "301",
            "completionMaxAttempts": "4",
            "pineconeNamespace": "letters",
            "pineconeUpdatesPerSecond": "50",
        },
        pinecone_key="pc-test",
    )
    submit = variables(recorded, "submit")
    assert submit["BATCH_BUCKET"] == recorded.one("labels-batches-bucket").outputs["bucket"]
    assert submit["OPENAI_API_KEY_SECRET_ARN"] == recorded.one("openai-key-secret").arn
    assert submit["COMPLETION_MODEL"] == "gpt-6"
    assert submit["COMPLETION_BATCH_MAX_REQUESTS"] == "7"
    assert submit["COMPLETION_BATCH_MAX_BYTES"] == "1000001"
    assert submit["COMPLETION_MAX_ENQUEUED_TOKENS"] == "90000"
    list_pending = variables(recorded, "list-pending")
    assert list_pending["COMPLETION_POLL_MAX_BATCHES"] == "9"
    assert list_pending["COMPLETION_VALIDATING_TIMEOUT_SECONDS"] == "301"
    assert list_pending["PROJECTION_ENABLED"] == "true"
    assert variables(recorded, "apply")["COMPLETION_MAX_ATTEMPTS"] == "4"
    project = variables(recorded, "project")
    assert project["PINECONE_API_KEY_SECRET_ARN"] == recorded.one("pinecone-key-secret").arn
    assert project["PINECONE_INDEX_HOST"] == "words.example.com"
    assert project["PINECONE_NAMESPACE"] == "letters"
    assert project["PINECONE_UPDATES_PER_SECOND"] == "50"


@pytest.mark.parametrize(("set_to", "told"), [("10", "10"), ("1e3", "1000"), ("0.50", "0.50")])
def test_submit_is_told_its_budget_as_a_plain_number(
    deploy: Deploy, set_to: str, told: str
) -> None:
    recorded = deploy(config={"completionMaxCostUsd": set_to})
    assert variables(recorded, "submit")["COMPLETION_MAX_COST_USD"] == told


def test_without_a_pinecone_key_nothing_projects_and_a_warning_says_so(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    recorded = deploy(config=CONFIG)
    assert "\n    pulumi config set --secret pineconeApiKey " in caplog.text
    names = {resource.name for resource in recorded.resources}
    assert not [name for name in names if "project" in name or "pinecone" in name]
    definition = recorded.one("labels-poll-state-machine").document("definition")
    assert "Project" not in definition["States"]
    assert variables(recorded, "list-pending")["PROJECTION_ENABLED"] == "false"


def test_with_a_pinecone_key_there_is_nothing_to_warn_of(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    recorded = deploy(config=CONFIG, pinecone_key="pc-test")
    assert "pineconeApiKey" not in caplog.text
    definition = recorded.one("labels-poll-state-machine").document("definition")
    assert "Project" in definition["States"]


def test_each_task_of_the_machine_calls_its_own_function(projected: Recorded) -> None:
    definition = projected.one("labels-poll-state-machine").document("definition")
    batch = definition["States"]["ForEachBatch"]["ItemProcessor"]["States"]
    chunk = batch["ApplyChunks"]["ItemProcessor"]["States"]
    tasks = {
        "list-pending": definition["States"]["ListPendingBatches"],
        "collect": batch["Collect"],
        "apply": chunk["Apply"],
        "finish": batch["Finish"],
        "project": definition["States"]["Project"],
    }
    for name, task in tasks.items():
        function = projected.one(f"labels-{name}-function")
        assert task["Parameters"]["FunctionName"] == function.arn
        assert task["TimeoutSeconds"] == function.inputs["timeout"]


def test_the_machine_may_run_itself_call_its_functions_and_read_the_lists_of_chunks(
    projected: Recorded,
) -> None:
    allowed = projected.grants("labels-poll-role")
    machine = projected.one("labels-poll-state-machine").arn
    executions = machine.replace(":stateMachine:", ":execution:")
    called = ("list-pending", "collect", "apply", "finish", "project")
    assert allowed["lambda:InvokeFunction"] == [
        projected.one(f"labels-{name}-function").arn for name in called
    ]
    assert allowed["states:StartExecution"] == [machine]
    for action in ("states:DescribeExecution", "states:StopExecution"):
        assert allowed[action] == [f"{executions}:*", f"{executions}/*"]
    bucket = projected.one("labels-batches-bucket").arn
    assert allowed["s3:GetObject"] == [f"{bucket}/batches/*"]
    services = {action.split(":")[0] for action in allowed}
    assert services == {"lambda", "logs", "s3", "states", "xray"}


@pytest.mark.parametrize("function", ["submit", "reconcile"])
def test_an_event_that_a_function_failed_on_is_a_dead_letter(
    recorded: Recorded, function: str
) -> None:
    assert recorded.one(f"labels-{function}-failures").inputs == {
        "functionName": recorded.one(f"labels-{function}-function").outputs["name"],
        "maximumRetryAttempts": 1,
        "maximumEventAgeInSeconds": 3600,
        "destinationConfig": {
            "onFailure": {"destination": recorded.one("labels-dead-letters").arn}
        },
    }


def test_the_label_table_has_the_indexes_of_its_entities(recorded: Recorded) -> None:
    table = recorded.one("labels-table").inputs
    assert (table["hashKey"], table["rangeKey"]) == ("PK", "SK")
    assert table["globalSecondaryIndexes"] == [
        {
            "name": index,
            "keySchemas": [
                {"attributeName": f"{index}PK", "keyType": "HASH"},
                {"attributeName": f"{index}SK", "keyType": "RANGE"},
            ],
            "projectionType": "ALL",
        }
        for index in ("GSI1", "GSI2", "GSI3")
    ]
    declared = {attribute["name"]: attribute["type"] for attribute in table["attributes"]}
    assert declared == {
        f"{prefix}{key}": "S" for prefix in ("", "GSI1", "GSI2", "GSI3") for key in ("PK", "SK")
    }


def test_functions_that_handle_whole_files_have_room_for_them(projected: Recorded) -> None:
    found = {
        resource.name.removeprefix("labels-").removesuffix("-function"): (
            resource.inputs["memorySize"],
            resource.inputs["ephemeralStorage"]["size"],
            resource.inputs["timeout"],
        )
        for resource in projected.of("aws:lambda/function:Function")
        if resource.name.startswith("labels-")
    }
    assert found == {
        "submit": (1769, 2048, 900),
        "list-pending": (1024, 512, 120),
        "collect": (1769, 1024, 900),
        "apply": (1024, 512, 300),
        "finish": (512, 512, 120),
        "project": (1024, 512, 900),
        "reconcile": (1024, 512, 900),
    }
