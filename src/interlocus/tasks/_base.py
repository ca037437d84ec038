"""What a task is."""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.chance_levels import Settings, settings
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values
from interlocus.core.errors import CausalModelError, UnknownNameError
from interlocus.core.random import derived_generator

Split = Literal["train", "validation", "test"]
"""Which examples: nothing that is chosen on one split is measured on the same."""


class AbstractTask(abc.ABC):
    """A problem that networks solve, with what is believed of how they do it.

    A task needs a causal model and a sampler; the rest has defaults that fit a small task and can be replaced:

        >>> import torch
        >>> from interlocus.causal import CausalModel, Variable
        >>> class Between(AbstractTask):
        ...     model = CausalModel(
        ...         [
        ...             *(Variable(name=name) for name in ("low", "x", "high")),
        ...             Variable(name="above", parents=("low", "x"), mechanism=torch.lt, values=(0, 1)),
        ...             Variable(name="below", parents=("x", "high"), mechanism=torch.lt, values=(0, 1)),
        ...             Variable(name="inside", parents=("above", "below"), mechanism=torch.bitwise_and, values=(0, 1)),
        ...         ],
        ...         output="inside",
        ...     )
        ...     def sample(self, count, *, split, generator):
        ...         return {name: torch.randn(count, generator=generator) for name in self.model.inputs}
        >>> task = Between()
        >>> task.name, task.input_width, task.classes, list(task.hypotheses)
        ('between', 3, 2, ['above', 'below'])

    Hold a task of your own against itself by `interlocus.check_task` before anything is searched.
    """

    @property
    @abc.abstractmethod
    def model(self) -> CausalModel:
        """The causal model whose output is the class."""

    @abc.abstractmethod
    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Draw examples, as values of the causal model's inputs."""

    @property
    def name(self) -> str:
        """The name in the registry; by default that of the class, in small letters."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def input_width(self) -> int:
        """How many numbers a network is shown; by default as many as `encode` gives."""
        return self.encode(self.sample(1, split="train", generator=torch.Generator().manual_seed(0))).shape[1]

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        """What may be computed on the way, by name; by default each variable between the inputs and the output."""
        return self._single

    @cached_property
    def _single(self) -> Mapping[str, Hypothesis]:
        model = self.model
        return {
            name: Hypothesis(name=name, model=model, variables=(name,))
            for name, variable in model.variables.items()
            if variable.parents and model.output in model.descendants[name]
        }

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        """Independent discrete variables from which the output follows, with the probabilities of their values.

        With them floors are counted out. By default there are none, and floors are estimated from examples.
        """
        return {}

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        """What the network is shown for these values of the inputs; by default these values, one beside the other."""
        return torch.cat([values[name].reshape(len(values[name]), -1).float() for name in self.model.inputs], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        """Inputs in which only that variable has another value, or `None` where the task has no such pairs."""
        return None

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources that fit these bases, row by row: with the variable from there, what is rare otherwise comes true.

        For hypotheses with `sampled="matched"`. Half of the sources are such, the others are drawn freely.

        Raises:
            CausalModelError: the task has none for this variable.
        """
        raise CausalModelError(
            f"Sources of {variable!r} are to fit their bases, and the task {self.name} does not say how.",
            "A hypothesis with sampled='matched' needs them.",
            "Give the task a method `matched`, or sample the hypothesis freely.",
        )

    def apart(self, hypothesis: str, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Examples of a hypothesis' own, as values of the inputs; on them its model gives the classes of the task.

        For hypotheses with `sampled="apart"`.

        Raises:
            CausalModelError: the task has none for this hypothesis.
        """
        raise CausalModelError(
            f"Hypothesis {hypothesis!r} has examples of its own, and the task {self.name} does not say which.",
            "A hypothesis with sampled='apart' needs them.",
            "Give the task a method `apart`, or sample the hypothesis freely.",
        )

    def shifted(self) -> AbstractTask | None:
        """The same causal model on other items, harder or wider ones, or `None` where the task has none.

        What was found on the task's own items is asked again there, and reported apart.
        """
        return None

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

    def draw_examples(
        self,
        count: int,
        *,
        split: Split,
        generator: torch.Generator,
        partners_of: Sequence[str] = (),
        for_hypotheses: Sequence[str] = (),
    ) -> Examples:
        """Draw a pool of examples.

        Args:
            count: how many, partners not counted.
            split: of which split.
            generator: where randomness comes from.
            partners_of: variables for which minimal pairs are wanted; behind the examples the pool then holds as many
                partners for each of them for which the task has such pairs.
            for_hypotheses: hypotheses whose own examples are wanted, where they have any: see `interlocus.causal.Sampled`.

        Raises:
            UnknownNameError: the task has no hypothesis of that name.
        """
        parts = [self.sample(count, split=split, generator=generator)]
        partners: dict[str, int] = {}
        for variable in partners_of:
            changed = self.partner(parts[0], variable, split=split, generator=generator)
            if changed is not None:
                partners[variable] = count * len(parts)
                parts.append(changed)
        matched: dict[str, int] = {}
        apart: dict[str, int] = {}
        # streams of their own, so that they do not depend on what else is wanted
        seed = int(torch.randint(2**62, (), generator=generator)) if for_hypotheses else 0
        for hypothesis in map(self.hypothesis, for_hypotheses):
            if hypothesis.sampled == "apart":
                apart[hypothesis.name] = count * len(parts)
                own = derived_generator(seed, "apart", hypothesis.name)
                parts.append(self.apart(hypothesis.name, count, split=split, generator=own))
            elif hypothesis.sampled == "matched":
                for variable in [name for name in hypothesis.variables if name not in matched]:
                    matched[variable] = count * len(parts)
                    own = derived_generator(seed, "matched", variable)
                    parts.append(self.matched(parts[0], variable, split=split, generator=own))
        drawn = parts[0] if len(parts) == 1 else {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return Examples(
            inputs=self.encode(drawn),
            values=self.values(drawn),
            count=count,
            partners=partners,
            matched=matched,
            apart=apart,
        )

    def labelled_inputs(
        self, count: int, *, split: Split, generator: torch.Generator
    ) -> tuple[Float[Tensor, "batch width"], Int[Tensor, " batch"]]:
        """Inputs and their classes, as a network is trained on them."""
        drawn = self.sample(count, split=split, generator=generator)
        return self.encode(drawn), self.model.run(drawn)[self.model.output]

    def values(self, drawn: Values) -> Values:
        """On drawn inputs the values of all discrete variables, and of the continuous ones that hypotheses ask for.

        A name stands for the same variable in all models of a task. Where a model contradicts the task's on examples
        that are not its own, the task's has the word.
        """
        known, kept = dict(drawn), set()
        for model in {
            id(model): model for model in (self.model, *(h.model for h in self.hypotheses.values()))
        }.values():
            known |= model.run({name: value for name, value in known.items() if name in model.variables})
            kept |= set(model.discrete)
        for hypothesis in self.hypotheses.values():
            kept |= {*hypothesis.variables, *hypothesis.needed}
        return {name: value for name, value in known.items() if name in kept}

    def discrete_values(self, drawn: Values) -> Values:
        """On drawn inputs the values of all discrete variables of every hypothesis' model."""
        models = [self.model, *(hypothesis.model for hypothesis in self.hypotheses.values())]
        discrete = {name for model in models for name in model.discrete}
        return {name: value for name, value in self.values(drawn).items() if name in discrete}
