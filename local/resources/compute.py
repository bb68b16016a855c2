"""Roles, functions, what calls them, and state machines."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pulumi

from local.aws import Aws
from local.function_environment import RESERVED_VARIABLES
from local.resources.naming import (
    Created,
    Inputs,
    ResourceError,
    capitalised,
    given,
    physical_name,
    tag_list,
)

_DEFAULT_TIMEOUT_SECONDS = 3
_DEFAULT_VISIBILITY_SECONDS = 30


def role(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A role. moto keeps policies and enforces none."""
    role_name = physical_name(name, inputs, 64)
    iam = aws.client("iam")
    created = iam.create_role(
        RoleName=role_name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        **given(
            Path=inputs.get("path"),
            Description=inputs.get("description"),
            MaxSessionDuration=inputs.get("maxSessionDuration"),
            Tags=tag_list(inputs),
        ),
    )["Role"]
    for policy in inputs.get("inlinePolicies") or ():
        iam.put_role_policy(
            RoleName=role_name, PolicyName=policy["name"], PolicyDocument=policy["policy"]
        )
    outputs = {"name": role_name, "arn": created["Arn"], "uniqueId": created["RoleId"]}
    return Created(role_name, outputs)


def role_policy(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A policy of one role."""
    policy_name = physical_name(name, inputs, 128)
    role_name = inputs["role"].rpartition("/")[2]
    aws.client("iam").put_role_policy(
        RoleName=role_name, PolicyName=policy_name, PolicyDocument=inputs["policy"]
    )
    return Created(f"{role_name}:{policy_name}", {"name": policy_name})


def function(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A function. The archive is checked, and only its hash kept: it is built for Lambda.

    What runs here is the directory that the embedded AWS was given, built for this machine.
    """
    function_name = physical_name(name, inputs, 64)
    variables = (inputs.get("environment") or {}).get("variables") or {}
    if reserved := RESERVED_VARIABLES.intersection(variables):
        raise ResourceError(f"Lambda sets {', '.join(sorted(reserved))} itself and refuses them")
    sha256 = archive_sha256(inputs.get("code"))
    arn = aws.client("lambda").create_function(
        FunctionName=function_name,
        Role=inputs["role"],
        Code={"ZipFile": _stand_in(sha256)},
        **given(
            Runtime=inputs.get("runtime"),
            Handler=inputs.get("handler"),
            Timeout=inputs.get("timeout"),
            MemorySize=inputs.get("memorySize"),
            Environment={"Variables": variables} if variables else None,
            Description=inputs.get("description"),
            Architectures=inputs.get("architectures"),
            EphemeralStorage=capitalised(inputs.get("ephemeralStorage")),
            TracingConfig=capitalised(inputs.get("tracingConfig")),
            Tags=inputs.get("tags"),
        ),
    )["FunctionArn"]
    _reserve(aws, function_name, inputs)
    invoke_arn = (
        f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    )
    outputs = {
        "name": function_name,
        "arn": arn,
        "invokeArn": invoke_arn,
        "qualifiedArn": f"{arn}:$LATEST",
        "version": "$LATEST",
        "codeSha256": sha256,
    }
    return Created(function_name, outputs)


def _reserve(aws: Aws, function_name: str, inputs: Inputs) -> None:
    """-1, the provider's default, is no reservation."""
    reserved = inputs.get("reservedConcurrentExecutions", -1)
    if reserved >= 0:
        aws.client("lambda").put_function_concurrency(
            FunctionName=function_name, ReservedConcurrentExecutions=reserved
        )


def archive_sha256(code: Any) -> str:
    """The hash of the archive's file; ResourceError if there is none."""
    if not isinstance(code, pulumi.FileArchive) or not Path(code.path).is_file():
        raise ResourceError(f"a function's code is a FileArchive of a zip that exists, not {code}")
    return hashlib.sha256(Path(code.path).read_bytes()).hexdigest()


def _stand_in(sha256: str) -> bytes:
    """moto wants a zip; the real one would cost it megabytes a function."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("sha256", sha256)
    return content.getvalue()


def event_source_mapping(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """A mapping from a queue. moto lists it as disabled: local/event_sources.py does its work."""
    batch_size = inputs.get("batchSize") or 10
    window = inputs.get("maximumBatchingWindowInSeconds") or 0
    if ":sqs:" not in inputs["eventSourceArn"] or inputs.get("filterCriteria"):
        raise ResourceError("only queues without filters are embedded: see local/event_sources.py")
    if batch_size > 10 and window < 1:
        raise ResourceError("AWS refuses a batch of more than 10 messages without a window")
    _refuse_short_visibility(aws, inputs)
    created = aws.client("lambda").create_event_source_mapping(
        EventSourceArn=inputs["eventSourceArn"],
        FunctionName=inputs["functionName"],
        BatchSize=batch_size,
        MaximumBatchingWindowInSeconds=window,
        FunctionResponseTypes=inputs.get("functionResponseTypes") or [],
        Enabled=False,
        **given(ScalingConfig=capitalised(inputs.get("scalingConfig")), Tags=inputs.get("tags")),
    )
    return Created(
        created["UUID"], {"uuid": created["UUID"], "functionArn": created["FunctionArn"]}
    )


def _refuse_short_visibility(aws: Aws, inputs: Inputs) -> None:
    """As Lambda does; a message would be given out again while it is being worked on."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=inputs["eventSourceArn"].rpartition(":")[2])["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    visibility = int(attributes["Attributes"]["VisibilityTimeout"])
    configuration = aws.client("lambda").get_function_configuration(
        FunctionName=inputs["functionName"]
    )
    if visibility < configuration["Timeout"]:
        raise ResourceError(
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: "
            f"{configuration['Timeout']} seconds"
        )


def function_event_invoke_config(aws: Aws, name: str, inputs: Inputs) -> Created:
    """How a function is called asynchronously. Here it is called once whatever this says."""
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=inputs["functionName"],
        **given(
            MaximumRetryAttempts=inputs.get("maximumRetryAttempts"),
            MaximumEventAgeInSeconds=inputs.get("maximumEventAgeInSeconds"),
            DestinationConfig=capitalised(inputs.get("destinationConfig")),
        ),
    )
    return Created(f"{inputs['functionName']}:{name}")


def state_machine(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A state machine, which moto's interpreter runs."""
    machine_name = physical_name(name, inputs, 80)
    created = aws.client("stepfunctions").create_state_machine(
        name=machine_name,
        definition=inputs["definition"],
        roleArn=inputs["roleArn"],
        type=inputs.get("type") or "STANDARD",
        **given(
            loggingConfiguration=_logging(inputs.get("loggingConfiguration")),
            tracingConfiguration=inputs.get("tracingConfiguration"),
            tags=[{"key": key, "value": value} for key, value in (inputs.get("tags") or {}).items()]
            or None,
        ),
    )
    arn = created["stateMachineArn"]
    return Created(arn, {"name": machine_name, "arn": arn, "status": "ACTIVE"})


def _logging(configuration: Any) -> dict[str, Any] | None:
    if not configuration:
        return None
    destination = configuration.get("logDestination")
    return given(
        level=configuration.get("level"),
        includeExecutionData=configuration.get("includeExecutionData"),
        destinations=[{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}]
        if destination
        else None,
    )
