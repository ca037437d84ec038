"""How searches that are under way are put together."""

import pytest
import torch

from interlocus.searches.chunks import RETIRED_BEFORE_SPLIT, pack_chunks


def alive_at_random(problems: int, searches: int, share: float, seed: int) -> torch.Tensor:
    return torch.rand(problems, searches, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("most", [1, 8, 30, 1000])
def test_every_search_under_way_is_in_one_stack_and_few_others_are(share, most):
    alive = alive_at_random(9, 12, share, seed=most)
    stacks = list(pack_chunks(alive, most))
    places = torch.cat([rows.flatten() for rows in stacks]) if stacks else torch.zeros(0, dtype=torch.long)
    assert len(places) == len(set(places.tolist()))
    assert set(alive.flatten().nonzero().flatten().tolist()) <= set(places.tolist())
    for rows in stacks:
        problems = rows // alive.shape[1]
        assert (problems == problems[:, :1]).all()  # a row of a stack is one problem's
        assert len(rows) == 1 or rows.numel() <= most
        assert int((~alive.flatten()[rows]).sum()) <= RETIRED_BEFORE_SPLIT


def test_searches_that_are_left_fill_a_stack_again():
    alive = torch.zeros(10, 12, dtype=torch.bool)
    alive[:, 4] = True
    (rows,) = pack_chunks(alive, 80)
    assert rows.flatten().sort().values.tolist() == [12 * problem + 4 for problem in range(10)]


def test_where_all_have_ended_there_is_no_stack():
    assert not list(pack_chunks(torch.zeros(3, 4, dtype=torch.bool), 10))
