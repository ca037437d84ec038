"""The text of `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from benchmarks import machine
from benchmarks.curves import Curve
from benchmarks.measure import Line, Sample
from benchmarks.roofline import Roofline
from benchmarks.targets import Target

MET = {True: "met", False: "**falls short**", None: "—"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measurements of a run."""

    lines: Sequence[Line]
    notes: Sequence[str]
    targets: Sequence[Target]
    roofline: Roofline
    curves: Sequence[Curve]
    minutes: float
    quick: bool


def number(value: float) -> str:
    """A number with three significant figures, thousands with commas."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(sample: Sample, unit: str = "") -> str:
    """Median and range as text."""
    low, high = min(sample.values), max(sample.values)
    text = f"{number(sample.middle)}{unit}"
    return text if len(sample.values) == 1 else f"{text} ({number(low)}–{number(high)})"


def render(measured: Measured) -> str:
    """The whole page."""
    parts = [_head(measured), _side_by_side(measured), _targets(measured), _roofline(measured), _curves(measured)]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(measured: Measured) -> str:
    about = ", ".join(f"{name} {version}" for name, version in machine.versions().items())
    quick = "\n\n**A quick run with fewer repeats and steps, so ranges are wider. Quote the numbers of a full run.**"
    return (
        "# Benchmarks\n\n"
        f"Written by `make bench` on {date.today().isoformat()}, in {measured.minutes:.0f} min, on "
        f"{machine.processor()} ({machine.cores()} cores; one thread and one process unless stated). {about}.\n\n"
        "Both sides were measured in turns in one run, on the same networks: perceptrons of three hidden layers of 16, "
        "hierarchical equality with items of width 4, site `layer1`, eight directions per variable. Medians, with the "
        "smallest and largest in brackets. Seconds depend on the machine; ratios depend on it less."
        f"{quick if measured.quick else ''}"
    )


def _side_by_side(measured: Measured) -> str:
    missing = "pyvene is not installed"
    ratios = [[line.what, spread(line.ratio, " ×") if line.ratio else missing] for line in measured.lines]
    times = [
        [line.what, line.unit, spread(line.ours), spread(line.theirs) if line.theirs else missing, line.note]
        for line in measured.lines
    ]
    notes = "\n".join(f"- {note}" for note in measured.notes)
    return (
        "## Ours and pyvene\n\nFactor by which Interlocus is better (faster, or smaller in memory):\n\n"
        f"{_table(['', 'ratio'], ratios)}\n\n{_table(['', 'unit', 'ours', 'pyvene', ''], times)}\n\n{notes}"
    )


def _targets(measured: Measured) -> str:
    rows = [[target.what, target.aim, target.shown, MET[target.met]] for target in measured.targets]
    return f"## Targets\n\n{_table(['', 'target', 'this run', ''], rows)}"


def _roofline(measured: Measured) -> str:
    roof = measured.roofline
    usual = roof.achieved.scaled(roof.shape.usual_flops / roof.shape.flops)
    rows = [
        ["a step, GFLOP/s", spread(roof.achieved)],
        ["a square batched product, GFLOP/s", spread(roof.product)],
        ["the products of a step alone, GFLOP/s", spread(roof.own)],
        ["**step / square product**", spread(roof.achieved.over(roof.product))],
        ["step / its products alone", spread(roof.achieved.over(roof.own))],
        ["search-steps per second", spread(roof.rate)],
    ]
    return (
        f"## Roofline\n\n{roof.shape.searches} searches stacked, batch {roof.shape.batch}, width {roof.shape.width}, "
        "equal thirds of left, right and both. Only the products that a step needs count as work: two forward and "
        "three backward for the interchange, and as many backward as forward for the layers after it. (Three times "
        f"the forward products, the usual count, would make it {spread(usual)} GFLOP/s and "
        f"{usual.over(roof.product).middle:.2f} of the square product.)\n\n{_table(['', 'median'], rows)}"
    )


def _curves(measured: Measured) -> str:
    parts = [
        "## What a step costs\n\n"
        "Milliseconds per step of the stack, on one thread. By default 64 searches, batch 256, width 16, size 8 and "
        "65,536 examples; width and size are varied with 4 searches and 4,096 examples. *Slope*: log-log slope over "
        "the last three values. *Straight from*: the value from which on the slope is always at least three quarters "
        "of that.\n\n"
        "![Milliseconds per step by searches, batch, width, size and examples](images/cost_curves.svg)"
    ]
    rows = []
    for curve in measured.curves:
        begins = "nowhere: it hardly rises" if curve.begins is None else f"{curve.begins:,}"
        rows.append([curve.axis.name, f"{curve.slope:.2f}", begins, curve.axis.why])
    parts.append(_table(["", "slope", "straight from", "why"], rows))
    for curve in measured.curves:
        heads = [curve.axis.name, *(f"{point:,}" for point in curve.points)]
        parts.append(_table(heads, [["ms", *(number(value) for value in curve.milliseconds)]]))
    return "\n\n".join(parts)
