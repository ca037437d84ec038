"""Laws of stacks of perceptrons, of their tails and of their training."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp import model as mlp
from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.training import RECIPES, Recipe
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
HIDDEN = (7, 5, 6)
SITES = ("input", "layer1", "layer2", "layer3")
FUNCTIONS = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu}
TINY = Recipe(learning_rate=0.01, steps=3)
SMALL_TASK = HierarchicalEquality(item_width=2)


def double(activation: str, count: int = 3, hidden: tuple[int, ...] = HIDDEN) -> MLP:
    """Networks in double precision, so that equality can be asked for."""
    drawn = MLP.untrained(TASK, hidden=hidden, activation=activation, count=count, seed=1)
    return MLP([w.double() for w in drawn.weights], [b.double() for b in drawn.biases], activation=activation)


def inputs(count: int = 11) -> Tensor:
    return torch.randn(count, TASK.input_width, dtype=torch.float64, generator=derived_generator(2))


def close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-12)


def same(one: MLP, other: MLP) -> bool:
    return one.activation == other.activation and all(
        torch.equal(a, b)
        for a, b in zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True)
    )  # fmt: skip


@pytest.fixture(params=list(ACTIVATIONS))
def activation(request) -> str:
    return request.param


def test_all_activations_are_held_against_torch():
    assert set(FUNCTIONS) == set(ACTIVATIONS) == set(RECIPES)


def test_a_stack_computes_what_each_network_computes_layer_by_layer(activation):
    networks, shown = double(activation), inputs()
    for n, (logits, hidden) in enumerate(zip(networks(shown), networks.activations("layer3", shown), strict=True)):
        value = shown
        for weight, bias in zip(networks.weights[:-1], networks.biases[:-1], strict=True):
            value = FUNCTIONS[activation](F.linear(value, weight[n], bias[n]))
        assert close(hidden, value)
        assert close(logits, F.linear(value, networks.weights[-1][n], networks.biases[-1][n]))


@pytest.mark.parametrize("site", SITES)
def test_running_on_from_activations_gives_the_logits(site, activation):
    networks, shown = double(activation), inputs()
    hidden = networks.activations(site, shown)
    assert hidden.shape == (3, 11, networks.width(site))
    assert close(networks.run_from(site, hidden), networks(shown))


def test_sites_are_the_input_and_each_hidden_layer(activation):
    assert dict(double(activation).sites) == {"input": 16, "layer1": 7, "layer2": 5, "layer3": 6}
    assert torch.equal(double(activation).activations("input", inputs())[1], inputs())


@pytest.mark.parametrize("site", SITES)
def test_the_tail_is_the_rest_of_the_network(site, activation):
    networks, shown = double(activation), inputs()
    hidden, suffix = networks.activations(site, shown), networks.suffix(site)
    projected = suffix.project(hidden)
    chosen = torch.tensor([2, 0, 0, 1])
    given = projected[chosen].transpose(1, 2).contiguous()
    logits, _ = suffix.body(chosen).forward(given.clone(), BufferPool(given))
    assert close(logits.transpose(1, 2), networks.run_from(site, hidden)[chosen])


@pytest.mark.parametrize("site", SITES)
def test_the_entry_is_the_linear_part_of_entering(site, activation):
    networks = double(activation)
    suffix = networks.suffix(site)
    one, other = torch.randn(2, 3, 4, networks.width(site), dtype=torch.float64, generator=derived_generator(3))
    assert close(suffix.project(other) - suffix.project(one), torch.einsum("new,nrw->nre", suffix.input_projection, other - one))


@pytest.mark.parametrize("site", SITES)
def test_the_way_back_through_the_tail_is_what_autograd_takes(site, activation):
    networks = double(activation)
    chosen = torch.tensor([1, 1, 2, 0])
    body = networks.suffix(site).body(chosen)
    projected = networks.suffix(site).input_projection.shape[1]
    generator = derived_generator(4, site)
    given = 2 * torch.randn(4, projected, 9, dtype=torch.float64, generator=generator)
    towards = torch.randn(4, 2, 9, dtype=torch.float64, generator=generator)
    buffers = BufferPool(given)
    logits, saved = body.forward(given.clone(), buffers)
    back = body.backward(saved, towards.clone(), buffers)

    leaf = given.clone().requires_grad_()
    value = leaf
    layer = list(networks.sites).index(site) + 1
    for weight, bias in zip(networks.weights[layer:], networks.biases[layer:], strict=True):
        value = weight[chosen] @ FUNCTIONS[activation](value) + bias[chosen].unsqueeze(2)
    assert close(logits, value.detach())
    value.backward(towards)
    assert close(back, leaf.grad)


def test_a_workspace_serves_one_batch_after_another(activation):
    networks = double(activation)
    body = networks.suffix("input").body(torch.arange(3))
    parts = [
        torch.randn(3, 7, count, dtype=torch.float64, generator=derived_generator(5, count)) for count in (9, 4, 9)
    ]
    buffers = BufferPool(parts[0])
    for part in parts:
        towards = torch.ones(3, 2, part.shape[2], dtype=torch.float64)
        logits, saved = body.forward(part.clone(), buffers)
        logits = logits.clone()
        back = body.backward(saved, towards, buffers)
        fresh, saved = body.forward(part.clone(), other := BufferPool(part))
        assert close(logits, fresh)
        assert close(back, body.backward(saved, towards, other))


@pytest.mark.parametrize("site", SITES)
def test_a_caller_may_overwrite_the_logits(site):
    networks = double("relu")
    body, width = networks.suffix(site).body(torch.arange(3)), networks.suffix(site).input_projection.shape[1]
    given = torch.ones(3, width, 4, dtype=torch.float64)
    body.forward(given, BufferPool(given))[0].fill_(7.0)
    assert not (given == 7.0).any()


def test_one_of_a_stack_is_that_network(activation):
    networks, shown = double(activation), inputs()
    assert len(networks) == 3
    for i, network in enumerate(networks):
        assert len(network) == 1
        assert close(network(shown)[0], networks(shown)[i])
    assert same(networks[-1], networks[2])
    assert same(MLP.stacked([networks[i] for i in range(3)]), networks)
    with pytest.raises(IndexError):
        networks[3]


def test_a_network_begins_alike_however_many_there_are(activation):
    one, many = (MLP.untrained(TASK, activation=activation, count=count, seed=3) for count in (2, 5))
    assert all(same(one[i], many[i]) for i in range(2))
    assert not same(many[0], many[1])
    assert not same(one, MLP.untrained(TASK, activation=activation, count=2, seed=4))


def test_first_parameters_are_as_large_as_the_recipe_says(activation):
    networks = MLP.untrained(TASK, hidden=(64, 64), activation=activation, count=20)
    gain = RECIPES[activation].gain
    for weight, bias in zip(networks.weights, networks.biases, strict=True):
        scaled = weight * math.sqrt(weight.shape[2]) / gain
        # uniform of variance one: its largest is √3, its square has variance 4/5
        assert scaled.abs().max() <= math.sqrt(3) + 1e-5
        assert abs(float(scaled.square().mean()) - 1) < 5 * math.sqrt(0.8 / scaled.numel())
        assert bias.abs().max() <= 1 / math.sqrt(weight.shape[2])


def test_networks_survive_a_file(activation, tmp_path):
    networks, shown = MLP.untrained(TASK, hidden=HIDDEN, activation=activation, count=3), inputs().float()
    networks.save(tmp_path / "networks.safetensors")
    again = MLP.load(tmp_path / "networks.safetensors")
    assert same(again, networks)
    assert torch.equal(again(shown), networks(shown))
    assert again.fingerprint() == networks.fingerprint()


def test_equal_networks_are_equal_bytes(tmp_path):
    networks = MLP.untrained(TASK, hidden=HIDDEN, count=3)
    networks.save(tmp_path / "networks.safetensors")
    again = MLP.load(tmp_path / "networks.safetensors")
    written = {(tmp_path / "networks.safetensors").read_bytes(), *(one.to_bytes() for one in (networks, again) * 20)}
    assert len(written) == 1


def test_one_of_a_stack_survives_a_file(tmp_path):
    networks = MLP.untrained(TASK, count=3)
    networks[1].save(tmp_path / "one.safetensors")
    assert same(MLP.load(str(tmp_path / "one.safetensors")), networks[1])


def write_text(path):
    path.write_text("these are no networks")


def write_nothing(path):
    path.write_bytes(b"")


def write_half(path):
    path.write_bytes(MLP.untrained(TASK, count=1).to_bytes()[:-100])


def write_other(path):
    save_file({"weight0": torch.zeros(1, 2, 2)}, path)


def write_alignment(path):
    save_file({"weight0": torch.zeros(1, 2, 2)}, path, metadata={"format": "interlocus.alignment/1"})


@pytest.mark.parametrize(
    "write", [write_text, write_nothing, write_half, write_other, write_alignment, lambda path: None]
)
def test_a_file_that_is_something_else_is_refused(write, tmp_path, fails):
    write(tmp_path / "file.safetensors")
    with fails(NetworkError, "file.safetensors"):
        MLP.load(tmp_path / "file.safetensors")


def test_a_folder_is_refused(tmp_path, fails):
    with fails(NetworkError, str(tmp_path)):
        MLP.load(tmp_path)


@pytest.mark.parametrize("lost", ["bias3", "weight0"])
def test_a_file_without_some_of_its_layers_is_refused(lost, tmp_path, fails):
    networks = MLP.untrained(TASK, count=1)
    tensors = {f"weight{i}": w for i, w in enumerate(networks.weights)} | {
        f"bias{i}": b for i, b in enumerate(networks.biases)
    }
    del tensors[lost]
    about = {"interlocus": '{"format": "interlocus.mlp/1", "activation": "relu"}'}
    save_file(tensors, tmp_path / "file.safetensors", metadata=about)
    with fails(NetworkError, "file.safetensors"):
        MLP.load(tmp_path / "file.safetensors")


def test_a_fingerprint_tells_networks_apart():
    networks = MLP.untrained(TASK, count=3)
    different = [
        networks,
        networks[0],
        networks[1],
        MLP.untrained(TASK, count=3, seed=1),
        MLP.untrained(TASK, count=3, hidden=(16, 16)),
        MLP(networks.weights, networks.biases, activation="tanh"),
        MLP(networks.weights, [bias + 1e-6 for bias in networks.biases], activation="relu"),
    ]
    assert len({one.fingerprint() for one in different}) == len(different)
    copy = MLP([w.clone() for w in networks.weights], [b.clone() for b in networks.biases], activation="relu")
    assert copy.fingerprint() == networks.fingerprint()


def test_accuracy_is_the_share_of_right_classes_of_each_network():
    networks = MLP.untrained(TASK, count=3)
    shown, labels = TASK.labelled_inputs(2000, split="test", generator=derived_generator(5, "accuracy"))
    expected = (networks(shown).argmax(2) == labels).double().mean(1)
    assert networks.accuracy(TASK, seed=5, count=2000) == pytest.approx(expected.tolist(), abs=1.5 / 2000)  # an edge


def test_unknown_names_are_refused_with_a_near_one(fails):
    networks = MLP.untrained(TASK, count=1)
    for call in (networks.width, networks.suffix, lambda s: networks.activations(s, inputs().float())):
        with fails(UnknownNameError, "'layer4'", "input, layer1, layer2, layer3"):
            call("layer4")
    with fails(UnknownNameError, "'inptu'", "Did you mean 'input'?"):
        networks.run_from("inptu", torch.zeros(1, 2, 16))
    for make in (MLP.untrained, MLP.train):
        with fails(UnknownNameError, "'rleu'", "Did you mean 'relu'?"):
            make(TASK, activation="rleu")


@pytest.mark.parametrize("make", [MLP.untrained, MLP.train])
def test_nothing_cannot_be_trained(make, fails):
    with fails(SpecificationError, "0 networks"):
        make(TASK, count=0)
    with fails(SpecificationError, "(16, 0)"):
        make(TASK, hidden=(16, 0))


@pytest.fixture
def one_attempt(monkeypatch):
    """Networks that are trained for a moment are not competent, and would be begun again."""
    monkeypatch.setattr(mlp, "COMPETENT_ACCURACY", 0.0)


def test_training_is_decided_by_its_seed(activation, one_attempt):
    one, again, other = (MLP.train(TASK, activation=activation, count=2, recipe=TINY, seed=seed) for seed in (0, 0, 1))
    assert same(one, again)
    assert one.fingerprint() != other.fingerprint()
    assert not same(one, MLP.untrained(TASK, activation=activation, count=2))


def test_training_leaves_the_global_generator_alone(one_attempt):
    before = torch.random.get_rng_state()
    MLP.train(TASK, count=1, recipe=TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_networks_in_training_do_not_feel_each_other(one_attempt):
    few, many = (MLP.train(TASK, count=count, recipe=TINY) for count in (1, 4))
    # Products of stacks of other heights round in another way, and Adam's first steps are of size .01 whatever the
    # gradient: where it is about zero they go either way. Of networks that feel each other all parameters differ.
    pairs = zip((*few.weights, *few.biases), (*many.weights, *many.biases), strict=True)
    apart = torch.cat([(one[0] - other[0]).abs().flatten() for one, other in pairs])
    assert (apart > 1e-4).float().mean() < 0.02
    assert apart.max() < 2 * TINY.steps * TINY.learning_rate


def test_trained_networks_are_free_of_gradients(one_attempt):
    networks = MLP.train(TASK, count=1, recipe=TINY)
    assert not any(tensor.requires_grad for tensor in (*networks.weights, *networks.biases))


def test_weight_decay_reaches_the_parameters(one_attempt):
    light, heavy = (
        MLP.train(TASK, count=1, recipe=Recipe(learning_rate=0.01, steps=40), weight_decay=decay)
        for decay in (0.0, 10.0)
    )
    assert heavy.weights[1].norm() < light.weights[1].norm()


def test_networks_that_are_not_competent_are_begun_again_from_another_draw(monkeypatch):
    """Twice at most; the best draw is kept, and those that are competent stay as they are."""
    told: list[float] = []
    first = iter([[1.0, 0.5, 1.0], [0.7], [0.6]])
    monkeypatch.setattr(MLP, "accuracy", lambda self, *_, **__: next(first))
    trained = MLP.train(TASK, count=3, recipe=TINY, on_progress=told.append)
    assert told == [0.0] * 3
    monkeypatch.setattr(MLP, "accuracy", lambda self, *_, **__: [1.0] * len(self))
    once = MLP.train(TASK, count=3, recipe=TINY)
    assert same(trained[0], once[0])
    assert not same(trained[1], once[1])
    assert same(trained[2], once[2])


def test_a_training_that_diverges_says_so(one_attempt, fails):
    with fails(NetworkError, "1e+38"):
        MLP.train(TASK, count=1, recipe=Recipe(learning_rate=1e38, steps=5))


@pytest.mark.slow
def test_the_default_recipe_makes_competent_networks(activation):
    networks = MLP.train(TASK, activation=activation, count=2)
    # with .99 a network is not begun again; that was counted on some examples, and this on others
    assert min(networks.accuracy(TASK, seed=1, count=20_000)) > mlp.COMPETENT - 5 * math.sqrt(2 * 0.01 * 0.99 / 10_000)


def on_the_way(until: int | None, *, steps: int = 130, **about) -> MLP:
    recipe = Recipe(learning_rate=0.01, steps=steps, until=until, **about)
    return MLP.train(SMALL_TASK, hidden=(6, 5), activation="tanh", count=3, recipe=recipe, seed=2)


def test_a_network_on_its_way_begins_and_ends_with_that_network(one_attempt):
    """To the bit: it is the same network, with parameters of an earlier step."""
    whole, untrained = on_the_way(None), MLP.untrained(SMALL_TASK, hidden=(6, 5), activation="tanh", count=3, seed=2)
    assert on_the_way(130).fingerprint() == whole.fingerprint()
    points = [on_the_way(until).fingerprint() for until in (0, 1, 64, 65, 129)]
    assert len({*points, whole.fingerprint()}) == 6
    assert on_the_way(0).fingerprint() == untrained.fingerprint()


def test_a_point_on_the_way_does_not_change_the_way():
    """One more step from a point is what the next point holds, whatever else is kept."""
    near, far = on_the_way(64), on_the_way(65)
    moved = max(float((a - b).abs().max()) for a, b in zip(near.weights, far.weights, strict=True))
    # A step of Adam moves a weight by (1 − β₁) / √(1 − β₂) of the learning rate at most, which is by .032, and decay by
    # less. Another way would be off by what 64 steps do.
    assert 0 < moved <= 0.01 * (1 - 0.9) / math.sqrt(1 - 0.999) + 0.001


def test_few_examples_are_learned_by_heart():
    """Sixteen examples say nothing of others; networks that see new ones all the time do as well on these as on any."""
    recipe = Recipe(learning_rate=0.01, steps=400, examples=16)
    few = MLP.train(SMALL_TASK, hidden=(32,), count=2, recipe=recipe, seed=0)
    # a network that stays weak is begun again, with sixteen others: it knows those of its draw
    sets = [
        SMALL_TASK.labelled_inputs(16, split="train", generator=derived_generator(i, "few training examples"))
        for i in range(3)
    ]
    rights = [
        max(float((few[i](inputs)[0].argmax(1) == labels).float().mean()) for inputs, labels in sets) for i in range(2)
    ]
    assert min(rights) == 1
    assert max(few.accuracy(SMALL_TASK, seed=0)) < 0.8
