"""Counterfactual examples per second, and milliseconds per step of one search."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import ours, theirs
from benchmarks.measure import Line, in_turns, seconds
from interlocus.networks import MLP

THEIR_EXAMPLES, OUR_EXAMPLES = 3072, 262_144
_BLOCK = 256
"""Steps of ours that are timed together, since one step is too short to time."""


def data(*, repeats: int) -> list[Line]:
    """(a) Time to make examples with counterfactual labels."""
    measurements: dict[str, Callable[[], float]] = {
        "ours": lambda: OUR_EXAMPLES / seconds(lambda: ours.counterfactuals(OUR_EXAMPLES, 1024, seed=0))
    }
    if theirs.available():
        model = theirs.causal_model()
        theirs.seed(0)
        measurements["theirs"] = lambda: THEIR_EXAMPLES / seconds(lambda: theirs.generate(model, THEIR_EXAMPLES, 128))
    found = in_turns(measurements, repeats)
    note = "fresh inputs, their causal values, sources and labels"
    return [
        Line(
            what="(a) counterfactual data",
            unit="examples/s",
            ours=found["ours"],
            theirs=found.get("theirs"),
            faster="higher",
            note=note,
        )
    ]


def steps(*, repeats: int) -> list[Line]:
    """(b) Time of a step of one search, for single and double interventions."""
    return [line for batch in (1024, 384) for kind in ("single", "double") for line in _step(kind, batch, repeats)]


def _step(kind: ours.Kind, batch: int, repeats: int) -> list[Line]:
    stepper = ours.Stepper(ours.Shape(searches=1, batch=batch, kind=kind))
    measurements: dict[str, Callable[[], float]] = {
        "ours": lambda: 1e3 * seconds(lambda: stepper.steps(_BLOCK)) / _BLOCK
    }
    if theirs.available():
        measurements |= their_step("left" if kind == "single" else "double", batch)
    found = in_turns(measurements, repeats)
    step, collate = found.get("step"), found.get("collate")
    whole = None if step is None or collate is None else step.plus(collate)
    about, mine = f"(b) step, {kind}, batch {batch}", found["ours"]
    note = "ours with gathering rows, theirs with collating: from data in memory to new parameters"
    return [
        Line(what=about, unit="ms", ours=mine, theirs=whole, note=note),
        Line(what=f"{about}, collate not counted", unit="ms", ours=mine, theirs=step, note="ours with gathering rows"),
    ]


def their_step(
    kind: theirs.Kind, batch: int, *, count: int = 10, site: str = ours.SITE
) -> dict[str, Callable[[], float]]:
    """Milliseconds of a step of pyvene, and of collating its batch."""
    theirs.seed(0)
    examples = theirs.generate(theirs.causal_model(), batch, batch, kind=kind)
    ready = theirs.collate(examples)
    search = theirs.Search(MLP.untrained(ours.TASK, count=1), rate=1e-3, site=site)

    def step() -> float:
        return 1e3 * seconds(lambda: [search.step(ready) for _ in range(count)]) / count

    def collate() -> float:
        return 1e3 * seconds(lambda: [theirs.collate(examples) for _ in range(count)]) / count

    return {"step": step, "collate": collate}
