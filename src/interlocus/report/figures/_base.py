"""What all figures share: the plug-in interface, the style, and how sites and networks are drawn."""

from __future__ import annotations

import abc
import io
import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import matplotlib as mpl
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.alignment.dimensions import Size
from interlocus.studies.results.scores import Row, featurizer_label
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study

GREY = "#555555"
"""Colour of chance levels and of legend entries that stand for every site."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the page that shows figures.

    Args:
        anchor: The `id` of its heading, unique on the page. A template `section_<anchor>.html.jinja`, where there is
            one, is shown below the figures.
        title: Text of its heading.
        link: Its name in the index of the page.
        introduction: A paragraph between the heading and the figures; empty for none.
        required: Whether the section is shown without any figure, for what its template adds.
    """

    anchor: str
    title: str
    link: str
    introduction: str = ""
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One drawing of a figure.

    Args:
        drawing: The picture as a matplotlib figure.
        suffix: Tells this picture from others of the same figure, and is added to the file name; empty where there is
            only one.
        subject: Replaces `{subject}` in the figure's label and caption.
        group: Group of networks that is shown, where the page folds pictures group by group; else empty.
    """

    drawing: Figure
    suffix: str = ""
    subject: str = ""
    group: str = ""


class AbstractFigure(abc.ABC):
    """A kind of figure. It draws what a run holds and computes nothing: `studies.results` has means and intervals.

    A new figure is one file with a final subclass and one entry of `core.plugins.FIGURES` under the same name.
    """

    name: ClassVar[str]
    """Name in the registry, and beginning of the file names."""
    section: ClassVar[Section | None]
    """Where the page shows the figure; `None` for a figure that is only a file."""
    label: ClassVar[str]
    """What the figure shows, read aloud in place of it; may contain `{subject}`."""
    caption: ClassVar[str]
    """Text below the figure; may contain `{subject}`."""

    @abc.abstractmethod
    def available(self, run: Run) -> bool:
        """Whether the run holds anything to draw."""

    @abc.abstractmethod
    def draw(self, run: Run) -> Sequence[Picture]:
        """Draw the figure, for a run for which it is available: one picture or several, with different suffixes."""


def house_style() -> AbstractContextManager[None]:
    """`interlocus.mplstyle` on top of matplotlib's defaults; the user's own settings return at the end of the block."""
    return style.context(["default", "interlocus.report.figures.interlocus"])


def render(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """The content of a file that shows a figure; equal figures give equal bytes."""
    nothing = {"svg": dict.fromkeys(("Date", "Creator", "Format", "Type")), "png": {"Software": None}}
    content = io.BytesIO()
    with house_style():
        figure.savefig(content, format=kind, metadata=nothing[kind])
    return content.getvalue()


def fix_layout(figure: Figure) -> None:
    """Compute the layout once, for a figure that is rendered to several files."""
    with house_style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def featurizer_labels(study: Study, hypothesis: str) -> tuple[str, ...]:
    """The featurizers with which a hypothesis is searched, with their schedules, in the order of the study."""
    searches = [search for search in study.searches if hypothesis in search.hypotheses]
    labels = (featurizer_label(name, search.schedule) for search in searches for name in search.featurizers)
    return tuple(dict.fromkeys(labels))


def starts_of(study: Study) -> dict[str, int]:
    """Every start of a study, in any schedule, with the largest number of restarts from it."""
    starts: dict[str, int] = {}
    for schedule in study.schedules:
        for name, count in study.starts_of(schedule).items():
            starts[name] = max(count, starts.get(name, 0))
    return starts


def hypotheses(study: Study) -> list[str]:
    """The hypotheses that are searched, in the order of the study."""
    return list(dict.fromkeys(name for search in study.searches for name in search.hypotheses))


def hypothesis_text(study: Study, hypothesis: str) -> str:
    """A hypothesis with its variables, as "both (left and right)"; the name alone where it is that of its variable."""
    variables = study.task.build().hypothesis(hypothesis).variables
    return hypothesis if variables == (hypothesis,) else f"{hypothesis} ({' and '.join(variables)})"


@dataclass(frozen=True, kw_only=True)
class HypothesisScores:
    """What a run holds so far for one hypothesis.

    Args:
        study: The study of the run.
        hypothesis: Name of the hypothesis.
        featurizers: Labels of the featurizers with which it is searched, in the order of the study.
        sizes: Every size that is searched, in rising order.
        lines: Means over networks, by group, site and featurizer label.
        rows: Scores of single networks.
    """

    study: Study
    hypothesis: str
    featurizers: tuple[str, ...]
    sizes: tuple[Size, ...]
    lines: dict[tuple[str, str, str], Line]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, run: Run, hypothesis: str) -> HypothesisScores:
        """Collect the scores of one hypothesis from a run, finished or not."""
        searches = [search for search in run.study.searches if hypothesis in search.hypotheses]
        rows = tuple(row for row in run.table if row.hypothesis == hypothesis)
        equal = {size for search in searches for size in search.sizes if isinstance(size, int)}
        return cls(
            study=run.study,
            hypothesis=hypothesis,
            featurizers=featurizer_labels(run.study, hypothesis),
            sizes=tuple(sorted(equal | {row.size for row in rows})),
            lines={(line.group, line.site, line.map): line for line in run.lines if line.hypothesis == hypothesis},
            rows=rows,
        )

    @property
    def any_line(self) -> Line | None:
        """Some line, for its chance levels, which are equal in all lines; `None` where nothing is measured yet."""
        return next(iter(self.lines.values()), None)


def untrained_counterpart(study: Study, group: NetworkGroup) -> NetworkGroup | None:
    """The untrained networks with the architecture of a trained group; `None` where the study has none."""

    def architecture(group: NetworkGroup) -> tuple[object, ...]:
        return group.network, group.options, group.activation, group.hidden

    alike = [other for other in study.networks if not other.trained and architecture(other) == architecture(group)]
    return alike[0] if group.trained and alike else None


class LineStyle(NamedTuple):
    """How one of several curves is drawn.

    Args:
        name: Name of the curve in the legend.
        shift: Factor on its horizontal positions, so that curves stand side by side on a logarithmic axis.
        colour: Colour of its lines and markers.
        marker: Its marker, as matplotlib names it.
    """

    name: str
    shift: float
    colour: str
    marker: str


def line_styles(names: Sequence[str]) -> list[LineStyle]:
    """A style for each curve, from the colours and markers of the current matplotlib style."""
    middle, step = (len(names) - 1) / 2, min(0.05, 0.3 / max(len(names), 1))
    shifts = (2 ** (step * (index - middle)) for index in itertools.count())
    cycle = itertools.cycle((entry["color"], entry["marker"]) for entry in mpl.rcParams["axes.prop_cycle"])
    return [LineStyle(name, shift, *entry) for name, shift, entry in zip(names, shifts, cycle, strict=False)]


def mean_line(xs: Sequence[float], ys: Sequence[float], style: LineStyle, label: str = "") -> Line2D:
    """The line of a mean over networks."""
    return Line2D(xs, ys, color=style.colour, marker=style.marker, zorder=3, label=label)


def network_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """The faint line of one network."""
    return Line2D(xs, ys, color=colour, linewidth=0.6, alpha=0.4, label=label)


def untrained_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """The dashed line of untrained networks."""
    return Line2D(xs, ys, color=colour, linewidth=1.1, alpha=0.7, linestyle="--", label=label)


def planted_line(xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> Line2D:
    """The dash-dotted line of networks with planted variables."""
    return Line2D(xs, ys, color=colour, linewidth=1.3, alpha=0.8, linestyle="-.", label=label)


def fill_rows_first(handles: Sequence[Line2D], columns: int) -> list[Line2D]:
    """Reorder legend handles so that matplotlib, which fills a legend column by column, shows them row by row."""
    rows = -(-len(handles) // columns)
    places = [row * columns + column for column in range(columns) for row in range(rows)]
    return [handles[place] for place in places if place < len(handles)]
