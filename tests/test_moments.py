import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from normstat.statistics import Moments

blocks = hnp.arrays(
    np.float64, st.integers(0, 40), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
)


def close(a, b):
    return (
        a.count == b.count
        and a.mean == pytest.approx(b.mean, rel=1e-9, abs=1e-6)
        and a.m2 == pytest.approx(b.m2, rel=1e-6, abs=1e-3)
    )


@given(blocks)
def test_empty_is_the_identity(values):
    moments = Moments.of(values)
    assert moments.merged(Moments()) == moments
    assert Moments().merged(moments) == moments


@given(blocks, blocks, blocks)
def test_merge_is_commutative_and_associative_up_to_rounding(a, b, c):
    x, y, z = Moments.of(a), Moments.of(b), Moments.of(c)
    assert close(x.merged(y), y.merged(x))
    assert close(x.merged(y).merged(z), x.merged(y.merged(z)))


@given(blocks, st.data())
def test_any_split_equals_one_pass(values, data):
    cut = data.draw(st.integers(0, len(values)))
    parts = Moments.of(values[:cut]).merged(Moments.of(values[cut:]))
    assert close(parts, Moments.of(values))


def test_value_by_value_is_welford():
    values = np.random.default_rng(1).normal(5, 2, 300)
    moments = Moments()
    for value in values:
        moments = moments.merged(Moments.of(value))
    assert moments.variance(ddof=1) == pytest.approx(np.var(values, ddof=1), rel=1e-12)


def test_small_spread_far_from_zero_survives_where_sums_of_squares_fail():
    spread = np.array([-1e-3, 0.0, 1e-3] * 1000)
    values = 1e9 + spread
    naive = np.mean(values**2) - np.mean(values) ** 2
    true = float(np.var(values - 1e9))
    halves = Moments.of(values[:1001]).merged(Moments.of(values[1001:]))
    assert abs(naive - true) > 0.5 * true
    assert Moments.of(values).variance() == pytest.approx(true, rel=1e-6)
    assert halves.variance() == pytest.approx(true, rel=1e-6)


@pytest.mark.parametrize(("count", "ddof"), [(0, 0), (1, 1)])
def test_variance_that_does_not_exist_is_nan(count, ddof):
    assert np.isnan(Moments(count).variance(ddof))
