"""Any torch module can be searched correctly, and is unchanged afterwards."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import torch
from modules import BROUGHT, Brought, as_module
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import interlocus as il
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.training import Recipe
from interlocus.networks.module.model import call_directly
from interlocus.networks.module.suffix import ModuleSuffix
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=4)
TINY = il.Budget(pool=512, held_out=256, partners=1, batch=32, check_every=2, validation=64, test=96)
INPUTS = TASK.labelled_inputs(40, split="test", generator=derived_generator(0))[0]


def wrapped(brought: Brought) -> Module:
    return Module(brought.module, sites={"here": brought.site}, call=brought.call or call_directly)


def state(module: nn.Module) -> dict:
    """Everything in a module that could change, and the random state."""
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
def test_a_search_leaves_a_module_unchanged(kind):
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
def test_replacing_activations_by_themselves_changes_nothing(kind):
    torch.manual_seed(2)
    network = wrapped(BROUGHT[kind]())
    network.prepare(INPUTS)
    wanted = network(INPUTS)
    hidden = network.activations("here", INPUTS)
    assert hidden.shape == (1, len(INPUTS), network.width("here"))
    torch.testing.assert_close(network.run_from("here", hidden, INPUTS), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", list(BROUGHT))
def test_gradients_agree_with_finite_differences(kind):
    """Gradients of the suffix body, in double precision, along a random direction."""
    torch.manual_seed(3)
    brought = BROUGHT[kind]()
    if "brain" in kind:
        brought.module.float()
    network = wrapped(brought._replace(module=brought.module.double()))
    network.prepare(INPUTS)
    suffix = network.suffix("here")
    projected = suffix.project(network.activations("here", INPUTS))[0].T.unsqueeze(0)
    shown = INPUTS.unsqueeze(0) if suffix.needs_inputs else None
    buffers = BufferPool(projected)
    body = suffix.body(torch.zeros(1, dtype=torch.long))
    logits, saved = body.forward(projected.clone(), buffers, shown)
    slope = body.backward(saved, torch.ones_like(logits), buffers)
    direction = torch.randn(projected.shape, generator=derived_generator(0))
    step = 1e-3  # small, so that a kink of an activation is unlikely to matter
    up, down = (body.forward(projected + sign * step * direction, buffers, shown)[0].double().sum() for sign in (1, -1))
    along = float((slope * direction).double().sum())
    assert along == pytest.approx(float((up - down) / (2 * step)), rel=0.02, abs=0.02)


@pytest.mark.parametrize(("error", "said"), [(KeyboardInterrupt, KeyboardInterrupt), (RuntimeError, NetworkError)])
@pytest.mark.parametrize("kind", ["batch norm", "branches", "a buffer that counts", "modes mixed, double", "attention"])
def test_an_error_or_interruption_leaves_a_module_unchanged(kind, error, said):
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
def test_hooks_of_the_owner_still_run(kind):
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
    return MLP.train(TASK, count=1, weight_decay=1.0, seed=0, recipe=Recipe(learning_rate=5e-3, steps=600))


class Opaque(nn.Module):
    """A module whose sequence cannot be run in parts."""

    def __init__(self, inside: nn.Sequential) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, inputs):
        return self.inside(inputs) * 1.0


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), [("input", ":input"), ("layer1", "1"), ("layer3", "5")])
def test_a_perceptron_as_module_gives_the_same_results(trained, opaque, ours, theirs):
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
    assert again.iia == pytest.approx(score.iia, abs=2 / score.count)  # two logits may be almost equal
    assert isinstance(network.suffix(ours), ModuleSuffix) == opaque


class Operations(TorchDispatchMode):
    """Counts the operations of torch inside a `with` block."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count[str(func)] += 1
        return func(*args, **(kwargs or {}))


def test_a_step_runs_about_as_many_operations_as_for_a_perceptron(trained):
    """Of a single search in a single network; how long they take is the benchmarks' matter.

    Not to one: how often rows are mended depends on their last digits.
    """
    network = Module(as_module(trained), sites={"layer1": "1"})
    asked = {"hypothesis": "both", "site": "layer1", "sizes": (8,), "starts": {"random": 1}}
    budget = TINY.model_copy(update={"batch": 256, "solved": 1.0, "patience": 10**6, "check_every": 200})

    def operations(which, steps: int) -> Counter[str]:
        with Operations() as seen:
            il.search(which, TASK, phases=(il.Phase(steps=steps),), budget=budget, **asked)
        return seen.count

    def more(which) -> Counter[str]:
        """What is run for 20 steps more, validations being as many."""
        return operations(which, 40) - operations(which, 20)

    theirs, ours = more(network), more(trained)
    assert ours.total() > 20
    assert theirs.total() < 1.1 * ours.total()


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
    """Finite logits for its own activations, infinite ones after an exchange."""

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


class UnusableParts(nn.Module):
    """Parts that are no sites: without influence, never run, with examples on another axis, without a tensor."""

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


class LastStep(nn.Module):
    """Reads the output of its last step only; its logits are ±s, so their sum has no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.head = nn.GRU(8, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, inputs):
        score = self.head(self.steps(inputs.unflatten(1, (2, 8)))[0][:, -1])
        return torch.cat([score, -score], 1)


def test_a_step_that_is_read_is_a_site_although_the_sum_of_the_logits_has_no_gradient():
    network = Module(LastStep(), sites={"last": "steps:output[0]@1=1"})
    network.prepare(torch.randn(8, 16, generator=torch.Generator().manual_seed(0)))
    assert network.sites == {"last": 6}


class Words(nn.Module):
    def forward(self, inputs):
        return "words"


@pytest.mark.parametrize(
    ("module", "site", "kind", "word"),
    [
        (UnusableParts(), "frst", UnknownNameError, "'first'"),
        (UnusableParts(), "aside", NetworkError, "does not depend"),
        (LastStep(), "steps:output[0]@1=0", NetworkError, "does not depend"),
        (UnusableParts(), "never", NetworkError, "never"),
        (UnusableParts(), "mixed", NetworkError, "first axis"),
        (UnusableParts(), "words", NetworkError, "str"),
        (UnusableParts(), "first@3=0", NetworkError, "axis 3"),
        (InPlace(), "first", NetworkError, "in place"),
        (nn.Sequential(nn.Linear(16, 6), nn.ReLU(inplace=True), nn.Linear(6, 2)), "0", NetworkError, "in place"),
        (BROUGHT["used twice"]().module, "2", NetworkError, "2 times"),
        (Root(), "pair", NetworkError, "not finite"),
        (nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)), "1", NetworkError, "3 classes"),
        (nn.Sequential(nn.Linear(16, 6), nn.Unflatten(1, (3, 2))), "0", NetworkError, "logits"),
    ],
)
def test_an_unusable_site_or_module_is_an_error_before_the_search(module, site, kind, word, fails):
    before = state(module)
    with fails(kind, word):
        il.search(Module(module, sites={"here": site}), TASK, hypothesis="left", site="here", sizes=(1,), budget=TINY)
    assert same(before, state(module))


def test_text_that_is_no_site_is_an_error(fails):
    for text in ("", "a b", "layer[1", "layer:middle"):
        with fails(SpecificationError, "encoder.1"):
            Module(nn.Linear(16, 2), sites={"here": text})


def test_sites_of_an_unprepared_module_are_an_error(fails):
    with fails(NetworkError, "network.prepare"):
        Module(nn.Linear(16, 2)).sites  # noqa: B018


def test_fingerprints_differ_when_parameters_differ():
    one = nn.Linear(16, 2)
    other = copy.deepcopy(one)
    assert Module(one).fingerprint() == Module(other).fingerprint()
    other.bias.data[0] += 1e-3
    assert Module(one).fingerprint() != Module(other).fingerprint()
