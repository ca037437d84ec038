"""What a task is."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal import CausalModel, Hypothesis, Values
from interlocus.counterfactuals import Pool
from interlocus.errors import UnknownNameError
from interlocus.floors import Settings, settings

Split = Literal["train", "validation", "test"]
"""Which examples: nothing that is chosen on one split is measured on the same."""


class AbstractTask(abc.ABC):
    """A problem that networks solve, with what is believed of how they do it.

    A task says how examples are drawn (`sample`), how the network sees them (`encode`), and what may be computed on the
    way (`hypotheses`). Everything else follows.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name in the registry."""

    @property
    @abc.abstractmethod
    def input_width(self) -> int:
        """How many numbers a network is shown."""

    @property
    @abc.abstractmethod
    def model(self) -> CausalModel:
        """The causal model whose output is the class."""

    @property
    @abc.abstractmethod
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        """What may be computed on the way, by name."""

    @property
    @abc.abstractmethod
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        """Independent discrete variables from which the output follows, with the probabilities of their values."""

    @abc.abstractmethod
    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Draw examples, as values of the causal model's inputs."""

    @abc.abstractmethod
    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        """What the network is shown for these values of the inputs."""

    @abc.abstractmethod
    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        """Inputs in which only that variable has another value, or `None` where the task has no such pairs."""

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return len(self.model.variables[self.model.output].values or ())

    def hypothesis(self, name: str) -> Hypothesis:
        """A hypothesis by its name.

        Raises:
            UnknownNameError: the task has none of that name.
        """
        if name not in self.hypotheses:
            raise UnknownNameError("hypothesis", name, self.hypotheses, f"the task {self.name}")
        return self.hypotheses[name]

    def has_partners(self, variables: Sequence[str]) -> bool:
        """Whether the task has minimal pairs for all of these variables."""
        generator = torch.Generator().manual_seed(0)
        drawn = self.sample(2, split="train", generator=generator)
        return all(self.partner(drawn, name, split="train", generator=generator) is not None for name in variables)

    def settings(self) -> Settings:
        """The joint settings of the discrete variables that examples have, with their probabilities."""
        return settings(self.model, self.roots)

    def pool(self, count: int, *, split: Split, generator: torch.Generator, partners_of: Sequence[str] = ()) -> Pool:
        """Draw a pool of examples.

        Args:
            count: how many, partners not counted.
            split: of which split.
            generator: where randomness comes from.
            partners_of: variables for which minimal pairs are wanted; behind the examples the pool then holds as many
                partners for each of them for which the task has such pairs.
        """
        parts = [self.sample(count, split=split, generator=generator)]
        first: dict[str, int] = {}
        for variable in partners_of:
            changed = self.partner(parts[0], variable, split=split, generator=generator)
            if changed is not None:
                first[variable] = count * len(parts)
                parts.append(changed)
        drawn = parts[0] if len(parts) == 1 else {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return Pool(inputs=self.encode(drawn), values=self.discrete_values(drawn), count=count, partners=first)

    def examples(
        self, count: int, *, split: Split, generator: torch.Generator
    ) -> tuple[Float[Tensor, "batch width"], Int[Tensor, " batch"]]:
        """Inputs and their classes, as a network is trained on them."""
        drawn = self.sample(count, split=split, generator=generator)
        return self.encode(drawn), self.model.run(drawn)[self.model.output]

    def discrete_values(self, drawn: Values) -> Values:
        """The values of all discrete variables, of every hypothesis' model, on drawn inputs.

        A name stands for the same variable in all models of a task.
        """
        known, discrete = dict(drawn), set()
        for model in {id(hypothesis.model): hypothesis.model for hypothesis in self.hypotheses.values()}.values():
            known |= model.run({name: value for name, value in known.items() if name in model.variables})
            discrete |= set(model.discrete)
        return {name: value for name, value in known.items() if name in discrete}
