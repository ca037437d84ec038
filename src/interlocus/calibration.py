"""How often verdicts are wrong, on networks of known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scipy.stats import beta

from interlocus.battery import VERSION
from interlocus.family import Family
from interlocus.known import Known
from interlocus.metrics import CONFIDENCE
from interlocus.size import equal_size
from interlocus.study import SCHEMA, Study
from interlocus.verdict import FOUND, MISSING, Verdict
from interlocus.verdicts import NetworkVerdict

Truth = Literal["there", "not there", "unlearned"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One network of the battery, at the site where its truth is known.

    Args:
        network: its name.
        kind: how it was made.
        architecture: how it is built.
        truth: whether the variables are there.
        words: the verdict on each variable.
        size: the smallest size at which they were found; `None` where they were not.
        planted: directions a variable in which they were planted, where that was a number.
        ungated: the verdict if nobody asked whether the network can do its task.
    """

    network: str
    kind: str
    architecture: str
    truth: Truth
    words: tuple[str, ...]
    size: int | None
    planted: int | None
    ungated: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether any variable is said to be there."""
        return any(word in FOUND for word in self.words)

    @property
    def missing(self) -> bool:
        """Whether any variable is said not to be there, or not to be needed."""
        return any(word in (*MISSING, "unused") for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happened, in networks that are no independent draws.

    Args:
        count: in how many networks.
        of: of how many.
        low: lower end of the one-sided 95 % interval (Clopper–Pearson) of the share, networks taken as independent.
        high: upper end of the same; with none of n it is about 3/n.
        architectures: in how many architectures it happened at all.
        of_architectures: of how many.
        high_clustered: upper end of the same interval over architectures: what can be said of another one.
    """

    count: int
    of: int
    low: float
    high: float
    architectures: int
    of_architectures: int
    high_clustered: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The confusion table of verdicts.

    Args:
        tried: every network.
        table: for each kind how often each word was said (the word of which least is known, of several variables).
        false_found: said to be computed or relayed where it is not there.
        false_missing: said to be absent, consumed, bypassed or unused where it is there and read on.
        undecided: of all networks that can do their task.
        size_right: the smallest size within one of the true one, where it is one direction.
        size_within: found with no more directions than it was planted in.
        ungated: untrained and unlearned networks in which something would be found without the gate of competence.
    """

    tried: tuple[Tried, ...]
    table: dict[str, dict[str, int]]
    false_found: Rate
    false_missing: Rate
    undecided: Rate
    size_right: Rate
    size_within: Rate
    ungated: Rate

    @property
    def wrong(self) -> dict[str, Rate]:
        """What should be rare, in words for people."""
        return {
            "said to be there, and is not": self.false_found,
            "said not to be there, and is": self.false_missing,
            "undecided, and solves the task": self.undecided,
            "found without the gate, unlearned": self.ungated,
        }

    @property
    def right(self) -> dict[str, Rate]:
        """What should be frequent."""
        return {"size within one, of one": self.size_right, "size as planted or smaller": self.size_within}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"schema": SCHEMA, "battery": VERSION} | asdict(self)


UNCERTAIN = ("computed", "relayed", "partly", "unused", "bypassed", "consumed", "absent", "undecided", "unlearned")
"""From what is known best to what is known least."""


def calibrate(study: Study, verdicts: Sequence[NetworkVerdict], ungated: Sequence[NetworkVerdict]) -> Calibration:
    """Hold verdicts against the truth.

    Args:
        study: a battery.
        verdicts: on its networks.
        ungated: the same for a competence of zero.
    """
    families = {family.name: family for family in study.families}
    tried = tuple(
        _tried(families[one.family], row, free, one)
        for one, other in zip(verdicts, ungated, strict=True)
        for row, free in zip(one.sites, other.sites, strict=True)
    )
    there = [one for one in tried if one.truth == "there"]
    nothing = [one for one in tried if one.truth != "there"]
    able = [one for one in tried if one.truth != "unlearned"]
    found = [one for one in there if one.size is not None and one.planted is not None]
    return Calibration(
        tried=tried,
        table=_table(tried),
        false_found=_rate([one for one in nothing if one.found], nothing),
        false_missing=_rate([one for one in there if one.missing], there),
        undecided=_rate([one for one in able if "undecided" in one.words], able),
        size_right=_rate(
            [one for one in found if one.planted == 1 and (one.size or 0) <= 2], [o for o in found if o.planted == 1]
        ),
        size_within=_rate([one for one in found if (one.size or 0) <= (one.planted or 0)], found),
        ungated=_rate(
            [o for o in tried if o.truth == "unlearned" and any(word in FOUND for word in o.ungated)],
            [o for o in tried if o.truth == "unlearned"],
        ),
    )


def _tried(family: Family, row: Sequence[Verdict], free: Sequence[Verdict], one: NetworkVerdict) -> Tried:
    kind = family.kind
    words = tuple(verdict.word for verdict in row)
    known = isinstance(kind, Known)
    sized = known and kind.what in {"mean_coded", "fine_tuned"}
    if isinstance(kind, Known):
        truth: Truth = kind.truth
    else:  # behind the only hidden layer everything is linear, so it cannot be there
        truth = "not there" if family.trained and family.steps is None else "unlearned"
    return Tried(
        network=one.network,
        kind=_name(family),
        architecture=kind.architecture,
        truth=truth,
        words=words,
        size=equal_size(row[0].entry.size) if all(word in FOUND for word in words) else None,
        planted=kind.size if isinstance(kind, Known) and sized else None,
        ungated=tuple(verdict.word for verdict in free),
    )


def _name(family: Family) -> str:
    kind = family.kind
    if isinstance(kind, Known):
        return f"{kind.what} {kind.size}" if kind.what == "mean_coded" else kind.what
    return "untrained" if not family.trained else "unlearned" if family.steps is not None else "trained, one layer"


def _table(tried: Sequence[Tried]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for one in tried:
        row = table.setdefault(f"{one.kind}: {one.truth}", dict.fromkeys(UNCERTAIN, 0))
        row[max(one.words, key=UNCERTAIN.index)] += 1
    return table


def _rate(happened: Sequence[Tried], among: Sequence[Tried]) -> Rate:
    architectures = {one.architecture for one in among}
    where = {one.architecture for one in happened}
    return Rate(
        count=len(happened),
        of=len(among),
        low=_low(len(happened), len(among)),
        high=_high(len(happened), len(among)),
        architectures=len(where),
        of_architectures=len(architectures),
        high_clustered=_high(len(where), len(architectures)),
    )


def _low(count: int, of: int) -> float:
    """Lower end of Clopper and Pearson's one-sided interval."""
    return 0.0 if count == 0 else float(beta.ppf(1 - CONFIDENCE, count, of - count + 1))


def _high(count: int, of: int) -> float:
    """Upper end of Clopper and Pearson's one-sided interval."""
    return 1.0 if count >= of else float(beta.ppf(CONFIDENCE, count + 1, of - count))
