"""The control `probes`: accuracy of decoders at a site. A variable that can be decoded need not be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from interlocus.alignment.interchange.cache import cache_activations
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.errors import SpecificationError
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask, Split

PROBE_EXAMPLES = 8192
"""Training examples of a probe; it is tested on half as many fresh examples."""
PROBE_UNITS, PROBE_STEPS, PROBE_BATCH, PROBE_RATE = 32, 400, 256, 1e-2
"""Hidden units (ReLU), steps, examples per step and first learning rate (Adam, cosine decay) of the perceptron."""
REGRESSION_ITERATIONS, REGRESSION_TOLERANCE = 500, 1e-3
"""When the logistic regression stops."""
MIN_DEVIATION = 1e-12
"""Lower bound of a unit's standard deviation, by which its activations are divided."""


@dataclass(frozen=True, kw_only=True)
class ProbeAccuracy:
    """How well probes decode the value of a variable from the activations of a site, on fresh examples.

    Args:
        linear: Accuracy of a multinomial logistic regression, from 0 to 1.
        mlp: Accuracy of a perceptron with one hidden layer, from 0 to 1.
        guess: Share of the most common value, which a probe without any information reaches.
    """

    linear: float
    mlp: float
    guess: float


class LabelledStates(NamedTuple):
    """Activations of a site, and the index of each variable's value in its declared values."""

    states: Float[Tensor, "network row width"]
    labels: Int[Tensor, "variable row"]


def probe_accuracies(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    examples: int = PROBE_EXAMPLES,
    seed: int = 0,
) -> list[dict[str, ProbeAccuracy]]:
    """Fit probes to the activations of a site: one for each network and variable of a hypothesis.

    Args:
        networks: The networks whose activations are decoded. Their perceptron probes are trained together.
        task: The task that the networks solve.
        hypothesis: Name of a hypothesis of the task, all of whose variables declare their values.
        site: Name of the site, a key of `networks.sites`.
        examples: Number of training examples; half as many are used for testing.
        seed: Seed of the examples and of the perceptrons' initial weights and batches.

    Returns:
        For each network the accuracies by variable.

    Raises:
        UnknownNameError: the task has no such hypothesis, or the networks have no such site.
        SpecificationError: a variable of the hypothesis is continuous.
        NetworkError: some activations are not finite.
    """
    target = task.hypothesis(hypothesis)
    values = [target.model.variables[name].values or () for name in target.variables]
    if not all(values):
        raise SpecificationError(
            f"The variable {target.variables[values.index(())]!r} is a number or a vector.",
            "A probe chooses among the declared values of a variable.",
            "Choose a hypothesis whose variables declare their values.",
        )

    def labelled_states(split: Split, count: int) -> LabelledStates:
        generator = derived_generator(seed, "probes", split)
        pool = task.draw_examples(count, split=split, generator=generator, for_hypotheses=(hypothesis,))
        return _labelled_states(networks, site, target, pool)

    train_states, train_labels = labelled_states("train", examples)
    test_states, test_labels = labelled_states("test", examples // 2)
    train_states, test_states = _standardized(train_states, test_states)
    with one_thread():
        of_perceptrons = _perceptrons(train_states, train_labels, test_states, max(map(len, values)), seed)
        of_regressions = torch.stack(
            [_regressions(*states, train_labels) for states in zip(train_states, test_states, strict=True)]
        )
    accuracies = [
        (predicted == test_labels).double().mean(2).tolist() for predicted in (of_regressions, of_perceptrons)
    ]
    guesses = [float(labels.bincount().max()) / labels.numel() for labels in test_labels]
    return [
        {
            name: ProbeAccuracy(linear=linear, mlp=mlp, guess=guess)
            for name, linear, mlp, guess in zip(target.variables, *of_network, guesses, strict=True)
        }
        for of_network in zip(*accuracies, strict=True)
    ]


def _labelled_states(networks: AbstractNetworks, site: str, hypothesis: Hypothesis, pool: Examples) -> LabelledStates:
    """The states of the examples that a hypothesis uses, with the values of its variables."""
    rows = pool.rows(hypothesis)
    labels = [
        (pool.values[name][rows].unsqueeze(1) == torch.tensor(hypothesis.model.variables[name].values)).int().argmax(1)
        for name in hypothesis.variables
    ]
    states = cache_activations(networks, site, pool).activations[:, rows].cpu().float()
    return LabelledStates(states, torch.stack(labels))


def _standardized(
    train: Float[Tensor, "network row width"], test: Float[Tensor, "network test width"]
) -> tuple[Float[Tensor, "network row width"], Float[Tensor, "network test width"]]:
    """Both sets of states, less the mean of the first and divided by its standard deviation."""
    mean, deviation = train.mean(1, keepdim=True), train.std(1, keepdim=True).clamp_min(MIN_DEVIATION)
    return (train - mean) / deviation, (test - mean) / deviation


def _regressions(
    train_states: Float[Tensor, "row width"],
    test_states: Float[Tensor, "test width"],
    train_labels: Int[Tensor, "variable row"],
) -> Int[Tensor, "variable test"]:
    """The predictions of logistic regressions for one network, one for each variable."""
    predictions = []
    for labels in train_labels:
        if len(labels.unique()) < 2:
            predictions.append(labels[:1].expand(len(test_states)))
            continue
        regression = LogisticRegression(max_iter=REGRESSION_ITERATIONS, tol=REGRESSION_TOLERANCE)
        regression.fit(train_states.numpy(), labels.numpy())
        predictions.append(torch.from_numpy(regression.predict(test_states.numpy())))
    return torch.stack(predictions)


def _perceptrons(
    train_states: Float[Tensor, "network row width"],
    train_labels: Int[Tensor, "variable row"],
    test_states: Float[Tensor, "network test width"],
    classes: int,
    seed: int,
) -> Int[Tensor, "network variable test"]:
    """The predictions of small perceptrons, one for each network and variable. All are trained together."""
    networks, variables, width = len(train_states), len(train_labels), train_states.shape[2]
    generator = derived_generator(seed, "perceptrons")
    shapes = (networks, variables, width, PROBE_UNITS), (networks, variables, PROBE_UNITS, classes)
    initial = [torch.randn(shape, generator=generator) * math.sqrt(2 / shape[2]) for shape in shapes]
    initial += [torch.zeros(networks, variables, 1, shape[3]) for shape in shapes]
    parameters = [tensor.requires_grad_() for tensor in initial]
    optimisers = [Adam.begin(parameter.data) for parameter in parameters]
    batches = torch.randint(train_states.shape[1], (PROBE_STEPS, PROBE_BATCH), generator=generator)
    for step, rows in enumerate(batches):
        logits = _perceptron_logits(parameters, train_states[:, rows])
        labels = train_labels[:, rows].expand(networks, -1, -1)
        loss = F.cross_entropy(logits.flatten(0, 2), labels.flatten(), reduction="sum") / PROBE_BATCH
        rate = PROBE_RATE * (1 + math.cos(math.pi * step / PROBE_STEPS)) / 2
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, optimiser, gradient in zip(parameters, optimisers, gradients, strict=True):
            optimiser.step(parameter.data, gradient, rate)
    with torch.no_grad():
        return _perceptron_logits(parameters, test_states).argmax(3)


def _perceptron_logits(
    parameters: Sequence[Tensor], states: Float[Tensor, "network row width"]
) -> Float[Tensor, "network variable row class"]:
    hidden_weight, output_weight, hidden_bias, output_bias = parameters
    # the perceptrons of all variables have the same inputs
    hidden = torch.bmm(states, hidden_weight.transpose(1, 2).flatten(2))
    hidden = hidden.unflatten(2, (len(hidden_weight[0]), PROBE_UNITS)).transpose(1, 2)
    return torch.relu(hidden + hidden_bias) @ output_weight + output_bias


ProbesByVariable = dict[str, ProbeAccuracy]
"""Accuracies of probes by variable."""


class ProbesControl(AbstractControl[ProbesByVariable]):
    """Accuracy of a linear probe and of a small perceptron for each variable. It decides no verdict."""

    name = "probes"
    description = "linear probes and small perceptrons were fitted to the activations"

    def measure(self, context: ControlContext) -> list[ProbesByVariable | None]:
        hypothesis = context.task.hypothesis(context.portfolio.hypothesis)
        if any(hypothesis.model.variables[name].values is None for name in hypothesis.variables):
            return [None] * len(context.networks)  # a probe chooses among declared values
        return [
            *probe_accuracies(
                context.networks,
                context.task,
                hypothesis=hypothesis.name,
                site=context.site,
                seed=context.portfolio.seed,
            )
        ]

    def evidence(self, result: ProbesByVariable | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.variable not in result:
            return []
        probe = result[context.variable]
        text = (
            f"A linear probe decodes it with accuracy {probe.linear:.3f}, a small perceptron with {probe.mlp:.3f}; the "
            f"most common value alone is right in {probe.guess:.3f}."
        )
        return [Evidence(control="probes", text=text, passes=None)]
