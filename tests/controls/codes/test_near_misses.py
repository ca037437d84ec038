"""The control `near_misses`: variables that interventions hardly tell apart from those of the hypothesis."""

from __future__ import annotations

import pytest
import torch
from control_contexts import context_of, effect_with, evidence_of, observation_of, portfolio_of, used_with
from networks_by_hand import hand_wired

from interlocus.causal import CausalModel, Hypothesis, Variable
from interlocus.controls.codes.near_misses import NearMiss, NearMissesControl, near_misses
from interlocus.core.errors import UnknownNameError
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks._base import AbstractTask

TASK = HierarchicalEquality()
RARE = 1 / 16


class AlmostOr(AbstractTask):
    """Is x or rare, and y? `x_or_rare` is nearly `x`, which a hypothesis may take for it. Bits are numbers ±1."""

    def __init__(self, *, enumerated: bool = True) -> None:
        self.enumerated = enumerated

    @property
    def model(self) -> CausalModel:
        return MODEL

    @property
    def roots(self):
        return {"x": None, "rare": (1 - RARE, RARE), "y": None} if self.enumerated else {}

    @property
    def hypotheses(self):
        return {name: Hypothesis(name=name, model=MODEL, variables=(name,)) for name in ("x_or_rare", "x")}

    def sample(self, count, *, split, generator):
        chance = {"x": 0.5, "rare": RARE, "y": 0.5}
        return {f"of_{name}": torch.rand(count, generator=generator) - 1 + p for name, p in chance.items()}


MODEL = CausalModel(
    [
        *(Variable(name=f"of_{name}") for name in ("x", "rare", "y")),
        *(
            Variable(name=name, parents=(f"of_{name}",), mechanism=lambda number: number > 0, values=(0, 1))
            for name in ("x", "rare", "y")
        ),
        Variable(name="x_or_rare", parents=("x", "rare"), mechanism=torch.bitwise_or, values=(0, 1)),
        Variable(name="output", parents=("x_or_rare", "y"), mechanism=torch.bitwise_xor, values=(0, 1)),
    ],
    output="output",
)


def exact_agreement() -> float:
    """Exchanging x alone leaves the base's `rare`, which matters where the source's x is 0 and its `rare` differs."""
    return 1 - 0.5 * 2 * RARE * (1 - RARE)


def test_the_expected_iia_is_that_of_the_causal_model():
    (miss,) = [miss for miss in near_misses(AlmostOr(), "x_or_rare")["x_or_rare"] if miss.instead == "x"]
    assert miss.agreement == pytest.approx(exact_agreement())
    assert miss.expected == pytest.approx(exact_agreement())  # every intervention exchanges the only variable


def test_where_nothing_can_be_enumerated_it_is_estimated():
    count = 20_000
    (miss, *_) = near_misses(AlmostOr(enumerated=False), "x_or_rare")["x_or_rare"]
    error = (exact_agreement() * (1 - exact_agreement()) * (1 / count + 2 / 8_192)) ** 0.5
    assert miss.instead == "x"
    assert miss.agreement == pytest.approx(exact_agreement(), abs=5 * error)


def test_variables_that_interventions_tell_apart_are_not_listed():
    assert near_misses(TASK, "both", rivals=("symmetric",)) == {"left": (), "right": ()}
    everything = near_misses(TASK, "both", rivals=("symmetric",), at_least=0.0)
    by_name = {miss.instead: miss.agreement for miss in everything["left"]}
    assert by_name["output"] == pytest.approx(0.5)  # the answer of the source, whatever right is
    assert max(by_name.values()) < 0.9


def test_an_intervention_on_another_variable_agrees_in_any_case():
    for miss in near_misses(TASK, "both", at_least=0.0)["left"]:
        assert miss.expected == pytest.approx(1 - 2 / 3 * (1 - miss.agreement))


def test_an_unknown_hypothesis_is_refused(fails):
    with fails(UnknownNameError, "both"):
        near_misses(TASK, "bothh")


def test_the_control_gives_each_network_the_same_list():
    context = context_of(
        hand_wired().select([0, 0]), TASK, site="layer1", portfolio=portfolio_of(rivals=("symmetric",))
    )
    assert NearMissesControl().measure(context) == [{"left": (), "right": ()}] * 2


MISS = {"left": (NearMiss(instead="c_or_d", agreement=0.94, expected=0.97),)}


@pytest.mark.parametrize(("low", "passes"), [(0.98, True), (0.965, None), (0.955, False)])
def test_its_evidence_says_what_the_other_variable_would_give(low, passes):
    used = used_with(effect_with(low, iia=low + 0.01, high=low + 0.02))
    (row,) = evidence_of(observation_of(results={"near_misses": MISS}, used=used), "near misses")
    assert row.text == (
        "If the site held c_or_d instead of left, IIA 0.970 would be expected; interventions on left tell them apart "
        "in 6.0% of the cases."
    )
    assert row.passes is passes


def test_without_near_misses_there_is_no_row():
    assert not evidence_of(observation_of(results={"near_misses": {"left": ()}}), "near misses")
    (row,) = evidence_of(observation_of(results={"near_misses": MISS}), "near misses")
    assert row.passes is None  # nothing was measured inside the used subspace
    same = {"left": (NearMiss(instead="c_or_d", agreement=1.0, expected=1.0),)}
    (row,) = evidence_of(observation_of(results={"near_misses": same}), "near misses")
    assert "no intervention" in row.text
