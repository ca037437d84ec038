# %% [markdown]
# # A featurizer of your own
#
# A featurizer maps activations to features. This one is a rotation within a range of neurons, such as one attention
# head or half of a layer. The object has no state: `forward` turns parameters into maps, for many searches at once.
# `backward` is written by hand, since the training loop builds no autograd graph.

# %%
import torch

import interlocus as il
from interlocus.featurizers import AbstractLinearMap, Frames, Rotation
from interlocus.networks.mlp.training import Recipe


class Within(AbstractLinearMap):
    """Orthonormal directions within a range of neurons.

    Args:
        first: Index of the first neuron, from 0.
        last: Index of the last neuron; by default the last neuron of the site.
    """

    name, trainable, learns_size = "within", True, False

    def __init__(self, *, first: int = 0, last: int | None = None) -> None:
        self.allowed = slice(first, None if last is None else last + 1)
        self.rotation = Rotation()

    def _restrict(self, rows):
        restricted = torch.zeros_like(rows)
        restricted[..., self.allowed] = rows[..., self.allowed]
        return restricted

    def initialize(self, directions, activations):
        return self.constrain(self.rotation.initialize(directions, activations))

    def forward(self, parameters, mask, softness=0.0):
        return self.rotation.forward(parameters, mask, softness)

    def backward(self, parameters, saved, gradient):
        return self._restrict(self.rotation.backward(parameters, saved, gradient))

    def constrain(self, parameters):
        return self.rotation.constrain(self._restrict(parameters))


# %% [markdown]
# Check a law that every featurizer must obey: `backward` is the gradient of `forward`, for allowed parameters.


# %%
def check(featurizer, *, width=8):
    """The largest difference from torch's gradient, for two searches of two variables with two features each."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.linalg.qr(torch.randn(2, width, width, generator=generator, dtype=torch.float64)).Q[:, :4]
    mask = torch.ones(2, 2, 2, 1, dtype=torch.float64)
    parameters = featurizer.initialize(directions.view(2, 2, 2, width), [torch.randn(50, width)] * 2).requires_grad_()
    maps, saved = featurizer.forward(featurizer.constrain(parameters), mask)
    gradient = Frames(*(torch.randn(maps.read.shape, generator=generator, dtype=torch.float64) for _ in range(2)))
    ((gradient.read * maps.read).sum() + (gradient.write * maps.write).sum()).backward()
    ours = featurizer.backward(parameters.detach(), saved, gradient)
    return (ours - parameters.grad).abs().max().item()


print(f"largest difference of gradients: {check(Within(first=2)):.1e}")

# %% [markdown]
# Pass the object to a search.

# %%
task = il.tasks.Parity()
networks = il.networks.MLP.train(task, hidden=(16, 16), count=1, recipe=Recipe(learning_rate=5e-3, steps=1500), seed=0)
for featurizer in (Within(), Within(last=7), Within(first=8)):
    result = il.search(
        networks,
        task,
        hypothesis="pairs",
        site="layer1",
        sizes=(2, 4),
        featurizer=featurizer,
        phases=(il.Phase(steps=200),),
        budget=il.Budget(pool=8192, held_out=4096, batch=128),
    )
    print(f"neurons {featurizer.allowed.start} to {(featurizer.allowed.stop or 16) - 1}: IIA {result.iia.round(3)}")
