"""Laws of the loss that keeps patched states natural."""

from __future__ import annotations

import pytest
import torch
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.alignment.interchange.cache import Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.latent_loss import LatentLoss
from interlocus.alignment.interchange.linear import Interchange
from interlocus.causal.interventions import draw
from interlocus.core.errors import SpecificationError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
POOL = TASK.draw_examples(600, split="train", generator=derived_generator(0, "pool"))
WEIGHT = 0.7


def network() -> MLP:
    one = MLP.untrained(TASK, count=2, activation="tanh", seed=6)
    return MLP([w.double() for w in one.weights], [b.double() for b in one.biases], activation="tanh")


@pytest.mark.parametrize("name", ["both", "symmetric"])
def test_its_gradient_is_that_of_autograd(name):
    """The distance to the mean of the states that agree in every variable, worked out row by row."""
    nets, hypothesis = network(), TASK.hypothesis(name)
    pool = type(POOL)(inputs=POOL.inputs.double(), values=POOL.values, count=POOL.count)
    cache = cache_activations(nets, "layer1", pool)
    problems = Problems(network=torch.tensor([1, 0]), hypothesis=torch.tensor([0, 0]))
    searches = torch.tensor([1, 1, 0, 0])
    suffix = nets.suffix("layer1")
    interchange = Interchange(
        input_projection=suffix.input_projection[problems.network],
        body=suffix.body(searches),
        buffers=BufferPool(suffix.input_projection),
    )
    read, write = (
        torch.randn(4, 2, 3, 16, generator=derived_generator(0, i)).double().requires_grad_() for i in range(2)
    )
    asked = draw(pool, hypothesis, shape=(1, 60), generator=derived_generator(1))
    batch = next(batches(cache, plan_batches(cache, [asked], problems, TASK.classes)))
    natural = LatentLoss.of(cache, pool, [hypothesis])
    pull = natural.gradient(interchange, problems, batch, natural.codes([asked])[:, 0], WEIGHT)
    pulled = pull(Frames(read=read.detach(), write=write.detach()))

    model, asked = hypothesis.model, asked[0]
    swapped = {v: pool.values[v][rows] for v, rows in zip(hypothesis.variables, asked.sources, strict=True)}
    after = model.interchange({n: v[asked.base] for n, v in pool.values.items() if n in model.variables}, swapped)
    free = (
        ["left", "right", "both_equal", "none_equal", "count", "output"]
        if name == "both"
        else ["both_equal", "none_equal", "output"]
    )
    agree = torch.stack([after[n][:, None] == pool.values[n] for n in free]).all(0).double()
    total = torch.zeros(())
    for search, number in enumerate(searches.tolist()):
        states = cache.activations[number]
        same = torch.stack([pool.values[n][:, None] == pool.values[n] for n in free]).all(0).double()
        spread = (states - same @ states / same.sum(1, keepdim=True)).square().sum(1).mean()
        state = states[asked.base]
        for v in range(2):
            state = state + (states[asked.sources[v]] - states[asked.base]) @ read[search, v].T @ write[search, v]
        known = agree.sum(1) > 0
        off = (state - agree @ states / agree.sum(1, keepdim=True).clamp_min(1)).square().sum(1) * known
        total = total + WEIGHT * off.mean() / spread
    total.backward()
    torch.testing.assert_close(pulled.read, read.grad)
    torch.testing.assert_close(pulled.write, write.grad)
    if name == "both":
        assert agree.any(1).all()


def distance(network: MLP, found: il.Alignment) -> float:
    """How far patched states are from the mean natural state with their values, natural states being at one."""
    pool = TASK.draw_examples(4000, split="test", generator=derived_generator(5))
    asked = draw(pool, TASK.hypothesis("both"), shape=(4000,), generator=derived_generator(6))
    states = network.activations(found.site, pool.inputs)[0]
    patched = states[asked.base]
    for v, source in enumerate(asked.sources):
        patched = patched + (states[source] - states[asked.base]) @ found.frames.read[v].T @ found.frames.write[v]
    values = 2 * pool.values["left"] + pool.values["right"]
    after = 2 * pool.values["left"][asked.sources[0]] + pool.values["right"][asked.sources[1]]
    means = torch.stack([states[values == value].mean(0) for value in range(4)])
    natural = (states - means[values]).square().sum(1).mean()
    return float((patched - means[after]).square().sum(1).mean() / natural)


def test_a_search_with_it_ends_nearer_to_natural_states():
    """An oblique map may leave the natural states far behind; the loss calls it back."""
    small = Budget(pool=4096, held_out=2048, partners=64, batch=128, check_every=25, validation=512, test=1000)
    network = hand_wired()

    def off(weight: float) -> float:
        found = il.search(
            network, TASK, hypothesis="both", site="layer2", sizes=(2,), featurizer="linear",
            starts={"random": 1}, phases=(Phase(steps=300, latent=weight),), budget=small,
        )  # fmt: skip
        return distance(network, found.best(network=0, size=2))

    assert off(1.0) < 0.8 * off(0.0)


@pytest.mark.parametrize("last", ["natural", "restoring"])
def test_a_study_of_one_direction_only_is_refused(last, fails):
    phases = (Phase(steps=5, sampling="restoring"), Phase(steps=5, sampling=last, temperature=3.0))
    small = Budget(pool=512, held_out=512, partners=64, batch=32, check_every=5, validation=64, test=64)

    def search() -> il.SearchResult:
        return il.search(hand_wired(), TASK, hypothesis="both", site="layer1", sizes=(1,), phases=phases, budget=small)

    if last == "natural":
        assert search().iia.shape == (1, 1)
    else:
        with fails(SpecificationError, "restoring", "last phase"):
            search()
