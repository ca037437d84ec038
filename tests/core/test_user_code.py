"""Laws of tasks and networks that are named by text."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.user_code import (
    get_object,
    is_code_reference,
    is_registered,
    load_code,
    make_reference_absolute,
    register_object,
)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text("from neighbour import NUMBER\n\nclass Task:\n    number = NUMBER\n")
    (tmp_path / "neighbour.py").write_text("NUMBER = 3\n")
    return path


def test_a_code_reference_names_a_python_file():
    assert is_code_reference("a/b.py:C")
    assert not is_code_reference("hierarchical_equality")


def test_a_relative_reference_begins_at_the_folder_and_an_absolute_one_stays(tmp_path):
    assert make_reference_absolute("mine.py:Task", tmp_path) == f"{tmp_path.resolve()}/mine.py:Task"
    assert make_reference_absolute("/other/mine.py:Task", tmp_path) == "/other/mine.py:Task"


def test_a_file_is_run_once_may_import_its_neighbours_and_its_objects_can_be_pickled(file):
    task = load_code(f"{file}:Task")
    assert task.number == 3
    assert load_code(f"{file}:Task") is task
    assert pickle.loads(pickle.dumps(task)) is task


def test_an_unknown_name_suggests_a_similar_one_of_the_file(file, fails):
    with fails(UnknownNameError, "Did you mean 'Task'?", str(file)):
        load_code(f"{file}:Tusk")


def test_a_missing_file_is_refused(tmp_path, fails):
    with fails(SpecificationError, "none.py"):
        load_code(f"{tmp_path}/none.py:Task")


def test_a_file_that_fails_is_refused_and_runs_again_once_it_is_repaired(tmp_path, fails):
    (tmp_path / "bad.py").write_text("1 / 0")
    with fails(SpecificationError, "ZeroDivisionError"):
        load_code(f"{tmp_path}/bad.py:thing")
    (tmp_path / "bad.py").write_text("thing = 3")
    assert load_code(f"{tmp_path}/bad.py:thing") == 3


def test_a_registered_object_is_found_by_its_text_until_another_takes_its_name():
    first, second = object(), object()
    text = register_object("test object", first)
    assert is_registered(text)
    assert not is_registered("test object")
    assert get_object(text) is first
    assert register_object("test object", second) == text
    assert get_object(text) is second


def test_an_object_of_another_process_is_refused(fails):
    text = register_object("lost", object()).replace("lost", "never registered")
    assert is_registered(text)
    with fails(SpecificationError, "'never registered'", "examine"):
        get_object(text)
