"""One function's process: what AWS's runtime client does in Lambda, over a socket instead of HTTP.

Started as ``python -I -S lambda_worker.py FD CODE_DIR RUNTIME_DIR``, it imports the standard
library only and sees no packages but those two directories'. It imports the handler, says
whether that worked, and then answers one event after another. Each message is a line of JSON:

    out  {"ready": true} or {"error": {...}}
    in   {"requestId", "functionArn", "deadlineMs", "event": "<JSON text>"}
    out  {"result": "<JSON text>"} or {"error": {"errorMessage", "errorType", "requestId", ...}}

stdout and stderr are the function's log; after each event a line of its own there, which starts
with a zero byte, says that the log of that event is complete.

A test holds the answers against awslambdaric's:
https://github.com/aws/aws-lambda-python-runtime-interface-client
"""

import decimal
import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

LOG_END = b"\0end "
# From Python 3.12 on, AWS's client leaves other letters than ASCII as they are.
_ESCAPES = os.environ.get("AWS_EXECUTION_ENV") in {
    f"AWS_Lambda_python3.{minor}" for minor in (9, 10, 11)
}
_current_request_id = ""


class RuntimeFault(Exception):  # noqa: N818 it is Lambda's word
    """A failure that is the runtime's to report, under a name of Lambda's."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    identity = None
    client_context = None

    def __init__(self, request_id: str, function_arn: str, deadline_ms: int) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function_arn
        self._deadline_ms = deadline_ms
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        # Text, as in Lambda.
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = _current_request_id
        return True


def main() -> None:
    """Serve until the other end closes the socket."""
    channel_fd, code_dir, runtime_dir = sys.argv[1:4]
    sys.path[:0] = [code_dir, runtime_dir]
    sys.argv = ["bootstrap"]
    # Python itself sets it where the locale that LANG names is not installed.
    if os.environ.get("LC_CTYPE") == "C.UTF-8":
        del os.environ["LC_CTYPE"]
    os.set_inheritable(int(channel_fd), False)
    with (
        socket.socket(fileno=int(channel_fd)) as channel,
        channel.makefile("rb") as incoming,
        channel.makefile("wb") as outgoing,
    ):

        def send(**message: Any) -> None:
            outgoing.write(json.dumps(message).encode() + b"\n")
            outgoing.flush()

        _set_up_logging()
        try:
            handler = find_handler(os.environ["_HANDLER"])
        except Exception as error:  # noqa: BLE001 whatever the module raised is its answer
            send(error=_reported(error, ""))
            sys.exit(1)
        send(ready=True)
        for line in incoming:
            request = json.loads(line)
            answer = invoke(handler, request)
            _end_log(request["requestId"])
            send(**answer)


def find_handler(name: str) -> Callable[[Any, LambdaContext], Any]:
    """Import ``module.function``; RuntimeFault if it cannot be had."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise RuntimeFault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise RuntimeFault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise RuntimeFault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from error
    found = getattr(module, function_name, None)
    if found is None:
        raise RuntimeFault(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
        )
    return found  # type: ignore[no-any-return]


def invoke(handler: Callable[[Any, LambdaContext], Any], request: dict[str, Any]) -> dict[str, Any]:
    """Call the handler and turn what it returned or raised into a message."""
    global _current_request_id  # noqa: PLW0603 log lines carry it
    _current_request_id = request["requestId"]
    context = LambdaContext(request["requestId"], request["functionArn"], request["deadlineMs"])
    try:
        returned = handler(json.loads(request["event"]), context)
        return {"result": to_json(returned)}
    except Exception as error:  # noqa: BLE001 as in Lambda: any exception is the answer
        return {"error": _reported(error, request["requestId"])}


def to_json(value: Any) -> str:
    """The result as Lambda writes it; RuntimeFault if JSON has no such thing."""
    try:
        if isinstance(value, bytes):
            return value.decode()
        return json.dumps(_plain(value), ensure_ascii=_ESCAPES)
    except Exception as error:
        message = f"Unable to marshal response: {error}"
        raise RuntimeFault("Runtime.MarshalError", message) from error


def _plain(value: Any) -> Any:
    """What AWS's encoder, which is simplejson's, takes beyond the standard library's."""
    if isinstance(value, dict):
        value = {
            key.decode() if isinstance(key, bytes) else key: _plain(item)
            for key, item in value.items()
        }
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = _plain(value._asdict())
    elif isinstance(value, list | tuple):
        value = [_plain(item) for item in value]
    elif isinstance(value, bytes):
        value = value.decode()
    elif isinstance(value, decimal.Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        value = int(value) if whole else float(value)
    return value


def _reported(error: Exception, request_id: str) -> dict[str, Any]:
    """The error as Lambda answers it, logged as Lambda logs it."""
    if isinstance(error, RuntimeFault):
        error_type, trace = error.error_type, error.trace
    else:
        error_type = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        own = next((i for i, f in enumerate(frames) if f.filename != __file__), 0)
        trace = traceback.format_list(frames[own:])
    print(f"[ERROR] {error_type}: {error}\nTraceback (most recent call last):")
    print("".join(trace), end="")
    return {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _set_up_logging() -> None:
    """The root logger writes to the function's log, as Lambda sets it up before the import."""
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )
    )
    handler.addFilter(_RequestIdFilter())
    logging.getLogger().addHandler(handler)


def _end_log(request_id: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.write(1, LOG_END + request_id.encode() + b"\n")


if __name__ == "__main__":
    main()
