"""Read what a person wrote: YAML, single values that are set by a path, and errors in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from interlocus.core.errors import InterlocusError, SpecificationError, UnknownNameError

KnownKeys = Callable[[Sequence[int | str]], list[str]]
"""Returns the keys that are allowed at a path."""


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML into plain values.

    Args:
        text: The YAML text; an empty text gives `None`.
        where: Where the text comes from, for messages, for instance the name of the file.

    Raises:
        SpecificationError: The text is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        fault = getattr(error, "problem", None) or " ".join(str(error).split())
        raise SpecificationError(
            f"{where}{line} is not valid YAML.",
            f"The parser says: {fault}.",
            "Check brackets, quotes and indentation there.",
        ) from None


def path_text(path: Sequence[int | str]) -> str:
    """A path of keys as it stands in messages.

    >>> path_text(["networks", 0, "name"])
    'networks[0].name'

    Args:
        path: Keys of mappings and indices of lists, from the top down.
    """
    parts = [f"[{key}]" if isinstance(key, int) or str(key).isdecimal() else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def assign(data: Any, path: Sequence[str], value: Any, assignment: str) -> None:
    """Set a value in nested mappings and lists, in place.

    Args:
        data: The mapping or list at the top.
        path: Keys of mappings and indices of lists, as text, from the top down.
        value: The value to set.
        assignment: The whole assignment, for messages.

    Raises:
        UnknownNameError: A key or an index of the path does not exist.
        SpecificationError: The path goes on below a single value.
    """
    for depth, key in enumerate(path):
        where, is_last = path_text(path[:depth]) or "the study", depth == len(path) - 1
        if isinstance(data, list):
            indices = {str(index): index for index in range(len(data))}
            if key not in indices:
                raise UnknownNameError("entry", key, indices, where)
            place: Any = indices[key]
        elif isinstance(data, dict):
            looked_up_later = is_last and (where == "task" or path[depth - 1] == "starts")
            if key not in data and not looked_up_later:
                raise UnknownNameError("key", key, data, where)
            place = key
        else:
            raise SpecificationError(
                f"The assignment {assignment!r} sets a key inside {where!r}.",
                f"{where!r} is a single value and has no keys.",
                f"Set {where} itself.",
            )
        if is_last:
            data[place] = value
        else:
            data = data[place]


def check_unique(kind: str, names: Sequence[str]) -> None:
    """Check that no name is used twice.

    Args:
        kind: What the names are names of, in the singular, for the message.
        names: The names, in any order.

    Raises:
        SpecificationError: A name is used twice.
    """
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise SpecificationError(
            f"The study has the {kind} {repeated[0]!r} twice.",
            "Records of the second would overwrite those of the first.",
            "Remove one of them, or merge both into one.",
        )


def check_argument_type(key: str, value: object, annotation: Any) -> None:
    """Check that an argument of a task has the declared type.

    Values of a `Literal` are not checked here: the task itself names the words that it knows.

    Args:
        key: Name of the argument.
        value: The value that was given.
        annotation: The type with which the argument is annotated.

    Raises:
        SpecificationError: The value has another type.
    """
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["type"] != "literal_error":
            rule = _rule(fault)
            raise SpecificationError(f"task.{key} is {value!r}.", rule.allowed, rule.hint) from None


def explain(error: ValidationError, where: str, known_keys: KnownKeys) -> InterlocusError:
    """The first fault that pydantic found, as an `InterlocusError`. An unknown key is reported before a missing one.

    Args:
        error: The error that pydantic raised.
        where: Where the values come from, for the message, for instance the name of the file.
        known_keys: Returns the keys that are allowed at a path.
    """
    faults = error.errors()
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, InterlocusError):
        return cause
    path = path_text(fault["loc"]) or "the study"
    if fault["type"] == "extra_forbidden":
        *parents, key = fault["loc"]
        known = known_keys(parents)
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        return SpecificationError(
            f"{where} has the key {path!r}.",
            f"There is no such key; the known keys are {', '.join(known)}.",
            f"Did you mean {near[0]!r}?" if near else "Remove that key.",
        )
    if fault["type"] == "missing":
        return SpecificationError(
            f"{where} has no key {path!r}.", "That key has no default value.", f"Add `{fault['loc'][-1]}: …` there."
        )
    rule = _rule(fault)
    return SpecificationError(f"{path} is {fault['input']!r} in {where}.", rule.allowed, rule.hint)


class _Rule(NamedTuple):
    """What is allowed, and what to write."""

    allowed: str
    hint: str


_RULES: dict[str, _Rule] = {
    "greater_than_equal": _Rule("It must be {ge:g} or more.", "Use {ge:g} or more."),
    "greater_than": _Rule("It must be greater than {gt:g}.", "Use more than {gt:g}."),
    "less_than_equal": _Rule("It must be {le:g} or less.", "Use {le:g} or less."),
    "finite_number": _Rule("It must be a finite number.", "Use a finite number, for instance 0.01."),
    "string_type": _Rule("It must be text.", "Write it in quotes, for instance 'text'."),
    "string_pattern_mismatch": _Rule(
        "It may contain letters, digits, '-' and '_' only, and starts with a letter or a digit.",
        "Use a name such as 'relu-2'.",
    ),
    "too_short": _Rule("It must have at least {min_length} entry.", "Add an entry, or leave the key out."),
    "literal_error": _Rule("It must be {expected}.", "Use one of those."),
}
_WHOLE_NUMBER = _Rule("It must be a whole number.", "Use a whole number, for instance 3.")
_NUMBER = _Rule("It must be a number.", "Use a number, for instance 0.01.")
_YES_NO = _Rule("It must be true or false.", "Use `true` or `false`.")
_LIST = _Rule("It must be a list.", "Write a list in brackets, for instance [1, 2].")
_MAPPING = _Rule("It must be a mapping of keys to values.", "Write a mapping, for instance {{steps: 500}}.")
_RULES |= dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE_NUMBER)
_RULES |= dict.fromkeys(("float_type", "float_parsing"), _NUMBER)
_RULES |= dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO)
_RULES |= dict.fromkeys(("tuple_type", "list_type"), _LIST)
_RULES |= dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), _MAPPING)
"""What is allowed, by the type of the fault that pydantic found. pydantic fills in the names in braces."""


def _rule(fault: ErrorDetails) -> _Rule:
    context = fault.get("ctx", {})
    rule = _RULES.get(fault["type"])
    if rule is None:
        message = fault["msg"].rstrip(".")
        return _Rule(f"It was refused: {message[0].lower()}{message[1:]}.", "Use a value that meets this condition.")
    near: list[str] = []
    if fault["type"] == "literal_error":
        options = re.findall(r"'([^']*)'", context.get("expected", ""))
        near = difflib.get_close_matches(str(fault["input"]), options, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else rule.hint.format(**context)
    return _Rule(rule.allowed.format(**context), hint)
