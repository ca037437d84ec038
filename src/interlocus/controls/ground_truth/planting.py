"""Networks in which a variable is known to be: a search that cannot find it there could not have found it elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate_each
from interlocus.alignment.metrics import Score
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.ground_truth.interchange_training import TrainingConfig, train_module, train_perceptrons
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.training import RECIPES
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import AbstractTask

PLANT_BATCH = 512
MODULE_PLANTING_RATE = 3e-3
"""Learning rate of modules, of which nothing is known."""
Plantable = MLP | Module
"""Networks that can learn toward a hypothesis."""
ADMITTED_IIA = 0.99
"""A planted network counts from this IIA on, measured through the known subspace."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Networks with a variable in a known place.

    Args:
        networks: the networks.
        alignments: for each the subspaces in which the variables were put.
        scores: for each what exchanging these subspaces scores, on fresh examples.
        least: the score from which on a network counts.
    """

    networks: Plantable
    alignments: tuple[Alignment, ...]
    scores: tuple[Score, ...]
    least: float = ADMITTED_IIA

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
        """Networks whose subspaces of the variables are known, with what exchanging these scores."""
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
        """The networks in which the variable certainly is."""
        return tuple(i for i, score in enumerate(self.scores) if score.iia >= self.least)

    def select(self, place: int) -> Planted:
        """One of them."""
        return Planted(
            networks=self.networks.select([place]),
            alignments=(self.alignments[place],),
            scores=(self.scores[place],),
        )

    @classmethod
    def together(cls, parts: Sequence[Planted]) -> Planted:
        """Several, one behind the other; of modules there can be one only."""
        perceptrons = [part.networks for part in parts if isinstance(part.networks, MLP)]
        return cls(
            networks=MLP.stacked(perceptrons) if perceptrons else parts[0].networks,
            alignments=tuple(one for part in parts for one in part.alignments),
            scores=tuple(one for part in parts for one in part.scores),
        )


def plant(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    size: int,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    steps: int = 6000,
    learning_rate: float | None = None,
    batch: int = PLANT_BATCH,
    weight_decay: float = 0.01,
    begin: Plantable | None = None,
    subspaces: Float[Tensor, "network variable feature width"] | None = None,
    shares: Sequence[float] | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Train networks on a task, and toward a hypothesis at a site: perceptrons, several at once, or any one module.

    For each network and variable some columns of a random orthogonal matrix are drawn. In every step the networks learn
    the class of examples, and the counterfactual label of interventions in which these columns are exchanged. A change
    of basis cannot be put in afterwards, since an activation works on each neuron by itself before the site.

    Behind the last hidden layer everything is linear, so variables that the output combines in another way (an
    equality of two bits) cannot be planted there; the scores say so.

    Args:
        task: what they learn.
        hypothesis: one of the task's, by name.
        site: a hidden layer, by name.
        size: columns a variable.
        hidden: widths of the hidden layers.
        activation: between the layers.
        count: how many networks.
        steps: of training.
        learning_rate: of AdamW; by default what works for the activation.
        batch: examples a step, and as many interventions.
        weight_decay: of AdamW.
        begin: networks to begin from, in place of fresh perceptrons; a `Module` is left as it is, and a copy learns.
        subspaces: orthonormal rows in which the variables are planted, in place of random ones.
        shares: for each network in which share of the bases the variables count, by default in all. In the others, on
            one side of a plane through the inputs, exchanging them is to change nothing.
        seed: decides on parameters, subspaces and examples.
        progress: is told the share that is done.

    Raises:
        UnknownNameError: no such hypothesis or site.
        SpecificationError: the input is named, or the columns do not fit the site.

    Source: interchange intervention training, arXiv 2112.00826, section 3.
    """
    sought = task.hypothesis(hypothesis)
    networks = begin or MLP.untrained(task, hidden=hidden, activation=activation, count=count, seed=seed)
    width = networks.width(site)
    if site == INPUT_SITE or size < 1 or size * len(sought.variables) > width:
        raise SpecificationError(
            f"Size {size} is to be planted for each of {len(sought.variables)} variables at {site!r}, {width} wide.",
            "Nothing before the input can be trained, and each variable needs columns of its own.",
            f"Plant at a hidden layer, with sizes from 1 to {width // len(sought.variables)}.",
        )
    if subspaces is None:
        subspaces = random_planting_subspaces(len(networks), width, len(sought.variables), size, seed)
    course = TrainingConfig(
        task=task,
        hypothesis=sought,
        site=site,
        steps=steps,
        batch=batch,
        rate=learning_rate or _rate(networks),
        weight_decay=weight_decay,
        seed=seed,
        progress=progress,
    )
    counts = torch.ones(len(networks)) if shares is None else torch.tensor(shares)
    with one_thread():
        if isinstance(networks, Module):
            networks = train_module(networks, course, subspaces, counts)
        else:
            networks = train_perceptrons(networks, course, subspaces, counts)
    return Planted.of(networks, task, sought, site, subspaces, seed=seed)


def _rate(networks: Plantable) -> float:
    """What works."""
    return MODULE_PLANTING_RATE if isinstance(networks, Module) else RECIPES[networks.activation].learning_rate / 2


def random_planting_subspaces(
    count: int, width: int, variables: int, size: int, seed: int
) -> Float[Tensor, "network variable feature width"]:
    """Rows of a random orthogonal matrix for each network."""
    noise = torch.stack(
        [torch.randn(width, width, generator=derived_generator(seed, "planted", i)) for i in range(count)]
    )
    rows = torch.linalg.qr(noise).Q[:, : variables * size]
    return rows.reshape(count, variables, size, width).contiguous()
