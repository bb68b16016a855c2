"""A stack that stays: what it is reached by, on the screen and in a file, until Ctrl-C."""

import json
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local.aws import CREDENTIALS
from local.sample_web import SampleWeb
from local.stack import OPENAI_URL, LocalStack


def run_up(stack: LocalStack, console: Console, outputs_file: Path | None) -> None:
    """Tell how the stack is reached, and return at the first KeyboardInterrupt."""
    with SampleWeb() as web:
        found = endpoints(stack, web)
        for line in instructions(stack.aws.outputs, found, str(stack.aws.logs_dir)):
            # As it is: these lines are there to be copied.
            console.print(Text(line, style="" if line.startswith(" ") else "bold"), soft_wrap=True)
        if outputs_file:
            _write(outputs_file, {**stack.aws.outputs, **found})
            console.print(Text(f"Outputs and endpoints are in {outputs_file}."), soft_wrap=True)
        console.print("Ctrl-C stops everything and leaves nothing behind.")
        try:
            while True:
                # Not for ever at once: a signal that another thread gets does not end a wait.
                time.sleep(0.5)
        except KeyboardInterrupt:
            console.print("Stopping.")


def endpoints(stack: LocalStack, web: SampleWeb) -> dict[str, str]:
    """What a client needs beside the stack's outputs."""
    return {
        "awsEndpointUrl": stack.aws.endpoint_url,
        "awsRegion": stack.aws.region,
        "awsAccessKeyId": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "awsSecretAccessKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "openaiBaseUrl": stack.openai.base_url or OPENAI_URL,
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
    yield f"  {'documents to try it with':<39} {found['sampleWebUrl']}"
    yield f"  {'logs of the functions':<39} {logs_dir}"
    aws = f"aws --endpoint-url {found['awsEndpointUrl']}"
    document = {
        "domain": "bruckmoor.example",
        "url": f"{found['sampleWebUrl']}/press/frame-contract.txt",
        "fallback": "A frame contract with Halvorsund Packaging until 2029.",
        "type": "news",
        "vectorStore": "news/bruckmoor.example",
    }
    yield "Send a document from another terminal; any credentials will do"
    yield (
        f"  export AWS_ACCESS_KEY_ID={found['awsAccessKeyId']} "
        f"AWS_SECRET_ACCESS_KEY={found['awsSecretAccessKey']} "
        f"AWS_DEFAULT_REGION={found['awsRegion']}"
    )
    yield (
        f"  {aws} sqs send-message --queue-url {outputs['downloadQueueUrl']} "
        f"--message-body {shlex.quote(json.dumps(document))}"
    )
    yield "A few seconds later, read its market analysis"
    yield f"  {aws} dynamodb scan --table-name {outputs['analysesTableName']}"
    yield ""


def _write(file: Path, content: Mapping[str, str]) -> None:
    """All at once, for somebody may be waiting for the file."""
    scratch = file.with_name(f"{file.name}.part")
    scratch.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    scratch.replace(file)
