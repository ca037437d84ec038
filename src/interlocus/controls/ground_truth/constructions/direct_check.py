"""The direct check of a coded network: known directions are exchanged, without any search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.evaluation import evaluate_each
from interlocus.controls.ground_truth.constructions.construction import Construction
from interlocus.controls.ground_truth.constructions.encoder import EncodedSite
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

CHECKED = 4096
"""Examples on which answers are compared."""
LEAST_ACCURACY, LEAST_IIA, LEAST_KEPT = 0.99, 0.98, 0.999
"""What an admitted network reaches: accuracy, IIA of variables that are there, and answers that are kept."""
CHECK_TOLERANCE = 0.025
"""Largest distance of the IIA of known directions from that which the construction states."""


@dataclass(frozen=True, kw_only=True)
class DirectCheck:
    """What exchanges of known directions do in one network.

    Args:
        accuracy: Accuracy on fresh examples.
        iia: IIA of the known directions of each variable alone; empty where there are none.
        expected: The IIA that the construction states for the same exchanges.
        kept_by_read: Share of its answers that the network keeps if everything but what is read comes from another
            input.
        kept_by_inert: Share of its answers that it keeps if the columns that nothing reads come from another input.
    """

    accuracy: float
    iia: Mapping[str, float]
    expected: Mapping[str, float]
    kept_by_read: float
    kept_by_inert: float

    @property
    def holds(self) -> bool:
        """Whether the network is what its construction says."""
        return (
            self.accuracy >= LEAST_ACCURACY
            and min(self.kept_by_read, self.kept_by_inert) >= LEAST_KEPT
            and all(
                self.iia[name] >= LEAST_IIA if value == 1 else abs(self.iia[name] - value) <= CHECK_TOLERANCE
                for name, value in self.expected.items()
            )
        )


def check_directly(
    construction: Construction,
    networks: AbstractNetworks,
    task: AbstractTask,
    site: str,
    encoded: Sequence[EncodedSite],
    shares: Sequence[float],
    *,
    seed: int,
) -> list[DirectCheck]:
    """Exchange the known directions of some networks of one construction.

    Args:
        construction: The construction.
        networks: The networks.
        task: The task that they solve.
        site: Name of the site that holds the code.
        encoded: Where the code lies in each network.
        shares: For each network the share of inputs in which its gate is on.
        seed: Seed of the examples.
    """
    iias = _iias(construction, networks, task, site, encoded, seed)
    inputs, _ = task.labelled_inputs(CHECKED, split="test", generator=derived_generator(seed, "direct check"))
    states = networks.activations(site, inputs)
    answers = networks.run_from(site, states, inputs).argmax(2)
    other = states.roll(1, 1)

    def kept(projections: Float[Tensor, "network width width"]) -> list[float]:
        """Share of answers that are kept if the states outside a projection come from another input."""
        mixed = other + (states - other) @ projections
        return (networks.run_from(site, mixed, inputs).argmax(2) == answers).float().mean(1).tolist()

    read = torch.stack([_projection(one.code @ construction.matrix(one.columns).T) for one in encoded])
    inert = torch.stack([_projection(one.basis[:, list(construction.inert)]) for one in encoded])
    eye = torch.eye(states.shape[2])
    rows = zip(networks.accuracy(task, seed=seed), kept(read), kept(eye - inert), strict=True)
    return [
        DirectCheck(
            accuracy=accuracy,
            iia=iias[i],
            expected=expected_iia(construction, shares[i]),
            kept_by_read=kept_by_read,
            kept_by_inert=kept_by_inert,
        )
        for i, (accuracy, kept_by_read, kept_by_inert) in enumerate(rows)
    ]


def expected_iia(construction: Construction, share: float) -> dict[str, float]:
    """The IIA of the known directions of each variable alone, for variables that are there at least in part.

    Args:
        construction: The construction.
        share: Share of the inputs in which the gate of the network is on.
    """
    stated = construction.iia(share) if construction.iia else {}
    return {name: stated.get(name, 1.0) for name, truth in construction.truth.items() if truth.columns}


def _iias(
    construction: Construction,
    networks: AbstractNetworks,
    task: AbstractTask,
    site: str,
    encoded: Sequence[EncodedSite],
    seed: int,
) -> list[dict[str, float]]:
    columns = [truth.columns for truth in construction.truth.values()]
    if not all(columns):
        return [{} for _ in encoded]
    size, width = max(map(len, columns)), networks.width(site)
    rows = torch.zeros(len(encoded), len(columns), size, width)
    for network, one in enumerate(encoded):
        for variable, places in enumerate(columns):
            rows[network, variable, : len(places)] = one.basis[:, list(places)].T
    scores = evaluate_each(
        networks,
        task,
        hypothesis=task.hypothesis(construction.hypothesis),
        site=site,
        maps=Frames(read=rows, write=rows),
        seed=seed,
    )
    return [{name: score.kinds[name] for name in construction.variables} for score in scores]


def _projection(columns: Float[Tensor, "width column"]) -> Float[Tensor, "width width"]:
    """The orthogonal projection onto the span of some columns."""
    if not columns.shape[1]:
        return torch.zeros(len(columns), len(columns))
    left, lengths, _ = torch.linalg.svd(columns, full_matrices=False)
    basis = left[:, lengths > 1e-5 * lengths.max()]
    return basis @ basis.T
