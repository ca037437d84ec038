# %% [markdown]
# # A task of your own
#
# A task is a causal model and a sampler. This one asks whether the second of three numbers lies between the others.
# Everything besides `model` and `sample` is optional.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import interlocus as il
from interlocus.tasks import AbstractTask


class Between(AbstractTask):
    """Does b lie between a and c?

    Args:
        gap: Smallest distance of neighbouring numbers, at least 0.
    """

    def __init__(self, *, gap: float = 0.1) -> None:
        self.gap = gap

    @property
    def model(self):
        return il.CausalModel(
            [
                *(il.Variable(name=name) for name in "abc"),
                il.Variable(name="first", parents=("a", "b"), mechanism=torch.lt, values=(0, 1)),
                il.Variable(name="second", parents=("b", "c"), mechanism=torch.lt, values=(0, 1)),
                il.Variable(name="between", parents=("first", "second"), mechanism=torch.eq, values=(0, 1)),
            ],
            output="between",
        )

    def sample(self, count, *, split, generator):
        """Draw examples. The numbers are continuous, so no example occurs in two splits."""
        b, *steps = torch.randn(3, count, generator=generator)
        back, on = (step + self.gap * step.sign() for step in steps)
        return {"a": b - back, "b": b, "c": b + on}

    @property
    def hypotheses(self):
        """By default each variable is a hypothesis; `steps` has both, in separate directions."""
        return {
            name: il.Hypothesis(name=name, model=self.model, variables=variables)
            for name, variables in {"steps": ("first", "second"), "first": ("first",), "output": ("between",)}.items()
        }

    @property
    def roots(self):
        """Independent variables that determine the class, here with equally likely values."""
        return {"first": None, "second": None}

    def partner(self, values, variable, *, split, generator):
        """Minimal pairs: mirror a (or c) at b, which changes one variable and nothing else."""
        end = {"first": "a", "second": "c"}.get(variable)
        return None if end is None else values | {end: 2 * values["b"] - values[end]}


# %% [markdown]
# Check the task before you use it. A study names it `add_task.py:Between`, with its arguments beside the name. A study
# runs this file to load the class, hence the `if` below.

# %%
if __name__ == "__main__":
    print(il.check_task(Between()))
    study = il.Study.parse(
        """
        name: between
        title: Does a network compute each step by itself?
        task: {name: "add_task.py:Between", gap: 0.2}
        networks:
          - {name: relu, hidden: [16, 16], count: 1, steps: 600}
          - {name: untrained, hidden: [16, 16], count: 1, trained: false}
        sites: [layer1]
        searches: [{hypotheses: [steps], sizes: [1, 2]}]
        phases: [{sampling: minimal_pairs, steps: 60}, {steps: 60}]
        starts: {random: 1, covariance: 1}
        budget: {pool: 8192, held_out: 4096, partners: 4096, batch: 128, validation: 512, test: 2000}
        controls: []
        """,
        "add_task.py",
        folder=Path(__file__).parent,
    )
    with TemporaryDirectory() as folder:
        for row in il.run_study(study, folder).scores:
            print(f"{row.network}, {row.hypothesis} at {row.site}, size {row.size}: IIA {row.iia:.3f}")
