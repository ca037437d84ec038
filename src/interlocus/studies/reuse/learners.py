"""The learners of re-use: each sees something else of a network, and answers a new question from the same labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.alignment import READ_OUT_EXAMPLES, Alignment
from interlocus.alignment.readout import ReadOut
from interlocus.alignment.readout_fitting import fit_read_out
from interlocus.causal.model import Variable
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.studies.reuse.classifiers import fit_classifier
from interlocus.studies.reuse.retraining import retrain
from interlocus.tasks import AbstractTask, Split

Way = Literal["read", "features", "random", "layer", "probed", "retrained"]
"""What a new question is answered from.

- `read`: the values of the variables, read out of the features of the alignment.
- `features`: the features of the alignment; the values of the variables are not known.
- `random`: as many directions, drawn at random.
- `layer`: the whole layer, which makes the classifier a probe.
- `probed`: the values of the variables, read out of the whole layer. The read-outs are fitted in the same way as those
  of `read`, so the difference to `read` is what the directions are worth once the values are known.
- `retrained`: the network itself; its parameters are trained further.
"""
REUSE_WAYS: tuple[Way, ...] = get_args(Way)
REUSE_TEST_ROWS = 5_000
"""Number of fresh examples on which answers are scored."""

View = Callable[[Tensor], Float[np.ndarray, "row feature"]]
"""Computes what a classifier sees of inputs."""


class LabelledExamples(NamedTuple):
    """Examples with the values of all variables, and with the answer to the new question.

    Args:
        inputs: The inputs of the network, one row each.
        values: The value of each variable of the causal model, by its name.
        labels: The answer to the new question.
    """

    inputs: Float[Tensor, "example ..."]
    values: Mapping[str, Tensor]
    labels: Int[Tensor, " example"]


@dataclass(frozen=True, kw_only=True)
class Learners:
    """All learners for one question about one network.

    Args:
        alignment: The alignment with the variables of the question.
        network: The network of the alignment.
        task: The task of the network.
        question: The question, a variable whose parents are variables of the alignment.
        seed: Seed of everything that is drawn.
    """

    alignment: Alignment
    network: AbstractNetworks
    task: AbstractTask
    question: Variable
    seed: int
    _test_views: dict[Way, Float[np.ndarray, "row feature"]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def test(self) -> LabelledExamples:
        """The examples on which answers are scored."""
        return self._examples(REUSE_TEST_ROWS, "test", "reuse, test")

    def draw(self, count: int, draws: int) -> list[LabelledExamples]:
        """Labelled examples to learn from.

        Args:
            count: Number of labels in each draw.
            draws: Number of times that they are drawn.
        """
        return [self._examples(count, "train", "reuse", count, draw) for draw in range(draws)]

    def accuracy(self, way: Way, draws: Sequence[LabelledExamples]) -> tuple[float, ...]:
        """Accuracy on the test examples, for each draw of labels.

        Args:
            way: What the question is answered from.
            draws: The labelled examples of each draw.
        """
        if way == "retrained":
            inputs = torch.stack([examples.inputs for examples in draws])
            labels = torch.stack([examples.labels for examples in draws])
            answers = retrain(self.network, self.alignment.site, inputs, labels, self.test.inputs, seed=self.seed)
            return tuple((answers == self.test.labels).double().mean(1).tolist())
        view = self._views[way]
        if way not in self._test_views:
            self._test_views[way] = view(self.test.inputs)
        expected, accuracies = self.test.labels.numpy(), []
        for examples in draws:
            classifier = fit_classifier(view(examples.inputs), examples.labels.numpy(), self.seed)
            accuracies.append(float((classifier.predict(self._test_views[way]) == expected).mean()))
        return tuple(accuracies)

    @cached_property
    def _views(self) -> Mapping[Way, View]:
        """What a classifier sees of inputs, for every way but retraining."""
        return {
            "read": self._read_values,
            "probed": self._probed_values,
            "features": lambda inputs: torch.cat(list(self._features(inputs).values()), 1).cpu().numpy(),
            "random": lambda inputs: (self._layer(inputs) @ self._random_directions).cpu().numpy(),
            "layer": lambda inputs: self._layer(inputs).cpu().numpy(),
        }

    def _examples(self, count: int, split: Split, *stream: object) -> LabelledExamples:
        drawn = self.task.draw_examples(count, split=split, generator=derived_generator(self.seed, *stream))
        inputs, values = drawn.inputs[:count], {name: value[:count] for name, value in drawn.values.items()}
        assert self.question.mechanism is not None
        labels = self.question.mechanism(*(values[name] for name in self.question.parents)).long()
        return LabelledExamples(inputs.to(self.network.device), values, labels.cpu())

    def _features(self, inputs: Tensor) -> dict[str, Tensor]:
        return self.alignment.features(self.network, inputs)

    def _layer(self, inputs: Tensor) -> Float[Tensor, "batch width"]:
        with torch.no_grad():
            return self.network.activations(self.alignment.site, inputs)[0]

    @cached_property
    def _random_directions(self) -> Float[Tensor, "width feature"]:
        width, size = self.network.width(self.alignment.site), sum(self.alignment.sizes.values())
        noise = torch.randn(width, size, generator=derived_generator(self.seed, "reuse, directions"))
        return torch.linalg.qr(noise).Q.to(self.network.device)

    def _read_values(self, inputs: Tensor) -> Float[np.ndarray, "row setting"]:
        read = self._fitted.extract(self.network, inputs)
        return self._one_hot([read[name].value for name in self.question.parents])

    def _probed_values(self, inputs: Tensor) -> Float[np.ndarray, "row setting"]:
        layer = self._layer(inputs)
        return self._one_hot([self._probes[name].read(layer).value for name in self.question.parents])

    @cached_property
    def _fitted(self) -> Alignment:
        """The alignment with read-outs."""
        if self.alignment.read_outs:
            return self.alignment
        return self.alignment.fitted(self.network, self.task, seed=self.seed)

    @cached_property
    def _probes(self) -> Mapping[str, ReadOut]:
        """Read-outs of the variables from the whole layer."""
        examples = self._examples(READ_OUT_EXAMPLES, "validation", "read-out")
        layer = self._layer(examples.inputs)
        return {name: fit_read_out(layer, examples.values[name]) for name in self.question.parents}

    def _one_hot(self, values: Sequence[Tensor]) -> Float[np.ndarray, "row setting"]:
        """One column for each joint setting of the values, so that any question about them is linear."""
        code, settings = torch.zeros_like(values[0]), 1
        for name, value in zip(self.question.parents, values, strict=True):
            known = (self._fitted.read_outs[name].values if self._fitted.read_outs else value.unique()).to(value)
            code = code * len(known) + (value[:, None] == known).int().argmax(1)
            settings *= len(known)
        return torch.nn.functional.one_hot(code, settings).float().cpu().numpy()
