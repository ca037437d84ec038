"""Networks in which a variable is known to be: a search that misses it there could have missed it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate_each
from interlocus.alignment.metrics import Score
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.ground_truth.interchange_training import train_module, train_perceptrons
from interlocus.controls.ground_truth.training_batches import TrainingConfig
from interlocus.core.errors import SpecificationError
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP, Module
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import AbstractTask

Plantable = MLP | Module
"""Networks that can be trained toward a hypothesis."""
ADMITTED_IIA = 0.99
"""A planted network is used from this IIA on, measured through the known subspace."""
SITE_SEARCH_SIZES = (2, 4)
"""Sizes in which variables are planted, unless a request names others."""


@dataclass(frozen=True, kw_only=True)
class PlantingRequest:
    """What a planting recipe makes.

    Args:
        task: The task that the planted networks solve.
        hypothesis: Name of the hypothesis of the task whose variables are planted.
        site: Name of the hidden site where they are planted, a key of `like.sites`.
        like: Networks of the architecture to plant in: a stack of perceptrons, or one module.
        count: Number of networks to make, 1 or more. Of a module a recipe makes 1.
        seed: Seed of parameters, subspaces and examples. A recipe uses this seed and some that follow it.
        sizes: Features per variable. The networks are shared out equally among the sizes that fit the site.
        allowed_failures: Number of networks whose planting may fail. Training ends when no more than these are left,
            since the last ones take longest.
        on_progress: Called with the share of the work that is done, from 0 to 1.
    """

    task: AbstractTask
    hypothesis: str
    site: str
    like: Plantable
    count: int
    seed: int
    sizes: Sequence[int] = SITE_SEARCH_SIZES
    allowed_failures: int = 0
    on_progress: OnProgress = ignore_progress

    @property
    def target(self) -> Hypothesis:
        """The hypothesis whose variables are planted."""
        return self.task.hypothesis(self.hypothesis)

    @property
    def width(self) -> int:
        """Width of the site."""
        return self.like.width(self.site)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Networks with a variable in a known place.

    Args:
        networks: The planted networks, perceptrons in a stack or one module.
        alignments: For each network the alignment with the subspaces in which the variables were planted.
        scores: For each network the score of interchange interventions on these subspaces, on fresh examples.
        admission_iia: The IIA from which on a network counts as planted.
    """

    networks: Plantable
    alignments: tuple[Alignment, ...]
    scores: tuple[Score, ...]
    admission_iia: float = ADMITTED_IIA

    @classmethod
    def of(
        cls,
        networks: Plantable,
        task: AbstractTask,
        hypothesis: Hypothesis,
        site: str,
        subspaces: Float[Tensor, "network variable feature width"],
        *,
        seed: int,
    ) -> Planted:
        """Score networks through subspaces that are known.

        Args:
            networks: The planted networks, perceptrons in a stack or one module.
            task: The task that they solve.
            hypothesis: The hypothesis whose variables were planted.
            site: Name of the site where they were planted.
            subspaces: Orthonormal rows of each variable; rows of zeros fill up smaller subspaces.
            seed: Seed of the test examples.
        """
        alignments = tuple(
            Alignment(
                site=site,
                hypothesis=hypothesis.name,
                variables=hypothesis.variables,
                featurizer="rotation",
                network=networks[i].fingerprint(),
                task=task.name,
                frames=Frames(read=subspaces[i], write=subspaces[i]),
            )
            for i in range(len(networks))
        )
        frames = Frames(read=subspaces, write=subspaces)
        scores = evaluate_each(networks, task, hypothesis=hypothesis, site=site, maps=frames, seed=seed)
        return cls(networks=networks, alignments=alignments, scores=scores)

    @property
    def admitted(self) -> tuple[int, ...]:
        """Indices of the networks in which the true IIA confirms the planted variables."""
        return tuple(i for i, score in enumerate(self.scores) if score.iia >= self.admission_iia)

    def select(self, index: int) -> Planted:
        """One of the networks, as a stack of one."""
        return Planted(
            networks=self.networks.select([index]),
            alignments=(self.alignments[index],),
            scores=(self.scores[index],),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Planted]) -> Planted:
        """Join several stacks of perceptrons, in order. A module cannot be stacked, so of modules there is one part."""
        perceptrons = [part.networks for part in parts if isinstance(part.networks, MLP)]
        return cls(
            networks=MLP.stacked(perceptrons) if perceptrons else parts[0].networks,
            alignments=tuple(alignment for part in parts for alignment in part.alignments),
            scores=tuple(score for part in parts for score in part.scores),
        )


def plant(
    networks: Plantable,
    config: TrainingConfig,
    *,
    subspaces: Float[Tensor, "network variable feature width"],
    shares: Sequence[float] | None = None,
) -> Planted:
    """Train networks on a task and, at a site, toward a hypothesis: the variables come to lie in given subspaces.

    Nothing else of the site decides on the variables. Training can fail, which `Planted.admitted` says.

    Args:
        networks: Perceptrons, several at once, or one `Module`. They stay as they are; copies are trained.
        config: The task, the hypothesis, the site and the settings of training.
        subspaces: Orthonormal rows in which the variables are planted (see `random_planting_subspaces`); rows of zeros
            fill up smaller subspaces.
        shares: For each network the share of bases, from 0 to 1, in which the variables count; by default 1 for all.
            In the other bases, on one side of a plane through the inputs, an interchange changes nothing.

    Raises:
        UnknownNameError: The networks have no such site.
        SpecificationError: The site is the input, or the subspaces have more rows than the site is wide.

    Source: interchange intervention training, arXiv 2112.00826, section 3.
    """
    variables, size, width = len(config.hypothesis.variables), subspaces.shape[2], networks.width(config.site)
    check_planting(config.site, variables=variables, size=size, width=width)
    counted = torch.ones(len(networks)) if shares is None else torch.tensor(shares)
    with one_thread():
        if isinstance(networks, Module):
            trained: Plantable = train_module(networks, config, subspaces, counted)
        else:
            trained = train_perceptrons(networks, config, subspaces, counted)
    return Planted.of(trained, config.task, config.hypothesis, config.site, subspaces, seed=config.seed)


def check_planting(site: str, *, variables: int, size: int, width: int) -> None:
    """Check that variables can be planted at a site.

    Args:
        site: Name of the site.
        variables: Number of variables to plant there.
        size: Features per variable, 1 or more.
        width: Width of the site.

    Raises:
        SpecificationError: The site is the input, or the subspaces have more rows than the site is wide.
    """
    if site == INPUT_SITE:
        raise SpecificationError(
            "Variables are to be planted at 'input'.",
            "No parameters of the network stand before its input, so nothing can be trained to hold them there.",
            "Plant at a hidden layer.",
        )
    if size < 1 or size * variables > width:
        raise SpecificationError(
            f"{variables} variables of size {size} are to be planted at {site!r}, which is {width} wide.",
            "Each variable needs directions that are orthogonal to those of the others.",
            f"Pass sizes from 1 to {width // variables}.",
        )


def random_planting_subspaces(
    count: int, width: int, variables: int, size: int, seed: int
) -> Float[Tensor, "network variable feature width"]:
    """Orthonormal rows drawn at random for each network (the Q of a QR decomposition of Gaussian noise).

    Args:
        count: Number of networks, 1 or more.
        width: Width of the site.
        variables: Number of variables, 1 or more.
        size: Features per variable; `variables * size` may not exceed the width.
        seed: Seed of the noise.
    """
    noise = torch.stack(
        [torch.randn(width, width, generator=derived_generator(seed, "planted", i)) for i in range(count)]
    )
    rows = torch.linalg.qr(noise).Q[:, : variables * size]
    return rows.reshape(count, variables, size, width).contiguous()
