"""Messages of the market-analysis queue, and answers to them."""

import json
from collections.abc import Sequence
from typing import Any

from functions.clients.openai import Hit
from functions.market_analysis.research import MarketAnalysis, Signal
from functions.messages import MarketAnalysisRequest

MODEL = "gpt-test"


def message(**changes: Any) -> dict[str, Any]:
    """A message as it travels."""
    return {
        "legalName": "Example AG",
        "domain": "example.com",
        "customerDomain": "customer.example",
        "subjectType": "competitor",
        "industries": ["solar"],
        "markets": ["Germany"],
        "vectorStoreId": None,
        "batchId": "vsfb_1",
        **changes,
    }


def request(**changes: Any) -> MarketAnalysisRequest:
    """The same, parsed."""
    return MarketAnalysisRequest.parse(message(**changes))


def analysis(*source_files: str, demand: str = "It grows.") -> MarketAnalysis:
    """An answer with one signal, found in these files."""
    signal = Signal(title="A plant", summary="They build one.", source_files=list(source_files))
    return MarketAnalysis(signals=[signal], demand=demand, trends=[], implications=[])


def said(*source_files: str, **changes: Any) -> str:
    """The same as the model says it, with fields of its own if need be."""
    return json.dumps(analysis(*source_files).model_dump() | changes)


def hits(*file_ids: str) -> list[Hit]:
    """Files that were found."""
    return [Hit(file_id=each, filename=f"{each}.md", url=f"https://{each}") for each in file_ids]


def file_ids(sources: Sequence[dict[str, Any]]) -> list[str]:
    """The files of an item's sources."""
    return [source["file_id"] for source in sources]
