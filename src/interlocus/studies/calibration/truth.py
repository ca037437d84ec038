"""The truth of the battery's networks: which words are right, and in which constructions a finding can be false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.constructions.direct_check import expected_iia
from interlocus.controls.ground_truth.constructions.not_there import ABSENT, UNREAD
from interlocus.controls.ground_truth.constructions.perceptrons import network_shares
from interlocus.controls.ground_truth.constructions.there import THERE_WORDS
from interlocus.controls.ground_truth.source import JOINED, PLANTING_CONSTRUCTIONS, SIZED_RECIPES
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study

TruthStatus = Literal["there", "partly", "not there", "not-learned"]
"""Whether a site holds a variable that is read; `not-learned` where the network does not solve its task."""
NOT_LEARNED, UNTRAINED, ONE_LAYER = "not_learned", "untrained", "one_layer"
"""Constructions of networks that are trained too briefly, not at all, or with one hidden layer only."""
_WORDS_OF_UNUSED_COPIES = (*UNREAD, "merged")
"""Where the count is read and copies of left and right lie beside it, a change of basis makes it `read_as_sum`."""


@dataclass(frozen=True, kw_only=True)
class VariableTruth:
    """What is known of one variable of one network.

    Args:
        status: Whether the variable is there and read.
        words: The verdict words that are right; `undecided` is never wrong and never among them.
        iia: IIA of the known directions; `None` where there are none.
        size: Smallest number of directions that hold the variable; `None` where it is not known.
    """

    status: TruthStatus
    words: tuple[str, ...]
    iia: float | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkTruth:
    """What is known of one network at the one site at which it is judged.

    Args:
        network: Its name, unique in the battery.
        construction: Name of the construction.
        architecture: Its architecture in a few characters.
        site: Name of the site.
        variables: The truth of each variable of the hypothesis.
        can_err: Whether a finding can be false there.
    """

    network: str
    construction: str
    architecture: str
    site: str
    variables: Mapping[str, VariableTruth]
    can_err: bool

    @property
    def cell(self) -> str:
        """Construction and architecture."""
        return f"{self.construction} × {self.architecture}"

    @property
    def statuses(self) -> set[TruthStatus]:
        """The statuses of its variables."""
        return {truth.status for truth in self.variables.values()}


def truths_of(study: Study, group: NetworkGroup) -> list[NetworkTruth]:
    """The truth of the networks of a group at each of its sites.

    Args:
        study: A study of the battery, for its task, hypothesis and seed.
        group: One of its groups.
    """
    names = study.task.build().hypothesis(study.asked).variables
    constructions = constructions_of(group)
    each = group.count // len(constructions)
    rows: list[NetworkTruth] = []
    for number, network in enumerate(group.networks):
        construction = constructions[number // each]
        coded = CODED.get(construction)
        if coded:
            iias = expected_iia(coded, network_shares(coded, each, study.seed)[number % each])
            variables = {
                name: VariableTruth(
                    status=truth.status,
                    words=truth.words,
                    iia=iias.get(name) if coded.is_there() else None,  # elsewhere a search can find more
                    size=_smallest(construction, truth.columns),
                )
                for name, truth in coded.truth.items()
            }
        else:
            variables = dict.fromkeys(names, _uncoded(group, construction))
        for site in group.at:
            rows.append(
                NetworkTruth(
                    network=network,
                    construction=construction,
                    architecture=architecture_of(group),
                    site=site,
                    variables=variables,
                    can_err=coded.can_err if coded else False,
                )
            )
    return rows


def constructions_of(group: NetworkGroup) -> tuple[str, ...]:
    """The names of the constructions of a group, which has equally many networks of each, in this order."""
    if group.ground_truth is not None and group.trained:
        return tuple(group.ground_truth.construction.split(JOINED))
    if not group.trained:
        return (UNTRAINED,)
    return (NOT_LEARNED,) if group.steps is not None else (ONE_LAYER,)


def architecture_of(group: NetworkGroup) -> str:
    """The architecture of a group in a few characters, for instance `relu 16×16×16`."""
    if group.ground_truth is not None and group.ground_truth.body:
        return group.ground_truth.body
    return f"{group.activation} {'×'.join(map(str, group.hidden))}"


def _smallest(construction: str, columns: tuple[int, ...]) -> int | None:
    """Smallest number of directions that hold a variable: one, where its copies are exchanged together."""
    if not columns:
        return None
    return 1 if construction == "redundant_copies" else len(columns)


def _uncoded(group: NetworkGroup, construction: str) -> VariableTruth:
    if construction in (UNTRAINED, NOT_LEARNED):
        return VariableTruth(status="not-learned", words=("not-learned",))
    if construction in PLANTING_CONSTRUCTIONS:
        assert group.ground_truth is not None
        size = group.ground_truth.size if construction in SIZED_RECIPES else None
        return VariableTruth(status="there", words=THERE_WORDS, iia=1.0, size=size)
    if construction == "unused_copies":
        return VariableTruth(status="not there", words=_WORDS_OF_UNUSED_COPIES)
    words = (*ABSENT, "not-learned") if construction == ONE_LAYER else ABSENT
    return VariableTruth(status="not there", words=words)
