"""Starts that follow others, and maps that may overlap, as the engine puts them to work."""

import pytest
import torch
from networks_by_hand import hand_wired, mean_coded
from small_searches import SMALL, TASK, found

from interlocus.core.errors import SpecificationError
from interlocus.featurizers import Linear
from interlocus.networks import MLP
from interlocus.searches import engine
from interlocus.searches.budget import Phase
from interlocus.searches.request import Request
from interlocus.searches.starts import AbstractStart, Random, StartContext
from interlocus.tasks.splits import DataSplits

FREE = {"budget": SMALL, "phases": (Phase(steps=20),)}


class Twice(AbstractStart):
    """The same direction for every feature: what no invertible map can begin with."""

    @property
    def name(self) -> str:
        return "twice"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[torch.Tensor, ...]:
        width = context.activations.shape[1]
        return tuple(torch.eye(width)[:1].expand(size, -1).contiguous() for size in sizes)


def test_nested_begins_from_what_others_found_at_other_sizes():
    """From four directions that hold both variables it prunes the two that do, and grows them without loss."""
    starts = {"random": 1, "mean_difference": 1, "nested": 1}
    result = found(mean_coded(), site="layer3", sizes=(1, 2), starts=starts, **FREE)
    for size in (1, 2):
        entry = result.restarts(network=0, size=size)
        (nested,) = [restart for restart in entry.restarts if restart.start == "nested"]
        (random,) = [restart for restart in entry.restarts if restart.start == "random"]
        assert nested.begin > 0.95 > random.begin


def test_what_follows_changes_nothing_of_what_it_follows():
    networks = MLP.untrained(TASK, count=2, seed=3)
    with_it, without = (
        found(networks, starts=starts, **FREE)
        for starts in ({"nested": 2, "random": 2, "covariance": 1}, {"random": 2, "covariance": 1})
    )
    for one, other in zip(with_it.results, without.results, strict=True):
        for size, same in zip(one.sizes, other.sizes, strict=True):
            assert [restart.start for restart in size.restarts] == ["nested"] * 2 + ["random"] * 2 + ["covariance"]
            assert size.restarts[2:] == same.restarts
            assert size.best.validation == max(restart.validation for restart in size.restarts)


def test_nested_follows_the_seed_and_not_the_blocks(monkeypatch):
    networks = MLP.untrained(TASK, count=2, seed=3)
    asked = {"starts": {"random": 1, "nested": 1}, "sizes": (1, {"left": 2, "right": 3}), **FREE}
    together, again = found(networks, **asked), found(networks, **asked)
    monkeypatch.setattr(engine, "CHUNK_BYTES", 1)
    apart = found(networks, **asked)
    assert together.results[0].sizes == again.results[0].sizes
    alike: list[bool] = []
    for one, other in zip(together.results, apart.results, strict=True):
        for maps, same in zip(one.frames, other.frames, strict=True):
            pairs = zip(maps.tensors().values(), same.tensors().values(), strict=True)
            alike.append(all(torch.allclose(*pair, atol=1e-3) for pair in pairs))
    assert sum(alike) >= len(alike) - 1  # where two states score alike, how products round decides between them


@pytest.mark.parametrize("featurizer", ["linear", "mask_rotation", "coupling", "rotation_overlapping", "identity"])
def test_nested_goes_with_every_kind_of_maps(featurizer):
    starts = {"covariance": 1, "nested": 1}
    result = found(mean_coded(), site="layer3", sizes=(1, 2), featurizer=featurizer, starts=starts, budget=SMALL,
                   phases=(Phase(steps=10),))  # fmt: skip
    for entry in result.results[0].sizes:
        assert [restart.start for restart in entry.restarts] == ["covariance", "nested"]
        assert entry.best.validation >= max(restart.begin for restart in entry.restarts)


def test_nested_alone_begins_at_random():
    result = found(MLP.untrained(TASK, count=1), starts={"nested": 1}, **FREE)
    assert [restart.start for entry in result.results[0].sizes for restart in entry.restarts] == ["nested"] * 2


def test_variables_that_may_overlap_take_up_to_the_whole_site_each():
    """Layer 1 of the wired network holds each pair in eight neurons of its own; more do no harm to one alone."""
    starts = {"covariance": 1}
    result = found(hand_wired(), sizes=(8, {"left": 16, "right": 9}), featurizer="rotation_overlapping", starts=starts,
                   budget=SMALL, phases=(Phase(steps=5),))  # fmt: skip
    best = result.best(network=0, size={"left": 16, "right": 9})
    assert best.sizes == {"left": 16, "right": 9}
    for variable in ("left", "right"):
        basis = best.basis(variable)
        assert torch.allclose(basis.T @ basis, torch.eye(basis.shape[1]), atol=1e-5)
    assert (best.basis("left").T @ best.basis("right")).norm() ** 2 == pytest.approx(9, abs=1e-3)


def test_disjoint_variables_cannot_take_more_than_there_is(fails):
    with fails(SpecificationError, "18 directions", "up to 8"):
        found(hand_wired(), sizes=(9,))
    with fails(SpecificationError, "17 directions", "up to 16"):
        found(hand_wired(), sizes=(17,), featurizer="rotation_overlapping")


def test_too_many_sets_of_neurons_are_refused_before_anything_is_spent(fails):
    """8 of 16 fit a budget of 20,000 sets, 10 of 24 do not."""
    wide = MLP.untrained(TASK, hidden=(24, 24), count=1)
    asked = {"starts": {"neurons_exhaustive": 1}, "hypothesis": "left", "sizes": (10,)}
    told: list[float] = []
    with fails(SpecificationError, "1,961,256", "20,000", "neurons_greedy"):
        found(wide, on_progress=told.append, **asked)
    assert not told


def test_a_linear_map_that_is_singular_ends_as_diverged_with_a_hint():
    """It gives no numbers, does not stop the others, and is never chosen."""
    data = DataSplits.draw(TASK, SMALL, seed=0)
    request = Request(
        site="layer1", hypotheses=(TASK.hypothesis("both"),), sizes=(1,), featurizer=Linear(),
        starts=((Twice(), 1), (Random(), 1)), phases=(Phase(steps=20),), budget=SMALL, seed=0,
    )  # fmt: skip
    (finding,) = engine.solve(MLP.untrained(TASK, count=1), data, request)
    singular, other = finding.sizes[0].restarts
    assert singular.outcome == "diverged"
    assert "Lower the learning rate" in singular.hint
    assert singular.hint in singular.to_json()["hint"]
    assert singular.validation == 0
    assert other.outcome != "diverged"
    assert finding.sizes[0].best is other
