"""What is packed comes back, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from normstat.statistics.record import narrowed, packed, packed_wide, unpacked, unpacked_wide

COUNTS = st.lists(
    st.one_of(st.integers(0, 70_000), st.sampled_from([2**32 - 1, 2**32, 2**63 - 1])),
    min_size=3,
    max_size=3,
)


@given(st.lists(COUNTS, min_size=1, max_size=20))
def test_rows_of_any_width_come_back_side_by_side(rows):
    found = unpacked([packed(row) for row in rows], 3)
    assert found.dtype == np.int64
    assert found.tolist() == rows


@pytest.mark.parametrize(
    ("largest", "width"),
    [(0, 2), (65_535, 2), (65_536, 4), (2**32 - 1, 4), (2**32, 8), (2**63 - 1, 8)],
)
def test_a_row_is_as_wide_as_its_largest_count_needs(largest, width):
    content = narrowed(packed([0, largest]), 2)
    assert len(content) == 2 * width
    assert unpacked([content], 2).tolist() == [[0, largest]]


@given(
    arrays.arrays(
        np.int64,
        st.tuples(st.integers(1, 3), st.just(65_536)),
        elements=st.integers(0, 2**63 - 1),
        fill=st.just(0),
    )
)
def test_wide_counts_come_back(counts):
    found = np.zeros_like(counts)
    for channel, (codes, used) in zip(found, unpacked_wide(packed_wide(counts)), strict=True):
        channel[codes] = used
        assert (np.diff(codes) > 0).all()
    assert np.array_equal(found, counts)


def test_wide_counts_of_an_image_take_the_room_of_its_codes():
    counts = np.zeros((1, 65_536), np.int64)
    counts[0, [0, 65_535]] = 1
    assert len(packed_wide(counts)) == 8 + 2 * (2 + 4)
