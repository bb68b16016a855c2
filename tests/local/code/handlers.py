"""Functions for the tests of the embedded AWS."""

import base64
import decimal
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple


class BatchPending(Exception):  # noqa: N818 Step Functions knows it by this name
    """Not yet."""


class Point(NamedTuple):
    x: int
    y: int


def echo(event: Any, context: Any) -> Any:
    """What the function is given."""
    return {
        "event": event,
        "environment": dict(os.environ),
        "path": sys.path,
        "directory": str(Path.cwd()),
        "process": os.getpid(),
        "remaining": context.get_remaining_time_in_millis(),
        "context": {
            name: getattr(context, name)
            for name in (
                "aws_request_id",
                "function_name",
                "function_version",
                "invoked_function_arn",
                "log_group_name",
                "log_stream_name",
                "memory_limit_in_mb",
            )
        },
    }


def returns(event: Any, _context: Any) -> Any:
    """One of the results that a runtime has to write as JSON."""
    results: dict[str, Any] = {
        "nothing": None,
        "text": "grüße \N{SNOWMAN} \U0001f600",
        "mixed": {"a": [1, 2.5, True, None], "b": {"c": "d"}},
        "decimal": [decimal.Decimal("1.25"), decimal.Decimal(3), decimal.Decimal("1E+2")],
        "tuple": (1, 2),
        "named tuple": Point(1, 2),
        "bytes": {b"key": b"abc"},
        "nan": float("nan"),
        "set": {1},
        "tuple key": {(1, 2): 1},
        "not text": {"b": b"\xff"},
    }
    return results[event["result"]]


def raises(event: Any, _context: Any) -> Any:
    """One of the ways to fail."""
    errors: dict[str, BaseException] = {
        "pending": BatchPending("still in progress"),
        "builtin": ValueError("no good: \N{SNOWMAN}"),
        "without text": RuntimeError(),
        "key": KeyError("missing"),
    }
    raise errors[event["error"]]


def ends(event: Any, _context: Any) -> Any:
    """Leave without an answer."""
    if event.get("signal"):
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(event["status"])


def answers(event: Any, _context: Any) -> Any:
    """Through a URL: the event, or what it asks for in its query."""
    asked = event.get("queryStringParameters", {}).get("answer")
    results: dict[str | None, Any] = {
        None: event,
        "text": "just text",
        "nothing": None,
        "status": {"statusCode": 204},
        "whole": {
            "statusCode": 418,
            "headers": {"content-type": "text/plain", "x-own": "1"},
            "body": base64.b64encode(b"bytes \xff").decode(),
            "isBase64Encoded": True,
            "cookies": ["a=1", "b=2"],
        },
    }
    return results[asked]


def sleeps(event: Any, _context: Any) -> Any:
    """Take time."""
    time.sleep(event["seconds"])
    return {"process": os.getpid()}


def has_children(_event: Any, _context: Any) -> Any:
    """Leave a process behind, and take too long."""
    child = subprocess.Popen(["/bin/sleep", "60"])
    print(f"child {child.pid}")
    time.sleep(60)


def logs(event: Any, _context: Any) -> Any:
    """Write to the log in each of the usual ways."""
    print("printed:", event["word"])
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    os.write(1, b"written without an end")


def pending_until(event: Any, _context: Any) -> Any:
    """Raise BatchPending as often as the event says; the count is in a file."""
    count = Path(event["file"])
    calls = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(calls))
    if calls <= event["pending"]:
        raise BatchPending(f"call {calls}")
    return {"calls": calls, **event}


def consume(event: Any, _context: Any) -> Any:
    """Append the batch to a file; report the records whose body says so as failed."""
    bodies = [record["body"] for record in event["Records"]]
    with Path(os.environ["CONSUMED"]).open("a") as file:
        file.write(f"{' '.join(bodies)}\n")
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]}
            for record in event["Records"]
            if record["body"].startswith("bad")
        ]
    }
