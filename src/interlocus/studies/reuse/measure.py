"""Re-use: a new question about variables that a network already computes, answered from a few labels.

What does it save to know where the variables are? The same few labels are given to learners that see different things:
the values that were read out, the directions that were found, the whole layer, the network itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor

from interlocus.alignment.alignment import READ_OUT_EXAMPLES, Alignment
from interlocus.alignment.readout_fitting import fit_read_out
from interlocus.causal.model import Variable
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.studies.reuse.retraining import retrain
from interlocus.studies.spec.reuse import COUNTS, Rule
from interlocus.tasks import AbstractTask

Way = Literal["read", "features", "random", "layer", "probed", "retrained"]
"""From what a new question is answered.

- `read`: the values of the variables, read out of the directions that were found.
- `features`: the directions that were found; nothing is known of the variables' values.
- `random`: as many directions, drawn at random.
- `layer`: the whole layer, which is a probe.
- `probed`: the values of the variables, read out of the whole layer. The read-outs are fitted as those of `read` are,
  so what `read` has over this way is what the directions are worth once the values are known.
- `retrained`: the network; all of its parameters go on learning.
"""
REUSE_WAYS: tuple[Way, ...] = get_args(Way)
REUSE_TEST_ROWS = 5_000
DEGREES, STRENGTHS = (1, 2), (0.01, 1.0, 100.0)
"""Of a classifier: its features, or their products too, and how freely it fits them; cross-validation chooses."""
FOLDS = 3
LABELS_FOR_ONE_SPLIT = 2000
"""So many labels, split once, are enough to choose by."""

COMBINE: Mapping[Rule, Callable[[Tensor], Tensor]] = {
    "any": lambda truths: truths.any(0),
    "all": lambda truths: truths.all(0),
    "odd": lambda truths: truths.sum(0) % 2 == 1,
}
"""New questions about truth values `[variable, example]`, by name."""


def new_question(rule: Rule, variables: Sequence[str]) -> Variable:
    """A question about variables that are true or false (other than zero, or zero).

    Args:
        rule: `any`, `all` or `odd` of them.
        variables: of which.

    Raises:
        UnknownNameError: no such rule.
    """
    if rule not in COMBINE:
        raise UnknownNameError("question", rule, COMBINE)
    return Variable(
        name=f"{rule} of {', '.join(variables)}",
        parents=tuple(variables),
        mechanism=lambda *values: COMBINE[rule](torch.stack(values) != 0).long(),
        values=(0, 1),
    )


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """How well a new question is answered about one network.

    Args:
        question: its name.
        commonest: share of test examples that have the commonest label, which is what is right without looking.
        labels: how many were given.
        accuracy: for each way and number of labels that on fresh examples, once a draw of labels.
    """

    question: str
    commonest: float
    labels: tuple[int, ...]
    accuracy: Mapping[str, tuple[tuple[float, ...], ...]]

    def mean(self, way: str) -> tuple[float, ...]:
        """For each number of labels the accuracy, mean over draws."""
        return tuple(float(np.mean(draws)) for draws in self.accuracy[way])

    def to_rows(self) -> list[dict[str, Any]]:
        """One mapping a way, number of labels and draw, for a table."""
        return [
            {"question": self.question, "way": way, "labels": count, "draw": draw, "accuracy": accuracy}
            for way, by_count in self.accuracy.items()
            for count, draws in zip(self.labels, by_count, strict=True)
            for draw, accuracy in enumerate(draws)
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return vars(self) | {"accuracy": dict(self.accuracy)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reuse:
        """What `to_json` wrote."""
        accuracy = {way: tuple(map(tuple, by_count)) for way, by_count in data["accuracy"].items()}
        return cls(**{**data, "labels": tuple(data["labels"]), "accuracy": accuracy})


def measure_reuse(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    question: Variable,
    *,
    labels: Sequence[int] = COUNTS,
    draws: int = 2,
    ways: Sequence[Way] = REUSE_WAYS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Reuse:
    """Answer a new question about the variables of an alignment from a few labels, in several ways.

    Labelled examples come from the training split, read-outs from the validation split, and accuracy is that on fresh
    examples of the test split. What a classifier may choose, it chooses by cross-validation on its own labels.

    Args:
        alignment: where the variables are.
        network: in which it was found.
        task: what the network solves.
        question: a variable whose parents are the alignment's; its values count from 0. For instance
            `Variable(name="left or right", parents=("left", "right"), mechanism=torch.bitwise_or, values=(0, 1))`.
        labels: how many are given.
        draws: how often others are drawn.
        ways: from what it is answered.
        seed: decides on everything that is drawn.
        progress: is told the share of the work that is done.

    Raises:
        AlignmentError: the alignment belongs to another network, or its variables cannot be read.
        SpecificationError: a question without values, or about other variables; too few labels.
        NetworkError: the network cannot be retrained.
    """
    _check(alignment, question, labels, draws)
    accuracy: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
    done, steps = 0, len(ways) * len(labels)
    with one_thread(), threadpool_limits(1):  # small products: scikit-learn's threads would wait for each other
        bench = _Bench(alignment=alignment, network=network, task=task, question=question, seed=seed)
        for count in labels:
            rows = bench.draw(count, draws)
            for way in ways:
                accuracy[way].append(bench.answer(way, rows))
                done += 1
                progress(done / steps)
    common = bench.test.labels.bincount().max() / len(bench.test.labels)
    return Reuse(
        question=question.name,
        commonest=float(common),
        labels=tuple(labels),
        accuracy={way: tuple(found) for way, found in accuracy.items()},
    )


def _check(alignment: Alignment, question: Variable, labels: Sequence[int], draws: int) -> None:
    strange = sorted(set(question.parents) - set(alignment.variables))
    if strange or question.values is None or question.mechanism is None:
        raise SpecificationError(
            f"The question {question.name!r} is about {', '.join(question.parents) or 'nothing'}"
            + (" and declares no values." if question.values is None else "."),
            f"It has to follow from the variables that were found ({', '.join(alignment.variables)}), and to have "
            "labels.",
            "Pass a `Variable` with parents among them, a mechanism, and values that count from 0.",
        )
    if min(labels, default=0) < 5 or draws < 1:
        raise SpecificationError(
            f"{min(labels, default=0)} labels and {draws} draws are asked for.",
            "From fewer than five labels nothing can be learned and held out.",
            "Ask for five or more, and for one draw or more.",
        )


class _Examples(NamedTuple):
    inputs: Tensor
    values: Mapping[str, Tensor]
    labels: Int[Tensor, " example"]


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """The examples, and what each way sees of them."""

    alignment: Alignment
    network: AbstractNetworks
    task: AbstractTask
    question: Variable
    seed: int

    @cached_property
    def test(self) -> _Examples:
        return self._examples(REUSE_TEST_ROWS, "test", "reuse, test")

    @cached_property
    def _views(self) -> dict[str, Callable[[Tensor], np.ndarray]]:
        """What a classifier sees of inputs, for each way that is one."""
        return {
            "read": self._read,
            "probed": self._probed,
            "features": lambda inputs: torch.cat(list(self._features(inputs).values()), 1).cpu().numpy(),
            "random": lambda inputs: (self._layer(inputs) @ self._directions).cpu().numpy(),
            "layer": lambda inputs: self._layer(inputs).cpu().numpy(),
        }

    @cached_property
    def _seen(self) -> dict[str, np.ndarray]:
        return {}

    def draw(self, count: int, draws: int) -> list[_Examples]:
        """Labelled examples, once a draw."""
        return [self._examples(count, "train", "reuse", count, draw) for draw in range(draws)]

    def answer(self, way: Way, drawn: Sequence[_Examples]) -> tuple[float, ...]:
        """Accuracy on the test examples, once a draw."""
        if way == "retrained":
            inputs, labels = (torch.stack([getattr(one, name) for one in drawn]) for name in ("inputs", "labels"))
            answers = retrain(self.network, self.alignment.site, inputs, labels, self.test.inputs, seed=self.seed)
            return tuple((answers == self.test.labels).double().mean(1).tolist())
        view = self._views[way]
        if way not in self._seen:
            self._seen[way] = view(self.test.inputs)
        wanted = self.test.labels.numpy()
        return tuple(
            float((_learn(view(one.inputs), one.labels.numpy(), self.seed).predict(self._seen[way]) == wanted).mean())
            for one in drawn
        )

    def _examples(self, count: int, split: Any, *about: object) -> _Examples:
        pool = self.task.pool(count, split=split, generator=derived_generator(self.seed, *about))
        inputs, values = pool.inputs[:count], {name: value[:count] for name, value in pool.values.items()}
        assert self.question.mechanism is not None
        labels = self.question.mechanism(*(values[name] for name in self.question.parents)).long()
        return _Examples(inputs.to(self.network.device), values, labels.cpu())

    def _features(self, inputs: Tensor) -> dict[str, Tensor]:
        return self.alignment.features(self.network, inputs)

    def _layer(self, inputs: Tensor) -> Float[Tensor, "batch width"]:
        with torch.no_grad():
            return self.network.activations(self.alignment.site, inputs)[0]

    @cached_property
    def _directions(self) -> Float[Tensor, "width feature"]:
        width, size = self.network.width(self.alignment.site), sum(self.alignment.sizes.values())
        noise = torch.randn(width, size, generator=derived_generator(self.seed, "reuse, directions"))
        return torch.linalg.qr(noise).Q.to(self.network.device)

    def _read(self, inputs: Tensor) -> np.ndarray:
        read = self._fitted.extract(self.network, inputs)
        return self._settings([read[name].value for name in self.question.parents])

    def _probed(self, inputs: Tensor) -> np.ndarray:
        layer = self._layer(inputs)
        return self._settings([self._probes[name].read(layer).value for name in self.question.parents])

    @cached_property
    def _fitted(self) -> Alignment:
        if self.alignment.read_outs:
            return self.alignment
        return self.alignment.fitted(self.network, self.task, seed=self.seed)

    @cached_property
    def _probes(self) -> Mapping[str, Any]:
        known = self._examples(READ_OUT_EXAMPLES, "validation", "read-out")
        layer = self._layer(known.inputs)
        return {name: fit_read_out(layer, known.values[name]) for name in self.question.parents}

    def _settings(self, values: Sequence[Tensor]) -> np.ndarray:
        """One column a joint setting of the values, so that any question about them is a linear one."""
        code, kinds = torch.zeros_like(values[0]), 1
        for name, value in zip(self.question.parents, values, strict=True):
            known = (self._fitted.read_outs[name].values if self._fitted.read_outs else value.unique()).to(value)
            code = code * len(known) + (value[:, None] == known).int().argmax(1)
            kinds *= len(known)
        return torch.nn.functional.one_hot(code, kinds).float().cpu().numpy()


def _learn(rows: Float[np.ndarray, "row feature"], labels: Int[np.ndarray, " row"], seed: int) -> Any:
    """A logistic regression, linear or quadratic, chosen by cross-validation on its own labels."""
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) == 1:
        return DummyClassifier().fit(rows, labels)
    model = make_pipeline(
        StandardScaler(),
        PolynomialFeatures(include_bias=False),
        StandardScaler(),
        LogisticRegression(solver="newton-cholesky", max_iter=200),
    )
    choices = {"polynomialfeatures__degree": DEGREES, "logisticregression__C": STRENGTHS}
    if counts.min() < 2:
        return model.set_params(polynomialfeatures__degree=1).fit(rows, labels)
    split: Any = (
        StratifiedShuffleSplit(
            1,
            train_size=LABELS_FOR_ONE_SPLIT - LABELS_FOR_ONE_SPLIT // 5,
            test_size=LABELS_FOR_ONE_SPLIT // 5,
            random_state=seed,
        )
        if len(labels) > LABELS_FOR_ONE_SPLIT
        else StratifiedKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a choice that does not converge validates worse, and is not taken
        return GridSearchCV(model, choices, scoring="neg_log_loss", cv=split).fit(rows, labels)
