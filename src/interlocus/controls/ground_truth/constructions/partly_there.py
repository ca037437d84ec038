"""Constructions in which an exchange works in a share of the inputs, or exchanges what mostly agrees with a variable."""

from __future__ import annotations

from collections.abc import Mapping

from interlocus.controls.ground_truth.constructions import codes, lessons
from interlocus.controls.ground_truth.constructions.construction import Construction, Truth
from interlocus.controls.ground_truth.constructions.there import FOUND

FLIPPED = 0.06
"""Share of the inputs in which `nearly_left` differs from left."""
PARTLY = ("partial",)


def _in_a_share(share: float) -> Mapping[str, float]:
    """IIA of each variable alone: elsewhere its exchange changes nothing, which is right in one half."""
    return dict.fromkeys(("left", "right"), share + (1 - share) / 2)


def _nearly(share: float) -> Mapping[str, float]:
    return {"nearly_left": 1 - 2 * FLIPPED * (1 - FLIPPED)}


_SHARED: Mapping[str, Truth] = {
    "left": Truth(status="partly", words=PARTLY, columns=(0,)),
    "right": Truth(status="partly", words=PARTLY, columns=(1,)),
}

PARTLY_THERE = (
    Construction(
        name="part_of_inputs",
        summary="In 35 % of the inputs left and right are read, in the others the answer, which lies beside them.",
        features=("left", "right", "gate"),
        code=codes.columns(codes.left, codes.right, codes.equal, codes.gate),
        teach=lessons.gated,
        truth=_SHARED,
        shares=(0.35, 0.35),
        iia=_in_a_share,
    ),
    Construction(
        name="graded",
        summary="The same in 60 to 88 % of the inputs: the IIA of each variable is .80 to .94.",
        features=("left", "right", "gate"),
        code=codes.columns(codes.left, codes.right, codes.equal, codes.gate),
        teach=lessons.gated,
        truth=_SHARED,
        shares=(0.6, 0.88),
        iia=_in_a_share,
    ),
    Construction(
        name="near_miss",
        summary="Left and right, a direction each; asked is a variable that agrees with left in 94 % of the inputs.",
        task="near_miss",
        task_arguments=(("share", FLIPPED),),
        hypothesis="nearly",
        code=codes.columns(codes.left, codes.right),
        teach=lessons.separately,
        truth={
            "nearly_left": Truth(status="partly", words=PARTLY, columns=(0,)),
            "right": Truth(status="there", words=(*FOUND, "partial"), columns=(1,)),
        },
        iia=_nearly,
    ),
)
