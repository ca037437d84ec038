# %% [markdown]
# # A start of your own
#
# A start chooses the directions at which a search begins. This one chooses single neurons: those whose variance differs
# most between values of the variable. The start `covariance` does the same for directions of any orientation.

# %%
import torch

import interlocus as il
from interlocus.networks.mlp.training import Recipe
from interlocus.searches.starts import AbstractStart


class Loudness(AbstractStart):
    """The neurons whose variance differs most between values of a variable."""

    name = "loudness"

    def directions(self, context, sizes, generator):
        """One-hot rows for each variable; no neuron is used twice."""
        width = context.activations.shape[1]
        free, chosen = torch.ones(width, dtype=torch.bool), []
        for contrasts, size in zip(context.moments, sizes, strict=True):
            contrast = torch.zeros(width, dtype=torch.float64)
            for inside, outside in contrasts:  # moments where the variable has a value, and where it has another value
                ratio = (inside.covariance.diagonal() + 1e-6).log() - (outside.covariance.diagonal() + 1e-6).log()
                contrast = torch.maximum(contrast, ratio.abs())
            neurons = contrast.masked_fill(~free, -1.0).topk(size).indices
            free[neurons] = False
            chosen.append(torch.eye(width)[neurons].to(context.activations))
        return tuple(chosen)


# %% [markdown]
# Compare it with other starts, after 1 and after 200 steps. In a network that was trained with weight decay, a few
# neurons of layer 1 carry the variable, so single neurons are good initial directions.

# %%
task = il.tasks.HierarchicalEquality(item_width=4)
recipe = Recipe(learning_rate=5e-3, steps=2000)
network = il.networks.MLP.train(task, count=1, weight_decay=1.0, recipe=recipe, seed=0)
for steps in (1, 200):
    result = il.search(
        network,
        task,
        hypothesis="left",
        site="layer1",
        sizes=(4,),
        starts={Loudness(): 1, "covariance": 1, "random": 2},
        phases=(il.Phase(steps=steps),),
        budget=il.Budget(pool=16_384, held_out=8_192, batch=256),
    )
    for restart in result.restarts(network=0, size=4).restarts:
        print(f"{steps:3} steps from {restart.start}: IIA {restart.score.iia:.3f}")
