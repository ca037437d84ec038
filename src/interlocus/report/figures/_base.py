"""What all figures share: the style, what a study asks of a hypothesis, and how sites and networks are drawn."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import matplotlib as mpl
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.alignment.dimensions import Size
from interlocus.studies.results.scores import Row, map_label
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study

GREY = "#555555"


def house_style() -> AbstractContextManager[None]:
    """`interlocus.mplstyle` over matplotlib's own defaults, whatever the user has set; gone afterwards."""
    return style.context(["default", "interlocus.report.figures.interlocus"])


def render(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """A figure as a file; equal figures are equal to the byte."""
    nothing = {"svg": dict.fromkeys(("Date", "Creator", "Format", "Type")), "png": {"Software": None}}
    content = io.BytesIO()
    with house_style():
        figure.savefig(content, format=kind, metadata=nothing[kind])
    return content.getvalue()


def arrange(figure: Figure) -> None:
    """Find the places of everything once, for a figure that is rendered as several files."""
    with house_style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def maps_of(study: Study, hypothesis: str) -> tuple[str, ...]:
    """The classes of maps with which a hypothesis is searched, in the order of the study."""
    own = [search for search in study.searches if hypothesis in search.hypotheses]
    return tuple(dict.fromkeys(map_label(name, search.schedule) for search in own for name in search.featurizers))


def starts_of(study: Study) -> dict[str, int]:
    """Every start of a study, whatever the schedule, with how many of each."""
    starts: dict[str, int] = {}
    for schedule in study.schedules:
        for name, count in study.starts_of(schedule).items():
            starts[name] = max(count, starts.get(name, 0))
    return starts


@dataclass(frozen=True, kw_only=True)
class AskedScores:
    """What a study asks of one hypothesis, and what is there so far: lines by family, site and map."""

    study: Study
    hypothesis: str
    maps: tuple[str, ...]
    sizes: tuple[Size, ...]
    lines: dict[tuple[str, str, str], Line]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, run: Run, hypothesis: str) -> AskedScores:
        """From a run, finished or not."""
        searches = [search for search in run.study.searches if hypothesis in search.hypotheses]
        rows = tuple(row for row in run.table if row.hypothesis == hypothesis)
        equal = {size for search in searches for size in search.sizes if isinstance(size, int)}
        return cls(
            study=run.study,
            hypothesis=hypothesis,
            maps=maps_of(run.study, hypothesis),
            sizes=tuple(sorted(equal | {row.size for row in rows})),
            lines={(ln.group, ln.site, ln.map): ln for ln in run.lines if ln.hypothesis == hypothesis},
            rows=rows,
        )

    @property
    def levels(self) -> Line | None:
        """Any line: the floor and the one-sided ceiling are those of the hypothesis."""
        return next(iter(self.lines.values()), None)


def hypotheses(study: Study) -> list[str]:
    """The hypotheses that are searched, in the order of the study."""
    return list(dict.fromkeys(name for search in study.searches for name in search.hypotheses))


def untrained_twin(study: Study, group: NetworkGroup) -> NetworkGroup | None:
    """The untrained networks that are built like those of a trained family, if the study has any."""

    def built(one: NetworkGroup) -> tuple[object, ...]:
        return one.network, one.options, one.activation, one.hidden

    alike = [other for other in study.networks if not other.trained and built(other) == built(group)]
    return alike[0] if group.trained and alike else None


class Look(NamedTuple):
    """How one of several things is drawn: `shift` is a factor on its sizes, which sets things beside each other."""

    name: str
    shift: float
    colour: str
    marker: str


def looks(names: Sequence[str]) -> list[Look]:
    """A look for each, from the style."""
    middle, step = (len(names) - 1) / 2, min(0.05, 0.3 / max(len(names), 1))
    shifts = (2 ** (step * (index - middle)) for index in itertools.count())
    cycle = itertools.cycle((look["color"], look["marker"]) for look in mpl.rcParams["axes.prop_cycle"])
    return [Look(name, shift, *look) for name, shift, look in zip(names, shifts, cycle, strict=False)]


def mean_line(xs: Sequence[float], ys: Sequence[float], look: Look, label: str = "") -> Line2D:
    """A mean over networks."""
    return Line2D(xs, ys, color=look.colour, marker=look.marker, zorder=3, label=label)


def faint_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """One network."""
    return Line2D(xs, ys, color=colour, linewidth=0.6, alpha=0.4, label=label)


def dashed_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """Networks in which nothing can be."""
    return Line2D(xs, ys, color=colour, linewidth=1.1, alpha=0.7, linestyle="--", label=label)


def planted_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """Networks in which the variables certainly are."""
    return Line2D(xs, ys, color=colour, linewidth=1.3, alpha=0.8, linestyle="-.", label=label)


def by_row(handles: Sequence[Line2D], columns: int) -> list[Line2D]:
    """Handles in the order in which a legend, which is filled column by column, shows them row by row."""
    rows = -(-len(handles) // columns)
    places = [row * columns + column for column in range(columns) for row in range(rows)]
    return [handles[place] for place in places if place < len(handles)]
