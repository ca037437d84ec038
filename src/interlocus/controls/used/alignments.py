"""Alignments in relation to a subspace of their site: their directions, their rotation, and their restriction."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import AlignmentError
from interlocus.featurizers import Frames
from interlocus.networks.subspace import SubspaceRestricted


def hint_of(alignment: Alignment | None) -> Float[Tensor, "_ width"] | None:
    """Orthonormal directions that an alignment reads, as a start for the used subspace; `None` for a non-linear map.

    Args:
        alignment: The alignment; `None` gives `None`.
    """
    if alignment is None or not isinstance(alignment.frames, Frames):
        return None
    rows = alignment.frames.read.flatten(0, 1)
    return torch.linalg.qr(rows[(rows != 0).any(1)].T).Q.T


def as_rotation(alignment: Alignment) -> Alignment | None:
    """The alignment that exchanges the directions that another one reads, made orthonormal, and writes nothing else.

    Args:
        alignment: Any alignment; of one that is not linear the result is `None`.
    """
    rows = hint_of(alignment)
    if rows is None or not isinstance(alignment.frames, Frames):
        return None
    exchanged = torch.zeros_like(alignment.frames.read)
    exchanged[(alignment.frames.read != 0).any(2)] = rows
    return replace(alignment, frames=Frames(read=exchanged, write=exchanged), read_outs={})


def restricted_alignment(alignment: Alignment, network: SubspaceRestricted) -> Alignment:
    """The same linear alignment in a network whose states are restricted to a subspace: its maps projected onto it.

    Args:
        alignment: A linear alignment of the unrestricted network.
        network: The same network, restricted at the alignment's site.

    Raises:
        AlignmentError: The alignment is not linear.
    """
    if not isinstance(alignment.frames, Frames):
        raise AlignmentError(
            f"The alignment has the featurizer {alignment.featurizer!r}, which is not linear.",
            "Only linear maps can be projected onto a subspace.",
            "Search inside the subspace instead.",
        )
    basis = network.rows[0].T.cpu()
    return replace(
        alignment,
        network=network.fingerprint(),
        frames=Frames(*((part @ basis).contiguous() for part in alignment.frames)),
        read_outs={},
    )
