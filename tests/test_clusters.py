from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normstat.errors import SpecError
from normstat.statistics import ImageSums
from normstat.statistics.clusters import DEGREES
from normstat.statistics.exact import FIXED_BITS

image = st.lists(st.integers(0, 65535), min_size=1, max_size=12)
images = st.lists(image, max_size=6)


def sums_of(pixels, ddof=0, channels=1):
    sums = ImageSums(channels=channels, ddof=ddof)
    sums.add(
        [[len(each) for each in pixels]] * channels,
        [[sum(each) for each in pixels]] * channels,
        [[sum(value * value for value in each) for each in pixels]] * channels,
    )
    return sums


@given(images, images, images)
def test_merge_is_commutative_and_associative(a, b, c):
    x, y, z = sums_of(a), sums_of(b), sums_of(c)
    assert x.merged(y) == y.merged(x)
    assert x.merged(y).merged(z) == x.merged(y.merged(z))


@given(images, images)
def test_subtracting_undoes_merging(a, b):
    x, y = sums_of(a), sums_of(b)
    assert x.merged(y).subtracted(y) == x


def test_what_is_not_contained_is_refused_by_field():
    with pytest.raises(SpecError, match=r"images\.q: would be below zero"):
        sums_of([[1, 2]]).subtracted(sums_of([[1, 3]]))


@given(images)
def test_empty_is_the_identity(pixels):
    assert sums_of(pixels).merged(ImageSums(channels=1)) == sums_of(pixels)


@given(images, st.data())
def test_any_split_equals_one_pass(pixels, data):
    cut = data.draw(st.integers(0, len(pixels)))
    assert sums_of(pixels[:cut]).merged(sums_of(pixels[cut:])) == sums_of(pixels)


@given(images, images)
def test_merge_leaves_its_arguments_alone(a, b):
    x, y = sums_of(a), sums_of(b)
    before = deepcopy((x, y))
    x.merged(y)
    assert (x, y) == before


@given(images)
def test_scaling_equals_scaled_pixels_up_to_the_fixed_point(pixels):
    scaled = sums_of(pixels).scaled(257)
    direct = sums_of([[value * 257 for value in each] for each in pixels])
    for name in ("s", "q", "ns", "ss", "nq", "sq", "qq"):
        assert getattr(scaled, name) == getattr(direct, name)
    slack = len(pixels) * 257
    assert abs(scaled.mean[0] - direct.mean[0]) <= slack
    assert abs(scaled.std[0] - direct.std[0]) <= slack


@given(images)
def test_repeating_channels_equals_counting_them(pixels):
    assert sums_of(pixels).repeated(3) == sums_of(pixels, channels=3)


@given(images, st.sampled_from([0, 1]))
def test_fixed_point_terms_are_rounded_down_by_less_than_one(pixels, ddof):
    sums, unit = sums_of(pixels, ddof), 1 << FIXED_BITS
    means = [Fraction(sum(each), len(each)) for each in pixels]
    exact = {
        "mean": sum(means),
        "square": sum(Fraction(sum(v * v for v in each), len(each)) for each in pixels),
        "s_mean": sum(mean * sum(each) for mean, each in zip(means, pixels, strict=True)),
        "variance": sum(
            sum((v - mean) ** 2 for v in each) / (len(each) - ddof)
            for mean, each in zip(means, pixels, strict=True)
            if len(each) > ddof
        ),
    }
    for name, value in exact.items():
        error = value - Fraction(getattr(sums, name)[0], unit)
        assert 0 <= error * unit <= len(pixels), name


def test_std_of_images_agrees_with_numpy():
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, 500).tolist() for _ in range(20)]
    found = sums_of(pixels).std[0] / 2**FIXED_BITS
    assert found == pytest.approx(sum(np.std(each) for each in pixels), rel=1e-14)


def test_images_too_small_for_their_ddof_are_counted_apart():
    sums = sums_of([[7], [1, 3]], ddof=1)
    assert (sums.too_small, sums.images) == (1, 2)
    assert sums.variance == [2 << FIXED_BITS]


def test_every_field_has_a_degree():
    assert all(isinstance(getattr(ImageSums(2), name), list) for name in DEGREES)
