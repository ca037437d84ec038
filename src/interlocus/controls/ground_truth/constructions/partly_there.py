"""Constructions in which an exchange works in a share of the inputs, or exchanges what nearly agrees with it."""

from __future__ import annotations

from collections.abc import Mapping

from interlocus.controls.ground_truth.constructions import codes, lessons
from interlocus.controls.ground_truth.constructions.construction import CodeTruth, Construction
from interlocus.controls.ground_truth.constructions.there import THERE_WORDS

FLIPPED, OFTEN_FLIPPED = 0.06, 0.2
"""Shares of the inputs in which `nearly_left` differs from left."""
PARTLY = ("partial",)


def _in_a_share(share: float) -> Mapping[str, float]:
    """IIA of each variable alone: elsewhere its exchange changes nothing, which is right in one half.

    A search can find more: an exchange that sets the answer too, from differences of left and right, reaches about .92.
    """
    return dict.fromkeys(("left", "right"), share + (1 - share) / 2)


def _nearly(share: float) -> Mapping[str, float]:
    return {"nearly_left": 1 - 2 * FLIPPED * (1 - FLIPPED)}


def _hardly(share: float) -> Mapping[str, float]:
    return {"nearly_left": 1 - 2 * OFTEN_FLIPPED * (1 - OFTEN_FLIPPED)}


def _missed() -> dict[str, CodeTruth]:
    """The truth of a variable that agrees with left mostly, and of right, which is there."""
    return {
        "nearly_left": CodeTruth(status="partly", words=PARTLY, columns=(0,)),
        "right": CodeTruth(status="there", words=(*THERE_WORDS, *PARTLY), columns=(1,)),
    }


_SHARED: Mapping[str, CodeTruth] = {
    "left": CodeTruth(status="partly", words=PARTLY, columns=(0,)),
    "right": CodeTruth(status="partly", words=PARTLY, columns=(1,)),
}

PARTLY_THERE = (
    Construction(
        name="part_of_inputs",
        used_rank=4,
        summary="In 35 % of the inputs left and right are read, in the others the answer, which lies beside them.",
        features=("left", "right", "u", "gate"),
        code=codes.columns(codes.left, codes.right, codes.equal, codes.gate),
        teach=lessons.gated,
        truth=_SHARED,
        shares=(0.35, 0.35),
        iia=_in_a_share,
    ),
    Construction(
        name="graded",
        used_rank=4,
        summary="The same in 15 to 30 % of the inputs. Exchanges that set the answer too reach an IIA of .85 to .92.",
        features=("left", "right", "u", "gate"),
        code=codes.columns(codes.left, codes.right, codes.equal, codes.gate),
        teach=lessons.gated,
        truth=_SHARED,
        shares=(0.15, 0.3),
        iia=_in_a_share,
    ),
    Construction(
        name="near_miss",
        used_rank=2,
        summary="Left and right, a direction each; asked is a variable that agrees with left in 94 % of the inputs.",
        task="near_miss",
        task_arguments=(("share", FLIPPED),),
        hypothesis="nearly",
        code=codes.columns(codes.left, codes.right),
        teach=lessons.separately,
        truth=_missed(),
        iia=_nearly,
    ),
    Construction(
        name="far_miss",
        used_rank=2,
        summary="The same with a variable that agrees with left in 80 % of the inputs.",
        task="near_miss",
        task_arguments=(("share", OFTEN_FLIPPED),),
        hypothesis="nearly",
        code=codes.columns(codes.left, codes.right),
        teach=lessons.separately,
        truth=_missed(),
        iia=_hardly,
    ),
)
