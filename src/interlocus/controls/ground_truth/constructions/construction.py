"""What a construction is: a code at a site, the part of it that is read, and the truth that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

Status = Literal["there", "partly", "not there"]
"""Whether a site holds a variable that the rest of the network reads.

- `there`: an exchange of known directions exchanges the variable, in all inputs.
- `partly`: it does in a share of the inputs only, or exchanges a variable that merely agrees with this one mostly.
- `not there`: no linear exchange of anything at the site exchanges the variable.
"""
FeatureSettings = Mapping[str, Float[Tensor, " row"]]
"""Values of discrete features in some inputs; those of bits are −1 and 1."""


@dataclass(frozen=True, kw_only=True)
class CodeTruth:
    """What is known of one variable at the site.

    Args:
        status: Whether the variable is there and read.
        words: The verdict words that are right. `undecided` is never wrong, and it is counted by itself.
        columns: Columns of the code that hold the variable and can be exchanged; empty where it is not there.
    """

    status: Status
    words: tuple[str, ...]
    columns: tuple[int, ...] = ()


class Lesson(NamedTuple):
    """What the rest of a network learns from.

    Args:
        read: What it reads of the code, one row for each example.
        labels: The class that it shall answer with.
    """

    read: Float[Tensor, "row read"]
    labels: Int[Tensor, " row"]


CodeFunction = Callable[[FeatureSettings], Float[Tensor, "row column"]]
Teach = Callable[[FeatureSettings, Float[Tensor, "row read"], torch.Generator], Lesson]


@dataclass(frozen=True, kw_only=True)
class Construction:
    """One way in which a site can, or cannot, hold the variables of a hypothesis.

    A site holds numbers, the *code*, along orthogonal directions. The rest of the network reads some linear
    combinations of them, and nothing else. So it is known which directions are used and how many.

    Args:
        name: Name of the construction.
        summary: What the site holds and what is read of it, in one or two sentences.
        code: The numbers that the site holds, from the features of an input.
        teach: From features and what is read of their code to what the rest learns: the code may be changed there, so
            that it is known how the rest reads states that occur after an interchange only.
        truth: What is known of each variable of the hypothesis.
        features: Names of the discrete features that the code is made from.
        reads: For each number that is read its weights on the columns of the code; by default every column is read.
        inert: Columns whose exchange changes no answer, although they hold variables.
        task: Name of the task.
        task_arguments: Arguments of the task.
        hypothesis: Name of the hypothesis.
        shares: Smallest and largest share of the inputs in which `gate` is on; networks differ in it.
        iia: From the share of a network to the true IIA of each variable alone where it is not 1; `None` where the
            variables are not there or fully there.
        used_rank: Smallest number of directions of which the network keeps its answers if the rest of the state comes
            from another input; 0 where it does not matter, since the variables are there.
        nuisance: Standard deviation of numbers that lie beside the code and that nothing reads.
        activations: Activation functions of perceptrons that can hold the code; a bounded one mixes what lies beside a
            code of little variance into it.
    """

    name: str
    summary: str
    code: CodeFunction
    teach: Teach
    truth: Mapping[str, CodeTruth]
    features: tuple[str, ...] = ("left", "right")
    reads: tuple[tuple[float, ...], ...] | None = None
    inert: tuple[int, ...] = ()
    task: str = "hierarchical_equality"
    task_arguments: tuple[tuple[str, object], ...] = ()
    hypothesis: str = "both"
    shares: tuple[float, float] = (0.5, 0.5)
    iia: Callable[[float], Mapping[str, float]] | None = None
    used_rank: int = 0
    nuisance: float = 0.5
    activations: tuple[str, ...] = ("relu", "gelu", "tanh", "sigmoid")

    def matrix(self, columns: int) -> Float[Tensor, "read column"]:
        """The weights with which the code is read.

        Args:
            columns: Number of columns of the code.
        """
        return torch.eye(columns) if self.reads is None else torch.tensor(self.reads)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the hypothesis."""
        return tuple(self.truth)

    def is_there(self) -> bool:
        """Whether all variables are there and read in all inputs."""
        return all(truth.status == "there" for truth in self.truth.values())

    @property
    def can_err(self) -> bool:
        """Whether a variable can be reported as found although it is not there, or there in part only.

        Inside a used subspace of fewer directions than there are variables nothing can be found.
        """
        return not self.is_there() and self.used_rank >= len(self.truth)
