"""The finished numbers against an independent exact reference."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.spec.model import Estimator
from normstat.statistics import Collector, Facts, Record, summarize
from normstat.statistics.exact import sqrt
from normstat.statistics.record import packed
from tests.reference import Reference, root, within_one_ulp

small = st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=30), min_size=1, max_size=5)


def state_of(images, *, ddof=0):
    """State of gray 8-bit images, given as flat arrays."""
    collector = Collector(ddof=ddof, covariance=False)
    for image in images:
        collector.add(gray(np.bincount(np.ravel(image), minlength=256).tolist()))
    return collector.state()


def gray(counts):
    """Record of a gray image of so many pixels of each code."""
    return Record("gray8", Facts("L", sum(counts), 1, False, False, False), packed(counts))


def summary_of(images, **options):
    estimator = Estimator(images_listed=len(images), **options)
    return summarize(state_of(images, ddof=estimator.ddof), estimator)


def write_images(folder: Path, seed: int, modes=("RGB", "L")) -> list[np.ndarray]:
    """Write lossless images of random sizes and modes; return them as RGB arrays."""
    rng, arrays = np.random.default_rng(seed), []
    for index in range(12):
        height, width = rng.integers(1, 24, 2)
        mode = modes[index % len(modes)]
        shape = (height, width, 3) if mode == "RGB" else (height, width)
        codes = rng.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(codes).save(folder / f"{index}.png")
        arrays.append(codes if mode == "RGB" else np.repeat(codes[..., None], 3, axis=2))
    return arrays


@given(small)
def test_gray_numbers_are_correctly_rounded(pixels):
    images = [np.array(each) for each in pixels]
    reference, found = Reference(images, 255), summary_of(images)
    assert found.mean == [float(reference.mean())]
    assert found.std == [root(reference.pooled_variance())]
    other = found.alternatives
    assert within_one_ulp(other.image.mean[0], reference.mean_of_means())
    assert within_one_ulp(other.mean_of_image_stds[0], reference.mean_of_stds())
    for value, exact in [
        (other.image.std, reference.image_weighted_variance()),
        (other.rms_of_image_stds, reference.rms_of_stds()),
        (other.pixel.within_std, reference.within()),
    ]:
        # A variance below the resolution of the fixed-point sums is a zero.
        assert value[0] == pytest.approx(root(exact), rel=3e-16, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_mixed_images_of_random_sizes_equal_the_reference(tmp_path, seed):
    arrays = write_images(tmp_path, seed)
    spec = normstat.compute(tmp_path)
    for channel in range(3):
        reference = Reference([array[..., channel] for array in arrays], 255)
        values = reference.values()
        assert sum(spec.histogram.counts[channel]) == len(values) == spec.counts.pixels
        assert spec.mean[channel] == float(reference.mean())
        assert spec.std[channel] == root(reference.pooled_variance())
        assert spec.min[channel] == min(values) / 255
        assert spec.max[channel] == max(values) / 255
        assert spec.percentiles["25"][channel] == pytest.approx(
            np.percentile(values, 25) / 255, rel=1e-15
        )
        assert within_one_ulp(
            spec.alternatives.mean_of_image_stds[channel], reference.mean_of_stds()
        )


@pytest.mark.parametrize("seed", range(3))
def test_covariance_is_that_of_the_pixels(tmp_path, seed):
    arrays = write_images(tmp_path, seed)
    spec = normstat.compute(tmp_path, covariance=True)
    pixels = np.concatenate([array.reshape(-1, 3) for array in arrays]) / 255
    assert np.array(spec.covariance) == pytest.approx(np.cov(pixels.T, ddof=0), rel=1e-12)
    assert np.sqrt(np.diag(spec.covariance)) == pytest.approx(spec.std, rel=1e-15)


@given(small)
def test_total_variance_is_within_plus_between(pixels):
    for each in (lambda a: a.pixel, lambda a: a.image):
        parts = each(summary_of([np.array(image) for image in pixels]).alternatives)
        assert parts.std[0] ** 2 == pytest.approx(
            parts.within_std[0] ** 2 + parts.between_std[0] ** 2, rel=1e-12, abs=1e-15
        )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"std": "pooled"}, "pooled_variance"),
        ({"std": "rms-of-images"}, "rms_of_stds"),
        ({"std": "pooled", "ddof": 1}, "pooled_variance"),
        ({"std": "rms-of-images", "ddof": 1}, "rms_of_stds"),
    ],
)
def test_headline_std_is_the_one_that_was_asked_for(options, expected):
    images = [np.arange(7) * 9, np.arange(4) * 50, np.array([3, 200])]
    reference = Reference(images, 255, ddof=options.get("ddof", 0))
    assert summary_of(images, **options).std == [root(getattr(reference, expected)())]


def test_mean_of_image_stds_with_ddof_one_is_what_torch_scripts_average():
    images = [np.arange(7) * 9, np.array([3, 200])]
    expected = np.mean([np.std(image / 255, ddof=1) for image in images])
    found = summary_of(images, std="mean-of-images", ddof=1).std[0]
    assert found == pytest.approx(expected, rel=1e-15)


def test_large_image_outweighs_a_small_one():
    """The mean of image means, which a well-known tool gives, is 100/255."""
    images = [np.full((100, 100), 200), np.zeros((10, 10), int)]
    assert summary_of(images).mean[0] * 255 == pytest.approx(200 * 10000 / 10100, rel=1e-15)
    assert f"{summary_of(images).mean[0] * 255:.4f}" == "198.0198"
    assert summary_of(images, weighting="image").mean[0] == 100 / 255


@pytest.mark.parametrize(
    "images", [[np.array([[7]])], [np.full((5, 5), 90)], [np.full(4, 3), np.full(9, 3)]]
)
def test_constant_images_have_a_std_of_exactly_zero(images):
    summary = summary_of(images)
    other = summary.alternatives
    zeros = [other.pixel.std, other.image.std, other.mean_of_image_stds, other.rms_of_image_stds]
    zeros += [w.within_std for w in (other.pixel, other.image)]
    zeros += [w.between_std for w in (other.pixel, other.image)]
    assert zeros == [[0.0]] * len(zeros)
    assert summary.std == [0.0]


def test_single_image_has_no_confidence_and_nothing_between():
    summary = summary_of([np.arange(100)])
    assert summary.confidence is None
    assert summary.alternatives.pixel.between_std == [0.0]
    assert summary.alternatives.pixel.std == pytest.approx(summary.alternatives.pixel.within_std)


def test_ddof_one_on_single_pixels_is_refused_not_guessed():
    with pytest.raises(normstat.NormstatError, match="1 of 2 images have a single pixel"):
        summary_of([np.array([3]), np.arange(9)], std="mean-of-images", ddof=1)


def residual_errors(images):
    """Standard errors by the residuals themselves, in floats; DESIGN's formulas as they stand."""
    n = np.array([image.size for image in images], float)
    s = np.array([image.sum() for image in images], float)
    q = np.array([(image.astype(float) ** 2).sum() for image in images])
    k, ratio = len(images), s.sum() / n.sum()
    variance = q.sum() / n.sum() - ratio**2
    e = s - ratio * n
    g = q - 2 * ratio * s - (variance - ratio**2) * n
    mean_error = np.sqrt((e**2).sum() / (k * (k - 1))) / n.mean()
    variance_error = np.sqrt((g**2).sum() / (k * (k - 1))) / n.mean()
    return mean_error, variance_error / (2 * np.sqrt(variance))


def test_half_widths_equal_those_of_the_residuals():
    rng = np.random.default_rng(3)
    images = [rng.integers(0, rng.integers(50, 256), rng.integers(20, 90)) for _ in range(40)]
    found = summary_of(images).confidence
    mean_error, std_error = residual_errors(images)
    assert found.mean[0] * 255 == pytest.approx(1.959963984540054 * mean_error, rel=1e-9)
    assert found.std[0] * 255 == pytest.approx(1.959963984540054 * std_error, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "each_image"),
    [
        ({"std": "mean-of-images"}, np.std),
        ({"std": "rms-of-images"}, np.var),
    ],
)
def test_half_widths_of_averages_are_those_of_a_sample_mean(options, each_image):
    rng = np.random.default_rng(4)
    images = [rng.integers(0, rng.integers(50, 256), 60) for _ in range(30)]
    values = np.array([each_image(image / 255) for image in images])
    error = values.std(ddof=1) / np.sqrt(len(values))
    if each_image is np.var:
        error /= 2 * np.sqrt(values.mean())
    found = summary_of(images, weighting="image", **options).confidence.std[0]
    assert found == pytest.approx(1.959963984540054 * error, rel=1e-9)


def test_half_widths_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    population = [rng.integers(0, rng.integers(40, 256), rng.integers(30, 60)) for _ in range(4000)]
    truth = summary_of(population)
    hits = np.zeros(2)
    for _ in range(300):
        picked = [population[index] for index in rng.choice(4000, 100, replace=False)]
        found = summary_of(picked)
        hits += [
            abs(found.mean[0] - truth.mean[0]) <= found.confidence.mean[0],
            abs(found.std[0] - truth.std[0]) <= found.confidence.std[0],
        ]
    assert np.all(np.abs(hits / 300 - 0.95) < 0.04), hits / 300


def test_hundred_thousand_tiny_images_are_as_exact_as_few():
    collector = Collector(ddof=0, covariance=False)
    rows = [[0] * 256 for _ in range(4)]
    for value, row in enumerate(rows):
        row[value] = 1
    for index in range(100_000):
        collector.add(gray(rows[index % 4]))
    summary = summarize(collector.state(), Estimator(images_listed=100_000))
    assert summary.mean == [1.5 / 255]
    assert summary.std == [root(Fraction(5, 4) / 255**2)]
    assert summary.alternatives.mean_of_image_stds == [0.0]


@settings(max_examples=300)
@given(st.fractions(min_value=0, max_value=10**9, max_denominator=10**12))
def test_square_root_is_correctly_rounded(value):
    assert sqrt(value) == root(value)
