"""The theory against closed forms and other arithmetic, the simulation against the theory."""

from fractions import Fraction
from math import sqrt

import albumentations
import mpmath
import msgspec
import numpy as np
import pytest
import tifffile
from albumentations.augmentations.pixel.functional import (
    adjust_brightness_torchvision,
    adjust_contrast_torchvision,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

import normstat
from normstat.diagnosis.descent import descent
from normstat.diagnosis.examination import theory
from normstat.diagnosis.jitter import implied, nearest_argument
from normstat.diagnosis.looking import Question, crop_box, look
from normstat.diagnosis.quadratic import means_of, quadratic, rates_of, second_moments
from normstat.diagnosis.spectrum import eigenvalues, product
from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.presets import load_catalogue
from normstat.sampling import drawn
from normstat.sources import Listing, Selection, list_files
from normstat.spec.files import save
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Histogram, ImageSums, KindState

RGB = ["imagenet", "clip", "inception", "cifar10", "imagenet-bgr-255"]


def write(folder, images):
    folder.mkdir(parents=True)
    for index, codes in enumerate(images):
        Image.fromarray(codes).save(folder / f"{index:02}.png")
    return folder


def colours(seed, count=6, size=24, mix=0.5):
    """Return images whose channels go together as `mix` says: 0 not at all, 1 entirely."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        gray = rng.normal(rng.uniform(80, 150), 30, (size, size, 1))
        own = rng.normal(rng.uniform(80, 150), 30, (size, size, 3))
        images.append((mix * gray + (1 - mix) * own).clip(0, 255).astype(np.uint8))
    return images


def state_of(pixels):
    """Return the state of codes of shape (pixels, channels), without images."""
    codes = [[int(code) for code in channel] for channel in np.transpose(pixels)]
    sums = ImageSums(
        channels=len(codes),
        images=1,
        n=[len(codes[0])] * len(codes),
        s=[sum(channel) for channel in codes],
        q=[sum(code * code for code in channel) for channel in codes],
    )
    products = None
    if len(codes) > 1:
        pairs = [(0, 1), (0, 2), (1, 2)]
        products = [sum(map(int.__mul__, codes[a], codes[b])) for a, b in pairs]
    return KindState(Histogram.of(np.transpose(pixels), bins=256), sums, products)


def affine(scale, offset):
    """Return the map of (f, 1) to (x, 1) of one number for all channels, or one each."""
    size = len(scale)
    rows = [
        [Fraction(scale[i]) if i == j else Fraction(0) for j in range(size)] + [Fraction(offset[i])]
        for i in range(size)
    ]
    return [*rows, [Fraction(0)] * size + [Fraction(1)]]


def by_name(found):
    return {each.name: each for each in found.preprocessing}


# --- eigenvalues


def reference(matrix):
    with mpmath.workdps(200):
        exact = mpmath.matrix(
            [[mpmath.mpf(value.numerator) / value.denominator for value in row] for row in matrix]
        )
        return sorted(map(float, mpmath.eigsy(exact, eigvals_only=True)))[::-1]


@given(
    st.lists(st.lists(st.integers(0, 65535), min_size=3, max_size=3), min_size=1, max_size=30).map(
        np.array
    )
)
def test_eigenvalues_are_those_of_200_digits(codes):
    inputs = [[*map(Fraction, row), Fraction(1)] for row in codes.tolist()]
    hessian = product(list(zip(*inputs, strict=True)), inputs)
    found, expected = eigenvalues(hessian), reference(hessian)
    zero = 1e-100 * expected[0]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == (pytest.approx(theirs, rel=1e-15) if theirs > zero else 0.0)


@pytest.mark.parametrize("size", [1, 2, 13, 30])
def test_eigenvalues_of_many_bands_and_of_parted_blocks_are_those_of_200_digits(size):
    rng = np.random.default_rng(size)
    rows = rng.integers(0, 256, (2 * size, size)).tolist()
    inputs = [[*map(Fraction, row)] for row in rows]
    moments = product(list(zip(*inputs, strict=True)), inputs)
    assert eigenvalues(moments) == pytest.approx(reference(moments), rel=1e-15)
    parted = [
        [
            value if (i < size // 2) == (j < size // 2) else Fraction(0)
            for j, value in enumerate(row)
        ]
        for i, row in enumerate(moments)
    ]
    assert eigenvalues(parted) == pytest.approx(reference(parted), rel=1e-15)


def test_raw_codes_of_nearly_gray_images_keep_their_smallest_eigenvalue():
    """Here 64-bit arithmetic is wrong by more than the eigenvalue itself."""
    n, m = 10**15, 10**15 // 2
    gray = n * 200**2 + m * (201**2 - 200**2)
    s = 200 * n + m
    # One pixel in 10^15 is greener and one bluer by 1, so that no direction is quite empty.
    sums = ImageSums(
        channels=3, images=1, n=[n] * 3, s=[s, s + 1, s + 1], q=[gray, gray + 401, gray + 401]
    )
    whole = KindState(Histogram.empty(3, 256), sums, [gray + 200, gray + 200, gray + 400])
    moments = second_moments(whole, Fraction(255))
    found = quadratic(moments, affine([255] * 3, [0] * 3))
    hessian = product(product(affine([255] * 3, [0] * 3), moments), affine([255] * 3, [0] * 3))
    expected = reference(hessian)
    assert found.eigenvalues == pytest.approx(expected, rel=1e-15)
    assert found.condition == pytest.approx(expected[0] / expected[-1], rel=1e-14)
    assert found.condition > 1e19
    rough = np.linalg.eigvalsh(np.array(found.hessian))[0]
    assert abs(rough - expected[-1]) > expected[-1]


def test_second_moments_are_those_of_the_pixels():
    codes = np.concatenate([image.reshape(-1, 3) for image in colours(1, count=2, size=8)])
    moments = second_moments(state_of(codes), Fraction(255))
    inputs = [[*(Fraction(int(code), 255) for code in row), Fraction(1)] for row in codes]
    gram = product(list(zip(*inputs, strict=True)), inputs)
    assert moments == [[value / len(codes) for value in row] for row in gram]


def test_means_are_of_the_values_that_each_channel_has():
    sums = ImageSums(channels=2, images=1, n=[4, 2], s=[8, 10], q=[20, 52])
    whole = KindState(Histogram.empty(2, 256), sums)
    assert means_of(whole, Fraction(1)) == [2, 5]


# --- closed forms


@pytest.mark.parametrize("codes", [[0, 255], [10, 20, 90], [254, 255], [0, 0, 0, 1]])
@pytest.mark.parametrize(("scale", "offset"), [(255, 0), (1, 0), (2, -1), (7, Fraction(1, 3))])
def test_one_channel_and_bias_have_the_roots_of_a_quadratic(codes, scale, offset):
    """λ² − (E[x²] + 1) λ + Var[x] = 0: the determinant of [[E x², E x], [E x, 1]] is the variance.

    A mean far from zero makes the first coefficient large, and so the condition bad.
    """
    moments = second_moments(state_of(np.array(codes)[:, None]), Fraction(255))
    found = quadratic(moments, affine([scale], [offset]))
    values = [scale * Fraction(code, 255) + offset for code in codes]
    mean = sum(values) / len(values)
    square = sum(value**2 for value in values) / len(values)
    with mpmath.workdps(60):
        total = mpmath.mpf((square + 1).numerator) / (square + 1).denominator
        variance = mpmath.mpf((square - mean**2).numerator) / (square - mean**2).denominator
        root = mpmath.sqrt(total**2 - 4 * variance)
        expected = [float((total + root) / 2), float((total - root) / 2)]
    assert found.eigenvalues == pytest.approx(expected, rel=1e-15)
    assert found.hessian == [[float(square), float(mean)], [float(mean), 1.0]]


def test_worked_by_hand():
    """Codes 51 and 153, as 0.2 and 0.6: H = [[0.2, 0.4], [0.4, 1]], trace 1.2, determinant 0.04."""
    moments = second_moments(state_of(np.array([[51], [153]])), Fraction(255))
    found = quadratic(moments, affine([1], [0]))
    root = sqrt(1.2**2 - 4 * 0.04)
    most, least = (1.2 + root) / 2, (1.2 - root) / 2
    assert found.eigenvalues == pytest.approx([most, least])
    assert found.condition == pytest.approx(most / least)
    assert found.largest_rate == pytest.approx(2 / most)
    assert found.best_rate == pytest.approx(2 / 1.2)
    assert found.contraction == pytest.approx((most - least) / 1.2)
    assert found.steps == 235  # 0.942809 ** 235 < 1e-6 < 0.942809 ** 234
    assert found.contraction**235 < 1e-6 < found.contraction**234


@pytest.mark.parametrize(("part", "rho"), [(1, Fraction(1, 2)), (2, Fraction(4, 5))])
def test_equally_correlated_channels_standardized(part, rho):
    """Correlation ρ of all pairs: eigenvalues 1 + 2ρ, 1 − ρ twice, and 1 of the bias."""
    # Each pixel is a common sign times `part` and an own sign, in every combination.
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    codes = 100 + 10 * (part * signs[:, :1] + signs[:, 1:])
    spread = 10 * sqrt(part**2 + 1)
    moments = second_moments(state_of(codes), Fraction(255))
    found = quadratic(moments, affine([255 / spread] * 3, [-100 / spread] * 3))
    expected = sorted([1 + 2 * rho, 1 - rho, 1 - rho, 1], reverse=True)
    assert found.eigenvalues == pytest.approx([float(value) for value in expected], rel=1e-12)


@pytest.mark.parametrize("mix", [0.0, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("seed", [0, 1])
def test_condition_after_whitening_is_1(tmp_path, mix, seed):
    write(tmp_path / "images", colours(seed, mix=mix))
    found = by_name(normstat.diagnose(tmp_path / "images", sample=1))["whitened"].quadratic
    assert found.condition == pytest.approx(1, abs=1e-9)
    assert found.steps == 1
    assert found.best_rate == pytest.approx(1)


def unlike(folder):
    """Write a large bright image and small dark ones; return their pixels as fractions."""
    rng = np.random.default_rng(0)
    images = [rng.integers(150, 256, (300, 300, 3)).astype(np.uint8)]
    images += [rng.integers(0, 90, (10, 10, 3)).astype(np.uint8) for _ in range(9)]
    write(folder, images)
    return [image.reshape(-1, 3) / 255 for image in images]


def test_whitening_whitens_whatever_the_headline_mean_weighs(tmp_path):
    images = unlike(tmp_path / "images")
    spec = normstat.compute(tmp_path / "images", covariance=True, weighting="image")
    found = by_name(normstat.diagnose(spec))
    assert found["whitened"].quadratic.condition == pytest.approx(1, abs=1e-9)
    assert found["whitened"].quadratic.steps == 1
    assert np.array(found["whitened"].quadratic.hessian) == pytest.approx(np.eye(4), abs=1e-9)
    assert found["whitened"] == by_name(theory(spec))["whitened"]
    # The others have the mean of the spec, which weighs small images as much as the large one.
    mean = np.mean([image.mean(axis=0) for image in images], axis=0)
    pixels = np.concatenate(images)
    inputs = np.column_stack([pixels - mean, np.ones(len(pixels))])
    values = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[::-1]
    assert found["centered"].quadratic.eigenvalues == pytest.approx(values, rel=1e-9)
    assert found["centered"].mean_abs == pytest.approx(np.abs(pixels - mean).mean(axis=0))


@pytest.mark.parametrize("weighting", ["pixel", "image"])
@pytest.mark.parametrize("code", [1, 7, 77, 200, 254])
def test_nothing_is_left_of_a_constant_channel_that_is_centered(tmp_path, weighting, code):
    images = [image[:size, :size] for image, size in zip(colours(1), range(3, 9), strict=True)]
    for image in images:
        image[..., 1] = code
    folder = write(tmp_path / "images", images)
    spec = normstat.compute(folder, covariance=True, weighting=weighting)
    for found in (normstat.diagnose(spec), theory(spec)):
        centered = by_name(found)["centered"]
        assert centered.mean_abs[1] == 0
        assert min(centered.mean_abs[0], centered.mean_abs[2]) > 0
        assert centered.imbalance is None
        assert centered.quadratic.condition is None


def test_12_bits_in_16_are_fractions_of_their_own_range(tmp_path):
    rng = np.random.default_rng(1)
    images = [rng.integers(400 * i, 4096, (30, 40)).astype(np.uint16) for i in range(4)]
    folder = write(tmp_path / "images", images)
    spec = normstat.compute(folder, max_pixel_value=4095)
    found = normstat.diagnose(spec, presets=["mnist"], simulate=True)
    x = np.concatenate([image.ravel() for image in images]) / 4095
    fed = {
        "raw 0–4095": x * 4095,
        "0–1": x,
        "centered": x - x.mean(),
        "[−1, 1]": x * 2 - 1,
        "mnist": (x - 0.1307) / 0.3081,
        "standardized": (x - x.mean()) / x.std(),
        "whitened": (x - x.mean()) / x.std(),
    }
    assert by_name(found).keys() == fed.keys()
    for name, values in fed.items():
        inputs = np.column_stack([values, np.ones(len(values))])
        expected = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[::-1]
        each = by_name(found)[name]
        assert each.quadratic.eigenvalues == pytest.approx(expected, rel=1e-6), name
        assert each.mean_abs == pytest.approx([np.abs(values).mean()]), name
    # What is sampled has the same unit.
    for each in found.simulation.descents:
        whole = by_name(found)[each.name].quadratic.condition
        assert each.condition == pytest.approx(whole, rel=0.25)
    seen_moments = seen(folder, channels=1, max_pixel_value=4095).whole[0, 0]
    assert seen_moments == pytest.approx([images[0].mean() / 4095, images[0].std() / 4095])


def test_values_without_a_range_are_refused_with_what_can_be_diagnosed(tmp_path):
    rng = np.random.default_rng(0)
    tifffile.imwrite(tmp_path / "one.tif", rng.random((9, 9), np.float32))
    with pytest.raises(SpecError, match=r"gray-float.*unsigned codes of 8 or 16 bits"):
        normstat.diagnose(tmp_path / "one.tif")


@pytest.mark.parametrize(
    ("change", "text"),
    [({"max_pixel_value": 100}, "contradicts itself"), ({"max_pixel_value": 1e300}, "1e\\+300")],
)
def test_impossible_ranges_are_refused(samples, change, text):
    raw = msgspec.to_builtins(normstat.compute(samples / "photos", covariance=True))
    raw.update(change)
    raw["pipeline"].update(change)
    with pytest.raises(SpecError, match=text):
        normstat.diagnose(msgspec.convert(raw, normstat.Spec))


def test_theory_is_that_of_the_pixels_in_floats(samples):
    """NumPy's answer over all pixels, for what an independent pipeline would feed to the neuron."""
    found = by_name(normstat.diagnose(samples / "photos", presets=RGB, sample=1))
    paths = sorted((samples / "photos").rglob("*.jpg"))
    pixels = np.concatenate([np.asarray(Image.open(path)).reshape(-1, 3) / 255 for path in paths])
    mean, std = pixels.mean(axis=0), pixels.std(axis=0)
    imagenet = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))
    fed = {
        "raw 0–255": pixels * 255,
        "0–1": pixels,
        "centered": pixels - mean,
        "[−1, 1]": (pixels - 0.5) / 0.5,
        "imagenet": (pixels - imagenet[0]) / imagenet[1],
        "inception": (pixels - 0.5) / 0.5,
        "imagenet-bgr-255": (pixels - imagenet[0]) / imagenet[1],
        "standardized": (pixels - mean) / std,
    }
    for name, x in fed.items():
        inputs = np.column_stack([x, np.ones(len(x))])
        values = np.linalg.eigvalsh(inputs.T @ inputs / len(x))[::-1]
        theory = found[name].quadratic
        assert theory.eigenvalues == pytest.approx(values, rel=1e-8), name
        assert theory.largest_rate == pytest.approx(2 / values[0])
        mean_abs = np.abs(x).mean(axis=0)
        assert found[name].mean_abs == pytest.approx(mean_abs, rel=1e-10), name
        size = max(1, *mean_abs) / min(1, *mean_abs)
        assert found[name].imbalance == pytest.approx(size)
    assert found["whitened"].mean_abs is None
    assert found.keys() >= {*RGB}


# --- invariances


def test_standardized_condition_does_not_depend_on_units_or_offset(tmp_path):
    plain = [image // 3 for image in colours(3)]
    moved = [image * 2 + 7 for image in plain]
    first, second = (
        by_name(normstat.diagnose(write(tmp_path / name, images), sample=1))
        for name, images in (("plain", plain), ("moved", moved))
    )
    for name in ("standardized", "whitened"):
        ours, theirs = first[name].quadratic, second[name].quadratic
        assert ours.eigenvalues == pytest.approx(theirs.eigenvalues, rel=1e-9)
    assert first["0–1"].quadratic.condition != pytest.approx(second["0–1"].quadratic.condition)


def test_16_bit_is_8_bit_in_all_but_raw_codes(tmp_path):
    gray = [image[..., 0] for image in colours(4)]
    wide = [image.astype(np.uint16) * 257 for image in gray]
    narrow, deep = (
        normstat.diagnose(write(tmp_path / name, images), simulate=True)
        for name, images in (("8", gray), ("16", wide))
    )
    [ours], [theirs] = deep.jitter.implied, narrow.jitter.implied
    assert [ours.brightness, ours.contrast] == pytest.approx([theirs.brightness, theirs.contrast])
    assert deep.simulation.descents[1:] == narrow.simulation.descents[1:]
    raw, *others = zip(narrow.preprocessing, deep.preprocessing, strict=True)
    assert all(ours.quadratic == theirs.quadratic for ours, theirs in others)
    assert [each.name for each in raw] == ["raw 0–255", "raw 0–65535"]
    assert raw[0].mean_abs[0] * 257 == pytest.approx(raw[1].mean_abs[0])
    most = [each.quadratic.largest_rate for each in raw]
    assert most[0] / most[1] == pytest.approx(257**2, rel=1e-3)


def test_gray_as_one_channel_is_gray_as_itself(tmp_path):
    """--mode l on gray images, and no products are needed for one channel."""
    folder = write(tmp_path / "gray", [image[..., 0] for image in colours(5)])
    spec = normstat.compute(folder)
    assert spec.covariance is None
    found, measured = normstat.diagnose(spec), normstat.diagnose(folder)
    assert found.preprocessing == measured.preprocessing
    assert found.channels == ["L"]
    assert [each.channel for each in found.jitter.implied] == [None]


# --- descent


@pytest.mark.parametrize("inputs", [2, 4, 14, 65])
@pytest.mark.parametrize("condition", [1.05, 1.5, 2, 4, 20, 150, 1000])
@pytest.mark.parametrize("seed", [0, 1])
def test_measured_steps_are_those_predicted_however_many_inputs_or_steps(inputs, condition, seed):
    rng = np.random.default_rng(seed)
    values = np.geomspace(1, condition, inputs)
    x = np.linalg.qr(rng.normal(size=(400, inputs)))[0] * np.sqrt(values)
    found = descent("", 20 * x @ np.linalg.qr(rng.normal(size=(inputs, inputs)))[0], seed)
    assert found.condition == pytest.approx(condition)
    assert abs(found.measured - found.predicted) <= 0.1 * found.predicted


def test_measured_steps_on_photos_are_those_predicted(samples):
    found = normstat.diagnose(samples / "photos", presets=["imagenet"], simulate=True)
    ran = [each for each in found.simulation.descents if each.measured is not None]
    assert [each.name for each in ran] == [
        "0–1", "centered", "[−1, 1]", "imagenet", "standardized", "whitened"
    ]  # fmt: skip
    for each in ran:
        assert abs(each.measured - each.predicted) <= 0.1 * each.predicted
    (raw,) = (each for each in found.simulation.descents if each.measured is None)
    assert raw.name == "raw 0–255"
    assert raw.predicted > found.simulation.most_steps
    # The sample's condition is near the dataset's.
    for each in found.simulation.descents:
        whole = by_name(found)[each.name].quadratic.condition
        assert each.condition == pytest.approx(whole, rel=0.25)


def test_simulated_pixels_are_those_of_large_images_as_often_as_they_are(tmp_path):
    """The sample's condition is near the dataset's, where images are not of one size."""
    pixels = np.concatenate(unlike(tmp_path / "images"))
    found = normstat.diagnose(tmp_path / "images", simulate=True)
    steps = {each.name: each for each in found.simulation.descents}
    x = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
    inputs = np.column_stack([x, np.ones(len(x))])
    condition = np.linalg.cond(inputs.T @ inputs)
    assert steps["standardized"].condition == pytest.approx(condition, rel=0.3)
    assert steps["whitened"].condition < 1.6
    assert steps["standardized"].measured < steps["[−1, 1]"].measured < steps["0–1"].measured


def test_simulated_pixels_are_all_where_these_are_few(tmp_path):
    images = [image[: 5 + i] for i, image in enumerate(colours(2, count=5, size=9))]
    found = normstat.diagnose(write(tmp_path / "images", images), simulate=True)
    assert found.simulation.pixels == found.pixels == sum(image[..., 0].size for image in images)
    for each in found.simulation.descents:
        whole = by_name(found)[each.name].quadratic.condition
        assert each.condition == pytest.approx(whole, rel=1e-6)


def test_every_pixel_that_counts_is_drawn_as_often(tmp_path):
    """Over many seeds, an image's share of the sample is that of the pixels (hypergeometric)."""
    rng = np.random.default_rng(0)
    sizes, masked = [(40, 25), (9, 9), (2, 2), *[(5, 6)] * 20], 300
    images = []
    for index, (height, width) in enumerate(sizes):
        codes = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
        codes[..., 0], codes[..., 3] = index, 255
        images.append(codes)
    images[0].reshape(-1, 4)[:masked, 3] = 0
    listing = list_files([write(tmp_path / "images", images)], Selection())
    counts = np.array([height * width for height, width in sizes])
    counts[0] -= masked
    total, most, seeds = counts.sum(), 200, 60
    drawn = np.zeros(len(sizes))
    for seed in range(seeds):
        question = Question(Pipeline(alpha="mask"), 3, most, 1, (0.2, 0.9), seed)
        rows = range(len(listing))
        found = look(listing, rows, question, jobs=1, backend="serial", observer=None)
        assert (np.diff(found.keys) > 0).all()
        codes = np.rint(found.pixels * 255).astype(int)
        assert len(np.unique(codes, axis=0)) > 0.9 * most  # none comes twice, but by its colour
        drawn += np.bincount(codes[:, 0], minlength=len(sizes))
        # In random order: the first half is a sample, too.
        assert abs((codes[: most // 2, 0] == 0).mean() - counts[0] / total) < 0.25
    expected = seeds * most * counts / total
    spread = np.sqrt(expected * (1 - counts / total) * (total - most) / (total - 1))
    assert np.abs((drawn - expected) / spread).max() < 4


def descended(hessian, rate, steps):
    error = np.linalg.eigh(hessian)[1].sum(axis=1)  # a part of it in every direction
    for _ in range(steps):
        error = error - rate * (hessian @ error)
    return np.linalg.norm(error)


def test_rates_are_the_edge_of_stability_and_the_best(samples):
    for each in normstat.diagnose(samples / "photos", sample=1).preprocessing[1:-1]:
        theory = each.quadratic
        hessian, steps = np.array(theory.hessian), theory.steps
        assert descended(hessian, theory.largest_rate * 0.999, 20000) < 0.1
        assert descended(hessian, theory.largest_rate * 1.001, 20000) > 1e3
        best = descended(hessian, theory.best_rate, steps)
        assert best < 2e-6
        assert descended(hessian, theory.best_rate * 0.9, steps) > best
        assert descended(hessian, (theory.best_rate + theory.largest_rate) / 2, steps) > best


def test_network_starts_alike_and_learns_better_when_standardized(samples):
    found = normstat.diagnose(samples / "photos", simulate=True).simulation
    ends = {each.name: each.end for each in found.trainings}
    assert ends["standardized"] < ends["0–1"] < ends["raw 0–255"]
    for each in found.trainings:
        assert each.rates[0] < each.rate < each.rates[-1]  # not at an edge of what was tried
        assert each.end < each.start


@pytest.mark.parametrize("values", [[1.0, 1.0], [1.0, 1 - 2**-53], [3.0, 3 - 1e-8]])
def test_equal_eigenvalues_need_one_step(values):
    found = rates_of(values)
    assert found.steps == 1
    assert found.contraction == pytest.approx(0, abs=1e-8)


def test_more_steps_than_can_be_counted_are_about_so_many():
    found = rates_of([1e16, 1e-4])
    assert found.steps == pytest.approx(np.log(1e6) * 1e20 / 2)
    assert isinstance(found.steps, float)


# --- what cannot be


def test_constant_channel_is_singular_and_says_so(tmp_path):
    images = colours(6)
    for image in images:
        image[..., 1] = 77
    folder = write(tmp_path / "images", images)
    found = normstat.diagnose(folder, presets=["imagenet"], simulate=True)
    theory = by_name(found)
    for name in ("raw 0–255", "0–1", "centered", "[−1, 1]", "imagenet"):
        assert theory[name].quadratic.eigenvalues[-1] == 0
        assert theory[name].quadratic.condition is None
        assert theory[name].quadratic.best_rate is None
        assert "channel G is constant" in theory[name].note
    for name in ("standardized", "whitened"):
        assert theory[name].quadratic is None
        assert "G" in theory[name].note
    assert [each.measured for each in found.simulation.descents] == [None] * 5
    assert {each.channel for each in found.jitter.implied} == {None, "R", "B"}


def test_gray_images_as_rgb_are_singular_and_say_how_not_to_be(tmp_path):
    gray = [np.repeat(image[..., :1], 3, axis=2) for image in colours(7)]
    found = by_name(normstat.diagnose(write(tmp_path / "images", gray)))
    assert found["standardized"].quadratic.eigenvalues == pytest.approx([3, 1, 0, 0])
    assert "--mode l" in found["standardized"].note
    assert "--mode l" in found["whitened"].note


@pytest.mark.parametrize("code", [0, 128])
def test_flat_images_have_no_jitter(tmp_path, code):
    flat = [np.full((9, 9), code, np.uint8)] * 2
    found = normstat.diagnose(write(tmp_path / "images", flat), simulate=True)
    assert (found.jitter.crops, found.jitter.flat, found.jitter.implied) == (0, 20, [])


# --- jitter


@given(
    st.integers(1, 500),
    st.integers(1, 500),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.integers(0, 100),
)
def test_crops_lie_in_the_image(width, height, a, b, seed):
    scale = (min(a, b), max(a, b))
    left, top, right, bottom = crop_box(width, height, scale, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_crops_are_spread_as_random_resized_crop_spreads_them():
    rng = np.random.default_rng(0)
    boxes = np.array([crop_box(2000, 2000, (0.08, 0.5), rng) for _ in range(4000)])
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    shares, logs = width * height / 2000**2, np.log(width / height)
    assert np.quantile(shares, [0, 0.5, 1]) == pytest.approx([0.08, 0.29, 0.5], abs=0.01)
    assert np.quantile(logs, [0, 0.25, 0.5, 1]) == pytest.approx(
        np.log(4 / 3) * np.array([-1, -0.5, 0, 1]), abs=0.02
    )
    corners = boxes[:, :2] / (2000 - np.stack([width, height], axis=1))
    assert corners.mean(axis=0) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("size", [(300, 200), (100, 400)])
def test_crops_are_spread_as_those_of_albumentations(size):
    """Whose RandomResizedCrop follows torchvision's, with the images in which many do not fit."""
    theirs = albumentations.RandomResizedCrop(size=(8, 8), scale=(0.08, 1), ratio=(3 / 4, 4 / 3))
    theirs.set_random_seed(0)
    shape = {"shape": (size[1], size[0], 3)}
    rng = np.random.default_rng(0)
    boxes = [
        np.array(
            [theirs.get_params_dependent_on_data(shape, {})["crop_coords"] for _ in range(3000)]
        ),
        np.array([crop_box(*size, (0.08, 1.0), rng) for _ in range(3000)]),
    ]
    for measure in (
        lambda box: (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]),
        lambda box: (box[:, 2] - box[:, 0]) / (box[:, 3] - box[:, 1]),
        lambda box: box[:, 0],
        lambda box: box[:, 1],
    ):
        assert stats.ks_2samp(*map(measure, boxes)).statistic < 0.06


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000)])
def test_thin_images_are_cropped_centrally(size):
    """As RandomResizedCrop does when no random crop of the image has such a ratio."""
    left, top, right, bottom = crop_box(*size, (1.0, 1.0), np.random.default_rng(0))
    assert {right - left, bottom - top} == {10, 13}
    assert abs(left - (size[0] - right)) <= 1
    assert abs(top - (size[1] - bottom)) <= 1


@pytest.mark.parametrize("method", ["image", "image_per_channel"])
def test_crops_normalized_by_themselves_are_the_image_normalized_and_jittered(method, samples):
    """y_crop = α·y_image + β, with the values that Albumentations gives to both."""
    codes = np.asarray(Image.open(samples / "photos/coast/coast-01.jpg"))
    crop = codes[20:90, 30:120]
    normalize = albumentations.Normalize(normalization=method)
    whole, alone = (normalize(image=each)["image"] for each in (codes, crop))
    for channel in range(3):
        parts = [each if method == "image" else each[..., channel] for each in (codes, crop)]
        ours = [np.array([[part.mean(), part.std()]]) / 255 for part in parts]
        found = implied(*ours, method=method, channel=None)
        jittered = found.alpha.median * whole[20:90, 30:120, channel] + found.beta.median
        assert alone[..., channel] == pytest.approx(jittered, abs=1e-4)
        # In codes: contrast by α around the image's mean, which brightness then multiplies.
        (mean, std), (crop_mean, _) = ours[0][0], ours[1][0]
        moved = (crop_mean - mean) * found.alpha.median + mean + found.beta.median * std
        assert moved == pytest.approx(mean)
        factor = (mean + found.beta.median * std) / mean
        assert found.brightness_factor.median == pytest.approx(factor)


@pytest.mark.parametrize("first", ["brightness", "contrast"])
def test_nearest_jitter_makes_of_the_image_what_normalizing_the_crop_does(first):
    """By the brightness and contrast of torchvision, as Albumentations has them."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        codes = rng.normal(0.25, 0.02, (40, 40)).astype(np.float32)
        left, top = rng.integers(0, 20, 2)
        codes[top : top + 20, left : left + 20] += rng.uniform(-0.03, 0.03)
        crop = codes[: rng.integers(20, 40), : rng.integers(20, 40)]
        parts = [np.array([[part.mean(), part.std()]], np.float64) for part in (codes, crop)]
        found = implied(*parts, method="image", channel=None)
        jitters = [
            (adjust_brightness_torchvision, found.brightness_factor.median),
            (adjust_contrast_torchvision, found.contrast_factor.median),
        ]
        jittered = codes
        for change, factor in jitters if first == "brightness" else jitters[::-1]:
            jittered = change(jittered, factor)
        # Both as a network sees them that was given the numbers of the whole image.
        (mean, std), (crop_mean, crop_std) = parts[0][0], parts[1][0]
        assert (jittered - mean) / std == pytest.approx((codes - crop_mean) / crop_std, abs=1e-3)


def test_bands_of_jitter_are_the_percentiles_of_the_crops(samples):
    found = normstat.diagnose(samples / "photos", seed=3)
    listing = list_files([samples / "photos"], Selection())
    rows = drawn(listing.names, seed=3, stratify=False)
    question = Question(Pipeline(), 3, 1024, 10, (0.08, 1.0), 3)
    taken = look(listing, rows, question, jobs=1, backend="serial", observer=None)
    for column, each in enumerate(found.jitter.implied):
        (mean, std), (crop_mean, crop_std) = taken.whole[:, column].T, taken.crops[:, column].T
        beta = (mean - crop_mean) / crop_std
        brightness = (mean + beta * std) / mean
        reached = brightness > 0
        bands = {
            "alpha": std / crop_std,
            "beta": beta,
            "brightness_factor": brightness,
            "contrast_factor": (std / crop_std / brightness)[reached],
        }
        for name, values in bands.items():
            band = getattr(each, name)
            expected = np.percentile(values, [5, 50, 95])
            assert [band.low, band.median, band.high] == pytest.approx(expected), name
        assert each.unreached == np.count_nonzero(~reached) < 0.05 * len(reached)
        for name in ("brightness", "contrast"):
            band, tried = getattr(each, f"{name}_factor"), np.linspace(0, 5, 5001)
            misses = (np.maximum(0, 1 - tried) - band.low) ** 2 + (1 + tried - band.high) ** 2
            assert getattr(each, name) == pytest.approx(tried[misses.argmin()], abs=2e-3)


def test_crops_that_no_jitter_reaches_have_no_contrast():
    whole = np.array([[0.2, 0.1]] * 3)
    bright = [[0.9, 0.01]]  # its mean is 70 of its std above that of the image
    found = implied(whole, np.array(bright * 3), method="image", channel=None)
    assert (found.contrast_factor, found.contrast, found.unreached) == (None, None, 3)
    assert found.brightness_factor.median < 0
    found = implied(whole, np.array([*bright, [0.2, 0.1], [0.2, 0.1]]), method="image", channel="R")
    assert found.unreached == 1
    assert found.contrast_factor.high == pytest.approx(1)


@given(st.floats(-2, 3), st.floats(0, 4))
def test_nearest_argument_is_the_nearest(low, width):
    high = low + width
    tried = np.linspace(0, 8, 4001)
    misses = (np.maximum(0, 1 - tried) - low) ** 2 + (1 + tried - high) ** 2
    x = nearest_argument(low, high)
    assert x >= 0
    miss = (max(0, 1 - x) - low) ** 2 + (1 + x - high) ** 2
    assert miss <= misses.min() + 1e-9


def seen(folder, *, crops=4, channels=3, **pipeline):
    listing = list_files([folder], Selection())
    question = Question(Pipeline(**pipeline), channels, 50, crops, (0.2, 0.9), 0)
    return look(listing, range(len(listing)), question, jobs=1, backend="serial", observer=None)


def test_moments_are_those_of_the_pixels(tmp_path):
    images = colours(8, count=3)
    found = seen(write(tmp_path / "images", images))
    for index, image in enumerate(images):
        parts = [image, *np.moveaxis(image, 2, 0)]
        expected = [[part.mean() / 255, part.std() / 255] for part in parts]
        assert found.whole[4 * index] == pytest.approx(np.array(expected), rel=1e-12)
    assert not np.allclose(found.crops, found.whole)
    available = {tuple(pixel) for image in images for pixel in image.reshape(-1, 3).tolist()}
    assert {tuple(pixel) for pixel in np.rint(found.pixels * 255).tolist()} <= available


def test_transparent_pixels_are_left_out_where_the_pipeline_says_so(tmp_path):
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 100, (16, 16, 4)).astype(np.uint8)
    codes[..., 3] = 255
    codes[:, :8] = (255, 255, 255, 0)
    found = seen(write(tmp_path / "images", [codes]), alpha="mask")
    assert found.pixels.max() < 100 / 255
    assert found.whole[0, 0, 0] == pytest.approx(codes[:, 8:, :3].mean() / 255)


def test_gray_among_colour_counts_as_three_channels(tmp_path):
    gray = colours(10, count=1)[0][..., 0]
    found = seen(write(tmp_path / "images", [gray]), channels=3)
    assert found.pixels.shape == (50, 3)
    assert (found.pixels == found.pixels[:, :1]).all()
    assert found.whole.shape == (4, 4, 2)
    assert found.whole[0] == pytest.approx(np.tile(found.whole[0, :1], (4, 1)))


# --- the whole


def test_same_data_gives_the_same_diagnosis_however_it_is_read(samples):
    first = normstat.diagnose(samples / "photos", jobs=1, simulate=True)
    for options in ({"jobs": 2, "backend": "threads"}, {"jobs": 2, "backend": "processes"}):
        assert normstat.diagnose(samples / "photos", simulate=True, **options) == first
    other = normstat.diagnose(samples / "photos", seed=1)
    assert other.preprocessing == first.preprocessing
    assert other.jitter != first.jitter


def test_spec_file_and_folder_give_the_same(samples, tmp_path, monkeypatch):
    monkeypatch.chdir(samples)
    spec = normstat.compute("photos", covariance=True)
    save(spec, tmp_path / "spec.yaml")
    folder = normstat.diagnose("photos")
    for sources in ((spec,), (spec, samples / "photos"), (tmp_path / "spec.yaml",)):
        found = normstat.diagnose(*sources)
        assert found.preprocessing == folder.preprocessing
        assert found.jitter == folder.jitter
        assert found.missing is None


def test_many_presets_each_have_their_row(samples):
    names = [
        each.name
        for each in load_catalogue()
        if sorted(each.channels) == ["B", "G", "R"] and each.spec().full_scale is not None
    ]
    assert len(names) > 50
    found = normstat.diagnose(samples / "photos", presets=names, sample=1)
    assert [each.name for each in found.preprocessing][4:-2] == names
    assert all(each.quadratic.condition > 1 for each in found.preprocessing[:-1])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"crop_scale": (0.5, 0.1)}, UsageError),
        ({"crop_scale": (0, 1)}, UsageError),
        ({"crop_scale": (float("nan"), 1)}, UsageError),
        ({"sample": 0}, UsageError),
        ({"jobs": 0}, UsageError),
        ({"backend": "thread"}, UsageError),
        ({"seed": -1}, UsageError),
        ({"presets": ["imagenett"]}, UsageError),
        ({"presets": ["mnist"]}, NormstatError),
    ],
)
def test_wrong_options_are_refused(samples, options, error):
    with pytest.raises(error):
        normstat.diagnose(samples / "photos", **options)


def rgb8(raw):
    return raw["state"]["kinds"]["rgb8"]


# A spec is a file from anywhere: what is done to it, and what is said.
BROKEN = [
    (lambda raw: rgb8(raw)["products"].__setitem__(0, "1" + "0" * 30), "contradicts itself"),
    (lambda raw: rgb8(raw)["products"].pop(), "2 numbers, expected 3"),
    (lambda raw: raw["state"].update(kinds={}), "holds no image"),
    (lambda raw: rgb8(raw)["images"].update(n=["0"] * 3), "holds no pixel"),
    (lambda raw: raw.update(channels=["L"], mean=[0.5], std=[0.2]), "contradicts itself"),
    (lambda raw: raw.update(mean=[0.5]), "contradicts itself"),
    (lambda raw: raw.update(channels=["B", "G", "R"]), "its state R G B"),
]


@pytest.mark.parametrize(("change", "text"), BROKEN, ids=[text for _, text in BROKEN])
def test_state_that_contradicts_itself_is_refused(samples, change, text):
    raw = msgspec.to_builtins(normstat.compute(samples / "photos", covariance=True))
    change(raw)
    with pytest.raises(SpecError, match=text):
        normstat.diagnose(msgspec.convert(raw, normstat.Spec))


def test_spec_of_no_place_has_no_images(samples):
    spec = normstat.compute(samples / "photos", covariance=True)
    raw = msgspec.to_builtins(spec)
    raw["dataset"].update(roots=[], digest=Listing([]).digest())
    found = normstat.diagnose(msgspec.convert(raw, normstat.Spec))
    assert found.jitter is None
    assert found.missing


@pytest.mark.parametrize(("mean", "std"), [(1e300, 0.2), (0.5, 1e-300), (0.5, 1e300)])
def test_absurd_numbers_are_told_from_possible_ones(samples, mean, std):
    spec = msgspec.structs.replace(
        normstat.compute(samples / "photos", covariance=True), mean=[mean] * 3, std=[std] * 3
    )
    absurd = msgspec.structs.replace(normstat.preset("imagenet"), mean=[mean] * 3, std=[std] * 3)
    found = by_name(normstat.diagnose(spec, presets=[absurd], simulate=True))
    for name in ("imagenet", "standardized"):
        assert found[name].quadratic is None
        assert "no image has such" in found[name].note
    assert found["0–1"].quadratic.condition > 1


def test_colour_images_beside_a_gray_sample_are_left_out(tmp_path):
    folder = write(tmp_path / "images", colours(11, count=3))
    gray = [image[..., 0] for image in colours(12, count=3)]
    for index, codes in enumerate(gray):
        Image.fromarray(codes).save(folder / f"0-gray-{index}.png")
    spec = normstat.compute(folder, limit=3)
    assert spec.channels == ["L"]
    found = normstat.diagnose(spec, folder, simulate=True)
    assert (found.sampled, found.unreadable) == (3, 3)


def test_sample_of_nothing_but_damaged_files_is_an_error(samples, tmp_path):
    spec = normstat.compute(samples / "odd")
    names = [each.name for each in spec.skipped]
    assert names
    with pytest.raises(SourceError):
        normstat.diagnose(samples / "odd" / "truncated.jpg")
    found = normstat.diagnose(samples / "odd")
    assert (found.skipped, found.unreadable) == (len(names), 0)


def test_skipped_files_take_no_place_in_the_sample(tmp_path):
    folder = write(tmp_path / "images", colours(13, count=18))
    for index in range(63):
        (folder / f"damaged\n{index}.png").write_bytes(b"nothing")
    spec = normstat.compute(folder, covariance=True)
    assert len(spec.skipped) == 63
    for sources in ((spec,), (spec, folder), (folder,)):
        for sample, expected in ((3, 3), (12, 12), ("50%", 9), (200, 18)):
            found = normstat.diagnose(*sources, sample=sample)
            assert (found.sampled, found.unreadable) == (expected, 0)
            assert found.jitter.images == expected


def test_codes_that_pillow_does_not_hold_are_looked_at_as_fractions_of_their_range(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("8", "16"):
        (tmp_path / folder).mkdir()
    for index in range(6):
        codes = rng.integers(20 * index, 256, (40, 50, 3)).astype(np.uint8)
        tifffile.imwrite(tmp_path / "8" / f"{index}.tif", codes, photometric="rgb")
        deep = codes.astype(np.uint16) * 257
        tifffile.imwrite(tmp_path / "16" / f"{index}.tif", deep, photometric="rgb")
    narrow, wide = (normstat.diagnose(tmp_path / each, simulate=True) for each in ("8", "16"))
    assert (wide.sampled, wide.unreadable) == (6, 0)
    for ours, theirs in zip(narrow.jitter.implied, wide.jitter.implied, strict=True):
        for part in ("median", "low", "high"):
            for band in ("alpha", "beta", "brightness_factor"):
                expected = getattr(getattr(ours, band), part)
                assert getattr(getattr(theirs, band), part) == pytest.approx(expected, rel=1e-9)
    ours, theirs = ([each.condition for each in x.simulation.descents[1:]] for x in (narrow, wide))
    assert theirs == pytest.approx(ours, rel=1e-6)
