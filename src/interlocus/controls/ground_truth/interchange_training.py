"""Interchange intervention training: networks learn a task, and to be changed at a site as a causal model says.

Source: arXiv 2112.00826, section 3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import draw
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.activations import find_activation
from interlocus.tasks import AbstractTask

IIT_CHUNK = 32
"""Steps whose examples are drawn together."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What networks learn, and how.

    Args:
        task: what they solve.
        hypothesis: toward which they are trained besides.
        site: where its variables are exchanged.
        steps: of AdamW, with cosine decay.
        batch: examples a step, and as many interventions.
        rate: of learning, at first.
        weight_decay: of AdamW.
        seed: decides on examples.
        progress: is told the share that is done.
    """

    task: AbstractTask
    hypothesis: Hypothesis
    site: str
    steps: int
    batch: int
    rate: float
    weight_decay: float
    seed: int
    progress: Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """What one step is about: bases, and their states when variables take what they are in sources.

    Args:
        shown: the bases, and behind them the sources of each variable where it is swapped.
        counts: how many these are.
        places: for each variable where in the batch it is swapped.
        wanted: of the bases the class, and behind it the label after the exchange.
        codes: for each variable with declared values which of them it has on the bases.
    """

    shown: Float[Tensor, "row ..."]
    counts: list[int]
    places: tuple[slice, ...]
    wanted: Int[Tensor, "network wanted"]
    codes: tuple[Int[Tensor, " base"], ...]

    def patched(
        self, states: Float[Tensor, "network row width"], projections: Float[Tensor, "network variable width width"]
    ) -> Float[Tensor, "network wanted width"]:
        """States of the bases, and behind them the same after the exchange.

        Args:
            states: of everything that is shown.
            projections: onto the directions of each variable.
        """
        base, *sources = states.split(self.counts, 1)
        after = base
        for v, (source, place) in enumerate(zip(sources, self.places, strict=True)):
            change = torch.bmm(source - base[:, place], projections[:, v])
            after = after + F.pad(change, (0, 0, place.start, base.shape[1] - place.stop))
        return torch.cat([base, after], 1)

    def loss(self, logits: Float[Tensor, "network wanted class"]) -> Tensor:
        """Cross-entropy, a mean over rows and a sum over networks, which do not feel each other."""
        wanted = self.wanted.to(logits.device)
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum") / wanted.shape[1]


def train_perceptrons(
    networks: MLP,
    course: TrainingConfig,
    subspaces: Float[Tensor, "network variable feature width"],
    shares: Float[Tensor, " network"],
) -> MLP:
    """Perceptrons go on learning, all at once.

    Args:
        networks: as they are.
        course: what they learn.
        subspaces: for each network and variable the orthonormal rows that are exchanged, or zero.
        shares: for each network the share of bases in which that is to change anything.
    """
    learners, projections = _Learners(networks, course.site), _projections(subspaces)

    def loss(lesson: TrainingBatch) -> Tensor:
        return lesson.loss(learners.run_on(lesson.patched(learners.run_to(lesson.shown), projections)))

    _learn(learners.parameters, course, shares, loss)
    return learners.networks


def train_unread(
    networks: MLP,
    course: TrainingConfig,
    read: Float[Tensor, "network read width"],
    dormant: Float[Tensor, "network variable feature width"],
) -> MLP:
    """Perceptrons learn to answer from few directions of a site, with the variables to be decoded from others.

    With the rest of the state at its mean they are to give the same answers, exchanging the other directions is to
    change nothing, and a linear read-out that learns along is to tell each variable from these.

    Args:
        networks: as they are.
        course: what they learn; its variables have declared values.
        read: for each network orthonormal rows that are read on.
        dormant: for each network and variable orthonormal rows of its own, apart from those.
    """
    learners = _Learners(networks, course.site)
    values = [len(course.hypothesis.model.variables[name].values or ()) for name in course.hypothesis.variables]
    heads = [torch.zeros(len(networks), dormant.shape[2], count, requires_grad=True) for count in values]
    asleep, kept = _projections(dormant), read.transpose(1, 2) @ read

    def loss(lesson: TrainingBatch) -> Tensor:
        states = lesson.patched(learners.run_to(lesson.shown), asleep)
        base = states[:, : lesson.counts[0]]
        mean = base.mean(1, keepdim=True)
        confined = mean + (base - mean) @ kept
        wanted = torch.cat([lesson.wanted, lesson.wanted[:, : base.shape[1]]], 1)
        total = replace(lesson, wanted=wanted).loss(learners.run_on(torch.cat([states, confined], 1)))
        for variable, (head, codes) in enumerate(zip(heads, lesson.codes, strict=True)):
            told = base @ dormant[:, variable].transpose(1, 2) @ head
            total = total + replace(lesson, wanted=codes.expand(len(networks), -1)).loss(told)
        return total

    _learn([*learners.parameters, *heads], course, torch.zeros(len(networks)), loss)
    return learners.networks


def train_module(
    network: Module,
    course: TrainingConfig,
    subspaces: Float[Tensor, "1 variable feature width"],
    shares: Float[Tensor, " 1"],
) -> Module:
    """A copy of any module goes on learning, in evaluation mode: what it draws at random would hide an exchange.

    Args:
        network: as it is.
        course: what it learns.
        subspaces: for each variable the orthonormal rows that are exchanged, or zero.
        shares: the share of bases in which that is to change anything.
    """
    learner = network.copy()
    learner.module.train(False)
    parameters = [p.requires_grad_() for p in learner.module.parameters() if p.is_floating_point()]
    projections = _projections(subspaces).to(learner.device)

    def answer(lesson: TrainingBatch) -> Float[Tensor, "1 wanted class"]:
        states = learner.differentiable_activations(course.site, lesson.shown).unsqueeze(0)
        bases = lesson.shown[: lesson.counts[0]]
        patched = lesson.patched(states, projections.to(states))[0]
        return learner.differentiable_run_from(course.site, patched, torch.cat([bases, bases])).unsqueeze(0)

    _learn(parameters, course, shares, lambda lesson: lesson.loss(answer(lesson)))
    for parameter in parameters:
        parameter.requires_grad_(False)
    return learner


class _Learners:
    """Perceptrons whose parameters learn, run in two parts.

    Args:
        begin: as they are; they are left so.
        site: between the parts.
    """

    def __init__(self, begin: MLP, site: str) -> None:
        self._begin, self._layer = begin, list(begin.sites).index(site)
        self._weights, self._biases = (
            [p.clone().requires_grad_() for p in some] for some in (begin.weights, begin.biases)
        )

    @property
    def parameters(self) -> list[Tensor]:
        """All of them."""
        return [*self._weights, *self._biases]

    @property
    def networks(self) -> MLP:
        """As they are now."""
        parts = ([parameter.detach() for parameter in some] for some in (self._weights, self._biases))
        return MLP(*parts, activation=self._begin.activation)

    def run_to(self, inputs: Float[Tensor, "row input"]) -> Float[Tensor, "network row width"]:
        """Activations at the site."""
        return self._through(range(self._layer), inputs.expand(len(self._begin), -1, -1))

    def run_on(self, states: Float[Tensor, "network row width"]) -> Float[Tensor, "network row class"]:
        """Logits from activations at the site on."""
        before = self._through(range(self._layer, len(self._weights) - 1), states)
        return torch.baddbmm(self._biases[-1].unsqueeze(1), before, self._weights[-1].transpose(1, 2))

    def _through(self, layers: range, value: Float[Tensor, "network row _"]) -> Float[Tensor, "network row _"]:
        act = find_activation(self._begin.activation)
        for i in layers:
            value = act.function(torch.baddbmm(self._biases[i].unsqueeze(1), value, self._weights[i].transpose(1, 2)))
        return value


def _learn(
    parameters: Sequence[Tensor],
    course: TrainingConfig,
    shares: Float[Tensor, " network"],
    loss: Callable[[TrainingBatch], Tensor],
) -> None:
    """AdamW on the loss of each lesson; parameters are changed in place."""
    flats: list[_Flat] = []
    for step, lesson in enumerate(_lessons(course, shares)):
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(lesson), parameters, allow_unused=not flats)
        if not flats:  # what has no part in the answer is left alone
            used = [gradient is not None for gradient in gradients]
            parameters, gradients = (list(itertools.compress(some, used)) for some in (parameters, gradients))
            flats = _Flat.all_of(parameters)
        falling = course.rate * (1 + math.cos(math.pi * step / course.steps)) / 2
        for flat in flats:
            flat.step(gradients, falling, course.weight_decay)


class _Flat:
    """Parameters of one precision as one vector, so that a step of the optimiser is a few operations for all of them.

    Args:
        parameters: of the networks, of which some are meant; they become views of the vector.
        places: which.
    """

    def __init__(self, parameters: Sequence[Tensor], places: Sequence[int]) -> None:
        self._places = places
        own = [parameters[place] for place in places]
        self._vector = torch.cat([one.data.flatten() for one in own])
        for one, part in zip(own, self._vector.split([one.numel() for one in own]), strict=True):
            one.data = part.view(one.shape)
        self._adam = Adam.begin(self._vector)

    @classmethod
    def all_of(cls, parameters: Sequence[Tensor]) -> list[_Flat]:
        """All of them, a vector a precision."""
        kinds = dict.fromkeys(parameter.dtype for parameter in parameters)
        return [cls(parameters, [i for i, one in enumerate(parameters) if one.dtype == kind]) for kind in kinds]

    def step(self, gradients: Sequence[Tensor], rate: float, weight_decay: float) -> None:
        """One step of AdamW.

        Args:
            gradients: of all parameters.
            rate: of learning.
            weight_decay: likewise.
        """
        self._vector.mul_(1 - rate * weight_decay)
        self._adam.step(self._vector, torch.cat([gradients[place].flatten() for place in self._places]), rate)


def _lessons(course: TrainingConfig, shares: Float[Tensor, " network"]) -> Iterator[TrainingBatch]:
    """One a step, of fresh examples."""
    generator, about = derived_generator(course.seed, "planting examples"), course.hypothesis
    for first in range(0, course.steps, IIT_CHUNK):
        course.progress(first / course.steps)
        pool = course.task.draw_examples(
            course.batch * IIT_CHUNK, split="train", generator=generator, for_hypotheses=(about.name,)
        )
        asked = draw(pool, about, shape=(IIT_CHUNK, course.batch), generator=generator)
        classes = pool.values[course.task.model.output]
        known = [(pool.values[name], about.model.variables[name].values) for name in about.variables]
        codes = [(own.unsqueeze(1) == torch.tensor(values)).int().argmax(1) for own, values in known if values]
        counts = _rank(pool.inputs)[asked.base] < shares[:, None, None]
        labels = torch.where(counts, asked.labels, classes[asked.base])
        for at in range(min(IIT_CHUNK, course.steps - first)):
            now = asked[at]
            rows = [now.base, *(own[place] for own, place in zip(now.sources, now.places, strict=True))]
            yield TrainingBatch(
                shown=pool.inputs[torch.cat(rows)],
                counts=[len(own) for own in rows],
                places=now.places,
                wanted=torch.cat([classes[now.base].expand(len(shares), -1), labels[:, at]], 1),
                codes=tuple(own[now.base] for own in codes),
            )


def _projections(
    subspaces: Float[Tensor, "network variable feature width"],
) -> Float[Tensor, "network variable width width"]:
    return torch.einsum("nvfw,nvfu->nvwu", subspaces, subspaces)


def _rank(inputs: Float[Tensor, "row ..."]) -> Float[Tensor, " row"]:
    """Where each example stands among all, from 0 to 1, along a direction that is the same for all networks."""
    rows = inputs.flatten(1)
    along = rows @ torch.randn(rows.shape[1], generator=derived_generator(0, "counts"))
    return along.argsort().argsort() / len(rows)
