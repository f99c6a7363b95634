from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from normstat.errors import SpecError
from normstat.statistics import Histogram

codes = hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 60)))
bin_counts = hnp.arrays(np.int64, (2, 16), elements=st.integers(0, 2**40))
percents = st.fractions(0, 100, max_denominator=1000)


def of(values, bins=256):
    return Histogram.of(np.atleast_2d(values), bins=bins)


@given(codes)
def test_integers_equal_those_of_the_pixels(values):
    histogram = of(values)
    wide = values.astype(object)
    assert histogram.counts.sum(axis=1).tolist() == [values.shape[1]] * len(values)
    assert histogram.sums() == list(wide.sum(axis=1))
    assert histogram.square_sums() == list((wide**2).sum(axis=1))
    assert histogram.minima() == list(values.min(axis=1))
    assert histogram.maxima() == list(values.max(axis=1))


@given(codes, percents)
def test_percentile_is_that_of_numpy(values, percent):
    found = [float(value) for value in of(values).percentile(percent)]
    assert found == pytest.approx(np.percentile(values, float(percent), axis=1), abs=1e-9)


@given(codes, percents, st.integers(0, 2))
def test_percentile_is_of_the_values_that_a_channel_has(values, percent, fewer):
    """Nodata can leave each channel another number of values."""
    kept = [channel[: max(1, len(channel) - fewer * place)] for place, channel in enumerate(values)]
    counts = np.concatenate([of(channel).counts for channel in kept])
    found = [float(value) for value in Histogram(counts).percentile(percent)]
    expected = [np.percentile(channel, float(percent)) for channel in kept]
    assert found == pytest.approx(expected, abs=1e-9)


def test_percentile_is_exact_between_two_codes():
    assert of([0, 1]).percentile(Fraction(1, 3)) == [Fraction(1, 300)]


@given(codes)
def test_empty_is_the_identity(values):
    histogram = of(values)
    assert histogram.merged(Histogram.empty(histogram.channels, 256)) == histogram


@given(bin_counts, bin_counts, bin_counts)
def test_merge_is_commutative_and_associative(a, b, c):
    x, y, z = Histogram(a), Histogram(b), Histogram(c)
    assert x.merged(y) == y.merged(x)
    assert x.merged(y).merged(z) == x.merged(y.merged(z))


@given(bin_counts, bin_counts)
def test_subtracting_undoes_merging(a, b):
    x, y = Histogram(a), Histogram(b)
    assert x.merged(y).subtracted(y) == x


def test_what_is_not_contained_is_refused():
    with pytest.raises(SpecError, match="below zero"):
        of([1, 2]).subtracted(of([1, 3]))


@given(codes, st.data())
def test_any_split_equals_one_pass(values, data):
    cut = data.draw(st.integers(0, values.shape[1]))
    left, right = of(values[:, :cut]), of(values[:, cut:])
    assert left.merged(right) == of(values)


@given(bin_counts, bin_counts)
def test_merge_leaves_its_arguments_alone(a, b):
    x, y = Histogram(a.copy()), Histogram(b.copy())
    x.merged(y)
    assert x == Histogram(a)
    assert y == Histogram(b)


@given(bin_counts)
def test_text_round_trips(counts):
    histogram = Histogram(counts)
    assert Histogram.from_text(histogram.to_text(), bins=16) == histogram


@pytest.mark.parametrize("line", ["1 2", "0*3", "0*999999999999", "1 0*16"])
def test_text_of_another_length_is_refused(line):
    with pytest.raises(SpecError, match="expected 16"):
        Histogram.from_text([line], bins=16)


def test_eight_bit_codes_spread_over_sixteen_bits_exactly():
    wide = of([0, 1, 255]).spread(257, 65536)
    assert np.flatnonzero(wide.counts[0]).tolist() == [0, 257, 65535]
