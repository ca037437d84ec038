"""The first steps of a new user, with the mistakes that are easy to make."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import interlocus as il
from interlocus.core.errors import AlignmentError, NetworkError, SpecificationError
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask

SMALL = Budget(pool=512, held_out=512, partners=64, batch=32, check_every=5, validation=256, test=400)
TASK_FILE = """
import torch
import interlocus as il
from interlocus.tasks import AbstractTask

class Rises(AbstractTask):
    @property
    def model(self):
        return il.CausalModel(
            [
                *(il.Variable(name=name) for name in "abc"),
                il.Variable(name="up", parents=("a", "b"), values=(0, 1), mechanism=torch.lt),
                il.Variable(name="on", parents=("b", "c"), values=(0, 1), mechanism=torch.lt),
                il.Variable(name="both", parents=("up", "on"), values=(0, 1), mechanism=torch.minimum),
            ],
            output="both",
        )

    def sample(self, count, *, split, generator):
        return {name: torch.randn(count, generator=generator) for name in "abc"}
"""
NETWORK_FILE = """
from pathlib import Path
from torch import nn
from beside_mine import Rises

def build():
    with Path(__file__).with_suffix(".calls").open("a") as calls:
        calls.write("trained\\n")
    return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
"""
STUDY = """
task: mine.py:Rises
networks: [{name: own, network: "mine.py:build", count: 1}]
searches: [{hypotheses: [up], sizes: [1, 2], featurizers: [rotation]}]
phases: [{steps: 10}]
competence: 0.0
budget: {pool: 512, held_out: 512, partners: 64, batch: 32, check_every: 5, validation: 256, test: 400}
"""


@pytest.fixture(scope="module")
def rises(tmp_path_factory) -> AbstractTask:
    namespace: dict[str, type[AbstractTask]] = {}
    exec(TASK_FILE, namespace)
    return namespace["Rises"]()


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))


def search(network, task):
    return il.search(network, task, hypothesis="up", site="1", sizes=(1,), phases=(Phase(steps=5),), budget=SMALL)


def test_a_factory_function_is_called_once_in_each_process(tmp_path):
    """Each call may train a network, so it is called once. Its file may import a file in the same folder."""
    (tmp_path / "beside_mine.py").write_text(TASK_FILE)
    (tmp_path / "mine.py").write_text(NETWORK_FILE)
    (tmp_path / "my.yaml").write_text(STUDY)
    run = il.run_study(Study.load(str(tmp_path / "my.yaml")), tmp_path / "run")
    assert not run.missing
    assert not run.failures
    assert (tmp_path / "mine.calls").read_text().count("trained") == 1


def test_an_examined_network_has_a_page(tmp_path, rises):
    run = il.examine(
        il.networks.Module(module(), sites={"hidden": "1"}),
        rises,
        out=tmp_path / "run",
        hypotheses=("up",),
        sizes=(1,),
        featurizers=("rotation",),
        phases=(Phase(steps=5),),
        budget=SMALL,
        controls=(),
    )
    page = il.write_report(run)
    assert page == tmp_path / "run" / "report.html"
    assert "hidden" in page.read_text()


def test_a_module_that_is_not_wrapped_is_refused(rises, unchecked):
    with pytest.raises(NetworkError, match=r"Sequential.*Wrap it: il\.networks\.Module\(module\)"):
        search(module(), rises)


def test_a_task_that_is_a_class_is_refused(rises, unchecked):
    with pytest.raises(SpecificationError, match=r"class Rises.*Create an instance: Rises\(\)"):
        search(il.networks.Module(module()), type(rises))


def test_a_sampler_that_gives_arrays_is_refused(rises):
    class Arrays(type(rises)):
        def sample(self, count, *, split, generator):
            return {
                name: value.numpy() for name, value in super().sample(count, split=split, generator=generator).items()
            }

    with pytest.raises(SpecificationError, match=r"'a' as a ndarray.*torch\.as_tensor"):
        search(il.networks.Module(module()), Arrays())


@pytest.mark.parametrize("wrap", [il.networks.Module, lambda module: module], ids=["module", "perceptron"])
def test_inputs_of_another_width_are_refused_by_name(rises, wrap):
    wide = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    network = wrap(wide) if wrap is il.networks.Module else il.networks.MLP.untrained(il.tasks.HierarchicalEquality())
    with pytest.raises(NetworkError, match=r"shape \[8, 3\]|has 3 numbers|vectors of"):
        search(network, rises)


def test_inputs_that_are_not_tensors_are_refused(rises, unchecked):
    network = il.networks.Module(module())
    up = search(network, rises).best(network=0, size=1)
    with pytest.raises(AlignmentError, match=r"ndarray.*torch\.as_tensor"):
        up.features(network, np.zeros((4, 3), dtype=np.float32))
    with pytest.raises(NetworkError, match=r"shape \[4, 5\]"):
        up.features(network, torch.zeros(4, 5))


def test_hypotheses_that_are_not_compared_are_named(rises):
    pair = il.Hypothesis(name="pair", model=rises.model, variables=("up", "on"))

    class Two(type(rises)):
        @property
        def hypotheses(self):
            return {"up": super().hypotheses["up"], "pair": pair}

    check = il.check_task(Two())
    assert check.uncompared == (("up", "pair"),)
    assert "up and pair: not compared" in str(check)
