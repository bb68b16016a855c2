"""What the ingest function talks to, on loopback: a web, OpenAI, and the AWS around its ledger.

In a process of their own, so that what they cost the processor is not in what is measured. The
ledger itself is ``benchmarks.servers.dynamodb``.
"""

import json
import os
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.servers.own_process import served_by
from local.standins.openai import BatchPlan, OpenAIStandIn
from local.standins.serving import HOST, Serving

API_KEY = "sk-benchmark"

_PARAGRAPH = (
    '<section class="part"><h2>Part {number}</h2><p>Example <b>builds</b> pumps, and <a '
    'href="/{number}">sells</a> them to whoever has water in the wrong place.</p></section>\n'
)


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Seconds that calls take: a download, an upload, a model, others of OpenAI's, AWS."""

    download: float = 0.0
    upload: float = 0.0
    model: float = 0.0
    openai: float = 0.0
    aws: float = 0.0
    polls: int = 1
    """How often a file batch is found under way before it is found completed."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Where it is."""

    web_url: str
    openai_url: str

    def page_url(self, number: int, *, characters: int) -> str:
        """A page of about so many characters, and no other's."""
        return f"{self.web_url}/{characters}/{number}"

    def text_url(self, number: int) -> str:
        """A plain text of a few lines, and no other's."""
        return f"{self.web_url}/text/{number}"

    def calls(self) -> Counter[str]:
        """How often OpenAI was called since this was asked last, by operation."""
        return Counter(self._told("calls"))

    def documents(self, store: str) -> list[str]:
        """The texts of the files in the vector stores of that name, in alphabetical order."""
        documents: dict[str, list[str]] = self._told("documents")
        return documents.get(store, [])

    def _told(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.web_url}/{what}") as answer:  # noqa: S310 - loopback
            return json.load(answer)


@contextmanager
def running(latencies: Latencies) -> Iterator[Outside]:
    """All of it, with nothing in it, where this process's AWS clients find it too."""
    with served_by(__name__, json.dumps(asdict(latencies))) as told:
        ports = json.loads(told)
        aws_url = f"http://{HOST}:{ports['aws']}"
        os.environ |= {
            "AWS_ENDPOINT_URL_SFN": aws_url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
        }
        yield Outside(
            web_url=f"http://{HOST}:{ports['web']}",
            openai_url=f"http://{HOST}:{ports['openai']}/v1",
        )


def page(characters: int, number: int) -> str:
    """A web page."""
    title = f"<html><head><title>News {number}</title></head><body><h1>News {number}</h1>\n"
    parts = range(1 + characters // len(_PARAGRAPH))
    return title + "".join(_PARAGRAPH.format(number=part) for part in parts) + "</body></html>"


def text(number: int) -> str:
    """A plain text."""
    return f"News {number}\n\n" + "Example builds pumps, and sells them to whoever is wet.\n" * 10


def _serve(latencies: Latencies) -> None:
    stopping = threading.Event()
    with ExitStack() as stack:
        openai = stack.enter_context(OpenAIStandIn(api_keys=[API_KEY]))
        for operation in openai.operations:
            openai.latency[operation] = latencies.openai
        openai.latency["files.create"] = latencies.upload
        openai.latency["responses.create"] = latencies.model
        openai.plans.default = BatchPlan(polls=latencies.polls)
        ports = {"openai": openai.port}
        apps = {"web": _web(latencies.download, openai), "aws": _aws(latencies.aws)}
        for name, app in apps.items():
            serving = Serving(name, app, 0, stopping)
            serving.start()
            stack.callback(serving.stop)
            ports[name] = serving.port
        print(json.dumps(ports), flush=True)
        sys.stdin.read()


def _web(seconds: float, openai: OpenAIStandIn) -> Any:
    def app(environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"].strip("/")
        if path in _TOLD:
            return _answer(start_response, "application/json", json.dumps(_TOLD[path](openai)))
        time.sleep(seconds)
        kind, number = path.split("/")
        if kind == "text":
            return _answer(start_response, "text/plain; charset=utf-8", text(int(number)))
        characters = int(kind)
        return _answer(start_response, "text/html; charset=utf-8", page(characters, int(number)))

    return app


def _calls(openai: OpenAIStandIn) -> Mapping[str, int]:
    counted = Counter(call.operation for call in openai.calls)
    openai.calls.clear()
    return counted


def _documents(openai: OpenAIStandIn) -> Mapping[str, list[str]]:
    files = openai.files
    documents: dict[str, list[str]] = {}
    for store in openai.vector_stores.values():
        texts = [files[file_id].content.decode() for file_id in store.attachments]
        documents[store.name] = sorted([*documents.get(store.name, []), *texts])
    return documents


_TOLD = {"calls": _calls, "documents": _documents}


def _aws(seconds: float) -> Any:
    answers: Mapping[str, Mapping[str, Any]] = {
        "GetSecretValue": {"SecretString": API_KEY},
        "StartExecution": {"executionArn": "arn:aws:states:::execution", "startDate": 0},
    }

    def app(environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        time.sleep(seconds)
        operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]
        return _answer(start_response, "application/x-amz-json-1.1", json.dumps(answers[operation]))

    return app


def _answer(start_response: Any, content_type: str, text: str) -> list[bytes]:
    body = text.encode()
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


if __name__ == "__main__":
    _serve(Latencies(**json.loads(sys.argv[1])))
