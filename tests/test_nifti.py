"""NIfTI: codes → values, against nibabel; slices, series, pairs, gzip."""

import gzip
import io
import struct
import tracemalloc
from functools import partial
from pathlib import Path

import msgspec
import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import normstat
from normstat.errors import ImageError
from normstat.images import read, undisturbed
from normstat.readers import assembled, nifti
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Collector, State, counted

SHIPPED = Path(nibabel.__file__).parent / "tests" / "data"
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def volume(array, *, version=1, order="<", rescale=None, packed=False, shape=None):
    """Return a file of stored codes of shape (x, y, z ...)."""
    kind = {1: nibabel.Nifti1Header, 2: nibabel.Nifti2Header}[version]
    header = kind(endianness=order)
    header.set_data_dtype(array.dtype)
    header.set_data_shape(shape or array.shape)
    header["magic"] = b"n+1" if version == 1 else b"n+2\0\r\n\x1a\n"
    header["vox_offset"] = header.single_vox_offset
    slope, intercept = rescale or (np.nan, np.nan)
    header["scl_slope"], header["scl_inter"] = slope, intercept
    codes = array.astype(array.dtype.newbyteorder(order)).tobytes("F")
    content = header.binaryblock + bytes(4) + codes
    return gzip.compress(content, mtime=0) if packed else content


def found_in(content, **options):
    """Return kind, facts, shape, values (channels, rows, columns), and where they count."""
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline(**options)) as decoded:
        return decoded.kind, decoded.facts, decoded.shape, *assembled(decoded)


def record_of(content, **options):
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline(**options)) as decoded:
        return counted(decoded.kind, decoded.facts, decoded.blocks, covariance=True)


def reference(content):
    """Return the values as nibabel has them, z y x."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    kind = nibabel.Nifti2Image if b"n+2" in content[4:8] else nibabel.Nifti1Image
    return kind.from_bytes(content).get_fdata().T


# --- files by other programs ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("anatomical.nii", "gray-s16"),
        ("example4d.nii.gz", "gray-s16"),
        ("example_nifti2.nii.gz", "gray-s16"),
        ("functional.nii", "gray-float"),
        ("reoriented_anat_moved.nii", "gray-float"),
        ("resampled_anat_moved.nii", "gray-float"),
        ("standard.nii.gz", "gray8"),
    ],
)
def test_files_that_nibabel_ships_have_its_values(name, kind):
    expected = nibabel.load(SHIPPED / name).get_fdata().T
    found, facts, shape, values, _ = found_in((SHIPPED / name).read_bytes())
    assert found == kind
    assert shape == expected.shape
    assert (facts.height, facts.width) == expected.shape[-2:]
    assert np.array_equal(values.reshape(shape), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nifti1.hdr", "half of a pair"),
        ("nifti2.hdr", "half of a pair"),
        ("analyze.hdr", "Analyze 7.5"),
        ("row_major.dconn.nii", "CIFTI, which holds matrices"),
    ],
)
def test_what_is_no_volume_is_refused_by_name(name, reason):
    with pytest.raises(ImageError, match=reason):
        found_in((SHIPPED / name).read_bytes())


# --- files of our own ---


@given(
    st.sampled_from(TYPES),
    st.sampled_from([None, (1, 0), (1, -1024), (2, 3), (0.5, 10), (-1, 0), (0, 5)]),
    st.fixed_dictionaries(
        {"order": st.sampled_from("<>"), "version": st.integers(1, 2), "packed": st.booleans()}
    ),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.data(),
)
def test_values_are_those_of_nibabel(dtype, rescale, stored, shape, data):
    elements = {"elements": st.integers(-(2**50), 2**50)} if dtype == "i8" else {}
    elements = {"elements": st.integers(0, 2**50)} if dtype == "u8" else elements
    if dtype[0] == "f":
        elements = {"elements": st.floats(-1e6, 1e6, width=32)}
    array = data.draw(arrays(dtype, tuple(shape), **elements))
    content = volume(array, rescale=rescale, **stored)
    kind, _, found_shape, values, valid = found_in(content)
    assert valid is None
    expected = reference(content)
    assert found_shape == (1,) * (3 - len(shape)) + expected.shape
    assert np.array_equal(values.reshape(expected.shape), expected)
    if rescale in {None, (1, 0), (0, 5)}:
        whole = {"u1": "gray8", "u2": "gray16", "i1": "gray-s16", "i2": "gray-s16"}
        assert kind == whole.get(dtype, "gray-float")
    elif rescale == (0.5, 10):
        assert kind == "gray-float"


def test_integers_stay_integers_though_the_header_claims_more():
    array = np.array([[[0, 1024, 3071]]], np.int16)
    kind, _, _, values, _ = found_in(volume(array, rescale=(1, -1024), packed=True))
    assert (kind, values.ravel().tolist()) == ("gray-s16", [-1024, 0, 2047])


def test_integers_beyond_float64_are_refused():
    with pytest.raises(ImageError, match=r"beyond 2\^53"):
        record_of(volume(np.array([[[1 << 54]]], np.int64)))


def test_nan_does_not_count_and_is_counted():
    array = np.array([[[1.0, np.nan, 3.0, np.inf]]], np.float32)
    assert record_of(volume(array)).left_out == (("infinite", 1), ("nan", 1))


def test_nodata_is_a_value_after_rescaling():
    array = np.array([[[0, 1, 24]]], np.uint8)
    record = record_of(volume(array, rescale=(1, -24)), nodata=-24)
    assert record.left_out == (("nodata", 1),)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_volumes_of_a_series_are_one_image_or_channels(packed, order):
    array = np.random.default_rng(0).integers(-9, 9, (3, 4, 2, 5)).astype(np.int16)
    content = volume(array, packed=packed, order=order)
    kind, _, shape, values, _ = found_in(content)
    assert (kind, shape) == ("gray-s16", (5, 2, 4, 3))
    assert np.array_equal(values.reshape(shape), array.T)
    kind, _, shape, values, _ = found_in(content, channels="native")
    assert (kind, shape) == ("bands5-s16", (2, 4, 3))
    assert np.array_equal(values.reshape(5, *shape), array.T)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("bands", "names", "places"),
    [
        (["flair", "t1", "t2"], "flair,t1,t2", [0, 1, 2]),
        (["3", "1"], "B3,B1", [2, 0]),
        (["2"], "B2", [1]),
    ],
)
def test_bands_name_or_choose_the_volumes_of_a_series(bands, names, places, packed):
    array = np.random.default_rng(0).integers(0, 9, (3, 4, 2, 3)).astype(np.int16)
    kind, facts, shape, values, _ = found_in(volume(array, packed=packed), bands=bands)
    assert (kind, facts.bands, shape) == (f"bands{len(bands)}-s16", names, (2, 4, 3))
    assert np.array_equal(values.reshape(-1, *shape), array.T[places])


def test_channels_of_a_series_are_neither_gray_nor_rgb():
    content = volume(np.zeros((2, 2, 2, 3), np.uint8))
    with pytest.raises(ImageError, match="--mode rgb is for gray and colour"):
        found_in(content, channels="native", mode="rgb")


def test_channels_of_a_series_have_exact_covariances():
    array = np.random.default_rng(0).integers(0, 4000, (5, 4, 6, 3)).astype(np.uint16)
    record = record_of(volume(array, packed=True), channels="native")
    a, b, c = array.T.reshape(3, -1).astype(object)
    assert record.products == ((a * b).sum(), (a * c).sum(), (b * c).sum())


@pytest.mark.parametrize(("code", "channels"), [(128, 3), (2304, 4)])
def test_colours(code, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, channels), np.uint8)
    names = [(name, "u1") for name in "RGBA"[:channels]]
    content = bytearray(volume(pixels.view(names)[..., 0].T.copy()))
    assert struct.unpack_from("<h", content, 70) == (code,)
    kind, facts, shape, values, _ = found_in(bytes(content))
    assert (kind, shape, facts.mode) == ("rgb8", (2, 3, 4), f"NIfTI {'RGBA'[:channels]}")
    assert np.array_equal(values.reshape(3, 2, 3, 4), np.moveaxis(pixels[..., :3], -1, 0))
    kind, facts, _, values, _ = found_in(bytes(content), channels="native")
    assert kind == ("rgb8" if channels == 3 else "bands4-8")
    assert np.array_equal(values.reshape(channels, 2, 3, 4), np.moveaxis(pixels, -1, 0))
    if channels == 4:
        assert facts.bands == "R,G,B,A"
        with pytest.raises(ImageError, match="RGBA volumes know --alpha drop, not white"):
            found_in(bytes(content), alpha="white")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (volume(np.zeros((2, 2, 2), np.complex64)), "NIfTI of complex64"),
        (volume(np.zeros((2, 2, 2), np.uint8), shape=(2, 2, 3)), "ends before its last voxel"),
        (gzip.compress(b"text" * 200), "gzip of what is no NIfTI"),
        (volume(np.zeros((9, 9, 9)), packed=True)[:-30], "ended before|ends before"),
        (volume(np.zeros((9, 9, 9)), packed=True)[:-8] + bytes(8), "CRC check failed"),
        (volume(np.zeros((3, 3), np.uint8), rescale=(2, np.inf)), "invalid intercept inf"),
    ],
    ids=["complex", "short", "gzip", "truncated", "checksum", "intercept"],
)
def test_bad_files_are_refused(content, reason):
    with pytest.raises(ImageError, match=reason):
        found_in(content)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"bands": ["1"]}, "no bands to choose from"),
        ({"crop": 2}, "--resize and --crop are for"),
        ({"max_pixels": 8}, "slice of 3 x 3 pixels is over the limit of 8"),
    ],
)
def test_what_is_not_supported_together_is_refused(options, reason):
    with pytest.raises(ImageError, match=reason):
        found_in(volume(np.zeros((3, 3, 3), np.uint8)), **options)


def outcome(content, **options):
    try:
        return found_in(content, **options)[2]
    except ImageError as error:
        return str(error)


WHOLE = volume(np.arange(24, dtype=np.int16).reshape(4, 3, 2), rescale=(1, -1024))


@given(st.lists(st.tuples(st.integers(0, 351), st.integers(0, 255)), max_size=5), st.booleans())
def test_damaged_headers_are_refused_or_read(changes, native):
    content = bytearray(WHOLE)
    for place, byte in changes:
        content[place] = byte
    assert outcome(bytes(content), channels="native" if native else "auto")


@given(st.integers(0, len(WHOLE) - 1), st.booleans())
def test_truncated_files_are_refused(length, packed):
    content = WHOLE[:length]
    assert isinstance(outcome(gzip.compress(content) if packed else content), str)


@pytest.mark.parametrize("channels", ["auto", "native"])
def test_blocks_do_not_depend_on_how_a_volume_is_cut(monkeypatch, channels):
    array = np.random.default_rng(1).integers(0, 1000, (7, 5, 4, 3)).astype(np.uint16)
    whole = record_of(volume(array), channels=channels)
    monkeypatch.setattr(nifti, "_PIECE", 50)
    assert record_of(volume(array), channels=channels) == whole


def test_large_volumes_in_gzip_are_read_in_little_memory():
    content = volume(np.zeros((256, 256, 400), np.int16), packed=True)
    tracemalloc.start()
    record_of(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30e6  # of 52 MB


# --- the command ---


def test_command_finds_both_suffixes_and_gives_exact_percentiles(run, samples, tmp_path):
    (tmp_path / "in").mkdir()
    content = (samples / "deep" / "volume.nii.gz").read_bytes()
    (tmp_path / "in" / "b.NII.GZ").write_bytes(content)
    (tmp_path / "in" / "a.nii").write_bytes(gzip.decompress(content))
    (tmp_path / "in" / "other.gz").write_bytes(b"not looked at")
    assert run("compute", "in", "-q") == (0, "", "")
    spec = normstat.load(tmp_path / "normstat.json")
    values = nibabel.load(samples / "deep" / "volume.nii.gz").get_fdata()
    assert (spec.counts.images, spec.counts.skipped, spec.max_pixel_value) == (2, 0, 1)
    assert spec.mean == pytest.approx([values.mean()], rel=1e-14)
    assert spec.std == pytest.approx([values.std()], rel=1e-14)
    assert spec.percentiles["99.5"] == pytest.approx(
        [np.percentile(np.tile(values.ravel(), 2), 99.5)]
    )
    assert spec.counts.by_mode == {"NIfTI int16": 2}


def test_apply_writes_the_volume(run, samples, tmp_path):
    path = samples / "deep" / "volume.nii.gz"
    assert run("compute", path, "-q").code == 0
    done = run("apply", path, "--spec", "normstat.json", "-o", "out")
    assert done.code == 0, done
    [written] = (tmp_path / "out").rglob("*.npy")
    values = np.load(written)
    expected = nibabel.load(path).get_fdata().T
    assert values.shape == (1, *expected.shape)
    assert values[0] == pytest.approx((expected - expected.mean()) / expected.std(), abs=1e-5)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_spec_is_the_same_however_the_work_is_cut(tmp_path, dtype):
    rng = np.random.default_rng(3)
    for number in range(9):
        array = rng.normal(100, 30, (6, 5, 4)).astype(dtype)
        (tmp_path / f"{number}.nii.gz").write_bytes(volume(array, packed=True))
    one = normstat.compute(tmp_path, jobs=1, covariance=True)
    assert normstat.compute(tmp_path, jobs=3, backend="processes", covariance=True) == one
    collector = Collector(ddof=0, covariance=True)
    for path in sorted(tmp_path.iterdir())[::-1]:
        collector.add(record_of(path.read_bytes()))
    assert State.from_text(msgspec.to_builtins(one.state), ddof=0) == collector.state()
