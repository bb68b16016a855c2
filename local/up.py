"""A stack that stays: what it is reached by, on the screen and in a file, until Ctrl-C."""

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local.aws import CREDENTIALS
from local.sample_web import SampleWeb
from local.stack import OPENAI_URL, LocalStack
from ops.stack import RUNNING

_SAMPLE_RECEIPTS = "local/sample_receipts/receipts.jsonl"


def run_up(stack: LocalStack, console: Console, outputs_file: Path | None) -> None:
    """Tell how the stack is reached, and return at the first KeyboardInterrupt."""
    with SampleWeb() as web:
        found = endpoints(stack, web)
        for line in instructions(stack.aws.outputs, found, str(stack.aws.logs_dir)):
            # As it is: these lines are there to be copied.
            console.print(Text(line, style="" if line.startswith(" ") else "bold"), soft_wrap=True)
        written = {**stack.aws.outputs, **found}
        if outputs_file:
            _write(outputs_file, written)
            console.print(Text(f"Outputs and endpoints are in {outputs_file}."), soft_wrap=True)
        console.print("Ctrl-C stops everything and leaves nothing behind.")
        with _known_to_others(written):
            try:
                while True:
                    # Not for ever at once: a signal that another thread gets does not end a wait.
                    time.sleep(0.5)
            except KeyboardInterrupt:
                console.print("Stopping.")


@contextmanager
def _known_to_others(written: Mapping[str, str]) -> Iterator[None]:
    """Have other commands find this stack while the block runs."""
    _write(RUNNING, written)
    try:
        yield
    finally:
        # Unless another stack was started since.
        with suppress(FileNotFoundError):
            if json.loads(RUNNING.read_text(encoding="utf-8")) == written:
                RUNNING.unlink()


def endpoints(stack: LocalStack, web: SampleWeb) -> dict[str, str]:
    """What a client needs beside the stack's outputs."""
    return {
        "awsEndpointUrl": stack.aws.endpoint_url,
        "awsRegion": stack.aws.region,
        "awsAccessKeyId": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "awsSecretAccessKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "openaiBaseUrl": stack.openai.base_url or OPENAI_URL,
        "pineconeHost": stack.pinecone.host,
        "pineconeNamespace": stack.namespace,
        "sampleWebUrl": web.base_url,
    }


def instructions(
    outputs: Mapping[str, str], found: Mapping[str, str], logs_dir: str
) -> Iterator[str]:
    """Everything at a glance, and lines to paste into another terminal."""
    yield "Stack outputs"
    for name, value in outputs.items():
        yield f"  {name:<39} {value}"
    yield "Endpoints"
    yield f"  {'AWS':<39} {found['awsEndpointUrl']}"
    yield f"  {'OpenAI':<39} {found['openaiBaseUrl']}"
    pinecone = f"{found['pineconeHost']}, namespace {found['pineconeNamespace']}"
    yield f"  {'Pinecone':<39} {pinecone}"
    yield f"  {'documents to try it with':<39} {found['sampleWebUrl']}"
    yield f"  {'logs of the functions':<39} {logs_dir}"
    python = os.path.relpath(sys.executable)
    document = {
        "domain": "bruckmoor.example",
        "url": f"{found['sampleWebUrl']}/press/frame-contract.txt",
        "fallback": "A frame contract with Halvorsund Packaging until 2029.",
        "type": "news",
        "vectorStore": "news/bruckmoor.example",
    }
    yield "From another terminal, send a document and follow it to its market analysis"
    yield (
        f"  {python} -m ops ingest {document['url']} --domain {document['domain']} "
        f"--vector-store {document['vectorStore']} --type {document['type']} "
        f"--fallback {shlex.quote(document['fallback'])} --watch"
    )
    yield "Have labels judged; the schedules do the last two by themselves, every minute"
    yield f"  {python} -m local import-receipts {_SAMPLE_RECEIPTS}"
    yield f"  {python} -m ops submit"
    yield f"  {python} -m ops poll"
    yield "See what is in flight, stuck or failed, and what to type then"
    yield f"  {python} -m ops status"
    yield "Or use the AWS CLI, with any credentials"
    yield (
        f"  export AWS_ACCESS_KEY_ID={found['awsAccessKeyId']} "
        f"AWS_SECRET_ACCESS_KEY={found['awsSecretAccessKey']} "
        f"AWS_DEFAULT_REGION={found['awsRegion']}"
    )
    aws = f"aws --endpoint-url {found['awsEndpointUrl']}"
    yield (
        f"  {aws} sqs send-message --queue-url {outputs['downloadQueueUrl']} "
        f"--message-body {shlex.quote(json.dumps(document))}"
    )
    yield f"  {aws} dynamodb scan --table-name {outputs['analysesTableName']}"
    yield ""


def _write(file: Path, content: Mapping[str, str]) -> None:
    """All at once, for somebody may be waiting for the file."""
    scratch = file.with_name(f"{file.name}.part")
    scratch.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    scratch.replace(file)
