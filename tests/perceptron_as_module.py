"""A perceptron of ours as somebody's module."""

from modules import as_module

from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)


def brought(network: MLP, site: str = "3") -> Module:
    """A perceptron as somebody's module, without what is known of ours."""
    made = Module(as_module(network), sites={"layer2": site})
    made.prepare(TASK.labelled_inputs(8, split="train", generator=derived_generator(0))[0])
    return made
