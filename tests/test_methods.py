"""Every method against the library that it is taken from, its own inverse and plain loops."""

import os
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy.ndimage import uniform_filter
from sklearn.decomposition import PCA
from sklearn.preprocessing import RobustScaler, StandardScaler

import normstat
from normstat.application import run
from normstat.errors import NormstatError
from normstat.methods import METHODS, Settings, backward, clipped, forward
from normstat.methods.gaussian import Gaussian
from normstat.methods.whitening import whitening_matrix
from normstat.normalization import as_codes
from normstat.planning import Numbers, plan

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # its import asks the network for newer versions
import albumentations

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Of photographs: channels that agree in nine tenths of what they vary.
COVARIANCE = np.outer(STD, STD) * (0.9 + 0.1 * np.eye(3))

PER_IMAGE = ["image", "image_per_channel", "min_max", "min_max_per_channel"]
EXACT = [name for name, method in METHODS.items() if method.inverse == "exact"]
CLIPPING = [name for name, method in METHODS.items() if "clipped" in method.inverse]
VARIANTS = {  # what else than the method's name decides
    "robust": [{"of": "image"}, {"of": "dataset"}],
    "whiten": [{"kind": "zca"}, {"kind": "pca"}],
}
EXACT_VARIANTS = [(name, each) for name in EXACT for each in VARIANTS.get(name, [{}])]


def settings_for(channels, *, kind="zca", of="dataset"):
    """Numbers for every method, of some dataset of photographs."""
    source, target = Gaussian("photo", MEAN, STD), Gaussian("half", (0.5,) * 3, (0.5,) * 3)
    cut = [Gaussian(g.name, g.mean[:channels], g.std[:channels]) for g in (source, target)]
    return Settings(
        source=cut[0],
        target=cut[1],
        candidates=tuple(cut),
        low=(0.02, 0.015, 0.01)[:channels],
        high=(0.98, 0.97, 0.95)[:channels],
        median=MEAN[:channels],
        spread=(0.4, 0.3, 0.2)[:channels],
        matrix=whitening_matrix(COVARIANCE[:channels, :channels], kind),
        window=5,
        of=of,
    )


def top_of(planes):
    return {"uint8": 255, "uint16": 65535}.get(planes.dtype.name, 1.0)


def applied_to(name, planes, own=None):
    own = own or settings_for(len(planes))
    return METHODS[name].fit(planes, top_of(planes), own)


def values_of(name, planes, own=None):
    values = forward(planes, applied_to(name, planes, own))
    assert (values.shape, values.dtype) == (planes.shape, np.float32)
    return values


def as_rows(planes):
    return planes.reshape(len(planes), -1).T.astype(np.float64)


def photo(seed, shape, dtype=np.uint8):
    """Planes of codes whose channels go together, as they do in photographs."""
    rng, top = np.random.default_rng(seed), np.iinfo(dtype).max
    shared = rng.normal(size=shape[1:])
    noise = rng.normal(size=shape)
    level = rng.uniform(0.3, 0.6, (shape[0], 1, 1))
    return np.clip((level + 0.15 * shared + 0.06 * noise) * top, 0, top).astype(dtype)


# Albumentations


def albumentations_of(planes, **options):
    image = np.ascontiguousarray(planes.transpose(1, 2, 0))  # a copy: it may be written to
    values = albumentations.Normalize(**options)(image=image)["image"]
    return values.reshape(image.shape).transpose(2, 0, 1)


CONTRASTS = {"full": (0, 255), "low": (120, 123), "dark": (0, 9), "nearly constant": (200, 200)}


def random_images(contrast, channels, dtype):
    """Ten images of random sizes between two codes, each channel with two codes at least."""
    low, high = CONTRASTS[contrast]
    rng = np.random.default_rng(low)
    for _ in range(10):
        shape = (channels, *rng.integers(3, 60, 2))
        codes = rng.integers(low, high, shape, dtype=np.uint8, endpoint=True)
        codes[:, 1, 1] = high + 1 if low == high else high
        yield codes if dtype == np.uint8 else (codes / np.float32(255)).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("name", PER_IMAGE)
def test_per_image_methods_are_those_of_albumentations(name, contrast, channels):
    for planes in random_images(contrast, channels, np.uint8):
        expected = albumentations_of(planes, normalization=name)
        error = np.abs(values_of(name, planes) - expected)
        assert np.all(error <= 1e-6 * np.maximum(1, np.abs(expected)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("name", PER_IMAGE)
def test_float_images_are_those_of_albumentations_as_far_as_its_float32_goes(
    name, contrast, channels
):
    """Albumentations rounds the mean to float32, an error that division by a small std magnifies.

    With one channel left constant it divides by zero, so there is none here.
    """
    for planes in random_images(contrast, channels, np.float32):
        each = as_rows(planes)
        spread = (each.std(axis=0) if name.startswith("image") else np.ptp(each, axis=0)).min()
        expected = albumentations_of(planes, normalization=name)
        error = np.abs(values_of(name, planes) - expected)
        assert error.max() <= 1e-6 * max(1, each.max() / spread)


@pytest.mark.parametrize(("dtype", "unit"), [(np.uint8, 255.0), (np.float32, 1.0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_standard_is_that_of_albumentations(channels, dtype, unit):
    for contrast in CONTRASTS:
        for planes in random_images(contrast, channels, dtype):
            expected = albumentations_of(
                planes, mean=MEAN[:channels], std=STD[:channels], max_pixel_value=unit
            )
            assert np.abs(values_of("standard", planes) - expected).max() <= 1e-6


@pytest.mark.parametrize("name", PER_IMAGE)
def test_constant_8_bit_image_is_what_albumentations_makes_of_it(name):
    planes = np.full((3, 4, 5), 77, np.uint8)
    assert np.array_equal(values_of(name, planes), albumentations_of(planes, normalization=name))


# scikit-learn, with pixels as rows


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_standard_with_own_numbers_is_standard_scaler(channels, dtype):
    planes = photo(1, (channels, 37, 41), dtype)
    rows = as_rows(planes) / top_of(planes)
    own = Settings(source=Gaussian("own", tuple(rows.mean(axis=0)), tuple(rows.std(axis=0))))
    expected = StandardScaler().fit_transform(rows)
    assert np.abs(as_rows(values_of("standard", planes, own)) - expected).max() <= 1e-6


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_robust_is_robust_scaler_even_without_a_spread(channels, constant):
    planes = photo(2, (channels, 37, 41))
    if constant:
        planes[0, 1:] = 9  # a spread of zero, with codes that differ all the same
    scaler = RobustScaler().fit(as_rows(planes))
    expected = scaler.transform(as_rows(planes))
    found = values_of("robust", planes, Settings(of="image"))
    assert np.abs(as_rows(found) - expected).max() <= 1e-6
    low, median, high = np.percentile(as_rows(planes) / 255, [25, 50, 75], axis=0)
    dataset = Settings(median=tuple(median), spread=tuple(high - low))
    assert np.abs(as_rows(values_of("robust", planes, dataset)) - expected).max() <= 1e-6


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_whiten_is_pca_whitening_up_to_its_signs_and_ddof(kind):
    """scikit-learn divides by n − 1 (ddof 1), where the covariance here has n."""
    planes = photo(3, (3, 53, 47))
    rows = as_rows(planes) / 255
    pca = PCA(whiten=True, svd_solver="full").fit(rows)
    expected = pca.transform(rows) * np.sqrt(len(rows) / (len(rows) - 1))
    covariance = np.cov(rows.T, ddof=0)
    source = Gaussian("own", tuple(rows.mean(axis=0)), tuple(rows.std(axis=0)))
    own = Settings(source=source, matrix=whitening_matrix(covariance, kind))
    found = as_rows(values_of("whiten", planes, own))
    if kind == "pca":
        expected *= np.sign((found * expected).sum(axis=0))
    else:
        expected = expected @ pca.components_  # turned back, which undoes the signs
    assert found == pytest.approx(expected, abs=2e-6)
    assert np.cov(found.T, ddof=0) == pytest.approx(np.eye(3), abs=1e-5)


# Other references


def test_percentile_is_nnunets_recipe():
    planes = photo(4, (3, 31, 29))
    image = planes.astype(np.float64)
    low, high = np.percentile(image, [0.5, 99.5], axis=(1, 2))
    mean, std = image.mean(axis=(1, 2)), image.std(axis=(1, 2))
    assert np.any(image < low[:, None, None])
    assert np.any(image > high[:, None, None])
    # CTNormalization: np.clip, subtract the mean, divide by max(std, 1e-8).
    expected = np.clip(image, low[:, None, None], high[:, None, None])
    expected = (expected - mean[:, None, None]) / np.maximum(std, 1e-8)[:, None, None]
    source = Gaussian("own", tuple(mean / 255), tuple(std / 255))
    own = Settings(source=source, low=tuple(low / 255), high=tuple(high / 255))
    assert np.abs(values_of("percentile", planes, own) - expected).max() <= 1e-6


def local_by_loops(planes, window):
    half, found = window // 2, np.zeros(planes.shape)
    for c, y, x in np.ndindex(planes.shape):
        rows, columns = (slice(max(0, i - half), i + half + 1) for i in (y, x))
        around = planes[c, rows, columns].astype(np.float64)
        if around.std() > 0:
            found[c, y, x] = (planes[c, y, x] - around.mean()) / around.std()
    return found


@pytest.mark.parametrize("window", [3, 5, 9, 31])
@pytest.mark.parametrize("shape", [(1, 9, 11), (3, 7, 8), (1, 1, 20), (1, 1, 1), (1, 20, 2)])
def test_local_is_a_loop_over_windows_cut_off_at_the_borders(shape, window):
    own = Settings(window=window)
    for low, high in [(0, 256), (120, 124)]:
        planes = np.random.default_rng(5).integers(low, high, shape).astype(np.uint8)
        found = values_of("local", planes, own)
        assert np.abs(found - local_by_loops(planes, window)).max() <= 2e-6


@pytest.mark.parametrize("window", [3, 7, 31])
def test_local_is_uniform_filter_away_from_the_borders(window):
    plane = photo(6, (1, 80, 90))[0].astype(np.float64)
    mean = uniform_filter(plane, window)
    std = np.sqrt(uniform_filter(plane**2, window) - mean**2)
    inside = (slice(window // 2, -(window // 2)),) * 2
    found = values_of("local", plane[None].astype(np.uint8), Settings(window=window))[0]
    assert np.abs(found - (plane - mean) / std)[inside].max() <= 2e-6


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_local_is_zero_where_it_is_constant_however_rough_the_rest(dtype):
    planes = photo(7, (3, 60, 400), dtype)
    planes[:, :, 200:] = np.array([1, 77, np.iinfo(dtype).max], dtype)[:, None, None]
    found = values_of("local", planes, Settings(window=31))
    assert not found[:, :, 215:].any()
    assert found[:, :, :215].any(axis=(1, 2)).all()


def test_local_cannot_be_undone():
    planes = photo(8, (1, 5, 5))
    applied = applied_to("local", planes)
    with pytest.raises(NormstatError, match="local cannot be undone"):
        backward(forward(planes, applied), applied)


@pytest.mark.parametrize("channels", [1, 3])
def test_adaptive_takes_the_nearest_gaussian(channels):
    rng, chosen = np.random.default_rng(9), set()
    candidates = tuple(
        Gaussian(f"{mean} {std}", (mean,) * channels, (std,) * channels)
        for mean, std in product((0.2, 0.5, 0.8), (0.02, 0.1, 0.3))
    )
    for _ in range(30):
        middle, width = rng.uniform(0.1, 0.9), rng.uniform(0.01, 0.4)
        codes = rng.normal(middle, width, (channels, 20, 20)) * 255
        planes = np.clip(codes, 0, 255).astype(np.uint8)
        rows = as_rows(planes) / 255
        distances = [
            sum((rows.mean(axis=0) - g.mean) ** 2 + (rows.std(axis=0) - g.std) ** 2)
            for g in candidates
        ]
        nearest = candidates[int(np.argmin(distances))]
        applied = applied_to("adaptive", planes, Settings(candidates=candidates))
        assert applied.spec == nearest.name
        expected = values_of("standard", planes, Settings(source=nearest))
        assert np.array_equal(forward(planes, applied), expected)
        chosen.add(nearest.name)
    assert len(chosen) > 3


@pytest.mark.parametrize("channels", [1, 3])
def test_match_gives_the_data_the_statistics_of_the_target(channels):
    planes = photo(10, (channels, 50, 60))
    rows = as_rows(planes) / 255
    own = Settings(
        source=Gaussian("own", tuple(rows.mean(axis=0)), tuple(rows.std(axis=0))),
        target=Gaussian("imagenet", MEAN[:channels], STD[:channels]),
    )
    found = as_rows(values_of("match", planes, own))
    assert found.mean(axis=0) == pytest.approx(MEAN[:channels], abs=1e-6)
    assert found.std(axis=0) == pytest.approx(STD[:channels], abs=1e-6)


# Laws


@st.composite
def planes(draw, dtype, largest=12):
    """Planes of one or three channels, often flat but for a few pixels."""
    low, high = sorted(draw(st.tuples(*[st.integers(0, np.iinfo(dtype).max)] * 2)))
    shape = draw(st.tuples(st.sampled_from([1, 3]), *[st.integers(1, largest)] * 2))
    return draw(hnp.arrays(dtype, shape, elements=st.integers(low, high)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("name", "variant"), EXACT_VARIANTS)
def test_every_code_comes_back_from_an_exact_method(name, variant, dtype):
    @settings(max_examples=60, deadline=None)
    @given(planes(dtype))
    def comes_back(image):
        applied = applied_to(name, image, settings_for(len(image), **variant))
        back = as_codes(backward(forward(image, applied), applied), dtype)
        assert np.array_equal(back, image)

    comes_back()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", CLIPPING)
def test_only_what_was_clipped_differs_and_by_no_more_than_it_says(name, dtype):
    @settings(max_examples=60, deadline=None)
    @given(planes(dtype, largest=40))
    def differs_by_what_was_clipped(image):
        applied = applied_to(name, image)
        back = as_codes(backward(forward(image, applied), applied), dtype)
        off = np.abs(back.astype(np.int64) - image)
        count, farthest = clipped(image, applied)
        assert np.count_nonzero(off) <= count
        assert off.max() <= farthest + 0.5  # the code at the limit is rounded

    differs_by_what_was_clipped()


@pytest.mark.parametrize("name", ["image", "image_per_channel"])
def test_clipped_counts_the_codes_beyond_twenty_stds(name):
    image = np.full((3, 60, 60), 10, np.uint8)
    image[:, 3, 4], image[:, 5, 6] = 250, 11
    z = (image - image.mean()) / (image.std() + 1e-4)
    count, farthest = clipped(image, applied_to(name, image))
    assert count == np.count_nonzero(np.abs(z) > 20) == 3
    assert farthest == pytest.approx((z.max() - 20) * (image.std() + 1e-4), rel=1e-5)
    assert values_of(name, image).max() == 20


def test_clipped_counts_the_codes_outside_the_percentiles():
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    low, high = 0.02 * 255, 0.98 * 255
    count, farthest = clipped(image, applied_to("percentile", image))
    assert count == np.count_nonzero((image < low) | (image > high)) == 12
    assert farthest == pytest.approx(low, rel=1e-5)  # limits are float32


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("name", METHODS)
def test_constant_images_stay_finite_and_come_back(name, dtype):
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    for channels, level, size in product((1, 3), (0, 0.3, 1), (1, 7)):
        image = np.full((channels, size, size), level * top).astype(dtype)
        for variant in VARIANTS.get(name, [{}]):
            applied = applied_to(name, image, settings_for(channels, **variant))
            values = forward(image, applied)
            assert np.isfinite(values).all()
            if METHODS[name].inverse == "exact":
                back = backward(values, applied)
                assert back == pytest.approx(image, abs=1e-6 if dtype == np.float32 else 0.4)


@pytest.mark.parametrize("name", METHODS)
def test_one_constant_channel_among_three_stays_finite(name):
    for dtype in (np.uint8, np.float32):
        image = photo(11, (3, 9, 9)).astype(dtype) / dtype(1 if dtype == np.uint8 else 255)
        image = image.astype(dtype)
        image[1] = image[1, 0, 0]
        assert np.isfinite(values_of(name, image, settings_for(3, of="image"))).all()


@pytest.mark.parametrize("kind", ["zca", "pca"])
@pytest.mark.parametrize("size", [1, 2, 3, 13])
def test_whitening_matrix_makes_any_covariance_the_identity(size, kind):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        half = rng.normal(size=(size, 2 * size)) * rng.uniform(0.01, 1, (size, 1))
        covariance = half @ half.T
        matrix = np.array(whitening_matrix(covariance, kind))
        assert matrix @ covariance @ matrix.T == pytest.approx(np.eye(size), abs=1e-8)
        if kind == "zca":
            assert matrix == pytest.approx(matrix.T, rel=1e-9, abs=1e-9)
        else:  # rows are the axes, the one of the largest variance first
            variances = 1 / (matrix**2).sum(axis=1)
            assert variances == pytest.approx(np.linalg.eigvalsh(covariance)[::-1], rel=1e-9)


@pytest.mark.parametrize("kind", ["zca", "pca"])
@pytest.mark.parametrize(
    "covariance",
    [
        np.ones((3, 3)),
        np.ones((3, 3)) + 1e-14 * np.eye(3),
        np.zeros((3, 3)),
        [[0.0]],
        np.diag([1.0, 1.0, 0.0]),
        [[1, 2], [2, 1]],
    ],
    ids=["gray", "gray but for rounding", "constant", "one constant", "no blue", "no covariance"],
)
def test_channels_that_depend_on_each_other_are_not_whitened(covariance, kind):
    with pytest.raises(NormstatError, match="cannot be whitened"):
        whitening_matrix(covariance, kind)


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_nearly_gray_images_come_back_from_whitening(kind):
    """The direction that hardly varies is magnified ten thousand times on the way."""
    image = np.repeat(photo(12, (1, 40, 40)), 3, axis=0)
    image[0, 3, 4] += 1
    source = Gaussian("gray", (0.5,) * 3, (0.2,) * 3)
    matrix = whitening_matrix(np.full((3, 3), 0.04) + 1e-9 * np.eye(3), kind)
    applied = applied_to("whiten", image, Settings(source=source, matrix=matrix))
    back = as_codes(backward(forward(image, applied), applied), np.uint8)
    assert np.array_equal(back, image)


# Through a folder


def write_folder(folder, modes, seed=0):
    """Write six images of random sizes; return the pixels of all, as rows in 0..1."""
    rng, rows = np.random.default_rng(seed), []
    folder.mkdir()
    for index in range(6):
        mode = modes[index % len(modes)]
        shape = (3 if mode == "RGB" else 1, *rng.integers(5, 60, 2))
        codes = photo(rng.integers(1000), shape, np.uint16 if mode == "I;16" else np.uint8)
        Image.fromarray(codes.transpose(1, 2, 0) if mode == "RGB" else codes[0]).save(
            folder / f"{index}.png"
        )
        rows.append(as_rows(np.repeat(codes, 3, 0) if "RGB" in modes and mode != "RGB" else codes))
        rows[-1] /= top_of(codes)
    return np.concatenate(rows)


def apply(folder, output, numbers, **options):
    """Return the manifest and the values that were written, as rows."""
    manifest = run(plan(folder, output=output, numbers=numbers, **options), jobs=1)
    files = [as_rows(np.load(output / each.output)) for each in manifest.outputs]
    assert len(files) == 6
    return manifest, np.concatenate(files)


def own_numbers(folder, **options):
    return Numbers(source=("own", normstat.compute(folder, **options)))


@pytest.mark.parametrize(
    "modes", [["RGB"], ["L"], ["RGB", "L"], ["I;16"], ["L", "I;16"]], ids=" ".join
)
def test_standard_with_own_spec_gives_zero_and_one(tmp_path, modes):
    write_folder(tmp_path / "images", modes)
    numbers = own_numbers(tmp_path / "images")
    manifest, values = apply(tmp_path / "images", tmp_path / "out", numbers)
    for mean, std in [(manifest.mean, manifest.std), (values.mean(axis=0), values.std(axis=0))]:
        assert mean == pytest.approx(np.zeros(values.shape[1]), abs=1e-6)
        assert std == pytest.approx(np.ones(values.shape[1]), abs=1e-6)


@pytest.mark.parametrize("kind", ["zca", "pca"])
@pytest.mark.parametrize("modes", [["RGB"], ["RGB", "L"], ["L"]], ids=" ".join)
def test_whitened_folder_has_the_identity_as_covariance(tmp_path, modes, kind):
    write_folder(tmp_path / "images", modes)
    numbers = own_numbers(tmp_path / "images", covariance=True)
    _, values = apply(tmp_path / "images", tmp_path / "out", numbers, method="whiten", whiten=kind)
    covariance = np.atleast_2d(np.cov(values.T, ddof=0))
    assert covariance == pytest.approx(np.eye(len(covariance)), abs=1e-5)
    assert values.mean(axis=0) == pytest.approx(np.zeros(len(covariance)), abs=1e-5)


@pytest.mark.parametrize("modes", [["RGB"], ["RGB", "L"], ["I;16"]], ids=" ".join)
def test_folder_wide_quantiles_are_those_of_all_pixels(tmp_path, modes):
    rows = write_folder(tmp_path / "images", modes)
    numbers = own_numbers(tmp_path / "images")
    _, robust = apply(tmp_path / "images", tmp_path / "robust", numbers, method="robust")
    assert np.abs(robust - RobustScaler().fit_transform(rows)).max() <= 1e-6
    manifest, found = apply(tmp_path / "images", tmp_path / "p", numbers, method="percentile")
    low, high = np.percentile(rows, [0.5, 99.5], axis=0)
    expected = (np.clip(rows, low, high) - rows.mean(axis=0)) / rows.std(axis=0)
    assert np.abs(found - expected).max() <= 1e-6
    outside = np.count_nonzero((rows < low - 1e-9) | (rows > high + 1e-9))
    assert sum(each.clipped for each in manifest.outputs) == outside > 0


@pytest.mark.parametrize("preset", ["yolo", "imagenet", "detectron2"])
@pytest.mark.parametrize("codes", [1, 2, 4])
def test_measured_std_is_that_of_the_files_however_flat_the_images(tmp_path, codes, preset):
    rng = np.random.default_rng(13)
    (tmp_path / "flat").mkdir()
    for index in range(6):
        image = rng.integers(200, 200 + codes, (50, 300, 3)).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "flat" / f"{index}.png")
    numbers = Numbers(source=(preset, normstat.preset(preset)))
    manifest, values = apply(tmp_path / "flat", tmp_path / "out", numbers)
    assert manifest.mean == pytest.approx(values.mean(axis=0), rel=1e-6)
    assert manifest.std == pytest.approx(values.std(axis=0), rel=1e-4, abs=1e-6)
