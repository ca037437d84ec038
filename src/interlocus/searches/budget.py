"""The settings of a search that a user writes into a study: phases, starts and budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, PlainValidator, TypeAdapter

from interlocus.causal.interventions import Sampling
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Count, Share, Spec
from interlocus.tasks.splits import SampleSizes

_EQUAL_SIZE, _SIZE_BY_VARIABLE = TypeAdapter(Count), TypeAdapter(dict[str, Count])


def _parse_variable_sizes(value: object) -> int | dict[str, int]:
    return (_SIZE_BY_VARIABLE if isinstance(value, Mapping) else _EQUAL_SIZE).validate_python(value)


VariableSizes = Annotated[int | dict[str, int], PlainValidator(_parse_variable_sizes)]
"""Features per variable: one integer for all variables, or a mapping from each variable's name to an integer."""


class Phase(Spec):
    """One phase of a search.

    Every phase continues from the best maps of the phases before it. Its learning rate falls to zero along a cosine.

    Args:
        loss: Name of a registered loss: `cross_entropy`, or `bounded` for a last phase close to the optimum.
        sampling: How bases and sources are drawn: `natural`, `minimal_pairs` or `restoring`.
        steps: Maximal number of optimiser steps, at least 1. A search may stop earlier, see `Budget`.
        learning_rate: Learning rate of Adam at the first step, above 0.
        temperature: Divisor of the logits at the first step, above 0; it falls to 1 during the phase. A value above 1
            gives confident answers less weight.
        latent: Weight of the counterfactual-latent loss, at least 0. It keeps patched activations close to natural
            activations that have the same values of the variables.
    """

    loss: str = "cross_entropy"
    sampling: Sampling = "natural"
    steps: Count = 1000
    learning_rate: Annotated[float, Field(gt=0)] = 0.03
    temperature: Annotated[float, Field(gt=0)] = 1.0
    latent: Annotated[float, Field(ge=0)] = 0.0


def check_phases(phases: Sequence[Phase]) -> None:
    """Reject sequences of phases that cannot work.

    Phases that are merely unlikely to succeed are allowed, such as a bounded loss from a random start.

    Raises:
        SpecificationError: the last phase samples changes in one direction only.
    """
    if phases and phases[-1].sampling == "restoring":
        raise SpecificationError(
            "The last phase samples 'restoring'.",
            "This sampling shows how a variable reaches its last value but never how it leaves it, so half of the "
            "changes are not learned.",
            "Add a phase with another sampling after it.",
        )


STARTS_BY_DEFAULT: Mapping[str, int] = MappingProxyType({"random": 2, "covariance": 1})
"""The starts of a search by default, with the number of restarts of each."""


class Budget(SampleSizes):
    """Sample sizes, validation and stopping rules of every search of a study.

    Args:
        check_every: Number of steps between validations, at least 1.
        validation: Number of interventions in a validation. Restarts are compared on them.
        solved: Validation IIA, from 0 to 1, at which a search stops as solved.
        patience: Number of steps after which a search stops, unless its validation IIA rose by `gain`.
        gain: Smallest rise of the validation IIA, from 0 to 1, that counts as progress.
        halving_interval: Number of steps between the rounds of *successive halving* (Jamieson and Talwalkar 2016,
            arXiv 1502.07943); `None` turns halving off. In each round the searches of one problem and size are
            compared, and the better half by validation IIA continues (two of three), until one is left. The others
            stop as `halved`. Searches are compared with those that started at the same time, so `nested` starts are
            compared with each other. Featurizers that learn their size are never halved, since the size is open until
            the end of a phase.
    """

    check_every: Count = 50
    validation: Count = 4_096
    solved: Share = 0.999
    patience: Count = 200
    gain: Share = 0.002
    halving_interval: Count | None = None
