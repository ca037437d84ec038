import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import TINY

from interlocus.cli.main import main
from interlocus.core.version import __version__


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run a command line; gives exit status, output and messages."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["interlocus", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def folder(spec, tmp_path_factory):
    from interlocus.studies.run import run_study
    from interlocus.studies.spec.study import Study

    out = tmp_path_factory.mktemp("runs") / "tiny"
    run_study(Study.load(spec), out)
    return out


def test_help_names_every_command(cli):
    status, out, _ = cli("--help")
    assert status == 0
    commands = ("study", "show", "compare", "report", "extract", "audit", "list", "battery")
    assert all(command in out for command in commands)


@pytest.mark.parametrize(
    "command", [["study"], ["show"], ["compare"], ["report"], ["extract"], ["audit"], ["list"], ["battery", "run"]]
)
def test_every_command_explains_each_option_and_can_print_json(cli, command):
    status, out, _ = cli(*command, "--help")
    assert status == 0
    assert "--json" in out


def test_version(cli):
    assert cli("--version")[:2] == (0, f"interlocus {__version__}\n")


def test_list_shows_every_kind_of_plug_in(cli):
    status, out, _ = cli("list")
    assert status == 0
    assert all(name in out for name in ("equality", "hierarchical_equality", "rotation", "covariance", "local"))
    status, out, _ = cli("list", "featurizers", "--json")
    assert set(json.loads(out)["featurizers"]) >= {"identity", "rotation", "linear"}


def test_a_dry_run_counts_and_does_nothing(cli, spec, tmp_path):
    status, out, _ = cli("study", str(spec), "--out", str(tmp_path / "none"), "--dry-run", "--json")
    assert status == 0
    cost = json.loads(out)
    # 2 groups × 2 networks × 2 sites × (2 maps × 2 sizes + 2 hypotheses) × 2 starts
    assert cost["searches"] == 2 * 2 * 2 * (2 * 2 + 2) * 2
    assert cost["trials"] == 2 * 2 * 2 * 4
    assert cost["seconds"] > 0
    assert not (tmp_path / "none").exists()


def test_a_study_ends_with_its_table_its_answers_and_its_page(cli, spec, folder):
    status, out, err = cli("study", str(spec), "--out", str(folder), "--workers", "1")
    assert status == 0
    assert "Does it work at all?" in out
    assert "no verdict is given" in " ".join(out.split())
    assert "report.html" in out
    assert (folder / "report.html").is_file()
    assert "Traceback" not in err


def test_show_and_report_read_a_folder(cli, folder):
    status, out, _ = cli("show", str(folder), "--json")
    shown = json.loads(out)
    assert status == 0
    assert {line["group"] for line in shown["lines"]} == {"relu", "blank"}
    assert shown["missing"] == []
    (folder / "report.html").unlink(missing_ok=True)
    status, out, _ = cli("report", str(folder), "--json")
    assert status == 0
    assert json.loads(out) == {"page": str(folder / "report.html")}
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "found", "hint"),
    [
        (["study", "equalty"], "'equalty'", "'equality'"),
        (["study", "none.yaml"], "none.yaml", "path of a YAML file"),
        (["study", "equality", "--set", "budget.bach=3"], "'bach'", "'batch'"),
        (["study", "equality", "--set", "seed=x"], "'x'", "whole number"),
        (["study", "equality", "--set", "sites=[input,layer9]"], "'layer9'", "'layer"),
        (["study", "equality", "--set", "searches.0.sizes=[9]"], "Size 9", "up to 8"),
        (["study", "equality", "--set", "searches.0.featurizers=[rotaton]"], "'rotaton'", "'rotation'"),
        (["study", "equality", "--workers", "0"], "workers is 0", "1 worker or more"),
        (["study", "equality", "--device", "cuda:9"], "'cuda:9'", "cpu"),
        (["show", "nowhere"], "no run folder", "interlocus study"),
        (["list", "featurisers"], "'featurisers'", "'featurizers'"),
    ],
)
def test_a_request_that_cannot_be_understood_gives_one_message_and_status_two(
    cli, tmp_path, monkeypatch, arguments, found, hint
):
    monkeypatch.chdir(tmp_path)
    status, out, err = cli(*arguments)
    assert status == 2
    assert not out
    lines = err.strip().splitlines()
    assert len(lines) == 3
    assert found in lines[0]
    assert hint in lines[2]
    assert not list(tmp_path.iterdir())


def test_an_option_that_does_not_exist_is_status_two(cli):
    status, _, err = cli("study", "--nope")
    assert status == 2
    assert "--nope" in err


def test_trials_that_fail_are_listed_with_status_one(cli, spec, tmp_path):
    status, _, err = cli(
        "study", str(spec), "--out", str(tmp_path), "--workers", "1", "--set", "networks.0.learning_rate=1e30"
    )
    assert status == 1
    assert "relu-00.input.both.rotation" in err
    assert "Lower the learning rate" in err
    assert "Traceback" not in err


def test_an_interrupt_says_how_to_continue(cli, spec, tmp_path, monkeypatch):
    from interlocus.studies import pipeline

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "train_networks", interrupted)
    status, _, err = cli("study", str(spec), "--out", str(tmp_path), "--workers", "1")
    assert status == 130
    assert f"interlocus study {spec} --out {tmp_path} --workers 1" in err.replace("\n", "")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="shows which processes there are")
def test_a_terminated_process_ends_its_workers(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "interlocus", "study", "equality", "--workers", "2", "--out", str(tmp_path / "run")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until = time.monotonic() + 600  # only so that a mistake does not last for ever
        while len(workers := children.read_text().split()) < 3 and time.monotonic() < until:  # and who tracks resources
            time.sleep(0.1)
        assert len(workers) >= 3
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert b"Interrupted" in err
    while (left := [pid for pid in workers if _is_running(pid)]) and time.monotonic() < until + 600:
        time.sleep(0.1)
    assert not left


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_unexpected_error_is_one_message_as_well(cli, spec, tmp_path, monkeypatch):
    from interlocus.studies import run

    monkeypatch.setattr(run, "rows", lambda *_: 1 / 0)
    status, _, err = cli("study", str(spec), "--out", str(tmp_path), "--workers", "1")
    assert status == 2
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err


def test_a_killed_worker_is_explained(cli, spec, tmp_path, monkeypatch):
    from concurrent.futures.process import BrokenProcessPool

    from interlocus.studies import run

    def killed(*_):
        raise BrokenProcessPool("A child process terminated abruptly")

    monkeypatch.setattr(run, "rows", killed)
    status, _, err = cli("study", str(spec), "--out", str(tmp_path), "--workers", "1")
    assert status == 2
    assert "A worker process was killed." in err
    assert "--workers 1" in err
