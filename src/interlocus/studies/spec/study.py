"""Study: what is searched in which networks, as a frozen specification that a person can write."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from interlocus.alignment.dimensions import equal_size
from interlocus.controls.criteria import Thresholds
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.json_record import JsonObject
from interlocus.core.spec import Count, Share, Spec
from interlocus.core.user_code import is_code_reference
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.portfolio import Portfolio
from interlocus.studies.library import shipped_studies, shipped_text
from interlocus.studies.spec.networks import GroundTruthSpec, NetworkGroup, TaskSpec, make_code_paths_absolute
from interlocus.studies.spec.parsing import assign, check_unique, explain, parse_yaml
from interlocus.studies.spec.reuse import ReuseSpec
from interlocus.studies.spec.searches import (
    CONTROLS_BY_DEFAULT,
    ControlName,
    NonEmpty,
    Schedule,
    SearchSpec,
    check_schedules,
    limit_steps,
)
from interlocus.studies.spec.validation import check_study

SCHEMA = 4
"""Version of the keys of records and specifications; a run folder with another one is refused."""
QUICK_COUNT, QUICK_STEPS, QUICK_BATCH = 3, 250, 256
"""Networks a group, steps a phase and batch of the quick version of a study, at most."""


class Study(Spec):
    """A study: networks of a task, and the searches and controls that are run in them.

    Args:
        name: Name of the study.
        title: The question of the study in one line, for people.
        task: The task that the networks solve.
        networks: The groups of networks.
        sites: Names of the sites that are searched, in every group that has them; by default all sites.
        searches: The hypotheses, sizes and featurizers that are searched. Verdicts are on the first hypothesis.
        starts: Number of restarts for each start.
        phases: The phases of every search.
        budget: How many examples and steps a search may use.
        competence: Accuracy, from 0 to 1, that a network needs before anything is claimed about it.
        rivals: Names of hypotheses that describe other ways to the output. They are tried on networks that do not
            compute the variables of the first hypothesis.
        controls: The controls that are measured beside the searches. Where one is left out, the verdicts say what is
            missing.
        verdict: Thresholds from which on a score counts.
        reuse: A new question about the located variables, answered after the searches; by default none.
        seed: Seed of everything that is drawn.
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
    def _check_names(self) -> Study:
        check_unique("network group", [group.name for group in self.networks])
        check_unique("site", self.sites)
        for search in self.searches:
            check_unique("size", list(map(str, search.sizes)))
        check_schedules([Schedule(s.schedule, s.starts, s.phases) for s in self.searches])
        for site in dict.fromkeys([*self.sites, *(site for search in self.searches for site in search.sites)]):
            trials = [
                ".".join(filter(None, (hypothesis, featurizer, search.schedule)))
                for search in self.searches
                if search.at(site)
                for hypothesis in search.hypotheses
                for featurizer in search.featurizers
            ]
            check_unique("trial", trials)
        return self

    @property
    def asked(self) -> str:
        """Name of the hypothesis that verdicts are on: the first of the study."""
        return self.searches[0].hypotheses[0]

    @property
    def schedule(self) -> str:
        """The schedule that controls and verdicts rest on: the unnamed one, or if there is none the first."""
        names = [search.schedule for search in self.searches if self.asked in search.hypotheses]
        return "" if "" in names else names[0]

    @property
    def schedules(self) -> tuple[str, ...]:
        """All schedules, in the order of the study."""
        return tuple(dict.fromkeys(search.schedule for search in self.searches))

    def starts_of(self, schedule: str) -> Mapping[str, int]:
        """Number of restarts for each start of a schedule.

        Args:
            schedule: Name of the schedule; empty for that of the study.
        """
        return next((s.starts for s in self.searches if s.schedule == schedule and s.starts), self.starts)

    def phases_of(self, schedule: str) -> tuple[Phase, ...]:
        """The phases of a schedule.

        Args:
            schedule: Name of the schedule; empty for that of the study.
        """
        return next((s.phases for s in self.searches if s.schedule == schedule and s.phases), self.phases)

    def sizes_of(self, hypothesis: str, site: str) -> tuple[int, ...]:
        """The sizes with which a hypothesis is searched at a site.

        Args:
            hypothesis: Name of the hypothesis.
            site: Name of the site. A size that differs between variables counts as the equal size with as many
                directions in all.
        """
        searches = self._searches_of(hypothesis, site)
        return tuple(sorted({equal_size(size) for search in searches for size in search.sizes}))

    def featurizers_of(self, hypothesis: str, site: str) -> tuple[str, ...]:
        """The featurizers with which a hypothesis is searched at a site, in the order of the study.

        Args:
            hypothesis: Name of the hypothesis.
            site: Name of the site.
        """
        searches = self._searches_of(hypothesis, site)
        return tuple(dict.fromkeys(name for search in searches for name in search.featurizers))

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
        """Name of the hypothesis whose variables the question of re-use is about."""
        return (self.reuse.hypothesis if self.reuse else "") or self.asked

    def _searches_of(self, hypothesis: str, site: str) -> list[SearchSpec]:
        """The entries of `searches` that verdicts on a hypothesis rest on."""
        return [
            search
            for search in self.searches
            if search.at(site) and hypothesis in search.hypotheses and search.schedule == self.schedule
        ]

    @property
    def code(self) -> tuple[str, ...]:
        """Paths of the user's files whose code is run for this study."""
        references = [self.task.name, *(group.network for group in self.networks)]
        return tuple(dict.fromkeys(text.rpartition(":")[0] for text in references if is_code_reference(text)))

    def with_sites(self) -> Study:
        """The same study with all sites written out, if it names none."""
        if self.sites:
            return self
        task = self.task.build()
        sites = dict.fromkeys(site for group in self.networks for site in group.sites(task))
        return self.model_copy(update={"sites": tuple(sites)})

    def check(self) -> None:
        """Check names and sizes against the task and the networks, before any work is done.

        Raises:
            UnknownNameError: A task, hypothesis, site, activation, featurizer, start or loss does not exist.
            SpecificationError: A size does not fit a site.
        """
        check_study(self)

    @classmethod
    def load(cls, source: str | Path) -> Study:
        """Read a study.

        Args:
            source: Path of a YAML file that ends in `.yaml` or `.yml`, or the name of a shipped study.

        Raises:
            UnknownNameError: There is no such study, or no such key.
            SpecificationError: The file is missing, is not YAML, or holds a value that is not allowed.
        """
        path = Path(source)
        if path.suffix in {".yaml", ".yml"}:
            try:
                text = path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise SpecificationError(
                    f"The file {path} cannot be read.",
                    f"The reason is: {getattr(error, 'strerror', None) or 'it is not text'}.",
                    "Pass the path of a YAML file, or the name of a study from `interlocus list studies`.",
                ) from None
            return cls.parse(text, str(path), folder=path.parent)
        if str(source) not in shipped_studies():
            raise UnknownNameError("study", str(source), shipped_studies())
        return cls.parse(shipped_text(str(source)), str(source))

    @classmethod
    def parse(cls, text: str, where: str, *, folder: Path = Path()) -> Study:
        """Read a study from YAML text.

        Args:
            text: The YAML text, a mapping of keys to values.
            where: Where the text comes from, for messages, for instance the name of the file.
            folder: Folder that relative paths of code start from; by default the current one.

        Raises:
            UnknownNameError: There is no such key, or a name in it does not exist.
            SpecificationError: The text is not YAML, or holds a value that is not allowed.
        """
        data = parse_yaml(text, where)
        if not isinstance(data, dict):
            raise SpecificationError(
                f"{where} holds a value of type {type(data).__name__}.",
                "A study is a mapping of keys to values.",
                "Start from a shipped study: `interlocus list studies` names them.",
            )
        return cls._from(make_code_paths_absolute(data, folder), where)

    @classmethod
    def stored(cls, path: Path) -> Study:
        """Read a study that was checked when it was written. None of its code is run.

        Args:
            path: Path of the `study.yaml` of a run folder.

        Raises:
            SpecificationError: The file was changed, and no longer holds a study.
        """
        try:
            return cls.model_validate(parse_yaml(path.read_text(), str(path)))
        except (OSError, ValidationError, UnicodeDecodeError):
            return cls.load(path)  # raises an error that says what is wrong

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
        """The same study with some values changed.

        Args:
            assignments: Texts `key=value` or `key.inner=value`, with the value in YAML. An entry of a list is named by
                its index, as in `networks.0.count=3`. A later assignment overrides an earlier one.

        Raises:
            SpecificationError: An assignment has no equals sign, or its value is not allowed.
            UnknownNameError: There is no such key.
        """
        data = self.to_dict()
        for assignment in assignments:
            path, sign, text = assignment.partition("=")
            if not sign:
                raise SpecificationError(
                    f"The assignment {assignment!r} has no equals sign.",
                    "An assignment has the form key=value.",
                    "Write for instance budget.batch=256.",
                )
            assign(data, path.split("."), parse_yaml(text, f"The value of {path}"), assignment)
        return self._from(data, "--set")

    def quick(self) -> Study:
        """A small version for a first look: three networks a group, one restart a start, short searches.

        It plants no networks, so verdicts that need the power of the searches are `undecided`.
        """
        groups = [group.model_copy(update={"count": min(group.count, QUICK_COUNT)}) for group in self.networks]
        searches = [
            search.model_copy(
                update={"starts": dict.fromkeys(search.starts, 1), "phases": limit_steps(search.phases, QUICK_STEPS)}
            )
            for search in self.searches
        ]
        budget = self.budget.model_copy(update={"batch": min(self.budget.batch, QUICK_BATCH)})
        return self.model_copy(
            update={
                "name": f"{self.name}-quick",
                "networks": tuple(groups),
                "searches": tuple(searches),
                "phases": limit_steps(self.phases, QUICK_STEPS),
                "budget": budget,
                "starts": dict.fromkeys(self.starts, 1),
                "controls": tuple(control for control in self.controls if control != "power"),
            }
        )

    def to_dict(self) -> JsonObject:
        """The study as plain values, with every default written out."""
        return self.model_dump(mode="json")

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that are equal for equal studies and differ for others."""
        return hashlib.sha256(yaml.safe_dump(self.to_dict()).encode()).hexdigest()[:16]


_MODELS: Mapping[str, type[BaseModel]] = {
    "networks": NetworkGroup,
    "searches": SearchSpec,
    "phases": Phase,
    "budget": Budget,
    "task": TaskSpec,
    "verdict": Thresholds,
    "reuse": ReuseSpec,
    "ground_truth": GroundTruthSpec,
}
"""The model of the value, or of the entries, of a key."""


def _known_keys(path: Sequence[int | str]) -> list[str]:
    """The keys that are allowed at a path of a study."""
    model: type[BaseModel] = Study
    for step in path:
        if isinstance(step, str):
            model = _MODELS.get(step, model)
    return list(model.model_fields)
