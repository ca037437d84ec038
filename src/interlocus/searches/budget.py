"""How much a search may cost, and how it goes about it: what a person writes into a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, PlainValidator, TypeAdapter

from interlocus.causal.interventions import Sampling
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Count, Share, Spec
from interlocus.tasks.splits import SampleSizes

_ONE, _BY_VARIABLE = TypeAdapter(Count), TypeAdapter(dict[str, Count])


def _read_size(value: Any) -> int | dict[str, int]:
    return (_BY_VARIABLE if isinstance(value, Mapping) else _ONE).validate_python(value)


VariableSizes = Annotated[int | dict[str, int], PlainValidator(_read_size)]
"""Features a variable: one number for all variables, or one for each by its name."""


class Phase(Spec):
    """One stretch of a search.

    Each begins from the best state before it. Learning rates fall to zero along a cosine.

    Args:
        loss: what is minimised, by name.
        sampling: how bases and sources are drawn.
        steps: how many, at most.
        learning_rate: at first.
        temperature: the logits are divided by it at first, and it falls to one. Above one, sure answers weigh less.
        latent: weight of the counterfactual-latent loss, which keeps patched states near to natural ones that have the
            same values of the variables.
    """

    loss: str = "cross_entropy"
    sampling: Sampling = "natural"
    steps: Count = 1000
    learning_rate: Annotated[float, Field(gt=0)] = 0.03
    temperature: Annotated[float, Field(gt=0)] = 1.0
    latent: Annotated[float, Field(ge=0)] = 0.0


def check_phases(phases: Sequence[Phase]) -> None:
    """Hold phases against each other.

    Only what cannot work is refused. A bounded loss from a random start mostly fails, and that can be what is asked.

    Raises:
        SpecificationError: the last phase shows one direction of change only.
    """
    if phases and phases[-1].sampling == "restoring":
        raise SpecificationError(
            "The last phase samples 'restoring'.",
            "It shows how a variable comes to its last value and never how it leaves it, so half of it is not learned.",
            "Put a phase with another sampling behind it.",
        )


STARTS_BY_DEFAULT: Mapping[str, int] = MappingProxyType({"random": 2, "covariance": 1})
"""Where searches begin, and how many of each."""


class Budget(SampleSizes):
    """Sizes and limits of every search of a study: sample sizes, validation, and when a search ends.

    Args:
        check_every: steps between validations.
        validation: interventions a validation; restarts are chosen by them.
        solved: a search retires at this validation IIA …
        patience: … or after so many steps …
        gain: … in which validation IIA did not rise by this much.
        halving_interval: steps between rounds of successive halving; without it all searches run to the end. In each
            round the better half by validation of the searches of one problem and size goes on (of three, two) until
            one is left; the others end as `halved`. Searches are compared with those that began with them, so `nested`
            ones among themselves. Sizes that are learned are open until the end of a phase, and are left out of it.
    """

    check_every: Count = 50
    validation: Count = 4_096
    solved: Share = 0.999
    patience: Count = 200
    gain: Share = 0.002
    halving_interval: Count | None = None
