"""What every registered start keeps to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from interlocus.core.plugins import STARTS
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.searches.starts import AbstractStart, Covariance, Nested, Random, StartContext
from interlocus.tasks import HierarchicalEquality

WIDTH, ROWS = 10, 3000


@pytest.fixture(params=list(STARTS))
def start(request) -> AbstractStart:
    return STARTS.get(request.param)()


class Prefers:
    """A judge of sets of neurons that likes some better than others, for each variable its own."""

    width = WIDTH

    def __call__(self, maps: Frames) -> Tensor:
        liking = torch.randn(maps.read.shape[1], self.width, generator=derived_generator(4, "liking"))
        return (maps.read.sum(2) * liking).sum((1, 2))


def context(variables: int = 2, *, values: int = 2, rank: int = WIDTH, width: int = WIDTH) -> StartContext:
    """Activations of some rank, and values that have nothing to do with them; at sizes 1 and 3 something was found."""
    generator = derived_generator(0, "sight")
    activations = torch.randn(ROWS, rank, generator=generator) @ torch.randn(rank, width, generator=generator)
    return StartContext(
        activations=activations,
        values=torch.randint(values, (variables, ROWS), generator=generator),
        logit_gradients=lambda count: torch.randn(2, count, width, generator=derived_generator(5, "slopes")),
        scorer=Prefers(),
        previous=tuple(blocks(variables, size, width=width) for size in (1, 3) if variables * size <= width),
    )


def blocks(variables: int, size: int, *, width: int = WIDTH) -> tuple[Tensor, ...]:
    """Orthonormal directions of each variable, at random."""
    return Random().directions(
        StartContext(activations=torch.zeros(2, width), values=torch.zeros(variables, 2, dtype=torch.long)),
        (size,) * variables,
        derived_generator(6, "blocks", size),
    )


def orthonormal(blocks: tuple[Tensor, ...]) -> bool:
    """To the accuracy of single precision, in which directions are kept."""
    rows = torch.cat(blocks).double()
    return torch.allclose(rows @ rows.T, torch.eye(len(rows)).double(), atol=1e-5)


@pytest.mark.parametrize("sizes", [(1,), (4,), (WIDTH,), (1, 1), (3, 2), (5, 5), (2, 3, 4)], ids=str)
def test_directions_are_orthonormal_and_as_many_as_asked(start, sizes):
    """Those of different variables are orthogonal too, up to filling the whole width."""
    blocks = start.directions(context(len(sizes)), sizes, derived_generator(1))
    assert tuple(block.shape for block in blocks) == tuple((size, WIDTH) for size in sizes)
    assert all(block.dtype == torch.float32 for block in blocks)
    assert orthonormal(blocks)


@pytest.mark.parametrize("rank", [1, 3])
def test_activations_that_do_not_fill_the_site_will_do(start, rank):
    assert orthonormal(start.directions(context(rank=rank), (4, 4), derived_generator(1)))


def test_dead_neurons_will_do(start):
    seen = context()
    seen.activations[:, 3:] = 0
    assert orthonormal(start.directions(seen, (4, 4), derived_generator(1)))


def test_activations_that_do_not_vary_will_do(start):
    seen = context()
    seen.activations[:] = 1
    assert orthonormal(start.directions(seen, (2, 2), derived_generator(1)))


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("noise", [0.0, 1e-7])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_activations_that_are_constant_within_each_value_will_do(start, scale, noise, offset):
    """What a layer that has worked out a variable gives: covariances within values are rounding errors, or zero."""
    seen = context()
    table = torch.randn(2, WIDTH, generator=derived_generator(2)) + offset
    rounding = 1 + noise * torch.randn(ROWS, WIDTH, generator=derived_generator(3))
    seen.activations[:] = scale * table[seen.values[0]] * rounding
    assert orthonormal(start.directions(seen, (2, 2), derived_generator(1)))


def test_variables_of_more_than_two_values_will_do(start):
    assert orthonormal(start.directions(context(values=5), (3, 3), derived_generator(1)))


def test_two_variables_that_are_the_same_get_directions_of_their_own(start):
    seen = context()
    equal_rows = replace(seen, values=seen.values[:1].expand(2, -1).contiguous())
    assert orthonormal(start.directions(equal_rows, (5, 5), derived_generator(1)))


def test_the_seed_decides(start):
    one, again = (start.directions(context(), (3, 3), derived_generator(1)) for _ in range(2))
    assert all(torch.equal(block, other) for block, other in zip(one, again, strict=True))


def test_the_global_generator_is_left_alone(start):
    before = torch.random.get_rng_state()
    start.directions(context(), (3, 3), derived_generator(1))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_looked_at_is_left_alone(start):
    seen, again = context(), context()
    start.directions(seen, (3, 3), derived_generator(1))
    assert torch.equal(seen.activations, again.activations)
    assert torch.equal(seen.values, again.values)


def test_a_variable_may_be_sought_alone(start):
    """As if nobody looked for the others, whatever values they have: so maps that may overlap begin."""
    seen, others = context(3), context(3)
    others.values[[0, 2]] = 1 - others.values[[0, 2]]
    others = replace(others, previous=tuple((found[2], found[1], found[0]) for found in others.previous))
    one, other = (start.directions(one.alone(1), (4,), derived_generator(1)) for one in (seen, others))
    assert torch.equal(one[0], other[0])
    assert orthonormal(one)


def test_a_smaller_subspace_is_grown():
    """It is kept whole; what is added lies where least happens."""
    seen = replace(context(), previous=(blocks(2, 2),))
    seen.activations[:, -1] *= 1e-3
    grown = Nested().directions(seen, (3, 2), derived_generator(1))
    assert agreement(grown[0], seen.previous[0][0]) == pytest.approx(1, abs=1e-5)
    assert agreement(grown[1], seen.previous[0][1]) == pytest.approx(1, abs=1e-5)
    spread = (seen.activations @ torch.linalg.qr(torch.cat(seen.previous[0]).T, mode="complete").Q[:, 4:]).T.cov()
    assert float((seen.activations @ grown[0][2]).var()) == pytest.approx(
        float(torch.linalg.eigvalsh(spread)[0]), rel=1e-2
    )


def test_a_larger_subspace_is_pruned_to_what_matters():
    """Of five directions only two do anything for the judge; a rotation of the subspace does not hide them."""
    generator = derived_generator(3, "pruned")
    values = torch.randint(2, (1, ROWS), generator=generator)
    activations = torch.randn(ROWS, WIDTH, generator=generator)
    activations[:, 1] *= 1 + 3 * values[0]
    activations[:, 4] *= 1 + 7 * values[0]
    turn = torch.linalg.qr(torch.randn(5, 5, generator=generator)).Q

    class Wants:
        width = WIDTH

        def __call__(self, maps: Frames) -> Tensor:
            return maps.read[..., [1, 4]].square().sum((1, 2, 3))

    seen = StartContext(
        activations=activations, values=values, scorer=Wants(), previous=((turn @ torch.eye(WIDTH)[:5],),)
    )
    (pruned,) = Nested().directions(seen, (2,), derived_generator(1))
    # of 3,000 rows: contrasts are known to about 1/√3000 of themselves
    assert agreement(pruned, torch.eye(WIDTH)[[1, 4]]) > 0.98


def test_the_nearest_sizes_are_taken_and_the_judge_chooses():
    seen = context(1)
    everything = {size: blocks(1, size) for size in (1, 2, 4, 6)}
    for wanted in (2, 4):

        class Wants:
            width = WIDTH

            def __call__(self, maps: Frames, wanted: int = wanted) -> Tensor:
                inside = maps.read[:, 0] @ everything[wanted][0].T
                return inside.square().sum((1, 2)) / min(wanted, 3)

        only = replace(seen, scorer=Wants(), previous=tuple(everything.values()))
        (chosen,) = Nested().directions(only, (3,), derived_generator(1))
        assert agreement(chosen[: min(wanted, 3)] if wanted == 4 else chosen, everything[wanted][0]) > 0.5


def test_where_nothing_was_found_it_grows_from_nothing():
    seen = context(2)
    same = replace(seen, previous=(blocks(2, 3),))  # its own size is no other size
    for nothing in (replace(seen, previous=()), same):
        assert orthonormal(Nested().directions(nothing, (3, 3), derived_generator(1)))
    one, other = (Nested().directions(same, (3, 3), derived_generator(seed)) for seed in (1, 2))
    assert not torch.allclose(one[0], other[0], atol=0.01)


def test_random_directions_of_other_seeds_are_others():
    one, other = (Random().directions(context(1), (3,), derived_generator(seed))[0] for seed in (1, 2))
    assert not torch.allclose(one, other, atol=0.01)


def test_random_directions_prefer_none():
    """The mean of qᵀq over Haar directions is the identity over the width; so is the mean direction zero."""
    draws = 4000
    generator = derived_generator(3)
    seen = context(1)
    rows = torch.cat([Random().directions(seen, (1,), generator)[0] for _ in range(draws)])
    # an entry of a Haar direction has variance 1/d, its square 2(d−1)/(d²(d+2)), a product of two 1/(d(d+2))
    d = WIDTH
    assert rows.mean(0).abs().max() < 5 * math.sqrt(1 / d / draws)
    second = rows.T @ rows / draws - torch.eye(d) / d
    assert second.diagonal().abs().max() < 5 * math.sqrt(2 * (d - 1) / (d**2 * (d + 2)) / draws)
    assert (second - second.diag().diag()).abs().max() < 5 * math.sqrt(1 / (d * (d + 2)) / draws)


def agreement(found: Tensor, planted: Tensor) -> float:
    """‖Q₁ Q₂ᵀ‖²_F / k: one where the spans are the same, k/d by chance."""
    return float((found.double() @ planted.double().T).square().sum() / len(planted))


def equality(task: HierarchicalEquality, variables: tuple[str, ...]) -> StartContext:
    """The input of a network that solves hierarchical equality."""
    pool = task.draw_examples(16_384, split="train", generator=derived_generator(0, "pool"))
    return StartContext(activations=pool.inputs, values=torch.stack([pool.values[name] for name in variables]))


def difference(pair: int, width: int = 4) -> Tensor:
    """(a − b) / √2 of a pair, as directions of the input."""
    eye = torch.eye(width)
    rows = torch.zeros(width, 4 * width)
    first = 2 * pair * width
    rows[:, first : first + width], rows[:, first + width : first + 2 * width] = eye, -eye
    return rows / math.sqrt(2)


@pytest.mark.parametrize("items", ["gaussian", "uniform", "vocabulary"])
@pytest.mark.parametrize(("variable", "pair"), [("left", 0), ("right", 1)])
def test_covariances_find_the_difference_of_the_items_of_a_pair(variable, pair, items):
    """Of equal pairs it does not vary at all: C₁ is singular."""
    (found,) = Covariance().directions(
        equality(HierarchicalEquality(items=items), (variable,)), (4,), derived_generator(1)
    )
    assert agreement(found, difference(pair)) > 0.999


def test_covariances_find_both_pairs_at_once():
    found = Covariance().directions(equality(HierarchicalEquality(), ("left", "right")), (4, 4), derived_generator(1))
    assert agreement(found[0], difference(0)) > 0.999
    assert agreement(found[1], difference(1)) > 0.999


def test_random_directions_agree_as_chance_has_it():
    seen = equality(HierarchicalEquality(), ("left",))
    agreements = [
        agreement(Random().directions(seen, (4,), derived_generator(i))[0], difference(0)) for i in range(200)
    ]
    # the mean over Haar subspaces is k/d = ¼, the deviation √(2 (d − k)² / (d² (d² + d − 2))) = .07
    assert sum(agreements) / 200 == pytest.approx(0.25, abs=5 * 0.07 / math.sqrt(200))


def test_covariances_do_not_see_means():
    """What differs in the mean alone is no feature of the second moment."""
    generator = derived_generator(5)
    values = torch.randint(2, (1, ROWS), generator=generator)
    activations = torch.randn(ROWS, WIDTH, generator=generator)
    activations[:, 0] += 3 * values[0]
    activations[:, 1] *= 1 + values[0]
    (found,) = Covariance().directions(StartContext(activations=activations, values=values), (1,), derived_generator(1))
    assert agreement(found, torch.eye(WIDTH)[1:2]) > 0.98  # of 1500 rows a value: the error is about (d − 2) / 1500


def test_the_most_telling_direction_comes_first():
    """Whether the variance is larger or smaller where the variable is true."""
    generator = derived_generator(6)
    values = torch.randint(2, (1, 20_000), generator=generator)
    activations = torch.randn(20_000, WIDTH, generator=generator)
    activations[:, 4] *= torch.where(values[0] == 1, 4.0, 1.0)
    activations[:, 7] *= torch.where(values[0] == 1, 1 / 8, 1.0)
    (found,) = Covariance().directions(StartContext(activations=activations, values=values), (2,), derived_generator(1))
    assert agreement(found[:1], torch.eye(WIDTH)[7:8]) > 0.99
    assert agreement(found[1:], torch.eye(WIDTH)[4:5]) > 0.99


def test_values_of_three_are_each_held_against_the_rest():
    generator = derived_generator(7)
    values = torch.randint(3, (1, 30_000), generator=generator)
    activations = torch.randn(30_000, WIDTH, generator=generator)
    for value in (0, 1):
        activations[values[0] == value, value] *= 3
    (found,) = Covariance().directions(StartContext(activations=activations, values=values), (2,), derived_generator(1))
    assert agreement(found, torch.eye(WIDTH)[:2]) > 0.99


def test_directions_that_several_contrasts_find_are_counted_once():
    generator = derived_generator(8)
    values = torch.randint(3, (1, 30_000), generator=generator)
    activations = torch.randn(30_000, WIDTH, generator=generator)
    activations[values[0] == 0, 0] *= 3
    activations[values[0] == 0, 1] *= 1.7
    (found,) = Covariance().directions(StartContext(activations=activations, values=values), (2,), derived_generator(1))
    assert agreement(found, torch.eye(WIDTH)[:2]) > 0.99


@pytest.mark.parametrize("rows", [0, 1])
def test_values_that_hardly_occur_will_do(rows):
    seen = context(1)
    seen.values[:] = 0
    seen.values[:, :rows] = 1
    assert orthonormal(Covariance().directions(seen, (2,), derived_generator(1)))


def test_wide_sites_are_looked_at_in_the_span_of_their_components():
    """A direction whose variance tells the values apart, among 1,500 in most of which nothing happens."""
    generator = derived_generator(0, "wide")
    values = torch.randint(2, (1, 6000), generator=generator)
    planted = torch.linalg.qr(torch.randn(1500, 20, generator=generator)).Q.T
    spread = torch.ones(6000, 20)
    spread[:, 0] = torch.where(values[0] == 1, 3.0, 0.3)
    activations = (torch.randn(6000, 20, generator=generator) * spread) @ planted
    activations += 1e-3 * torch.randn(activations.shape, generator=generator)
    before = torch.random.get_rng_state()
    (found,) = Covariance().directions(StartContext(activations=activations, values=values), (1,), derived_generator(1))
    assert agreement(found, planted[:1]) > 0.99
    assert torch.equal(torch.random.get_rng_state(), before)
