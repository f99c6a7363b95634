"""The table of metrics against closed forms, numerical integration and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, linalg, stats
from scipy.spatial import distance

from normstat.metrics import METRICS, Side

RANGES = {
    "any": (-np.inf, np.inf),
    "above 0": (np.nextafter(0, 1), np.inf),
    "0 and up": (0, np.inf),
    "0 to 1": (0, 1),
}


def line(mean, std):
    """One channel, without a histogram."""
    return Side(np.array([float(mean)]), np.array([float(std)]))


def heap(counts):
    """One channel that is known by its histogram."""
    counts = np.array(counts, float)
    return Side(np.zeros(1), np.ones(1), histogram=(counts / counts.sum())[None])


def samples(counts):
    """Every pixel of a histogram, as its value in the range 0 to 1."""
    return np.repeat(np.arange(len(counts)) / (len(counts) - 1), counts)


def value(name, a, b):
    return METRICS[name].function(a, b)[0]


def random_covariance(rng, scale=0.1):
    factor = rng.normal(size=(3, 3)) * scale
    return factor @ factor.T + np.eye(3) * scale**2 / 10


def colour(seed):
    """Three channels with everything that a dataset's spec may have."""
    rng = np.random.default_rng(seed)
    covariance = random_covariance(rng)
    counts = rng.integers(0, 50, (3, 256)).astype(float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return Side(rng.uniform(0.2, 0.8, 3), np.sqrt(np.diag(covariance)), covariance, shares)


means = st.floats(0, 1)
stds = st.floats(0.01, 2)
lines = st.builds(line, means, stds)


@st.composite
def count_pairs(draw):
    """Two histograms with the same bins."""
    bins = draw(st.integers(2, 12))
    counts = st.lists(st.integers(0, 30), min_size=bins, max_size=bins).filter(any)
    return draw(counts), draw(counts)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_equal_sides_are_ideal(name, seed):
    side = colour(seed)
    found = METRICS[name].function(side, colour(seed))
    assert found == pytest.approx(METRICS[name].ideal, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_values_are_in_the_range_that_the_table_states(name, seed):
    low, high = RANGES[METRICS[name].range]
    found = METRICS[name].function(colour(seed), colour(seed + 1))
    assert np.all((found >= low) & (found <= high))


@pytest.mark.parametrize("name", [name for name, each in METRICS.items() if each.symmetric])
@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_symmetric_metrics_do_not_care_who_is_a(name, seed):
    a, b = colour(seed), colour(seed + 1)
    function = METRICS[name].function
    assert function(a, b) == pytest.approx(function(b, a), rel=1e-9)


@pytest.mark.parametrize("name", [name for name, each in METRICS.items() if not each.symmetric])
def test_metrics_not_called_symmetric_are_not(name):
    a, b = colour(1), colour(2)
    function = METRICS[name].function
    assert function(a, b) != pytest.approx(function(b, a), rel=1e-3)


@given(lines, lines)
def test_shift_and_gain_are_what_the_data_has_after_the_other_normalization(a, b):
    normalized = (np.array([a.mean - a.std, a.mean + a.std]) - b.mean) / b.std
    assert value("shift", a, b) == pytest.approx(normalized.mean(), rel=1e-9, abs=1e-12)
    assert value("gain", a, b) == pytest.approx(normalized.std(), rel=1e-9)


@given(lines, lines)
def test_kl_of_one_channel_is_the_closed_form(a, b):
    delta = (a.mean - b.mean)[0]
    ratio = (a.std / b.std)[0]
    closed = -np.log(ratio) + (ratio**2 + (delta / b.std[0]) ** 2 - 1) / 2
    assert value("kl", a, b) == pytest.approx(closed, rel=1e-9, abs=1e-12)
    assert value("kl_reverse", b, a) == value("kl", a, b)
    assert value("jeffreys", a, b) == value("kl", a, b) + value("kl", b, a)


@given(lines, lines)
def test_w2_of_one_channel_is_the_closed_form(a, b):
    closed = np.hypot(a.mean - b.mean, a.std - b.std)[0]
    assert value("w2", a, b) == pytest.approx(closed, rel=1e-6, abs=1e-7)


PAIRS = [((0.485, 0.229), (0.4812, 0.2832)), ((0.13, 0.31), (0.5, 0.5)), ((0.2, 0.1), (0.3, 0.05))]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_kl_is_the_integral_that_defines_it(a, b):
    p, q = stats.norm(*a), stats.norm(*b)
    low, high = p.mean() - 12 * p.std(), p.mean() + 12 * p.std()
    integral, _ = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), low, high)
    assert value("kl", line(*a), line(*b)) == pytest.approx(integral, rel=1e-7)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_w2_is_the_integral_over_quantiles(a, b):
    p, q = stats.norm(*a), stats.norm(*b)
    # In u = Φ(z) the quantiles are mean + std·z, without the poles at 0 and 1.
    integral, _ = integrate.quad(
        lambda z: (p.ppf(stats.norm.cdf(z)) - q.ppf(stats.norm.cdf(z))) ** 2 * stats.norm.pdf(z),
        -8,
        8,
    )
    assert value("w2", line(*a), line(*b)) == pytest.approx(np.sqrt(integral), rel=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_kl_of_full_covariances_is_the_expected_difference_of_log_densities(seed):
    a, b = colour(seed), colour(seed + 100)
    # Log densities are quadratic, so the six sigma points give their expectation exactly.
    offsets = np.linalg.cholesky(a.covariance).T * np.sqrt(3)
    points = np.concatenate([a.mean + offsets, a.mean - offsets])
    log_a, log_b = (
        stats.multivariate_normal(each.mean, each.covariance).logpdf(points) for each in (a, b)
    )
    assert value("kl", a, b) == pytest.approx(np.mean(log_a - log_b), rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_w2_of_full_covariances_is_the_frechet_distance(seed):
    a, b = colour(seed), colour(seed + 100)
    cross = linalg.sqrtm(a.covariance @ b.covariance)
    squared = np.sum((a.mean - b.mean) ** 2)
    squared += np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.trace(cross).real
    assert value("w2", a, b) == pytest.approx(np.sqrt(squared), rel=1e-7)


@pytest.mark.parametrize("name", ["kl", "kl_reverse", "jeffreys", "w2"])
def test_covariance_of_one_side_is_left_out_like_with_like(name):
    a, b = colour(1), colour(2)
    alone = Side(b.mean, b.std)
    diagonals = (Side(each.mean, each.std, np.diag(each.std**2)) for each in (a, b))
    assert value(name, a, alone) == pytest.approx(value(name, *diagonals), rel=1e-12)


@pytest.mark.parametrize("name", ["kl", "kl_reverse", "jeffreys", "w2"])
def test_gray_images_read_as_rgb_have_a_singular_covariance_and_still_a_distance(name):
    a, b = (
        Side(np.full(3, mean), np.full(3, std), np.full((3, 3), std**2))
        for mean, std in ((0.4, 0.2), (0.5, 0.25))
    )
    assert 0 < value(name, a, b) < 10


@given(count_pairs())
def test_js_is_scipys(pair):
    reference = distance.jensenshannon(*pair, base=2) ** 2
    assert value("js", *map(heap, pair)) == pytest.approx(reference, rel=1e-9, abs=1e-12)


@given(count_pairs())
def test_ks_is_scipys_on_the_pixels(pair):
    reference = stats.ks_2samp(*map(samples, pair), method="asymp").statistic
    assert value("ks", *map(heap, pair)) == pytest.approx(reference, abs=1e-12)


@given(count_pairs())
def test_w1_is_scipys_on_the_pixels(pair):
    reference = stats.wasserstein_distance(*map(samples, pair))
    assert value("w1", *map(heap, pair)) == pytest.approx(reference, rel=1e-9, abs=1e-12)


def reference_psi(a, b):
    """Population stability index of pixels in integer arithmetic.

    The k-th decile of B is its smallest pixel that at least k tenths of B's pixels do not exceed.
    Equal deciles are one. The classes are [0, d1], (d1, d2], …, (d_last, 1], the last one unless
    d_last is 1. A share is at least 0.0001.
    """
    ordered = sorted(b)
    deciles = sorted({ordered[-(-tenth * len(b) // 10) - 1] for tenth in range(1, 10)})
    classes = len(deciles) + (deciles[-1] < 1)
    found, expected = (
        np.bincount(np.searchsorted(deciles, pixels), minlength=len(deciles) + 1)[:classes]
        for pixels in (a, b)
    )
    p, q = np.maximum(found / len(a), 1e-4), np.maximum(expected / len(b), 1e-4)
    return np.sum((p - q) * np.log(p / q))


@given(count_pairs())
def test_psi_is_that_of_the_pixels_over_deciles(pair):
    reference = reference_psi(*map(samples, pair))
    assert value("psi", *map(heap, pair)) == pytest.approx(reference, rel=1e-9, abs=1e-12)


def test_psi_of_ten_equal_bins_has_ten_classes():
    """Rounded sums of 0.1 do not reach 0.8 and 0.9, which must not merge two deciles."""
    shares = np.array([4, 2, 2, 2, 2, 2, 2, 1, 2, 1]) / 20
    written_out = np.sum((shares - 0.1) * np.log(shares / 0.1))
    assert value("psi", heap(shares), heap(np.ones(10))) == pytest.approx(written_out, rel=1e-12)


def test_psi_of_a_constant_channel_is_finite():
    black, white = [9] + [0] * 255, [0] * 255 + [9]
    for pair in ((black, white), (white, black), (black, black)):
        assert np.isfinite(value("psi", *map(heap, pair)))


@pytest.mark.parametrize(
    "name", [name for name, each in METRICS.items() if each.needs != "moments"]
)
def test_missing_histogram_is_no_silent_number(name):
    with pytest.raises(ValueError, match="histogram"):
        METRICS[name].function(colour(1), line(0.5, 0.2))


@pytest.mark.parametrize(
    ("name", "values", "worst"),
    [
        ("gain", [0.5, 1.2], 2),
        ("gain", [0.9, 1.5], 1.5),
        ("gain", [1, 1, 1], 1),
        ("shift", [-3, 1], 3),
        ("shift", [0.1, -0.05], 0.1),
        ("w2", [0.2], 0.2),
    ],
)
def test_worst_counts_in_either_direction(name, values, worst):
    assert METRICS[name].worst(np.array(values, float)) == pytest.approx(worst)


@given(st.floats(1e-6, 1e6))
def test_gain_and_its_inverse_are_equally_bad(gain):
    worst = METRICS["gain"].worst
    assert worst(np.array([gain])) == pytest.approx(worst(np.array([1 / gain])))


def test_every_row_of_the_table_is_complete():
    for name, metric in METRICS.items():
        assert metric.name == name
        for text in (metric.title, metric.formula, metric.good, metric.reference):
            assert text.strip()
