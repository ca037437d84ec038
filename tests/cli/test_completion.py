import os
import subprocess
import sys

import pytest

from interlocus.cli.completion import complete_files, complete_kinds, complete_studies, complete_tasks
from interlocus.cli.list_plugins import catalogue

COMPLETE = """
import sys
from interlocus.cli.main import main
sys.argv = ["interlocus"]
try:
    main()
finally:
    heavy = [name for name in ("torch", "numpy", "matplotlib") if name in sys.modules]
    assert not heavy, heavy
"""


def complete(*words: str) -> list[str]:
    """What bash offers for the last of these words, asked for as typer's script for bash does."""
    request = {
        "_INTERLOCUS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["interlocus", *words]),
        "COMP_CWORD": str(len(words)),
    }
    process = subprocess.run(
        [sys.executable, "-c", COMPLETE], env=os.environ | request, capture_output=True, text=True, check=False
    )
    assert "Error" not in process.stderr, process.stderr
    return process.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("study", "emb"), ["embeddings"]),
        (("list", "feat"), ["featurizers"]),
        (("study", "--device", "cu"), ["cuda"]),
        (("battery", "r"), ["run"]),
        (("sh",), ["show"]),
    ],
)
def test_a_key_press_completes_names_and_imports_nothing_heavy(words, offered):
    assert complete(*words) == offered


def test_every_study_task_and_kind_is_offered_with_a_description():
    lists = catalogue()
    assert {name for name, _ in complete_studies("")} >= set(lists["studies"])
    assert {name for name, _ in complete_tasks("")} >= set(lists["tasks"])
    assert [name for name, _ in complete_kinds("")] == list(lists)
    assert all(description for name, description in complete_tasks("") if name in lists["tasks"])
    assert complete_kinds("no kind begins like this") == []


def test_files_with_a_fitting_ending_and_folders_are_offered(tmp_path):
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "mine.txt").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / ".hidden.yaml").write_text("")
    offered = [word for word, _ in complete_files(f"{tmp_path}/m", (".yaml",))]
    assert offered == [f"{tmp_path}/mine.yaml", f"{tmp_path}/more/"]
    assert complete_files(f"{tmp_path}/nowhere/x", (".yaml",)) == []
