# %% [markdown]
# # An interchange intervention, by hand
#
# The weights of this network are set by hand, so we know what each neuron does. It solves hierarchical equality with
# items of one number: is `(a = b)` the same as `(c = d)`?

# %%
import torch

import interlocus as il
from interlocus.featurizers import Frames

task = il.tasks.HierarchicalEquality(item_width=1)
first = torch.tensor([[1, -1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1.0]])  # ±(a − b), ±(c − d)
second = 1000 * torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1.0]])  # |a − b| and |c − d|, twice …
third = torch.tensor([[1, -1, -1, 1], [-1, 1, 1, -1.0]])  # … for a step of height one, as a difference of two ramps
last = torch.tensor([[2, 2], [0, 0.0]])
network = il.networks.MLP(
    [layer[None] for layer in (first, second, third, last)],
    [torch.tensor([bias]) for bias in ([0.0] * 4, [0.0, -1, 0, -1], [0.0] * 2, [0.0, 1])],
    activation="relu",
)

# %% [markdown]
# The causal model gives the answer for `left` (that is, `a = b`) set to its value in another input.

# %%
base, source = torch.tensor([[1.0, 1.0, 2.0, 5.0]]), torch.tensor([[0.0, 3.0, 2.0, 2.0]])


def as_values(row):
    return task.model.run(dict(zip("abcd", row.T[:, :, None], strict=True)))


after = task.model.interchange(as_values(base), {"left": as_values(source)["left"]})
print("the causal model:", {name: as_values(base)[name].item() for name in ("left", "right", "output")})
print("with the source's left:", {name: after[name].item() for name in ("left", "right", "output")})

# %% [markdown]
# In the network, neurons 0 and 1 of layer 1 hold `left`, and neurons 2 and 3 hold `right`. The same intervention takes
# the activations of neurons 0 and 1 from the source, keeps the others, and runs the rest of the network.

# %%


def alignment_of(rows):
    """An alignment of directions `[variable, feature, width]` at layer 1, which are read and written alike."""
    return il.Alignment(
        site="layer1",
        hypothesis="both",
        variables=("left", "right"),
        featurizer="rotation",
        network=network.fingerprint(),
        task=task.name,
        frames=Frames(read=rows, write=rows),
    )


neurons = torch.eye(4).reshape(2, 2, 4)
known = alignment_of(neurons)
after = known.intervene(network, base, left=source)
print("the network:", network(base)[0].argmax(1).item(), "→", after.argmax(1).item())

# %% [markdown]
# One intervention shows little. The interchange intervention accuracy (IIA) is the share of many interventions after
# which the network gives the label of the causal model. It falls when the directions are rotated away from the neurons.

# %%


def turned(angle):
    """Rotate each direction of `left` towards one of `right`, and the reverse."""
    angle = torch.tensor(angle).deg2rad()
    turn = torch.kron(torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()]).reshape(2, 2), torch.eye(2))
    return (turn @ neurons.reshape(4, 4)).reshape(2, 2, 4)


angles = list(range(0, 95, 5))
scores = [il.evaluate(alignment_of(turned(float(angle))), network, task) for angle in angles]
for angle, score in list(zip(angles, scores, strict=True))[::3]:
    print(f"{angle:2} degrees: IIA {score.iia:.3f} [{score.low:.3f}, {score.high:.3f}]")
