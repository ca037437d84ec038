"""(e) Peak memory of a process: 1,024 stacked searches of ours, one search of theirs."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.measure import Line, Sample

SEARCHES, BATCH, STEPS = 1024, 384, 50


def _imported() -> None:
    """Import torch and the benchmarks, and do nothing."""


def _ours() -> None:
    import interlocus as il
    from benchmarks.ours import SITE, TASK
    from interlocus.networks import MLP

    il.search(
        MLP.untrained(TASK, count=1), TASK, hypothesis="both", site=SITE, sizes=(8,), starts={"random": SEARCHES},
        phases=(il.Phase(steps=STEPS),), budget=il.Budget(batch=BATCH, solved=1.0),
    )  # fmt: skip


def _theirs() -> None:
    from benchmarks import theirs
    from benchmarks.ours import TASK
    from interlocus.networks import MLP

    theirs.seed(0)
    examples = theirs.generate(theirs.causal_model(), 20 * BATCH, BATCH)
    search = theirs.Search(MLP.untrained(TASK, count=1), rate=1e-2)
    for step in range(STEPS):
        first = step % 20 * BATCH
        search.step(theirs.collate(examples[first : first + BATCH]))


_WORK = {"imported": _imported, "ours": _ours, "theirs": _theirs}


def peak(name: str) -> float:
    """Peak memory in megabytes of a separate process."""
    command = [sys.executable, "-m", "benchmarks.memory", name]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return float(answer.stdout.split()[-1])


def _own_peak() -> float:
    """Peak memory in megabytes of this process. On Linux `ru_maxrss` starts at the parent's value, so VmHWM is read."""
    status = Path("/proc/self/status")
    marks = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []
    if marks:
        return int(marks[0].split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def memory(*, repeats: int, peer: bool) -> tuple[list[Line], str]:
    """Measure each side in new processes."""
    names = [name for name in _WORK if peer or name != "theirs"]
    turns = [{name: peak(name) for name in names} for _ in range(repeats)]
    found = {name: Sample(values=tuple(turn[name] for turn in turns)) for name in names}
    line = Line(
        what="(e) peak memory, 1,024 searches of ours, one of theirs",
        unit="MB",
        ours=found["ours"],
        theirs=found.get("theirs"),
    )
    return [
        line
    ], f"A process that has imported torch and does nothing takes {found['imported'].middle:.0f} MB of these."


if __name__ == "__main__":
    torch.set_num_threads(1)
    _WORK[sys.argv[1]]()
    sys.stdout.write(f"{_own_peak():.1f}\n")
