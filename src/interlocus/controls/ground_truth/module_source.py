"""Modules of a known ground truth as a source of a study's networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.constructions.architectures import BODIES, HIDDEN, WIDTH
from interlocus.controls.ground_truth.constructions.modules import (
    MODULE_SITE,
    MODULE_STEPS,
    teach_module,
    untaught_module,
)
from interlocus.controls.ground_truth.constructions.perceptrons import network_shares
from interlocus.controls.ground_truth.constructions.reader import READER_BATCH
from interlocus.core.errors import NetworkError, UnknownNameError
from interlocus.core.progress import OnProgress
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import AbstractNetworks
from interlocus.networks.sources._base import AbstractNetworkSource
from interlocus.tasks import AbstractTask

MODULE_ATTEMPTS = 3
"""Attempts to make one module, if its ground truth fails the direct check."""
ATTEMPT_STRIDE, NETWORK_STRIDE = 100_000, 1000
"""Differences between the seeds of two attempts, and of two networks."""


@dataclass(frozen=True, kw_only=True)
class CodedModules(AbstractNetworkSource):
    """Torch modules of one construction.

    Args:
        construction: Name of the construction, one with a code.
        body: Architecture of encoder and reader: `residual`, `convolution` or `gru`.

    Raises:
        UnknownNameError: There is no such construction or architecture.
    """

    construction: str
    body: str

    def __post_init__(self) -> None:
        if self.construction not in CODED:
            raise UnknownNameError("construction", self.construction, CODED)
        if self.body not in BODIES:
            raise UnknownNameError("architecture", self.body, BODIES)

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        return {MODULE_SITE: WIDTH}

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        """Make modules whose ground truth passes its check.

        Raises:
            NetworkError: A module fails the check in every attempt.
        """
        construction, made = CODED[self.construction], list[AbstractNetworks]()
        for number, share in enumerate(network_shares(construction, count, seed)):
            first = seed + NETWORK_STRIDE * number
            if not trained:
                made.append(untaught_module(construction, task, self.body, seed=first))
                continue
            made.append(self._taught(task, share, first))
            on_progress((number + 1) / count)
        return made

    def _taught(self, task: AbstractTask, share: float, seed: int) -> AbstractNetworks:
        construction = CODED[self.construction]
        for attempt in range(MODULE_ATTEMPTS):
            taught = teach_module(construction, task, self.body, share=share, seed=seed + ATTEMPT_STRIDE * attempt)
            if taught.check.holds:
                return taught.network
        raise NetworkError(
            f"A module ({self.summary}) failed the check of its ground truth in {MODULE_ATTEMPTS} attempts.",
            "A network whose ground truth is not known says nothing about a verdict.",
            "Use another architecture for this construction.",
        )

    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        networks: list[AbstractNetworks] = []
        for file in files:
            network = untaught_module(CODED[self.construction], task, self.body, seed=0)
            network.load_parameters(file)
            networks.append(network)
        return networks

    def flops_after(self, task: AbstractTask, site: str) -> float:
        return 20.0 * HIDDEN * HIDDEN

    def flops_of_training(self, task: AbstractTask) -> float:
        return 6.0 * MODULE_STEPS * READER_BATCH * self.flops_after(task, MODULE_SITE)

    @property
    def summary(self) -> str:
        return f"{self.construction} in {self.body}"

    @property
    def architecture(self) -> str:
        return self.body
