"""Our scores drawn beside the published ones."""

from __future__ import annotations

from matplotlib.figure import Figure

from interlocus.studies.results.published import PublishedComparison, compare_with_published
from interlocus.studies.run import Run

OURS, THEIRS = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito, told apart by everybody; the markers differ too."""


def published_figure(run: Run) -> Figure | None:
    """IIA by site and size, one row a method; `None` for a run that has nothing published beside it.

    Ours is the mean over networks with its 95 % interval, theirs the mean with the range over networks.
    """
    found = compare_with_published(run.study, run.lines)
    if not found:
        return None
    rows = list(dict.fromkeys((one.group, one.map, one.published.method) for one in found))
    figure = Figure(figsize=(7, 0.6 + 1.5 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, about in zip(grid, rows, strict=True):
        own = [one for one in found if (one.group, one.map, one.published.method) == about]
        _draw(axes, own)
        axes.set_title(f"{about[0]}, {about[1]}", loc="left", fontsize="small")
        axes.set_ylim(0.4, 1.05)
        axes.set_ylabel("IIA")
    grid[0].legend(fontsize="x-small", loc="upper right", frameon=False)
    return figure


def _draw(axes, own: list[PublishedComparison]) -> None:
    for place, one in enumerate(own):
        theirs, value = one.published, one.published.value
        assert value is not None
        ours = [[one.iia.value - one.iia.low], [one.iia.high - one.iia.value]]
        label = ("here", "published") if place == 0 else (None, None)
        axes.errorbar([place - 0.1], [one.iia.value], yerr=ours, fmt="o", color=OURS, label=label[0])
        reach = None
        if theirs.mean is not None and theirs.lowest is not None and theirs.highest is not None:
            reach = [[value - theirs.lowest], [theirs.highest - value]]
        axes.errorbar([place + 0.1], [value], yerr=reach, fmt="D", color=THEIRS, label=label[1])
    axes.set_xticks(range(len(own)), [f"{o.published.site}\nsize {o.published.size}" for o in own], fontsize="x-small")
    axes.set_xlim(-0.5, len(own) - 0.5)
