# %% [markdown]
# # Why a search can fail
#
# The input of a network holds everything, so it also holds `a = b`: the directions `(a − b)/√2` carry it. This script
# measures how close directions must be to these, and which starts of a search find them.

# %%
import torch

import interlocus as il
from interlocus.featurizers import Frames
from interlocus.networks.mlp.training import Recipe

task = il.tasks.HierarchicalEquality(item_width=4)
network = il.networks.MLP.train(task, count=1, recipe=Recipe(learning_rate=5e-3, steps=2500), seed=0)
print("accuracy", network.accuracy(task, seed=1))

eye = torch.eye(4)
difference = torch.cat([eye, -eye, torch.zeros(4, 8)], 1) / 2**0.5  # the rows (a − b)/√2
total = torch.cat([eye, eye, torch.zeros(4, 8)], 1) / 2**0.5  # and the rows (a + b)/√2


def iia_of(rows):
    """The IIA of `left` for an interchange of these directions of the input."""
    alignment = il.Alignment(
        site="input",
        hypothesis="left",
        variables=("left",),
        featurizer="rotation",
        network=network.fingerprint(),
        task=task.name,
        frames=Frames(read=rows[None], write=rows[None]),
    )
    return il.evaluate(alignment, network, task).iia


# %% [markdown]
# Rotate the correct directions, or add noise to them.

# %%
angles = [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 75, 90]
by_angle = []
for angle in torch.tensor(angles, dtype=torch.float32).deg2rad():
    by_angle.append(iia_of(angle.cos() * difference + angle.sin() * total))
noises = [0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4]
by_noise = []
for noise in noises:
    noisy = difference + noise * torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    by_noise.append(iia_of(torch.linalg.qr(noisy.T).Q.T))
print("IIA by angle:", {angle: round(iia, 3) for angle, iia in zip(angles, by_angle, strict=True)})
print("IIA by noise:", {noise: round(iia, 3) for noise, iia in zip(noises, by_noise, strict=True)})

# %% [markdown]
# The IIA rises only very close to the solution, so gradients from random directions lead elsewhere. The covariance
# start is computed in closed form, without gradients, and finds the solution.

# %%
result = il.search(
    network,
    task,
    hypothesis="left",
    site="input",
    sizes=(4,),
    starts={"random": 8, "covariance": 1},
    phases=(il.Phase(steps=400),),
    budget=il.Budget(pool=16_384, held_out=8_192, batch=256),
)
ends = [(restart.start, restart.score.iia) for restart in result.restarts(network=0, size=4).restarts]
for start, iia in ends:
    print(f"from {start}: IIA {iia:.3f}")
