"""Reading what a person wrote: YAML, settings of single values, and what is wrong with them in words."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from interlocus.core.errors import InterlocusError, SpecificationError, UnknownNameError


def parse_yaml(text: str, where: str) -> Any:
    """YAML as plain values; `where` stands in the message."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        fault = " ".join(str(error).split())
        raise SpecificationError(
            f"{where} is no YAML: {fault}.", "A study is written in YAML.", "Mend that line."
        ) from None


def assign(data: Any, path: Sequence[str], value: Any, assignment: str) -> None:
    """Set a value deep in nested mappings and lists."""
    for depth, key in enumerate(path):
        where = ".".join(path[:depth]) or "the study"
        if isinstance(data, list):
            places = {str(place): place for place in range(len(data))}
            if key not in places:
                raise UnknownNameError("entry", key, places, where)
            place: Any = places[key]
        elif isinstance(data, dict):
            free = (where == "task" or path[depth - 1] == "starts") and depth == len(
                path
            ) - 1  # names that are looked up later
            if key not in data and not free:
                raise UnknownNameError("key", key, data, where)
            place = key
        else:
            raise SpecificationError(
                f"The setting {assignment!r} goes into {where!r}.", "That is a single value.", f"Set {where} itself."
            )
        if depth == len(path) - 1:
            data[place] = value
        else:
            data = data[place]


def no_twins(kind: str, names: Sequence[str]) -> None:
    """Raise `SpecificationError` where a name stands twice."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise SpecificationError(
            f"The {kind} {twice[0]!r} stands in the study twice.",
            "Its records would overwrite each other.",
            "Put both into one.",
        )


def check_kind(key: str, value: Any, annotation: Any) -> None:
    """Whether an argument of a task is of the declared kind; which words it understands it says itself."""
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["type"] != "literal_error":
            raise SpecificationError(
                f"The task has {key} = {value!r}.",
                f"That cannot be: {fault['msg'][0].lower()}{fault['msg'][1:]}.",
                "Mend that value.",
            ) from None


KnownKeys = Callable[[Sequence[int | str]], list[str]]
"""The keys that may stand at a place of what was written."""


def explain(error: ValidationError, where: str, known_keys: KnownKeys) -> InterlocusError:
    """The first fault that pydantic found, in our words."""
    fault = error.errors()[0]
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, InterlocusError):
        return cause
    place = ".".join(map(str, fault["loc"])) or "the study"
    if fault["type"] == "extra_forbidden":
        *outer, key = fault["loc"]
        known = known_keys(outer)
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        return SpecificationError(
            f"{where} has the key {place!r}.",
            f"There is no such key; there is: {', '.join(known)}.",
            f"Did you mean {near[0]!r}?" if near else "Take it out.",
        )
    return SpecificationError(
        f"{where} has {place} = {fault['input']!r}." if fault["type"] != "missing" else f"{where} has no {place!r}.",
        f"That cannot be: {fault['msg'][0].lower()}{fault['msg'][1:]}.",
        "Mend that value.",
    )
