"""Laws of the tree of errors and of their messages."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from interlocus.core import errors
from interlocus.core.errors import InterlocusError, SpecificationError, UnknownNameError

CLASSES = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, Exception)}


def test_every_error_derives_from_the_base():
    assert all(issubclass(cls, InterlocusError) for cls in CLASSES.values())


def test_the_docstring_draws_the_tree_of_the_classes():
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "Error" in line]
    stack: list[tuple[int, str]] = []
    for line in drawn:
        name = re.search(r"\w+Error", line)
        assert name is not None
        while stack and stack[-1][0] >= name.start():
            stack.pop()
        parent = CLASSES[stack[-1][1]] if stack else Exception
        assert CLASSES[name.group()].__bases__ == (parent,)
        stack.append((name.start(), name.group()))
    assert {re.search(r"\w+Error", line).group() for line in drawn} == set(CLASSES)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if cls is not UnknownNameError])
def test_a_message_has_three_parts_and_survives_pickling(cls):
    error = cls("This was found.", "That cannot work.", "Do so instead.")
    assert str(error) == "This was found. That cannot work. Do so instead."
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert (again.found, again.why, again.hint) == (error.found, error.why, error.hint)


def test_an_unknown_name_suggests_a_similar_one():
    error = UnknownNameError("site", "layr1", ["input", "layer1", "output"], "this network")
    assert error.found == "There is no site 'layr1' in this network."
    assert error.why == "There is: input, layer1, output."
    assert error.hint == "Did you mean 'layer1'?"


def test_an_unknown_name_unlike_all_others_suggests_none():
    error = UnknownNameError("site", "xyz", ["input", "layer1"])
    assert error.found == "There is no site 'xyz'."
    assert error.hint == "Pass one of those."


def test_an_unknown_name_where_there_are_no_names_says_so():
    assert UnknownNameError("site", "a", []).why == "There is: nothing."


def test_an_unknown_name_survives_pickling_with_its_attributes():
    error = UnknownNameError("site", "layr1", iter(["input", "layer1"]), "this network")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnknownNameError
    assert isinstance(again, SpecificationError)
    assert str(again) == str(error)
    assert (again.kind, again.name, again.known, again.where) == ("site", "layr1", ("input", "layer1"), "this network")
