"""Laws of the scores that are reached without the variable. Section 2 of the project's notes has the numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from scipy.stats import chi2

from interlocus.causal.chance_levels import ceiling, copy_source, no_effect, one_directional
from interlocus.causal.enumeration import enumerate_interventions, enumerate_settings, sample_interventions
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import CANDIDATES, draw, kind_rows
from interlocus.causal.model import CausalModel, Variable
from interlocus.core.errors import CausalModelError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SETTINGS = TASK.settings()
AND_NOR = ("both_equal", "none_equal")


def natural(name: str):
    return enumerate_interventions(TASK.hypothesis(name), SYMMETRIC if name == "symmetric" else SETTINGS)


def single(variable: str) -> Hypothesis:
    """One variable of the rival pair by itself."""
    return Hypothesis(name=variable, model=TASK.hypothesis("symmetric").model, variables=(variable,))


SYMMETRIC = enumerate_settings(TASK.hypothesis("symmetric").model, TASK.roots)


@pytest.mark.parametrize("name", ["left", "right", "both"])
@pytest.mark.parametrize(
    ("carried", "iia"), [(("left", "right"), 1.0), (AND_NOR, 0.625), (("output",), 0.5), ((), 0.5)], ids=str
)
def test_ceilings_of_the_two_equalities(name, carried, iia):
    assert ceiling(natural(name), carried) == pytest.approx(iia)


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_doing_nothing_to_an_equality_scores_a_half(name):
    assert no_effect(natural(name)) == pytest.approx(0.5)


def test_a_one_sided_swap_scores_three_quarters_of_one_variable_and_less_of_the_three_kinds():
    assert one_directional(natural("left")) == pytest.approx(0.75)
    assert one_directional(natural("right")) == pytest.approx(0.75)
    assert one_directional(natural("both")) == pytest.approx(0.75 * 2 / 3 + 0.625 / 3)
    assert one_directional(natural("both")) == pytest.approx(0.7083, abs=5e-5)


@pytest.mark.parametrize(
    ("carried", "iia"), [(("left", "right"), 1.0), (AND_NOR, 1.0), (("output",), 0.6875), (("left",), None)], ids=str
)
def test_ceilings_of_the_symmetric_rival(carried, iia):
    reached = ceiling(natural("symmetric"), carried)
    assert reached < 1 if iia is None else reached == pytest.approx(iia)


@pytest.mark.parametrize("variable", AND_NOR)
def test_doing_nothing_to_one_of_the_symmetric_pair_scores_eleven_sixteenths(variable):
    assert no_effect(enumerate_interventions(single(variable), SYMMETRIC)) == pytest.approx(0.6875)


def test_doing_nothing_to_the_symmetric_pair_scores_less_in_equal_thirds():
    # the joint kind scores ½, being two coins: (2 · 11/16 + 1/2) / 3
    assert no_effect(natural("symmetric")) == pytest.approx(0.625)


@pytest.mark.parametrize("carried", [("left", "right"), AND_NOR, ("output",)], ids=str)
def test_every_site_that_decides_on_the_output_lets_the_output_be_swapped(carried):
    asked = enumerate_interventions(Hypothesis(name="o", model=TASK.model, variables=("output",)), SETTINGS)
    assert ceiling(asked, carried) == pytest.approx(1)
    assert no_effect(asked) == pytest.approx(0.5)
    assert copy_source(asked) == pytest.approx(1)


def test_balanced_both_equal_has_other_floors():
    """With "both pairs are equal" true in half of bases and sources doing nothing scores 7/12, the output 29/36."""
    balance = torch.where(SYMMETRIC.values["both_equal"] == 1, 1 / 2, 1 / 6).double()
    asked = enumerate_interventions(single("both_equal"), replace(SYMMETRIC, probability=balance))
    assert no_effect(asked) == pytest.approx(7 / 12)
    assert no_effect(asked) == pytest.approx(0.583, abs=5e-4)
    assert ceiling(asked, ("output",)) == pytest.approx(29 / 36)
    assert ceiling(asked, ("output",)) == pytest.approx(0.806, abs=5e-4)


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_copying_the_source_is_right_about_an_equality_half_of_the_time(name):
    assert copy_source(natural(name)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_copying_a_source_of_a_joint_intervention_is_the_mean_over_its_sources(name):
    """Counted one intervention at a time, with sources that more often have an equal pair on the left."""
    hypothesis = TASK.hypothesis(name)
    often = replace(SYMMETRIC, probability=((1 + SYMMETRIC.values["left"]) / 6).double())
    asked = enumerate_interventions(hypothesis, SYMMETRIC, often)
    expected = 0.0
    for row, probability in enumerate(asked.probability.tolist()):
        swapped = hypothesis.kinds[int(asked.kind[row])]
        right = [bool(asked.sources[variable]["output"][row] == asked.label[row]) for variable in swapped]
        expected += probability * sum(right) / len(right)
    assert copy_source(asked) == pytest.approx(expected)


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_balanced_labels_change_in_half_and_minimal_pairs_change_each_single_label(name, sampling):
    hypothesis = TASK.hypothesis(name)
    asked = enumerate_interventions(hypothesis, SETTINGS, sampling=sampling)
    stays = asked.base["output"] == asked.label
    for index, kind in enumerate(hypothesis.kinds):
        inside = asked.kind == index
        share = float(asked.probability[inside & stays].sum() / asked.probability[inside].sum())
        assert share == pytest.approx({"minimal_pairs": 0.0 if len(kind) == 1 else 1.0}.get(sampling, 0.5))


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "right", "both", "symmetric"])
def test_what_is_counted_out_is_a_distribution_in_equal_shares_of_kinds(name, sampling):
    hypothesis = TASK.hypothesis(name)
    asked = enumerate_interventions(hypothesis, SYMMETRIC, sampling=sampling)
    assert (asked.probability >= 0).all()
    shares = torch.zeros(len(hypothesis.kinds), dtype=torch.float64).index_add_(0, asked.kind, asked.probability)
    assert torch.allclose(shares, torch.full_like(shares, 1 / len(shares)))
    for values in (asked.base, *asked.sources.values()):
        assert torch.equal(values["both_equal"], values["left"] & values["right"])
        assert torch.equal(values["none_equal"], (1 - values["left"]) & (1 - values["right"]))


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_a_site_that_carries_more_reaches_no_less(name, sampling):
    asked = enumerate_interventions(TASK.hypothesis(name), SYMMETRIC, sampling=sampling)
    chain = [(), ("output",), AND_NOR, ("left", "right")]
    reached = [ceiling(asked, carried) for carried in chain]
    assert all(more >= less - 1e-12 for less, more in itertools.pairwise(reached))  # some are equal, but for rounding
    assert reached[-1] == pytest.approx(1)
    assert max(no_effect(asked), copy_source(asked)) <= reached[1] + 1e-12


@pytest.mark.parametrize("name", ["left", "both"])
def test_ceilings_are_reached_by_the_best_answers_and_by_no_others(name):
    """Against every function of what is carried, tried one by one for the output at one kind of intervention."""
    asked = natural(name)
    hypothesis = asked.hypothesis
    # what a site with the output alone can tell apart: kind, and outputs of base and swapped sources
    seen = [asked.kind, asked.base["output"]]
    for variable in hypothesis.variables:
        swapped = torch.tensor([variable in kind for kind in hypothesis.kinds])[asked.kind]
        seen.append(torch.where(swapped, asked.sources[variable]["output"], 2))
    code = sum(part * 3**i for i, part in enumerate(seen))
    groups = code.unique()
    best = 0.0
    for group in groups:
        inside = code == group
        best += max(float(asked.probability[inside & (asked.label == answer)].sum()) for answer in (0, 1))
    assert ceiling(asked, ("output",)) == pytest.approx(best)


def test_sources_may_be_drawn_in_another_way_than_bases():
    unequal = replace(SETTINGS, probability=((1 - SETTINGS.values["left"]) / 2).double())
    asked = enumerate_interventions(TASK.hypothesis("left"), SETTINGS, unequal)
    swapped = asked.probability > 0
    assert (asked.sources["left"]["left"][swapped] == 0).all()
    # left becomes 0: the label is "right is 0", and doing nothing says "left is right"
    assert no_effect(asked) == pytest.approx(0.5)
    certain = replace(SETTINGS, probability=((1 - SETTINGS.values["left"]) * (1 - SETTINGS.values["right"])).double())
    assert no_effect(enumerate_interventions(TASK.hypothesis("left"), certain)) == pytest.approx(1.0)


def drawn(name: str, sampling: str, count: int):
    """Interventions from a pool, and the same counted out for bases and sources as frequent as in that pool."""
    task = HierarchicalEquality(item_width=1)
    pool = task.draw_examples(500, split="test", generator=derived_generator(3, name), partners_of=("left", "right"))
    hypothesis = task.hypothesis(name)
    asked = draw(pool, hypothesis, shape=(count,), sampling=sampling, generator=derived_generator(4, name, sampling))
    index = (2 * pool.values["left"] + pool.values["right"])[: pool.count]
    frequency = torch.bincount(index, minlength=4).double() / pool.count
    place = 2 * SYMMETRIC.values["left"] + SYMMETRIC.values["right"]
    exact = enumerate_interventions(hypothesis, replace(SYMMETRIC, probability=frequency[place]), sampling=sampling)
    return pool, asked, exact


@pytest.mark.parametrize(
    ("name", "sampling"),
    [(n, s) for n in ("left", "right", "both") for s in ("natural", "balanced", "minimal_pairs")]
    + [("symmetric", "natural")],
)
def test_what_is_counted_out_is_what_is_drawn(name, sampling):
    """All values on base and sources, with the label, are as frequent as they are probable (χ²)."""
    count = 30_000
    pool, asked, exact = drawn(name, sampling, count)
    kind = torch.cat(
        [torch.full((rows.stop - rows.start,), i) for i, (_, rows) in enumerate(kind_rows(exact.hypothesis, count))]
    )
    seen = [kind, asked.labels]
    probable = [exact.kind, exact.label]
    for rows, values in [(asked.base, exact.base), *zip(asked.sources, exact.sources.values(), strict=True)]:
        for variable in ("left", "right"):
            seen.append(pool.values[variable][rows])
            probable.append(values[variable])
    cells = torch.cat([torch.stack(probable, 1), torch.stack(seen, 1)])
    _, code = torch.unique(cells, dim=0, return_inverse=True)
    probability = torch.zeros(int(code.max()) + 1, dtype=torch.float64)
    probability.index_add_(0, code[: len(exact.kind)], exact.probability)
    found = torch.bincount(code[len(exact.kind) :], minlength=len(probability)).double()
    possible = probability > 0
    assert found[~possible].sum() == 0
    expected = count * probability[possible]
    assert expected.min() > 5
    statistic = float(((found[possible] - expected) ** 2 / expected).sum())
    assert statistic < chi2.ppf(1 - 1e-6, int(possible.sum()) - 1)


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_doing_nothing_scores_what_is_counted_out(name, sampling):
    count = 30_000
    pool, asked, exact = drawn(name, sampling, count)
    output = exact.hypothesis.model.output
    estimate = (pool.values[output][asked.base] == asked.labels).double().mean()
    # whatever can change or keep a label does so in one of the four settings at least; the candidates miss it so often
    rarest = min(float((pool.values["left"] * 2 + pool.values["right"] == place).double().mean()) for place in range(4))
    missed = 0.0 if sampling == "natural" else (1 - rarest) ** CANDIDATES
    assert abs(estimate - no_effect(exact)) < 5 * 0.5 / count**0.5 + missed


def test_settings_are_all_joint_values_with_their_probabilities():
    counted = enumerate_settings(TASK.model, {"left": (1.0, 3.0), "right": None})
    assert sorted(zip(counted.values["left"].tolist(), counted.values["right"].tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1)]  # fmt: skip
    assert float(counted.probability.sum()) == pytest.approx(1)
    assert torch.allclose(counted.probability, torch.where(counted.values["left"] == 1, 0.375, 0.125).double())
    assert torch.equal(counted.values["output"], (counted.values["left"] == counted.values["right"]).long())


def test_settings_of_one_root():
    model = CausalModel(
        [
            Variable(name="x"),
            Variable(name="level", parents=("x",), mechanism=lambda x: x.long(), values=(0, 1, 2)),
            Variable(name="high", parents=("level",), mechanism=lambda level: (level == 2).long(), values=(0, 1)),
        ],
        output="high",
    )
    counted = enumerate_settings(model, {"level": None})
    hypothesis = Hypothesis(name="h", model=model, variables=("level",))
    # the label changes if exactly one of base and source is at the top
    assert no_effect(enumerate_interventions(hypothesis, counted)) == pytest.approx(1 - 4 / 9)
    # never into 0: wrong only where the source is there and the base at the top; never into 2 would cost twice as much
    assert one_directional(enumerate_interventions(hypothesis, counted)) == pytest.approx(1 - 1 / 9)


def test_settings_that_cannot_be_counted_are_refused(fails):
    with fails(CausalModelError, "'a'"):
        enumerate_settings(TASK.model, {"a": None})
    with fails(CausalModelError, "left"):
        enumerate_settings(TASK.model, {"left": None})
    with fails(UnknownNameError, "Did you mean 'left'?"):
        enumerate_settings(TASK.model, {"lefd": None})


def test_minimal_pairs_of_what_is_no_root_cannot_be_counted(fails):
    with fails(CausalModelError, "'both_equal'"):
        enumerate_interventions(TASK.hypothesis("symmetric"), SYMMETRIC, sampling="minimal_pairs")


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_what_is_drawn_is_kept_with_its_kinds_and_sources(sampling):
    """Who sees both truth values, the kind and every source knows the label; who lacks one of them does not."""
    pool = TASK.draw_examples(4000, split="test", generator=derived_generator(0), partners_of=("left", "right"))
    asked = sample_interventions(
        TASK.hypothesis("both"), pool, count=9000, sampling=sampling, generator=derived_generator(1)
    )
    assert float(asked.probability.sum()) == pytest.approx(1)
    assert torch.bincount(asked.kind).tolist() == [3000, 3000, 3000]
    assert ceiling(asked, ("left", "right")) == pytest.approx(1)
    assert ceiling(asked, ()) < 0.75 or sampling == "minimal_pairs"
    if sampling == "natural":
        exact = natural("both")
        for carried in (AND_NOR, ("output",), ("left",)):
            deviation = (0.25 * (1 / 9000 + 3 / 4000)) ** 0.5
            assert abs(ceiling(asked, carried) - ceiling(exact, carried)) < 5 * deviation


def test_a_continuous_variable_has_no_one_sided_swap():
    pool = TASK.draw_examples(100, split="test", generator=derived_generator(0))
    for name in ("difference", "distance"):
        asked = sample_interventions(TASK.hypothesis(name), pool, count=100, generator=derived_generator(1))
        assert one_directional(asked) is None


def test_restoring_goes_from_another_value_to_the_last_one():
    asked = enumerate_interventions(TASK.hypothesis("left"), SETTINGS, sampling="restoring")
    asked_for = asked.probability > 0
    assert (asked.base["left"][asked_for] == 0).all()
    assert (asked.sources["left"]["left"][asked_for] == 1).all()
    assert float(asked.probability.sum()) == pytest.approx(1)
    assert no_effect(asked) == 0  # the label always changes
