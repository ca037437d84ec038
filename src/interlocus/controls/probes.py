"""The control `probes`: what can be decoded at a site, beside what can be exchanged there. Decodable is not used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from interlocus.alignment.interchange.cache import cache_activations
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.errors import SpecificationError
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask, Split

PROBE_EXAMPLES = 8192
"""A probe is fitted to so many, and asked on half as many others."""
PROBE_UNITS, PROBE_STEPS, PROBE_BATCH, PROBE_RATE = 32, 400, 256, 1e-2
"""A small perceptron: one hidden layer of ReLUs, Adam with cosine decay."""
MIN_FEATURE_VARIANCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Decodable:
    """How well probes tell the value of a variable from the activations of a site, on fresh examples.

    Args:
        linear: accuracy of a multinomial logistic regression.
        mlp: accuracy of a small perceptron.
        guess: share of the commonest value, which a probe that sees nothing reaches.
    """

    linear: float
    mlp: float
    guess: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def decodable(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    examples: int = PROBE_EXAMPLES,
    seed: int = 0,
) -> list[dict[str, Decodable]]:
    """For each network, what can be decoded of each variable of a hypothesis.

    Args:
        networks: where is looked; the perceptrons of all of them learn at once.
        task: what they solve.
        hypothesis: one of the task's, by name; its variables have declared values.
        site: one of the networks', by name.
        examples: how many a probe is fitted to.
        seed: decides on examples and on the probes.

    Raises:
        UnknownNameError: no such hypothesis or site.
        SpecificationError: a continuous variable.
        NetworkError: activations that are not finite.
    """
    sought = task.hypothesis(hypothesis)
    values = [sought.model.variables[name].values or () for name in sought.variables]
    if not all(values):
        raise SpecificationError(
            f"The variable {sought.variables[values.index(())]!r} is a number or a vector.",
            "A probe says which of several values a variable has.",
            "Ask for variables with declared values.",
        )

    def seen(split: Split, count: int) -> tuple[Float[Tensor, "network row width"], Int[Tensor, "variable row"]]:
        pool = task.draw_examples(
            count, split=split, generator=derived_generator(seed, "probes", split), for_hypotheses=(hypothesis,)
        )
        rows = pool.rows(sought)
        codes = [
            (pool.values[name][rows].unsqueeze(1) == torch.tensor(own)).int().argmax(1)
            for name, own in zip(sought.variables, values, strict=True)
        ]
        return cache_activations(networks, site, pool).activations[:, rows].cpu().float(), torch.stack(codes)

    (states, codes), (fresh, true) = seen("train", examples), seen("test", examples // 2)
    middle, spread = states.mean(1, keepdim=True), states.std(1, keepdim=True).clamp_min(MIN_FEATURE_VARIANCE)
    states, fresh = (states - middle) / spread, (fresh - middle) / spread
    classes = max(map(len, values))
    with one_thread():
        bent = _perceptrons(states, codes, fresh, classes, seed)
        straight = torch.stack([_linear(*pair, codes) for pair in zip(states, fresh, strict=True)])
    right = [(told == true).double().mean(2).tolist() for told in (straight, bent)]
    guess = [float(one.bincount().max()) / one.numel() for one in true]
    return [
        {
            name: Decodable(linear=linear, mlp=mlp, guess=often)
            for name, linear, mlp, often in zip(sought.variables, *own, guess, strict=True)
        }
        for own in zip(*right, strict=True)
    ]


def _linear(
    states: Float[Tensor, "row width"], fresh: Float[Tensor, "asked width"], codes: Int[Tensor, "variable row"]
) -> Int[Tensor, "variable asked"]:
    """What logistic regressions say on fresh states."""
    told = []
    for own in codes:
        if len(own.unique()) < 2:
            told.append(own[:1].expand(len(fresh)))
            continue
        fitted = LogisticRegression(max_iter=500, tol=1e-3).fit(states.numpy(), own.numpy())
        told.append(torch.from_numpy(fitted.predict(fresh.numpy())))
    return torch.stack(told)


def _perceptrons(
    states: Float[Tensor, "network row width"],
    codes: Int[Tensor, "variable row"],
    fresh: Float[Tensor, "network asked width"],
    classes: int,
    seed: int,
) -> Int[Tensor, "network variable asked"]:
    """What small perceptrons say on fresh states: one a network and variable, all trained at once."""
    networks, variables, width = len(states), len(codes), states.shape[2]
    generator = derived_generator(seed, "perceptrons")
    shapes = (networks, variables, width, PROBE_UNITS), (networks, variables, PROBE_UNITS, classes)
    begin = [torch.randn(shape, generator=generator) * math.sqrt(2 / shape[2]) for shape in shapes]
    begin += [torch.zeros(networks, variables, 1, shape[3]) for shape in shapes]
    parameters = [one.requires_grad_() for one in begin]
    optimisers = [Adam.begin(one.data) for one in parameters]
    drawn = torch.randint(states.shape[1], (PROBE_STEPS, PROBE_BATCH), generator=generator)
    for step, rows in enumerate(drawn):
        logits = _run(parameters, states[:, rows])
        wanted = codes[:, rows].expand(networks, -1, -1)
        loss = F.cross_entropy(logits.flatten(0, 2), wanted.flatten(), reduction="sum") / PROBE_BATCH
        rate = PROBE_RATE * (1 + math.cos(math.pi * step / PROBE_STEPS)) / 2
        for one, optimiser, slope in zip(parameters, optimisers, torch.autograd.grad(loss, parameters), strict=True):
            optimiser.step(one.data, slope, rate)
    with torch.no_grad():
        return _run(parameters, fresh).argmax(3)


def _run(
    parameters: Sequence[Tensor], states: Float[Tensor, "network row width"]
) -> Float[Tensor, "network variable row class"]:
    first, second, shift, last = parameters
    hidden = torch.bmm(states, first.transpose(1, 2).flatten(2))  # all variables look at the same states
    hidden = hidden.unflatten(2, (len(first[0]), PROBE_UNITS)).transpose(1, 2)
    return torch.relu(hidden + shift) @ second + last


Probes = dict[str, Decodable]
"""For each variable what probes tell of it."""


class ProbesControl(AbstractControl[Probes]):
    """Accuracy of a linear probe and of a small perceptron for each variable. It decides no verdict."""

    name = "probes"
    description = "it was measured what linear and small-perceptron probes can tell from the activations"

    def measure(self, context: ControlContext) -> list[Probes | None]:
        hypothesis = context.task.hypothesis(context.portfolio.hypothesis)
        if any(hypothesis.model.variables[name].values is None for name in hypothesis.variables):
            return [None] * len(context.networks)  # a probe tells values apart, and a number has none
        return [
            *decodable(
                context.networks,
                context.task,
                hypothesis=hypothesis.name,
                site=context.site,
                seed=context.portfolio.seed,
            )
        ]

    def to_json(self, result: Probes) -> dict[str, dict[str, float]]:
        return {variable: probe.to_json() for variable, probe in result.items()}

    def from_json(self, data: dict[str, dict[str, float]]) -> Probes:
        return {variable: Decodable(**probe) for variable, probe in data.items()}

    def evidence(self, result: Probes | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.variable not in result:
            return []
        probe = result[context.variable]
        text = (
            f"A linear probe decodes it with accuracy {probe.linear:.3f}, a small perceptron with {probe.mlp:.3f}; the "
            f"commonest value alone is right in {probe.guess:.3f}."
        )
        return [Evidence(control="probes", text=text, passes=None)]
