"""A task held against itself and against a network, before any search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from interlocus.causal import Hypothesis, Values
from interlocus.counterfactuals import Pool, draw, label
from interlocus.errors import CausalModelError, NetworkError
from interlocus.levels import Floors, floors
from interlocus.networks import AbstractNetworks
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask

EXAMPLES = 256
"""On which sampler, causal model and network are held against each other."""
MANY = 16_384
"""In so many examples a value occurs, or it is said never to be drawn."""
ASKED = 4_096
"""Interventions on which hypotheses are held against each other."""
APART = 0.01
"""Hypotheses whose labels differ in a smaller share of interventions cannot be told apart."""
RENAMED = 0.9
"""A network that is so often right under other names of its classes has them in another order."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far two hypotheses can be told apart.

    Args:
        one: a hypothesis.
        other: another with as many variables.
        share: of interventions in which they ask for different labels; of the two ways of drawing, the larger.
        nested: whether the variables of one lie on the way from those of the other to the class. Then a share of zero
            is no mistake: the two differ in what the features are said to hold, not in what they do.
    """

    one: str
    other: str
    share: float
    nested: bool


@dataclass(frozen=True, kw_only=True)
class TaskCheck:
    """What was found before any search.

    Args:
        task: the name of the task.
        agreement: for each network the share of examples on which it gives the class; empty without networks.
        floors: of each hypothesis.
        differences: one for each two hypotheses with equally many variables.
        uncompared: the other pairs.
    """

    task: str
    agreement: tuple[float, ...]
    floors: dict[str, Floors]
    differences: tuple[Difference, ...]
    uncompared: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.task}: sampler and causal models agree on {EXAMPLES} examples"]
        lines += [f"network {i}: right on {share:.3f} of them" for i, share in enumerate(self.agreement)]
        for name, level in self.floors.items():
            trick = "" if level.one_sided is None else f", one-sided {level.one_sided:.3f}"
            lines.append(f"{name}: floor {level.floor:.3f}{trick} ({level.means})")
        for pair in self.differences:
            why = "" if pair.share >= APART else ", one being on the way of the other"
            lines.append(f"{pair.one} and {pair.other}: other labels in {pair.share:.3f} of interventions{why}")
        lines += [
            f"{one} and {other}: not compared, for they have not equally many variables"
            for one, other in self.uncompared
        ]
        return "\n".join(lines)


def check_task(
    task: AbstractTask,
    networks: AbstractNetworks | None = None,
    *,
    hypotheses: Sequence[str] | None = None,
    seed: int = 0,
) -> TaskCheck:
    """Hold sampler, encoder, causal models and networks against each other.

    Args:
        task: what is checked.
        networks: that solve it.
        hypotheses: those that will be asked; by default all of the task's.
        seed: decides on the examples.

    Raises:
        UnknownNameError: the task has no such hypothesis.
        CausalModelError: the sampler leaves an input out, contradicts a causal model or never draws a value; the
            encoder gives something else than it says; or two hypotheses cannot be told apart.
        NetworkError: the networks tell apart another number of classes, or have them in another order.
    """
    asked = [task.hypothesis(name) for name in (task.hypotheses if hypotheses is None else hypotheses)]
    drawn = task.sample(EXAMPLES, split="train", generator=stream(seed, "check"))
    _check_sampler(task, drawn)
    _check_encoder(task, drawn)
    for hypothesis in asked:
        _check_hypothesis(task, hypothesis, seed)
    agreement = _check_networks(task, networks, drawn) if networks is not None else ()
    own = [hypothesis.name for hypothesis in asked]
    pool = task.pool(ASKED, split="train", generator=stream(seed, "check", "pool"), own_of=own)
    return TaskCheck(
        task=task.name,
        agreement=agreement,
        floors={hypothesis.name: floors(task, hypothesis) for hypothesis in asked},
        differences=tuple(_differences(pool, asked, seed)),
        uncompared=tuple(
            (one.name, other.name)
            for one, other in itertools.combinations(asked, 2)
            if len(one.variables) != len(other.variables)
        ),
    )


def _check_sampler(task: AbstractTask, drawn: Values) -> None:
    """Whether the sampler draws all inputs, and what else it draws is what the model computes."""
    task.model.check_names(drawn)
    missing = [name for name in task.model.inputs if name not in drawn]
    lengths = {name: len(value) for name, value in drawn.items()}
    if missing or set(lengths.values()) != {EXAMPLES}:
        found = f"no {missing[0]!r}" if missing else f"{lengths}"
        raise CausalModelError(
            f"Asked for {EXAMPLES} examples, the sampler of {task.name} gives {found}.",
            "An example has one value of each input of the causal model.",
            "Mend the sampler, or take the input out of the model.",
        )
    computed = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in set(drawn) - set(task.model.inputs):
        wrong = int((drawn[name] != computed[name]).reshape(EXAMPLES, -1).any(1).sum())
        if wrong:
            raise CausalModelError(
                f"In {wrong} of {EXAMPLES} examples the sampler of {task.name} gives another {name!r} than the model.",
                "The labels that networks learn would not be those that interventions are held against.",
                f"Mend the mechanism of {name!r}, or let the sampler draw the inputs only.",
            )


def _check_encoder(task: AbstractTask, drawn: Values) -> None:
    inputs = task.encode(drawn)
    if inputs.shape != (EXAMPLES, task.input_width) or not torch.isfinite(inputs).all():
        numbers = "finite" if torch.isfinite(inputs).all() else "not all finite"
        raise CausalModelError(
            f"The encoder of {task.name} gives {list(inputs.shape)} numbers for {EXAMPLES} examples, {numbers}.",
            f"A network is to be shown {task.input_width} finite numbers an example.",
            "Mend encode or input_width.",
        )


def _check_hypothesis(task: AbstractTask, hypothesis: Hypothesis, seed: int) -> None:
    """Whether its model gives the classes, and its variables take their values."""
    generator = stream(seed, "check", "many")
    if hypothesis.sampled == "apart":
        drawn = task.apart(hypothesis.name, MANY, split="train", generator=generator)
    else:
        drawn = task.sample(MANY, split="train", generator=generator)
    model, output = hypothesis.model, hypothesis.model.output
    values = model.run({name: drawn[name] for name in model.inputs})
    known = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in (*model.discrete, output):
        meant = task.model.output if name == output else name
        wrong = float((values[name] != known[meant]).double().mean()) if meant in known else 0.0
        if wrong:
            raise CausalModelError(
                f"The model of {hypothesis.name!r} gives another {name!r} than the task in {wrong:.1%} of examples.",
                "A network that solves the task cannot compute it, and a name stands for one variable.",
                "Mend a mechanism, or give the hypothesis examples of its own (sampled='apart').",
            )
    for name in dict.fromkeys([*hypothesis.variables, output]):
        declared = model.variables[name].values
        never = [value for value in declared or () if not (values[name] == value).any()]
        if never or (declared is None and (values[name] == values[name][:1]).all()):
            raise CausalModelError(
                f"In {MANY} examples the variable {name!r} "
                + (f"never takes its value {never[0]}." if never else "takes one value only."),
                "What does not vary cannot be exchanged, and no label would depend on it.",
                "Let the sampler draw such examples, or declare only values that occur.",
            )


def _check_networks(task: AbstractTask, networks: AbstractNetworks, drawn: Values) -> tuple[float, ...]:
    """Whether the classes are the task's, and how often each network is right."""
    classes = task.model.run({name: drawn[name] for name in task.model.inputs})[task.model.output]
    inputs = task.encode(drawn).to(networks.device)
    networks.meet(inputs)
    with torch.no_grad():
        logits = networks(inputs).cpu()
    if logits.shape[2] != task.classes:
        raise NetworkError(
            f"The network tells {logits.shape[2]} classes apart, and the task {task.name} has {task.classes}.",
            "Counterfactual labels are compared with its answers.",
            "Pass a network of this task, or declare all values of the output.",
        )
    agreement = [_agreement(answers, classes, task.classes) for answers in logits.argmax(2)]
    for network, (share, renamed) in enumerate(agreement):
        if renamed >= RENAMED > share:
            raise NetworkError(
                f"Network {network} is right on {share:.1%} of {EXAMPLES} examples, and on {renamed:.1%} with its "
                "classes in another order.",
                "Class i of the network has to be value i of the output.",
                "Put the logits into the order of the output's values, or the values into that of the logits.",
            )
    return tuple(share for share, _ in agreement)


def _agreement(answers: Int[Tensor, " batch"], classes: Int[Tensor, " batch"], count: int) -> tuple[float, float]:
    """Share of right answers, and the best share if classes may be renamed."""
    confusion = torch.zeros(count, count).index_put_((answers, classes), torch.ones(len(classes)), accumulate=True)
    best = linear_sum_assignment(confusion.numpy(), maximize=True)
    total = len(classes)
    return float(confusion.trace()) / total, float(confusion.numpy()[best].sum()) / total


def _differences(pool: Pool, asked: Sequence[Hypothesis], seed: int) -> list[Difference]:
    """How far each two hypotheses can be told apart."""
    found = []
    for one, other in itertools.combinations(asked, 2):
        if len(one.variables) != len(other.variables):
            continue
        share = max(_share(pool, one, other, seed), _share(pool, other, one, seed))
        pair = Difference(one=one.name, other=other.name, share=share, nested=_nested(one, other))
        if share < APART and not pair.nested:
            raise CausalModelError(
                f"Hypotheses {one.name!r} and {other.name!r} ask for different labels in {share:.1%} of interventions.",
                "No score could speak for one and against the other.",
                "Leave one of them out, or give one examples on which they differ (sampled='matched' or 'apart').",
            )
        found.append(pair)
    return found


def _share(pool: Pool, one: Hypothesis, other: Hypothesis, seed: int) -> float:
    """Of interventions as they are drawn for one hypothesis, the share in which the other asks for another label."""
    asked = draw(pool, one, shape=(ASKED,), generator=stream(seed, "check", one.name, other.name))
    return float((asked.labels != label(pool, other, asked.base, asked.sources)).double().mean())


def _nested(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether each variable of one is, or lies before or behind, that of the other."""
    below: dict[str, set[str]] = {}
    for model in (one.model, other.model):
        for name, names in model.descendants.items():
            below.setdefault(name, set()).update(names)
    pairs = zip(one.variables, other.variables, strict=True)
    return all(v == w or w in below.get(v, ()) or v in below.get(w, ()) for v, w in pairs)
