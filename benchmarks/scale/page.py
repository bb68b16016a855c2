"""The generated part of ``docs/scale.md``."""

from collections.abc import Iterable, Sequence

from benchmarks.page import BEGIN, END
from benchmarks.scale import ceilings, limits
from benchmarks.scale.ceilings import Ceiling
from benchmarks.scale.documents import HOURS, Documents
from benchmarks.scale.labels import Labels
from benchmarks.scale.limits import DAY, HOUR, MINUTE
from benchmarks.scale.scenarios import DEFAULTS, OF_DOCUMENTS, OF_LABELS, Scenario
from docs.generate.markdown import code, table
from docs.generate.program import ROOT
from infra.queue import _RETENTION_SECONDS

PAGE = ROOT / "docs" / "scale.md"
_MANY = 10_000_000_000


def filled(
    text: str, documents: Sequence[Sequence[Documents]], labels: Sequence[Sequence[Labels]]
) -> str:
    """The page with these figures between its two marks; ValueError if it has lost them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the figures: {BEGIN} … {END}")
    generated = "\n\n".join(part.rstrip() for part in _generated(documents, labels))
    return f"{before}{begin}\n\n{generated}\n\n{end}{after}"


def _generated(
    documents: Sequence[Sequence[Documents]], labels: Sequence[Sequence[Labels]]
) -> Iterable[str]:
    yield "### Documents: which limit is met first"
    yield _ceilings("documents a day", ceilings.of_documents(DEFAULTS.settings))
    yield f"### Documents: {HOURS} hours of an even load"
    yield _keys(OF_DOCUMENTS)
    yield table(
        ["keys", "asked for a day", "indexed", "analysed", "dead letters", "oldest", "expires"],
        [
            [scenario.name, *_document_cells(run)]
            for scenario, runs in zip(OF_DOCUMENTS, documents, strict=True)
            for run in runs
        ],
    )
    yield "### Labels: which limit is met first"
    yield _ceilings("labels a second", ceilings.of_labels(DEFAULTS.settings))
    yield "### Labels: batches that end at once"
    yield _keys(OF_LABELS)
    yield table(
        ["keys", "batches", "labels", "applied", "projected", "runs", "collected", "invocations"],
        [
            [scenario.name, *_label_cells(run)]
            for scenario, runs in zip(OF_LABELS, labels, strict=True)
            for run in runs
        ],
    )
    yield f"### The limits, as documented in {limits.READ}"
    yield table(
        ["limit", "what moves it", "source"],
        [
            [f"{limit.who}: {ceilings.told(limit)}", limit.moved_by, f"<{limit.source}>"]
            for limit in limits.ALL
        ],
    )


def _ceilings(unit: str, found: Sequence[Ceiling]) -> str:
    rows = [
        [f"{ceiling.most:,.0f}", ceiling.what, ceiling.moved_by]
        for ceiling in found
        if ceiling.most < _MANY
    ]
    return table([f"{unit}, at most", "by", "what moves it"], rows)


def _keys(scenarios: Sequence[Scenario]) -> str:
    """What is not as by default."""
    return "\n".join(
        f"- *{scenario.name}*: {', '.join(f'{code(k)} {v}' for k, v in scenario.keys.items())}"
        for scenario in scenarios
        if scenario.keys
    )


def _document_cells(run: Documents) -> list[str]:
    return [
        f"{run.load:,}",
        _rounded(run.indexed_a_day),
        _rounded(run.analysed_a_day),
        _rounded(run.dead_a_day) if run.dead else "none",
        duration(run.oldest),
        _expires(run),
    ]


def _expires(run: Documents) -> str:
    """When the first message is too old for its queue, if the load goes on: it falls behind by as
    much each second as it did until now."""
    behind = run.oldest / (HOURS * HOUR)
    return f"after {_RETENTION_SECONDS / DAY / behind:.1f} days" if behind > 0.02 else "never"


def _label_cells(run: Labels) -> list[str]:
    return [
        f"{run.batches:,}",
        _rounded(run.labels),
        f"{duration(run.applied_after)}, {run.applied_a_second:,.0f} a second",
        f"{duration(run.projected_after)}, {run.projected_a_second:,.0f} a second",
        f"{run.runs:,}",
        f"{run.collected:,}",
        f"{run.most_invocations:,}",
    ]


def _rounded(number: float) -> str:
    """With three significant digits."""
    return f"{float(f'{number:.3g}'):,.0f}"


def duration(seconds: float) -> str:
    """In the unit that fits."""
    for length, unit in ((2 * DAY, "d"), (2 * HOUR, "h"), (2 * MINUTE, "min")):
        if seconds >= length:
            return f"{seconds / (length / 2):.1f} {unit}"
    return f"{seconds:.0f} s"
