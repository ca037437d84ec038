"""(d) A grid of 1,440 searches of 1,000 steps at batch 384."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from statistics import mean

import interlocus as il
from benchmarks import ours, theirs
from benchmarks.measure import Line, Sample, in_turns, seconds
from benchmarks.steps import their_step
from interlocus.core.threads import use_one_thread
from interlocus.networks import MLP

NETWORKS, SITES, SIZES, RESTARTS = 10, ("layer1", "layer2", "layer3"), (1, 2, 4, 8), 12
SEARCHES = NETWORKS * len(SITES) * len(SIZES) * RESTARTS
STEPS, BATCH = 1000, 384
KINDS: tuple[theirs.Kind, ...] = ("left", "right", "double")
NEVER = 10**9


def run(networks: MLP, steps: int) -> int:
    """Search the grid in some networks without early stopping, and return the number of search-steps."""
    budget = il.Budget(batch=BATCH, solved=1.0, patience=NEVER)
    made = 0
    for site in SITES:
        found = il.search(
            networks, ours.TASK, hypothesis="both", site=site, sizes=SIZES, starts={"random": RESTARTS},
            phases=(il.Phase(steps=steps),), budget=budget,
        )  # fmt: skip
        made += sum(a.steps for f in found.results for entry in f.sizes for a in entry.restarts)
    return made


def grid(networks: MLP, *, repeats: int, steps: int) -> tuple[list[Line], str]:
    """Measure ours from end to end on one core, and theirs on some steps, scaled to all."""
    measurements: dict[str, Callable[[], float]] = {}
    if theirs.available():
        for kind, site in itertools.product(KINDS, SITES):
            parts = their_step(kind, BATCH, site=site)
            measurements |= {f"{kind} {site} {name}": work for name, work in parts.items()}
    run(networks[0], 20)  # warm
    for work in measurements.values():
        work()
    spent, slices, share = [], [], []
    for _ in range(repeats):
        made: list[int] = []
        spent.append(seconds(lambda made=made: made.append(run(networks, steps))))
        share.append(made[0] / (SEARCHES * steps))
        slices.append({name: found.middle for name, found in in_turns(measurements, 5).items()} if measurements else {})
    mine = Sample(values=tuple(spent)).scaled(STEPS / steps)
    whole, bare = (_their_hours(slices, parts) for parts in (("step", "collate"), ("step",)))
    lines = [
        Line(what="(d) grid, one core", unit="s", ours=mine, theirs=whole, note="theirs scaled from a slice"),
        Line(what="(d) grid, one core, collate not counted", unit="s", ours=mine, theirs=bare, note="theirs scaled"),
    ]
    return lines, _about(steps, mean(share))


def _their_hours(slices: list[dict[str, float]], parts: tuple[str, ...]) -> Sample | None:
    """Seconds of the grid from milliseconds per step; a third of the steps are of each kind of intervention."""
    if not slices[0]:
        return None
    asked = list(itertools.product(KINDS, SITES))
    each = [
        sum(found[f"{kind} {site} {part}"] for kind, site in asked for part in parts) / len(asked) for found in slices
    ]
    return Sample(values=tuple(SEARCHES * STEPS * ms / 1e3 for ms in each))


def _about(steps: int, share: float) -> str:
    how = "from end to end" if steps == STEPS else f"with {steps} steps per search, scaled to {STEPS:,}"
    return (
        f"{NETWORKS} networks × {len(SITES)} sites × {len(SIZES)} sizes × {RESTARTS} random starts = {SEARCHES:,} "
        f"searches × {STEPS:,} steps at batch {BATCH}. Ours was measured {how}, with examples, activations, "
        f"validations and scores, and without early stopping ({share:.1%} of the steps were made). pyvene's time "
        "is **scaled** from 450 steps in each turn, equally many for each site and each intervention (left, right, "
        "double), with data in memory: its data and validations are not counted."
    )


def two_processes(networks: MLP, folder: str) -> float:
    """Seconds of the grid on two cores: two processes with half the networks each, start-up included."""
    half = len(networks) // 2
    paths = []
    for number, rows in enumerate((range(half), range(half, len(networks)))):
        paths.append(f"{folder}/half{number}.safetensors")
        MLP.stacked([networks[row] for row in rows]).save(paths[-1])

    def work() -> None:
        running = [subprocess.Popen([sys.executable, "-m", "benchmarks.grid", path, str(STEPS)]) for path in paths]  # noqa: S603
        codes = [process.wait() for process in running]
        assert codes == [0, 0]

    return seconds(work)


if __name__ == "__main__":
    use_one_thread()
    run(MLP.load(sys.argv[1]), int(sys.argv[2]))
