"""Templates filled in: a page with its styles and its script inside, in which no other script can run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from interlocus.core.statistics import Interval
from interlocus.report.page.colours import scale_css, shade, word_css
from interlocus.report.page.verdict_grid import word_counts


def render_page(template: str, values: Mapping[str, object]) -> str:
    """Fill in a template; text from users is escaped.

    Args:
        template: Name of a file in `templates`.
        values: What the template shows, by the names that it uses; a missing name is an error.
    """
    environment = Environment(
        loader=PackageLoader("interlocus.report.page"), autoescape=True, undefined=StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {
        "digits": _digits,
        "duration": _duration,
        "interval": _interval,
        "percent": _percent,
        "shade": shade,
        "word_counts": word_counts,
    }
    script = resources.files("interlocus.report.page").joinpath("templates/report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    generated = Markup(f"{scale_css()}\n{word_css()}")  # noqa: S704 ours, not a user's
    fixed = {"script": Markup(script), "script_hash": digest, "generated_css": generated}  # noqa: S704 ours as well
    return environment.get_template(template).render(fixed | dict(values))


def _interval(value: Interval) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _digits(value: float) -> str:
    return f"{value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
