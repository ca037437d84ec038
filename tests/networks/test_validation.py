"""Checks of a task and its networks, on a task written for this file."""

from __future__ import annotations

import math

import pytest
import torch
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Variable
from interlocus.core.errors import CausalModelError, NetworkError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.training import Recipe
from interlocus.networks.validation import check_sites, check_task
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import AbstractTask, HierarchicalEquality
from interlocus.tasks.validation import CHECKED_EXAMPLES


class SignOfSum(AbstractTask):
    """Is x + y positive, and z as well?"""

    model = CausalModel(
        [
            *(Variable(name=name) for name in "xyz"),
            Variable(name="sum", parents=("x", "y"), mechanism=torch.add),
            Variable(name="sum_positive", parents=("sum",), mechanism=lambda s: s > 0, values=(0, 1)),
            Variable(name="z_positive", parents=("z",), mechanism=lambda z: z > 0, values=(0, 1)),
            Variable(name="answer", parents=("sum_positive", "z_positive"), mechanism=torch.bitwise_and, values=(0, 1)),
        ],
        output="answer",
    )

    def sample(self, count, *, split, generator):
        return {name: torch.randn(count, generator=generator) for name in self.model.inputs}


SMALL = Budget(pool=4096, held_out=4096, partners=64, batch=128, check_every=25, validation=1024, test=3000)


class Changed(SignOfSum):
    """The same task with another sampler, hypotheses or model."""

    def __init__(self, *, model=None, hypotheses=(), sample=None) -> None:
        self._model = model or SignOfSum.model
        self._asked = {hypothesis.name: hypothesis for hypothesis in hypotheses}
        self._sample = sample or super().sample

    @property
    def model(self):
        return self._model

    @property
    def hypotheses(self):
        return self._asked or super().hypotheses

    def sample(self, count, *, split, generator):
        return self._sample(count, split=split, generator=generator)


def sampler(change):
    """A sampler that changes the examples of the task."""
    return lambda count, *, split, generator: change(SignOfSum().sample(count, split=split, generator=generator))


def rival_hypothesis(name: str, parents: tuple[str, ...], mechanism, **changes) -> Hypothesis:
    """A hypothesis whose variable replaces `sum_positive` in the computation of the class."""
    variables = [variable for variable in SignOfSum.model.variables.values() if variable.name != "answer"]
    one = Variable(name=name, parents=parents, mechanism=mechanism, values=(0, 1))
    answer = Variable(name="answer", parents=(name, "z_positive"), mechanism=torch.bitwise_and, values=(0, 1))
    return Hypothesis(
        name=name, model=CausalModel([*variables, one, answer], output="answer"), variables=(name,), **changes
    )


def test_a_task_of_fifteen_lines_is_complete():
    task = SignOfSum()
    assert (task.name, task.input_width, task.classes) == ("sign_of_sum", 3, 2)
    assert list(task.hypotheses) == ["sum", "sum_positive", "z_positive"]
    checked = check_task(task)
    assert checked.agreement == ()
    assert set(checked.chance_levels) == set(task.hypotheses)
    # the label changes where z is positive and the sum changes sign, in one quarter of interventions
    for name in ("sum", "sum_positive"):
        assert abs(checked.chance_levels[name].no_effect - 0.75) < 0.02
        assert checked.chance_levels[name].method == "drawn"
    by_pair = {(pair.one, pair.other): pair for pair in checked.differences}
    assert by_pair["sum", "sum_positive"].nested
    assert by_pair["sum", "sum_positive"].share == 0
    # one label has the sum of the source and z of the base, the other the reverse; they differ in three of eight cases
    assert abs(by_pair["sum_positive", "z_positive"].share - 3 / 8) < 0.05
    assert not by_pair["sum_positive", "z_positive"].nested
    assert "sum_positive: chance level 0.7" in str(checked)


def test_a_task_of_fifteen_lines_is_learned_and_searched():
    task = SignOfSum()
    recipe = Recipe(learning_rate=1e-2, steps=600)
    networks = MLP.train(task, hidden=(8,), activation="relu", count=1, seed=0, recipe=recipe)
    (share,) = check_task(task, networks).agreement
    assert share > 0.95
    phases = (Phase(steps=200),)
    found = il.search(networks, task, hypothesis="sum", site="input", sizes=(1,), budget=SMALL, phases=phases)
    assert found.iia[0, 0] > 0.95
    # x + y is read by the direction (1, 1, 0)/√2
    direction = found.best(network=0, size=1).basis("sum")[:, 0]
    assert abs(float(direction @ torch.tensor([1.0, 1.0, 0.0]))) / math.sqrt(2) > 0.97


def test_a_shipped_task_and_its_network_pass():
    checked = check_task(HierarchicalEquality(), hand_wired())
    assert checked.agreement == (1.0,)
    assert {name: level.method for name, level in checked.chance_levels.items()} == {
        "both": "enumerated", "left": "enumerated", "right": "enumerated", "symmetric": "enumerated",
        "count": "enumerated", "output": "enumerated", "identity": "drawn", "difference": "drawn",
        "distance": "drawn", "cross": "drawn",
    }  # fmt: skip
    same = {frozenset((pair.one, pair.other)) for pair in checked.differences if pair.share == 0}
    chain = ("left", "distance", "difference")
    assert same == {frozenset(("count", "output")), *(frozenset((v, w)) for v in chain for w in chain if v != w)}
    rest = [pair.share for pair in checked.differences if pair.share]
    assert min(rest) > 0.4


def test_only_the_named_hypotheses_are_checked(fails):
    assert list(check_task(HierarchicalEquality(), hypotheses=("left",)).chance_levels) == ["left"]
    with fails(UnknownNameError, "Did you mean 'left'?"):
        check_task(HierarchicalEquality(), hypotheses=("lefd",))


def test_another_number_of_classes_is_an_error(fails):
    three = MLP([torch.ones(1, 3, 16)], [torch.zeros(1, 3)], activation="relu")
    with fails(NetworkError, "3 classes", "hierarchical_equality", "2"):
        check_task(HierarchicalEquality(), three, hypotheses=("left",))


def test_classes_in_another_order_are_an_error(fails):
    wired = hand_wired()
    turned = MLP(
        [*wired.weights[:-1], wired.weights[-1].flip(1)], [*wired.biases[:-1], wired.biases[-1].flip(1)],
        activation="relu",
    )  # fmt: skip
    with fails(NetworkError, "another order", "100.0%"):
        check_task(HierarchicalEquality(), turned, hypotheses=("left",))


def test_an_untrained_network_passes():
    networks = MLP.untrained(HierarchicalEquality(), hidden=(8,), activation="relu", count=3, seed=0)
    assert len(check_task(HierarchicalEquality(), networks, hypotheses=("left",)).agreement) == 3


def test_a_value_that_is_never_drawn_is_an_error(fails):
    never = sampler(lambda drawn: drawn | {"z": -drawn["z"].abs()})
    with fails(CausalModelError, "'z_positive'", "never takes its value 1"):
        check_task(Changed(sample=never), hypotheses=("z_positive",))
    constant = sampler(lambda drawn: drawn | {"x": torch.ones_like(drawn["x"]), "y": torch.ones_like(drawn["y"])})
    with fails(CausalModelError, "'sum'", "one value only"):
        check_task(Changed(sample=constant), hypotheses=("sum",))


def test_a_rare_value_passes():
    """z > 3.09 is absent from 256 examples with probability .77, and from 16,384 with 8e-8."""
    rare = sampler(lambda drawn: drawn | {"z": torch.where(drawn["z"] > 3.09, drawn["z"], -drawn["z"].abs())})
    checked = check_task(Changed(sample=rare), hypotheses=("sum_positive",))
    assert checked.chance_levels["sum_positive"].no_effect > 0.99


def test_a_sampler_that_contradicts_the_causal_model_is_an_error(fails):
    def wrong(drawn):
        return drawn | {"answer": (drawn["x"] > 0).long()}

    with fails(CausalModelError, "'answer'", f"of {CHECKED_EXAMPLES}"):
        check_task(Changed(sample=sampler(wrong)))

    def right(drawn):
        return drawn | {"answer": SignOfSum.model.run(drawn)["answer"]}

    assert check_task(Changed(sample=sampler(right)), hypotheses=("sum",)).chance_levels


def test_a_rival_that_computes_another_class_is_an_error(fails):
    rival = rival_hypothesis("x_positive", ("x",), lambda x: x > 0)
    with fails(CausalModelError, "'x_positive'", "'answer'", "apart"):
        check_task(Changed(hypotheses=(rival,)))


def test_hypotheses_with_equal_labels_are_an_error(fails):
    rival = rival_hypothesis("not_negative", ("x", "y"), lambda x, y: x > -y)
    task = Changed(hypotheses=(SignOfSum().hypothesis("sum_positive"), rival))
    with fails(CausalModelError, "'sum_positive'", "'not_negative'", "0.0%"):
        check_task(task)


def test_a_sampler_that_omits_an_input_is_an_error(fails):
    with fails(CausalModelError, "no 'z'"):
        check_task(Changed(sample=sampler(lambda drawn: {name: drawn[name] for name in "xy"})))
    with fails(CausalModelError, "'z': 3"):
        check_task(Changed(sample=sampler(lambda drawn: drawn | {"z": drawn["z"][:3]})))
    with fails(UnknownNameError, "'w'"):
        check_task(Changed(sample=sampler(lambda drawn: drawn | {"w": drawn["z"]})))


def test_an_encoder_of_another_shape_is_an_error(fails):
    class Wide(SignOfSum):
        input_width = 4

    with fails(CausalModelError, "[256, 3]", "4 finite numbers"):
        check_task(Wide())
    with fails(CausalModelError, "not all finite"):
        check_task(Changed(sample=sampler(lambda drawn: drawn | {"z": drawn["z"] / 0})))


def test_the_seed_determines_the_result_and_the_global_generator_is_unused():
    before = torch.random.get_rng_state()
    one, again, other = (check_task(SignOfSum(), seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one != other
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["sum", "z_positive"])
def test_examples_hold_the_variables_of_all_hypotheses(name):
    pool = SignOfSum().draw_examples(10, split="train", generator=derived_generator(0))
    assert pool.values[name].shape == (10,)


def test_sites_through_which_the_answer_passes_are_accepted():
    network = hand_wired(item_width=2)
    check_sites(network, HierarchicalEquality(item_width=2), ("layer1", "layer2", "layer3"))
    constant = MLP([*network.weights[:-1], 0 * network.weights[-1]], network.biases, activation="relu")
    check_sites(constant, HierarchicalEquality(item_width=2), ("layer3",))  # one answer to everything says nothing


class Beside(torch.nn.Module):
    """Its first part is read with weight zero; the answer comes from the inputs."""

    def __init__(self):
        super().__init__()
        self.part = torch.nn.Linear(8, 4)
        self.answer = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.answer(x) + 1e-30 * self.part(x).sum(1, keepdim=True)


def test_a_dead_site_of_a_module_is_refused(fails):
    torch.manual_seed(0)
    task = HierarchicalEquality(item_width=2)
    network = Module(Beside(), sites={"part": "part"})
    network.prepare(torch.randn(8, 8))
    with fails(NetworkError, "'part'", "never changes"):
        check_sites(network, task, ("part",))
