"""File search: the passages of the stores' files that share the most words with the query."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openai.types.responses.file_search_tool import Filters, RankingOptions
from openai.types.shared import ComparisonFilter, CompoundFilter

from local.standins.openai.checks import Attributes
from local.standins.openai.documents import passages
from local.standins.openai.errors import invalid
from local.standins.openai.records import Attachment, StoredFile

_WORD = re.compile(r"\w{3,}")
# fmt: off
_COMMON = frozenset((
    "about", "all", "and", "any", "are", "can", "for", "from", "has", "have", "how", "into", "its",
    "not", "that", "the", "their", "this", "was", "what", "when", "which", "who", "will", "with",
    "you", "your",
))
# fmt: on


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A passage that was found, with a score between 0 and 1."""

    file: StoredFile
    attributes: Attributes
    text: str
    score: float


def search(
    attachments: Iterable[Attachment],
    query: str,
    *,
    limit: int,
    filters: Filters | None = None,
    ranking: RankingOptions | None = None,
) -> Sequence[Hit]:
    """The best ``limit`` passages of the indexed files whose attributes pass ``filters``.

    As an index of meanings does, it answers with the nearest there is, however far: only the
    ranking's threshold turns a passage away.
    """
    wanted = _words(query)
    threshold = (ranking.score_threshold if ranking else None) or 0.0
    hits = [
        Hit(
            file=attachment.file,
            attributes=attachment.attributes,
            text=passage,
            score=_score(wanted, _words(passage)),
        )
        for attachment in attachments
        if attachment.status == "completed" and passes(attachment.attributes, filters)
        for passage in passages(attachment.file)
    ]
    ranked = sorted(hits, key=lambda hit: hit.score, reverse=True)
    return [hit for hit in ranked if hit.score >= threshold][:limit]


def passes(attributes: Attributes, filters: Filters | None) -> bool:
    """Whether a file with these attributes is searched."""
    if filters is None:
        return True
    if isinstance(filters, CompoundFilter):
        parts = (passes(attributes, _filter(part)) for part in filters.filters)
        return all(parts) if filters.type == "and" else any(parts)
    return _compare(attributes.get(filters.key), filters)


def _filter(part: object) -> Filters:
    """A part of a compound filter, which the SDK's type leaves open."""
    if isinstance(part, ComparisonFilter | CompoundFilter):
        return part
    if isinstance(part, dict) and part.get("type") in ("and", "or"):
        return CompoundFilter.model_validate(part)
    return ComparisonFilter.model_validate(part)


def _compare(found: str | float | bool | None, comparison: ComparisonFilter) -> bool:
    operator, value = comparison.type, comparison.value
    if operator in ("ne", "nin"):
        unwanted = value if isinstance(value, list) else [value]
        return found not in unwanted
    if found is None:
        return False
    if operator in ("eq", "in"):
        return found in (value if isinstance(value, list) else [value])
    if isinstance(found, str) or not isinstance(value, int | float):
        message = f"Filter '{operator}' on '{comparison.key}' compares numbers only."
        raise invalid(message, "tools")
    return {
        "gt": found > value,
        "gte": found >= value,
        "lt": found < value,
        "lte": found <= value,
    }[operator]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _COMMON


def _score(wanted: frozenset[str], found: frozenset[str]) -> float:
    shared = len(wanted & found) / len(wanted) if wanted else 0.0
    return round(0.05 + 0.95 * shared, 4)
