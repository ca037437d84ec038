import os
import subprocess
import sys

import pytest

from interlocus.cli.completion import complete_files, complete_kinds, complete_studies, complete_tasks
from interlocus.cli.list_plugins import catalogue

PRESS = """
import sys
from interlocus.cli import main
sys.argv = ["interlocus"]
try:
    main()
finally:
    heavy = [name for name in ("torch", "numpy", "matplotlib") if name in sys.modules]
    assert not heavy, heavy
"""


def press(*words: str) -> list[str]:
    """What bash is offered for the last of these words, as typer's own script for it asks."""
    asked = {
        "_INTERLOCUS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["interlocus", *words]),
        "COMP_CWORD": str(len(words)),
    }
    ended = subprocess.run(
        [sys.executable, "-c", PRESS], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert "AssertionError" not in ended.stderr, ended.stderr
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("study", "emb"), ["embeddings"]),
        (("list", "feat"), ["featurizers"]),
        (("study", "--device", "cu"), ["cuda"]),
        (("sh",), ["show"]),
    ],
)
def test_a_key_press_completes_names_and_imports_nothing_heavy(words, offered):
    assert press(*words) == offered


def test_every_study_task_and_kind_is_offered_with_a_line_about_it():
    there = catalogue()
    assert {name for name, _ in complete_studies("")} >= set(there["studies"])
    assert {name for name, _ in complete_tasks("")} >= set(there["tasks"])
    assert [name for name, _ in complete_kinds("")] == list(there)
    assert all(about for name, about in complete_tasks("") if name in there["tasks"])
    assert complete_kinds("nothing begins so") == []


def test_files_of_a_kind_are_offered_and_the_folders_on_the_way(tmp_path):
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "mine.txt").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / ".hidden.yaml").write_text("")
    offered = [word for word, _ in complete_files(f"{tmp_path}/m", (".yaml",))]
    assert offered == [f"{tmp_path}/mine.yaml", f"{tmp_path}/more/"]
    assert complete_files(f"{tmp_path}/nowhere/x", (".yaml",)) == []
