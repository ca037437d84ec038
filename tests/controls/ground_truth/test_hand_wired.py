"""Hand-wired networks: their site carries its code, and searches do not find the variables there."""

from __future__ import annotations

import pytest
import torch

import interlocus as il
from interlocus.controls.ground_truth.hand_wired import count_only, count_with_unused_copies, output_only
from interlocus.controls.used.subspace import restrict_to, used_subspaces
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)
ERROR = 0.5 / 3000**0.5
COUNT_ALONE = 0.625
"""IIA of left and right where only the count passes."""


def spread_within(wired, variable, width):
    """Share of the variance of a site that is not explained by the value of a variable, in the worst network."""
    drawn = TASK.sample(4000, split="test", generator=derived_generator(3))
    values = TASK.values(drawn)[variable]
    states = wired.networks.activations(wired.site, TASK.encode(drawn)).double()
    assert states.shape[2] == width
    left_over = states.clone()
    for value in values.unique():
        # the median, since the few examples that lie between equal and unequal are let pass
        left_over[:, values == value] -= states[:, values == value].median(1, keepdim=True).values
    near = left_over.square().sum(2).quantile(0.99, dim=1)
    return float((near / states.var(1).sum(1)).max())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_solve_the_task_and_their_site_carries_its_code(activation):
    about = {"hidden": (16, 12, 8), "activation": activation, "count": 2, "seed": 7}
    made = [
        count_only(TASK, site="layer2", **about),
        count_only(TASK, site="layer2", code="pair", **about),
        count_only(TASK, site="layer3", code="pair", **about),
        output_only(TASK, site="layer2", **about),
        output_only(TASK, site="layer3", **about),
        count_with_unused_copies(TASK, site="layer2", **about),
    ]
    for wired in made:
        assert wired.admitted == (0, 1)
        assert min(wired.accuracy) > 0.995
        assert min(score.worst_transition for score in wired.scores) > 0.98
    widths = (12, 12, 8, 12, 8)
    for wired, variable, width in zip(made, ("count", "count", "count", "output", "output"), widths, strict=False):
        assert spread_within(wired, variable, width) < 1e-4
    assert spread_within(made[-1], "count", 12) > 1e-2  # the copies


@pytest.mark.parametrize("hidden", [(12,), (16, 16), (12, 9, 9, 9)])
def test_the_answer_alone_can_be_read_from_the_first_layer(hidden):
    wired = output_only(TASK, site="layer1", hidden=hidden, count=2)
    assert wired.admitted == (0, 1)
    assert wired.carries == "output"
    assert wired.alignments[0].basis("output").shape == (hidden[0], 1)


def test_left_and_right_are_not_found_where_only_the_count_is():
    wired = count_only(TASK, site="layer2", count=2, seed=1)
    for featurizer in ("rotation", "linear"):
        found = il.search(
            wired.networks, TASK, hypothesis="both", site="layer2", sizes=(1, 4), featurizer=featurizer,
            budget=SMALL, phases=(il.Phase(steps=200),),
        )  # fmt: skip
        assert found.iia.max() <= COUNT_ALONE + 5 * ERROR


def test_a_linear_map_that_reads_unused_copies_scores():
    wired = count_with_unused_copies(TASK, site="layer2", count=2, seed=1)
    assert wired.carries == "copies"
    assert all(score.iia > 0.99 for score in wired.copy_scores)
    for network, alignment in enumerate(wired.copy_alignments):
        write = alignment.basis("left")
        torch.testing.assert_close(write, alignment.basis("right"))  # both write the count
        behind = wired.networks.weights[2][network]
        read = alignment.frames.read[:, 0]
        assert float((behind @ read.T).abs().max()) < 1e-4 * float(
            behind.norm() * read.norm()
        )  # the next layer does not read them


@pytest.mark.slow
def test_the_used_subspace_does_not_contain_the_copies():
    wired = count_with_unused_copies(TASK, site="layer2", count=1, seed=1)
    (needed,) = used_subspaces(wired.networks, TASK, site="layer2", agreement=0.998)
    assert needed.rank == 1
    inside = restrict_to(wired.networks, [needed], dimension=2)
    asked = {"hypothesis": "both", "site": "layer2", "sizes": (1,), "featurizer": "linear", "budget": SMALL}
    # what is used was learned, to .002 of its answers, so a little of a copy may be left; half-way there is too much
    assert il.search(inside, TASK, **asked).iia.max() < (COUNT_ALONE + 1) / 2
    assert il.search(wired.networks, TASK, **asked).iia.min() > 0.95


def test_equal_seeds_give_equal_networks_and_other_seeds_others():
    one, again, other = (count_only(TASK, site="layer2", count=2, seed=seed).networks for seed in (1, 1, 2))
    assert one.fingerprint() == again.fingerprint()
    assert len({net.fingerprint() for net in (one[0], one[1], other[0], other[1])}) == 4


def test_what_cannot_be_wired_is_refused(fails):
    with fails(UnknownNameError, "'layer2'"):
        count_only(TASK, site="layr2")
    with fails(SpecificationError, "layer2 to layer3"):
        count_only(TASK, site="layer1")
    with fails(SpecificationError, "more hidden layers"):
        count_with_unused_copies(TASK, site="layer2", hidden=(16, 16))
    with fails(SpecificationError, "wider"):
        count_only(TASK, site="layer2", hidden=(7, 16))
    with fails(UnknownNameError, "activation"):
        output_only(TASK, site="layer2", activation="rleu")
