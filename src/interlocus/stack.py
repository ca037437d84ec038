"""Searches that are trained at once, with the state of their optimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.adam import Adam
from interlocus.featurizers import AbstractFeaturizer
from interlocus.interchange import Batch, Interchange, Problems
from interlocus.interchange_warp import AnyInterchange, WarpInterchange
from interlocus.losses import AbstractLoss, gradient
from interlocus.networks import AbstractTail
from interlocus.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Lot:
    """The searches of a block, from which stacks are cut; axes `[problem, search]` are flattened in this order.

    Args:
        problems: what each problem is about.
        tail: of the networks.
        mask: one up to the size of each search.
        workspace: the buffers.
        exchange: the way through maps to logits.
    """

    problems: Problems
    tail: AbstractTail
    mask: Float[Tensor, "search variable feature 1"]
    workspace: Workspace
    exchange: type[Interchange] | type[WarpInterchange] = Interchange


class Stack:
    """Searches that are under way. Losses add up over searches, so Adam is exact for each.

    Args:
        lot: from which the stack is cut.
        parameters: of all searches of the lot.
        alive: which searches are under way.
        among: which may be taken where a rectangle has to be filled up.
    """

    def __init__(
        self,
        lot: Lot,
        parameters: Float[Tensor, " search *shape"],
        alive: Bool[Tensor, "problem each"],
        among: Bool[Tensor, "problem each"],
    ) -> None:
        kept, rows = _rectangle(alive, among)
        self.lot, self.rows = lot, rows.flatten()
        self.problems = Problems(*(axis[kept.to(axis.device)] for axis in lot.problems))
        network = self.problems.network.repeat_interleave(rows.shape[1])
        entry = lot.tail.entry
        self.interchange: AnyInterchange = lot.exchange(
            entry=None if entry is None else entry[self.problems.network],
            rest=lot.tail.rest(network),
            workspace=lot.workspace,
        )
        self.mask, self.parameters = lot.mask[self.rows], parameters[self.rows]
        self.adam = Adam.begin(self.parameters)

    def shrink(self, alive: Bool[Tensor, "problem search"]) -> Stack | None:
        """The same without searches that are retired; nothing where all are."""
        if not alive.any():
            return None
        present = torch.zeros_like(alive)
        present.view(-1)[self.rows] = True
        if _rectangle(alive, present)[1].numel() == len(self.rows):
            return self
        smaller = Stack(self.lot, self.spread(self.parameters, alive.numel()), alive, present)
        mean, square = (self.spread(part, alive.numel())[smaller.rows] for part in (self.adam.mean, self.adam.square))
        smaller.adam = Adam(mean, square, self.adam.count)
        return smaller

    def spread(self, values: Float[Tensor, " row *shape"], searches: int) -> Float[Tensor, " search *shape"]:
        """Values of the stack's searches at their places among all searches of the lot; the others are not numbers."""
        everywhere = torch.full((searches, *values.shape[1:]), torch.nan, dtype=values.dtype, device=values.device)
        everywhere[self.rows] = values
        return everywhere

    def frames(self, featurizer: AbstractFeaturizer) -> Any:
        """The maps as they stand."""
        return featurizer.frames(self.parameters, self.mask)[0]

    def step(
        self,
        featurizer: AbstractFeaturizer,
        loss: AbstractLoss,
        batch: Batch,
        rate: float,
        *,
        heat: float = 0.0,
        temperature: float = 1.0,
        beside: Callable[[Any], Any] | None = None,
    ) -> None:
        """One step of Adam on every search by itself.

        Args:
            featurizer: the class of maps.
            loss: of the logits.
            batch: the interventions.
            rate: the learning rate.
            heat: how softly maps are chosen.
            temperature: by which logits are divided.
            beside: the gradient of a further loss with respect to the maps.
        """
        frames, saved = featurizer.frames(self.parameters, self.mask, heat)
        way: Any
        logits, way = self.interchange.forward(frames, batch)
        slope = gradient(loss, logits, batch.one_hot, self.interchange.workspace, temperature)
        wanted = self.interchange.backward(frames, batch, way, slope)
        if beside is not None:
            wanted = type(wanted)(*map(torch.add, wanted, beside(frames)))
        self.adam.step(self.parameters, featurizer.pull(self.parameters, saved, wanted), rate)
        self.parameters = featurizer.constrain(self.parameters)


def _rectangle(
    alive: Bool[Tensor, "problem search"], among: Bool[Tensor, "problem search"]
) -> tuple[Int[Tensor, " kept"], Int[Tensor, "kept each"]]:
    """Problems with searches under way, and for each equally many of its searches.

    Where a problem has fewer under way than another, retired ones out of `among` fill the rectangle up; nobody looks at
    them again.
    """
    kept = alive.any(1).nonzero().flatten()
    each = int(alive.sum(1).max())
    rank = 2 - among[kept].int() - alive[kept].int()
    order = rank.argsort(dim=1, stable=True)[:, :each]
    return kept, kept[:, None] * alive.shape[1] + order
