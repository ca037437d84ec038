"""(c) Time to an IIA of .99, data included."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import interlocus as il
from benchmarks import ours, theirs
from benchmarks.measure import Line, Sample, seconds
from interlocus.networks import MLP

GOAL, BATCH, SIZE = 0.99, 384, 8
OUR_RATES, THEIR_RATES = (0.03, 0.1, 0.2), (1e-3, 3e-3, 1e-2, 3e-2)
CHECK, THEIR_CHECK = 20, 10
"""Steps between two measurements of the IIA; they count in our time and not in theirs."""
TUTORIAL = 1_280_000
"""Examples that pyvene's tutorial generates before its search begins."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The course of one search.

    Args:
        seconds: Time until the goal was reached, or until the search was stopped.
        reached: Whether the goal was reached.
        iia: Final IIA on fresh items.
        data: Part of the seconds that was spent on data.
        steps: Number of steps.
    """

    seconds: float
    reached: bool
    iia: float
    data: float = 0.0
    steps: int = 0


def search_ours(network: MLP, rate: float, *, seed: int) -> Reach:
    """One search from a random start: examples, activations, steps, validations, and the score on fresh items."""
    budget = il.Budget(
        pool=16_384,
        held_out=8_192,
        partners=1,
        batch=BATCH,
        check_every=CHECK,
        validation=2_048,
        test=10_000,
        solved=GOAL,
    )
    found: list[Any] = []

    def work() -> None:
        found.append(
            il.search(
                network, ours.TASK, hypothesis="both", site=ours.SITE, sizes=(SIZE,), starts={"random": 1},
                phases=(il.Phase(learning_rate=rate),), budget=budget, seed=seed,
            )
        )  # fmt: skip

    spent = seconds(work)
    restart = found[0].restarts(network=0, size=SIZE).best
    return Reach(seconds=spent, reached=restart.validation >= GOAL, iia=restart.score.iia, steps=restart.steps)


@dataclass(kw_only=True)
class Stock:
    """pyvene's batches, new ones for every step as in our searches, with the time that each took.

    Searches share the batches, so that the benchmark generates each once; the time counts in every search that uses it.
    """

    model: Any
    batches: list[tuple[list, float]] = field(default_factory=list)

    def fetch(self, number: int) -> tuple[list, float]:
        """The examples of a batch, and the seconds that they took."""
        while len(self.batches) <= number:
            begun = time.perf_counter()
            examples = theirs.generate(self.model, BATCH, BATCH)
            self.batches.append((examples, time.perf_counter() - begun))
        return self.batches[number]


def search_theirs(network: MLP, rate: float, stock: Stock, *, seed: int, cap: float) -> Reach:
    """One search as in pyvene's tutorial; its IIA is measured every ten steps, and that time does not count."""
    search = theirs.Search(network, rate=rate, number=seed)
    spent = data = iia = 0.0
    steps = 0
    while spent < cap:
        examples, cost = stock.fetch(steps)
        begun = time.perf_counter()
        search.step(theirs.collate(examples))
        spent, data, steps = spent + time.perf_counter() - begun + cost, data + cost, steps + 1
        if steps % THEIR_CHECK == 0:
            iia = ours.score(search.alignment(), network)
            if iia >= GOAL:
                return Reach(seconds=spent, reached=True, iia=iia, data=data, steps=steps)
    return Reach(seconds=spent, reached=False, iia=iia, data=data, steps=steps)


def _quickest(tried: dict[float, Reach]) -> float | None:
    """The learning rate that reaches the goal first."""
    there = {rate: reach.seconds for rate, reach in tried.items() if reach.reached}
    return min(there, key=lambda rate: there[rate]) if there else None


def goal(networks: MLP, name: str, *, repeats: int, cap: float) -> tuple[list[Line], str]:
    """Take the first network in which both reach the goal, each at its best learning rate, and measure in turns."""
    search_ours(networks[0], 0.1, seed=0)  # warm
    stock = Stock(model=theirs.causal_model()) if theirs.available() else None
    report = f"{name}: none reached the goal with both tools."
    for number in range(len(networks)):
        network = networks[number]
        rate = _quickest({rate: search_ours(network, rate, seed=100) for rate in OUR_RATES})
        if rate is None:
            continue
        if stock is None:
            mine = [search_ours(network, rate, seed=seed) for seed in range(repeats)]
            return _lines(name, mine, None), _about(name, number, rate, mine, None, None)
        tried = {other: search_theirs(network, other, stock, seed=100, cap=cap) for other in THEIR_RATES}
        other = _quickest(tried)
        if other is None:
            report = f"{name}: pyvene took more than {cap:.0f} s in network {number} at every learning rate."
            continue
        turns = [
            (search_ours(network, rate, seed=seed), search_theirs(network, other, stock, seed=seed, cap=cap))
            for seed in range(repeats)
        ]
        mine, their = [turn[0] for turn in turns], [turn[1] for turn in turns]
        return _lines(name, mine, their), _about(name, number, rate, mine, other, their)
    return [], report


def _lines(name: str, mine: list[Reach], their: list[Reach] | None) -> list[Line]:
    ours_took = Sample(values=tuple(reach.seconds for reach in mine))
    if their is None:
        return [Line(what=f"(c) time to IIA .99, {name}", unit="s", ours=ours_took, theirs=None)]
    took = Sample(values=tuple(reach.seconds for reach in their))
    # the cost of data per example, times the number of examples that the tutorial draws before it begins
    whole = tuple(r.seconds - r.data + r.data / (r.steps * BATCH) * TUTORIAL for r in their)
    return [
        Line(
            what=f"(c) time to IIA .99, {name}",
            unit="s",
            ours=ours_took,
            theirs=took,
            note="its data drawn as it needs them",
        ),
        Line(
            what=f"(c) the same, {name}, its data drawn as its tutorial does ({TUTORIAL:,} examples)",
            unit="s",
            ours=ours_took,
            theirs=Sample(values=whole),
            note="theirs scaled from its own rate",
        ),
    ]


def _told(reaches: list[Reach], rate: float) -> str:
    missed = sum(not reach.reached for reach in reaches)
    text = (
        f"learning rate {rate:g}, {min(r.steps for r in reaches)}–{max(r.steps for r in reaches)} steps, "
        f"IIA on fresh items {min(r.iia for r in reaches):.4f}–{max(r.iia for r in reaches):.4f}"
    )
    return text + (f", **{missed} of {len(reaches)} did not reach it** and count with the time spent" if missed else "")


def _about(
    name: str, number: int, rate: float, mine: list[Reach], other: float | None, their: list[Reach] | None
) -> str:
    text = f"{name} ({number}). Ours: {_told(mine, rate)}."
    if other is None or their is None:
        return text
    share = sum(reach.data for reach in their) / sum(reach.seconds for reach in their)
    return (
        f"{text} pyvene: {_told(their, other)}; {share:.0%} of its time is data. Both draw fresh examples for every "
        f"step. pyvene's IIA is measured every {THEIR_CHECK} steps, and that time does not count; our time "
        f"includes drawing examples, validations every {CHECK} steps and the final score."
    )
