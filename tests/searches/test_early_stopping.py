"""A portfolio with a budget: short runs of every start, the better half goes on."""

import pytest
import torch
from networks_by_hand import hand_wired, mean_coded
from small_searches import RACE, SMALL, TASK, found

import interlocus as il
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.studies.executors import Local
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study

RACING = """
task: {name: hierarchical_equality, item_width: 2}
networks: [{name: blank, activation: relu, hidden: [8, 8], count: 2, trained: false}]
sites: [layer1]
searches: [{hypotheses: [both], sizes: [1, 2]}, {hypotheses: [left], sizes: [2]}]
starts: {random: 2, covariance: 1, nested: 1}
phases: [{steps: 40}]
controls: []
budget:
  {pool: 2048, held_out: 1024, partners: 256, batch: 64, check_every: 20, validation: 256, test: 600,
   halving_interval: 20}
"""


def steps(result: il.SearchResult) -> list[int]:
    return [a.steps for finding in result.results for size in finding.sizes for a in size.restarts]


def ledger(validation: list[float], *, problems: int = 1, halving_interval: int | None = 20, **about) -> EarlyStopping:
    """Searches that stand there; the first half of a problem's is of one size, the rest of another."""
    count = len(validation) // problems
    budget = Budget(halving_interval=halving_interval)
    rivals = [range(count // 2), range(count // 2, count)]
    made = EarlyStopping(
        torch.zeros(len(validation), 1), torch.tensor(validation), (problems, count), budget, rivals, **about
    )
    made.begin_phase(0)
    return made


def test_at_each_rung_the_better_half_of_each_problem_and_size_goes_on():
    book = ledger([0.5, 0.9, 0.7, 0.6, 0.1, 0.2, 0.9, 0.1, 0.2, 0.3, 0.3, 0.3], problems=2)
    book.halve(10)
    assert book.alive.all()
    book.halve(20)
    assert book.alive.tolist() == [
        [False, True, True, True, False, True],
        [True, False, True, True, True, False],  # of equals the first
    ]
    book.halve(30)
    assert book.alive.sum() == 8
    book.halve(40)
    assert book.alive.sum() == 4
    book.halve(60)
    assert book.alive.sum() == 4  # one of each size is left, and goes its way
    assert book.outcome.count("halved") == 8


def test_who_is_outrun_does_not_come_back_in_a_later_phase():
    book = ledger([0.5, 0.9, 0.7, 0.6])
    book.halve(20)
    book.begin_phase(25)
    assert book.alive.tolist() == [[False, True, True, False]]
    assert book.outcome == ["halved", "budget", "budget", "halved"]
    book.halve(10)  # 35 steps in all
    assert book.alive.sum() == 2
    assert ledger([0.5, 0.9, 0.7, 0.6]).alive.all()


def test_sizes_that_are_learned_are_left_out_of_the_race():
    book = ledger([0.5, 0.9, 0.7, 0.6], learns_size=True)
    book.halve(20)
    assert book.alive.all()


def test_without_rungs_nobody_is_outrun():
    book = ledger([0.5, 0.9, 0.7, 0.6], halving_interval=None)
    book.halve(500)
    assert book.alive.all()


def test_survivors_do_not_notice():
    """They meet the same batches and rates, so they end where they would have ended alone, up to how products round."""
    networks = MLP.untrained(TASK, count=2, seed=1)
    race, free = found(networks), found(networks, budget=SMALL)
    survivors = 0
    for one, other in zip(race.results, free.results, strict=True):
        for size, undisturbed in zip(one.sizes, other.sizes, strict=True):
            kinds = [restart.outcome for restart in size.restarts]
            assert kinds.count("halved") == 5  # of six three, two, one
            for restart, same in zip(size.restarts, undisturbed.restarts, strict=True):
                assert restart.begin == same.begin
                if restart.outcome != "halved":
                    assert (restart.steps, restart.outcome) == (same.steps, same.outcome)
                    assert restart.validation == pytest.approx(same.validation, abs=3.5 / RACE.validation)
                    assert restart.last == pytest.approx(same.last, abs=3.5 / RACE.validation)
                    survivors += 1
                else:
                    assert restart.steps in (20, 40, 60)
                    assert "halving_interval" in restart.hint
    assert survivors == 4
    assert sum(steps(race)) < 0.6 * sum(steps(free))


def test_the_best_set_of_neurons_is_in_the_portfolio_so_nothing_chosen_is_below_it():
    """Begun from it, every map scores what it scores; so what is chosen by validation does at least as well."""
    networks, edge = MLP.untrained(TASK, count=1, seed=1), 2.5 / RACE.validation  # answers on the edge of two classes
    for trained in (networks, hand_wired()):
        neurons = found(trained, featurizer="identity", starts={"neurons_greedy": 1})
        for featurizer in ("rotation", "linear"):
            portfolio = found(trained, featurizer=featurizer)
            for size in (1, 2):
                alone = neurons.restarts(network=0, size=size).best
                restarts = portfolio.restarts(network=0, size=size)
                (begun,) = [one for one in restarts.restarts if one.start == "neurons_greedy"]
                assert begun.begin == pytest.approx(alone.validation, abs=edge)
                assert restarts.best.validation >= alone.validation - edge


def test_it_is_kept_which_start_won():
    starts = {"random": 3, "mean_difference": 1}
    result = found(mean_coded(), site="layer3", sizes=(1,), starts=starts, phases=(Phase(steps=10),))
    (row,) = result.to_rows()
    best = result.restarts(network=0, size=1).best
    assert row["start"] == best.start == "mean_difference"
    assert row["outcome"] == best.outcome != "halved"


def test_a_race_is_the_same_with_workers_and_when_it_is_taken_up_again(tmp_path):
    study = Study.parse(RACING, "x")
    whole = run_study(study, tmp_path / "whole")
    assert not whole.failures
    run_study(study, tmp_path / "again", executor=Local(workers=2))
    kept = sorted((tmp_path / "again" / "records").glob("*.json"))
    for path in kept[::2]:
        path.unlink()
    run_study(study, tmp_path / "again")
    assert (tmp_path / "again" / "scores.csv").read_bytes() == whole.store.scores.read_bytes()
    outcomes = {a.outcome for r in whole.store.records.all().values() for size in r.sizes for a in size.restarts}
    assert "halved" in outcomes
    assert {a.start for r in whole.store.records.all().values() for a in r.sizes[0].restarts} == {
        "random",
        "covariance",
        "nested",
    }
    for path in (tmp_path / "whole" / "alignments").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / "alignments" / path.name).read_bytes()
