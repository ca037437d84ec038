# %% [markdown]
# # A first ten minutes
#
# Train two networks on hierarchical equality, search for the directions that hold `a = b`, and use them.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import interlocus as il
from interlocus.networks.mlp.training import Recipe

# %% [markdown]
# An input is four items a, b, c, d, each a vector of four numbers. The class is whether (a = b) is the same as (c = d).

# %%
task = il.tasks.HierarchicalEquality(item_width=4)
inputs, labels = task.labelled_inputs(1000, split="test", generator=torch.Generator().manual_seed(1))
print(inputs.shape, list(task.hypotheses))

# %%
networks = il.networks.MLP.train(
    task, hidden=(16, 16, 16), weight_decay=1.0, count=2, recipe=Recipe(learning_rate=5e-3, steps=2500), seed=0
)
print("accuracy", networks.accuracy(task, seed=1), "sites", dict(networks.sites))

# %% [markdown]
# Search layer 1 for directions that hold both truth values: one, two or four directions for each.

# %%
result = il.search(
    networks,
    task,
    hypothesis="both",
    site="layer1",
    sizes=(1, 2, 4),
    phases=(il.Phase(steps=300),),
    budget=il.Budget(pool=16_384, held_out=8_192, batch=256),
    seed=0,
)
print("IIA, one row per network, one column per size:", result.iia.round(3), sep="\n")

# %% [markdown]
# Read a score beside its interval, its worst transition, and the score of the same search in untrained networks.

# %%
score = result.score(network=0, size=4)
print(f"IIA {score.interval}, worst transition {score.worst_transition:.3f}")
for cell in score.cells:
    print(f"  {cell.kind:12} {cell.change:8} {cell.iia:.3f} of {cell.count}")
untrained = il.networks.MLP.untrained(task, hidden=(16, 16, 16), count=2, seed=0)
control = il.search(
    untrained,
    task,
    hypothesis="both",
    site="layer1",
    sizes=(4,),
    phases=(il.Phase(steps=100),),
    budget=il.Budget(pool=16_384, held_out=8_192, batch=256),
)
print("untrained networks: IIA", control.iia.round(3).ravel())

# %% [markdown]
# Use the alignment: extract the variables for new inputs, set one to its value in another input, save it.

# %%
best = result.best(network=0, size=4)
values = best.extract(networks[0], inputs)
truth = (inputs[:, :4] == inputs[:, 4:8]).all(1)
print("accuracy of the extracted a = b:", (values["left"].value == truth).float().mean().item())
logits = best.intervene(networks[0], inputs[:500], left=inputs[500:])
print("answers that differ from the label of the base:", (logits.argmax(1) != labels[:500]).float().mean().item())

with TemporaryDirectory() as folder:
    best.save(Path(folder) / "both.safetensors")
    again = il.Alignment.load(Path(folder) / "both.safetensors")
print("directions of a = b:", tuple(again.basis("left").shape))
