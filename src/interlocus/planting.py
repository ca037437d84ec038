"""Networks in which a variable is known to be: a search that cannot find it there could not have found it elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.adam import Adam
from interlocus.alignment import Alignment
from interlocus.causal import Hypothesis
from interlocus.counterfactuals import Interventions, draw
from interlocus.errors import SpecificationError
from interlocus.featurizers import Frames
from interlocus.found import evaluate
from interlocus.metrics import Score
from interlocus.networks import MLP
from interlocus.networks.activations import Activation, find_activation
from interlocus.networks.training import RECIPES
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask
from interlocus.threads import one_thread

BATCH = 512
CHUNK = 32
"""Steps whose examples are drawn together."""
ADMITTED = 0.99
"""A planted network counts from this IIA on, measured through the known subspace."""
LAYERS = Sequence[Tensor]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Networks with a variable in a known place.

    Args:
        networks: the networks.
        alignments: for each the subspaces in which the variables were put.
        scores: for each what exchanging these subspaces scores, on fresh examples.
    """

    networks: MLP
    alignments: tuple[Alignment, ...]
    scores: tuple[Score, ...]

    @classmethod
    def of(
        cls,
        networks: MLP,
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
        scores = tuple(evaluate(one, networks[i], task, seed=seed) for i, one in enumerate(alignments))
        return cls(networks=networks, alignments=alignments, scores=scores)

    @property
    def admitted(self) -> tuple[int, ...]:
        """The networks in which the variable certainly is."""
        return tuple(i for i, score in enumerate(self.scores) if score.iia >= ADMITTED)

    def only(self, place: int) -> Planted:
        """One of them."""
        return Planted(
            networks=self.networks.only([place]),
            alignments=(self.alignments[place],),
            scores=(self.scores[place],),
        )

    @classmethod
    def together(cls, parts: Sequence[Planted]) -> Planted:
        """Several, one behind the other."""
        return cls(
            networks=MLP.stacked([part.networks for part in parts]),
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
    batch: int = BATCH,
    weight_decay: float = 0.01,
    begin: MLP | None = None,
    subspaces: Float[Tensor, "network variable feature width"] | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Train perceptrons on a task, and toward a hypothesis at a site, several at once.

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
        begin: networks to begin from, in place of fresh ones.
        subspaces: orthonormal rows in which the variables are planted, in place of random ones.
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
    if site == "input" or size < 1 or size * len(sought.variables) > width:
        raise SpecificationError(
            f"Size {size} is to be planted for each of {len(sought.variables)} variables at {site!r}, {width} wide.",
            "Nothing before the input can be trained, and each variable needs columns of its own.",
            f"Plant at a hidden layer, with sizes from 1 to {width // len(sought.variables)}.",
        )
    if subspaces is None:
        subspaces = random_subspaces(len(networks), width, len(sought.variables), size, seed)
    rate = learning_rate or RECIPES[networks.activation].learning_rate / 2
    with one_thread():
        trained = _train(networks, task, sought, site, subspaces, steps, batch, rate, weight_decay, seed, progress)
    return Planted.of(trained, task, sought, site, subspaces, seed=seed)


def random_subspaces(
    count: int, width: int, variables: int, size: int, seed: int
) -> Float[Tensor, "network variable feature width"]:
    """Rows of a random orthogonal matrix for each network."""
    noise = torch.stack([torch.randn(width, width, generator=stream(seed, "planted", i)) for i in range(count)])
    rows = torch.linalg.qr(noise).Q[:, : variables * size]
    return rows.reshape(count, variables, size, width).contiguous()


def _train(
    networks: MLP,
    task: AbstractTask,
    hypothesis: Hypothesis,
    site: str,
    subspaces: Float[Tensor, "network variable feature width"],
    steps: int,
    batch: int,
    rate: float,
    weight_decay: float,
    seed: int,
    progress: Callable[[float], None],
) -> MLP:
    """AdamW with cosine decay on the sum of both losses; networks do not feel each other."""
    depth = len(networks.weights)
    parameters = [p.clone().requires_grad_() for p in (*networks.weights, *networks.biases)]
    optimisers = [Adam.begin(parameter.data) for parameter in parameters]
    layer, act = list(networks.sites).index(site), find_activation(networks.activation)
    projections = torch.einsum("nvfw,nvfu->nvwu", subspaces, subspaces)
    examples = stream(seed, "planting examples")
    inputs, classes, asked = torch.empty(0), torch.empty(0), None
    for step in range(steps):
        if step % CHUNK == 0:
            progress(step / steps)
            pool = task.pool(batch * CHUNK, split="train", generator=examples, own_of=(hypothesis.name,))
            asked = draw(pool, hypothesis, shape=(CHUNK, batch), generator=examples)
            inputs, classes = pool.inputs, pool.values[task.model.output]
        assert asked is not None
        weights, biases = parameters[:depth], parameters[depth:]
        loss = _loss(weights, biases, act, layer, inputs, classes, asked[step % CHUNK], projections)
        gradients = torch.autograd.grad(loss, parameters)
        falling = rate * (1 + math.cos(math.pi * step / steps)) / 2
        for parameter, optimiser, gradient in zip(parameters, optimisers, gradients, strict=True):
            parameter.data.mul_(1 - falling * weight_decay)
            optimiser.step(parameter.data, gradient, falling)
    final = [parameter.detach() for parameter in parameters]
    return MLP(final[:depth], final[depth:], activation=networks.activation)


def _loss(
    weights: LAYERS,
    biases: LAYERS,
    act: Activation,
    layer: int,
    inputs: Float[Tensor, "row input"],
    classes: Int[Tensor, " row"],
    asked: Interventions,
    projections: Float[Tensor, "network variable width width"],
) -> Tensor:
    """Cross-entropy of the classes of the bases, and of the counterfactual labels, added up over networks."""
    base = _before(weights, biases, act, layer, inputs[asked.base])
    patched = base
    for v, (rows, place) in enumerate(zip(asked.sources, asked.places, strict=True)):
        source = _before(weights, biases, act, layer, inputs[rows[place]])
        change = torch.bmm(source - base[:, place], projections[:, v])
        patched = torch.cat([patched[:, : place.start], patched[:, place] + change, patched[:, place.stop :]], 1)
    logits = _behind(weights, biases, act, layer, torch.cat([base, patched], 1))
    wanted = torch.cat([classes[asked.base], asked.labels]).expand(len(logits), -1)
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum") / wanted.shape[1]


def _before(weights: LAYERS, biases: LAYERS, act: Activation, layer: int, inputs: Tensor) -> Tensor:
    value = inputs.expand(len(weights[0]), -1, -1)
    for weight, bias in zip(weights[:layer], biases[:layer], strict=True):
        value = act.function(torch.baddbmm(bias.unsqueeze(1), value, weight.transpose(1, 2)))
    return value


def _behind(weights: LAYERS, biases: LAYERS, act: Activation, layer: int, value: Tensor) -> Tensor:
    for i in range(layer, len(weights)):
        value = torch.baddbmm(biases[i].unsqueeze(1), value, weights[i].transpose(1, 2))
        if i < len(weights) - 1:
            value = act.function(value)
    return value
