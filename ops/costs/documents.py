"""What OpenAI takes for documents: their fallbacks and analyses, as the functions counted it.

No table has it, so it is CloudWatch that is asked: for the stack's own metrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from functions.metrics import MODEL, SERVICE, Metric
from functions.prices import FILE_SEARCH_CALL, model_price
from ops.costs.cloudwatch import Measure, Sums, named, sums
from ops.costs.lines import Basis, Line, priced, unknown
from ops.costs.resources import FunctionPart, Resources

# What tells that a function asks a model, and what it asks it for.
_ASKING: Mapping[str, str] = MappingProxyType(
    {"FALLBACK_MODEL": "documents, fallbacks", "ANALYSIS_MODEL": "documents, analyses"}
)
_SEARCHES = "documents, searches of vector stores"
_COUNTED = (
    Metric.INPUT_TOKENS,
    Metric.OUTPUT_TOKENS,
    Metric.COST_USD,
    Metric.ANSWERS_WITHOUT_PRICE,
)
_NOTHING = "CloudWatch has no metric of it for these days"


def document_lines(
    cloudwatch: Any, resources: Resources, since: datetime, until: datetime
) -> list[Line]:
    """A line for each use of each model, and one for searches."""
    lines: list[Line] = []
    for function in resources.functions:
        what = next((_ASKING[name] for name in _ASKING if name in function.environment), None)
        if what is not None:
            asked = _of_models(cloudwatch, function)
            found = sums(
                cloudwatch, [each for model in asked.values() for each in model], since, until
            )
            lines += _model_lines(what, asked, found) or [unknown(what, _NOTHING)]
        if "ANALYSIS_MODEL" in function.environment:
            lines.append(_searches(cloudwatch, function, since, until))
    return lines


def uploaded(
    cloudwatch: Any, resources: Resources, since: datetime, until: datetime
) -> Decimal | None:
    """How many documents were uploaded; None if nobody knows."""
    measures = [
        measure
        for each in resources.functions
        if "FALLBACK_MODEL" in each.environment
        for measure in _of_service(each, Metric.FILES_UPLOADED)
    ]
    found = sums(cloudwatch, measures, since, until)
    return sum(found.values(), Decimal(0)) if found else None


def _of_models(cloudwatch: Any, function: FunctionPart) -> dict[str, list[Measure]]:
    """The function's metrics by model: of the one that it asks now, and of those before it."""
    now = next(function.environment[name] for name in _ASKING if name in function.environment)
    found: dict[str, list[Measure]] = {}
    for metric in _COUNTED:
        for own in _of_service(function, metric):
            dimensions = ((MODEL, now), *own.dimensions)
            found.setdefault(now, []).append(Measure(own.namespace, metric, dimensions))
            for measure in named(cloudwatch, own.namespace, metric):
                of = dict(measure.dimensions)
                if MODEL in of and set(own.dimensions) <= of.items():
                    found.setdefault(of[MODEL], []).append(measure)
    return found


def _model_lines(what: str, asked: Mapping[str, Sequence[Measure]], found: Sums) -> list[Line]:
    lines = []
    for model, measures in sorted(asked.items()):
        counted = {each.name: found[each] for each in measures if each in found}
        if counted:
            lines += list(_lines(f"{what}: {model}", model, counted))
    return lines


def _lines(what: str, model: str, counted: Mapping[str, Decimal]) -> Iterator[Line]:
    price = model_price(model)
    read, written = (
        counted.get(metric, Decimal(0)) for metric in (Metric.INPUT_TOKENS, Metric.OUTPUT_TOKENS)
    )
    amount = f"{read:,.0f} tokens read, {written:,.0f} written"
    if Metric.COST_USD in counted:
        yield Line(
            what=what,
            amount=amount,
            usd=counted[Metric.COST_USD],
            basis=Basis.MEASURED,
            prices_as_of=price.as_of if price else None,
        )
    if without := counted.get(Metric.ANSWERS_WITHOUT_PRICE):
        yield unknown(what, f"no price was known of the model for {without:,.0f} answers: {amount}")


def _searches(cloudwatch: Any, function: FunctionPart, since: datetime, until: datetime) -> Line:
    """A model searches as often as it likes, and an analysis of documents takes one search."""
    stored = _of_service(function, Metric.ANALYSES_STORED)
    found = sums(cloudwatch, stored, since, until)
    if not found:
        return unknown(_SEARCHES, _NOTHING)
    number = sum(found.values(), Decimal(0))
    line = priced(_SEARCHES, number, "searches", FILE_SEARCH_CALL, basis=Basis.ESTIMATE)
    return line.model_copy(update={"note": "one an analysis; there may be more"})


def _of_service(function: FunctionPart, metric: Metric) -> list[Measure]:
    """The function's own metric of that name; none if it is not told where it counts."""
    namespace = function.environment.get("POWERTOOLS_METRICS_NAMESPACE")
    service = function.environment.get("POWERTOOLS_SERVICE_NAME")
    if not namespace or not service:
        return []
    return [Measure(namespace, metric, ((SERVICE, service),))]
