import io

import pytest

import interlocus as il
from interlocus.report.terminal import progress
from interlocus.studies.stages import StageProgress


def test_a_terminal_sees_one_line_a_phase(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    show = il.show_progress(stream)
    for phase, share in (("training", 0.0), ("training", 0.5), ("searching", 0.0), ("searching", 1.0)):
        show(StageProgress(phase, share))
    lines = [line.split("\r")[-1].strip() for line in stream.getvalue().split("\n")]
    assert lines[0] == "training: 50 %, 1 s, 1 s left"
    assert lines[1] == "searching: 100 %, 1 s"


def test_a_share_alone_is_a_search(capsys):
    show = il.show_progress()
    show(0.25)
    show(1.0)
    out, err = capsys.readouterr()
    assert not out
    assert err.split("\r")[-1].startswith("searching: 100 %")


def test_a_notebook_gets_one_bar_a_phase_that_moves(monkeypatch):
    pictures: list[list[dict[str, str]]] = []

    class Handle:
        def update(self, picture, *, raw):
            pictures[-1].append(picture)

    def display(picture, *, raw, display_id):
        assert raw
        assert display_id
        pictures.append([picture])
        return Handle()

    monkeypatch.setattr(progress, "_notebook_display", lambda: display)
    stream = io.StringIO()
    show = il.show_progress(stream)
    for phase, share in (("<script>", 0.0), ("<script>", 1.0), ("searching", 0.0)):
        show(StageProgress(phase, share))
    assert not stream.getvalue()
    assert [len(shown) for shown in pictures] == [2, 1]
    last = pictures[0][-1]["text/html"]
    assert '<progress value="1.000">' in last
    assert "<script>" not in last


@pytest.mark.parametrize("inside", [False, True])
def test_what_is_a_notebook(inside, monkeypatch):
    import IPython
    from IPython.display import display

    class Shell:
        def has_trait(self, name: str) -> bool:
            return inside and name == "kernel"

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    assert progress._notebook_display() is (display if inside else None)
