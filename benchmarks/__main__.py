"""`python -m benchmarks [--quick] [--out docs/benchmarks.md]`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import figure, goal, grid, memory, ours, page, steps, theirs
from benchmarks.curves import curves
from benchmarks.measure import Line
from benchmarks.roofline import roofline
from benchmarks.targets import default_study, start_up, targets
from interlocus.core.threads import use_one_thread
from interlocus.networks import MLP

console = Console(highlight=False)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="A first look in under two minutes.")] = False,
    out: Annotated[Path, typer.Option(help="File of the page.")] = Path("docs/benchmarks.md"),
) -> None:
    """Measure Interlocus and pyvene in one run, and write the page."""
    use_one_thread()
    begun = time.perf_counter()

    def tell(what: str) -> None:
        console.print(f"[dim]{time.perf_counter() - begun:5.0f} s[/dim]  {what}")

    if not theirs.available():
        tell("pyvene is not installed: comparisons are left out (pip install 'interlocus\\[bench]')")
    tell("networks")
    easy = MLP.train(ours.TASK, count=grid.NETWORKS, activation="relu", weight_decay=1.0, seed=0)
    usual = MLP.train(ours.TASK, count=3, activation="relu", seed=0)
    lines, notes, two_cores = _side_by_side(easy, usual, quick=quick, tell=tell)
    tell("roofline")
    roof = roofline(ours.Shape(), repeats=5 if quick else 15)
    tell("cost curves")
    found = curves(quick=quick)
    tell("start-up" if quick else "start-up, and the default study")
    start, study = start_up(repeats=3 if quick else 7), None if quick else default_study()
    measured = page.Measured(
        lines=lines,
        notes=notes,
        targets=targets(lines, roof, two_cores=two_cores, start=start, study=study),
        roofline=roof,
        curves=found,
        minutes=(time.perf_counter() - begun) / 60,
        quick=quick,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.draw(found, out.parent / "images" / "cost_curves.svg")
    out.write_text(page.render(measured), encoding="utf-8")
    tell(f"wrote {out}")


def _side_by_side(
    networks: MLP, usual: MLP, *, quick: bool, tell: Callable[[str], None]
) -> tuple[list[Line], list[str], float | None]:
    """Measurements (a) to (e): their lines and notes, and the seconds of the grid on two cores."""
    tell("(a) counterfactual data")
    lines = steps.data(repeats=3 if quick else 9)
    tell("(b) milliseconds a step")
    lines += steps.steps(repeats=3 if quick else 9)
    tell("(c) time to IIA .99")
    asked = {"repeats": 3 if quick else 5, "cap": 10 if quick else 90}
    found = [goal.goal(usual, "plain network", **asked), goal.goal(networks, "easy network, weight decay 1", **asked)]
    tell("(d) grid")
    length = 30 if quick else grid.STEPS
    whole, about = grid.grid(networks, repeats=1 if quick else 2, steps=length)
    notes = [*(f"(c) {reached}" for _, reached in found), f"(d) {about}"]
    two_cores = None if quick else _two_cores(networks, notes)
    tell("(e) peak memory")
    peaks, base = memory.memory(repeats=1 if quick else 3, peer=theirs.available())
    notes.append(f"(e) {base}")
    return [*lines, *(line for more, _ in found for line in more), *whole, *peaks], notes, two_cores


def _two_cores(networks: MLP, notes: list[str]) -> float:
    """Seconds of the grid in two processes."""
    with tempfile.TemporaryDirectory() as folder:
        spent = grid.two_processes(networks, folder)
    notes.append(f"(d) on two cores, two processes with half the networks each, start-up included: {spent:.0f} s.")
    return spent


if __name__ == "__main__":
    typer.run(main)
