"""Reading plain values: paths, YAML, and errors in words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.searches.budget import Budget
from interlocus.studies.spec.parsing import assign, check_argument_type, check_unique, explain, parse_yaml, path_text


@pytest.mark.parametrize(
    ("path", "text"),
    [([], ""), (["a"], "a"), (["a", 0, "b", "1"], "a[0].b[1]"), ([0, "a"], "[0].a"), (["a", 0, 1], "a[0][1]")],
)
def test_a_path_is_written_as_in_code(path, text):
    assert path_text(path) == text


def test_a_value_is_set_in_nested_mappings_and_lists():
    data = {"a": [{"b": 1}, {"b": 2}], "starts": {}}
    assign(data, ["a", "1", "b"], 7, "a.1.b=7")
    assign(data, ["starts", "random"], 3, "starts.random=3")  # names of starts are checked later
    assert data == {"a": [{"b": 1}, {"b": 7}], "starts": {"random": 3}}


def test_a_path_that_leads_nowhere_is_refused(fails):
    data = {"a": [{"b": 1}]}
    with fails(UnknownNameError, "entry '1' in a"):
        assign(data, ["a", "1"], 7, "a.1=7")
    with fails(UnknownNameError, "key 'c' in a[0]", "b"):
        assign(data, ["a", "0", "c"], 7, "a.0.c=7")
    with fails(SpecificationError, "'a[0].b' is a single value"):
        assign(data, ["a", "0", "b", "d"], 7, "a.0.b.d=7")


def test_text_that_is_not_yaml_is_refused_with_its_line(fails):
    with fails(SpecificationError, "my.yaml, line 2 is not valid YAML"):
        parse_yaml("a: 1\nb: c: d", "my.yaml")
    assert parse_yaml("{a: [1, 2]}", "my.yaml") == {"a": [1, 2]}


def test_a_name_that_is_used_twice_is_refused(fails):
    check_unique("site", ["a", "b"])
    with fails(SpecificationError, "the site 'b' twice"):
        check_unique("site", ["a", "b", "b"])


def test_an_argument_of_another_type_is_refused(fails):
    check_argument_type("width", 3, int)
    with fails(SpecificationError, "task.width is 'x'. It must be a whole number."):
        check_argument_type("width", "x", int)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"batch": 0}, "batch is 0 in f. It must be 1 or more. Use 1 or more."),
        ({"batch": 1.5}, "batch is 1.5 in f. It must be a whole number."),
        ({"solved": "much"}, "solved is 'much' in f. It must be a number."),
        ({"bach": 1}, "f has the key 'bach'. There is no such key"),
    ],
)
def test_a_fault_is_explained_by_its_path_and_what_is_allowed(data, words):
    with pytest.raises(ValidationError) as caught:
        Budget.model_validate(data)
    error = explain(caught.value, "f", lambda path: list(Budget.model_fields))
    assert str(error).startswith(words)
    assert all(part.endswith((".", "?")) for part in (error.found, error.why, error.hint))


def test_a_fault_that_is_not_in_the_table_is_explained_by_pydantic():
    error = ValidationError.from_exception_data(
        "x", [{"type": "value_error", "loc": ("a",), "input": 1, "ctx": {"error": ValueError("too odd")}}]
    )
    assert "a is 1 in f. It was refused: value error, too odd." in str(explain(error, "f", lambda path: []))
