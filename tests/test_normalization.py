"""Arrays through a normalization and back, against float64, torchvision's steps and themselves."""

import tracemalloc

import numpy as np
import pytest

from normstat.errors import SpecError, UsageError
from normstat.normalization import Normalization, denormalize, normalize
from normstat.presets import load_catalogue

IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 255, ("R", "G", "B"))
GRAY = Normalization((0.1307,), (0.3081,), 255, ("L",))
LOW_CONTRAST = Normalization((0.785, 0.79, 0.8), (0.004, 0.003, 0.005), 255, ("R", "G", "B"))
CODES = Normalization((0.0,), (1.0,), 1, ("L",))  # values are the codes themselves

EIGHT_BIT = [
    (record.name, record.spec().normalization)
    for record in load_catalogue()
    if record.code_max == 255 and sorted(record.channels) in (["B", "G", "R"], ["L"])
]
each_8_bit_preset = pytest.mark.parametrize(
    "preset", [preset for _, preset in EIGHT_BIT], ids=[name for name, _ in EIGHT_BIT]
)

SHAPES = [(7, 5), (1, 1), (7, 5, 1), (7, 5, 3), (1, 1, 3), (2, 7, 5, 1), (2, 7, 5, 3), (1, 1, 1, 3)]
# Enough pixels for several blocks of the row-wise path, with a rest.
LARGE = [(300, 301), (211, 331, 3), (3, 101, 211, 3)]
VIEWS = {
    "contiguous": lambda array: array,
    "transposed": lambda array: np.ascontiguousarray(array.T).T,
    "channels first": lambda array: np.moveaxis(np.moveaxis(array, -1, 0).copy(), 0, -1),
    "Fortran": np.asfortranarray,
    "every second": lambda array: np.repeat(array, 2, axis=0)[::2],
    "flipped": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "cut out": lambda array: np.pad(array, 1)[tuple(slice(1, -1) for _ in array.shape)],
}


def image_of(shape, dtype):
    rng = np.random.default_rng(len(shape))
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    return rng.uniform(0, 255, shape).astype(dtype)


def fits(shape):
    return IMAGENET if len(shape) > 2 and shape[-1] == 3 else GRAY


def in_float64(image, normalization):
    codes = image.astype(np.float64) / normalization.max_pixel_value
    return (codes - np.array(normalization.mean)) / np.array(normalization.std)


def as_torchvision(image, normalization):
    """to_dtype(scale=True), then normalize, step by step in float32."""
    values = image.astype(np.float32) * np.float32(1 / normalization.max_pixel_value)
    values -= np.array(normalization.mean, np.float32)
    return values / np.array(normalization.std, np.float32)


def tolerance(image, normalization):
    """1e-6, or 1e-6 of the larger of a·code and b, whose digits are all that float32 has."""
    largest = np.abs(image.astype(np.float64)).max() * np.array(normalization.scale)
    return 1e-6 * np.maximum(1, np.maximum(largest, np.abs(normalization.offset)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("view", VIEWS)
def test_any_array_in_any_memory_order_is_normalized_as_in_float64(view, dtype):
    for shape in SHAPES + LARGE:
        plain = image_of(shape, dtype)
        image = VIEWS[view](plain)
        assert np.array_equal(image, plain)
        image.setflags(write=False)  # whoever writes to it raises
        found = normalize(image, fits(shape))
        assert (found.shape, found.dtype) == (shape, np.float32)
        error = np.abs(found - in_float64(plain, fits(shape)))
        assert np.all(error <= tolerance(plain, fits(shape))), shape
        assert np.array_equal(image, plain)
        assert not np.shares_memory(found, image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("view", VIEWS)
def test_memory_order_does_not_change_a_bit_of_the_result(view, dtype):
    for shape in SHAPES + LARGE:
        image = image_of(shape, dtype)
        expected = normalize(image, fits(shape))
        assert np.array_equal(normalize(VIEWS[view](image), fits(shape)), expected), shape


@each_8_bit_preset
def test_values_of_a_preset_are_those_of_torchvision(preset):
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], len(preset.channels), axis=2)
    found = normalize(image, preset)
    assert np.all(np.abs(found - as_torchvision(image, preset)) <= tolerance(image, preset))
    assert np.all(np.abs(found - in_float64(image, preset)) <= tolerance(image, preset))


@pytest.mark.parametrize("name", ["imagenet", "clip", "inception", "cifar10", "mnist"])
def test_values_of_the_usual_presets_are_within_a_millionth(name):
    preset = load_catalogue().find(name).spec().normalization
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], len(preset.channels), axis=2)
    error = np.abs(normalize(image, preset) - in_float64(image, preset))
    assert error.max() <= 1e-6


@pytest.mark.parametrize("view", VIEWS)
def test_small_std_does_not_cost_the_digits_of_small_values(view):
    """a·code and b are near 200 here, and what float32 keeps of their sum is 1e-5."""
    for dtype in (np.uint8, np.uint16, np.float32):
        image = np.random.default_rng(2).integers(198, 206, (301, 211, 3)).astype(dtype)
        expected = in_float64(image, LOW_CONTRAST)
        error = np.abs(normalize(VIEWS[view](image), LOW_CONTRAST) - expected)
        assert np.all(error <= 1e-6 * np.maximum(1, np.abs(expected)))


@each_8_bit_preset
def test_every_code_comes_back_bit_for_bit(preset):
    for dtype in (np.uint8, np.uint16):
        codes = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 16, 1)
        image = np.repeat(codes, len(preset.channels), axis=2)
        unit = preset.max_pixel_value * np.iinfo(dtype).max / 255
        own = Normalization(preset.mean, preset.std, unit, preset.channels)
        for normalization in (preset, own):
            back = denormalize(normalize(image, normalization), normalization, dtype)
            assert back.dtype == dtype
            assert np.array_equal(back, image)


def test_float_images_come_back_as_float():
    image = np.random.default_rng(1).uniform(0, 1, (9, 8, 3))
    unit = Normalization(IMAGENET.mean, IMAGENET.std, 1, IMAGENET.channels)
    for dtype in (np.float32, np.float64):
        back = denormalize(normalize(image, unit), unit, dtype)
        assert back.dtype == dtype
        assert back == pytest.approx(image, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "uint8", "uint16"),
    [
        (-np.inf, 0, 0),
        (-0.6, 0, 0),
        (0.49, 0, 0),
        (0.51, 1, 1),
        (254.49, 254, 254),
        (254.51, 255, 255),
        (255.6, 255, 256),
        (65535.4, 255, 65535),
        (1e9, 255, 65535),
        (np.inf, 255, 65535),
    ],
)
def test_codes_are_rounded_and_do_not_wrap_around(value, uint8, uint16):
    values = np.full((2, 2), value, np.float32)
    assert np.all(denormalize(values, CODES) == uint8)
    assert np.all(denormalize(values, CODES, np.uint16) == uint16)


@pytest.mark.parametrize(
    ("shape", "normalization"),
    [
        ((4, 4), IMAGENET),
        ((4, 3), IMAGENET),  # three columns are not three channels
        ((3, 4, 4), IMAGENET),
        ((4, 4, 1), IMAGENET),
        ((4, 4, 4), IMAGENET),
        ((2, 4, 4, 4), IMAGENET),
        ((4, 4, 3), GRAY),
        ((2, 4, 4, 3), GRAY),
        ((3,), IMAGENET),
        ((1,), GRAY),
        ((), GRAY),
        ((1, 2, 4, 4, 3), IMAGENET),
    ],
)
def test_image_with_other_channels_is_refused_not_broadcast(shape, normalization):
    for function in (normalize, denormalize):
        with pytest.raises(UsageError, match="channels"):
            function(np.zeros(shape, np.float32), normalization)


@pytest.mark.parametrize(
    ("mean", "std", "unit", "channels", "said"),
    [
        ((0.5,), (0.0,), 255, ("L",), "std of channel L is 0"),
        ((0.5, 0.5), (0.1, -0.1), 255, ("R", "G"), "std of channel G is -0.1"),
        ((0.5,), (float("nan"),), 255, ("L",), "std of channel L is nan"),
        ((0.5,), (0.5, 0.5), 255, ("L",), "1, 2, 1"),
        ((0.5,), (0.5,), 255, ("R", "G", "B"), "1, 1, 3"),
        ((0.5,), (0.5,), 0, ("L",), "max_pixel_value is 0"),
        ((0.5,), (0.5,), -255, ("L",), "max_pixel_value is -255"),
        ((0.5,), (0.5,), float("nan"), ("L",), "max_pixel_value is nan"),
    ],
)
def test_numbers_that_cannot_be_divided_by_are_refused(mean, std, unit, channels, said):
    with pytest.raises(SpecError, match=said):
        Normalization(mean, std, unit, channels)


@pytest.mark.parametrize(
    "shape", [(0, 5), (5, 0), (0, 4, 3), (4, 0, 3), (0, 4, 4, 3), (2, 0, 4, 3)]
)
def test_empty_arrays_stay_empty(shape):
    values = normalize(np.zeros(shape, np.uint8), fits(shape))
    assert (values.shape, values.dtype) == (shape, np.float32)
    codes = denormalize(values, fits(shape))
    assert (codes.shape, codes.dtype) == (shape, np.uint8)


def peak_of(function, *arguments):
    """Return how much memory a call takes at most, in units of its result."""
    tracemalloc.start()
    try:
        result = function(*arguments)
        return tracemalloc.get_traced_memory()[1] / result.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("normalization", [IMAGENET, LOW_CONTRAST], ids=["usual", "small std"])
@pytest.mark.parametrize("view", ["contiguous", "channels first", "every second"])
def test_nothing_but_the_result_is_allocated(view, normalization):
    for shape in [(1080, 1920, 3), (2, 540, 1920, 3)]:
        image = VIEWS[view](image_of(shape, np.uint8))
        assert 1 <= peak_of(normalize, image, normalization) < 1.3
        values = VIEWS[view](normalize(image, normalization))
        assert 1 <= peak_of(denormalize, values, normalization) < 1.3
