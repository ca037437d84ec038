# %% [markdown]
# # Verdicts on your own hypothesis and network
#
# The task: given two pairs of numbers, which pair is the first to rise, if any? The hypothesis: the network computes
# for each pair whether it rises, and then chooses.

# %%
import torch
from torch import nn

import interlocus as il
from interlocus.tasks import AbstractTask


def choose(left, right):
    return torch.where(left == 1, 0, torch.where(right == 1, 1, 2))


class FirstRise(AbstractTask):
    """Class 0 if a < b, or else class 1 if c < d, or else class 2."""

    @property
    def model(self):
        return il.CausalModel(
            [
                *(il.Variable(name=name) for name in "abcd"),
                il.Variable(name="left", parents=("a", "b"), mechanism=torch.lt, values=(0, 1)),
                il.Variable(name="right", parents=("c", "d"), mechanism=torch.lt, values=(0, 1)),
                il.Variable(name="first", parents=("left", "right"), mechanism=choose, values=(0, 1, 2)),
            ],
            output="first",
        )

    @property
    def hypotheses(self):
        return {"both": il.Hypothesis(name="both", model=self.model, variables=("left", "right"))}

    def sample(self, count, *, split, generator):
        a, c, *steps = torch.randn(4, count, generator=generator)
        up, on = (step + 0.3 * step.sign() for step in steps)  # steps of at least 0.3, so that every pair is clear
        return {"a": a, "b": a + up, "c": c, "d": c + on}


# %% [markdown]
# The network is yours. This one applies the same small encoder to each pair. The script trains it in seconds.


# %%
class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 4), nn.Tanh())
        self.head = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, inputs):
        return self.head(torch.cat([self.encoder(inputs[:, :2]), self.encoder(inputs[:, 2:])], 1))


task, generator = FirstRise(), torch.Generator().manual_seed(0)
torch.manual_seed(0)
module = Pairs()
optimiser = torch.optim.Adam(module.parameters(), 1e-2)
for _ in range(1000):
    inputs, labels = task.labelled_inputs(256, split="train", generator=generator)
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(inputs), labels).backward()
    optimiser.step()

# %% [markdown]
# Name the sites, and examine them. `examine` searches them in this network and in two untrained copies, measures the
# controls, and gives verdicts with their evidence.

# %%
network = il.networks.Module(module, sites={"codes": "head:input", "hidden": "head.1"})
budget = il.Budget(pool=8192, held_out=4096, batch=128, validation=1024, test=4000, patience=50)
answer = il.examine(network, task, sizes=(1, 2), featurizers=("rotation",), budget=budget, seed=0)
print(il.show(answer))
for site in answer.verdicts[0].sites:
    for verdict in site:
        print(
            f"{verdict.observation.variable} at {verdict.observation.site}: {verdict.word}", *verdict.missing_evidence
        )
print(*(row.text for row in answer.verdicts[0].sites[0][0].evidence), sep="\n")
