"""What a step of many searches costs, counted: seconds are the benchmarks' (`benchmarks/roofline.py`)."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from interlocus.alignment.interchange.cache import Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.losses import CrossEntropy
from interlocus.causal.interventions import draw
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.featurizers import Rotation
from interlocus.networks import MLP
from interlocus.searches.budget import Budget
from interlocus.searches.chunks import Chunk, SearchBatch
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.splits import DataSplits

TASK = HierarchicalEquality()
SEARCHES, BATCH, SIZE, WIDTH, STEPS = 64, 256, 8, 16, 4


def flops() -> float:
    """Operations of one step of one search: two variables, each swapped in two thirds of the rows."""
    exchange = 2 * SIZE * (WIDTH + WIDTH) * 2 / 3
    rest = WIDTH * WIDTH + WIDTH * 2
    return 3 * 2 * BATCH * (exchange + rest)


class Memory(TorchDispatchMode):
    """Storages that are made while this is open, in bytes, and whether a graph was."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[int] = []
        self.graph = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {x.untyped_storage().data_ptr() for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, torch.Tensor):
                self.graph |= one.requires_grad
                if one.untyped_storage().data_ptr() not in given:
                    self.fresh.append(one.untyped_storage().nbytes())
        return made


def test_a_step_does_the_products_it_needs_in_memory_that_is_there(unchecked):
    """No autograd graph, and nothing as large as half of the activations of a batch is made anew."""
    network = MLP.untrained(TASK, count=1)
    data = DataSplits.draw(TASK, Budget(held_out=256, partners=256), seed=0)
    cache, suffix = cache_activations(network, "layer1", data.train), network.suffix("layer1")
    one = torch.zeros(1, dtype=torch.long)
    problems = Problems(network=one, hypothesis=one)
    rows = torch.linalg.qr(torch.randn(SEARCHES, WIDTH, WIDTH, generator=derived_generator(0))).Q
    mask = torch.ones(SEARCHES, 2, SIZE, 1)
    every = torch.arange(SEARCHES).unsqueeze(0)
    stack = Chunk(SearchBatch(problems=problems, suffix=suffix, mask=mask, buffers=BufferPool(mask)), every, rows)
    asked = draw(data.train, TASK.hypothesis("both"), shape=(STEPS, BATCH), generator=derived_generator(1))
    first, *others = batches(cache, plan_batches(cache, [asked], problems, TASK.classes))
    stack.step(Rotation(), CrossEntropy(), first, 0.03)  # makes what is kept
    for batch in others:
        with FlopCounterMode(display=False) as work, Memory() as memory:
            stack.step(Rotation(), CrossEntropy(), batch, 0.03)
        assert not memory.graph
        assert max(memory.fresh) < SEARCHES * WIDTH * BATCH * mask.element_size() / 2
        # rows that are left out of an exchange, and products of the maps by themselves, are not in the count
        assert 0.5 < work.get_total_flops() / (SEARCHES * flops()) < 1.25
