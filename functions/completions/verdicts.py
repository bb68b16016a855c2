"""What the model is to answer: one model for the schema that it is given and for what it says."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool

from functions.completions.vocabulary import CoreLabel


class Verdict(BaseModel):
    """Whether the label proposed for a target is right, and which label would be, if any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    is_valid: StrictBool
    correct_label: CoreLabel | None


class Verdicts(BaseModel):
    """One verdict for each target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    results: list[Verdict]


@cache
def answer_format() -> dict[str, Any]:
    """The ``text.format`` of a request: JSON that is bound to be ``Verdicts``.

    Strict mode takes neither open objects nor properties that are optional or have a default: these
    models have none. https://developers.openai.com/api/docs/guides/structured-outputs
    """
    return {
        "type": "json_schema",
        "name": "verdicts",
        "strict": True,
        "schema": Verdicts.model_json_schema(),
    }
