"""Laws of interventions that are drawn from examples."""

from __future__ import annotations

import pytest
import torch

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import draw, kind_rows, swapped_rows
from interlocus.causal.model import CausalModel, Variable
from interlocus.core.errors import CausalModelError, SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
POOL = TASK.draw_examples(4000, split="train", generator=derived_generator(0, "pool"), partners_of=("left", "right"))
BATCH = 3000
HYPOTHESES = ("left", "right", "both", "symmetric")


def drawn(name: str, sampling: str = "natural", seed: int = 0, shape: tuple[int, ...] = (BATCH,)):
    hypothesis = TASK.hypothesis(name)
    return hypothesis, draw(POOL, hypothesis, shape=shape, sampling=sampling, generator=derived_generator(seed, "draw"))


def equalities(rows: torch.Tensor) -> dict[str, torch.Tensor]:
    """The variables, computed from the inputs of the network."""
    a, b, c, d = POOL.inputs[rows].split(4, dim=-1)
    left, right = (a == b).all(-1).long(), (c == d).all(-1).long()
    return {"left": left, "right": right, "both_equal": left * right, "none_equal": (1 - left) * (1 - right)}


def answer(name: str, values: dict[str, torch.Tensor]) -> torch.Tensor:
    if name == "symmetric":
        return ((values["both_equal"] == 1) | (values["none_equal"] == 1)).long()
    return (values["left"] == values["right"]).long()


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", HYPOTHESES)
def test_labels_follow_each_variable_from_its_own_source(name, sampling):
    hypothesis, interventions = drawn(name, sampling)
    values = equalities(interventions.base)
    for variable, source in zip(hypothesis.variables, interventions.sources, strict=True):
        values[variable] = equalities(source)[variable]
    assert torch.equal(interventions.labels, answer(name, values))


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_labels_of_minimal_pairs_follow_each_variable_from_its_own_source(name):
    hypothesis, interventions = drawn(name, "minimal_pairs")
    values = equalities(interventions.base)
    for variable, source in zip(hypothesis.variables, interventions.sources, strict=True):
        values[variable] = equalities(source)[variable]
    assert torch.equal(interventions.labels, answer(name, values))


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_a_joint_intervention_uses_two_different_sources(sampling):
    hypothesis, interventions = drawn("both", sampling)
    (joint,) = (rows for kind, rows in kind_rows(hypothesis, BATCH) if len(kind) == 2)
    first, second = interventions.sources[:, joint]
    # two independent draws from a pool of P rows meet in 1 of P: here n = 1000 and P = 4000, and 5 or more with 7e-6
    assert (first == second).sum() <= 4
    values = [equalities(rows) for rows in (first, second)]
    expected = (values[0]["left"] == values[1]["right"]).long()
    assert torch.equal(interventions.labels[joint], expected)
    # exchanging the two sources gives other labels (not for minimal pairs, where both variables change or neither)
    if sampling != "minimal_pairs":
        assert (expected != (values[1]["left"] == values[0]["right"]).long()).any()


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
@pytest.mark.parametrize("name", ["left", "both", "three"])
def test_the_source_of_a_variable_that_is_not_swapped_is_the_base(name, sampling):
    hypothesis = THREE if name == "three" else TASK.hypothesis(name)
    pool = THREE_POOL if name == "three" else POOL
    interventions = draw(pool, hypothesis, shape=(2, BATCH), sampling=sampling, generator=derived_generator(0))
    for variable, source, place in zip(hypothesis.variables, interventions.sources, interventions.places, strict=True):
        inside = torch.zeros(BATCH, dtype=torch.bool)
        inside[place] = True
        for kind, rows in kind_rows(hypothesis, BATCH):
            if variable in kind:
                assert inside[rows].all()
                assert (source[:, rows] != interventions.base[:, rows]).float().mean() > 0.9
            else:
                assert torch.equal(source[:, rows], interventions.base[:, rows])


def identity(value: torch.Tensor) -> torch.Tensor:
    return (value > 0).long()


_BITS = [Variable(name=n, parents=(n.upper(),), mechanism=identity, values=(0, 1)) for n in "pqr"]
THREE = Hypothesis(
    name="three",
    model=CausalModel(
        [
            *(Variable(name=n) for n in "PQR"),
            *_BITS,
            Variable(name="o", parents=("p", "q", "r"), mechanism=lambda p, q, r: p ^ q ^ r, values=(0, 1)),
        ],
        output="o",
    ),
    variables=("p", "q", "r"),
)


def _three_pool() -> Examples:
    drawn = {name: torch.randn(1000, generator=derived_generator(0, name)) for name in "PQR"}
    parts = [drawn] + [drawn | {name: -drawn[name]} for name in "PQR"]
    given = {name: torch.cat([part[name] for part in parts]) for name in "PQR"}
    values = {name: value for name, value in THREE.model.run(given).items() if name in THREE.model.discrete}
    first = {name: 1000 * (i + 1) for i, name in enumerate("pqr")}
    return Examples(inputs=torch.stack(list(given.values()), 1), values=values, count=1000, partners=first)


THREE_POOL = _three_pool()


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_three_variables_are_swapped_alone_and_jointly(sampling):
    interventions = draw(THREE_POOL, THREE, shape=(BATCH,), sampling=sampling, generator=derived_generator(0))
    bits = [(THREE_POOL.inputs[source, i] > 0).long() for i, source in enumerate(interventions.sources)]
    assert torch.equal(interventions.labels, bits[0] ^ bits[1] ^ bits[2])


@pytest.mark.parametrize("name", ["left", "both"])
@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 511, 512])
def test_kinds_divide_a_batch_into_equal_slices(name, batch):
    hypothesis = TASK.hypothesis(name)
    layout = kind_rows(hypothesis, batch)
    assert tuple(kind for kind, _ in layout) == hypothesis.kinds
    assert [row for _, rows in layout for row in range(batch)[rows]] == list(range(batch))
    shares = [rows.stop - rows.start for _, rows in layout]
    assert max(shares) - min(shares) <= 1


def test_the_place_of_a_variable_is_the_smallest_slice_with_its_kinds():
    hypothesis = TASK.hypothesis("both")
    layout = kind_rows(hypothesis, 9)
    assert [swapped_rows(layout, variable) for variable in hypothesis.variables] == [slice(0, 6), slice(3, 9)]


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_balanced_sampling_changes_half_of_the_labels_of_each_kind(name):
    hypothesis, interventions = drawn(name, "balanced")
    before = answer(name, equalities(interventions.base))
    for _, rows in kind_rows(hypothesis, BATCH):
        changed = (interventions.labels[rows] != before[rows]).sum()
        # each of 16 candidates changes the label with probability ½; of 3000 rows four or more miss with 1e-7
        assert abs(changed - (rows.stop - rows.start) / 2) <= 0.5 + 3


def test_balanced_sampling_changes_half_of_the_labels_that_rarely_change():
    """No pair is equal in a quarter of the sources: natural sampling changes 5 in 16 labels, balanced sampling 8."""
    hypothesis = Hypothesis(name="h", model=TASK.hypothesis("symmetric").model, variables=("none_equal",))
    interventions = draw(POOL, hypothesis, shape=(BATCH,), sampling="balanced", generator=derived_generator(0))
    before = equalities(interventions.base)
    changed = (interventions.labels != answer("symmetric", before)).float()
    free = before["both_equal"] == 0  # with both pairs equal the label is one whatever none_equal is
    assert changed[~free].sum() == 0
    count = int(free.sum())
    # every second row is to change; a share (¾)¹⁶ of them at most finds no source among its candidates
    assert abs(changed[free].mean() - 0.5) < 5 * 0.5 / count**0.5 + 0.75**16


def test_balanced_sampling_draws_the_same_bases_as_natural_sampling():
    _, natural = drawn("both", "natural")
    _, balanced = drawn("both", "balanced")
    assert torch.equal(natural.base, balanced.base)


@pytest.mark.parametrize(("name", "columns"), [("left", slice(4, 8)), ("right", slice(12, 16))])
def test_minimal_pairs_differ_in_one_item_and_one_variable_only(name, columns):
    _, interventions = drawn(name, "minimal_pairs")
    base, source = POOL.inputs[interventions.base], POOL.inputs[interventions.sources[0]]
    changed = torch.zeros(16, dtype=torch.bool)
    changed[columns] = True
    assert torch.equal(base[:, ~changed], source[:, ~changed])
    assert (base[:, changed] != source[:, changed]).any(1).all()
    before, after = equalities(interventions.base), equalities(interventions.sources[0])
    for variable in ("left", "right"):
        assert ((before[variable] != after[variable]) == (variable == name)).all()


def test_each_source_of_a_joint_minimal_pair_differs_in_its_variable_only():
    hypothesis, interventions = drawn("both", "minimal_pairs")
    before = equalities(interventions.base)
    for variable, source, place in zip(hypothesis.variables, interventions.sources, interventions.places, strict=True):
        after = equalities(source)
        for other in hypothesis.variables:
            differs = before[other][place] != after[other][place]
            assert (differs == (other == variable)).all()


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_bases_are_drawn_from_all_free_examples(sampling):
    _, interventions = drawn("both", sampling, shape=(20, BATCH))
    assert interventions.base.min() >= 0
    assert interventions.base.max() < POOL.count
    # each of 4000 rows is missed by 60,000 draws with probability e⁻¹⁵
    assert len(interventions.base.unique()) == POOL.count


def test_natural_and_balanced_sampling_use_no_partners():
    for sampling in ("natural", "balanced"):
        _, interventions = drawn("both", sampling)
        assert interventions.sources.max() < POOL.count


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_the_generator_decides(sampling):
    (_, first), (_, again), (_, different) = (drawn("both", sampling, seed) for seed in (0, 0, 1))
    assert torch.equal(first.base, again.base)
    assert torch.equal(first.sources, again.sources)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.base, different.base)


def test_the_global_generator_is_unchanged():
    before = torch.random.get_rng_state()
    drawn("both", "balanced")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_an_index_selects_steps_of_all_fields(sampling):
    hypothesis, interventions = drawn("both", sampling, shape=(5, 90))
    assert interventions.base.shape == interventions.labels.shape == (5, 90)
    assert interventions.sources.shape == (2, 5, 90)
    step = interventions[3]
    assert torch.equal(step.base, interventions.base[3])
    assert torch.equal(step.sources, interventions.sources[:, 3])
    values = equalities(step.base)
    for variable, source in zip(hypothesis.variables, step.sources, strict=True):
        values[variable] = equalities(source)[variable]
    assert torch.equal(step.labels, answer("both", values))
    assert step.places == interventions.places
    assert interventions[1:3].sources.shape == (2, 2, 90)


def test_minimal_pairs_are_refused_where_there_are_none(fails):
    bare = TASK.draw_examples(10, split="train", generator=derived_generator(0))
    with fails(SpecificationError, "'left'"):
        draw(bare, TASK.hypothesis("left"), shape=(4,), sampling="minimal_pairs", generator=derived_generator(0))
    with fails(SpecificationError, "'both_equal'"):
        draw(POOL, TASK.hypothesis("symmetric"), shape=(4,), sampling="minimal_pairs", generator=derived_generator(0))


def test_an_unknown_sampling_is_refused(fails, unchecked):
    with fails(UnknownNameError, "Did you mean 'balanced'?"):
        drawn("both", "balance")


def test_variables_that_depend_on_each_other_are_refused_in_one_hypothesis(fails):
    with fails(CausalModelError, "'output'", "'left'"):
        Hypothesis(name="nested", model=TASK.model, variables=("left", "output"))


@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_restoring_draws_bases_without_and_sources_with_the_last_value(name):
    hypothesis, interventions = drawn(name, "restoring")
    before = equalities(interventions.base)
    for kind, rows in kind_rows(hypothesis, BATCH):
        for variable, sources in zip(hypothesis.variables, interventions.sources, strict=True):
            if variable in kind:
                assert (before[variable][rows] == 0).all()
                assert (equalities(sources)[variable][rows] == 1).all()
            else:
                assert torch.equal(sources[rows], interventions.base[rows])
    values = dict(before)
    for variable, source in zip(hypothesis.variables, interventions.sources, strict=True):
        values[variable] = equalities(source)[variable]
    assert torch.equal(interventions.labels, answer(name, values))
    assert 0.4 < before["right" if name == "left" else "left"][: BATCH // 3].float().mean() < 0.6 or name != "left"


def test_restoring_needs_values_and_examples(fails):
    hypothesis = TASK.hypothesis("left")
    item = Hypothesis(name="item", model=hypothesis.model, variables=("a",))
    with fails(SpecificationError, "'a'", "restoring"):
        draw(POOL, item, shape=(10,), sampling="restoring", generator=derived_generator(0))
    never = Examples(inputs=POOL.inputs[:50], values={k: v[:50] for k, v in POOL.values.items()}, count=50)
    never.values["left"] = torch.zeros(50, dtype=torch.long)
    with fails(SpecificationError, "left has its last value"):
        draw(never, hypothesis, shape=(10,), sampling="restoring", generator=derived_generator(0))
