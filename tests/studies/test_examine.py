"""`examine`: search, controls and verdicts of one network, in one call."""

from __future__ import annotations

import pytest
import torch
from modules import BROUGHT, as_module
from torch import nn

import interlocus as il
from interlocus.core.errors import NetworkError
from interlocus.core.user_code import _registered
from interlocus.networks import MLP, Module
from interlocus.report.page.page import write_report
from interlocus.studies.run import Run
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks._base import AbstractTask

TASK = HierarchicalEquality(item_width=4)
SMALL = {
    "budget": il.Budget(pool=512, held_out=256, partners=16, batch=32, check_every=5, validation=64, test=96),
    "phases": (il.Phase(steps=10),),
    "starts": {"random": 1},
    "untrained": 0,
}


EXAMINED = SMALL | {"hypotheses": ("both", "identity"), "controls": ("probes",)}


@pytest.fixture(scope="module")
def examined(tmp_path_factory) -> Run:
    torch.manual_seed(0)
    network = Module(BROUGHT["shared encoder"]().module)
    return il.examine(network, TASK, out=tmp_path_factory.mktemp("mine"), **EXAMINED)


def test_every_site_is_searched_at_the_sizes_that_fit(examined):
    assert not examined.failures
    assert not examined.missing
    sizes = {(row.site, row.hypothesis): set() for row in examined.scores}
    for row in examined.scores:
        sizes[row.site, row.hypothesis].add(row.size)
    # the input has 16 activations: two variables of size 8 would take it up
    assert sizes[":input", "both"] == {1, 2, 4}
    assert sizes[":input", "identity"] == {1, 2, 4, 8}
    assert sizes["encoder", "both"] == {1, 2, 4}


def test_the_run_has_a_text_and_a_page(examined):
    text = il.show(examined)
    assert "encoder" in text
    assert "[bold]" not in text
    assert write_report(examined).stat().st_size > 10_000


def test_the_same_call_finishes_an_unfinished_run(examined):
    next((examined.store.folder / "records").glob("*.json")).unlink()
    torch.manual_seed(0)
    network = Module(BROUGHT["shared encoder"]().module)
    again = il.examine(network, TASK, out=examined.store.folder, **EXAMINED)
    assert [row.iia for row in again.scores] == [row.iia for row in examined.scores]


def test_a_perceptron_is_examined_like_any_module(tmp_path):
    ours = MLP.untrained(TASK, hidden=(6, 6), count=1, seed=3)
    settings = {"hypotheses": ("left",), "sizes": (2,), "featurizers": ("rotation",), **SMALL}
    plain = Module(as_module(ours), sites={"input": ":input", "layer1": "1", "layer2": "3"})
    one = il.examine(ours, TASK, out=tmp_path / "ours", controls=(), **settings)
    assert (tmp_path / "ours" / "records").is_dir()
    assert not list((tmp_path / "ours").glob("controls/*"))
    other = il.examine(plain, TASK, out=tmp_path / "plain", **settings)
    assert [row.site for row in one.scores] == [row.site for row in other.scores]
    for row, same in zip(one.scores, other.scores, strict=True):
        assert same.accuracy == pytest.approx(row.accuracy, abs=1e-3)


def test_a_run_can_be_read_without_its_network(examined):
    registered = dict(_registered)
    _registered.clear()
    try:
        assert [row.iia for row in Run.load(examined.store.folder).scores] == [row.iia for row in examined.scores]
    finally:
        _registered.update(registered)


class Parity(AbstractTask):
    """A task in a few lines: is an odd number of three numbers positive?"""

    @property
    def input_width(self) -> int:
        return 3

    @property
    def model(self):
        signs = [
            il.Variable(name=f"s{n}", parents=(n,), values=(0, 1), mechanism=lambda x: (x > 0).long()) for n in "xyz"
        ]
        odd = il.Variable(
            name="odd", parents=("sx", "sy", "sz"), values=(0, 1), mechanism=lambda x, y, z: (x + y + z) % 2
        )
        return il.CausalModel([*(il.Variable(name=n) for n in "xyz"), *signs, odd], output="odd")

    @property
    def hypotheses(self):
        return {"first": il.Hypothesis(name="first", model=self.model, variables=("sx",))}

    def sample(self, count, *, split, generator):
        return {name: torch.randn(count, generator=generator) for name in "xyz"}

    def encode(self, values):
        return torch.stack([values[name] for name in "xyz"], 1)


def test_a_task_of_the_user_can_be_examined(tmp_path):
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    run = il.examine(Module(module), Parity(), out=tmp_path, sizes=(1, 2), **SMALL)
    assert not run.failures
    assert {row.hypothesis for row in run.scores} == {"first"}


def test_a_network_that_does_not_fit_the_task_is_refused_before_any_work(tmp_path, fails):
    out = tmp_path / "out"
    with fails(NetworkError, "classes"):
        il.examine(Module(nn.Sequential(nn.Linear(16, 3))), TASK, out=out, **SMALL)
    assert not out.exists()


def test_untrained_copies_have_the_same_architecture_and_new_parameters():
    ours = MLP.untrained(TASK, hidden=(6, 6), count=1, seed=3)
    plain = Module(as_module(ours))
    before, state = plain.fingerprint(), torch.random.get_rng_state()
    for network in (ours, plain):
        copies = network.untrained_copies(2, seed=5)
        assert len({network.fingerprint(), *(one.fingerprint() for one in copies)}) == 3
        assert [one.parameters for one in copies] == [network.parameters] * 2
        again = network.untrained_copies(2, seed=5)
        assert [one.fingerprint() for one in again] == [one.fingerprint() for one in copies]
    assert plain.fingerprint() == before
    assert torch.equal(torch.random.get_rng_state(), state)


class Scaled(nn.Module):
    """Only its author knows how its own parameter is initialised."""

    def __init__(self):
        super().__init__()
        self.scale, self.head = nn.Parameter(torch.linspace(0.5, 1.5, 16)), nn.Linear(16, 2)

    def forward(self, inputs):
        return self.head(inputs * self.scale)


def test_the_evidence_says_how_untrained_networks_got_their_parameters(tmp_path):
    settings = SMALL | {"untrained": 2, "sizes": (1,), "hypotheses": ("both",), "competence": 0.0, "controls": ()}
    made = il.examine(Module(nn.Sequential(nn.Linear(16, 16), Scaled())), TASK, out=tmp_path, **settings)
    for run in (made, Run.load(tmp_path)):
        evidence = [row for site in run.verdicts[0].sites for verdict in site for row in verdict.evidence]
        texts = [row.text for row in evidence if row.control == "chance levels"]
        assert texts
        assert all("permuted" in text for text in texts)


def test_a_verdict_is_about_the_first_hypothesis_and_compares_with_untrained_copies(tmp_path):
    task = HierarchicalEquality(item_width=1)
    ours = Module(as_module(MLP.untrained(task, hidden=(4,), count=1, seed=3)), sites={"hidden": "1"})
    settings = SMALL | {"untrained": 2, "sizes": (1,), "featurizers": ("rotation",), "competence": 0.0}
    settings |= {"controls": ("used_subspace", "operand_leakage")}  # planted networks would take minutes
    run = il.examine(ours, task, out=tmp_path, hypotheses=("right", "left"), rivals=("output",), **settings)
    assert run.study.asked == "right"
    assert [(group.name, group.count) for group in run.study.networks] == [("network", 1), ("untrained", 2)]
    own, *untrained = run.verdicts
    nulls = [row.iia for row in run.scores if row.group == "untrained" and row.hypothesis == "right"]
    assert len(untrained) == 2
    for row in own.sites:
        assert row[0].observation.null >= max(nulls)
    bare = il.examine(ours, task, out=tmp_path / "bare", hypotheses=("right",), **settings | {"untrained": 0})
    assert all(
        "Untrained" in v.missing_evidence[0] for row in bare.verdicts[0].sites for v in row if v.observation.hidden
    )
