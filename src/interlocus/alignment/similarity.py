"""Overlap of the subspaces of two alignments, of the whole subspaces or of their relevant part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import subspace_angles
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import cache_activations
from interlocus.alignment.interchange.gradients import logit_gradients
from interlocus.core.errors import AlignmentError
from interlocus.core.json_record import JsonRecord
from interlocus.core.linalg import orthonormal_basis, subspace_overlap
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

SIMILARITY_EXAMPLES = 2048
"""Test examples from which the relevant directions are computed."""
MIN_RELEVANCE = 0.01
"""Directions with a smaller share of the largest variance, or of the largest effect on the logits, are left out."""
MIN_LENGTH_INSIDE = 0.1
"""A direction is dropped if its projection on the relevant directions is shorter than this."""
Side = Literal["read", "write"]
"""The directions from which features are read, or to which an interchange writes."""


@dataclass(frozen=True, kw_only=True)
class Overlap(JsonRecord):
    """Overlap of two subspaces.

    Args:
        share: ‖Q₁ᵀQ₂‖²_F / k with k the smaller size, from 0 to 1; it is 1 if one subspace contains the other.
        chance: Mean share for random directions, K / d with K the larger size.
        angles: Principal angles in degrees, the smallest first.
        sizes: Numbers of dimensions of both subspaces.
        width: Dimension d of the space in which they were compared.
    """

    share: float
    chance: float
    angles: tuple[float, ...]
    sizes: tuple[int, int]
    width: int


def agreement(
    one: Alignment,
    other: Alignment,
    *,
    network: AbstractNetworks | None = None,
    task: AbstractTask | None = None,
    side: Side = "write",
    seed: int = 0,
) -> dict[str, Overlap | None]:
    """For each variable of both alignments the overlap of their directions.

    The alignments may come from different searches of one network: other seeds, starts, sizes or featurizers.
    Directions of different networks cannot be compared.

    Args:
        one: An alignment with linear maps.
        other: Another alignment with linear maps, of the same network and site.
        network: Their network. With `network` and `task`, only the relevant parts of the subspaces are compared, see
            `relevant_directions`.
        task: The task that the network solves.
        side: The directions to compare; both sides are equal for orthonormal maps.
        seed: Seed of the examples from which the relevant directions are computed.

    Returns:
        The overlap by variable; `None` for a variable without relevant directions.

    Raises:
        AlignmentError: the alignments belong to different networks or sites, have no common variable, or are not
            linear.
    """
    if (one.network, one.site) != (other.network, other.site):
        raise AlignmentError(
            f"One alignment belongs to {one.site} of network {one.network}, the other to {other.site} of "
            f"{other.network}.",
            "Directions of different networks or sites cannot be compared.",
            "Pass two alignments of one network and site.",
        )
    common = [name for name in one.variables if name in other.variables]
    if not common:
        raise AlignmentError(
            f"The alignments have the variables {', '.join(one.variables)} and {', '.join(other.variables)}.",
            "Only common variables can be compared.",
            "Pass two alignments with a common variable.",
        )
    within = None if network is None or task is None else relevant_directions(network, task, site=one.site, seed=seed)
    return {name: _overlap(_rows(one, name, side), _rows(other, name, side), within) for name in common}


def relevant_directions(
    network: AbstractNetworks, task: AbstractTask, *, site: str, seed: int = 0
) -> Float[Tensor, "direction width"]:
    """Orthonormal directions of a site in which states vary and on which the answer depends.

    The principal components with enough variance are kept, and among their combinations those along which the
    differences of the logits have large gradients.

    Args:
        network: One network, as networks with a count of one.
        task: The task that the network solves.
        site: Name of the site.
        seed: Seed of the examples.

    Raises:
        UnknownNameError: the network has no such site.
    """
    pool = task.draw_examples(SIMILARITY_EXAMPLES, split="test", generator=derived_generator(seed, "what matters"))
    with one_thread():
        cache = cache_activations(network, site, pool)
        spread, components = torch.linalg.eigh(cache.activations[0].double().T.cov())
        varying = components[:, spread > MIN_RELEVANCE * spread.max()]
        gradients = logit_gradients(network.suffix(site), cache, 0, slice(0, len(pool.inputs)), task.classes).double()
        gradients = (gradients - gradients.mean(0)).flatten(0, 1) @ varying
        effect, turned = torch.linalg.eigh(gradients.T @ gradients)
        used = turned[:, effect > MIN_RELEVANCE * effect.max()]
    return (varying @ used).T.float().cpu()


def _rows(alignment: Alignment, variable: str, side: Side) -> Float[np.ndarray, "feature width"]:
    """The directions of a variable, without empty rows."""
    alignment.basis(variable)  # rejects unknown variables and maps that are not linear
    assert isinstance(alignment.frames, Frames)
    rows = getattr(alignment.frames, side)[alignment.variables.index(variable)]
    return rows[(rows != 0).any(1)].double().cpu().numpy()


def _overlap(
    one: Float[np.ndarray, "_ width"],
    other: Float[np.ndarray, "_ width"],
    within: Float[Tensor, "direction width"] | None,
) -> Overlap | None:
    bases = [orthonormal_basis(rows.T) for rows in (one, other)]
    if within is not None:
        bases = [orthonormal_basis(within.double().numpy() @ basis, MIN_LENGTH_INSIDE) for basis in bases]
    sizes = bases[0].shape[1], bases[1].shape[1]
    if not min(sizes):
        return None
    width = len(bases[0])
    angles = np.degrees(subspace_angles(*bases))[::-1]
    return Overlap(
        share=subspace_overlap(*bases),
        chance=max(sizes) / width,
        angles=tuple(angles.tolist()),
        sizes=sizes,
        width=width,
    )
