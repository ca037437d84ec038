"""Rival hypotheses: their labels, and their scores in networks whose mechanism is known."""

from __future__ import annotations

import math

import pytest
import torch
from edges import same_answers
from made_runs import made_run
from networks_by_hand import hand_wired, known_subspace

import interlocus as il
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import group
from interlocus.causal.interventions import counterfactual_labels, draw, kind_rows
from interlocus.core.errors import AlignmentError, CausalModelError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.report.page.page import write_report
from interlocus.report.terminal.output import show_run
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.chance_levels import chance_levels

TASK = HierarchicalEquality()
RIVALS = ("identity", "difference", "distance", "symmetric", "count", "output", "cross")
SAMPLINGS = ("natural", "balanced")
POOL = TASK.draw_examples(4000, split="train", generator=derived_generator(0, "pool"), for_hypotheses=RIVALS)
BATCH = 3000
SMALL = Budget(pool=4096, held_out=2048, partners=256, batch=128, check_every=25, validation=512, test=1500)


def ask(name: str, sampling: str = "natural"):
    return draw(POOL, TASK.hypothesis(name), shape=(BATCH,), sampling=sampling, generator=derived_generator(1, name))


def items(rows: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(zip("abcd", POOL.inputs[rows].split(4, dim=1), strict=True))


def same(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one == other).all(1).long()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", RIVALS)
def test_labels_follow_from_the_items(name, sampling):
    asked = ask(name, sampling)
    base, source = items(asked.base), items(asked.sources[0])
    left, right = ((same(one["a"], one["b"]), same(one["c"], one["d"])) for one in (source, base))
    base_right, source_agrees = right[1], (left[0] == left[1]).long()
    expected = {
        "identity": lambda: same(source["a"], base["b"]) == base_right,
        "difference": lambda: left[0] == base_right,
        "distance": lambda: left[0] == base_right,
        "count": lambda: source_agrees == 1,
        "output": lambda: source_agrees == 1,
        "cross": lambda: same(source["a"], source["c"]) == same(base["b"], base["d"]),
    }
    if name in expected:
        assert torch.equal(asked.labels, expected[name]().long())
        changed = float((asked.labels != POOL.values["output"][asked.base]).double().mean())
        # naturally the pool's own shares come in
        assert abs(changed - 0.5) < 5 * math.sqrt(0.25 * (1 / BATCH + 2 / POOL.count))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_half_of_the_sources_of_an_identity_match_their_base(sampling):
    asked = ask("identity", sampling)
    base, source = items(asked.base), items(asked.sources[0])
    fits = same(source["a"], base["b"]).double().mean()
    assert abs(float(fits) - 0.5) < 5 * math.sqrt(0.25 / BATCH)
    # what fits is an example like others: its own pairs are equal in one half
    matched = slice(POOL.matched["a"], POOL.matched["a"] + POOL.count)
    for name in ("left", "right"):
        assert abs(float(POOL.values[name][matched].double().mean()) - 0.5) < 5 * math.sqrt(0.25 / POOL.count)
    assert torch.equal(*(POOL.inputs[rows, columns] for rows, columns in (
        (matched, slice(0, 4)), (slice(0, POOL.count), slice(4, 8)))))  # fmt: skip


def test_examples_of_the_cross_rival_distinguish_it_and_have_its_class():
    rows = POOL.rows(TASK.hypothesis("cross"))
    assert (ask("cross").base >= rows.start).all()
    one = items(torch.arange(rows.start, rows.stop))
    first, second = same(one["a"], one["c"]), same(one["b"], one["d"])
    left, right = same(one["a"], one["b"]), same(one["c"], one["d"])
    assert torch.equal((first == second).long(), (left == right).long())
    for bit in (first, second, left, right, first & left):
        share = 0.25 if bit is not first and torch.equal(bit, first & left) else 0.5
        assert abs(float(bit.double().mean()) - share) < 5 * math.sqrt(0.25 / POOL.count)
    natural = items(torch.arange(POOL.count))
    assert not same(natural["a"], natural["c"]).any()


@pytest.mark.parametrize("name", ["difference", "distance"])
def test_variables_on_the_way_to_left_have_the_labels_of_left(name):
    asked = ask(name)
    assert torch.equal(asked.labels, counterfactual_labels(POOL, TASK.hypothesis("left"), asked.base, asked.sources))


@pytest.mark.parametrize("name", ["identity", "cross"])
def test_a_pool_without_examples_of_its_own_is_refused(name, fails):
    bare = TASK.draw_examples(10, split="train", generator=derived_generator(0))
    with fails(SpecificationError, repr(name), "for_hypotheses"):
        draw(bare, TASK.hypothesis(name), shape=(4,), generator=derived_generator(0))


def test_what_a_task_has_no_examples_for_is_refused(fails):
    drawn = TASK.sample(4, split="train", generator=derived_generator(0))
    with fails(CausalModelError, "'d'"):
        TASK.matched(drawn, "d", split="train", generator=derived_generator(0))
    with fails(CausalModelError, "'left'"):
        TASK.apart("left", 4, split="train", generator=derived_generator(0))


def test_cells_of_a_continuous_variable_say_whether_the_label_changes():
    hypothesis, asked = TASK.hypothesis("identity"), ask("identity")
    grouping = group(hypothesis, asked, POOL)
    assert grouping.names == (("a", "stays"), ("a", "changes"))
    changes = asked.labels != POOL.values["output"][asked.base]
    assert torch.equal(grouping.one_hot.argmax(1), changes.long())
    assert [rows for _, rows in kind_rows(hypothesis, BATCH)] == [slice(0, BATCH)]


def aligned(hypothesis: str, directions: torch.Tensor, site: str) -> il.Alignment:
    return il.Alignment(
        site=site, hypothesis=hypothesis, variables=TASK.hypothesis(hypothesis).variables, featurizer="rotation",
        network=hand_wired().fingerprint(), task=TASK.name, frames=Frames(read=directions, write=directions.clone()),
    )  # fmt: skip


def test_an_item_can_be_exchanged_where_the_items_are():
    score = evaluate(aligned("identity", torch.eye(16)[None, :4], "input"), hand_wired(), TASK, budget=SMALL)
    assert score.iia > 0.999
    assert score.worst_transition > 0.995


def test_an_item_cannot_be_exchanged_where_only_differences_are():
    left = known_subspace()[:1]
    score = evaluate(aligned("identity", left, "layer1"), hand_wired(), TASK, budget=SMALL)
    assert (
        abs(score.iia - chance_levels(TASK, TASK.hypothesis("identity")).no_effect)
        < 5 * math.sqrt(0.25 / score.count) + 0.02
    )
    assert score.worst_transition < 0.6
    for name in ("difference", "distance"):
        assert evaluate(aligned(name, left, "layer1"), hand_wired(), TASK, budget=SMALL).iia > 0.999


def test_cross_pairs_are_nowhere_in_a_network_that_compares_others():
    score = evaluate(aligned("cross", known_subspace()[:1], "layer1"), hand_wired(), TASK, budget=SMALL)
    assert abs(score.iia - 0.5) < 5 * math.sqrt(0.25 / score.count) + 0.02


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_can_be_searched_by_its_name(name):
    found = il.search(
        hand_wired(), TASK, hypothesis=name, site="layer2", sizes=(1,), budget=SMALL, phases=(Phase(steps=25),),
        starts={"random": 1, "covariance": 1},
    )  # fmt: skip
    again = evaluate(found.best(network=0, size=1), hand_wired(), TASK, budget=SMALL)
    assert same_answers(again, found.score(network=0, size=1))


def test_restoring_sources_of_the_cross_rival_are_its_own_examples():
    asked = draw(POOL, TASK.hypothesis("cross"), shape=(600,), sampling="restoring", generator=derived_generator(1))
    base, source = items(asked.base), items(asked.sources[0])
    assert not same(base["a"], base["c"]).any()
    assert same(source["a"], source["c"]).all()


def test_only_variables_with_declared_values_are_extracted_and_on_their_own_examples(fails):
    with fails(AlignmentError, "'a'", "features"):
        aligned("identity", torch.eye(16)[None, :4], "input").fitted(hand_wired(), TASK)
    fitted = aligned("cross", torch.eye(16)[None, :4] - torch.eye(16)[None, 8:12], "input").fitted(hand_wired(), TASK)
    assert fitted.read_outs["first_equal"].accuracy > 0.99


def test_a_phase_that_keeps_states_natural_takes_every_rival():
    for name in ("identity", "cross", "difference"):
        phase = Phase(steps=25, latent=0.5)
        il.search(hand_wired(), TASK, hypothesis=name, site="layer2", sizes=(1,), budget=SMALL, phases=(phase,))


def test_closed_form_starts_find_a_continuous_variable():
    """No step is made: the codes of a − b have one at zero, which is the contrast that left has."""
    found = il.search(
        hand_wired(), TASK, hypothesis="difference", site="input", sizes=(4,), budget=SMALL,
        phases=(Phase(steps=1, learning_rate=1e-9),), starts={"covariance": 1},
    )  # fmt: skip
    assert found.iia[0, 0] > 0.95


def test_tables_pages_and_answers_work_without_a_one_directional_chance_level(tmp_path, capsys):
    searches = [{"hypotheses": ["identity", "left"], "sizes": [1, 2]}]
    run = made_run(tmp_path, searches=searches, task={"name": "hierarchical_equality", "item_width": 2})
    identity, left = (next(line for line in run.lines if line.hypothesis == name) for name in ("identity", "left"))
    assert (identity.one_directional, left.one_directional) == (None, 0.75)
    assert identity.chance_level == identity.no_effect
    assert {row.chance_levels for row in run.table if row.hypothesis == "identity"} == {"drawn"}
    assert {row.chance_levels for row in run.table if row.hypothesis == "left"} == {"enumerated"}
    assert all("one-directional" not in run.group_sentences[group] for group in run.group_sentences)
    assert "identity" in write_report(run).read_text()
    for as_json in (False, True):
        show_run(run, as_json=as_json)
        assert "identity" in capsys.readouterr().out
