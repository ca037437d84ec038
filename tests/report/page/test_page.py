from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_runs import ONE_SIZE, made_run, with_controls

from interlocus.controls.cell_means import CellMeans
from interlocus.core.errors import RunFolderError
from interlocus.report.page.page import write_report
from interlocus.studies.run import Run
from interlocus.studies.stages import Failure
from interlocus.verdicts.words import ANSWER_WORDS, VERDICT_WORDS

VOID = {"meta", "br"}


class Page(HTMLParser):
    """A page as a list of elements, with the words between them; an end without a beginning is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words += data

    def all(self, *tags: str) -> Iterator[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return (attributes for tag, attributes in self.elements if tag in tags)


def page_of(run: Run) -> Page:
    """The page of a run, written and read."""
    return Page(write_report(run).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    searches = [{"hypotheses": ["both"], "sizes": [1, 2]}, *ONE_SIZE]
    return made_run(tmp_path_factory.mktemp("run"), searches=searches)


@pytest.fixture(scope="module")
def text(run: Run) -> str:
    return write_report(run).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_page_shows_the_contents_of_the_run(run: Run, page: Page) -> None:
    expected = [run.study.title, *run.study.sites, *run.study.starts, *(group.name for group in run.study.networks)]
    for words in [*expected, *run.group_sentences.values(), f"interlocus report {run.store.folder}"]:
        assert words in page.words
    for line in run.lines:
        for shown in (
            line.best.iia,
            f"{line.no_effect:.3f}",
            f"{line.one_directional:.3f}",
            f"{line.best.worst_transition:.3f}",
        ):
            assert str(shown) in page.words


def test_the_page_loads_nothing_from_other_places(text: str, page: Page) -> None:
    assert set(re.findall(r"\w+://[^\s\"'<>]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not {"link", "iframe", "img"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ("href", "xlink:href", "src"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png"))
        assert not [name for name in attributes if name.startswith("on")]
    assert len(text.encode()) < 3_000_000


def test_no_script_but_ours_may_run(text: str, page: Page) -> None:
    assert [attributes.get("type") for attributes in page.all("script")] == ["application/json", None]
    ours = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src 'sha256-{digest}'" in str(policy)


def test_every_link_has_a_target(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes.get("href") or attributes.get("xlink:href") or "" for attributes in page.all("a", "use")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_a_screen_reader_can_read_the_page(text: str, page: Page) -> None:
    assert next(page.all("html")) == {"lang": "en"}
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert len(list(page.all("table"))) == len(list(page.all("caption"))) > 2
    figures = list(page.all("svg"))
    assert len(figures) == len(list(page.all("figcaption"))) == 2  # size curves and restarts
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in figures)


def test_markup_in_names_is_shown_as_text(tmp_path: Path) -> None:
    hostile = "<script>alert('a')</script> & \"b\" </style></title>{{ run }}"
    page = page_of(made_run(tmp_path, title=hostile, name=hostile, searches=ONE_SIZE))
    assert page.words.count(hostile) >= 3
    assert len(list(page.all("script"))) == 2  # the data, and ours
    assert len(list(page.all("style"))) == 1 + len(list(page.all("svg")))


def test_a_study_without_a_title_is_called_by_its_name(tmp_path: Path) -> None:
    page = page_of(made_run(tmp_path, title="", name="nameless", searches=ONE_SIZE))
    assert page.words.count("nameless") >= 2


def test_missing_trials_are_named_with_the_command_to_continue(tmp_path: Path) -> None:
    run = made_run(tmp_path, lambda trial: trial.group == "relu", searches=ONE_SIZE)
    error = RunFolderError("The disk is full.", "Records are kept there.", "Make room.")
    page = page_of(replace(run, failures=(Failure(trials=tuple(run.missing), error=error),)))
    for words in [*run.missing, str(error), f"--out {tmp_path}", "Nothing is measured yet."]:
        assert words in page.words
    assert {"href": "#missing"} in list(page.all("a"))


def test_the_page_of_a_complete_run_names_nothing_as_missing(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE, controls=[])
    for group in run.study.networks:
        for name in group.networks:
            run.store.network_path(name).touch()
    assert "missing" not in page_of(run).words


def test_missing_controls_are_named(tmp_path: Path) -> None:
    page = page_of(with_controls(made_run(tmp_path, searches=ONE_SIZE)))
    assert "controls at layer1 of relu-01" in page.words
    assert "controls at layer1 of tanh-00" in page.words
    assert "the networks relu-00, relu-01" in page.words
    assert "blank" not in page.words.partition("Missing from the folder:")[2].partition("Time and settings")[0].replace(
        "the networks blank-00, blank-01", ""
    )


def test_both_answers_are_at_the_top(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    assert run.answer is not None
    words, sentences = " ".join(page_of(run).words.split()), dict(run.answer.groups)
    for group in ("relu", "tanh"):
        assert f"{group}: {sentences[group]}" in words
    assert run.answer.search in words


def test_every_word_on_the_page_is_explained_there(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    words = " ".join(page_of(run).words.split())
    for network in run.verdicts:
        assert ANSWER_WORDS[network.answer].explanation in words
        for verdict in (verdict for row in network.sites for verdict in row):
            assert VERDICT_WORDS[verdict.word].explanation in words


def test_every_entry_and_every_verdict_can_be_opened(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(text)
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    for name, kind in (("data-entry", "entries"), ("data-verdict", "verdicts")):
        opened = [int(str(one[name])) for one in page.all("button") if name in one]
        assert sorted(opened) == list(range(len(data[kind])))
    assert len(data["entries"]) == sum(len(line.sizes) for line in run.lines)
    assert len(data["verdicts"]) == sum(len(row) for one in run.verdicts for row in one.sites)


def test_cell_means_are_the_first_evidence_on_the_page(tmp_path: Path) -> None:
    cells = CellMeans(kept={"left+right": 1.0}, cells={"left+right": 4}, joint="left+right", items=1_000)
    run = with_controls(made_run(tmp_path, searches=ONE_SIZE), cell_means=cells)
    text = write_report(run).read_text(encoding="utf-8")
    verdicts = json.loads(text.partition('id="data">')[2].partition("</script>")[0])["verdicts"]
    (first, *_), *others = [v["evidence"] for v in verdicts if (v["network"], v["site"]) == ("relu-00", "layer1")]
    assert first[0] == "cell means"
    assert all(rows[0] == first for rows in others)


def test_a_folder_that_cannot_be_written_gives_one_message(tmp_path: Path, fails) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    shutil.rmtree(tmp_path / "figures")
    (tmp_path / "figures").write_text("in the way")  # what a test that runs as root can do to lock a folder
    with fails(RunFolderError, str(tmp_path), "another folder"):
        write_report(run)


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    page = page_of(made_run(tmp_path, lambda trial: False, searches=ONE_SIZE))
    assert page.words.count("Nothing is measured yet.") >= 3


def test_times_are_shown_where_they_are_known(tmp_path: Path, page: Page) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    assert "searching" not in page.words
    timed = page_of(replace(run, seconds={"searching": 125.2, "reading the results": 0.26}))
    assert "searching 2 min 5 s, reading the results 0.3 s." in timed.words
    assert "Search time of each group by site, added over processes." in page.words


def test_the_page_of_a_run_is_the_same_each_time(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    assert write_report(run).read_bytes() == write_report(run).read_bytes()
