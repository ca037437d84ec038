"""Draw the pictures of the guide: `python docs/pictures/draw.py`.

Each picture is drawn from the variables of an example after its run, so it always agrees with the script.
"""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from matplotlib import pyplot as plt
from matplotlib import style
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
CHANCE = {"color": "#555555", "linestyle": ":", "linewidth": 1}


def run_example(example: str) -> dict[str, Any]:
    """Run an example, and return its variables."""
    with contextlib.redirect_stdout(io.StringIO()):
        return runpy.run_path(str(ROOT / "examples" / f"{example}.py"), run_name="__main__")


def interchange(made: dict[str, Any]) -> Figure:
    """Activations of layer 1: base, source, and the base with two neurons from the source."""
    network, base, source = made["network"], made["base"], made["source"]
    states = [network.activations("layer1", inputs)[0, 0] for inputs in (base, source)]
    patched = torch.cat([states[1][:2], states[0][2:]])
    figure, axes = plt.subplots(1, 3, figsize=(7, 2.2), sharey=True)
    names = (f"base {_row(base)}", f"source {_row(source)}", "base, left exchanged")
    for axis, name, state in zip(axes, names, [*states, patched], strict=True):
        own = ["#0072B2" if axis is not axes[1] else "#D55E00"] * 4
        if axis is axes[2]:
            own[:2] = ["#D55E00"] * 2
        axis.bar(range(4), state, color=own)
        answer = network.run_from("layer1", state[None, None])[0, 0].argmax().item()
        axis.set_title(f"{name}\nanswer {answer}", fontsize=9)
        axis.set_xticks(range(4), ["0", "1", "2", "3"])
        axis.set_xlabel("neuron of layer 1")
    axes[0].set_ylabel("activation")
    return figure


def _row(inputs: torch.Tensor) -> str:
    return "(" + ", ".join(f"{value:g}" for value in inputs[0].tolist()) + ")"


def turned(made: dict[str, Any]) -> Figure:
    """IIA against the angle, in the hand-wired network."""
    figure, axis = plt.subplots(figsize=(4.5, 2.6))
    scores = made["scores"]
    axis.plot(made["angles"], [score.iia for score in scores], marker="o", markersize=3)
    axis.axhline(0.5, label="no effect", **CHANCE)
    axis.set(xlabel="angle to the known directions, in degrees", ylabel="IIA of both", ylim=(0.4, 1.03))
    axis.legend(frameon=False)
    return figure


def narrow_optimum(made: dict[str, Any]) -> Figure:
    """IIA around the known directions at the input of a trained network."""
    figure, (by_angle, by_noise) = plt.subplots(1, 2, figsize=(7, 2.6), sharey=True)
    by_angle.plot(made["angles"], made["by_angle"], marker="o", markersize=3)
    by_angle.set(xlabel="degrees from a − b towards a + b", ylabel="IIA of left", ylim=(0.35, 1.03))
    by_noise.plot([max(noise, 0.001) for noise in made["noises"]], made["by_noise"], marker="o", markersize=3)
    by_noise.set(xlabel="noise per entry (leftmost: none)", xscale="log")
    by_noise.set_xticks([0.001, 0.01, 0.1], ["0", ".01", ".1"])
    by_noise.minorticks_off()
    for axis in (by_angle, by_noise):
        axis.axhline(0.5, **CHANCE)
    return figure


def starts(made: dict[str, Any]) -> Figure:
    """Final IIA of searches at the input, by start."""
    figure, axis = plt.subplots(figsize=(4.5, 1.6))
    names = ["covariance", "random"]
    for start, iia in made["ends"]:
        axis.plot(iia, names.index(start), marker="o", color="#0072B2", alpha=0.7, linestyle="")
    axis.axvline(0.5, **CHANCE)
    axis.axvline(0.75, color="#555555", linestyle="--", linewidth=1)
    axis.text(0.745, 0.5, "one-directional", ha="right", va="center", fontsize=8, color="#555555")
    axis.set_yticks(range(2), names)
    axis.set(xlabel="final IIA of left", xlim=(0.45, 1.03), ylim=(-0.5, 1.5))
    return figure


def main() -> None:
    """Draw all pictures."""
    mpl.use("svg")
    IMAGES.mkdir(exist_ok=True)
    pictures_of = {"interchange": (interchange, turned), "search_failures": (narrow_optimum, starts)}
    styles = ["default", "interlocus.report.figures.interlocus"]
    with style.context(styles), mpl.rc_context({"svg.hashsalt": "interlocus"}):
        for example, pictures in pictures_of.items():
            made = run_example(example)
            for picture in pictures:
                figure = picture(made)
                figure.tight_layout()
                figure.savefig(IMAGES / f"{picture.__name__}.svg", metadata={"Date": None})
                plt.close(figure)


if __name__ == "__main__":
    main()
