"""The parts of a dashboard, as CloudWatch takes them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from infra.monitoring.figures import Figure

PERIOD_SECONDS = 300
_COLUMNS = 24
_HEIGHT = 6
_TITLE_HEIGHT = 1
_IN_A_ROW = 3

Widget = dict[str, Any]


def graph(
    title: str, figures: Mapping[str, Figure], *, region: pulumi.Input[str], stacked: bool = False
) -> Widget:
    """Lines over time; ``figures`` by their labels."""
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "stacked": stacked,
            "period": PERIOD_SECONDS,
            "metrics": [_line(label, figure) for label, figure in figures.items()],
        },
    }


def _line(label: str, figure: Figure) -> list[Any]:
    dimensions = [part for pair in figure.dimensions.items() for part in pair]
    options = {"label": label, "stat": figure.statistic}
    return [figure.namespace, figure.name, *dimensions, options]


def body(sections: Mapping[str, Sequence[Widget]]) -> dict[str, Any]:
    """A dashboard: each section's title, and below it its graphs, three in a row."""
    placed: list[Widget] = []
    top = 0
    for title, widgets in sections.items():
        text = {"type": "text", "properties": {"markdown": f"## {title}"}}
        placed.append(_at(text, 0, top, _COLUMNS, _TITLE_HEIGHT))
        top += _TITLE_HEIGHT
        width = _COLUMNS // _IN_A_ROW
        for place, widget in enumerate(widgets):
            row, column = divmod(place, _IN_A_ROW)
            placed.append(_at(widget, column * width, top + row * _HEIGHT, width, _HEIGHT))
        top += -(-len(widgets) // _IN_A_ROW) * _HEIGHT
    return {"widgets": placed}


def _at(widget: Widget, x: int, y: int, width: int, height: int) -> Widget:
    return {**widget, "x": x, "y": y, "width": width, "height": height}
