"""Laws of every registered featurizer of nonlinear maps."""

from __future__ import annotations

import pytest
import torch
from edges import same_answers
from networks_by_hand import mean_coded
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
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
WIDTH, VARIABLES, SIZES = 16, 2, (3, 1, 8, 3)
SMALL = Budget(pool=4096, held_out=2048, partners=64, batch=128, check_every=25, validation=512, test=900)


@pytest.fixture(params=[name for name in FEATURIZERS if not FEATURIZERS.get(name)().linear])
def featurizer(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def directions_of(sizes=SIZES, *, variables=VARIABLES, dtype=torch.float64) -> tuple[Tensor, Tensor]:
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
    """Allowed parameters so far from the initial ones that the map is clearly nonlinear."""
    parameters = featurizer.initialize(directions, [])
    step = torch.randn(parameters.shape, dtype=parameters.dtype, generator=derived_generator(9, "step"))
    return featurizer.constrain(featurizer.constrain(parameters + 0.3 * step))


def maps_of(featurizer: AbstractFeaturizer, sizes=SIZES, *, variables=VARIABLES, dtype=torch.float64) -> NonlinearMap:
    directions, mask = directions_of(sizes, variables=variables, dtype=dtype)
    return featurizer.forward(moved(featurizer, directions), mask)[0]


def states(count: int, *, dtype=torch.float64) -> Tensor:
    return torch.randn(count, 20, WIDTH, dtype=dtype, generator=derived_generator(1, "states"))


# the error of six couplings and their inverse, whose functions have slopes of a few
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
def test_decode_inverts_encode(featurizer, dtype, tolerance):
    maps = maps_of(featurizer, dtype=dtype)
    given = states(len(SIZES), dtype=dtype)
    codes = maps.encode(given)
    assert torch.allclose(maps.decode(codes), given, rtol=0, atol=tolerance)
    assert torch.allclose(maps.encode(maps.decode(given)), given, rtol=0, atol=tolerance)
    assert (codes - given).abs().max() > 1


def test_the_map_is_not_linear(featurizer):
    maps = maps_of(featurizer)
    given = states(len(SIZES))
    assert (maps.encode(2 * given) - 2 * maps.encode(given)).abs().max() > 0.01  # rounding alone gives 1e-14


def test_the_initial_map_is_the_rotation_of_the_directions(featurizer):
    directions, mask = directions_of()
    maps, _ = featurizer.forward(featurizer.initialize(directions, []), mask)
    linear, _ = Rotation().forward(Rotation().initialize(directions, []), mask)
    base, *sources = states(3)
    for search in range(len(SIZES)):
        one, other = (m.select(search).swap(base, dict(enumerate(sources))) for m in (maps, linear))
        assert torch.allclose(one, other, atol=1e-11)


def test_a_base_that_is_its_own_source_changes_nothing(featurizer):
    (base,) = states(1)
    for search in range(len(SIZES)):
        after = maps_of(featurizer).select(search).swap(base, dict.fromkeys(range(VARIABLES), base))
        assert torch.allclose(after, base, atol=1e-10)


def test_a_swap_takes_the_features_of_one_variable_from_the_source(featurizer):
    base, source = states(2)
    for search, size in enumerate(SIZES):
        one = maps_of(featurizer).select(search)
        after = one.features(one.swap(base, {0: source}))
        assert one.sizes == [size, size]
        assert torch.allclose(after[0], one.features(source)[0], atol=1e-10)
        assert torch.allclose(after[1], one.features(base)[1], atol=1e-10)


@pytest.mark.parametrize("variables", [1, 2])
def test_swapping_every_feature_replaces_the_whole_activation(featurizer, variables):
    maps = maps_of(featurizer, (WIDTH // variables,) * 2, variables=variables)
    base, source = states(2)
    for search in range(2):
        assert torch.allclose(
            maps.select(search).swap(base, dict.fromkeys(range(variables), source)), source, atol=1e-10
        )


def test_searches_of_a_stack_do_not_influence_each_other(featurizer):
    directions, mask = directions_of()
    parameters, given = moved(featurizer, directions), states(len(SIZES))
    together = featurizer.forward(parameters, mask)[0].encode(given)
    for search in range(len(SIZES)):
        one = slice(search, search + 1)
        alone = featurizer.forward(parameters[one], mask[one])[0].encode(given[one])
        assert torch.allclose(alone, together[one], atol=1e-12)
        assert torch.equal(featurizer.initialize(directions[one], []), featurizer.initialize(directions, [])[one])


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
    pool = TASK.draw_examples(300, split="train", generator=derived_generator(0, "pool"))
    pool = type(pool)(inputs=pool.inputs.double(), values=pool.values, count=pool.count)
    problems = Problems(network=torch.tensor([1, 0]), hypothesis=torch.tensor([0, 0]))
    searches = torch.tensor([1, 1, 0, 0])
    cache, suffix = cache_activations(network, site, pool), network.suffix(site)
    asked = draw(pool, TASK.hypothesis("both"), shape=(1, 60), generator=derived_generator(1))
    batch = next(batches(cache, plan_batches(cache, [asked], problems, TASK.classes)))
    about = {
        "input_projection": suffix.input_projection[problems.network],
        "body": suffix.body(searches),
        "buffers": BufferPool(suffix.input_projection),
    }
    return network, pool, asked[0], searches, batch, about


@pytest.mark.parametrize("site", ["input", "layer2", "layer3"])
def test_logits_and_gradients_agree_with_a_graph_through_the_whole_network(featurizer, site):
    network, pool, asked, searches, batch, about = problem(site)
    directions, mask = directions_of()
    parameters = moved(featurizer, directions)
    maps, _ = featurizer.forward(parameters, mask)
    interchange = NonlinearInterchange(**about)
    logits, saved = interchange.forward(maps, batch)

    leaf = parameters.clone().requires_grad_()
    whole, _ = featurizer.forward(leaf, mask)
    wanted = []
    for search, number in enumerate(searches.tolist()):
        one = NonlinearMap(whole.parameters[search], whole.mask[search], whole.architecture)
        base, *sources = (network.activations(site, pool.inputs[r])[number] for r in (asked.base, *asked.sources))
        wanted.append(network[number].run_from(site, one.swap(base, dict(enumerate(sources))).unsqueeze(0))[0].T)
    torch.testing.assert_close(logits.flatten(0, 1), torch.stack(wanted).detach())
    probability = (torch.stack(wanted).softmax(1) * batch.one_hot[0]).sum(1)
    CrossEntropy().value(probability).mean(1).sum().backward()
    slope = gradient(CrossEntropy(), logits, batch.one_hot, interchange.buffers)
    backward = interchange.backward(maps, batch, saved, slope)
    torch.testing.assert_close(backward.parameters, leaf.grad)


def test_an_initial_nonlinear_map_gives_the_logits_of_its_rotation(featurizer):
    """The interchange of nonlinear maps agrees with that of linear ones."""
    *_, batch, about = problem("layer1")
    directions, mask = directions_of()
    maps, _ = featurizer.forward(featurizer.initialize(directions, []), mask)
    linear, _ = Rotation().forward(Rotation().initialize(directions, []), mask)
    one, _ = NonlinearInterchange(**about).forward(maps, batch)
    other, _ = Interchange(**about).forward(linear, batch)
    torch.testing.assert_close(one, other)


def test_backward_agrees_with_autograd_along_allowed_parameters(featurizer):
    """Autograd goes through `constrain`, which returns parameters to allowed ones."""
    directions, mask = directions_of()
    parameters, given = moved(featurizer, directions), states(len(SIZES))

    def value(at: Tensor) -> Tensor:
        return featurizer.forward(at, mask)[0].encode(given).square().sum()

    free, bound = (parameters.clone().requires_grad_() for _ in range(2))
    value(free).backward()
    value(featurizer.constrain(bound)).backward()
    _, saved = featurizer.forward(parameters, mask)
    backward = featurizer.backward(parameters, saved, NonlinearGradient(free.grad))
    torch.testing.assert_close(backward, bound.grad, rtol=1e-8, atol=1e-8)


def search(featurizer: AbstractFeaturizer, networks: MLP, **changes) -> il.SearchResult:
    asked = {"hypothesis": "both", "site": "layer2", "sizes": (1, 2), "budget": SMALL, "seed": 0}
    asked |= {"starts": {"random": 1}, "phases": (Phase(steps=50),), "featurizer": featurizer}
    return il.search(networks, TASK, **(asked | changes))


def test_an_alignment_is_found_evaluated_stored_and_used(featurizer, tmp_path):
    networks = MLP.untrained(TASK, count=2, hidden=(8, 8, 4), seed=4)
    result, same, other = (search(featurizer, networks, seed=seed) for seed in (0, 0, 1))
    best = result.best(network=1, size=2)
    again = evaluate(best, networks[1], TASK, budget=SMALL, seed=0)
    assert same_answers(again, result.score(network=1, size=2))
    assert torch.equal(best.frames.parameters, same.best(network=1, size=2).frames.parameters)
    assert not torch.equal(best.frames.parameters, other.best(network=1, size=2).frames.parameters)

    best.save(tmp_path / "found.safetensors")
    again = il.Alignment.load(tmp_path / "found.safetensors")
    inputs = TASK.draw_examples(30, split="test", generator=derived_generator(2)).inputs
    assert again.sizes == {"left": 2, "right": 2}
    assert again.size == 2
    written = again.intervene(networks[1], inputs, left=inputs.flip(0))
    torch.testing.assert_close(written, best.intervene(networks[1], inputs, left=inputs.flip(0)))
    features = again.features(networks[1], inputs)
    assert features["left"].shape == features["right"].shape == (30, 2)
    torch.testing.assert_close(again.intervene(networks[1], inputs), networks[1](inputs)[0], atol=1e-4, rtol=1e-4)


def test_an_alignment_has_no_directions(featurizer, fails):
    networks = MLP.untrained(TASK, count=1, hidden=(8, 8, 4), seed=4)
    best = search(featurizer, networks, phases=(Phase(steps=1),)).best(network=0, size=1)
    for ask in (best.basis, best.projection_norm, lambda variable: best.condition):
        with fails(AlignmentError, featurizer.name):
            ask("left")


def test_the_latent_loss_changes_a_search(featurizer):
    """In a network that contains the variables, so that a search moves away from its start."""
    asked = {"site": "layer3", "sizes": (2,)}
    free, held = (search(featurizer, mean_coded(), phases=(Phase(steps=50, latent=w),), **asked) for w in (0.0, 5.0))
    one, other = (found.best(network=0, size=2).frames.parameters for found in (free, held))
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_coupling_exceeds_the_ceiling_of_linear_maps(narrow_mlp):
    """After the last hidden layer the network is linear, so no linear map exceeds .75; a coupling does."""
    task, network = narrow_mlp

    def iia(featurizer: AbstractFeaturizer) -> float:
        found = il.search(
            network, task, hypothesis="both", site="layer3", sizes=(4,), featurizer=featurizer,
            starts={"random": 1}, phases=(Phase(steps=300, learning_rate=0.1),), budget=SMALL,
        )  # fmt: skip
        return float(found.iia[0, 0])

    # five standard errors above the ceiling
    assert iia(Rotation()) < 0.75 + 5 * (0.75 * 0.25 / 900) ** 0.5
    assert iia(Coupling(blocks=4, hidden=32)) > 0.95
