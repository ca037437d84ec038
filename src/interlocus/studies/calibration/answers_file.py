"""Files with the answers of any tool: JSON or CSV, by the identifiers of exported networks."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from interlocus.core.errors import SpecificationError
from interlocus.studies.calibration.answers import AnswersOfRun
from interlocus.studies.calibration.export import exported_ids
from interlocus.studies.calibration.scoring import ToolAnswer
from interlocus.studies.calibration.truth import NetworkTruth
from interlocus.verdicts.words import VERDICT_WORDS

KNOWN_WORDS = tuple(VERDICT_WORDS)
NUMBER_COLUMNS = ("iia", "low", "high", "size")


def read_answers(path: str | Path, truths: Iterable[NetworkTruth], *, seed: int) -> AnswersOfRun:
    """Read the answers of a tool.

    JSON: `{"n3f2a…": {"left": {"word": "computed", "iia": 0.99, "low": 0.98, "high": 1.0, "size": 1}, "right": …}}`,
    where a word alone may stand for its mapping. CSV: a line of names `network,variable,word,iia,low,high,size`, of
    which the last four may be left out or empty.

    Args:
        path: Path of the file, which ends in `.json` or `.csv`.
        truths: The truth of all networks.
        seed: Seed of the battery, from which the identifiers follow.

    Raises:
        SpecificationError: The file cannot be read, or names a network, variable or word that does not exist.
    """
    path = Path(path)
    ids = {name: place for place, name in exported_ids(truths, seed=seed).items()}
    variables = {(truth.network, truth.site): set(truth.variables) for truth in truths}
    answers: AnswersOfRun = {}
    for network, variable, entry in _entries(path):
        place = ids.get(network)
        if place is None:
            raise _refused(path, f"the network {network!r}", "This battery has no such network: seed or scale differ.")
        if variable not in variables[place]:
            known = ", ".join(sorted(variables[place]))
            raise _refused(path, f"the variable {variable!r} of {network}", f"That network is asked about: {known}.")
        answers.setdefault(place, {})[variable] = _answer(path, entry)
    return answers


def _entries(path: Path) -> list[tuple[str, str, Mapping[str, object]]]:
    try:
        text = path.read_text()
        if path.suffix == ".csv":
            rows = list(csv.DictReader(text.splitlines()))
            return [(row["network"], row["variable"], {k: v for k, v in row.items() if v}) for row in rows]
        data = json.loads(text)
        return [
            (network, variable, {"word": entry} if isinstance(entry, str) else entry)
            for network, of_network in data.items()
            for variable, entry in of_network.items()
        ]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, AttributeError) as error:
        raise SpecificationError(
            f"The file {path} cannot be read: {error}.",
            "It has to hold words for the variables of exported networks, as JSON or CSV.",
            "See docs/battery.md for both forms.",
        ) from None


def _answer(path: Path, entry: Mapping[str, object]) -> ToolAnswer:
    word, numbers = entry.get("word"), dict[str, float]()
    if word not in KNOWN_WORDS:
        raise _refused(path, f"the word {word!r}", f"A verdict word is one of {', '.join(KNOWN_WORDS)}.")
    for name in NUMBER_COLUMNS:
        if entry.get(name) is not None:
            try:
                numbers[name] = float(str(entry[name]))
            except ValueError:
                numbers[name] = math.nan
            if not math.isfinite(numbers[name]):
                raise _refused(path, f"{name} = {entry[name]!r}", "It has to be a number.")
    return ToolAnswer(word=str(word), **numbers)


def _refused(path: Path, what: str, why: str) -> SpecificationError:
    return SpecificationError(f"The file {path} has {what}.", why, "Correct the file, or pass its scale and seed.")
