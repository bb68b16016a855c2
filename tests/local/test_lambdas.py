"""Functions run in processes of their own, as Lambda runs them."""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.aws import Aws
from local.function_environment import FunctionSpec, Runtime
from local.function_logs import FunctionLogs
from local.lambdas import Lambdas, invoke, serving

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:mine"


@pytest.fixture(scope="module")
def logs(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> FunctionLogs:
    return FunctionLogs(tmp_path_factory.mktemp("logs"), aws.client)


@pytest.fixture(scope="module")
def runtime(
    aws: Aws, code_dir: Path, runtime_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Runtime:
    return Runtime(
        code_dir=code_dir,
        runtime_dir=runtime_dir,
        cache_dir=tmp_path_factory.mktemp("pycache"),
        endpoint_url=aws.endpoint_url,
    )


@pytest.fixture(scope="module")
def lambdas(runtime: Runtime, logs: FunctionLogs) -> Iterator[Lambdas]:
    running = Lambdas(runtime, logs)
    yield running
    running.stop()


def spec(handler: str, name: str | None = None, **settings: Any) -> FunctionSpec:
    """A function of the test code, under a name of its own."""
    defaults: dict[str, Any] = {
        "arn": ARN,
        "runtime": "python3.13",
        "region": "eu-central-1",
        "log_group": "/aws/lambda/mine",
        "timeout": 20,
        "memory": 256,
    }
    name = name or f"{handler.rpartition('.')[2]}-{uuid.uuid4().hex[:6]}"
    return FunctionSpec(name=name, handler=handler, **{**defaults, **settings})


def call(lambdas: Lambdas, function: FunctionSpec, event: Any = None) -> Any:
    """The parsed answer, which must not be an error."""
    answer = lambdas.invoke(function, json.dumps(event))
    assert not answer.failed, answer.payload
    return json.loads(answer.payload)


def failure(lambdas: Lambdas, function: FunctionSpec, event: Any = None) -> dict[str, Any]:
    """The parsed error."""
    answer = lambdas.invoke(function, json.dumps(event))
    assert answer.failed
    error: dict[str, Any] = json.loads(answer.payload)
    return error


def test_a_function_sees_its_event_and_its_context(lambdas: Lambdas) -> None:
    function = spec("handlers.echo", "mine")
    before = time.time()

    found = call(lambdas, function, {"grüße": [1, None]})

    assert found["event"] == {"grüße": [1, None]}
    assert 20_000 - (time.time() - before) * 1000 <= found["remaining"] <= 20_000
    stream = found["context"].pop("log_stream_name")
    assert "/[$LATEST]" in stream
    request_id = found["context"].pop("aws_request_id")
    assert str(uuid.UUID(request_id)) == request_id
    assert found["context"] == {
        "function_name": "mine",
        "function_version": "$LATEST",
        "invoked_function_arn": ARN,
        "log_group_name": "/aws/lambda/mine",
        "memory_limit_in_mb": "256",
    }


def test_a_function_has_no_variables_but_its_own_and_lambdas(
    lambdas: Lambdas, monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    monkeypatch.setenv("OF_THE_DEVELOPER", "1")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")

    found = call(lambdas, spec("handlers.echo", environment={"MINE": "yes", "TZ": "UTC"}))

    environment = found["environment"]
    assert environment["MINE"] == "yes"
    assert environment["TZ"] == "UTC", "a function may set what is not reserved"
    assert environment["AWS_ENDPOINT_URL"] == runtime.endpoint_url
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert set(environment) == {
        "MINE",
        "LANG",
        "PATH",
        "TZ",
        "_HANDLER",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }


def test_a_function_imports_from_its_bundle_the_runtime_and_python(
    lambdas: Lambdas, runtime: Runtime
) -> None:
    found = call(lambdas, spec("handlers.echo"))

    assert found["path"][:2] == [str(runtime.code_dir), str(runtime.runtime_dir)]
    assert not [path for path in found["path"][2:] if "site-packages" in path]
    assert found["directory"] == str(runtime.code_dir)


def test_a_function_uses_the_aws_it_is_in_with_the_runtimes_boto3(
    lambdas: Lambdas, runtime: Runtime
) -> None:
    found = call(lambdas, spec("uses_boto3.handler"))

    assert found["account"] == "123456789012"
    assert found["from"] == str(runtime.runtime_dir)


def test_nothing_is_written_into_the_bundle(lambdas: Lambdas, runtime: Runtime) -> None:
    call(lambdas, spec("handlers.echo"))

    assert not list(runtime.code_dir.rglob("__pycache__"))
    assert list(runtime.cache_dir.rglob("handlers.*.pyc"))


def test_a_process_is_used_again(lambdas: Lambdas) -> None:
    function = spec("handlers.echo")

    assert call(lambdas, function)["process"] == call(lambdas, function)["process"]


def test_a_process_has_one_event_at_a_time(lambdas: Lambdas) -> None:
    function = spec("handlers.sleeps")
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: call(lambdas, function, {"seconds": 0.5}), range(3)))

    assert len({answer["process"] for answer in answers}) == 3


def test_no_more_processes_than_are_reserved(lambdas: Lambdas) -> None:
    function = spec("handlers.sleeps", reserved_concurrency=1)
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: call(lambdas, function, {"seconds": 0}), range(3)))

    assert len({answer["process"] for answer in answers}) == 1


def test_a_function_that_was_configured_again_starts_again(lambdas: Lambdas) -> None:
    first = call(lambdas, spec("handlers.echo", "configured", environment={"A": "1"}))
    second = call(lambdas, spec("handlers.echo", "configured", environment={"A": "2"}))

    assert first["process"] != second["process"]
    assert second["environment"]["A"] == "2"


def test_an_exceptions_class_is_the_error_type(lambdas: Lambdas) -> None:
    error = failure(lambdas, spec("handlers.raises"), {"error": "pending"})

    assert error["errorType"] == "BatchPending"
    assert error["errorMessage"] == "still in progress"
    assert "in raises" in error["stackTrace"][-1]


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        (
            "broken_import.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'broken_import': No module named 'not_in_the_bundle'",
        ),
        (
            "handlers.none",
            "Runtime.HandlerNotFound",
            "Handler 'none' missing on module 'handlers'",
        ),
        ("broken_module.handler", "KeyError", "'SETTING'"),
    ],
)
def test_a_handler_that_cannot_be_had_is_an_error_each_time(
    lambdas: Lambdas, handler: str, error_type: str, message: str
) -> None:
    function = spec(handler)
    for _ in range(2):
        error = failure(lambdas, function)

        assert (error["errorType"], error["errorMessage"]) == (error_type, message)


def test_a_function_that_takes_too_long_is_killed_with_its_children(
    lambdas: Lambdas, logs: FunctionLogs, eventually: Callable[..., Any]
) -> None:
    function = spec("handlers.has_children", timeout=1)

    error = failure(lambdas, function)

    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].startswith("RequestId: ")
    assert error["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds")
    child = int(logs.file(function.name).read_text().split()[1])
    eventually(lambda: not _runs(child))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().split()[2] != "Z"


def test_the_time_for_the_import_is_not_the_functions(lambdas: Lambdas) -> None:
    assert call(lambdas, spec("handlers.echo", timeout=1))["remaining"] > 900


@pytest.mark.parametrize(
    ("event", "ending"),
    [
        ({"status": 3}, "Runtime exited with error: exit status 3"),
        ({"status": 0}, "Runtime exited without providing a reason"),
        ({"signal": True}, "Runtime exited with error: signal: Killed"),
    ],
)
def test_a_process_that_ends_is_an_error_and_the_next_event_gets_another(
    lambdas: Lambdas, event: dict[str, Any], ending: str
) -> None:
    function = spec("handlers.ends")
    for _ in range(2):
        error = failure(lambdas, function, event)

        assert error["errorType"] == "Runtime.ExitError"
        assert error["errorMessage"].endswith(f"Error: {ending}")


def test_what_a_function_writes_is_in_its_file_and_in_cloudwatch(
    lambdas: Lambdas, logs: FunctionLogs, aws: Aws
) -> None:
    function = spec("handlers.logs", log_group="/mine/group")

    answer = lambdas.invoke(function, json.dumps({"word": "grüße"}))

    lines = answer.log.splitlines()
    assert lines[:2] == ["printed: grüße", "to stderr"]
    level, _, request_id, message = lines[2].split("\t")
    assert (level, message) == ("[WARNING]", "logged")
    assert str(uuid.UUID(request_id)) == request_id
    assert lines[3:] == ["written without an end"]
    assert logs.file(function.name).read_text() == answer.log
    events = aws.client("logs").filter_log_events(logGroupName="/mine/group")["events"]
    assert [event["message"] for event in events] == lines


def test_an_exception_is_in_the_log(lambdas: Lambdas) -> None:
    answer = lambdas.invoke(spec("handlers.raises"), json.dumps({"error": "builtin"}))

    assert answer.log.startswith("[ERROR] ValueError: no good: \N{SNOWMAN}\nTraceback")


def test_stopping_kills_what_runs_and_answers_who_waits(
    runtime: Runtime, logs: FunctionLogs, eventually: Callable[..., Any]
) -> None:
    lambdas = Lambdas(runtime, logs)
    function = spec("handlers.has_children", reserved_concurrency=1)
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(failure, lambdas, function) for _ in range(2)]
        eventually(lambda: logs.file(function.name).exists())
        lambdas.stop()

        assert {answer.result(5)["errorType"] for answer in answers} == {"Runtime.ExitError"}
    assert failure(lambdas, function)["errorType"] == "Runtime.ExitError"


@pytest.fixture
def client(aws: Aws, runtime: Runtime, logs: FunctionLogs) -> Iterator[Any]:
    """moto's Lambda, served by processes of ours."""
    role = aws.client("iam").create_role(
        RoleName=f"role-{uuid.uuid4().hex[:6]}", AssumeRolePolicyDocument="{}"
    )
    client = aws.client("lambda")
    for name in ("echo", "raises", "sleeps", "logs"):
        client.create_function(
            FunctionName=name,
            Role=role["Role"]["Arn"],
            Code={"ZipFile": b""},
            Handler=f"handlers.{name}",
            Runtime="python3.13",
            Timeout=20,
            Environment={"Variables": {"NAME": name}},
        )
    with serving(Lambdas(runtime, logs), {"logs": "/own/group"}):
        yield client
    for name in ("echo", "raises", "sleeps", "logs"):
        client.delete_function(FunctionName=name)


def test_lambdas_api_reaches_the_process(client: Any) -> None:
    found = invoke(client, "echo", {"a": 1})

    assert not found.failed
    assert found.payload["event"] == {"a": 1}
    assert found.payload["environment"]["NAME"] == "echo"
    assert found.payload["context"]["memory_limit_in_mb"] == "128"


def test_lambdas_api_says_that_it_is_an_error(client: Any) -> None:
    answer = client.invoke(FunctionName="raises", Payload=json.dumps({"error": "pending"}))

    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "BatchPending"
    assert "LogResult" not in answer


def test_lambdas_api_gives_the_tail_of_the_log_to_who_asks(client: Any, aws: Aws) -> None:
    assert invoke(client, "logs", {"word": "hello"}).log.startswith("printed: hello\n")
    assert aws.client("logs").filter_log_events(logGroupName="/own/group")["events"]


def test_an_event_is_taken_at_once_and_worked_on_later(
    client: Any, logs: FunctionLogs, eventually: Callable[..., Any]
) -> None:
    logs.file("logs").unlink(missing_ok=True)
    answer = client.invoke(
        FunctionName="logs", InvocationType="Event", Payload=json.dumps({"word": "later"})
    )

    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    eventually(lambda: logs.file("logs").exists() and "later" in logs.file("logs").read_text())


def test_a_dry_run_runs_nothing(client: Any, logs: FunctionLogs) -> None:
    logs.file("logs").unlink(missing_ok=True)

    assert client.invoke(FunctionName="logs", InvocationType="DryRun")["StatusCode"] == 204
    assert not logs.file("logs").exists()


def test_a_changed_variable_reaches_the_function(client: Any) -> None:
    client.update_function_configuration(
        FunctionName="echo", Environment={"Variables": {"NAME": "another"}}
    )

    assert invoke(client, "echo", {}).payload["environment"]["NAME"] == "another"


def test_background_events_end_with_everything(
    client: Any, runtime: Runtime, logs: FunctionLogs, eventually: Callable[..., Any]
) -> None:
    lambdas = Lambdas(runtime, logs)
    function = spec("handlers.has_children")
    lambdas.invoke_later(function, "{}")
    eventually(lambda: logs.file(function.name).exists())

    lambdas.stop()

    assert f"event-for-{function.name}" not in {thread.name for thread in threading.enumerate()}
