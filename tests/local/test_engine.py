"""A program's resources, created in moto as Pulumi's engine and AWS would."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest

from local.aws import Aws
from local.config import ConfigError
from local.deployment import Deployment, deploy
from local.engine import EmbeddedEngine, plain
from local.resources import CREATORS, Created, ResourceError
from local.resources.naming import physical_name

PROGRAM = Path(__file__).with_name("program")
ASSUMABLE = '{"Version": "2012-10-17", "Statement": []}'
Create = Callable[..., dict[str, Any]]


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def deployment(aws: Aws, archive: Path) -> Deployment:
    return deploy(
        aws,
        program=PROGRAM,
        stack="local",
        config={"code": str(archive)},
        secrets={"apiKey": "sk-secret"},
    )


@pytest.fixture
def create(aws: Aws) -> Create:
    """``create(token, name, **inputs)``: one resource's outputs, as the program gets them."""
    engine = EmbeddedEngine(aws)

    def create(token: str, name: str, **inputs: Any) -> dict[str, Any]:
        args = pulumi.runtime.MockResourceArgs(token, name, inputs, custom=True)
        return engine.new_resource(args)[1]

    return create


def test_the_stacks_outputs_are_plain_values(deployment: Deployment, aws: Aws) -> None:
    outputs = deployment.outputs

    assert outputs["workQueueUrl"].startswith(f"{aws.endpoint_url}/123456789012/work-queue-")
    assert outputs["nested"] == {"region": "eu-central-1", "keys": [outputs["secretArn"]]}


def test_names_are_the_logical_ones_and_seven_hex_digits(deployment: Deployment) -> None:
    assert re.fullmatch(r"consume-[0-9a-f]{7}", deployment.outputs["consume"])
    assert re.fullmatch(r"results-[0-9a-f]{7}", deployment.outputs["bucket"])


def test_every_resource_is_known_with_its_inputs(deployment: Deployment) -> None:
    tables = deployment.of_type("aws:dynamodb/table:Table")

    assert [table.name for table in tables] == ["entries"]
    assert tables[0].id == deployment.outputs["table"]
    assert tables[0].inputs["billingMode"] == "PAY_PER_REQUEST"
    created = {resource.type for resource in deployment.resources}
    assert {token for token in CREATORS if not token.startswith("aws:s3/")} <= created


def test_queues_have_their_settings(deployment: Deployment, aws: Aws) -> None:
    sqs = aws.client("sqs")
    work = sqs.get_queue_attributes(
        QueueUrl=deployment.outputs["workQueueUrl"], AttributeNames=["All"]
    )["Attributes"]
    dead = sqs.get_queue_attributes(
        QueueUrl=deployment.outputs["noticesDeadUrl"], AttributeNames=["All"]
    )["Attributes"]

    assert work["VisibilityTimeout"] == "2", "the stack file's value, not the default"
    policy = json.loads(work["RedrivePolicy"])
    assert policy["maxReceiveCount"] == 2
    assert policy["deadLetterTargetArn"].rpartition(":")[2].startswith("work-dead-")
    assert json.loads(dead["Policy"])["Statement"] == [{"Effect": "Allow"}]


def test_functions_have_their_settings(deployment: Deployment, aws: Aws) -> None:
    found = aws.client("lambda").get_function_configuration(FunctionName=deployment.outputs["echo"])

    assert (found["Runtime"], found["Handler"]) == ("python3.13", "handlers.echo")
    assert (found["Timeout"], found["MemorySize"]) == (1, 256)
    assert found["Environment"]["Variables"] == {"KEY_ARN": deployment.outputs["secretArn"]}
    assert found["Architectures"] == ["arm64"]
    assert found["EphemeralStorage"] == {"Size": 1024}
    policies = aws.client("iam").list_role_policies(RoleName=found["Role"].rpartition("/")[2])
    assert policies["PolicyNames"][0].startswith("worker-reads-work-")


def test_the_archives_hash_is_known(deployment: Deployment) -> None:
    function = deployment.of_type("aws:lambda/function:Function")[0]

    assert re.fullmatch(r"[0-9a-f]{64}", function.outputs["codeSha256"])


def test_secrets_have_their_values(deployment: Deployment, aws: Aws) -> None:
    secret = aws.client("secretsmanager").get_secret_value(SecretId=deployment.outputs["secretArn"])

    assert secret["SecretString"] == "sk-secret"


def test_tables_have_their_indexes(deployment: Deployment, aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    name = deployment.outputs["table"]
    found = dynamodb.describe_table(TableName=name)["Table"]

    assert [key["AttributeName"] for key in found["KeySchema"]] == ["PK", "SK"]
    indexes = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in found["GlobalSecondaryIndexes"]
    }
    assert indexes == {"GSI1": ["GSI1PK", "SK"], "GSI2": ["GSI2PK", "SK"]}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"AttributeName": "expires", "TimeToLiveStatus": "ENABLED"}


def test_rules_and_schedules_are_there(deployment: Deployment, aws: Aws) -> None:
    rule = deployment.of_type("aws:cloudwatch/eventRule:EventRule")[0].outputs["name"]
    targets = aws.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    schedules = deployment.of_type("aws:scheduler/schedule:Schedule")
    [schedule] = [found.outputs["name"] for found in schedules if found.name == "sweep"]

    assert targets[0]["Arn"].rpartition(":")[2].startswith("notices-dead-")
    found = aws.client("scheduler").get_schedule(Name=schedule)
    assert found["Target"]["Arn"] == deployment.outputs["machineArn"]
    assert found["Target"]["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 300,
        "MaximumRetryAttempts": 2,
    }
    assert ":work-dead-" in found["Target"]["DeadLetterConfig"]["Arn"]


def test_mappings_are_listed_but_moto_leaves_their_work_to_us(
    deployment: Deployment, aws: Aws
) -> None:
    mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert [mapping["State"] for mapping in mappings] == ["Disabled"]
    assert mappings[0]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_configuration_is_checked_as_pulumi_checks_it(aws: Aws) -> None:
    with pytest.raises(ConfigError, match="missing embedded-test:code"):
        deploy(aws, program=PROGRAM, stack="local", config={}, secrets={})


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """The directory of a program with this source."""

    def program(source: str) -> Path:
        (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (tmp_path / "__main__.py").write_text(f"import pulumi\nimport pulumi_aws as aws\n{source}")
        return tmp_path

    return program


def up(aws: Aws, program: Path) -> Deployment:
    return deploy(aws, program=program, stack="dev", config={}, secrets={})


def test_an_unknown_resource_is_an_error_that_says_where_to_add_it(
    aws: Aws, program: Callable[[str], Path]
) -> None:
    source = 'aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")'

    with pytest.raises(ResourceError, match=r"aws:ec2/vpc:Vpc net: .* local/resources/"):
        up(aws, program(source))


def test_what_the_program_raises_is_raised(aws: Aws, program: Callable[[str], Path]) -> None:
    with pytest.raises(ZeroDivisionError):
        up(aws, program("1 / 0"))


def test_a_program_imports_from_its_own_directory(
    aws: Aws, program: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "beside_the_program.py").write_text("ANSWER = 42\n")
    source = "import pathlib\nimport beside_the_program\n"
    source += 'pulumi.export("found", [beside_the_program.ANSWER, str(pathlib.Path.cwd())])'

    assert up(aws, program(source)).outputs == {"found": [42, str(tmp_path)]}


def test_one_deployment_knows_nothing_of_another(aws: Aws, program: Callable[[str], Path]) -> None:
    first = up(aws, program('pulumi.export("a", aws.sqs.Queue("q").name)'))
    second = up(aws, program('pulumi.export("b", pulumi.get_stack())'))

    assert set(first.outputs) == {"a"}
    assert second.outputs == {"b": "dev"}
    assert second.resources == ()


def test_the_provider_answers_who_and_where(aws: Aws, program: Callable[[str], Path]) -> None:
    source = """
pulumi.export("account", aws.get_caller_identity().account_id)
pulumi.export("region", aws.get_region_output().region)
pulumi.export("partition", aws.get_partition().partition)
pulumi.export("configured", pulumi.Config("aws").require("region"))
"""
    assert up(aws, program(source)).outputs == {
        "account": "123456789012",
        "region": "eu-central-1",
        "partition": "aws",
        "configured": "eu-central-1",
    }


def test_a_question_without_an_answer_is_an_error(aws: Aws, program: Callable[[str], Path]) -> None:
    with pytest.raises(ResourceError, match=r"getAvailabilityZones.* local/engine\.py"):
        up(aws, program("aws.get_availability_zones()"))


def test_a_function_needs_an_archive_that_exists(create: Create) -> None:
    code = pulumi.FileArchive("/nowhere/functions.zip")

    with pytest.raises(ResourceError, match=r"mine: .*FileArchive of a zip that exists"):
        create("aws:lambda/function:Function", "mine", role="r", code=code)


def test_a_function_may_not_set_what_lambda_sets(create: Create, archive: Path) -> None:
    with pytest.raises(ResourceError, match="AWS_REGION itself and refuses"):
        create(
            "aws:lambda/function:Function",
            "mine",
            role="r",
            code=pulumi.FileArchive(str(archive)),
            environment={"variables": {"AWS_REGION": "eu-west-1"}},
        )


@pytest.fixture
def mapped(create: Create, archive: Path) -> Create:
    """A mapping, with these inputs, of a new queue to a function with a time-out of 60 s."""

    def mapped(visibility: int, **inputs: Any) -> dict[str, Any]:
        queue = create("aws:sqs/queue:Queue", "q", visibilityTimeoutSeconds=float(visibility))
        role = create("aws:iam/role:Role", "r", assumeRolePolicy=ASSUMABLE)
        function = create(
            "aws:lambda/function:Function",
            "f",
            role=role["arn"],
            code=pulumi.FileArchive(str(archive)),
            handler="a.b",
            runtime="python3.13",
            timeout=60.0,
            reservedConcurrentExecutions=2.0,
        )
        return create(
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            "m",
            eventSourceArn=queue["arn"],
            functionName=function["arn"],
            **inputs,
        )

    return mapped


def test_a_mapping_of_a_queue_whose_messages_come_back_too_soon_is_refused(mapped: Create) -> None:
    with pytest.raises(ResourceError, match="30 seconds is less than Function timeout: 60"):
        mapped(30)

    assert mapped(60)["uuid"]


def test_a_large_batch_without_a_window_is_refused(mapped: Create) -> None:
    with pytest.raises(ResourceError, match="without a window"):
        mapped(60, batchSize=11.0)


def test_filters_are_refused_rather_than_ignored(mapped: Create) -> None:
    with pytest.raises(ResourceError, match="without filters"):
        mapped(60, filterCriteria={"filters": [{"pattern": "{}"}]})


def test_a_rules_target_that_moto_would_not_reach_is_refused(create: Create) -> None:
    with pytest.raises(ResourceError, match=r"not lambda: .*local/events\.py"):
        create(
            "aws:cloudwatch/eventTarget:EventTarget",
            "t",
            rule="r",
            arn="arn:aws:lambda:eu-central-1:123456789012:function:f",
        )


def test_what_aws_refuses_names_the_resource(create: Create) -> None:
    with pytest.raises(
        ResourceError, match=r"aws:sfn/stateMachine:StateMachine broken: .*ASLParser"
    ):
        create("aws:sfn/stateMachine:StateMachine", "broken", roleArn="r", definition="{}")


def test_a_bucket_takes_its_policy_and_keeps_versions(create: Create, aws: Aws) -> None:
    name = create("aws:s3/bucket:Bucket", "Kept", bucketPrefix="kept-")["bucket"]
    refused = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
    create("aws:s3/bucketPolicy:BucketPolicy", "p", bucket=name, policy=policy(refused))
    create(
        "aws:s3/bucketVersioning:BucketVersioning",
        "v",
        bucket=name,
        versioningConfiguration={"status": "Enabled"},
    )

    assert name.startswith("kept-")
    assert aws.client("s3").get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    found = json.loads(aws.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    assert found["Statement"] == [refused]


def test_a_bucket_that_takes_tls_alone_can_be_used_without_it_here(
    create: Create, aws: Aws
) -> None:
    name = create("aws:s3/bucket:Bucket", "private")["bucket"]
    refused = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    create("aws:s3/bucketPolicy:BucketPolicy", "p", bucket=name, policy=policy(refused))
    aws.client("s3").put_object(Bucket=name, Key="file", Body=b"content")

    assert aws.client("s3").get_object(Bucket=name, Key="file")["Body"].read() == b"content"


def test_a_bucket_is_set_up_as_the_program_says(create: Create, aws: Aws) -> None:
    name = create("aws:s3/bucket:Bucket", "kept")["bucket"]
    create(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "o",
        bucket=name,
        rule={"objectOwnership": "BucketOwnerEnforced"},
    )
    create(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "e",
        bucket=name,
        rules=[
            {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": "aws:kms",
                    "kmsMasterKeyId": "key",
                },
                "bucketKeyEnabled": True,
            }
        ],
    )
    create(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "l",
        bucket=name,
        rules=[
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": "batches/"},
                "expiration": {"days": 90.0},
            },
            {
                "id": "abort",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1.0},
            },
        ],
    )

    s3 = aws.client("s3")
    [ownership] = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    [rule] = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "key",
    }
    assert rule["BucketKeyEnabled"] is True
    expire, abort = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (expire["ID"], expire["Filter"]) == ("expire", {"Prefix": "batches/"})
    assert expire["Expiration"]["Days"] == 90
    assert abort["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize(
    ("expression", "target", "message"),
    [
        ("cron(0 9 * * ? *)", "arn:aws:states:eu-central-1:1:stateMachine:m", r"not cron"),
        ("rate(0 minutes)", "arn:aws:states:eu-central-1:1:stateMachine:m", r"not rate\(0"),
        ("rate(1 hour)", "arn:aws:states:eu-central-1:1:stateMachine:m", r"not rate\(1 hour"),
        ("rate(5 minutes)", "arn:aws:sqs:eu-central-1:1:queue", "not arn:aws:sqs"),
    ],
)
def test_a_schedule_that_nothing_would_run_is_refused(
    create: Create, expression: str, target: str, message: str
) -> None:
    with pytest.raises(ResourceError, match=rf"{message}.*local/schedules\.py"):
        create(
            "aws:scheduler/schedule:Schedule",
            "s",
            scheduleExpression=expression,
            flexibleTimeWindow={"mode": "OFF"},
            target={"arn": target, "roleArn": "r"},
        )


def test_a_name_that_the_program_gives_stays() -> None:
    assert physical_name("logical", {"name": "given"}, 80) == "given"
    assert physical_name("logical", {"namePrefix": "pre-"}, 80).startswith("pre-")


def test_a_name_that_aws_would_refuse_is_refused() -> None:
    with pytest.raises(ResourceError, match="longer than the 64"):
        physical_name("x" * 60, {}, 64)


def test_inputs_come_out_of_their_wrapping() -> None:
    wrapped = {
        "secret": {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            "value": {"nested": 3.0},
        },
        "list": [1.0, 1.5, "1"],
    }

    assert plain(wrapped) == {"secret": {"nested": 3}, "list": [1, 1.5, "1"]}
    assert isinstance(plain(2.0), int)


def test_one_resource_is_created_at_a_time(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, busy, overlaps = EmbeddedEngine(aws), threading.Lock(), []

    def slow(_aws: Aws, name: str, _inputs: Mapping[str, Any]) -> Created:
        overlaps.append(busy.locked())
        with busy:
            time.sleep(0.01)
        return Created(name)

    monkeypatch.setattr("local.engine.creator", lambda _token: slow)
    with ThreadPoolExecutor(5) as threads:
        args = [
            pulumi.runtime.MockResourceArgs("aws:a:B", str(n), {}, custom=True) for n in "12345"
        ]
        list(threads.map(engine.new_resource, args))

    assert overlaps == [False] * 5
