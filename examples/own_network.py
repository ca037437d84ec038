# %% [markdown]
# # Your own network
#
# Any torch module can be searched. This one has two branches, so it is not a plain sequence. The script trains it on
# hierarchical equality for a few seconds, and then examines it: two sites, one hypothesis and one rival.

# %%
import torch
from torch import nn

import interlocus as il

task = il.tasks.HierarchicalEquality(item_width=2)


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 8), nn.Linear(4, 8)
        self.hidden, self.head = nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, inputs):
        pairs = torch.cat([self.left(inputs[:, :4]), self.right(inputs[:, 4:])], 1).relu()
        return self.head(self.hidden(pairs).relu())


# %%
torch.manual_seed(0)
module, generator = Branches(), torch.Generator().manual_seed(0)
optimiser = torch.optim.Adam(module.parameters(), 1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 2000)
for _ in range(2000):
    inputs, labels = task.labelled_inputs(512, split="train", generator=generator)
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(inputs), labels).backward()
    optimiser.step()
    schedule.step()

# %% [markdown]
# A site is a module path. `list_sites` lists all sites.

# %%
network = il.networks.Module(module, sites={"pairs": "hidden:input", "hidden": "hidden"})
print(network.list_sites(inputs))
run = il.examine(
    network,
    task,
    hypotheses=("both",),
    rivals=("count",),
    sizes=(1, 2, 4),
    featurizers=("rotation",),
    budget=il.Budget(pool=8192, held_out=4096, batch=128, validation=1024, test=4000, patience=50),
    seed=0,
)
print(il.show(run))
print("this network is", run.verdicts[0].answer)

# %% [markdown]
# Use an alignment: extract the variable, or set it to its value in another input.

# %%
result = il.search(network, task, hypothesis="left", site="pairs", sizes=(4,), phases=(il.Phase(steps=200),))
left = result.best(network=0, size=4)
print(left.extract(network, inputs[:5])["left"].value)
print(left.intervene(network, inputs[:5], left=inputs[5:10]).argmax(1))
