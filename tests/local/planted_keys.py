"""A key put into each place in which none may be."""

import json
import subprocess
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import pulumi

from tests.local.marked_run import OPENAI, accept
from tests.local.written_places import Run


def _plant_in_function(run: Run, key: str, _: ExitStack) -> None:
    name = run.stack.aws.outputs["submitCompletionBatchFunctionName"]
    run.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"KEY": key}}
    )


def _plant_in_process(_: Run, key: str, cleanup: ExitStack) -> None:
    process = subprocess.Popen(["/bin/sleep", "600"], env={"KEY": key})
    cleanup.callback(process.wait)
    cleanup.callback(process.kill)


def _plant_in_state_machine(run: Run, key: str, _: ExitStack) -> None:
    arn = run.stack.aws.outputs["vectorStoreBatchFlowArn"]
    states = run.client("stepfunctions")
    definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
    states.update_state_machine(
        stateMachineArn=arn, definition=json.dumps({**definition, "Comment": key})
    )


def _plant_in_execution(run: Run, key: str, _: ExitStack) -> None:
    run.client("stepfunctions").start_execution(
        stateMachineArn=run.stack.aws.outputs["completionPollFlowArn"],
        input=json.dumps({"openaiBatchId": key}),
    )


def _plant_in_message(run: Run, key: str, _: ExitStack) -> None:
    url = run.stack.aws.outputs["completionDeadLetterQueueUrl"]
    run.client("sqs").send_message(QueueUrl=url, MessageBody=key)


def _plant_in_item(run: Run, key: str, _: ExitStack) -> None:
    run.client("dynamodb").put_item(
        TableName=run.stack.aws.outputs["analysesTableName"],
        Item={"pk": {"S": "a"}, "sk": {"S": "b"}, "deep": {"L": [{"S": key}]}},
    )


def _plant_in_object(run: Run, key: str, _: ExitStack) -> None:
    bucket = run.stack.aws.outputs["batchBucketName"]
    run.client("s3").put_object(Bucket=bucket, Key="planted", Body=key.encode())


def _plant_in_log_file(run: Run, key: str, _: ExitStack) -> None:
    with next(run.stack.aws.logs_dir.iterdir()).open("a") as file:
        file.write(key)


def _plant_in_log_events(run: Run, key: str, _: ExitStack) -> None:
    logs = run.client("logs")
    group = logs.describe_log_groups()["logGroups"][0]["logGroupName"]
    logs.create_log_stream(logGroupName=group, logStreamName="planted")
    event = {"timestamp": int(time.time() * 1000), "message": key}
    logs.put_log_events(logGroupName=group, logStreamName="planted", logEvents=[event])


def _plant_in_standin(run: Run, key: str, _: ExitStack) -> None:
    accept(run.openai, OPENAI)
    with run.stack.openai_client() as client:
        client.files.create(file=("planted.txt", key.encode()), purpose="assistants")


def _plant_in_bundle(run: Run, key: str, _: ExitStack) -> None:
    archive = run.scratch / "planted.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("settings.py", f"KEY = {key!r}\n")
    run.registered.inputs.append(("planted", {"code": pulumi.FileArchive(str(archive))}))


PLANTS: Mapping[str, Callable[[Run, str, ExitStack], object]] = {
    "inputs of resources": lambda run, key, _: run.registered.inputs.append(("planted", [key])),
    "outputs of the stack": lambda run, key, _: vars(run.stack.aws.deployment).__setitem__(
        "outputs", {**run.stack.aws.outputs, "planted": key}
    ),
    "environments of functions": _plant_in_function,
    "environments of processes": _plant_in_process,
    "state machines": _plant_in_state_machine,
    "executions": _plant_in_execution,
    "messages in queues": _plant_in_message,
    "items of tables": _plant_in_item,
    "objects in buckets": _plant_in_object,
    "log files": _plant_in_log_file,
    "log events": _plant_in_log_events,
    "traffic with AWS": lambda run, key, _: run.client("sqs").list_queues(QueueNamePrefix=key),
    "traffic with stand-ins": _plant_in_standin,
    "temporary files": lambda run, key, _: (run.scratch / "planted").write_text(key),
    "bundle": _plant_in_bundle,
}
