"""The notation of sites: parsing and formatting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlocus.core.errors import SpecificationError
from interlocus.networks.site import Site

PATHS = st.lists(st.from_regex(r"[A-Za-z_0-9]+", fullmatch=True), min_size=1, max_size=3).map(".".join)
PARTS = st.one_of(st.just((None, None)), st.tuples(st.integers(0, 9), st.integers(-9, 9)))
SITES = st.builds(
    lambda path, end, element, part: Site(path=path, end=end, element=element, axis=part[0], index=part[1]),
    PATHS,
    st.sampled_from(["input", "output"]),
    st.one_of(st.none(), st.integers(0, 9)),
    PARTS,
)


@given(SITES)
def test_parsing_inverts_formatting(site):
    assert Site.parse(str(site)) == site


@pytest.mark.parametrize("text", [":input", "encoder.1", "encoder.1:input", "a@1=-1", "a:output[0]", "a:input[2]@2=0"])
def test_formatting_inverts_parsing(text):
    assert str(Site.parse(text)) == text


@pytest.mark.parametrize("text", ["", "a b", "a[1", "a:middle", "a@1", "a:output[-1]"])
def test_text_that_is_no_site_is_an_error(text, fails):
    with fails(SpecificationError, "encoder.1"):
        Site.parse(text)
