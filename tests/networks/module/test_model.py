"""Anyone's module: what is found in it is right, and it comes back as it was given."""

from __future__ import annotations

import copy
import time

import pytest
import torch
from modules import BROUGHT, Brought, as_module
from torch import nn

import interlocus as il
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.networks.module.model import call_directly
from interlocus.networks.module.suffix import ModuleSuffix
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=4)
TINY = il.Budget(pool=512, held_out=256, partners=1, batch=32, check_every=2, validation=64, test=96)
INPUTS = TASK.examples(40, split="test", generator=derived_generator(0))[0]


def wrapped(brought: Brought) -> Module:
    return Module(brought.module, sites={"here": brought.site}, call=brought.call or call_directly)


def state(module: nn.Module) -> dict:
    """Everything of a module that could be changed, and the state of the random numbers."""
    return {
        "tensors": {name: tensor.clone() for name, tensor in module.state_dict().items()},
        "gradients": {name: None if p.grad is None else p.grad.clone() for name, p in module.named_parameters()},
        "asks": {name: p.requires_grad for name, p in module.named_parameters()},
        "modes": {name: part.training for name, part in module.named_modules()},
        "hooks": {n: (list(m._forward_hooks), list(m._forward_pre_hooks)) for n, m in module.named_modules()},
        "types": {name: (t.dtype, t.device) for name, t in module.state_dict().items()},
        "random": torch.get_rng_state(),
        "parameters": [id(p) for p in module.parameters()],
    }  # fmt: skip


def same(one, other) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@pytest.mark.parametrize("kind", list(BROUGHT))
def test_a_module_is_searched_and_comes_back_as_it_was(kind):
    torch.manual_seed(1)
    brought = BROUGHT[kind]()
    before = state(brought.module)
    network = wrapped(brought)
    size = 1
    found = il.search(
        network, TASK, hypothesis="left", site="here", sizes=(size,), starts={"random": 2, "covariance": 1},
        phases=(il.Phase(steps=4),), budget=TINY,
    )  # fmt: skip
    best = found.best(network=0, size=size)
    il.evaluate(best, network, TASK, budget=TINY)
    best.intervene(network, INPUTS[:20], left=INPUTS[20:])
    assert same(before, state(brought.module))


@pytest.mark.parametrize("kind", list(BROUGHT))
def test_patching_in_what_was_there_changes_nothing(kind):
    torch.manual_seed(2)
    network = wrapped(BROUGHT[kind]())
    network.prepare(INPUTS)
    wanted = network(INPUTS)
    hidden = network.activations("here", INPUTS)
    assert hidden.shape == (1, len(INPUTS), network.width("here"))
    torch.testing.assert_close(network.run_from("here", hidden, INPUTS), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", list(BROUGHT))
def test_gradients_are_those_of_finite_differences(kind):
    """Of the tail that a search uses, in double precision, along a random direction."""
    torch.manual_seed(3)
    brought = BROUGHT[kind]()
    if "brain" in kind:
        brought.module.float()
    network = wrapped(brought._replace(module=brought.module.double()))
    network.prepare(INPUTS)
    suffix = network.suffix("here")
    entered = suffix.enter(network.activations("here", INPUTS))[0].T.unsqueeze(0)
    shown = INPUTS.unsqueeze(0) if suffix.needs_inputs else None
    buffers = BufferPool(entered)
    rest = suffix.rest(torch.zeros(1, dtype=torch.long))
    logits, saved = rest.forward(entered.clone(), buffers, shown)
    slope = rest.backward(saved, torch.ones_like(logits), buffers)
    direction = torch.randn(entered.shape, generator=derived_generator(0))
    step = 1e-3  # small, for a kink on the way makes a difference
    up, down = (rest.forward(entered + sign * step * direction, buffers, shown)[0].double().sum() for sign in (1, -1))
    along = float((slope * direction).double().sum())
    assert along == pytest.approx(float((up - down) / (2 * step)), rel=0.02, abs=0.02)


@pytest.mark.parametrize(("error", "said"), [(KeyboardInterrupt, KeyboardInterrupt), (RuntimeError, NetworkError)])
@pytest.mark.parametrize("kind", ["batch norm", "branches", "a buffer that counts", "modes mixed, double", "attention"])
def test_it_comes_back_after_an_interruption_too(kind, error, said):
    torch.manual_seed(4)
    brought = BROUGHT[kind]()
    network = wrapped(brought)
    network.prepare(INPUTS)
    before = state(brought.module)

    def stop(module, inputs):
        raise error

    interrupted = Module(brought.module, sites={"here": brought.site}, call=stop)
    interrupted._shapes, interrupted._classes = network._shapes, 2
    for use in (
        lambda: interrupted(INPUTS),
        lambda: interrupted.activations("here", INPUTS),
        lambda: interrupted.prepare(INPUTS),
    ):
        with pytest.raises(said):
            use()
        assert same(before, state(brought.module))


@pytest.mark.parametrize("kind", ["relu perceptron", "branches"])
def test_the_hooks_of_its_owner_keep_firing(kind):
    brought = BROUGHT[kind]()
    fired: list[int] = []
    parts = dict(brought.module.named_modules())
    parts[brought.site].register_forward_hook(lambda *_: fired.append(1))
    network = wrapped(brought)
    network.prepare(INPUTS)
    for use in (
        lambda: network(INPUTS),
        lambda: network.activations("here", INPUTS),
        lambda: network.run_from("here", network.activations("here", INPUTS), INPUTS),
    ):
        fired.clear()
        use()
        assert fired


@pytest.fixture(scope="module")
def trained() -> MLP:
    return MLP.train(
        TASK, count=1, weight_decay=1.0, seed=0, recipe=il.networks.training.Recipe(learning_rate=5e-3, steps=600)
    )


class Opaque(nn.Module):
    """A sequence whose inside nobody can run by itself."""

    def __init__(self, inside: nn.Sequential) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, inputs):
        return self.inside(inputs) * 1.0


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), [("input", ":input"), ("layer1", "1"), ("layer3", "5")])
def test_a_perceptron_is_the_same_network_either_way(trained, opaque, ours, theirs):
    module = as_module(trained)
    path = theirs if not opaque else ("inside:input" if theirs == ":input" else f"inside.{theirs}")
    network = Module(Opaque(module) if opaque else module, sites={ours: path})
    network.prepare(INPUTS)
    torch.testing.assert_close(network(INPUTS), trained(INPUTS), atol=1e-5, rtol=1e-5)
    found = il.search(
        trained, TASK, hypothesis="both", site=ours, sizes=(2,), phases=(il.Phase(steps=20),), budget=TINY
    )
    own = found.best(network=0, size=2)
    other = il.Alignment(**(vars(own) | {"network": network.fingerprint()}))
    score, again = il.evaluate(own, trained, TASK), il.evaluate(other, network, TASK)
    assert again.iia == pytest.approx(score.iia, abs=2 / score.count)  # at most two answers on the edge
    assert isinstance(network.suffix(ours), ModuleSuffix) == opaque


def test_a_step_takes_no_more_than_twice_as_long(trained):
    """Of a single search in a single network, in turns."""
    network = Module(as_module(trained), sites={"layer1": "1"})
    asked = {"hypothesis": "both", "site": "layer1", "sizes": (8,), "starts": {"random": 1}}
    budget = TINY.model_copy(update={"batch": 256, "solved": 1.0, "patience": 10**6, "check_every": 200})

    def seconds(which, steps: int) -> float:
        begun = time.perf_counter()
        il.search(which, TASK, phases=(il.Phase(steps=steps),), budget=budget, **asked)
        return time.perf_counter() - begun

    def step(which) -> float:
        return seconds(which, 400) - seconds(which, 200)

    step(trained), step(network)
    turns = [(step(network), step(trained)) for _ in range(6)]
    theirs, ours = (min(part) for part in zip(*turns, strict=True))  # what disturbs a machine only adds
    assert theirs < 2 * max(ours, 1e-9)


def test_sites_are_listed_with_their_shapes():
    network = Module(shared_encoder())
    listed = network.list_sites(INPUTS)
    assert listed[":input"] == (16,)
    assert listed["encoder"] == (4, 3)
    assert "head" not in listed, "the answer itself is no site"
    network.prepare(INPUTS)
    assert network.sites[":input"] == 16


def shared_encoder() -> nn.Module:
    return BROUGHT["shared encoder"]().module


class Root(nn.Module):
    """What cannot take an exchange: a root of something that is never negative by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(16, 2), nn.Linear(2, 2)
        self.pair = nn.Identity()

    def forward(self, inputs):
        one = self.first(inputs)[:, :1]
        pair = self.pair(torch.cat([one, -one], 1))
        return self.head((-(pair.sum(1, keepdim=True).abs() * 1e9)).exp().log().expand(-1, 2))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(16, 6), nn.Linear(6, 2)

    def forward(self, inputs):
        hidden = self.first(inputs)
        hidden += 1
        return self.head(hidden)


class Aside(nn.Module):
    """A part on which nothing depends, one that is never run, one that mixes examples, and one that gives words."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.aside, self.never, self.head = (
            nn.Linear(16, 6),
            nn.Linear(6, 3),
            nn.Linear(6, 3),
            nn.Linear(6, 2),
        )
        self.mixed, self.words = nn.Identity(), Words()

    def forward(self, inputs):
        hidden = self.first(inputs)
        self.aside(hidden)
        self.words(hidden)
        return self.head(self.mixed(hidden.T).T)


class Words(nn.Module):
    def forward(self, inputs):
        return "words"


@pytest.mark.parametrize(
    ("module", "site", "kind", "word"),
    [
        (Aside(), "frst", UnknownNameError, "'first'"),
        (Aside(), "aside", NetworkError, "does not depend"),
        (Aside(), "never", NetworkError, "never"),
        (Aside(), "mixed", NetworkError, "first axis"),
        (Aside(), "words", NetworkError, "str"),
        (Aside(), "first@3=0", NetworkError, "axis 3"),
        (InPlace(), "first", NetworkError, "in place"),
        (nn.Sequential(nn.Linear(16, 6), nn.ReLU(inplace=True), nn.Linear(6, 2)), "0", NetworkError, "in place"),
        (BROUGHT["used twice"]().module, "2", NetworkError, "2 times"),
        (Root(), "pair", NetworkError, "not finite"),
        (nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)), "1", NetworkError, "3 classes"),
        (nn.Sequential(nn.Linear(16, 6), nn.Unflatten(1, (3, 2))), "0", NetworkError, "logits"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_spent(module, site, kind, word, fails):
    before = state(module)
    with fails(kind, word):
        il.search(Module(module, sites={"here": site}), TASK, hypothesis="left", site="here", sizes=(1,), budget=TINY)
    assert same(before, state(module))


def test_a_site_that_cannot_be_read_is_said(fails):
    for text in ("", "a b", "layer[1", "layer:middle"):
        with fails(SpecificationError, "encoder.1"):
            Module(nn.Linear(16, 2), sites={"here": text})


def test_a_module_that_was_never_run_says_what_to_do(fails):
    with fails(NetworkError, "network.meet"):
        Module(nn.Linear(16, 2)).sites  # noqa: B018


def test_two_modules_with_other_parameters_are_two_networks():
    one = nn.Linear(16, 2)
    other = copy.deepcopy(one)
    assert Module(one).fingerprint() == Module(other).fingerprint()
    other.bias.data[0] += 1e-3
    assert Module(one).fingerprint() != Module(other).fingerprint()
