"""What AWS takes for documents, from their messages to their market analysis: counted, priced."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.bill.aws_bill import Part, Usage, bill, bill_table, prices_as_of, usd_of
from benchmarks.bill.aws_usage import Meter, metered
from benchmarks.row import Row
from benchmarks.servers.outside import page
from functions.costs import TokenUsage, cost_usd
from functions.prices import FILE_SEARCH_CALL, VECTOR_STORE_GB_DAY
from local.stack import LocalStack, OpenAIServer, running
from local.standins.openai import BatchPlan, OpenAIStandIn
from local.standins.serving import HOST, Serving
from ops.costs.lines import Bill

_DOCUMENTS, _MANY = 10, 1_000
_PAGE_CHARACTERS = 30_000
_DOWNLOAD_SECONDS, _UPLOAD_SECONDS, _OPENAI_SECONDS = 0.2, 0.3, 0.1
# Ten seconds apart by default, and one here: a batch that takes half a minute.
_POLLS = 3
_POLL_SECONDS = 10
_ANALYSIS, _ANALYSIS_SECONDS = "documents-market-analysis-function", 60
_ANALYSIS_TOKENS = TokenUsage(input_tokens=20_000, output_tokens=2_000)
_ANALYSIS_MODEL = "gpt-5.5"
_PATIENCE_SECONDS = 90
_CONFIG = {
    "completionSchedulesEnabled": "false",
    "downloadTimeoutSeconds": "20",
    "ingestBatchWindowSeconds": "2",
}


def measure() -> Row:
    """One document while all functions are cold, then ten of one event while they are warm."""
    with ExitStack() as started:
        standin = started.enter_context(_openai())
        web_url = started.enter_context(_web())
        openai = OpenAIServer(base_url=standin.base_url)
        stack = started.enter_context(running(config=_CONFIG, openai=openai))
        meter = started.enter_context(metered(stack.aws))
        flow = _Flow(stack=stack, standin=standin, meter=meter, web_url=web_url)
        alone = flow.usage_of(1)
        together = flow.usage_of(_DOCUMENTS)
    bills = {
        f"{_DOCUMENTS} documents": bill(together),
        "one alone, cold": bill(alone),
        f"{_MANY:,} documents": bill(together, times=_MANY // _DOCUMENTS),
    }
    ten, one, many = map(usd_of, bills.values())
    return Row(
        what="cost of one ingested document, all AWS parts",
        baseline="—",
        ours=f"${ten / _DOCUMENTS:.6f} as one of ten, ${one:.6f} alone, ${many:.3f} for {_MANY:,}",
        details=_details(bills, together),
    )


@contextmanager
def _openai() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as standin:
        standin.plans.add(BatchPlan(polls=_POLLS))
        for operation in standin.operations:
            standin.latency[operation] = _OPENAI_SECONDS
        standin.latency["files.create"] = _UPLOAD_SECONDS
        yield standin


@contextmanager
def _web() -> Iterator[str]:
    """The address of a web site on loopback with a page under each number."""

    def app(environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        time.sleep(_DOWNLOAD_SECONDS)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page(_PAGE_CHARACTERS, int(environ["PATH_INFO"].strip("/"))).encode()]

    serving = Serving("web", app, 0, threading.Event())
    serving.start()
    try:
        yield f"http://{HOST}:{serving.port}"
    finally:
        serving.stop()


@dataclass(kw_only=True)
class _Flow:
    """The document flow of a stack."""

    stack: LocalStack
    standin: OpenAIStandIn
    meter: Meter
    web_url: str
    sent: int = 0
    analyses: int = 0

    def usage_of(self, documents: int) -> Usage:
        """What so many documents use that come at once, for one store, up to their analysis."""
        files = set(self.standin.files)
        for _ in range(documents):
            self._send()
        self.analyses += 1
        _eventually(self._is_done)
        usage = self.meter.taken(self.stack.aws.outputs["vectorStoreBatchFlowArn"])
        uploaded = [file for name, file in self.standin.files.items() if name not in files]
        if len(uploaded) != documents or len(self._analyses()) != self.analyses:
            raise RuntimeError(f"of {documents} documents, {len(uploaded)} were uploaded at once")
        usage.counted[Part.OUTGOING] = sum(len(file.content) for file in uploaded)
        usage.invocations = [
            replace(each, seconds=each.seconds + _ANALYSIS_SECONDS)
            if each.function == _ANALYSIS
            else each
            for each in usage.invocations
        ]
        return usage

    def _send(self) -> None:
        self.sent += 1
        body = {
            "domain": "bruckmoor.example",
            "legalName": "Brückmoor Antriebe GmbH",
            "url": f"{self.web_url}/{self.sent}",
            "fallback": "What is known of the page.",
            "type": "news",
            "vectorStore": "news/bruckmoor.example",
        }
        self.stack.aws.client("sqs").send_message(
            QueueUrl=self.stack.aws.outputs["downloadQueueUrl"], MessageBody=json.dumps(body)
        )

    def _is_done(self) -> bool:
        return len(self._analyses()) >= self.analyses and not any(map(self._holds, _QUEUES))

    def _analyses(self) -> list[Any]:
        aws = self.stack.aws
        found = aws.client("dynamodb").scan(TableName=aws.outputs["analysesTableName"])
        return [item for item in found["Items"] if item.get("status") == {"S": "DONE"}]

    def _holds(self, queue: str) -> bool:
        """Whether a queue has messages, or somebody works on one of them."""
        aws = self.stack.aws
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = aws.client("sqs").get_queue_attributes(
            QueueUrl=aws.outputs[queue], AttributeNames=names
        )
        return any(int(number) for number in found["Attributes"].values())


_QUEUES = ("downloadQueueUrl", "marketAnalysisQueueUrl")


def _eventually(condition: Any) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the documents are not done")
        time.sleep(0.1)


def _details(bills: Mapping[str, Bill], together: Usage) -> str:
    used: defaultdict[str, float] = defaultdict(float)
    for each in together.invocations:
        used[each.function] += each.gigabyte_seconds
    functions = ", ".join(
        f"`{name}` {used[name]:.3g}" for name in sorted(used, key=used.__getitem__, reverse=True)
    )
    model_usd = cost_usd(_ANALYSIS_MODEL, _ANALYSIS_TOKENS, batch=False)
    return f"""\
Real messages go through the deployed program on the embedded AWS: queue, ingest, ledger,
`VectorStoreBatchFlow`, the second queue, the analysis and its table; first one while no function
has a process yet, then {_DOCUMENTS} of one event for one store. Each request of theirs is counted
where it comes in, with Lambda's time at the call and the memory of the program, DynamoDB's units by
the sizes of the items before and after, and the bytes of the logs, Lambda's own lines with them. A
download takes {_DOWNLOAD_SECONDS * 1000:.0f} ms, an upload {_UPLOAD_SECONDS * 1000:.0f} ms, and
each other call of OpenAI's {_OPENAI_SECONDS * 1000:.0f} ms; a file batch is looked at {_POLLS + 1}
times, as it is by default if it takes {_POLLS * _POLL_SECONDS} seconds. To an analysis, which is
answered at once, the {_ANALYSIS_SECONDS} seconds are added that a model takes. {_MANY:,} documents
are {_MANY // _DOCUMENTS} times {_DOCUMENTS}. Prices are those of `ops/aws_prices.py`
({prices_as_of(next(iter(bills.values())))}), without free tiers.

{bill_table(bills)}
GB-seconds of the {_DOCUMENTS}, by function: {functions}.
The wait for the model and the transitions are most of it, and are paid for once, however many
documents the batch has: what makes a document cheaper is a larger batch.

Not in it: what costs the same without any document (two idle queues' receives, secrets, metrics,
alarms, the dashboard, storage), and OpenAI's own part, which is far more. An analysis by
`{_ANALYSIS_MODEL}` that reads {_ANALYSIS_TOKENS.input_tokens:,} tokens and writes
{_ANALYSIS_TOKENS.output_tokens:,} takes ${model_usd:.2f} and its search
${FILE_SEARCH_CALL.usd:.4f}; a gigabyte in vector stores takes ${VECTOR_STORE_GB_DAY.usd:.2f} a day.
"""
