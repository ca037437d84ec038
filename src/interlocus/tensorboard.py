"""Searches as curves in TensorBoard, while they are under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlocus.tables import fetch
from interlocus.watching import Validation


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
        fetch("tensorboardX", extra="tensorboard")  # missing, it is missed before any search
        self._writer: Any = None

    def __call__(self, seen: Validation) -> None:
        if self._writer is None:
            board = fetch("tensorboardX", extra="tensorboard")
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
