"""Records -> figures: where a hypothesis holds (heat maps), and in how many features (size curves).

Nothing is computed here: means and intervals are those of `summary`. What a run does not hold yet stays empty.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.family import Family
from interlocus.run import Run
from interlocus.size import Size, mean_size
from interlocus.study import Study
from interlocus.summary import Line
from interlocus.table import Row

SCALE = Normalize(0.5, 1.0)  # from IIA to colour, the same in every figure, so that colours can be compared
GREY = "#555555"


def _house_style() -> AbstractContextManager[None]:
    """`interlocus.mplstyle` over matplotlib's own defaults, whatever the user has set; gone afterwards."""
    return style.context(["default", "interlocus.interlocus"])


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a study asks of one hypothesis, and what is there so far: lines by family, site and featurizer."""

    study: Study
    hypothesis: str
    featurizers: tuple[str, ...]
    sizes: tuple[Size, ...]
    lines: dict[tuple[str, str, str], Line]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, run: Run, hypothesis: str) -> _Asked:
        searches = [search for search in run.study.searches if hypothesis in search.hypotheses]
        rows = tuple(row for row in run.table if row.hypothesis == hypothesis)
        equal = {size for search in searches for size in search.sizes if isinstance(size, int)}
        return cls(
            study=run.study,
            hypothesis=hypothesis,
            featurizers=tuple(dict.fromkeys(name for search in searches for name in search.featurizers)),
            sizes=tuple(sorted(equal | {row.size for row in rows})),
            lines={(ln.family, ln.site, ln.featurizer): ln for ln in run.lines if ln.hypothesis == hypothesis},
            rows=rows,
        )

    @property
    def levels(self) -> Line | None:
        """Any line: the floor and the one-sided ceiling are those of the hypothesis."""
        return next(iter(self.lines.values()), None)


def untrained_twin(study: Study, family: Family) -> Family | None:
    """The untrained networks that are built like those of a trained family, if the study has any."""

    def built(one: Family) -> tuple[object, ...]:
        return one.network, one.options, one.activation, one.hidden

    alike = [other for other in study.families if not other.trained and built(other) == built(family)]
    return alike[0] if family.trained and alike else None


def heat_map(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks, size by site, a panel a family and featurizer; with one size family by site.

    Colours run from .5 to 1 in every figure; the one-sided ceiling is marked in the colour bar.
    """
    asked, families = _Asked.of(run, hypothesis), [family.name for family in run.study.families]
    blocks = [families] if len(asked.sizes) == 1 else [[family] for family in families]
    height = len(blocks) * (0.32 * len(blocks[0]) * len(asked.sizes) + 0.75) + 0.9
    width = len(asked.featurizers) * (0.7 * len(run.study.sites) + 0.9)
    with _house_style():
        figure, shades = Figure(figsize=(max(5.5, width), height), layout="constrained"), ScalarMappable(SCALE)
        panels = figure.subplots(len(blocks), len(asked.featurizers), squeeze=False)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_cells(axes, asked, blocks[row], asked.featurizers[column], shades)
        _draw_colours(figure, panels, asked, shades)
    return figure


def _draw_cells(axes: Axes, asked: _Asked, families: Sequence[str], featurizer: str, shades: ScalarMappable) -> None:
    sites, rows = asked.study.sites, [(family, size) for family in families for size in reversed(asked.sizes)]
    means = {(*key, entry.size): entry.iia.value for key, line in asked.lines.items() for entry in line.sizes}
    values = np.array([[means.get((name, site, featurizer, size), np.nan) for site in sites] for name, size in rows])
    axes.pcolormesh(np.ma.masked_invalid(values), norm=SCALE, edgecolor="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = _readable(*shades.to_rgba(value)[:3])
            axes.text(column + 0.5, row + 0.5, f"{value:.3f}", color=colour, ha="center", va="center_baseline")
    axes.set_xticks(np.arange(len(sites)) + 0.5, sites, rotation=30 if max(map(len, sites)) > 8 else 0)
    axes.set(ylim=(len(rows), 0), yticks=np.arange(len(rows)) + 0.5)
    if len(asked.sizes) == 1:
        axes.set(title=f"{featurizer}, size {asked.sizes[0]}", ylabel="family", yticklabels=families)
    else:
        axes.set(title=f"{families[0]} · {featurizer}", ylabel="size", yticklabels=[size for _, size in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_colours(figure: Figure, panels: np.ndarray, asked: _Asked, shades: ScalarMappable) -> None:
    """The colour bar, as far from the panels in a tall figure as in a low one."""
    pad, label = 0.3 / figure.get_figheight(), f"IIA of {asked.hypothesis}, mean over networks"
    bar = figure.colorbar(shades, ax=panels, location="top", extend="min", shrink=0.6, aspect=30, pad=pad, label=label)
    if asked.levels and asked.levels.one_sided is not None:
        level = asked.levels.one_sided
        bar.ax.axvline(level, color="black", linewidth=1.5)
        bar.ax.secondary_xaxis("bottom").set_xticks([level], [f"one-sided {level:.3f}"], fontsize="small")


def _readable(red: float, green: float, blue: float) -> str:
    """Black or white, whichever has more contrast to a colour: at luminance .18 both have the same (WCAG 2)."""
    return "black" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18 else "white"


def size_curve(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks against size with its bootstrap interval, a line a site, a panel a family and featurizer.

    Each network is a faint line. Untrained networks that are built alike are dashed in the panels of the trained ones.
    """
    asked, families = _Asked.of(run, hypothesis), run.study.families
    size = (max(6.0, 3.9 * len(asked.featurizers) + 1.0), 2.3 * len(families) + 0.7)
    with _house_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(families), len(asked.featurizers), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_curves(axes, asked, families[row], asked.featurizers[column])
        _set_axes(panels[0, 0], asked)  # the others share its axes
        figure.supxlabel("size (features a variable)", fontsize="medium")
        figure.supylabel(f"IIA of {hypothesis}", fontsize="medium")
        _draw_levels(panels, asked.levels)
        figure.legend(handles=_legend(run.study), loc="outside upper center", ncols=max(4, 3 * len(asked.featurizers)))
    return figure


class _Look(NamedTuple):
    """How a site is drawn: `shift` is a factor on its sizes, which sets sites beside each other."""

    site: str
    shift: float
    colour: str
    marker: str


def _looks(sites: Sequence[str]) -> list[_Look]:
    middle, step = (len(sites) - 1) / 2, min(0.05, 0.3 / len(sites))
    shifts = (2 ** (step * (index - middle)) for index in itertools.count())
    looks = itertools.cycle((look["color"], look["marker"]) for look in mpl.rcParams["axes.prop_cycle"])
    return [_Look(site, shift, *look) for site, shift, look in zip(sites, shifts, looks, strict=False)]


def _mean(sizes: Sequence[float], iias: Sequence[float], look: _Look, label: str = "") -> Line2D:
    return Line2D(sizes, iias, color=look.colour, marker=look.marker, zorder=3, label=label)


def _faint(sizes: Sequence[float], iias: Sequence[float], colour: str, label: str = "") -> Line2D:
    return Line2D(sizes, iias, color=colour, linewidth=0.6, alpha=0.4, label=label)


def _dashed(sizes: Sequence[float], iias: Sequence[float], colour: str, label: str = "") -> Line2D:
    return Line2D(sizes, iias, color=colour, linewidth=1.1, alpha=0.7, linestyle="--", label=label)


def _draw_curves(axes: Axes, asked: _Asked, family: Family, featurizer: str) -> None:
    axes.set_title(f"{family.name} · {featurizer}")
    twin = untrained_twin(asked.study, family)
    rows = [row for row in asked.rows if (row.family, row.featurizer) == (family.name, featurizer)]
    for look in _looks(asked.study.sites):
        for network in family.networks:
            own = [row for row in rows if (row.network, row.site) == (network, look.site)]
            axes.add_line(
                _faint([mean_size(row.size) * look.shift for row in own], [row.iia for row in own], look.colour)
            )
        if twin and (line := asked.lines.get((twin.name, look.site, featurizer))):
            sizes = [mean_size(entry.size) * look.shift for entry in line.sizes]
            axes.add_line(_dashed(sizes, [entry.iia.value for entry in line.sizes], look.colour))
        if line := asked.lines.get((family.name, look.site, featurizer)):
            sizes, iias = (
                [mean_size(entry.size) * look.shift for entry in line.sizes],
                [entry.iia for entry in line.sizes],
            )
            axes.add_line(_mean(sizes, [iia.value for iia in iias], look))
            axes.vlines(sizes, [iia.low for iia in iias], [iia.high for iia in iias], color=look.colour, zorder=3)


def _set_axes(first: Axes, asked: _Asked) -> None:
    first.set_xscale("log", base=2)
    places = [mean_size(size) for size in asked.sizes]
    first.set_xticks(places, [str(size) for size in asked.sizes])
    first.set_xlim(places[0] / 1.3, places[-1] * 1.3)
    first.set_ylim(min([0.45, *(row.iia - 0.02 for row in asked.rows)]), 1.02)


def _draw_levels(panels: np.ndarray, levels: Line | None) -> None:
    """What is reached without the variable: a dotted line in each panel, named beside the last of each row."""
    named = (("do nothing", levels.floor), ("one-sided", levels.one_sided)) if levels else ()
    for name, level in named:
        if level is None:
            continue
        for axes in panels.flat:
            axes.axhline(level, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        for axes in panels[:, -1]:
            where = axes.get_yaxis_transform()  # x in widths of the panel, y in IIA
            axes.text(1.02, level, f"{name}\n{level:.3f}", transform=where, va="center", color=GREY, fontsize="small")


def _legend(study: Study) -> list[Line2D]:
    handles = [_mean([], [], look, look.site) for look in _looks(study.sites)]
    handles.append(_faint([], [], GREY, "one network"))
    if any(untrained_twin(study, family) for family in study.families):
        handles.append(_dashed([], [], GREY, "untrained networks, mean"))
    return handles


def figures(run: Run) -> dict[str, Figure]:
    """Every figure of a run: `heat_map_<hypothesis>`, and with several sizes `size_curve_<hypothesis>`."""
    drawn = {}
    for hypothesis in dict.fromkeys(name for search in run.study.searches for name in search.hypotheses):
        drawn[f"heat_map_{hypothesis}"] = heat_map(run, hypothesis)
        if len(_Asked.of(run, hypothesis).sizes) > 1:
            drawn[f"size_curve_{hypothesis}"] = size_curve(run, hypothesis)
    return drawn


def render(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """A figure as a file; equal figures are equal to the byte."""
    nothing = {"svg": dict.fromkeys(("Date", "Creator", "Format", "Type")), "png": {"Software": None}}
    content = io.BytesIO()
    with _house_style():
        figure.savefig(content, format=kind, metadata=nothing[kind])
    return content.getvalue()


def save_figures(run: Run) -> dict[str, Path]:
    """Write every figure as SVG and PNG into the run folder; returns where the SVGs are, the PNGs lie beside them.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    folder = run.store.folder / "figures"
    with suppress(OSError):  # what is wrong is said by the first write
        folder.mkdir(exist_ok=True)
    paths = {}
    for name, figure in figures(run).items():
        paths[name] = folder / f"{name}.svg"
        run.store.write(paths[name], render(figure, "svg"))
        run.store.write(folder / f"{name}.png", render(figure, "png"))
    return paths
