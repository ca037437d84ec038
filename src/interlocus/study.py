"""Study: what is asked, as a frozen specification that a person can write."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import yaml
from pydantic import ConfigDict, Field, ValidationError, model_validator

from interlocus.budget import STARTS_BY_DEFAULT, Budget, Count, Phase, Share, Written, check_phases
from interlocus.catalogue import shipped_studies
from interlocus.counterfactuals import check_sampling
from interlocus.errors import SpecificationError, UnknownNameError
from interlocus.featurizers import check_width
from interlocus.networks.activations import find_activation
from interlocus.networks.training import RECIPES, Recipe
from interlocus.registry import EXECUTORS, FEATURIZERS, LOSSES, RUN, STARTS, TASKS
from interlocus.specification import assign, check_kind, explain, no_twins, parse_yaml
from interlocus.tasks import AbstractTask

if TYPE_CHECKING:
    from interlocus.run import Run

Item = TypeVar("Item")
Some = Annotated[tuple[Item, ...], Field(min_length=1)]

SCHEMA = 1
QUICK = {"count": 3, "steps": 250, "batch": 256}


class TaskSpec(Written):
    """A task by its name; the other keys are arguments of the task."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    name: str = "hierarchical_equality"

    def build(self) -> AbstractTask:
        """The task.

        Raises:
            UnknownNameError: no such task, or no such argument of it.
        """
        maker = TASKS.get(self.name)
        arguments = self.model_extra or {}
        known = inspect.signature(maker, eval_str=True).parameters
        for key, value in arguments.items():
            if key not in known:
                raise UnknownNameError("argument", key, known, f"the task {self.name}")
            check_kind(key, value, known[key].annotation)
        return maker(**arguments)


class Family(Written):
    """Networks of one architecture that differ in their first parameters.

    Args:
        name: how they are called; networks are `<name>-00`, `<name>-01`, …
        activation: `relu`, `sigmoid`, `tanh` or `gelu`.
        hidden: widths of the hidden layers.
        weight_decay: of AdamW.
        count: how many.
        trained: whether they are; untrained ones show what a search finds in nothing.
        learning_rate: by default what works for the activation.
        steps: likewise.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    activation: str = "relu"
    hidden: tuple[Count, ...] = (16, 16, 16)
    weight_decay: float = Field(default=0.01, ge=0)
    count: Count = 10
    trained: bool = True
    learning_rate: float | None = Field(default=None, gt=0)
    steps: Count | None = None

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks."""
        return tuple(f"{self.name}-{i:02d}" for i in range(self.count))

    @property
    def sites(self) -> tuple[str, ...]:
        """The names of the places in them."""
        return ("input", *(f"layer{i + 1}" for i in range(len(self.hidden))))

    @property
    def recipe(self) -> Recipe:
        """How they are trained."""
        usual = RECIPES[self.activation]
        return Recipe(
            learning_rate=self.learning_rate or usual.learning_rate, steps=self.steps or usual.steps, gain=usual.gain
        )


class SearchSpec(Written):
    """Searches that every network is put to, at every site."""

    hypotheses: Some[str]
    sizes: Some[Count]
    featurizers: Some[str] = ("rotation",)


class Study(Written):
    """What is asked.

    Args:
        name: how it is called.
        title: the question, in a line for people.
        task: what the networks solve.
        families: the networks.
        sites: where is searched.
        searches: what for.
        starts: where searches begin, and how many of each.
        phases: how they go on.
        budget: what they may cost.
        competence: accuracy under which nothing is claimed of a network.
        seed: decides on everything that is drawn.
    """

    name: str = "study"
    title: str = ""
    task: TaskSpec = TaskSpec()
    families: Some[Family]
    sites: Some[str] = ("input", "layer1", "layer2", "layer3")
    searches: Some[SearchSpec]
    starts: dict[str, Count] = Field(default_factory=lambda: dict(STARTS_BY_DEFAULT), min_length=1)
    phases: Some[Phase] = (Phase(),)
    budget: Budget = Budget()
    competence: Share = 0.99
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> Study:
        no_twins("family", [family.name for family in self.families])
        no_twins("site", self.sites)
        for search in self.searches:
            no_twins("size", list(map(str, search.sizes)))
        no_twins("trial", [f"{h}.{f}" for s in self.searches for h in s.hypotheses for f in s.featurizers])
        return self

    def check(self) -> None:
        """Hold names and sizes against what there is, before anything is spent.

        Raises:
            UnknownNameError: a task, hypothesis, site, activation, featurizer, start or loss that does not exist.
            SpecificationError: a size that does not fit a site.
        """
        task = self.task.build()
        check_phases(self.phases)
        for start in self.starts:
            STARTS.get(start)
        for phase in self.phases:
            LOSSES.get(phase.loss)
        for family in self.families:
            find_activation(family.activation)
            for site in self.sites:
                if site not in family.sites:
                    raise UnknownNameError("site", site, family.sites, f"the networks of {family.name}")
                width = dict(zip(family.sites, (task.input_width, *family.hidden), strict=True))[site]
                for search in self.searches:
                    self._check_search(search, task, site, width)

    def _check_search(self, search: SearchSpec, task: AbstractTask, site: str, width: int) -> None:
        for featurizer in search.featurizers:
            check_width(FEATURIZERS.get(featurizer)(), site, width)
        for name in search.hypotheses:
            sought = task.hypothesis(name).variables
            variables = len(sought)
            for phase in self.phases:
                check_sampling(task.hypothesis(name), phase.sampling)
            if any(phase.sampling == "minimal_pairs" for phase in self.phases) and not task.has_partners(sought):
                raise SpecificationError(
                    f"Minimal pairs are asked for, and the task has none for {', '.join(sought)}.",
                    "They need inputs in which only one variable differs.",
                    f"Leave {name!r} out, or use another sampling.",
                )
            if max(search.sizes) * variables > width:
                raise SpecificationError(
                    f"Size {max(search.sizes)} is asked for each of the {variables} variables of {name!r} at {site!r}.",
                    f"Together they take {max(search.sizes) * variables} directions, and the site is {width} wide.",
                    f"Ask for sizes up to {width // variables}, or leave that site out.",
                )

    @classmethod
    def load(cls, source: str | Path) -> Study:
        """A shipped study by its name, or a specification from a YAML file.

        Raises:
            UnknownNameError: no such study or key.
            SpecificationError: a file that is missing, no YAML, or holds values that cannot be understood.
        """
        path = Path(source)
        if path.suffix in {".yaml", ".yml"}:
            try:
                text = path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise SpecificationError(
                    f"The file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.",
                    "A study is read from it.",
                    "Check the path.",
                ) from None
            return cls.parse(text, str(path))
        if str(source) not in shipped_studies():
            raise UnknownNameError("study", str(source), shipped_studies())
        return cls.parse(resources.files("interlocus").joinpath(f"studies/{source}.yaml").read_text(), str(source))

    @classmethod
    def parse(cls, text: str, where: str) -> Study:
        """A study from YAML text; `where` stands in messages."""
        data = parse_yaml(text, where)
        if not isinstance(data, dict):
            raise SpecificationError(
                f"{where} holds {type(data).__name__}.",
                "A study is a mapping of keys to values.",
                "See `interlocus list studies`.",
            )
        return cls._from(data, where)

    @classmethod
    def _from(cls, data: dict[str, Any], where: str) -> Study:
        try:
            study = cls.model_validate(data)
        except ValidationError as error:
            raise explain(error, where, _known_keys) from None
        study.check()
        return study

    def with_values(self, assignments: Sequence[str]) -> Study:
        """The same study with some values set, each as `key=value` or `key.inner=value`; lists take a number as key.

        Raises:
            SpecificationError: no equals sign, or a value that cannot be understood.
            UnknownNameError: no such key.
        """
        data = self.to_dict()
        for assignment in assignments:
            path, sign, text = assignment.partition("=")
            if not sign:
                raise SpecificationError(
                    f"The setting {assignment!r} has no equals sign.",
                    "It should say key=value.",
                    "For instance budget.batch=256.",
                )
            assign(data, path.split("."), parse_yaml(text, f"The value of {path}"), assignment)
        return self._from(data, "--set")

    def quick(self) -> Study:
        """A small version: three networks a family, one random restart, short searches. For a first look only."""
        families = [f.model_copy(update={"count": min(f.count, QUICK["count"])}) for f in self.families]
        phases = [p.model_copy(update={"steps": min(p.steps, QUICK["steps"])}) for p in self.phases]
        budget = self.budget.model_copy(update={"batch": min(self.budget.batch, QUICK["batch"])})
        return self.model_copy(
            update={
                "name": f"{self.name}-quick",
                "families": tuple(families),
                "phases": tuple(phases),
                "budget": budget,
                "starts": dict.fromkeys(self.starts, 1),
            }
        )

    def run(self, folder: str | Path, *, workers: int = 1, device: str = "cpu") -> Run:
        """Do what the folder does not hold yet, and read it; see `interlocus.run.run_study`.

        With more than one worker, a script must guard its own code by `if __name__ == "__main__"`.
        """
        # a study knows nothing of how it is run; this is a short way there for people, by name
        executor = EXECUTORS.get("local")(workers=workers)
        return RUN.load()(self, folder, executor=executor, device=device)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with every default written out."""
        return self.model_dump(mode="json")

    @property
    def fingerprint(self) -> str:
        """Tells this study from others: equal for equal specifications."""
        return hashlib.sha256(yaml.safe_dump(self.to_dict()).encode()).hexdigest()[:16]


def _known_keys(path: Sequence[int | str]) -> list[str]:
    """The keys that may stand at a place of a study."""
    model: Any = Study
    for step in path:
        if isinstance(step, str):
            model = {
                "families": Family,
                "searches": SearchSpec,
                "phases": Phase,
                "budget": Budget,
                "task": TaskSpec,
            }.get(step, model)
    return list(model.model_fields)
