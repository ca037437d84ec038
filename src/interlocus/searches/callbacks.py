"""What can be watched of a search while it is under way: each validation, for a callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.dimensions import Size
from interlocus.core.dataframes import import_optional


class ProblemName(NamedTuple):
    """A search of a problem.

    Args:
        size: features a variable.
        start: where it began.
        restart: which of several.
    """

    size: Size
    start: str
    restart: int


@dataclass(frozen=True, kw_only=True)
class Validation:
    """One look of some searches at the validation interventions.

    A *problem* is one network with one hypothesis; each is put to the same searches.

    Args:
        site: where is searched.
        featurizer: with which maps.
        phase: the number of the phase, from 0.
        step: steps done, those of earlier phases counted whole.
        networks: the network of each problem: its number, or in a study its name.
        hypotheses: the hypothesis of each problem.
        searches: of each problem.
        iia: validation IIA now. Of a search that has retired, where it stood then.
        best: the highest so far.
        alive: which searches go on.
    """

    site: str
    featurizer: str
    phase: int
    step: int
    networks: tuple[int, ...] | tuple[str, ...]
    hypotheses: tuple[str, ...]
    searches: tuple[ProblemName, ...]
    iia: Float[Tensor, "problem search"]
    best: Float[Tensor, "problem search"]
    alive: Bool[Tensor, "problem search"]


OnValidation = Callable[[Validation], None]
"""Is shown every validation. The tensors are copies: nothing that it does changes a search."""


class TensorBoard:
    """A callback for searches that writes their validation IIA: `il.search(…, watch=il.TensorBoard("runs/board"))`.

    A curve a network and search, named `hypothesis.site.featurizer/network/size.start.restart`. In a study with several
    processes each writes a file of its own, which TensorBoard puts together.

    Args:
        folder: what `tensorboard --logdir` is given.

    Raises:
        SpecificationError: tensorboardX is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        import_optional("tensorboardX", extra="tensorboard")  # missing, it is missed before any search
        self._writer: Any = None

    def __call__(self, seen: Validation) -> None:
        if self._writer is None:
            board = import_optional("tensorboardX", extra="tensorboard")
            self._writer = board.SummaryWriter(str(self.folder))
        about = f"{seen.site}.{seen.featurizer}"
        for problem, (network, hypothesis) in enumerate(zip(seen.networks, seen.hypotheses, strict=True)):
            for place, search in enumerate(seen.searches):
                name = f"{hypothesis}.{about}/{network}/{search.size}.{search.start}.{search.restart}"
                self._writer.add_scalar(name, float(seen.iia[problem, place]), seen.step)
        self._writer.flush()

    def close(self) -> None:
        """Write what is still held back."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def __getstate__(self) -> dict[str, Any]:  # so that it crosses a process border, where it writes another file
        return {"folder": self.folder, "_writer": None}
