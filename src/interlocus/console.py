"""Where the command line prints; light, so that `--help` and `list` answer at once."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def show_catalogue(lists: Mapping[str, Mapping[str, str]], *, as_json: bool) -> None:
    """Names with a line each."""
    if as_json:
        out.print_json(json.dumps(lists))
        return
    for kind, names in lists.items():
        out.print(f"[bold]{kind}[/bold]")
        for name, summary in names.items():
            out.print(f"  {name:<22} {summary}")
