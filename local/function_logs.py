"""Where the functions' output goes: a file a function, and moto's CloudWatch Logs."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import AwsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogLine:
    """One line a function wrote, and when it was read, in milliseconds since 1970."""

    text: str
    timestamp_ms: int

    @classmethod
    def now(cls, text: str) -> "LogLine":
        """A line read just now."""
        return cls(text, int(time.time() * 1000))


class FunctionLogs:
    """Takes the lines of all functions. CloudWatch gets them a batch an event, as best it can."""

    def __init__(self, directory: Path, client: Callable[[str], Any]) -> None:
        self.directory = directory
        self._client = client
        self._lock = threading.Lock()
        self._streams: set[tuple[str, str]] = set()
        directory.mkdir(parents=True, exist_ok=True)

    def file(self, function_name: str) -> Path:
        """Where to read the log of one function."""
        return self.directory / f"{function_name}.log"

    def write(self, function_name: str, line: LogLine) -> None:
        """Append to the function's file at once, so that it can be followed."""
        with self._lock, self.file(function_name).open("a", encoding="utf-8") as file:
            file.write(f"{line.text}\n")

    def publish(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Put the lines into CloudWatch; a failure there is no failure of the function."""
        if not lines:
            return
        try:
            self._put(group, stream, lines)
        except (AwsError, BotoCoreError, ClientError) as error:
            logger.warning("log lines not kept in %s: %s", group, error)

    def _put(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        logs = self._client("logs")
        if (group, stream) not in self._streams:
            try:
                logs.create_log_group(logGroupName=group)
            except ClientError as error:
                # By its code: threads that ask for the client's exceptions at once get different
                # classes of the same name.
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            self._streams.add((group, stream))
        # CloudWatch refuses empty messages.
        events = [{"timestamp": line.timestamp_ms, "message": line.text or " "} for line in lines]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
