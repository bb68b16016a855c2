"""Pictures of lines over two logarithmic axes, as SVG that is the same for the same figures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _TOP, _RIGHT, _BOTTOM = 88, 24, 20, 100
_ACROSS, _DOWN = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_LEGEND_COLUMNS = 2
# Dark enough on white and light enough on black; a dash and a shape tell the lines apart as well.
_COLOURS = ("#2878c8", "#d0681c", "#2f9a58", "#b04fae", "#8a7a1f")
_DASHES = ("none", "7 4", "2 3", "10 3 2 3", "4 4")
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.grid { stroke: #8884; } .axis { stroke: #888; fill: none; } .line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) { text { fill: #d6dce3; } }"""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What is along an axis, with its unit, and at which values it has a mark with which text."""

    title: str
    ticks: Sequence[tuple[float, str]]

    def place(self, value: float) -> float:
        """Where a value is between the first tick (0) and the last (1); what is beyond is there."""
        low, high = math.log(self.ticks[0][0]), math.log(self.ticks[-1][0])
        inside = min(max(value, self.ticks[0][0]), self.ticks[-1][0])
        return (math.log(inside) - low) / (high - low)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line with its name in the legend."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, *, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """The picture; screen readers are told its title."""
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        *_axes(x, y),
        *_lines(x, y, lines),
        *_legend(lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(x: Axis, y: Axis) -> Iterator[str]:
    bottom = _TOP + _DOWN
    for value, text in x.ticks:
        at = _across(x, value)
        yield f'<path class="grid" d="M{at} {_TOP}V{bottom}"/>'
        yield _text(at, str(bottom + 18), text, "middle")
    for value, text in y.ticks:
        at = _down(y, value)
        yield f'<path class="grid" d="M{_LEFT} {at}H{_LEFT + _ACROSS}"/>'
        yield _text(str(_LEFT - 8), at, text, "end", shift=4)
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_LEFT + _ACROSS}"/>'
    yield _text(str(_LEFT + _ACROSS / 2), str(bottom + 38), x.title, "middle")
    middle = _TOP + _DOWN / 2
    yield (
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">'
        f"{escape(y.title)}</text>"
    )


def _lines(x: Axis, y: Axis, lines: Sequence[Line]) -> Iterator[str]:
    for number, line in enumerate(lines):
        places = [(_across(x, over), _down(y, value)) for over, value in line.points]
        path = " ".join(f"{across},{down}" for across, down in places)
        yield f'<polyline class="line" {_stroke(number)} points="{path}"/>'
        for across, down in places:
            yield f'<circle cx="{across}" cy="{down}" r="3" fill="{_colour(number)}"/>'


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    for number, line in enumerate(lines):
        column, row = number % _LEGEND_COLUMNS, number // _LEGEND_COLUMNS
        left = _LEFT + column * _ACROSS // _LEGEND_COLUMNS
        at = _TOP + _DOWN + 56 + 16 * row
        yield f'<path class="line" {_stroke(number)} d="M{left} {at}H{left + 28}"/>'
        yield _text(str(left + 36), str(at), line.name, "start", shift=4)


def _stroke(number: int) -> str:
    return f'stroke="{_colour(number)}" stroke-dasharray="{_DASHES[number % len(_DASHES)]}"'


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _across(axis: Axis, value: float) -> str:
    return f"{_LEFT + axis.place(value) * _ACROSS:.1f}"


def _down(axis: Axis, value: float) -> str:
    return f"{_TOP + (1 - axis.place(value)) * _DOWN:.1f}"


def _text(across: str, down: str, text: str, anchor: str, *, shift: int = 0) -> str:
    return (
        f'<text x="{across}" y="{down}" dy="{shift}" text-anchor="{anchor}">{escape(text)}</text>'
    )
