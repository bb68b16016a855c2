"""The four pictures: how much and how late, of documents and of labels."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.scale.charts import Axis, Line, chart
from benchmarks.scale.documents import HOURS, Documents
from benchmarks.scale.labels import Labels
from benchmarks.scale.limits import DAY, HOUR, MINUTE
from benchmarks.scale.scenarios import OF_DOCUMENTS, OF_LABELS, Scenario

Run = TypeVar("Run")

_DURATIONS = (
    (10, "10 s"),
    (MINUTE, "1 min"),
    (10 * MINUTE, "10 min"),
    (HOUR, "1 h"),
    (6 * HOUR, "6 h"),
    (DAY, "1 d"),
    (4 * DAY, "4 d"),
    (20 * DAY, "20 d"),
)
_A_DAY = ((10**4, "10 k"), (10**5, "100 k"), (10**6, "1 M"), (10**7, "10 M"), (2 * 10**7, "20 M"))
_A_SECOND = ((10, "10"), (100, "100"), (1_000, "1,000"), (10_000, "10,000"))
_LOAD = Axis(title="documents a day that are asked for", ticks=_A_DAY)
_BATCHES = Axis(
    title="batches that ended at once",
    ticks=((1, "1"), (10, "10"), (100, "100"), (1_000, "1,000")),
)


def of_documents(runs: Sequence[Sequence[Documents]]) -> dict[str, str]:
    """By the names of their files."""
    indexed = _lines(OF_DOCUMENTS, runs, lambda run: (run.load, run.indexed_a_day))
    analysed = Line(
        name="defaults: analysed", points=[(run.load, run.analysed_a_day) for run in runs[0]]
    )
    ages = _lines(OF_DOCUMENTS, runs, lambda run: (run.load, run.oldest))
    unanalysed = Line(
        name="defaults: oldest that is not analysed",
        points=[(run.load, run.oldest_unanalysed) for run in runs[0]],
    )
    return {
        "scale-documents-throughput.svg": chart(
            "Documents indexed a day against documents asked for a day",
            x=_LOAD,
            y=Axis(title="documents a day that are indexed", ticks=_A_DAY),
            lines=[*indexed, analysed],
        ),
        "scale-documents-age.svg": chart(
            f"Age of the oldest document that is not indexed, after {HOURS} hours of a load",
            x=_LOAD,
            y=Axis(title=f"age of the oldest after {HOURS} hours", ticks=_DURATIONS[:5]),
            lines=[*ages, unanalysed],
        ),
    }


def of_labels(runs: Sequence[Sequence[Labels]]) -> dict[str, str]:
    """By the names of their files."""
    applied = _lines(OF_LABELS, runs, lambda run: (run.batches, run.applied_a_second))
    projected = _lines(
        (OF_LABELS[0], OF_LABELS[-1]),
        (runs[0], runs[-1]),
        lambda run: (run.batches, run.projected_a_second),
        what=": projected",
    )
    return {
        "scale-labels-throughput.svg": chart(
            "Labels applied and words projected a second against batches that ended at once",
            x=_BATCHES,
            y=Axis(title="labels applied, words projected, a second", ticks=_A_SECOND),
            lines=[*applied, *projected],
        ),
        "scale-labels-age.svg": chart(
            "Time until the last label is applied and its word projected",
            x=_BATCHES,
            y=Axis(title="age of the oldest when it is done", ticks=_DURATIONS),
            lines=[
                *_lines(OF_LABELS, runs, lambda run: (run.batches, run.applied_after)),
                *_lines(
                    (OF_LABELS[0], OF_LABELS[-1]),
                    (runs[0], runs[-1]),
                    lambda run: (run.batches, run.projected_after),
                    what=": projected",
                ),
            ],
        ),
    }


def _lines(
    scenarios: Sequence[Scenario],
    runs: Sequence[Sequence[Run]],
    point: Callable[[Run], tuple[float, float]],
    *,
    what: str = "",
) -> list[Line]:
    return [
        Line(name=f"{scenario.name}{what}", points=[point(run) for run in of_scenario])
        for scenario, of_scenario in zip(scenarios, runs, strict=True)
    ]
