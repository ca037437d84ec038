"""Study: what is asked, as a frozen specification that a person can write."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from interlocus.budget import STARTS_BY_DEFAULT, Budget, Count, Phase, Share, VariableSizes, Written, check_phases
from interlocus.catalogue import shipped_studies
from interlocus.causal import Hypothesis
from interlocus.code import names_code
from interlocus.counterfactuals import check_sampling
from interlocus.errors import SpecificationError, UnknownNameError
from interlocus.family import Family, TaskSpec, with_whole_paths
from interlocus.featurizers import check_width
from interlocus.registry import EXECUTORS, FEATURIZERS, LOSSES, RUN
from interlocus.reuse_spec import ReuseSpec
from interlocus.schedule import Schedule, check_schedules, shortened
from interlocus.size import Size, check_room, equal_size, features_of, size_for
from interlocus.specification import assign, explain, no_twins, parse_yaml
from interlocus.starts import AbstractStart, find_start
from interlocus.tasks import AbstractTask
from interlocus.thresholds import Thresholds

if TYPE_CHECKING:
    from interlocus.phases import Observe
    from interlocus.run import Run
    from interlocus.watching import Watch

Item = TypeVar("Item")
Some = Annotated[tuple[Item, ...], Field(min_length=1)]

SCHEMA = 1
QUICK = {"count": 3, "steps": 250, "batch": 256}


class SearchSpec(Written):
    """Searches that every network is put to.

    Args:
        hypotheses: what for.
        sizes: features a variable, each of which is searched: one number for all variables, or one for each,
            `{left: 4, right: 2}`.
        featurizers: with which maps; those whose name ends in `overlapping` let variables share directions.
        sites: where, of the sites of the study; without it, at all of them.
        schedule: a name for how these searches begin and go on, where that is not as in the rest of the study. Entries
            of different schedules are kept apart in every table.
        starts: where they begin; without it, as the study says.
        phases: how they go on; likewise.
    """

    hypotheses: Some[str]
    sizes: Some[VariableSizes]
    featurizers: Some[str] = ("rotation",)
    sites: tuple[str, ...] = ()
    schedule: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$")
    starts: dict[str, Count] = Field(default_factory=dict)
    phases: tuple[Phase, ...] = ()

    def at(self, site: str) -> bool:
        """Whether it is asked at a site."""
        return not self.sites or site in self.sites

    def sizes_for(self, hypothesis: Hypothesis) -> tuple[Size, ...]:
        """The sizes, for the variables of one hypothesis."""
        return tuple(size_for(size, hypothesis.variables, hypothesis.name) for size in self.sizes)


Control = Literal["used", "purity", "power", "decodable", "aside", "shuffled"]
"""What is measured beside the searches: the used subspace and what is found inside it, how much of the operands rides
along there, whether the searches find planted variables, what probes can tell from the activations, further figures of
the best alignment (`interlocus.asides`), and what the whole portfolio reaches with shuffled labels."""
CONTROLS_BY_DEFAULT: tuple[Control, ...] = ("used", "purity", "power", "decodable", "aside")
"""All but the shuffled labels, which take as long as the searches and are no higher a bar than untrained networks."""


class Study(Written):
    """What is asked.

    Args:
        name: how it is called.
        title: the question, in a line for people.
        task: what the networks solve.
        families: the networks.
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
    families: Some[Family]
    sites: tuple[str, ...] = ()
    searches: Some[SearchSpec]
    starts: dict[str, Count] = Field(default_factory=lambda: dict(STARTS_BY_DEFAULT), min_length=1)
    phases: Some[Phase] = (Phase(),)
    budget: Budget = Budget()
    competence: Share = 0.99
    rivals: tuple[str, ...] = ()
    controls: tuple[Control, ...] = CONTROLS_BY_DEFAULT
    verdict: Thresholds = Thresholds()
    reuse: ReuseSpec | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> Study:
        no_twins("family", [family.name for family in self.families])
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
        named = [self.task.name, *(family.network for family in self.families)]
        return tuple(dict.fromkeys(text.rpartition(":")[0] for text in named if names_code(text)))

    def with_sites(self) -> Study:
        """The same with every site written out, where none is."""
        if self.sites:
            return self
        task = self.task.build()
        every = dict.fromkeys(site for family in self.families for site in family.sites(task))
        return self.model_copy(update={"sites": tuple(every)})

    def check(self) -> None:
        """Hold names and sizes against what there is, before anything is spent.

        Raises:
            UnknownNameError: a task, hypothesis, site, activation, featurizer, start or loss that does not exist.
            SpecificationError: a size that does not fit a site.
        """
        task = self.task.build()
        self.verdict.check()
        if self.reuse:
            places = self.reused, self.reuse.site
            self.reuse.check(task.hypothesis(self.reused), self.sizes_of(*places), self.featurizers_of(*places))
        for rival in self.rivals:
            task.hypothesis(rival)
        begin: dict[str, list[AbstractStart]] = {}
        for schedule in self.schedules:
            check_phases(self.phases_of(schedule))
            starts = [find_start(start) for start in self.starts_of(schedule)]
            begin[schedule] = starts
            no_twins("start", [start.name for start in starts])
            for phase in self.phases_of(schedule):
                LOSSES.get(phase.loss)
        there = {family.name: family.sites(task) for family in self.families}
        known = list(dict.fromkeys(site for sites in there.values() for site in sites))
        for site in (*self.sites, *(site for search in self.searches for site in search.sites)):
            if site not in known:
                raise UnknownNameError("site", site, known, "the networks of this study")
            for sites in there.values():
                for search in self.searches:
                    if site in sites and search.at(site):
                        self._check_search(search, task, site, sites[site], begin[search.schedule])

    def _check_search(
        self, search: SearchSpec, task: AbstractTask, site: str, width: int, starts: Sequence[AbstractStart]
    ) -> None:
        featurizers = [FEATURIZERS.get(featurizer)() for featurizer in search.featurizers]
        for featurizer in featurizers:
            check_width(featurizer, site, width)
        for name in search.hypotheses:
            sought = task.hypothesis(name).variables
            phases = self.phases_of(search.schedule)
            for phase in phases:
                check_sampling(task.hypothesis(name), phase.sampling)
            if any(phase.sampling == "minimal_pairs" for phase in phases) and not task.has_partners(sought):
                raise SpecificationError(
                    f"Minimal pairs are asked for, and the task has none for {', '.join(sought)}.",
                    "They need inputs in which only one variable differs.",
                    f"Leave {name!r} out, or use another sampling.",
                )
            sizes = search.sizes_for(task.hypothesis(name))
            no_twins("size", list(map(str, sizes)))
            for size, featurizer in itertools.product(sizes, featurizers):
                about = f"{name!r} at {site!r}"
                check_room(size, sought, about=about, width=width, overlapping=featurizer.overlapping)
            for size, start in itertools.product(sizes, starts):
                start.check(width, features_of(size, len(sought)))

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
        return cls.parse(resources.files("interlocus").joinpath(f"studies/{source}.yaml").read_text(), str(source))

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
        families = [f.model_copy(update={"count": min(f.count, QUICK["count"])}) for f in self.families]
        searches = [
            s.model_copy(update={"starts": dict.fromkeys(s.starts, 1), "phases": shortened(s.phases, QUICK["steps"])})
            for s in self.searches
        ]
        budget = self.budget.model_copy(update={"batch": min(self.budget.batch, QUICK["batch"])})
        return self.model_copy(
            update={
                "name": f"{self.name}-quick",
                "families": tuple(families),
                "searches": tuple(searches),
                "phases": shortened(self.phases, QUICK["steps"]),
                "budget": budget,
                "starts": dict.fromkeys(self.starts, 1),
                "controls": tuple(control for control in self.controls if control != "power"),
            }
        )

    def run(
        self,
        folder: str | Path,
        *,
        workers: int = 1,
        device: str = "cpu",
        observe: Observe | None = None,
        watch: Watch | None = None,
    ) -> Run:
        """Do what the folder does not hold yet, and read it; see `interlocus.run.run_study`.

        With more than one worker, a script must guard its own code by `if __name__ == "__main__"`.
        """
        # a study knows nothing of how it is run; this is a short way there for people, by name
        executor = EXECUTORS.get("local")(workers=workers)
        told = {"observe": observe} if observe else {}
        return RUN.load()(self, folder, executor=executor, device=device, watch=watch, **told)

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
                "verdict": Thresholds,
                "reuse": ReuseSpec,
            }.get(step, model)
    return list(model.model_fields)
