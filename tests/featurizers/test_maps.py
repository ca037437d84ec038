"""What single featurizers do beyond the laws that all keep to (tests/contracts/test_featurizers.py)."""

from __future__ import annotations

import pytest
import torch
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Boundless, Frame, Frames, Linear, Mask, PrincipalComponents
from interlocus.featurizers.linear import charge
from interlocus.featurizers.principal import components
from interlocus.networks import MLP
from interlocus.networks.mlp.training import RECIPES, Recipe
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = Budget(pool=8192, held_out=4096, partners=64, batch=128, check_every=25, validation=1024, test=3000)


def found(networks: MLP, featurizer, *, steps: int, **changes) -> il.SearchResult:
    asked = {"hypothesis": "left", "site": "input", "sizes": (4,), "starts": {"covariance": 1}, "budget": SMALL}
    asked |= {"phases": (Phase(steps=steps),), "featurizer": featurizer}
    return il.search(networks, TASK, **(asked | changes))


@pytest.fixture(scope="module")
def narrow() -> tuple[HierarchicalEquality, MLP]:
    """Items two wide, so that a − b takes two directions at the input; a and b whole tell as much, in four."""
    task = HierarchicalEquality(item_width=2)
    return task, MLP.train(task, count=1, recipe=Recipe(learning_rate=3e-3, steps=1000, gain=RECIPES["relu"].gain))


@pytest.mark.parametrize("featurizer", [Boundless(), Mask(over="rotation")])
@pytest.mark.parametrize("size", [1, 4])
def test_sizes_are_learned(narrow, featurizer, size):
    """From a start that is too small as from one that is too large."""
    task, network = narrow
    lax = SMALL.model_copy(update={"solved": 0.985})
    result = il.search(
        network, task, hypothesis="left", site="input", sizes=(size,), featurizer=featurizer, starts={"covariance": 1},
        phases=(Phase(steps=400),), budget=lax,
    )  # fmt: skip
    restart = result.restarts(network=0, size=size).best
    assert restart.begin < 0.8
    assert result.iia[0, 0] > 0.97
    assert 1 <= result.best(network=0, size=size).sizes["left"] <= 3
    assert restart.outcome == "solved"


def test_a_mask_finds_neurons():
    """The hand-wired layer holds left in its first eight neurons and right in the others."""
    result = found(hand_wired(), Mask(price=0.001), site="layer1", hypothesis="both", sizes=(4,), steps=500)
    read = result.best(network=0, size=4).frames.read
    chosen = (read != 0).any(1)
    assert set(read.unique().tolist()) == {0.0, 1.0}
    assert not (chosen[0] & chosen[1]).any()
    assert not chosen[0, 8:].any()
    assert not chosen[1, :8].any()


@pytest.mark.parametrize(
    ("featurizer", "outcome"),
    [(Mask(price=100.0), "empty"), (Boundless(price=-100.0), "full"), (Mask(over="rotation", price=-100.0), "full")],
)
def test_a_choice_of_nothing_or_of_everything_is_an_outcome_with_its_mend(featurizer, outcome):
    lax = SMALL.model_copy(update={"solved": 0.0})  # the last state is kept, whatever it scores
    network = MLP.untrained(TASK, count=1, seed=1)
    result = found(network, featurizer, site="layer1", sizes=(8,), steps=200, budget=lax)
    restart = result.restarts(network=0, size=8).best
    assert restart.outcome == outcome
    assert "price" in restart.hint
    assert restart.to_json()["hint"] == restart.hint  # for who reads the record
    assert type(restart).from_json(restart.to_json()) == restart
    assert result.best(network=0, size=8).sizes["left"] == {"empty": 0, "full": 16}[outcome]


def test_principal_components_are_those_of_the_covariance_or_of_the_second_moment():
    """A large mean: with it left in, the first component is the mean's direction; taken out, that of most variance."""
    generator = derived_generator(0)
    rows = torch.randn(5000, 6, generator=generator).double() * torch.tensor([3.0, 1, 1, 1, 1, 1])
    rows[:, 4] += 50
    centred, uncentred = (components([rows], centred=way)[0] for way in (True, False))
    assert abs(centred[0, 0]) > 0.99
    assert abs(uncentred[0, 4]) > 0.99
    variances = (rows @ centred.T).var(0)
    assert (variances.diff() < 0).all()
    correlation = (rows @ centred.T).T.corrcoef()
    assert torch.allclose(correlation, torch.eye(6).double(), atol=1e-9)


def test_principal_components_are_those_of_the_network_of_each_search():
    one, other = (torch.randn(300, 5, generator=derived_generator(i)).double() for i in range(2))
    together = components([one, other, one], centred=True)
    assert torch.equal(together[0], together[2])
    assert torch.equal(together[1], components([other], centred=True)[0])
    assert not torch.allclose(together[0].abs(), together[1].abs(), atol=0.01)


def test_the_components_nearest_to_the_directions_are_taken():
    rows = torch.randn(500, 4, generator=derived_generator(1)).double() * torch.tensor([4.0, 3, 2, 1])
    basis = components([rows], centred=True)[0]
    directions = -basis[2].view(1, 1, 1, 4)
    assert torch.allclose(PrincipalComponents().begin(directions, [rows]), directions)


def test_a_singular_map_is_noted_as_diverged(monkeypatch):
    begin = Linear.begin
    monkeypatch.setattr(Linear, "begin", lambda *arguments: torch.zeros_like(begin(*arguments)))
    result = found(MLP.untrained(TASK, count=1), Linear(), site="layer1", steps=50)
    restart = result.restarts(network=0, size=4).best
    assert restart.outcome == "diverged"
    assert "bound" in restart.hint
    assert restart.score.iia == 0


def test_a_frame_of_directions_that_depend_on_each_other_gives_no_numbers():
    rows = torch.ones(1, 2, 5).double()
    frames, _ = Frame().frames(rows, torch.ones(1, 1, 2, 1).double())
    assert not torch.isfinite(frames.write).any()


def test_a_bound_that_no_projection_keeps_is_refused(fails):
    with fails(SpecificationError, "0.5"):
        Linear(bound=0.5)


def oblique(*, size: int = 3, width: int = 8, unused: int = 1) -> Frames:
    """Maps of two searches with two variables, whose last rows are not in use."""
    square = torch.randn(2, width, width, dtype=torch.float64, generator=derived_generator(4))
    inverse = torch.linalg.inv(square).transpose(1, 2)
    mask = torch.ones(2, 2, size, 1).double()
    mask[:, :, size - unused :] = 0
    return Frames(*(part[:, : 2 * size].reshape(2, 2, size, width) * mask for part in (square, inverse)))


def test_what_is_charged_for_obliqueness_has_the_gradient_of_the_norm():
    frames = oblique()
    leaves = Frames(*(part.clone().requires_grad_() for part in frames))
    norms = torch.linalg.matrix_norm(leaves.write.transpose(2, 3) @ leaves.read, 2)
    bound = float(norms.detach().median())
    (norms - bound).clamp_min(0).sum().backward()
    charged = charge(frames, bound)
    assert (norms > bound).any()
    assert not (norms > bound).all()
    torch.testing.assert_close(charged.read, leaves.read.grad)
    torch.testing.assert_close(charged.write, leaves.write.grad)


def test_nothing_is_charged_below_the_bound():
    assert not any(part.any() for part in charge(oblique(), 1e6))


def test_a_bound_keeps_projections_nearly_orthogonal():
    about = {"site": "layer2", "hypothesis": "both", "sizes": (2,), "starts": {"random": 1}, "steps": 300}
    free, bounded = (found(hand_wired(), Linear(bound=b), **about).best(network=0, size=2) for b in (None, 1.2))
    for variable in ("left", "right"):
        assert bounded.projection_norm(variable) < 1.3 < free.projection_norm(variable)


def test_unequal_sizes_beyond_a_block_are_refused(fails):
    directions = torch.zeros(1, 2, 6, 8)
    directions[0, 0], directions[0, 1, :2] = torch.eye(8)[:6], torch.eye(8)[6:]
    with fails(SpecificationError, "boundless", "6", "8"):
        Boundless().begin(directions, [])
