"""What can be watched of a search while it is under way: each validation, for a callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.size import Size


class Watched(NamedTuple):
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
    searches: tuple[Watched, ...]
    iia: Float[Tensor, "problem search"]
    best: Float[Tensor, "problem search"]
    alive: Bool[Tensor, "problem search"]


Watch = Callable[[Validation], None]
"""Is shown every validation. The tensors are copies: nothing that it does changes a search."""
