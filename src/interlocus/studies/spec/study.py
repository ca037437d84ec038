"""Study: what is asked, as a frozen specification that a person can write."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from interlocus.alignment.dimensions import equal_size
from interlocus.controls.criteria import Thresholds
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.spec import Count, Share, Spec
from interlocus.core.user_code import is_code_reference
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.portfolio import Portfolio
from interlocus.studies.library import shipped_studies, shipped_text
from interlocus.studies.spec.networks import NetworkGroup, TaskSpec, with_whole_paths
from interlocus.studies.spec.parsing import assign, explain, no_twins, parse_yaml
from interlocus.studies.spec.reuse import ReuseSpec
from interlocus.studies.spec.searches import (
    CONTROLS_BY_DEFAULT,
    ControlName,
    NonEmpty,
    Schedule,
    SearchSpec,
    check_schedules,
    shortened,
)
from interlocus.studies.spec.validation import check_study

SCHEMA = 2
QUICK = {"count": 3, "steps": 250, "batch": 256}


class Study(Spec):
    """What is asked.

    Args:
        name: how it is called.
        title: the question, in a line for people.
        task: what the networks solve.
        networks: the networks.
        sites: where is searched, in every family that has such a place; without it, everywhere.
        searches: what for.
        starts: where searches begin, and how many of each.
        phases: how they go on.
        budget: what they may cost.
        competence: accuracy under which nothing is claimed of a network.
        rivals: hypotheses that are other ways to the output, for a network that does not go the way that is asked for.
        controls: what is measured beside the searches. Without one of them verdicts say what is missing.
        verdict: from where on a score counts.
        reuse: a new question about what was found, asked when the searches are done.
        seed: decides on everything that is drawn.
    """

    name: str = "study"
    title: str = ""
    task: TaskSpec = TaskSpec()
    networks: NonEmpty[NetworkGroup]
    sites: tuple[str, ...] = ()
    searches: NonEmpty[SearchSpec]
    starts: dict[str, Count] = Field(default_factory=lambda: dict(STARTS_BY_DEFAULT), min_length=1)
    phases: NonEmpty[Phase] = (Phase(),)
    budget: Budget = Budget()
    competence: Share = 0.99
    rivals: tuple[str, ...] = ()
    controls: tuple[ControlName, ...] = CONTROLS_BY_DEFAULT
    verdict: Thresholds = Thresholds()
    reuse: ReuseSpec | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> Study:
        no_twins("group", [group.name for group in self.networks])
        no_twins("site", self.sites)
        for search in self.searches:
            no_twins("size", list(map(str, search.sizes)))
        check_schedules([Schedule(s.schedule, s.starts, s.phases) for s in self.searches])
        for site in dict.fromkeys([*self.sites, *(site for search in self.searches for site in search.sites)]):
            asked = [search for search in self.searches if search.at(site)]
            no_twins(
                "trial",
                [
                    ".".join(filter(None, (h, f, s.schedule)))
                    for s in asked
                    for h in s.hypotheses
                    for f in s.featurizers
                ],
            )
        return self

    @property
    def asked(self) -> str:
        """The hypothesis that a verdict is given on: the first."""
        return self.searches[0].hypotheses[0]

    @property
    def schedule(self) -> str:
        """The schedule that controls and verdicts rest on: the unnamed one, or else the first."""
        own = [search.schedule for search in self.searches if self.asked in search.hypotheses]
        return "" if "" in own else own[0]

    @property
    def schedules(self) -> tuple[str, ...]:
        """All of them, in the order of the study."""
        return tuple(dict.fromkeys(search.schedule for search in self.searches))

    def starts_of(self, schedule: str) -> Mapping[str, int]:
        """Where the searches of a schedule begin, and how many of each."""
        return next((s.starts for s in self.searches if s.schedule == schedule and s.starts), self.starts)

    def phases_of(self, schedule: str) -> tuple[Phase, ...]:
        """How the searches of a schedule go on."""
        return next((s.phases for s in self.searches if s.schedule == schedule and s.phases), self.phases)

    def sizes_of(self, hypothesis: str, site: str) -> tuple[int, ...]:
        """Which sizes a hypothesis is searched with at a site; of unequal ones the equal size of as many directions."""
        own = self._searches_of(hypothesis, site)
        return tuple(sorted({equal_size(size) for search in own for size in search.sizes}))

    def featurizers_of(self, hypothesis: str, site: str) -> tuple[str, ...]:
        """With which maps a hypothesis is searched at a site."""
        own = self._searches_of(hypothesis, site)
        return tuple(dict.fromkeys(name for search in own for name in search.featurizers))

    def portfolio(self, site: str, *, schedule: str | None = None) -> Portfolio:
        """What is searched for the study's hypothesis at a site.

        Args:
            site: Name of the site.
            schedule: Name of the schedule; by default the one that controls and verdicts rest on.
        """
        schedule = self.schedule if schedule is None else schedule
        return Portfolio(
            hypothesis=self.asked,
            rivals=self.rivals,
            sizes=self.sizes_of(self.asked, site),
            featurizers=self.featurizers_of(self.asked, site),
            starts=self.starts_of(schedule),
            phases=self.phases_of(schedule),
            budget=self.budget,
            seed=self.seed,
        )

    @property
    def reused(self) -> str:
        """The hypothesis about whose variables something new is asked."""
        return (self.reuse.hypothesis if self.reuse else "") or self.asked

    def _searches_of(self, hypothesis: str, site: str) -> list[SearchSpec]:
        """The entries on which verdicts rest."""
        return [
            search
            for search in self.searches
            if search.at(site) and hypothesis in search.hypotheses and search.schedule == self.schedule
        ]

    @property
    def code(self) -> tuple[str, ...]:
        """The files of the user's own that are run for it."""
        named = [self.task.name, *(group.network for group in self.networks)]
        return tuple(dict.fromkeys(text.rpartition(":")[0] for text in named if is_code_reference(text)))

    def with_sites(self) -> Study:
        """The same with every site written out, where none is."""
        if self.sites:
            return self
        task = self.task.build()
        every = dict.fromkeys(site for group in self.networks for site in group.sites(task))
        return self.model_copy(update={"sites": tuple(every)})

    def check(self) -> None:
        """Hold names and sizes against what there is, before anything is spent.

        Raises:
            UnknownNameError: a task, hypothesis, site, activation, featurizer, start or loss that does not exist.
            SpecificationError: a size that does not fit a site.
        """
        check_study(self)

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
            return cls.parse(text, str(path), folder=path.parent)
        if str(source) not in shipped_studies():
            raise UnknownNameError("study", str(source), shipped_studies())
        return cls.parse(shipped_text(str(source)), str(source))

    @classmethod
    def parse(cls, text: str, where: str, *, folder: Path = Path()) -> Study:
        """A study from YAML text; `where` stands in messages, and paths of code begin in the folder."""
        data = parse_yaml(text, where)
        if not isinstance(data, dict):
            raise SpecificationError(
                f"{where} holds {type(data).__name__}.",
                "A study is a mapping of keys to values.",
                "See `interlocus list studies`.",
            )
        return cls._from(with_whole_paths(data, folder), where)

    @classmethod
    def stored(cls, path: Path) -> Study:
        """A study that was checked when it was written; none of its code is run."""
        try:
            return cls.model_validate(parse_yaml(path.read_text(), str(path)))
        except (OSError, ValidationError, UnicodeDecodeError):
            return cls.load(path)  # which says what is wrong

    @classmethod
    def _from(cls, data: dict[str, Any], where: str) -> Study:
        try:
            study = cls.model_validate(data)
        except ValidationError as error:
            raise explain(error, where, _known_keys) from None
        study = study.with_sites()
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
        """A small version: three networks a family, one random restart, short searches, no planted networks.

        For a first look only: what waits for planted networks is `undecided`.
        """
        groups = [f.model_copy(update={"count": min(f.count, QUICK["count"])}) for f in self.networks]
        searches = [
            s.model_copy(update={"starts": dict.fromkeys(s.starts, 1), "phases": shortened(s.phases, QUICK["steps"])})
            for s in self.searches
        ]
        budget = self.budget.model_copy(update={"batch": min(self.budget.batch, QUICK["batch"])})
        return self.model_copy(
            update={
                "name": f"{self.name}-quick",
                "networks": tuple(groups),
                "searches": tuple(searches),
                "phases": shortened(self.phases, QUICK["steps"]),
                "budget": budget,
                "starts": dict.fromkeys(self.starts, 1),
                "controls": tuple(control for control in self.controls if control != "power"),
            }
        )

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
                "networks": NetworkGroup,
                "searches": SearchSpec,
                "phases": Phase,
                "budget": Budget,
                "task": TaskSpec,
                "verdict": Thresholds,
                "reuse": ReuseSpec,
            }.get(step, model)
    return list(model.model_fields)
