import pytest
import torch
from edges import same_answers
from networks_by_hand import hand_wired, mean_coded, mean_coded_directions

import interlocus as il
from interlocus.alignment.evaluation import evaluate
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import FEATURIZERS
from interlocus.networks import MLP
from interlocus.searches import engine
from interlocus.searches.budget import Budget, Phase
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
    # a search ends with `solved` on its validation examples; the score is counted on others
    assert result.iia[0, 0] > SMALL.solved - 5 * (0.01 * 0.99 * (1 / SMALL.validation + 1 / SMALL.test)) ** 0.5
    assert result.score(network=0, size=1).worst_transition > 0.9
    best = result.best(network=0, size=1)
    for variable, direction in zip(("left", "right"), mean_coded_directions(), strict=True):
        # an exchange goes cos² of the way, and half of the way turns the answer
        assert abs(float(best.basis(variable).T @ direction)) > 0.5**0.5


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
    """Up to how products round, which decides an answer here and there; another search's would be off by dozens."""
    networks, asked = MLP.untrained(TASK, count=3, seed=2), {"phases": (Phase(steps=25),)}
    together = found(networks, **asked)
    monkeypatch.setattr(engine, "CHUNK_BYTES", 1)  # every problem by itself
    apart = found(networks, **asked)
    alone = found(networks[1], **asked)
    edge, same = 2.5 / SMALL.validation, []
    for size in (1, 2):
        wanted, frames = together.restarts(network=1, size=size), together.best(network=1, size=size).frames.read
        for other, network in ((apart, 1), (alone, 0)):
            for one, again in zip(wanted.restarts, other.restarts(network=network, size=size).restarts, strict=True):
                assert (again.start, again.restart, again.steps) == (one.start, one.restart, one.steps)
                assert again.begin == pytest.approx(one.begin, abs=edge)
                assert again.last == pytest.approx(one.last, abs=edge)
            found_again = other.best(network=network, size=size).frames.read
            same.append(torch.allclose(found_again, frames, atol=1e-3))
    assert sum(same) >= len(same) - 1  # where two states score alike an answer decides between them


def test_a_search_that_is_solved_retires_and_frees_its_place():
    result = found(mean_coded(), site="layer3", sizes=(2,), starts={"random": 3}, phases=(Phase(steps=400),))
    restarts = result.restarts(network=0, size=2).restarts
    solved = [restart for restart in restarts if restart.outcome == "solved"]
    assert any(restart.steps < 400 for restart in solved)
    assert all(restart.validation >= SMALL.solved for restart in solved)


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
    assert same_answers(again, result.score(network=1, size=2))


def test_hypotheses_are_stacked_without_mixing():
    """Left and right searched in one stack give what each gives alone, up to answers on an edge."""
    networks = hand_wired()
    data = DataSplits.draw(TASK, SMALL, seed=0)

    def solved(*names: str) -> dict[str, list[float]]:
        request = engine.Request(
            site="layer2", hypotheses=tuple(TASK.hypothesis(name) for name in names), sizes=(1,),
            featurizer=il.featurizers.Rotation(), starts=((il.starts.Random(), 2),), phases=(Phase(steps=50),),
            budget=SMALL, seed=0,
        )  # fmt: skip
        found = engine.solve(networks, data, request)
        return {f.hypothesis: [v for one in f.sizes[0].restarts for v in (one.begin, one.validation)] for f in found}

    together = solved("left", "right")
    for name in ("left", "right"):
        assert together[name] == pytest.approx(solved(name)[name], abs=4.5 / SMALL.validation)
    # what would come of a mixture is farther away than that
    assert together["left"] != pytest.approx(together["right"], abs=20 / SMALL.validation)


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
