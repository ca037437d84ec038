import pytest
import torch
from networks_by_hand import hand_wired, known_subspace

import interlocus as il
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.interchange.cache import Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.linear import Interchange, is_right
from interlocus.alignment.interchange.losses import Bounded, CrossEntropy, gradient
from interlocus.causal.interventions import Interventions, draw
from interlocus.core.errors import NetworkError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.searches.budget import Budget
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


@pytest.fixture(scope="module")
def pool():
    return TASK.draw_examples(4096, split="test", generator=derived_generator(0, "test pool"))


def one_problem(network: MLP, site: str) -> tuple[Interchange, Problems]:
    only = torch.zeros(1, dtype=torch.long)
    suffix = network.suffix(site)
    return (
        Interchange(
            input_projection=suffix.input_projection,
            body=suffix.body(only),
            buffers=BufferPool(suffix.input_projection),
        ),
        Problems(network=only, hypothesis=only),
    )


def alignment(
    network: MLP, directions: torch.Tensor, *, site: str = "layer1", hypothesis: str = "both"
) -> il.Alignment:
    return il.Alignment(
        site=site,
        hypothesis=hypothesis,
        variables=TASK.hypothesis(hypothesis).variables,
        featurizer="rotation",
        network=network.fingerprint(),
        task=TASK.name,
        frames=Frames(read=directions, write=directions.clone()),
    )


def test_a_hand_wired_network_solves_its_task():
    assert hand_wired().accuracy(TASK, seed=1)[0] > 0.999


def test_a_hand_wired_network_scores_one_at_its_first_layer_with_its_known_subspace():
    score = evaluate(alignment(hand_wired(), known_subspace()), hand_wired(), TASK, seed=3)
    assert score.iia > 0.999
    assert score.worst_transition > 0.995
    assert min(score.kinds.values()) > 0.999


def test_the_wrong_half_of_its_neurons_scores_the_floor():
    swapped = known_subspace().flip(0)  # what holds left is taken for right: wrong unless both agree by chance
    score = evaluate(alignment(hand_wired(), swapped), hand_wired(), TASK, seed=3)
    assert score.kinds["left"] == pytest.approx(0.5, abs=5 * 0.5 / (score.count / 3) ** 0.5)


def test_a_joint_intervention_that_ignores_its_second_source_is_caught(pool):
    """The label rests on two sources: with right taken from the source of left the score falls to chance."""
    network, hypothesis = hand_wired(), TASK.hypothesis("both")
    asked = draw(pool, hypothesis, shape=(1, 3000), generator=derived_generator(0, "two sources"))
    joint = slice(1000, 2000)
    interchange, problems = one_problem(network, "layer1")
    frames = Frames(read=known_subspace().unsqueeze(0), write=known_subspace().unsqueeze(0))
    cache = cache_activations(network, "layer1", pool)

    def iia(asked: Interventions) -> float:
        batch = next(batches(cache, plan_batches(cache, [asked], problems, TASK.classes)))
        logits, _ = interchange.forward(frames, batch)
        return float(is_right(logits, batch.one_hot)[0, 0, joint].float().mean())

    ignoring = Interventions(
        base=asked.base, sources=asked.sources[:1].expand(2, -1, -1), labels=asked.labels, places=asked.places
    )
    assert iia(asked) > 0.999
    assert iia(ignoring) == pytest.approx(0.5, abs=5 * 0.5 / 1000**0.5)


def test_a_base_as_its_own_source_changes_nothing(pool):
    network = MLP.untrained(TASK, count=1, seed=4)
    inputs = pool.inputs[:50]
    wanted = network(inputs)[0]
    written = alignment(network, known_subspace()).intervene(network, inputs, left=inputs, right=inputs)
    torch.testing.assert_close(written, wanted)


@pytest.mark.parametrize("site", ["input", "layer1", "layer2", "layer3"])
def test_swapping_every_direction_is_swapping_the_activation(pool, site):
    network = MLP.untrained(TASK, count=1, activation="tanh", seed=5)
    turn = torch.linalg.qr(torch.randn(16, 16, generator=derived_generator(0, "turn"))).Q
    found = alignment(network, turn.unsqueeze(0), site=site, hypothesis="left")
    base, source = pool.inputs[:50], pool.inputs[50:100]
    torch.testing.assert_close(found.intervene(network, base, left=source), network(source)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("site", ["input", "layer1", "layer2", "layer3"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "gelu"])
@pytest.mark.parametrize("loss", [CrossEntropy(), Bounded()])
def test_gradients_are_those_of_autograd(pool, site, activation, loss):
    """The whole way, from maps to the mean loss, against a graph built from `run_from` in double precision."""
    network = MLP.untrained(TASK, count=2, activation=activation, seed=6)
    network = MLP([w.double() for w in network.weights], [b.double() for b in network.biases], activation=activation)
    double = type(pool)(inputs=pool.inputs.double(), values=pool.values, count=pool.count)
    hypothesis = TASK.hypothesis("both")
    problems = Problems(network=torch.tensor([1, 0]), hypothesis=torch.tensor([0, 0]))
    searches = torch.tensor([1, 1, 1, 0, 0, 0])  # three searches a problem
    suffix = network.suffix(site)
    interchange = Interchange(
        input_projection=suffix.input_projection[problems.network],
        body=suffix.body(searches),
        buffers=BufferPool(suffix.input_projection),
    )
    generator = derived_generator(0, "maps", site, activation)
    read, write = (torch.randn(6, 2, 3, 16, generator=generator).double().requires_grad_() for _ in range(2))
    asked = draw(double, hypothesis, shape=(1, 90), generator=generator)
    cache = cache_activations(network, site, double)
    batch = next(batches(cache, plan_batches(cache, [asked], problems, TASK.classes)))
    asked = asked[0]
    frames = Frames(read=read.detach(), write=write.detach())
    logits, saved = interchange.forward(frames, batch)
    wanted = []
    for search, number in enumerate(searches.tolist()):
        base = network[number].activations(site, double.inputs[asked.base])[0]
        state = base
        for v in range(2):
            source = network[number].activations(site, double.inputs[asked.sources[v]])[0]
            state = state + (source - base) @ read[search, v].T @ write[search, v]
        wanted.append(network[number].run_from(site, state.unsqueeze(0))[0].T)
    torch.testing.assert_close(logits.flatten(0, 1), torch.stack(wanted).detach())
    softmax = torch.stack(wanted).softmax(1)
    loss.value((softmax * batch.one_hot[0]).sum(1)).mean(1).sum().backward()
    pulled = interchange.backward(frames, batch, saved, gradient(loss, logits, batch.one_hot, interchange.buffers))
    torch.testing.assert_close(pulled.read, read.grad)
    torch.testing.assert_close(pulled.write, write.grad)


def test_activations_that_are_no_numbers_are_refused(pool):
    network = MLP.untrained(TASK, count=2, seed=7)
    network.weights[1][1, 0, 0] = torch.nan
    with pytest.raises(NetworkError, match=r"Network 1 .*'layer2'.* not numbers"):
        cache_activations(network, "layer2", pool)


def test_an_alignment_refuses_another_network(pool):
    network = MLP.untrained(TASK, count=2, seed=8)
    found = alignment(network[0], known_subspace())
    with pytest.raises(il.InterlocusError, match="another"):
        found.intervene(network[1], pool.inputs[:2], left=pool.inputs[2:4])


def test_an_alignment_comes_back_from_its_file(tmp_path, pool):
    network = hand_wired()
    found = alignment(network, known_subspace())
    found.save(tmp_path / "both.safetensors")
    again = il.Alignment.load(tmp_path / "both.safetensors")
    inputs = pool.inputs[:20]
    assert again.variables == ("left", "right")
    torch.testing.assert_close(again.basis("left"), found.basis("left"))
    torch.testing.assert_close(
        again.intervene(network, inputs, left=inputs.flip(0)), found.intervene(network, inputs, left=inputs.flip(0))
    )


def test_untrained_networks_do_nothing_but_their_floor():
    """No direction of an untrained network answers as the causal model says."""
    found = il.search(
        MLP.untrained(TASK, count=3, seed=9),
        TASK,
        hypothesis="left",
        site="layer1",
        sizes=(4,),
        budget=Budget(pool=4096, batch=128, check_every=25),
        phases=(il.Phase(steps=100),),
    )
    chance = 0.5
    spread = (chance * (1 - chance) / 10_000) ** 0.5
    assert found.iia.mean() == pytest.approx(chance, abs=0.02 + 3 * spread)
