"""The laws that merging and subtracting rest on, for images of every kind."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normstat.errors import SpecError
from normstat.statistics import Collector, Facts, Record, State
from normstat.statistics.record import packed, packed_wide
from tests.reference import Reference

pixels = st.lists(st.integers(0, 255), min_size=1, max_size=8)
image = st.tuples(st.sampled_from(["gray8", "rgb8", "gray16"]), pixels, st.booleans())
images = st.lists(image, max_size=5)


def state_of(images, *, covariance=True):
    """State of images given as kind, flat codes and whether they are transparent."""
    collector = Collector(ddof=0, covariance=covariance)
    for kind, codes, flag in images:
        collector.add(record(kind, np.array(codes), flag, covariance))
    return collector.state()


def record(kind, codes, flag, covariance):
    facts = Facts(kind.upper(), len(codes), 1 + flag, flag, False, not flag)
    if kind == "gray16":
        return Record(kind, facts, packed_wide(np.bincount(codes * 257, minlength=65536)[None]))
    channels = [codes, 255 - codes, codes // 2] if kind == "rgb8" else [codes]
    products = ()
    if kind == "rgb8" and covariance:
        products = tuple(int(np.dot(channels[a], channels[b])) for a, b in ((0, 1), (0, 2), (1, 2)))
    return Record(kind, facts, counted(channels), products)


def counted(channels):
    return packed([int(count) for each in channels for count in np.bincount(each, minlength=256)])


@given(images, images, images)
def test_merge_is_commutative_and_associative(a, b, c):
    x, y, z = state_of(a), state_of(b), state_of(c)
    assert x.merged(y) == y.merged(x)
    assert x.merged(y).merged(z) == x.merged(y.merged(z))


@given(images)
def test_empty_is_the_identity_and_what_subtracting_all_leaves(a):
    x = state_of(a)
    assert x.merged(State()) == State().merged(x) == x.subtracted(State()) == x
    assert x.subtracted(x) == State()


@given(images, images, st.booleans())
def test_subtracting_undoes_merging(a, b, covariance):
    x, y = state_of(a, covariance=covariance), state_of(b, covariance=covariance)
    assert x.merged(y).subtracted(y) == x
    assert x.merged(y).subtracted(y) == state_of(a, covariance=covariance)


@given(images, images, images)
def test_order_of_subtracting_does_not_matter(a, b, c):
    x, y, z = state_of(a), state_of(b), state_of(c)
    whole = x.merged(y).merged(z)
    assert whole.subtracted(y).subtracted(z) == whole.subtracted(z.merged(y)) == x


@given(images, images)
def test_arguments_are_left_alone(a, b):
    x, y = state_of(a), state_of(b)
    whole = x.merged(y)
    before = deepcopy((x, y, whole))
    whole.subtracted(y)
    assert (x, y, whole) == before


@given(images, images)
def test_text_of_what_is_left_is_that_of_what_was_there(a, b):
    x, y = state_of(a), state_of(b)
    assert x.merged(y).subtracted(y).to_text() == x.to_text()


@given(images, image)
def test_what_is_larger_is_never_contained(a, more):
    with pytest.raises(SpecError, match="state"):
        state_of(a).subtracted(state_of([*a, more]))


def test_what_is_left_agrees_with_the_remaining_pixels():
    whole = state_of([("gray8", [1, 2, 3], False), ("gray8", [9, 9], False)])
    left = whole.subtracted(state_of([("gray8", [9, 9], False)])).kinds["gray8"]
    reference = Reference([np.array([1, 2, 3])], 255)
    assert left.images.s[0] / left.images.n[0] / 255 == pytest.approx(float(reference.mean()))
    assert (left.histogram.minima(), left.histogram.maxima()) == ([1], [3])


GRAY = ("gray8", [1, 2, 3, 4], False)


@pytest.mark.parametrize(
    ("whole", "part", "field"),
    [
        ([GRAY], [("rgb8", [1], False)], "state.kinds.rgb8: there are no such images"),
        ([GRAY], [("gray8", [5], False)], "state.kinds.gray8.histogram"),
        ([GRAY, GRAY], [("gray8", [1, 1, 2, 2], True)], "state.widths|state.heights|transparent"),
        ([GRAY], [("gray8", [1, 2], False)], "state.kinds.gray8.images.n: .2. of 0 images"),
        ([GRAY, GRAY], [("gray8", [1, 2, 3, 4] * 2, False)], "state.kinds.gray8.images.nn"),
        ([GRAY], [("gray8", [1, 2, 3, 4], True)], "state.transparent: 0, from which 1"),
    ],
)
def test_what_is_not_contained_is_refused_by_field(whole, part, field):
    with pytest.raises(SpecError, match=field):
        state_of(whole).subtracted(state_of(part))


def test_products_on_one_side_only_are_refused():
    with pytest.raises(SpecError, match="products"):
        state_of([GRAY, GRAY]).subtracted(state_of([GRAY], covariance=False))
