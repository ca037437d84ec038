"""Callbacks of a search: progress, validations, and a callback that writes to TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.dimensions import Size
from interlocus.core.display.dataframes import import_optional


class SearchName(NamedTuple):
    """Identifies one search among those of a problem.

    Args:
        size: Features per variable: an integer, or text such as `4+2`.
        start: Name of the start.
        restart: Index among the restarts of this start and size, from 0.
    """

    size: Size
    start: str
    restart: int


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The validation IIA of searches that run together.

    A *problem* is one network with one hypothesis. The same searches are run for every problem.

    Args:
        site: Name of the site that is searched.
        featurizer: Name of the featurizer.
        phase: Index of the phase, from 0.
        step: Number of steps so far. Earlier phases count with all their steps, even if searches stopped before.
        networks: For each problem the index of its network, or the network's name in a study.
        hypotheses: For each problem the name of its hypothesis.
        searches: The searches of a problem, in the order of the axis `search`.
        iia: Current validation IIA. For a search that has stopped, its value at that time.
        best: Highest validation IIA so far.
        alive: True where the search continues.
    """

    site: str
    featurizer: str
    phase: int
    step: int
    networks: tuple[int, ...] | tuple[str, ...]
    hypotheses: tuple[str, ...]
    searches: tuple[SearchName, ...]
    iia: Float[Tensor, "problem search"]
    best: Float[Tensor, "problem search"]
    alive: Bool[Tensor, "problem search"]


OnValidation = Callable[[Validation], None]
"""Called after every validation. The tensors are copies, so a callback cannot change the search."""


class TensorBoard:
    """A callback that writes the validation IIA: `il.search(…, on_validation=il.TensorBoard("runs/board"))`.

    Every network and search gives one curve, named `hypothesis.site.featurizer/network/size.start.restart`. If a study
    uses several processes, each process writes its own file; TensorBoard shows them together.

    Args:
        folder: Folder of the event files, to be passed to `tensorboard --logdir`.

    Raises:
        SpecificationError: tensorboardX is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        import_optional("tensorboardX", extra="tensorboard")  # a missing package is reported before any search starts
        self._writer: Any = None

    def __call__(self, validation: Validation) -> None:
        if self._writer is None:
            board = import_optional("tensorboardX", extra="tensorboard")
            self._writer = board.SummaryWriter(str(self.folder))
        where = f"{validation.site}.{validation.featurizer}"
        for problem, (network, hypothesis) in enumerate(zip(validation.networks, validation.hypotheses, strict=True)):
            for column, search in enumerate(validation.searches):
                name = f"{hypothesis}.{where}/{network}/{search.size}.{search.start}.{search.restart}"
                self._writer.add_scalar(name, float(validation.iia[problem, column]), validation.step)
        self._writer.flush()

    def close(self) -> None:
        """Write everything that is still buffered, and close the file."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def __getstate__(self) -> dict[str, object]:  # the copy in another process opens a file of its own
        return {"folder": self.folder, "_writer": None}
