"""A thousand messages through queue, function and flow, and the same a message an invocation."""

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from benchmarks.row import Row, seconds, times_faster
from benchmarks.servers import outside
from benchmarks.servers.outside import API_KEY, Latencies, Outside
from local.stack import LocalStack, OpenAIServer, running

_MESSAGES, _BASELINE_MESSAGES, _STORES = 1_000, 100, 20
# Of a producer: all for one store.
_MESSAGES_A_CALL = 10
_POLLS, _POLL_SECONDS = 3, 1
# No analysis ends before the run does: those that may be under way at once take no part in it.
_LATENCIES = Latencies(download=0.2, upload=0.3, model=300, openai=0.1, polls=_POLLS)
_CONFIG = {
    "completionSchedulesEnabled": "false",
    "analysisMaxConcurrency": "2",
    "vectorStorePollIntervalSeconds": str(_POLL_SECONDS),
    # As `pulumi up` has them, and not this machine's impatient stack.
    "downloadTimeoutSeconds": "20",
    "ingestBatchWindowSeconds": "5",
}
_ONE_BY_ONE = {"ingestBatchSize": "1", "ingestBatchWindowSeconds": "0"}
_FUNCTION = "aws:lambda/function:Function"
# As many processes as the run may come to use, and what each does nothing with.
_WARM: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "documents-ingest-function": (10, {"Records": []}),
    "documents-vector-store-batch-check-function": (10, {}),
    "documents-market-analysis-function": (2, {"Records": []}),
}
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.1, 200
_DETAILS = """\
{stores} producers have {messages:,} plain texts, each producer for a vector store of its own. They
send them {a_call} messages a call, all of a call for one store, and the calls in no order. The
program is deployed with the batch size that it is shipped with, ten, and again with one; the second
gets {baseline.messages} such messages, and both are told in messages a second. A download takes
200 ms, an upload 300 ms, each other call of OpenAI's 100 ms, in a process of their own; a file
batch is found under way three times, a second apart. The clock runs from the first message sent
until the last batch is in the MarketAnalysisQueue, without those three seconds, on both sides.
Functions are warm, and analyses take no part. Each document ended once in its store, and every
execution succeeded and told of its batch once: {ours.executions} executions for
{ours.messages:,} messages, and {baseline.executions} for {baseline.messages}.

The limit on both sides is the one process that is all of AWS here: it had the processor for
{baseline.busy:.0f} ms a message with a batch size of one, and for {ours.busy:.0f} ms with ten. So
this is a ratio of the embedded AWS, and none of AWS itself, where an execution takes money and no
processor of ours. Of the process's time with one, a profile (py-spy, on a busy machine) had 26 % in
clients that moto makes anew for each step of an execution, 16 % in parsing the machine's definition
for each execution, and 26 % in answering requests; with ten it was 15 %, 18 % and 33 %.

It is the order of the calls that lets ten messages share a file batch. Where single messages of the
{stores} stores came in no order, 200 of them took 163 executions with a batch size of ten, which
was less than twice as fast as one by one, and 40 with `ingestBatchSize` 100 and
`ingestMemoryMegabytes` 2700.
"""


def measure() -> Row:
    """Messages a second, of which the baseline has had fewer."""
    baseline = _handled(_ONE_BY_ONE, _domains(_BASELINE_MESSAGES))
    ours = _handled({}, _domains(_MESSAGES))
    return Row(
        what=f"ingest of {_MESSAGES:,} messages through queue, function and flow, embedded",
        baseline=f"batch size 1: {baseline.a_second:.1f} messages a second",
        ours=f"{ours.a_second:.1f} messages a second: {ours.seconds:.1f} s",
        goals=(times_faster(5, baseline=1 / baseline.a_second, ours=1 / ours.a_second),),
        details=_DETAILS.format(
            messages=_MESSAGES,
            stores=_STORES,
            a_call=_MESSAGES_A_CALL,
            baseline=baseline,
            ours=ours,
        ),
    )


def _domains(messages: int) -> list[str]:
    """Each message's, as the producers' calls come: all at once, in no order."""
    calls = [f"company-{n % _STORES}.example" for n in range(messages // _MESSAGES_A_CALL)]
    random.Random(1).shuffle(calls)  # noqa: S311 - an order that is the same each time
    return [domain for domain in calls for _ in range(_MESSAGES_A_CALL)]


@dataclass(frozen=True, kw_only=True)
class _Handled:
    """What a run of messages took."""

    messages: int
    seconds: float
    """Without those for which every batch waits between its checks, few messages or many."""
    busy_seconds: float
    """Of a processor, in the process that is all of AWS."""
    executions: int

    @property
    def a_second(self) -> float:
        """Messages."""
        return self.messages / self.seconds

    @property
    def busy(self) -> float:
        """Milliseconds a message."""
        return 1_000 * self.busy_seconds / self.messages


@dataclass(kw_only=True)
class _Flow:
    """The document flow of a stack that is up."""

    stack: LocalStack
    world: Outside
    ended: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def warm(self) -> None:
        """Have every process up that the run may need, and as many analyses under way as may be."""
        functions = {f.name: f.id for f in self.stack.aws.deployment.of_type(_FUNCTION)}
        calls = [(functions[name], event) for name, (n, event) in _WARM.items() for _ in range(n)]
        with ThreadPoolExecutor(len(calls)) as pool:
            list(pool.map(lambda call: self.stack.aws.invoke(*call), calls))
        self.handle([f"warm-{n}.example" for n in range(_MESSAGES_A_CALL)])

    def handle(self, domains: Sequence[str]) -> _Handled:
        """A document for each domain, from its message to the notification of its batch."""
        documents = [(next(self.numbers), domain) for domain in domains]
        began = time.process_time()
        took, executions = seconds(lambda: self._through(documents))
        busy = time.process_time() - began
        self._check(documents)
        return _Handled(
            messages=len(documents),
            seconds=took - _POLLS * _POLL_SECONDS,
            busy_seconds=busy,
            executions=executions,
        )

    def _through(self, documents: Sequence[tuple[int, str]]) -> int:
        """How many executions it took."""
        for start in range(0, len(documents), _MESSAGES_A_CALL):
            self._send(documents[start : start + _MESSAGES_A_CALL])
        _eventually(lambda: self._held("downloadQueue") == 0)
        # Whatever has left the queue has been handed over.
        started = len(self._executions())
        _eventually(lambda: self._held("marketAnalysisQueue") >= started)
        executions, self.ended = started - self.ended, started
        return executions

    def _send(self, documents: Sequence[tuple[int, str]]) -> None:
        answer = self.stack.aws.client("sqs").send_message_batch(
            QueueUrl=self.stack.aws.outputs["downloadQueueUrl"],
            Entries=[
                {"Id": str(number), "MessageBody": json.dumps(self._message(number, domain))}
                for number, domain in documents
            ],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"the queue refused messages: {answer['Failed']}")

    def _message(self, number: int, domain: str) -> Mapping[str, str]:
        return {
            "domain": domain,
            "url": self.world.text_url(number),
            "fallback": "Example builds pumps.",
            "vectorStore": f"news/{domain}",
            "type": "news",
        }

    def _held(self, queue: str) -> int:
        """The messages of a queue, in flight or not."""
        answer = self.stack.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.aws.outputs[f"{queue}Url"],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return sum(map(int, answer["Attributes"].values()))

    def _executions(self) -> list[Mapping[str, Any]]:
        pages = self.stack.aws.client("stepfunctions").get_paginator("list_executions")
        listed = pages.paginate(stateMachineArn=self.stack.aws.outputs["vectorStoreBatchFlowArn"])
        return [execution for page in listed for execution in page["executions"]]

    def _check(self, documents: Sequence[tuple[int, str]]) -> None:
        """Each document is once in its store, each execution has succeeded and told of it once."""
        for store in {domain for _, domain in documents}:
            sent = sorted(outside.text(number) for number, domain in documents if domain == store)
            if self.world.documents(f"news/{store}") != sent:
                raise RuntimeError(f"news/{store} has other documents than were sent")
        ends = Counter(execution["status"] for execution in self._executions())
        notified = self._held("marketAnalysisQueue")
        if ends != {"SUCCEEDED": notified}:
            raise RuntimeError(f"executions ended as {dict(ends)}, with {notified} notifications")


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the messages did not get through")
        time.sleep(_LOOK_SECONDS)


def _handled(config: Mapping[str, str], domains: Sequence[str]) -> _Handled:
    with outside.running(_LATENCIES) as world:
        openai = OpenAIServer(base_url=world.openai_url, key=API_KEY)
        with running(config={**_CONFIG, **config}, openai=openai) as stack:
            flow = _Flow(stack=stack, world=world)
            flow.warm()
            return flow.handle(domains)
