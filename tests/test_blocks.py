"""Blocks of pixels of any kind → records → exact state."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normstat.errors import ImageError, SpecError
from normstat.spec.model import Estimator
from normstat.statistics import Collector, Facts, State, kind_of, summarize
from normstat.statistics.blocks import Block, counted
from normstat.statistics.record import packed_wide, unpacked_moments, unpacked_wide

FACTS = Facts("any", 1, 1, False, False, False)
TYPES = {"8": np.uint8, "16": np.uint16, "s16": np.int16, "float": np.float64}
NUMBERS = st.floats(-1e9, 1e9, width=32).map(lambda number: round(number, 9))


def name_of(channels, depth):
    return f"bands{channels}-{depth}"


def state_of(kind, images, *, covariance=False, ddof=0):
    """State of images, each a list of blocks of shape (channels, pixels)."""
    collector = Collector(ddof=ddof, covariance=covariance)
    for blocks in images:
        record = counted(kind, FACTS, map(Block, blocks), covariance=covariance)
        collector.add(record)
    return collector.state()


def summary_of(state, **options):
    return summarize(state, Estimator(images_listed=state.images), **options)


@st.composite
def codes(draw, depth):
    channels, pixels = draw(st.integers(1, 4)), draw(st.integers(1, 30))
    return draw(arrays(TYPES[depth], (channels, pixels)))


@given(st.data(), st.sampled_from(["8", "16", "s16"]))
def test_sums_of_codes_are_those_of_the_integers(data, depth):
    values = data.draw(codes(depth))
    kind = name_of(len(values), depth)
    sums = state_of(kind, [[values]]).kinds[kind].images
    wide = values.astype(object)
    assert sums.n == [values.shape[1]] * len(values)
    assert sums.s == wide.sum(axis=1).tolist()
    assert sums.q == (wide * wide).sum(axis=1).tolist()


@given(st.data(), st.sampled_from(["8", "16", "s16"]))
def test_blocks_may_be_cut_anywhere(data, depth):
    values = data.draw(codes(depth))
    cut = data.draw(st.integers(0, values.shape[1]))
    kind = name_of(len(values), depth)
    whole = state_of(kind, [[values]], covariance=True)
    assert state_of(kind, [[values[:, :cut], values[:, cut:]]], covariance=True) == whole


@given(st.data(), st.sampled_from(list(TYPES)))
def test_state_survives_as_text(data, depth):
    if depth == "float":
        values = data.draw(arrays(np.float64, (2, 5), elements=NUMBERS))
    else:
        values = data.draw(codes(depth))
    kind = name_of(len(values), depth)
    state = state_of(kind, [[values], [values]], covariance=True)
    assert State.from_text(state.to_text(), ddof=0) == state


@given(st.integers(0, 2**32))
def test_order_of_float_images_does_not_matter_at_all(seed):
    rng = np.random.default_rng(seed)
    images = [[rng.normal(rng.normal(0, 1e3), 1, (2, 50))] for _ in range(8)]
    whole = state_of("bands2-float", images, covariance=True)
    halves = [state_of("bands2-float", part, covariance=True) for part in (images[5:], images[:5])]
    assert halves[0].merged(halves[1]) == whole
    assert state_of("bands2-float", images[::-1], covariance=True) == whole


def test_floats_agree_with_exact_rationals_far_from_zero():
    rng = np.random.default_rng(0)
    values = 1e8 + rng.normal(0, 1, (1, 1000))
    found = summary_of(state_of("gray-float", [[values[:, :300], values[:, 300:]]]))
    exact = [Fraction(value) for value in values[0].tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert found.mean[0] == pytest.approx(float(mean), rel=1e-15)
    assert found.std[0] == pytest.approx(float(variance) ** 0.5, rel=1e-9)
    assert (found.min, found.max) == ([values.min()], [values.max()])
    assert (found.percentiles, found.histogram, found.max_pixel_value) == ({}, None, 1)


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1.0, 1e9, 1e30])
def test_std_and_covariance_of_floats_are_numpys_at_any_scale(scale):
    rng = np.random.default_rng(1)
    values = scale * (rng.normal(0, 1, (3, 2000)) + rng.normal(0, 1, (1, 2000)) + 3)
    state = state_of("bands3-float", [[values[:, :1000]], [values[:, 1000:]]], covariance=True)
    found = summary_of(state, covariance=True)
    assert found.std == pytest.approx(values.std(axis=1), rel=1e-12)
    assert np.array(found.covariance) == pytest.approx(np.cov(values, ddof=0), rel=1e-9)
    halves = values.reshape(3, 2, 1000)
    assert found.alternatives.mean_of_image_stds == pytest.approx(halves.std(axis=2).mean(axis=1))


def test_nan_and_infinity_do_not_count_and_are_counted():
    values = np.array([[1.0, np.nan, 3.0, np.inf], [4.0, 5.0, -np.inf, np.nan]])
    state = state_of("bands2-float", [[values]])
    assert state.left_out == {"nan": 2, "infinite": 2}
    assert state.kinds["bands2-float"].images.n == [2, 2]
    assert summary_of(state).mean == [2.0, 4.5]


def test_what_is_masked_does_not_count_either():
    codes = np.array([[1, 2, 3, 4]], np.uint16)
    valid = np.array([True, False, True, True])
    record = counted("gray16", FACTS, [Block(codes, valid)], covariance=False)
    assert record.left_out == (("masked", 1),)
    [(found, used)] = unpacked_wide(record.content)
    assert (found.tolist(), used.tolist()) == ([1, 3, 4], [1, 1, 1])


@pytest.mark.parametrize(
    ("kind", "bands", "values", "told"),
    [
        ("gray-float", "", [[np.nan, np.inf]], "no pixel counts: all are infinite or nan"),
        ("gray-float", "", np.empty((1, 0)), "no pixel counts"),
        ("bands3-float", "", [[1.0], [np.nan], [2.0]], "no pixel of B2 counts: all are nan"),
        ("bands2-float", "B04,B8A", [[1.0], [np.nan]], "no pixel of B8A counts: all are nan"),
    ],
)
def test_a_channel_without_any_value_is_an_error_of_the_image(kind, bands, values, told):
    with pytest.raises(ImageError) as caught:
        counted(kind, FACTS._replace(bands=bands), [Block(np.array(values))], covariance=False)
    assert str(caught.value) == told


def test_values_too_small_to_hold_are_an_error_of_the_image():
    with pytest.raises(ImageError, match="as small as"):
        counted("gray-float", FACTS, [Block(np.array([[5e-300]]))], covariance=False)


def test_signed_codes_have_exact_percentiles_and_their_own_unit():
    values = np.array([[-1024, -1000, 40, 3071]], np.int16)
    found = summary_of(state_of("gray-s16", [[values]]), percentiles=("0", "50", "100"))
    assert found.percentiles == {"0": [-1024.0], "50": [-480.0], "100": [3071.0]}
    assert (found.mean, found.min, found.max) == ([271.75], [-1024.0], [3071.0])
    assert found.max_pixel_value == 1


WHOLE = arrays(np.int16, (3, 20), elements=st.integers(-3000, 3000))


@given(st.lists(WHOLE, min_size=1, max_size=3), st.sampled_from([np.float32, np.float64]))
def test_floats_that_are_whole_numbers_count_as_codes(images, dtype):
    codes = state_of("rgb-s16", [[codes] for codes in images], covariance=True)
    floats = [[codes[:, :7].astype(dtype), -0.0 - -codes[:, 7:].astype(dtype)] for codes in images]
    assert state_of("rgb-float", floats, covariance=True) == codes


@pytest.mark.parametrize("odd", [0.5, 32768.0, -32769.0])
def test_one_value_that_is_no_code_makes_floats_of_an_image(odd):
    values = np.arange(6.0).reshape(3, 2) * 1000
    blocks = [values, np.full((3, 1), odd), values]
    state = state_of("rgb-float", [blocks], covariance=True)
    assert list(state.kinds) == ["rgb-float"]
    found, all_values = summary_of(state, covariance=True), np.concatenate(blocks, axis=1)
    assert found.mean == pytest.approx(all_values.mean(axis=1), rel=1e-15)
    assert np.array(found.covariance) == pytest.approx(np.cov(all_values, ddof=0), rel=1e-12)


def test_signed_codes_and_floats_are_one_set_of_values():
    rng = np.random.default_rng(0)
    codes = rng.integers(-1000, 3000, (3, 50)).astype(np.float64)
    values = rng.normal(40, 300, (3, 80))
    state = state_of("rgb-float", [[codes], [values]], covariance=True)
    assert sorted(state.kinds) == ["rgb-float", "rgb-s16"]
    found, both = summary_of(state, covariance=True), np.concatenate([codes, values], axis=1)
    assert found.mean == pytest.approx(both.mean(axis=1), rel=1e-15)
    assert found.std == pytest.approx(both.std(axis=1), rel=1e-14)
    assert np.array(found.covariance) == pytest.approx(np.cov(both, ddof=0), rel=1e-12)
    assert (found.min, found.max) == (both.min(axis=1).tolist(), both.max(axis=1).tolist())
    stds = [codes.std(axis=1), values.std(axis=1)]
    assert found.alternatives.mean_of_image_stds == pytest.approx(np.mean(stds, axis=0), rel=1e-14)
    assert (found.percentiles, found.histogram) == ({}, None)


@given(arrays(np.int16, (2, 30)))
def test_bins_of_signed_codes_are_those_that_are_used(codes):
    found = summary_of(state_of("bands2-s16", [[codes]])).histogram
    first, size = found.first_code, found.codes_per_bin
    assert first <= codes.min() < first + size
    assert codes.max() < first + 256 * size
    edges = first + size * np.arange(len(found.counts[0]) + 1)
    assert found.counts == [np.histogram(each, edges)[0].tolist() for each in codes]
    assert size == 1 or int(codes.max()) - int(codes.min()) >= 127 * size


def test_sixteen_bit_squares_do_not_overflow_in_images_of_any_size():
    counts = np.zeros((1, 1 << 16), np.int64)
    counts[0, 65535] = 1 << 33  # 65535² of so many is over 2⁶³
    record = counted("gray16", FACTS, [Block(np.array([[65535]], np.uint16))], covariance=False)
    collector = Collector(ddof=0, covariance=False)
    collector.add(record._replace(content=packed_wide(counts)))
    assert collector.state().kinds["gray16"].images.q == [65535**2 * (1 << 33)]


@given(arrays(np.float64, (1, 6), elements=NUMBERS))
def test_packed_moments_are_the_same_when_unpacked(values):
    record = counted("bands1-float", FACTS, [Block(values)], covariance=False)
    [found] = unpacked_moments(record.content)
    assert (found.n, found.low, found.high) == (6, values.min(), values.max())


@pytest.mark.parametrize("name", ["gray", "rgb-8", "bands-8", "bands0-16", "cmyk8", "gray-s8", ""])
def test_other_kinds_do_not_exist(name):
    with pytest.raises(SpecError, match="no kind of pixel"):
        kind_of(name)


def test_kinds_without_a_common_measure_are_refused_by_name():
    a = state_of("bands4-8", [[np.zeros((4, 3), np.uint8)]])
    b = state_of("gray8", [[np.zeros((1, 3), np.uint8)]] * 2)
    with pytest.raises(SpecError, match="1 of bands4-8, 2 of gray8"):
        summary_of(a.merged(b))


def test_covariance_is_of_the_pixels_that_have_a_value_in_all_channels():
    rng = np.random.default_rng(0)
    for kind in ("bands2-float", "bands2-s16", "bands2-8"):
        images, joint = [], []
        for _ in range(3):
            values = rng.integers(0, 100, (2, 30)) + (rng.random((2, 30)) if "float" in kind else 0)
            valid = rng.random((2, 30)) > 0.3
            images.append([Block(values.astype(TYPES[kind_of(kind).depth]), valid)])
            joint.append(values[:, valid.all(axis=0)])
        collector = Collector(ddof=0, covariance=True)
        for blocks in images:
            collector.add(counted(kind, FACTS, blocks, covariance=True))
        state = collector.state()
        assert State.from_text(state.to_text(), ddof=0) == state
        unit = kind_of(kind).max_code
        expected = np.cov(np.concatenate(joint, axis=1), ddof=0) / unit**2
        found = summary_of(state, covariance=True).covariance
        assert np.array(found) == pytest.approx(expected, rel=1e-12)


@given(st.lists(WHOLE, min_size=1, max_size=3))
def test_sums_of_incomplete_pixels_are_exact_and_add_up(images):
    def state(images, kind, dtype):
        collector = Collector(ddof=0, covariance=True)
        for codes in images:
            block = Block(codes.astype(dtype), codes % 5 != 0)
            if all(block.valid.any(axis=1)):
                collector.add(counted(kind, FACTS, [block], covariance=True))
        return collector.state()

    codes = state(images, "rgb-s16", np.int16)
    assert state(images, "rgb-float", np.float32) == codes
    assert (
        state(images[:1], "rgb-s16", np.int16).merged(state(images[1:], "rgb-s16", np.int16))
        == codes
    )
    if codes.kinds:
        part = state(images[1:], "rgb-s16", np.int16)
        assert codes.subtracted(part) == state(images[:1], "rgb-s16", np.int16)


def test_there_is_no_covariance_where_no_pixel_has_a_value_in_all_channels():
    values = np.array([[1.5, np.nan], [np.nan, 2.5]])
    found = summary_of(state_of("bands2-float", [[values]], covariance=True), covariance=True)
    assert found.covariance is None
