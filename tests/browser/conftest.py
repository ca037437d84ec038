"""A headless Chromium, where this machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import TINY

from interlocus.report import write_report
from interlocus.run import run_study
from interlocus.study import Study

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The browser, which keeps a log of its console and of every request."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    places = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in places:
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = places[0]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = selenium.Chrome(options=options, service=Service(places[1]))
    started.set_script_timeout(120)  # axe looks at everything, and a machine may be busy
    started.set_page_load_timeout(120)
    yield started
    started.quit()


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study that takes a second, with its controls, and with a name that should do no harm."""
    text = TINY.replace("controls: []", "controls: [used, purity]").replace(
        "title: Does it work at all?", "title: <script>alert('a')</script> & <b onclick=alert(1)>bold</b>?"
    )
    return write_report(run_study(Study.parse(text, "tiny"), tmp_path_factory.mktemp("run")))
