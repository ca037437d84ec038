"""The page, opened in a browser from disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY

from interlocus.report.page.page import write_report
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study

pytestmark = pytest.mark.browser

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


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The browser; it logs its console and every request."""
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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study that takes a second, with its controls, and with a title that tries to run a script."""
    text = TINY.replace("controls: []", "controls: [used_subspace, operand_leakage]").replace(
        "title: Does it work at all?", "title: <script>alert('a')</script> & <b onclick=alert(1)>bold</b>?"
    )
    text += "competence: 0.3\n"  # below it no controls are measured, and 60 steps teach little
    return write_report(run_study(Study.parse(text, "tiny"), tmp_path_factory.mktemp("run")))


SCHEMES, WIDTHS = ("light", "dark"), (1280, 390)
FOCUSED = "return document.activeElement"


def opened(driver: Any, page: Path, *, width: int = 1280, scheme: str = "light") -> Any:
    """The page in a window of a width, in light or dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    driver.get(page.as_uri())
    return driver


def all_of(driver: Any, selector: str) -> list[Any]:
    return driver.find_elements("css selector", selector)


def press(driver: Any, *names: str) -> Any:
    """Press keys, by their names; returns what has the focus then."""
    from selenium.webdriver import ActionChains, Keys

    for name in names:
        ActionChains(driver).send_keys(getattr(Keys, name)).perform()
    return driver.execute_script(FOCUSED)


def test_the_console_is_silent_and_no_request_leaves_the_page(driver: Any, page: Path) -> None:
    driver.get_log("browser"), driver.get_log("performance")  # what was before
    opened(driver, page)
    for button in (all_of(driver, "[data-entry]")[0], all_of(driver, "[data-verdict]")[0]):
        driver.execute_script("arguments[0].click()", button)
        all_of(driver, "#sheet-close")[0].click()
    assert driver.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert set(asked) == {page.as_uri()}
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_a_hostile_name_is_text(driver: Any, page: Path) -> None:
    opened(driver, page)
    assert all_of(driver, "h1")[0].text.startswith("<script>alert('a')</script>")
    assert not all_of(driver, "h1 *")
    assert len(all_of(driver, "script")) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_is_there_and_nothing_is_wider_than_the_window(driver: Any, page: Path, width: int) -> None:
    opened(driver, page, width=width)
    for name in ("size_curve", "stages", "restarts", "subspace"):
        assert all_of(driver, f".card svg g[id^='{name}']"), name
    for figure in all_of(driver, ".card svg"):
        assert figure.is_displayed()
        assert figure.size["width"] > 250
        assert figure.size["height"] > 100
    assert all_of(driver, ".heat .cell")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_drawings_can_be_read_in_any_light(driver: Any, page: Path, scheme: str) -> None:
    opened(driver, page, scheme=scheme)
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"

    def light(selector: str, name: str) -> float:
        colour = driver.execute_script(script, selector, name)
        return sum(map(float, colour[colour.index("(") + 1 : -1].split(",")[:3])) / 765

    ink, paper = light(".card svg text", "fill"), light(".card", "backgroundColor")
    assert abs(ink - paper) > 0.6
    assert (paper < 0.5) == (scheme == "dark")


def test_an_entry_opens_on_its_cells_and_closes_where_it_was(driver: Any, page: Path) -> None:
    opened(driver, page)
    entry = all_of(driver, ".heat [data-entry]")[0]
    shown = entry.text
    entry.click()
    sheet = all_of(driver, "#sheet")[0]
    assert sheet.is_displayed()
    assert shown in sheet.text
    for word in ("0→1", "1→0", "Starts and restarts", "covariance", "relu-01", "one-directional"):
        assert word in sheet.text
    press(driver, "ESCAPE")
    assert not sheet.is_displayed()
    assert driver.execute_script(FOCUSED) == entry


def test_a_verdict_opens_on_its_evidence(driver: Any, page: Path) -> None:
    opened(driver, page)
    all_of(driver, "[data-verdict]")[-1].click()
    sheet = all_of(driver, "#sheet")[0]
    assert "Evidence" in sheet.text
    assert "competence" in sheet.text
    assert "null" not in sheet.text
    all_of(driver, "#sheet-close")[0].click()
    assert not sheet.is_displayed()


def test_the_keyboard_reaches_everything(driver: Any, page: Path) -> None:
    opened(driver, page)
    wanted = driver.execute_script(
        "return [...document.querySelectorAll('a[href], summary, [tabindex=\"0\"], button:not([tabindex])')]"
        ".filter((one) => one.checkVisibility())"
    )
    reached = {press(driver, "TAB").id for _ in range(len(wanted))}
    assert reached >= {one.id for one in wanted}


def test_arrow_keys_reach_every_entry_of_a_map(driver: Any, page: Path) -> None:
    opened(driver, page)
    entries = all_of(driver, ".heat")[0].find_elements("css selector", "button")
    driver.execute_script("arguments[0].focus()", entries[0])
    assert press(driver, "ARROW_RIGHT") == entries[1]  # two sites
    assert press(driver, "ARROW_DOWN") == entries[3]
    assert press(driver, "ARROW_LEFT", "ARROW_UP") == entries[0]
    assert press(driver, "END") == entries[1]
    press(driver, "ENTER")
    assert all_of(driver, "#sheet")[0].is_displayed()
    press(driver, "ESCAPE")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("opens", ["", ".heat [data-entry]", "[data-verdict]"], ids=["page", "entry", "verdict"])
def test_axe_finds_nothing_serious(driver: Any, page: Path, scheme: str, opens: str) -> None:
    axe = pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    opened(driver, page, scheme=scheme)
    driver.execute_script((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    if opens:
        all_of(driver, opens)[0].click()
    found = driver.execute_async_script("axe.run().then(arguments[0])")
    assert found["passes"]
    bad = [
        (one["id"], one["impact"], [node["html"] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert not bad


def test_it_prints_with_everything_open(driver: Any, page: Path) -> None:
    opened(driver, page)
    driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert all(part.get_attribute("open") for part in all_of(driver, "details"))
    assert len(driver.print_page()) > 10_000  # a PDF, as text
    assert not driver.get_log("browser")
