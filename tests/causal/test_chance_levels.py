"""Laws of chance levels, with the values that can be worked out by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from interlocus.causal.chance_levels import ceiling, copy_source, no_effect, one_directional
from interlocus.causal.enumeration import (
    WeightedInterventions,
    enumerate_interventions,
    enumerate_settings,
    sample_interventions,
)
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Variable
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SETTINGS = TASK.settings()
SYMMETRIC = enumerate_settings(TASK.hypothesis("symmetric").model, TASK.roots)
AND_NOR = ("both_equal", "none_equal")
"""The variables of the symmetric rival."""


def natural(name: str) -> WeightedInterventions:
    """The interventions of a hypothesis with natural sampling."""
    return enumerate_interventions(TASK.hypothesis(name), SYMMETRIC if name == "symmetric" else SETTINGS)


def single(variable: str) -> Hypothesis:
    """One variable of the symmetric rival, as a hypothesis of its own."""
    return Hypothesis(name=variable, model=TASK.hypothesis("symmetric").model, variables=(variable,))


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_no_effect_on_an_equality_scores_a_half(name):
    assert no_effect(natural(name)) == pytest.approx(0.5)


@pytest.mark.parametrize("variable", AND_NOR)
def test_no_effect_on_one_variable_of_the_symmetric_rival_scores_eleven_sixteenths(variable):
    assert no_effect(enumerate_interventions(single(variable), SYMMETRIC)) == pytest.approx(0.6875)


def test_no_effect_on_the_symmetric_rival_scores_five_eighths():
    # the joint kind scores ½, since both variables are resampled: (2 · 11/16 + 1/2) / 3
    assert no_effect(natural("symmetric")) == pytest.approx(0.625)


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_copying_the_source_scores_a_half_on_an_equality(name):
    assert copy_source(natural(name)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_copying_the_source_of_a_joint_intervention_is_the_mean_over_its_sources(name):
    """Computed one intervention at a time, with sources whose left pair is equal more often."""
    hypothesis = TASK.hypothesis(name)
    often = replace(SYMMETRIC, probability=((1 + SYMMETRIC.values["left"]) / 6).double())
    interventions = enumerate_interventions(hypothesis, SYMMETRIC, often)
    expected = 0.0
    for row, probability in enumerate(interventions.probability.tolist()):
        swapped = hypothesis.kinds[int(interventions.kind[row])]
        right = [
            bool(interventions.sources[variable]["output"][row] == interventions.label[row]) for variable in swapped
        ]
        expected += probability * sum(right) / len(right)
    assert copy_source(interventions) == pytest.approx(expected)


def test_a_one_directional_interchange_scores_three_quarters_on_one_variable_and_less_on_both():
    assert one_directional(natural("left")) == pytest.approx(0.75)
    assert one_directional(natural("right")) == pytest.approx(0.75)
    assert one_directional(natural("both")) == pytest.approx(0.75 * 2 / 3 + 0.625 / 3)
    assert one_directional(natural("both")) == pytest.approx(0.7083, abs=5e-5)


def test_a_continuous_variable_has_no_one_directional_level():
    pool = TASK.draw_examples(100, split="test", generator=derived_generator(0))
    for name in ("difference", "distance"):
        interventions = sample_interventions(TASK.hypothesis(name), pool, count=100, generator=derived_generator(1))
        assert one_directional(interventions) is None


def test_levels_of_a_variable_with_three_values():
    model = CausalModel(
        [
            Variable(name="x"),
            Variable(name="level", parents=("x",), mechanism=lambda x: x.long(), values=(0, 1, 2)),
            Variable(name="high", parents=("level",), mechanism=lambda level: (level == 2).long(), values=(0, 1)),
        ],
        output="high",
    )
    settings = enumerate_settings(model, {"level": None})
    hypothesis = Hypothesis(name="h", model=model, variables=("level",))
    # the label changes if exactly one of base and source has the value 2
    assert no_effect(enumerate_interventions(hypothesis, settings)) == pytest.approx(1 - 4 / 9)
    # never into 0: wrong only for source 0 and base 2, while never into 2 is wrong twice as often
    assert one_directional(enumerate_interventions(hypothesis, settings)) == pytest.approx(1 - 1 / 9)


@pytest.mark.parametrize("name", ["left", "right", "both"])
@pytest.mark.parametrize(
    ("carried", "iia"), [(("left", "right"), 1.0), (AND_NOR, 0.625), (("output",), 0.5), ((), 0.5)], ids=str
)
def test_ceilings_of_the_two_equalities(name, carried, iia):
    assert ceiling(natural(name), carried) == pytest.approx(iia)


@pytest.mark.parametrize(
    ("carried", "iia"), [(("left", "right"), 1.0), (AND_NOR, 1.0), (("output",), 0.6875), (("left",), None)], ids=str
)
def test_ceilings_of_the_symmetric_rival(carried, iia):
    reached = ceiling(natural("symmetric"), carried)
    assert reached < 1 if iia is None else reached == pytest.approx(iia)


@pytest.mark.parametrize("carried", [("left", "right"), AND_NOR, ("output",)], ids=str)
def test_every_site_that_determines_the_output_reaches_iia_one_for_the_output(carried):
    interventions = enumerate_interventions(Hypothesis(name="o", model=TASK.model, variables=("output",)), SETTINGS)
    assert ceiling(interventions, carried) == pytest.approx(1)
    assert no_effect(interventions) == pytest.approx(0.5)
    assert copy_source(interventions) == pytest.approx(1)


def test_other_frequencies_of_both_equal_give_other_levels():
    """Where both pairs are equal in half of the bases and sources, no effect scores 7/12 and the output 29/36."""
    balance = torch.where(SYMMETRIC.values["both_equal"] == 1, 1 / 2, 1 / 6).double()
    interventions = enumerate_interventions(single("both_equal"), replace(SYMMETRIC, probability=balance))
    assert no_effect(interventions) == pytest.approx(7 / 12)
    assert no_effect(interventions) == pytest.approx(0.583, abs=5e-4)
    assert ceiling(interventions, ("output",)) == pytest.approx(29 / 36)
    assert ceiling(interventions, ("output",)) == pytest.approx(0.806, abs=5e-4)


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_the_ceiling_of_a_site_that_carries_more_is_no_lower(name, sampling):
    interventions = enumerate_interventions(TASK.hypothesis(name), SYMMETRIC, sampling=sampling)
    increasing = [(), ("output",), AND_NOR, ("left", "right")]
    reached = [ceiling(interventions, carried) for carried in increasing]
    assert all(more >= less - 1e-12 for less, more in itertools.pairwise(reached))  # some are equal, but for rounding
    assert reached[-1] == pytest.approx(1)
    assert max(no_effect(interventions), copy_source(interventions)) <= reached[1] + 1e-12


@pytest.mark.parametrize("name", ["left", "both"])
def test_a_ceiling_is_the_score_of_the_best_answers(name):
    """Compared with the best answer for each kind and each combination of outputs on base and swapped sources."""
    interventions = natural(name)
    hypothesis = interventions.hypothesis
    # a site that carries only the output distinguishes the kind and the outputs on base and swapped sources
    observed = [interventions.kind, interventions.base["output"]]
    for variable in hypothesis.variables:
        swapped = torch.tensor([variable in kind for kind in hypothesis.kinds])[interventions.kind]
        observed.append(torch.where(swapped, interventions.sources[variable]["output"], 2))
    code = sum(part * 3**i for i, part in enumerate(observed))
    groups = code.unique()
    best = 0.0
    for group in groups:
        inside = code == group
        best += max(
            float(interventions.probability[inside & (interventions.label == answer)].sum()) for answer in (0, 1)
        )
    assert ceiling(interventions, ("output",)) == pytest.approx(best)
