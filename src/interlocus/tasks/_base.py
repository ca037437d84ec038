"""What every task is: a causal model, a sampler of examples and an encoder."""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.enumeration import Settings, enumerate_settings
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values
from interlocus.core.errors import CausalModelError, UnknownNameError
from interlocus.core.random import derived_generator

Split = Literal["train", "validation", "test"]
"""The purpose of examples: what is chosen on one split is never measured on the same split."""


class AbstractTask(abc.ABC):
    """A problem that networks are trained on, with hypotheses about how they solve it.

    A task needs a causal model and a sampler. Everything else has a default that fits a small task and can be
    overridden:

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

    Run `interlocus.check_task` on a new task: it finds contradictions before anything is searched.
    """

    @property
    @abc.abstractmethod
    def model(self) -> CausalModel:
        """The causal model of the task; its output is the class."""

    @abc.abstractmethod
    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Draw examples, as values of the causal model's inputs.

        Args:
            count: Number of examples: the length of the first axis of every value.
            split: The purpose of the examples. A task with finitely many inputs must not use one in two splits.
            generator: Source of all randomness; it is advanced.
        """

    @property
    def name(self) -> str:
        """Name of the task in messages and records; by default the name of the class in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def input_width(self) -> int:
        """Length of an encoded input; by default measured on one example."""
        return self.encode(self.sample(1, split="train", generator=torch.Generator().manual_seed(0))).shape[1]

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        """Hypotheses by name; by default one for each variable between the inputs and the output."""
        return self._single_variable_hypotheses

    @cached_property
    def _single_variable_hypotheses(self) -> Mapping[str, Hypothesis]:
        model = self.model
        return {
            name: Hypothesis(name=name, model=model, variables=(name,))
            for name, variable in model.variables.items()
            if variable.parents and model.output in model.descendants[name]
        }

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        """Independent discrete variables that determine the output, with weights of their values (`None`: equal ones).

        They make exact chance levels possible. By default there are none, and chance levels are estimated.
        """
        return {}

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        """The input of the network; by default the causal inputs, concatenated.

        Args:
            values: Values of the causal model's inputs, by name.
        """
        return torch.cat([values[name].reshape(len(values[name]), -1).float() for name in self.model.inputs], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        """Minimal pairs: causal inputs in which one variable has another value and the other roots are unchanged.

        Args:
            values: Values of the causal model's inputs, by name.
            variable: The variable to change.
            split: The purpose of the examples.
            generator: Source of all randomness; it is advanced.

        Returns:
            The changed inputs, row by row; `None` (the default) where the task has no minimal pairs for the variable.
        """
        return None

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources made for given bases, so that swapping the variable creates a case that is otherwise rare.

        They are half of the sources of a hypothesis with `sampled="matched"`; the other half is drawn freely.

        Args:
            values: The bases, as values of the causal model's inputs.
            variable: The variable that will be swapped.
            split: The purpose of the examples.
            generator: Source of all randomness; it is advanced.

        Returns:
            One source for each base, as values of the inputs.

        Raises:
            CausalModelError: the task has no matched sources for this variable.
        """
        raise CausalModelError(
            f"The task {self.name} has no matched sources for the variable {variable!r}.",
            "A hypothesis with sampled='matched' needs them.",
            "Give the task a method `matched`, or use sampled='freely'.",
        )

    def apart(self, hypothesis: str, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Examples for one hypothesis only, on which its causal model gives the classes of the task.

        They are the bases and sources of a hypothesis with `sampled="apart"`.

        Args:
            hypothesis: Name of the hypothesis.
            count: Number of examples to draw.
            split: The purpose of the examples.
            generator: Source of all randomness; it is advanced.

        Returns:
            Values of the causal model's inputs, by name.

        Raises:
            CausalModelError: the task has no such examples for this hypothesis.
        """
        raise CausalModelError(
            f"The task {self.name} has no separate examples for the hypothesis {hypothesis!r}.",
            "A hypothesis with sampled='apart' needs them.",
            "Give the task a method `apart`, or use sampled='freely'.",
        )

    def shifted(self) -> AbstractTask | None:
        """The same causal model on another distribution of inputs, such as larger ones; `None` if there is none.

        The control of distribution shift scores alignments on these inputs as well.
        """
        return None

    @property
    def classes(self) -> int:
        """Number of classes of the network."""
        return len(self.model.variables[self.model.output].values or ())

    def hypothesis(self, name: str) -> Hypothesis:
        """The hypothesis of that name.

        Args:
            name: A key of `hypotheses`.

        Raises:
            UnknownNameError: the task has no hypothesis of that name.
        """
        if name not in self.hypotheses:
            raise UnknownNameError("hypothesis", name, self.hypotheses, f"the task {self.name}")
        return self.hypotheses[name]

    def has_partners(self, variables: Sequence[str]) -> bool:
        """Whether the task has minimal pairs for all of these variables.

        Args:
            variables: Names of variables of the causal model.
        """
        generator = torch.Generator().manual_seed(0)
        drawn = self.sample(2, split="train", generator=generator)
        return all(self.partner(drawn, name, split="train", generator=generator) is not None for name in variables)

    def settings(self) -> Settings:
        """All joint values of the roots and of what follows from them, with their probabilities.

        Raises:
            CausalModelError: the task has no roots from which the output follows.
        """
        return enumerate_settings(self.model, self.roots)

    def draw_examples(
        self,
        count: int,
        *,
        split: Split,
        generator: torch.Generator,
        partners_of: Sequence[str] = (),
        for_hypotheses: Sequence[str] = (),
    ) -> Examples:
        """Draw a pool of examples that interventions can use.

        Args:
            count: Number of free examples; each block of partners or of special examples adds as many.
            split: The purpose of the examples.
            generator: Source of all randomness; it is advanced.
            partners_of: Variables whose minimal pairs are added, where the task has them.
            for_hypotheses: Hypotheses whose special examples are added, where they need any; see `Sampled` in
                `interlocus.causal.hypothesis`.

        Raises:
            UnknownNameError: the task has no hypothesis of one of the names.
        """
        blocks = [self.sample(count, split=split, generator=generator)]
        partners: dict[str, int] = {}
        for variable in partners_of:
            changed = self.partner(blocks[0], variable, split=split, generator=generator)
            if changed is not None:
                partners[variable] = count * len(blocks)
                blocks.append(changed)
        # each special block has its own random stream, so it does not depend on which others are drawn
        seed = int(torch.randint(2**62, (), generator=generator)) if for_hypotheses else 0
        matched: dict[str, int] = {}
        apart: dict[str, int] = {}
        for hypothesis in map(self.hypothesis, for_hypotheses):
            if hypothesis.sampled == "apart":
                apart[hypothesis.name] = count * len(blocks)
                stream = derived_generator(seed, "apart", hypothesis.name)
                blocks.append(self.apart(hypothesis.name, count, split=split, generator=stream))
            elif hypothesis.sampled == "matched":
                for variable in [name for name in hypothesis.variables if name not in matched]:
                    matched[variable] = count * len(blocks)
                    stream = derived_generator(seed, "matched", variable)
                    blocks.append(self.matched(blocks[0], variable, split=split, generator=stream))
        drawn = blocks[0]
        if len(blocks) > 1:
            drawn = {name: torch.cat([block[name] for block in blocks]) for name in drawn}
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
        """Encoded inputs and their classes, as a network is trained on them.

        Args:
            count: Number of examples to draw.
            split: The purpose of the examples.
            generator: Source of all randomness; it is advanced.
        """
        drawn = self.sample(count, split=split, generator=generator)
        return self.encode(drawn), self.model.run(drawn)[self.model.output]

    def values(self, drawn: Values) -> Values:
        """The values of all discrete variables, and of the continuous ones that hypotheses need.

        A name stands for the same variable in every causal model of the task. On examples that belong to one
        hypothesis, another model may contradict the task's; then the task's value counts.

        Args:
            drawn: Values of the causal model's inputs, by name.
        """
        known, needed = dict(drawn), set()
        for model in {
            id(model): model for model in (self.model, *(h.model for h in self.hypotheses.values()))
        }.values():
            known |= model.run({name: value for name, value in known.items() if name in model.variables})
            needed |= set(model.discrete)
        for hypothesis in self.hypotheses.values():
            needed |= {*hypothesis.variables, *hypothesis.needed}
        return {name: value for name, value in known.items() if name in needed}
