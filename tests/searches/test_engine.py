import pytest
import torch
from networks_by_hand import hand_wired, mean_coded, mean_coded_directions

import interlocus as il
from interlocus.alignment.evaluation import evaluate
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import FEATURIZERS
from interlocus.networks import MLP
from interlocus.searches import engine
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.request import Request
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.splits import DataSplits

TASK = HierarchicalEquality()
SMALL = Budget(pool=8192, held_out=4096, partners=2048, batch=128, check_every=25, validation=1024, test=3000)


def found(networks: MLP, **changes) -> il.SearchResult:
    asked = {"hypothesis": "both", "site": "layer2", "sizes": (1, 2), "budget": SMALL, "seed": 0}
    asked |= {"phases": (Phase(steps=100),)}
    return il.search(networks, TASK, **(asked | changes))


def test_a_planted_variable_is_found_in_one_dimension():
    result = found(mean_coded(), site="layer3", sizes=(1,), starts={"random": 4}, phases=(Phase(steps=300),))
    assert result.iia[0, 0] > 0.99
    assert result.score(network=0, size=1).worst_transition > 0.97
    best = result.best(network=0, size=1)
    for variable, direction in zip(("left", "right"), mean_coded_directions(), strict=True):
        assert abs(float(best.basis(variable).T @ direction)) > 0.9


def test_covariances_find_at_the_input_what_random_starts_miss():
    """(a − b) is there by construction; gradient search misses it, and the closed form finds it."""
    result = found(hand_wired(), site="input", hypothesis="left", sizes=(4,), starts={"random": 4, "covariance": 1})
    by_start = result.restarts(network=0, size=4).by_start()
    assert by_start["covariance"] > 0.99
    assert by_start["random"] < 0.9
    assert result.best(network=0, size=4).basis("left").shape == (16, 4)


def test_the_same_seed_gives_the_same_result_and_another_seed_another():
    networks = MLP.untrained(TASK, count=2, seed=1)
    one, same, other = found(networks), found(networks), found(networks, seed=1)
    assert (one.iia == same.iia).all()
    assert [f.sizes for f in one.results] == [f.sizes for f in same.results]
    torch.testing.assert_close(
        one.best(network=1, size=2).frames.read, same.best(network=1, size=2).frames.read, rtol=0, atol=0
    )
    assert not torch.equal(one.best(network=1, size=2).frames.read, other.best(network=1, size=2).frames.read)


def test_results_do_not_depend_on_how_problems_are_blocked(monkeypatch):
    networks = MLP.untrained(TASK, count=3, seed=2)
    together = found(networks)
    monkeypatch.setattr(engine, "CHUNK_BYTES", 1)  # every problem by itself
    apart = found(networks)
    alone = found(networks[1])
    for size in (1, 2):
        wanted = together.best(network=1, size=size).frames.read
        torch.testing.assert_close(apart.best(network=1, size=size).frames.read, wanted)
        torch.testing.assert_close(alone.best(network=0, size=size).frames.read, wanted)


def test_a_search_that_is_solved_retires_and_frees_its_place():
    result = found(mean_coded(), site="layer3", sizes=(2,), starts={"random": 3}, phases=(Phase(steps=400),))
    restarts = result.restarts(network=0, size=2).restarts
    solved = [restart for restart in restarts if restart.outcome == "solved"]
    assert solved
    assert all(restart.steps < 400 and restart.validation >= SMALL.solved for restart in solved)


def test_a_search_that_does_not_move_retires():
    result = found(MLP.untrained(TASK, count=1, seed=3), phases=(Phase(steps=1000),))
    for size in (1, 2):
        for restart in result.restarts(network=0, size=size).restarts:
            assert restart.outcome == "plateau"
            assert restart.steps < 1000


def test_the_best_state_by_validation_is_kept():
    """A learning rate that throws every state away cannot lower the score of a start."""
    result = found(
        hand_wired(), site="input", hypothesis="left", sizes=(4,), starts={"covariance": 1},
        phases=(Phase(steps=50, learning_rate=5.0),), budget=SMALL.model_copy(update={"solved": 1.0}),
    )  # fmt: skip
    restart = result.restarts(network=0, size=4).restarts[0]
    assert restart.validation >= restart.begin > 0.99
    assert result.iia[0, 0] > 0.99


def test_later_phases_go_on_from_the_best_state():
    phases = (Phase(steps=50, sampling="minimal_pairs"), Phase(steps=50), Phase(steps=50, loss="bounded"))
    short, long = found(hand_wired(), phases=phases[:2]), found(hand_wired(), phases=phases)
    for size in (1, 2):
        for before, after in zip(
            short.restarts(network=0, size=size).restarts, long.restarts(network=0, size=size).restarts, strict=True
        ):
            assert after.validation >= before.validation


def test_a_temperature_changes_the_way_and_one_does_not():
    networks = hand_wired()
    plain, one, hot = (
        found(networks, phases=(Phase(steps=25, **about),)).best(network=0, size=2).frames.read
        for about in ({}, {"temperature": 1.0}, {"temperature": 10.0})
    )
    assert torch.equal(plain, one)
    assert not torch.equal(plain, hot)


@pytest.mark.parametrize("featurizer", [name for name in FEATURIZERS if FEATURIZERS.get(name)().linear])
def test_a_score_can_be_measured_again(featurizer):
    networks = MLP.untrained(TASK, count=2, seed=4)
    result = found(networks, featurizer=featurizer, phases=(Phase(steps=25),))
    again = evaluate(result.best(network=1, size=2), networks[1], TASK, budget=SMALL, seed=0)
    assert again == result.score(network=1, size=2)


def test_hypotheses_are_stacked_without_mixing():
    """Left and right searched in one stack give what each gives alone."""
    networks = hand_wired()
    data = DataSplits.draw(TASK, SMALL, seed=0)

    def solved(*names: str) -> dict[str, float]:
        request = Request(
            site="layer2", hypotheses=tuple(TASK.hypothesis(name) for name in names), sizes=(1,),
            featurizer=il.featurizers.Rotation(), starts=((il.starts.Random(), 2),), phases=(Phase(steps=50),),
            budget=SMALL, seed=0,
        )  # fmt: skip
        return {f.hypothesis: f.sizes[0].best.score.iia for f in engine.solve(networks, data, request)}

    together = solved("left", "right")
    assert together["left"] == pytest.approx(solved("left")["left"], abs=2e-3)
    assert together["right"] == pytest.approx(solved("right")["right"], abs=2e-3)


def test_what_cannot_work_is_said_before_work_is_spent():
    networks = MLP.untrained(TASK, count=1)
    with pytest.raises(SpecificationError, match="sizes from 1 up to 8"):
        found(networks, site="layer1", sizes=(9,))
    with pytest.raises(UnknownNameError, match="'layer2'"):
        found(networks, site="layr2")
    with pytest.raises(UnknownNameError, match="rotation"):
        found(networks, featurizer="rotaton")
    with pytest.raises(UnknownNameError, match="covariance"):
        found(networks, starts={"covarance": 1})
    with pytest.raises(UnknownNameError, match="left"):
        found(networks, hypothesis="lefty")


def test_torch_keeps_the_threads_that_it_had():
    before = torch.get_num_threads()
    found(MLP.untrained(TASK, count=1), phases=(Phase(steps=1),))
    assert torch.get_num_threads() == before


def test_the_mistakes_of_a_network_are_told_apart_from_those_of_a_map():
    """A wrong answer to a base or a source says nothing of where the variable is."""
    network = mean_coded()
    broken = MLP(
        network.weights, [*network.biases[:-1], network.biases[-1] + torch.tensor([[0.6, 0.0]])], activation="relu"
    )
    result = found(broken, site="layer3", sizes=(1,), starts={"random": 4}, phases=(Phase(steps=200),))
    score = result.score(network=0, size=1)
    accuracy = broken.accuracy(TASK, seed=0)[0]
    assert score.solved_count == pytest.approx(score.count * accuracy, rel=0.5)
    assert score.iia_solved >= score.iia


def test_a_network_without_mistakes_solves_all():
    score = found(mean_coded(), site="layer3", sizes=(1,), starts={"random": 1}).score(network=0, size=1)
    assert score.solved_count == score.count
    assert score.iia_solved == score.iia
