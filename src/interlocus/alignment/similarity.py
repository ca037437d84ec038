"""Whether two alignments of one network are the same subspaces, in whole or as far as it matters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import subspace_angles
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import cache_activations
from interlocus.alignment.interchange.gradients import slopes
from interlocus.core.errors import AlignmentError
from interlocus.core.linalg import orthonormal_basis, subspace_overlap
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

SIMILARITY_EXAMPLES = 2048
MIN_RELEVANCE = 0.01
"""Of the largest: directions in which states vary less, or on which the answer depends less, are left out."""
MIN_LENGTH_INSIDE = 0.1
"""A direction that keeps less than this of its length inside what matters is not in it."""
Side = Literal["read", "write"]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How far two subspaces are the same.

    Args:
        share: ‖Q₁ᵀQ₂‖²_F / k, with k the smaller size: one where one of them lies within the other.
        chance: its mean for directions drawn at random, K / d with K the larger size.
        angles: principal angles in degrees, the smallest first.
        sizes: of both subspaces.
        width: d, of the space in which they were compared.
    """

    share: float
    chance: float
    angles: tuple[float, ...]
    sizes: tuple[int, int]
    width: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def agreement(
    one: Alignment,
    other: Alignment,
    *,
    network: AbstractNetworks | None = None,
    task: AbstractTask | None = None,
    side: Side = "write",
    seed: int = 0,
) -> dict[str, Overlap | None]:
    """For each variable that two alignments share, how far they hold it in the same directions.

    Different searches of one network may be compared: other seeds, starts, sizes, featurizers. Directions of different
    networks have nothing to do with each other.

    Args:
        one: an alignment with linear maps.
        other: another one of the same network and site.
        network: theirs. If it is given, with the task, they are compared within the directions in which states vary and
            on which the answer depends; `None` where a variable has no part in these.
        task: what it solves.
        side: the directions that are read, or that are written to; the same for orthonormal maps.
        seed: decides on examples.

    Raises:
        AlignmentError: alignments of different networks or sites, without a common variable, or not linear.
    """
    if (one.network, one.site) != (other.network, other.site):
        raise AlignmentError(
            f"One alignment is of {one.site} of network {one.network}, the other of {other.site} of {other.network}.",
            "Directions of different places have nothing to do with each other.",
            "Pass two alignments of one network and site.",
        )
    common = [name for name in one.variables if name in other.variables]
    if not common:
        raise AlignmentError(
            f"The alignments hold {', '.join(one.variables)} and {', '.join(other.variables)}.",
            "Only what both hold can be compared.",
            "Pass two alignments with a common variable.",
        )
    within = None if network is None or task is None else what_matters(network, task, site=one.site, seed=seed)
    return {name: _overlap(_rows(one, name, side), _rows(other, name, side), within) for name in common}


def what_matters(
    network: AbstractNetworks, task: AbstractTask, *, site: str, seed: int = 0
) -> Float[Tensor, "direction width"]:
    """Orthonormal directions of a site in which states vary and on which the answer depends.

    Of the principal components of the states those that vary are kept, and among these the directions along which
    logits, held against their mean, have slopes.

    Args:
        network: one network.
        task: what it solves.
        site: one of the network's, by name.
        seed: decides on examples.

    Raises:
        UnknownNameError: the network has no such site.
    """
    pool = task.draw_examples(SIMILARITY_EXAMPLES, split="test", generator=derived_generator(seed, "what matters"))
    with one_thread():
        cache = cache_activations(network, site, pool)
        spread, components = torch.linalg.eigh(cache.activations[0].double().T.cov())
        varying = components[:, spread > MIN_RELEVANCE * spread.max()]
        slope = slopes(network.suffix(site), cache, 0, slice(0, len(pool.inputs)), task.classes).double()
        slope = (slope - slope.mean(0)).flatten(0, 1) @ varying
        depends, turned = torch.linalg.eigh(slope.T @ slope)
        used = turned[:, depends > MIN_RELEVANCE * depends.max()]
    return (varying @ used).T.float().cpu()


def _rows(alignment: Alignment, variable: str, side: Side) -> Float[np.ndarray, "feature width"]:
    """The directions in use of a variable."""
    alignment.basis(variable)  # says what is wrong with the variable or the maps
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
