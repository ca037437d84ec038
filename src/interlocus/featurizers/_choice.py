"""Which of a basis's directions are nearest to wanted ones."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def choose(
    directions: Float[Tensor, "search variable feature width"], bases: Float[Tensor, "search basis width"]
) -> Float[Tensor, "search variable feature basis"]:
    """For each direction a member of the basis of its own, one-hot; nothing for a direction that is zero.

    The absolute cosines of what is chosen add up to the most (linear assignment).
    """
    chosen = torch.zeros(*directions.shape[:3], bases.shape[1], dtype=directions.dtype, device=directions.device)
    for search, basis, target in zip(directions, bases, chosen, strict=True):
        used = search.norm(dim=2) > 0
        _, members = linear_sum_assignment((search[used] @ basis.T).abs().cpu().numpy(), maximize=True)
        target[used] = torch.eye(len(basis), dtype=target.dtype, device=target.device)[torch.from_numpy(members)]
    return chosen
