"""The commands, and what a person is told when they cannot be."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from infra.settings import SettingsError
from local.aws import AwsError
from local.cli import Options
from local.config import ConfigError
from local.demo.labels.scenario import CONFIG as LABELS_CONFIG
from local.demo.run import run_demo
from local.receipts.destination import Destination
from local.receipts.files import ReceiptsError, read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.resources import ResourceError
from local.stack import (
    LOCAL_KEY,
    LOCAL_WEBHOOK_SECRET,
    LocalStack,
    OpenAIServer,
    PineconeServer,
    running,
)
from local.up import run_up

_FAILED, _WRONG = 1, 2
_DEADLINE_SECONDS, _PATIENT_DEADLINE_SECONDS = 60, 600
# A page is given up before its batch is, and not because this machine is slow.
_DEMO_CONFIG = {"downloadTimeoutSeconds": "4", **LABELS_CONFIG}
# OpenAI itself takes minutes where the stand-in takes seconds.
_PATIENT = {"vectorStorePollIntervalSeconds": "2", "vectorStorePollMaxAttempts": "90"}


def run(options: Options, console: Console) -> int:
    """Run the command; its exit code."""
    commands = {"up": _up, "demo": _demo, "import-receipts": _import_receipts}
    try:
        return commands[options.command](options, console)
    except (ConfigError, SettingsError, AwsError, ReceiptsError) as error:
        print(error, file=sys.stderr)
        return _WRONG
    except ResourceError as error:
        print(f"The program could not be deployed: {error}", file=sys.stderr)
        return _FAILED
    except subprocess.CalledProcessError as error:
        print(f"The functions' packages could not be installed: {error}", file=sys.stderr)
        return _FAILED


def _up(options: Options, console: Console) -> int:
    server = _server(options)
    if options.outputs:
        # One of an earlier run would tell of endpoints that are no more.
        options.outputs.unlink(missing_ok=True)
    # Another OpenAI than the stand-in could not reach a URL of this machine.
    webhook_secret = LOCAL_WEBHOOK_SECRET if server is None else None
    with _deployed(options, console, server, webhook_secret) as stack:
        if webhook_secret is not None:
            stack.register_webhook()
        run_up(stack, console, options.outputs)
    console.print("Stopped. Nothing is left running.")
    return 0


def _demo(options: Options, console: Console) -> int:
    server = _server(options)
    usual = _PATIENT_DEADLINE_SECONDS if server else _DEADLINE_SECONDS
    with _deployed(options, console, server) as stack:
        is_as_planned = run_demo(
            stack,
            console,
            deadline_seconds=options.deadline or usual,
            report_file=options.report,
            started=options.started,
        )
    return 0 if is_as_planned else _FAILED


def _import_receipts(options: Options, console: Console) -> int:
    receipts = read_receipts(options.receipts)
    labels = read_labels(options.labels or options.receipts.with_name("labels.jsonl"), receipts)
    destination = Destination.read(options.outputs)
    with destination.pinecone().index() as index:
        imported = import_receipts(
            receipts,
            labels,
            table=destination.table(),
            index=index,
            namespace=destination.pinecone_namespace,
            clock=time.time,
        )
    console.print(
        f"{imported.receipts} receipts with {imported.labels} labels are there, "
        f"{imported.new_labels} of the labels and {imported.new_vectors} vectors new."
    )
    return 0


@contextmanager
def _deployed(
    options: Options,
    console: Console,
    server: OpenAIServer | None,
    webhook_secret: str | None = None,
) -> Iterator[LocalStack]:
    config = _DEMO_CONFIG if options.command == "demo" else {}
    patience = _PATIENT if options.openai == "real" else {}
    with ExitStack() as up:
        with console.status("Building the functions' bundle, deploying …"):
            stack = up.enter_context(
                running(
                    config={**config, **patience, **dict(options.config)},
                    openai=server,
                    pinecone=_pinecone(options),
                    webhook_secret=webhook_secret,
                    port=options.port,
                )
            )
        resources = len(stack.aws.deployment.resources)
        seconds = time.monotonic() - options.started
        console.print(f"Deployed {resources} resources; ready after {seconds:.1f} s.\n")
        yield stack


def _server(options: Options) -> OpenAIServer | None:
    """The OpenAI that was asked for; None for the stand-in."""
    if options.openai_base_url:
        return OpenAIServer(base_url=options.openai_base_url, key=LOCAL_KEY)
    return OpenAIServer(key=os.environ["OPENAI_API_KEY"]) if options.openai == "real" else None


def _pinecone(options: Options) -> PineconeServer | None:
    """The Pinecone that was asked for; None for the stand-in."""
    if options.pinecone_host is None:
        return None
    return PineconeServer(
        host=options.pinecone_host, key=os.environ.get("PINECONE_API_KEY", LOCAL_KEY)
    )
