"""What the demo sends, and what must come of each message."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local import sample_web
from local.sample_web import SampleWeb
from local.standins.openai import BatchFile, BatchPlan, Fault, FileFailure, OpenAIStandIn


class Outcome(StrEnum):
    """How a document can end."""

    INGESTED = "ingested"
    FALLBACK = "fallback"
    FILE_FAILED = "file failed"
    DEAD_LETTER = "dead letter"


@dataclass(frozen=True, kw_only=True)
class PlannedMessage:
    """A message for the download queue, and what is expected: ``reason`` as a part of the text."""

    url: str
    customer: str
    body: str
    outcome: Outcome = Outcome.INGESTED
    reason: str = ""
    copies: int = 1


_DRIVES = {
    "domain": "bruckmoor.example",
    "legalName": "Brückmoor Antriebe GmbH",
    "industries": ["Industrial automation"],
    "markets": ["DACH"],
    "type": "news",
    "vectorStore": "news/bruckmoor.example",
}
# The same store, asked for by somebody else: a file batch and a notification of their own.
_DRIVES_FOR_A_RIVAL = {
    **_DRIVES,
    "customerDomain": "kestrelin.example",
    "subjectType": "competitor",
}
_GRIPPERS = {
    "domain": "kestrelin.example",
    "legalName": "Kestrelin Robotics SE",
    "industries": ["Robotics"],
    "markets": ["DACH", "Nordics"],
    "type": "news",
    "vectorStore": "news/kestrelin.example",
}
_COLD_STORES = {
    "domain": "tidewell.example",
    "legalName": "Tidewell Cold Chain A/S",
    "industries": ["Logistics"],
    "markets": ["Nordics"],
    "type": "news",
    "vectorStore": "news/tidewell.example",
}
_UNREADABLE = "/products/gripper-data-sheet.pdf"
_UNREADABLE_REASON = "The file could not be parsed: its text cannot be extracted."


def scenario(web: SampleWeb, *, standin: bool) -> list[PlannedMessage]:
    """The demo's messages. Without the stand-in nobody makes a file or a batch fail.

    What takes longest to end comes first, and next to it what shares its file batch.
    """
    return [*_refused(web), *_troubles(web, standin=standin), *_documents(web), *_fallbacks(web)]


def prepare(standin: OpenAIStandIn) -> None:
    """Have the stand-in fail where the scenario says so, and take its time as OpenAI does."""
    standin.plans.add(
        BatchPlan(
            polls=2,
            failures=[
                FileFailure(
                    code="invalid_file",
                    message=_UNREADABLE_REASON,
                    when=lambda file: str(file.attributes["url"]).endswith(_UNREADABLE),
                )
            ],
            when=lambda files: not _is_for_cold_stores(files),
        )
    )
    standin.plans.add(BatchPlan(polls=None, when=_is_for_cold_stores))
    standin.faults.add(Fault(operation="files.create", status=429, retry_after=0.5, times=2))
    standin.latency.update({"files.create": 0.3, "responses.create": 0.6})


def _is_for_cold_stores(files: Sequence[BatchFile]) -> bool:
    return any(file.attributes["domain"] == _COLD_STORES["domain"] for file in files)


def _documents(web: SampleWeb) -> list[PlannedMessage]:
    """Documents that are there, in four formats."""
    return [
        _message(web, "/news/gripper-recall.html", _GRIPPERS, "A recall of gripper controllers."),
        _message(web, "/blog/palletiser-survey.md", _GRIPPERS, "What plants will buy next."),
        _message(web, "/news/second-line.html", _DRIVES, "A second assembly line doubles output."),
        _message(
            web,
            "/newsroom/article-7?utm_source=feed&id=7",
            _DRIVES,
            "Availability contracts in place of spare parts.",
        ),
        _message(web, "/blog/torque-sensors.md", _DRIVES, "Torque is now measured at the shaft."),
        _message(
            web,
            "/press/frame-contract.txt",
            _DRIVES,
            "A frame contract with Halvorsund Packaging until 2029.",
            copies=2,
        ),
        _message(web, "/latest-results", _DRIVES, "Results of the third quarter of 2025."),
        _message(
            web, "/reports/shareholder-letter.pdf", _DRIVES, "Letter to the shareholders for 2025."
        ),
        _message(
            web,
            "/news/second-line.html",
            _DRIVES_FOR_A_RIVAL,
            "A second assembly line doubles output.",
        ),
        _message(
            web, "/press/third-quarter.txt", _DRIVES_FOR_A_RIVAL, "Orders rose by 22 percent."
        ),
    ]


def _fallbacks(web: SampleWeb) -> list[PlannedMessage]:
    """Documents that cannot be had: each becomes Markdown, with the reason beside it."""
    return [
        _message(
            web,
            "/news/withdrawn.html",
            _DRIVES,
            "Brückmoor Antriebe announced a plant in Brno for 2027 and withdrew the announcement a "
            "week later. It named permits as the reason.",
            outcome=Outcome.FALLBACK,
            reason="status 404",
        ),
        _message(
            web,
            sample_web.CONSENT_WALL,
            _DRIVES,
            "Outlook for members: Brückmoor Antriebe expects orders to grow by eight percent in "
            "2026, most of it in packaging machinery.",
            outcome=Outcome.FALLBACK,
            reason="too-little-text",
        ),
        _message(
            web,
            sample_web.NEVER_ANSWERS,
            _GRIPPERS,
            "Annual report of Kestrelin Robotics: 214 employees, sales of 38 million euros, a loss "
            "of 1.2 million euros after the recall.",
            outcome=Outcome.FALLBACK,
            reason="timeout",
        ),
        _message(
            web,
            sample_web.ENDLESS,
            _GRIPPERS,
            "Archive of all announcements of Kestrelin Robotics since 2014 on a single page.",
            outcome=Outcome.FALLBACK,
            reason="too-large",
        ),
    ]


def _troubles(web: SampleWeb, *, standin: bool) -> list[PlannedMessage]:
    """A file that its batch cannot index, and a batch that never completes."""
    poll_timeout: dict[str, Any] = (
        {"outcome": Outcome.DEAD_LETTER, "reason": "PollTimeout"} if standin else {}
    )
    unreadable: dict[str, Any] = (
        {"outcome": Outcome.FILE_FAILED, "reason": _UNREADABLE_REASON} if standin else {}
    )
    return [
        _message(web, _UNREADABLE, _GRIPPERS, "Data sheet of the G3 gripper.", **unreadable),
        _message(
            web,
            "/notes/harbour-tender.txt",
            _COLD_STORES,
            "A tender for stacker cranes.",
            **poll_timeout,
        ),
        _message(
            web,
            "/news/cold-store-winter.html",
            _COLD_STORES,
            "Winter volumes in cold stores.",
            **poll_timeout,
        ),
    ]


def _refused(web: SampleWeb) -> list[PlannedMessage]:
    """Messages that break the model: they end among the dead letters, as they came."""
    url = web.url("/press/frame-contract.txt")
    message = {**_DRIVES, "url": url, "fallback": "A frame contract."}
    expected: dict[str, Any] = {
        "url": url,
        "customer": _DRIVES["domain"],
        "outcome": Outcome.DEAD_LETTER,
    }
    return [
        PlannedMessage(body=_json(message)[:-25], reason="Invalid JSON", **expected),
        PlannedMessage(body=_json({**message, "markets": "DACH"}), reason="markets", **expected),
    ]


def _message(
    web: SampleWeb, path: str, about: Mapping[str, Any], fallback: str, **expected: Any
) -> PlannedMessage:
    message = {**about, "url": web.url(path), "fallback": fallback}
    customer = about.get("customerDomain", about["domain"])
    return PlannedMessage(url=web.url(path), customer=customer, body=_json(message), **expected)


def _json(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)
