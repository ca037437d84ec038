"""Laws of safetensors files with metadata."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from interlocus.core.errors import AlignmentError, RunFolderError
from interlocus.core.tensor_files import TensorFile, read, read_format, to_bytes, write

FORMAT = "interlocus.test/1"
TENSORS = {"rows": torch.arange(6.0).view(2, 3).T, "empty": torch.zeros(0, 3), "number": torch.tensor(7)}
METADATA = {"format": FORMAT, "sizes": [1, 2], "name": "é"}


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "a.safetensors", to_bytes(TENSORS, METADATA), AlignmentError)
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize("in_memory", [False, True])
def test_what_is_written_is_read(path, in_memory):
    tensors, metadata = read(TensorFile.at(path) if in_memory else path, FORMAT, AlignmentError, "the test")
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors[name].dtype == tensor.dtype


def test_equal_content_gives_equal_bytes():
    assert to_bytes(TENSORS, METADATA) == to_bytes(dict(TENSORS), dict(METADATA))


def test_a_written_file_leaves_no_partial_file(path):
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, fails):
    with fails(RunFolderError, "cannot be written"):
        write(tmp_path / "missing" / "a.safetensors", b"", RunFolderError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_file_of_another_format_is_refused(path, fails, in_memory):
    source = TensorFile.at(path) if in_memory else path
    with fails(AlignmentError, repr(FORMAT), "'interlocus.other/1'", "the test"):
        read(source, "interlocus.other/1", AlignmentError, "the test")


@pytest.mark.parametrize("content", [b"", b"no tensors at all"])
def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path, fails, content):
    (tmp_path / "bad").write_bytes(content)
    for source in (tmp_path / "bad", TensorFile.at(tmp_path / "bad")):
        with fails(AlignmentError, "cannot be read", str(tmp_path / "bad")):
            read(source, FORMAT, AlignmentError, "the test")


def test_the_format_of_a_file_is_read_without_its_tensors(path, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    assert read_format(path) == FORMAT
    assert read_format(tmp_path / "foreign.safetensors") is None
    assert read_format(tmp_path / "missing") is None
