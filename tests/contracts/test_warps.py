"""What every registered featurizer keeps to whose maps are not linear."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import interlocus as il
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.interchange.cache import Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.linear import Interchange
from interlocus.alignment.interchange.losses import CrossEntropy, gradient
from interlocus.alignment.interchange.nonlinear import NonlinearInterchange
from interlocus.causal.interventions import draw
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.linalg import BufferPool
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.random import derived_generator
from interlocus.featurizers import AbstractFeaturizer, Coupling, NonlinearGradient, NonlinearMap, Rotation
from interlocus.networks import MLP
from interlocus.networks.mlp.training import RECIPES, Recipe
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
WIDTH, VARIABLES, SIZES = 16, 2, (3, 1, 8, 3)
SMALL = Budget(pool=4096, held_out=2048, partners=64, batch=128, check_every=25, validation=512, test=900)


@pytest.fixture(params=[name for name in FEATURIZERS if not FEATURIZERS.get(name)().linear])
def featurizer(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def begin(sizes=SIZES, *, variables=VARIABLES, dtype=torch.float64) -> tuple[Tensor, Tensor]:
    """Directions and mask of searches of several sizes."""
    directions = torch.zeros(len(sizes), variables, max(sizes), WIDTH, dtype=dtype)
    mask = torch.zeros(len(sizes), variables, max(sizes), 1, dtype=dtype)
    for search, size in enumerate(sizes):
        square = torch.randn(WIDTH, WIDTH, dtype=torch.float64, generator=derived_generator(search, "directions"))
        rows = torch.linalg.qr(square).Q[: variables * size]
        directions[search, :, :size] = rows.view(variables, size, WIDTH).to(dtype)
        mask[search, :, :size] = 1
    return directions, mask


def moved(featurizer: AbstractFeaturizer, directions: Tensor) -> Tensor:
    """Allowed parameters, far enough from the start for the map to bend."""
    parameters = featurizer.begin(directions, [])
    step = torch.randn(parameters.shape, dtype=parameters.dtype, generator=derived_generator(9, "step"))
    return featurizer.constrain(featurizer.constrain(parameters + 0.3 * step))


def warp(featurizer: AbstractFeaturizer, sizes=SIZES, *, variables=VARIABLES, dtype=torch.float64) -> NonlinearMap:
    directions, mask = begin(sizes, variables=variables, dtype=dtype)
    return featurizer.frames(moved(featurizer, directions), mask)[0]


def states(count: int, *, dtype=torch.float64) -> Tensor:
    return torch.randn(count, 20, WIDTH, dtype=dtype, generator=derived_generator(1, "states"))


# what single precision leaves of the inverse of six couplings whose functions have slopes of a few
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
def test_decoding_undoes_encoding(featurizer, dtype, tolerance):
    maps = warp(featurizer, dtype=dtype)
    given = states(len(SIZES), dtype=dtype)
    codes = maps.encode(given)
    assert torch.allclose(maps.decode(codes), given, rtol=0, atol=tolerance)
    assert torch.allclose(maps.encode(maps.decode(given)), given, rtol=0, atol=tolerance)
    assert (codes - given).abs().max() > 1


def test_it_is_not_linear(featurizer):
    maps = warp(featurizer)
    given = states(len(SIZES))
    assert (maps.encode(2 * given) - 2 * maps.encode(given)).abs().max() > 0.01  # rounding leaves 1e-14


def test_it_begins_with_the_directions_of_the_start(featurizer):
    """At first it is the rotation of the same directions."""
    directions, mask = begin()
    maps, _ = featurizer.frames(featurizer.begin(directions, []), mask)
    linear, _ = Rotation().frames(Rotation().begin(directions, []), mask)
    base, *sources = states(3)
    for search in range(len(SIZES)):
        one, other = (m.of(search).swap(base, dict(enumerate(sources))) for m in (maps, linear))
        assert torch.allclose(one, other, atol=1e-11)


def test_a_base_that_is_its_own_source_changes_nothing(featurizer):
    (base,) = states(1)
    for search in range(len(SIZES)):
        after = warp(featurizer).of(search).swap(base, dict.fromkeys(range(VARIABLES), base))
        assert torch.allclose(after, base, atol=1e-10)


def test_a_swap_gives_the_features_of_the_source_and_keeps_those_of_the_other_variable(featurizer):
    base, source = states(2)
    for search, size in enumerate(SIZES):
        one = warp(featurizer).of(search)
        after = one.features(one.swap(base, {0: source}))
        assert one.sizes == [size, size]
        assert torch.allclose(after[0], one.features(source)[0], atol=1e-10)
        assert torch.allclose(after[1], one.features(base)[1], atol=1e-10)


@pytest.mark.parametrize("variables", [1, 2])
def test_swapping_every_feature_is_replacing_the_whole_activation(featurizer, variables):
    maps = warp(featurizer, (WIDTH // variables,) * 2, variables=variables)
    base, source = states(2)
    for search in range(2):
        assert torch.allclose(maps.of(search).swap(base, dict.fromkeys(range(variables), source)), source, atol=1e-10)


def test_searches_know_nothing_of_each_other(featurizer):
    directions, mask = begin()
    parameters, given = moved(featurizer, directions), states(len(SIZES))
    together = featurizer.frames(parameters, mask)[0].encode(given)
    for search in range(len(SIZES)):
        one = slice(search, search + 1)
        alone = featurizer.frames(parameters[one], mask[one])[0].encode(given[one])
        assert torch.allclose(alone, together[one], atol=1e-12)
        assert torch.equal(featurizer.begin(directions[one], []), featurizer.begin(directions, [])[one])


def test_an_odd_width_is_refused(featurizer, fails):
    networks = MLP.untrained(TASK, hidden=(7, 16), count=1)
    with fails(SpecificationError, featurizer.name, "'layer1'", "7"):
        il.search(networks, TASK, hypothesis="left", site="layer1", sizes=(1,), featurizer=featurizer, budget=SMALL)
    specification = {
        "networks": [{"name": "odd", "hidden": [7, 16]}],
        "sites": ["layer1"],
        "searches": [{"hypotheses": ["left"], "sizes": [1], "featurizers": [featurizer.name]}],
    }
    with fails(SpecificationError, featurizer.name, "'layer1'", "7"):
        Study.model_validate(specification).check()


def problem(site: str):
    """Two networks in double precision with two searches each, and one batch."""
    network = MLP.untrained(TASK, count=2, activation="tanh", seed=6)
    network = MLP([w.double() for w in network.weights], [b.double() for b in network.biases], activation="tanh")
    pool = TASK.pool(300, split="train", generator=derived_generator(0, "pool"))
    pool = type(pool)(inputs=pool.inputs.double(), values=pool.values, count=pool.count)
    problems = Problems(network=torch.tensor([1, 0]), hypothesis=torch.tensor([0, 0]))
    searches = torch.tensor([1, 1, 0, 0])
    cache, suffix = cache_activations(network, site, pool), network.suffix(site)
    asked = draw(pool, TASK.hypothesis("both"), shape=(1, 60), generator=derived_generator(1))
    batch = next(batches(cache, plan_batches(cache, [asked], problems, TASK.classes)))
    about = {
        "entry": suffix.entry[problems.network],
        "rest": suffix.rest(searches),
        "workspace": BufferPool(suffix.entry),
    }
    return network, pool, asked[0], searches, batch, about


@pytest.mark.parametrize("site", ["input", "layer2", "layer3"])
def test_logits_and_gradients_are_those_of_a_graph_through_the_whole_network(featurizer, site):
    network, pool, asked, searches, batch, about = problem(site)
    directions, mask = begin()
    parameters = moved(featurizer, directions)
    maps, _ = featurizer.frames(parameters, mask)
    interchange = NonlinearInterchange(**about)
    logits, saved = interchange.forward(maps, batch)

    leaf = parameters.clone().requires_grad_()
    whole, _ = featurizer.frames(leaf, mask)
    wanted = []
    for search, number in enumerate(searches.tolist()):
        one = NonlinearMap(whole.parameters[search], whole.mask[search], whole.architecture)
        base, *sources = (network.activations(site, pool.inputs[r])[number] for r in (asked.base, *asked.sources))
        wanted.append(network[number].run_from(site, one.swap(base, dict(enumerate(sources))).unsqueeze(0))[0].T)
    torch.testing.assert_close(logits.flatten(0, 1), torch.stack(wanted).detach())
    probability = (torch.stack(wanted).softmax(1) * batch.one_hot[0]).sum(1)
    CrossEntropy().value(probability).mean(1).sum().backward()
    slope = gradient(CrossEntropy(), logits, batch.one_hot, interchange.buffers)
    pulled = interchange.backward(maps, batch, saved, slope)
    torch.testing.assert_close(pulled.parameters, leaf.grad)


def test_a_warp_that_is_still_a_rotation_answers_as_the_rotation(featurizer):
    """The second way through maps agrees with the first."""
    *_, batch, about = problem("layer1")
    directions, mask = begin()
    maps, _ = featurizer.frames(featurizer.begin(directions, []), mask)
    linear, _ = Rotation().frames(Rotation().begin(directions, []), mask)
    one, _ = NonlinearInterchange(**about).forward(maps, batch)
    other, _ = Interchange(**about).forward(linear, batch)
    torch.testing.assert_close(one, other)


def test_pull_leaves_what_moves_along_the_allowed_parameters(featurizer):
    """Held against autograd, through what brings parameters back to allowed ones."""
    directions, mask = begin()
    parameters, given = moved(featurizer, directions), states(len(SIZES))

    def value(at: Tensor) -> Tensor:
        return featurizer.frames(at, mask)[0].encode(given).square().sum()

    free, bound = (parameters.clone().requires_grad_() for _ in range(2))
    value(free).backward()
    value(featurizer.constrain(bound)).backward()
    _, saved = featurizer.frames(parameters, mask)
    pulled = featurizer.pull(parameters, saved, NonlinearGradient(free.grad))
    torch.testing.assert_close(pulled, bound.grad, rtol=1e-8, atol=1e-8)


def search(featurizer: AbstractFeaturizer, networks: MLP, **changes) -> il.SearchResult:
    asked = {"hypothesis": "both", "site": "layer2", "sizes": (1, 2), "budget": SMALL, "seed": 0}
    asked |= {"starts": {"random": 1}, "phases": (Phase(steps=50),), "featurizer": featurizer}
    return il.search(networks, TASK, **(asked | changes))


def test_it_is_searched_scored_again_written_and_kept(featurizer, tmp_path):
    networks = MLP.untrained(TASK, count=2, hidden=(8, 8, 4), seed=4)
    result, same, other = (search(featurizer, networks, seed=seed) for seed in (0, 0, 1))
    best = result.best(network=1, size=2)
    assert evaluate(best, networks[1], TASK, budget=SMALL, seed=0) == result.score(network=1, size=2)
    assert torch.equal(best.frames.parameters, same.best(network=1, size=2).frames.parameters)
    assert not torch.equal(best.frames.parameters, other.best(network=1, size=2).frames.parameters)

    best.save(tmp_path / "found.safetensors")
    again = il.Alignment.load(tmp_path / "found.safetensors")
    inputs = TASK.pool(30, split="test", generator=derived_generator(2)).inputs
    assert again.sizes == {"left": 2, "right": 2}
    assert again.size == 2
    written = again.intervene(networks[1], inputs, left=inputs.flip(0))
    torch.testing.assert_close(written, best.intervene(networks[1], inputs, left=inputs.flip(0)))
    features = again.features(networks[1], inputs)
    assert features["left"].shape == features["right"].shape == (30, 2)
    torch.testing.assert_close(again.intervene(networks[1], inputs), networks[1](inputs)[0], atol=1e-4, rtol=1e-4)


def test_it_has_no_directions(featurizer, fails):
    networks = MLP.untrained(TASK, count=1, hidden=(8, 8, 4), seed=4)
    best = search(featurizer, networks, phases=(Phase(steps=1),)).best(network=0, size=1)
    for ask in (best.basis, best.projection_norm, lambda variable: best.condition):
        with fails(AlignmentError, featurizer.name):
            ask("left")


def test_patched_states_can_be_kept_natural(featurizer):
    networks = MLP.untrained(TASK, count=1, hidden=(8, 8, 4), seed=4)
    free, held = (search(featurizer, networks, phases=(Phase(steps=25, latent=w),)) for w in (0.0, 5.0))
    assert free.restarts(network=0, size=2).best != held.restarts(network=0, size=2).best


def test_a_coupling_finds_what_no_linear_map_does():
    """At the last layer the rest of the network is linear, so no linear map exceeds .75; a coupling does."""
    task = HierarchicalEquality(item_width=2)
    network = MLP.train(task, count=1, recipe=Recipe(learning_rate=3e-3, steps=1000, gain=RECIPES["relu"].gain))

    def iia(featurizer: AbstractFeaturizer) -> float:
        found = il.search(
            network, task, hypothesis="both", site="layer3", sizes=(4,), featurizer=featurizer,
            starts={"random": 1}, phases=(Phase(steps=300, learning_rate=0.1),), budget=SMALL,
        )  # fmt: skip
        return float(found.iia[0, 0])

    # five standard errors above the ceiling
    assert iia(Rotation()) < 0.75 + 5 * (0.75 * 0.25 / 900) ** 0.5
    assert iia(Coupling(blocks=4, hidden=32)) > 0.95
