"""The figure of the cost curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.curves import Curve


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw one panel per axis: milliseconds per step, and a line with the final slope."""
    with mpl.rc_context({"svg.hashsalt": "interlocus", "font.size": 9, "svg.fonttype": "path"}):
        figure = Figure(figsize=(2.5 * len(curves), 2.7), layout="constrained")
        for axes, curve in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True):
            last, end = curve.points[-1], curve.milliseconds[-1]
            if curve.begins is not None:
                line = [end * (point / last) ** curve.slope for point in curve.points]
                axes.plot(curve.points, line, color="0.7", linewidth=1)
                axes.axvline(curve.begins, color="0.7", linewidth=1, linestyle=":")
            axes.plot(curve.points, curve.milliseconds, marker="o", markersize=3.5, color="#1b6ca8")
            axes.set(xscale="log", yscale="log", xlabel=curve.axis.name, title=f"slope {curve.slope:.2f}")
            axes.spines[["top", "right"]].set_visible(False)
            low, high = min(curve.milliseconds), max(curve.milliseconds)
            axes.set_ylim(low / 2, high * 2)
        figure.axes[0].set_ylabel("ms per step")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
