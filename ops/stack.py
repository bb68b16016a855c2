"""The stack that is worked on: its outputs, and clients of its AWS.

The outputs are read from a file, from ``pulumi stack output --json``, or from what
``python -m local up`` wrote down; the last of these also say where the embedded AWS is.
"""

import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions.clients.dynamodb import Table
from ops.errors import OpsError

_PROGRAM = Path(__file__).parent.parent
RUNNING = _PROGRAM / ".build" / "up.json"
"""Where ``python -m local up`` writes down outputs and endpoints of the stack that it keeps up."""


def is_up() -> bool:
    """Whether the stack is written down. It stays so where ``local up`` was killed outright."""
    return RUNNING.exists()


def how_to_forget() -> str:
    """What to do about a stack that is written down and has gone."""
    return f"If the stack of `python -m local up` is not up any more, delete {RUNNING}"


class Outputs(BaseModel):
    """The stack's outputs, and of an embedded stack its endpoint."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore"
    )

    download_queue_url: str
    download_dead_letter_queue_url: str
    market_analysis_queue_url: str
    market_analysis_dead_letter_queue_url: str
    vector_store_batch_flow_arn: str
    vector_store_batch_flow_dead_letter_queue_url: str
    analyses_table_name: str
    ingest_ledger_table_name: str
    file_sweep_function_name: str
    file_sweep_dead_letter_queue_url: str
    label_table_name: str
    batch_bucket_name: str
    completion_poll_flow_arn: str
    submit_completion_batch_function_name: str
    completion_reconcile_function_name: str
    completion_dead_letter_queue_url: str
    ingest_refresh_after_hours: int

    aws_endpoint_url: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None

    @classmethod
    def found(cls, *, file: Path | None, stack: str | None) -> Self:
        """Those in ``file`` (``-`` is standard input), or of the Pulumi stack of that name.

        Without either, those of the embedded stack that is up, or else of the selected Pulumi
        stack. Errors: OpsError.
        """
        if file is not None:
            return cls._read(sys.stdin.read() if str(file) == "-" else _text(file), str(file))
        if stack is None and is_up():
            return cls._read(_text(RUNNING), str(RUNNING))
        return cls._read(_asked_of_pulumi(stack), "pulumi stack output")

    @classmethod
    def _read(cls, text: str, source: str) -> Self:
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            wrong = ", ".join(
                str(detail["loc"][0]) if detail["loc"] else "JSON" for detail in error.errors()
            )
            raise OpsError(
                f"{source} has not the outputs of a stack of this program: {wrong}"
            ) from None


class Stack:
    """A deployed stack: its outputs, its tables, and boto3 clients of its region."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self._clients: dict[str, Any] = {}

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client, the same each time without a ``config`` of its own.

        Credentials come from the environment, as with the AWS CLI.
        """
        if config is None and service in self._clients:
            return self._clients[service]
        client = self._session.client(  # type: ignore[call-overload]
            service, endpoint_url=self.outputs.aws_endpoint_url, config=config
        )
        if config is None:
            self._clients[service] = client
        return client

    @cached_property
    def ledger(self) -> Table:
        """What was done for each document."""
        return self._table(self.outputs.ingest_ledger_table_name)

    @cached_property
    def analyses(self) -> Table:
        """Market analyses."""
        return self._table(self.outputs.analyses_table_name)

    @cached_property
    def labels(self) -> Table:
        """Labels, batches and audit records."""
        return self._table(self.outputs.label_table_name)

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.outputs.aws_access_key_id,
            aws_secret_access_key=self.outputs.aws_secret_access_key,
            # A stack's own region, whatever the environment's is.
            region_name=self.outputs.completion_poll_flow_arn.split(":")[3],
        )

    def _table(self, name: str) -> Table:
        return Table(self.client("dynamodb"), name)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OpsError(f"{file} cannot be read: {error}") from None


def _asked_of_pulumi(stack: str | None) -> str:
    named = [] if stack is None else ["--stack", stack]
    try:
        done = subprocess.run(
            ["pulumi", "stack", "output", "--json", *named],
            cwd=_PROGRAM,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise OpsError(
            "no stack: start one with `python -m local up`, give --outputs FILE, or install the "
            "Pulumi CLI and give --stack NAME"
        ) from None
    except subprocess.CalledProcessError as error:
        raise OpsError(f"pulumi stack output: {error.stderr.strip()}") from None
    return done.stdout
