"""TIFF of every depth and number of bands, against tifffile and GDAL in float64."""

import logging
import subprocess
import sys
import warnings
from contextlib import suppress
from functools import partial
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import ImageError
from normstat.images import losses, read, undisturbed
from normstat.readers import assembled
from normstat.readers.bands import gdal_names, ome_names
from normstat.readers.subfiles import has_mask
from normstat.spec.pipeline import Pipeline
from tests.test_images import CODES12, GRAY, HEIGHT, RGB, WIDE, WIDTH, packed, tiff

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import rasterio

ROWS, COLUMNS = 70, 53
_random = np.random.default_rng(7)


def noise(dtype, channels=None):
    """Values over the whole range of a type; of floats, both small and large ones."""
    shape = (ROWS, COLUMNS, channels) if channels else (ROWS, COLUMNS)
    if np.issubdtype(dtype, np.floating):
        return (_random.normal(0, 1, shape) * 100).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
    return _random.integers(low, high, shape, dtype=dtype, endpoint=True)


def written(codes, **options):
    options = {"metadata": None, "photometric": "minisblack", **options}
    if codes.ndim == 3 and codes.shape[-1] < COLUMNS:
        options.setdefault("planarconfig", "contig")
    file = BytesIO()
    tifffile.imwrite(file, codes, **options)
    return file.getvalue()


def decoded(content, **pipeline):
    """Kind, facts, codes and what counts of them."""
    with undisturbed(), read(partial(BytesIO, content), Pipeline(**pipeline)) as found:
        if found.image is None:
            return found.kind, found.facts, *assembled(found)
        codes = np.atleast_3d(np.asarray(found.image)).transpose(2, 0, 1)
        return found.kind, found.facts, codes, None


def codes_of(content, **pipeline):
    return decoded(content, **pipeline)[2]


def reason(content, **pipeline):
    with pytest.raises(ImageError) as caught:
        decoded(content, **pipeline)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def measured(folder, content, **options):
    (folder / "image.tif").write_bytes(content)
    return normstat.compute(folder, **options)


def planes(codes):
    """(height, width[, channels]) → (channels, height, width)."""
    return np.moveaxis(codes.reshape(*codes.shape[:2], -1), 2, 0)


# --- every layout that a file can have ---

LAYOUTS = {
    "one strip": {},
    "strips": {"rowsperstrip": 8, "compression": "deflate"},
    "tiles": {"tile": (32, 16)},
    "deflated tiles": {"tile": (32, 32), "compression": "deflate", "predictor": True},
    "lzw": {"compression": "lzw", "rowsperstrip": 3},
    "zstd": {"compression": "zstd", "tile": (16, 64)},
    "lzma": {"compression": "lzma"},
    "BigTIFF": {"bigtiff": True, "tile": (16, 16)},
    "big endian": {"byteorder": ">"},
    "big endian strips": {"byteorder": ">", "compression": "deflate", "rowsperstrip": 7},
}
KINDS = {
    "uint16": "16", "int16": "s16", "float32": "float", "float64": "float", "uint32": "float",
    "int8": "s16", "int64": "float", "float16": "float", "uint8": "8",
}  # fmt: skip


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("options", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint16", "float32", "uint8"])
def test_codes_are_those_that_were_written(options, planar, dtype):
    bands = noise(dtype, 5)
    stored = bands if planar == "contig" else planes(bands)
    content = written(stored, planarconfig=planar, **options)
    kind, facts, codes, valid = decoded(content)
    assert (kind, facts.mode) == (f"bands5-{KINDS[dtype]}", f"{dtype}x5")
    assert (facts.width, facts.height, valid) == (COLUMNS, ROWS, None)
    assert np.array_equal(codes, planes(bands))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("options", [{}, {"tile": (32, 32), "compression": "deflate"}])
def test_statistics_are_those_of_numpy_in_float64(tmp_path, dtype, options):
    bands = noise(dtype, 3)
    spec = measured(tmp_path, written(bands, **options), covariance=True)
    with tifffile.TiffFile(tmp_path / "image.tif") as file:
        columns = file.asarray().reshape(-1, 3).T
    values = columns.astype(np.float64)
    top = np.iinfo(dtype).max if dtype in ("uint8", "uint16") else 1
    assert spec.max_pixel_value == top
    assert spec.mean == pytest.approx(values.mean(axis=1) / top, rel=1e-12)
    assert spec.std == pytest.approx(values.std(axis=1) / top, rel=1e-12)
    assert spec.min == (values.min(axis=1) / top).tolist()
    assert np.array(spec.covariance) == pytest.approx(np.cov(values / top, ddof=0), rel=1e-9)
    if KINDS[dtype] != "float":
        [state] = spec.state.kinds.values()
        exact = columns.astype(object)
        assert state.images.s == [str(each) for each in exact.sum(axis=1)]
        assert state.images.q == [str(each) for each in (exact * exact).sum(axis=1)]
        quantiles = np.percentile(columns, 25, axis=1) / top
        assert spec.percentiles["25"] == pytest.approx(quantiles, rel=1e-14)


def test_cutting_and_jobs_do_not_change_a_byte(tmp_path):
    for place in range(3):
        bands = noise("float32", 4)
        (tmp_path / f"{place}.tif").write_bytes(written(bands, tile=(16, 16)))
    specs = [
        normstat.compute(tmp_path, jobs=jobs, backend=backend)
        for jobs, backend in ((1, "serial"), (2, "threads"), (2, "processes"))
    ]
    assert specs[0] == specs[1] == specs[2]


# --- files by GDAL ---


def by_gdal(path, bands, *, names=(), mask=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1],
            count=len(bands), dtype=bands.dtype, **options,
        ) as file:  # fmt: skip
            file.write(bands)
            if mask is not None:
                file.write_mask(mask)
            for place, name in enumerate(names, 1):
                file.set_band_description(place, name)


def gdals_own(path):
    """The values that GDAL says count, band by band."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as file:
            found = file.read(masked=True)
    return [band.compressed().astype(np.float64) for band in found]


GDAL = {
    "strips": {},
    "tiled": {"tiled": True, "blockxsize": 32, "blockysize": 16},
    "planar tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16, "interleave": "band"},
    "pixel lzw": {"interleave": "pixel", "compress": "lzw", "predictor": 2},
    "BigTIFF zstd": {"BIGTIFF": "YES", "compress": "zstd", "tiled": True},
    "sparse": {"SPARSE_OK": True, "tiled": True, "blockxsize": 16, "blockysize": 16},
    "COG overviews": {"tiled": True, "compress": "deflate", "COPY_SRC_OVERVIEWS": True},
}
SENTINEL = [f"B{number:02d}" for number in range(1, 9)] + ["B8A", "B09", "B10", "B11", "B12"]


@pytest.mark.parametrize("options", GDAL.values(), ids=GDAL)
def test_gdal_and_we_leave_out_the_same_nodata(tmp_path, options):
    bands = planes(noise("uint16", 13)).copy()
    bands[:, :40, :40] = 0
    bands[5, 60:, :] = 0
    path = tmp_path / "image.tif"
    by_gdal(path, bands, names=SENTINEL, nodata=0, **options)
    spec = normstat.compute(tmp_path)
    expected = gdals_own(path)
    assert spec.channels == SENTINEL
    assert spec.counts.by_mode == {"uint16x13": 1}
    assert spec.mean == pytest.approx([each.mean() / 65535 for each in expected], rel=1e-12)
    assert spec.std == pytest.approx([each.std() / 65535 for each in expected], rel=1e-12)
    [state] = spec.state.kinds.values()
    assert state.images.n == [str(each.size) for each in expected]
    left = bands.size - sum(each.size for each in expected)
    assert spec.state.left_out == {"nodata": left}


def test_float_nodata_nan_and_infinity_are_counted_apart(tmp_path):
    band = noise("float32")[None].copy()
    band[0, :3, :4] = -9999
    band[0, 10, :5] = np.nan
    band[0, 11, :2] = np.inf, -np.inf
    by_gdal(tmp_path / "image.tif", band, nodata=-9999)
    spec = normstat.compute(tmp_path)
    expected = band[np.isfinite(band) & (band != -9999)].astype(np.float64)
    assert spec.state.left_out == {"infinite": 2, "nan": 5, "nodata": 12}
    assert spec.mean == pytest.approx([expected.mean()], rel=1e-12)
    assert spec.std == pytest.approx([expected.std()], rel=1e-12)


@pytest.mark.parametrize("nodata", [float("nan"), -3.4028234663852886e38, 1e-5, -9999.1])
def test_nodata_of_floats_is_compared_in_the_type_of_the_file(tmp_path, nodata):
    band = noise("float32")[None].copy()
    band[0, :3, :4] = nodata
    by_gdal(tmp_path / "image.tif", band, nodata=nodata, compress="deflate")
    [expected] = gdals_own(tmp_path / "image.tif")
    spec = normstat.compute(tmp_path)
    assert sum(spec.state.left_out.values()) == 12
    assert spec.mean == pytest.approx([expected.mean()], rel=1e-12)


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", "-9999"), ("uint16", "0.5"), ("uint16", "x")]
)
def test_a_nodata_value_that_the_type_cannot_hold_is_ignored(tmp_path, dtype, value):
    codes = noise(dtype)
    content = written(codes, extratags=[(42113, "s", 0, value, True)])
    spec = measured(tmp_path, content)
    assert spec.counts.pixels == codes.size
    assert not spec.state.left_out


def test_nodata_of_an_8_bit_tiff_does_not_count_though_pillow_could_read_it(tmp_path):
    codes = noise("uint8", 3)
    codes[:9] = 0
    content = written(codes, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    spec = measured(tmp_path, content)
    expected = [plane[plane > 0].mean() / 255 for plane in planes(codes)]
    assert spec.mean == pytest.approx(expected, rel=1e-12)
    assert spec.channels == ["R", "G", "B"]


def test_nodata_that_is_asked_for_stands_above_that_of_the_file(tmp_path):
    codes = noise("uint16") | np.uint16(8)
    codes[0], codes[1] = 0, 7
    content = written(codes, extratags=[(42113, "s", 0, "0", True)])
    spec = measured(tmp_path, content, nodata=7)
    assert spec.counts.pixels == np.count_nonzero(codes != 7)
    assert spec.min == [0.0]


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_mask_in_the_file_leaves_out_what_gdal_leaves_out(tmp_path, dtype, channels):
    """Whichever library reads the pixels: Pillow, which reads the plain ones, knows no masks."""
    bands = planes(noise(dtype, channels))
    mask = noise("uint8") > 100
    by_gdal(tmp_path / "image.tif", bands, mask=mask)
    spec = normstat.compute(tmp_path)
    expected = gdals_own(tmp_path / "image.tif")
    assert spec.state.left_out == {"masked": channels * np.count_nonzero(~mask)}
    means = [each.mean() / spec.max_pixel_value for each in expected]
    assert spec.mean == pytest.approx(means, rel=1e-12)


def pages_of(*pages, **options):
    file = BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        for codes, is_mask in pages:
            kind = {"photometric": "mask", "subfiletype": 4} if is_mask else options
            tiff.write(codes, **{"metadata": None, "photometric": "minisblack", **kind})
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_mask_after_another_picture_is_not_of_the_first(dtype):
    first, second = noise(dtype), noise(dtype)
    content = pages_of((first, False), (second, False), (noise("uint8") > 100, True))
    _, _, codes, valid = decoded(content)
    assert np.array_equal(codes[0], first)
    assert valid is None


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_mask_of_a_later_page_is_applied_with_all_frames(tmp_path, dtype):
    first, second, mask = noise(dtype), noise(dtype), noise("uint8") > 100
    content = pages_of((first, False), (second, False), (mask, True))
    spec = measured(tmp_path, content, frames="all")
    shown = np.concatenate([first.ravel(), second[mask]])
    assert spec.mean == pytest.approx([shown.mean() / spec.max_pixel_value], rel=1e-6)
    assert spec.counts.pixels == shown.size


@pytest.mark.parametrize("frames", ["first", "all"])
def test_a_page_beyond_all_places_hides_no_picture(frames):
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as tiff:
        tiff.write(noise("uint8"), metadata=None)
    content = bytearray(file.getvalue())
    start = int.from_bytes(content[8:16], "little")
    end = start + 8 + 20 * int.from_bytes(content[start : start + 8], "little")
    content[end : end + 8] = (2**63 + 5).to_bytes(8, "little")
    assert not has_mask(BytesIO(bytes(content)), anywhere=frames == "all")


def test_what_is_transparent_or_masked_in_the_file_is_left_out(tmp_path):
    codes, mask = noise("uint16", 4), noise("uint8") > 100
    codes[::3, :, 3] = 0
    content = pages_of((codes, False), (mask, True), photometric="rgb", extrasamples=[2])
    spec = measured(tmp_path, content, alpha="mask")
    shown = codes[mask & (codes[..., 3] > 0)][:, :3]
    assert spec.mean == pytest.approx(shown.mean(axis=0) / 65535, rel=1e-12)


def test_a_chain_of_pages_that_leads_nowhere_hides_no_picture():
    codes = noise("uint8")
    content = bytearray(written(codes))
    (place,) = np.frombuffer(content[4:8], "<u4")
    (entries,) = np.frombuffer(content[place : place + 2], "<u2")
    end = place + 2 + 12 * entries
    content[end : end + 4] = (2**31).to_bytes(4, "little")
    assert np.array_equal(codes_of(bytes(content))[0], codes)


# --- bands ---


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory):
    bands = planes(noise("uint16", 13))
    path = tmp_path_factory.mktemp("gdal") / "image.tif"
    by_gdal(path, bands, names=SENTINEL, tiled=True, blockxsize=16, blockysize=16)
    return path.read_bytes(), bands


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (["B02", "B03", "B04"], [1, 2, 3]),
        (["B04", "B03", "B02"], [3, 2, 1]),
        (["8", "B8A"], [7, 8]),
        (["13"], [12]),
        (SENTINEL[::-1], list(range(13))[::-1]),
    ],
)
@pytest.mark.parametrize("planar", [False, True])
def test_bands_are_those_that_were_asked_for_in_that_order(
    sentinel, tmp_path, asked, places, planar
):
    content, bands = sentinel
    if planar:
        path = tmp_path / "planar.tif"
        by_gdal(path, bands, names=SENTINEL, interleave="band", compress="deflate")
        content = path.read_bytes()
    _, facts, codes, _ = decoded(content, bands=asked)
    assert np.array_equal(codes, bands[places])
    assert facts.bands == ",".join(SENTINEL[place] for place in places)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["B02", "NIR"], "no band NIR; the file has bands B01, B02, B03"),
        (["B02", "2"], "one is named twice"),
        (["14"], "no band 14"),
        ([f"X{number}" for number in range(13)], "no band X0"),
    ],
)
def test_bands_that_are_not_there_are_refused_by_name(sentinel, asked, why):
    assert why in reason(sentinel[0], bands=asked)


def test_bands_without_names_are_named_by_a_list_as_long(tmp_path):
    bands = noise("uint16", 3)
    spec = measured(tmp_path, written(bands), bands=["red", "nir", "swir"])
    assert spec.channels == ["red", "nir", "swir"]
    assert normstat.compute(tmp_path).channels == ["B1", "B2", "B3"]
    assert "no band red; the file has bands B1, B2, B3" in reason(written(bands), bands=["red"])


def test_one_band_of_colour_is_chosen_by_its_letter():
    _, facts, codes, _ = decoded(written(noise("uint8", 3), photometric="rgb"), bands=["B", "R"])
    assert (facts.bands, len(codes)) == ("B,R", 2)


def test_files_of_unlike_bands_are_refused_by_name(run, tmp_path):
    (tmp_path / "set").mkdir()
    bands = planes(noise("uint16", 3))
    by_gdal(tmp_path / "set/a.tif", bands, names=["B02", "B03", "B04"])
    by_gdal(tmp_path / "set/b.tif", bands, names=["B04", "B03", "B02"])
    ran = run("compute", "set")
    assert ran.code == 3
    assert "1 with B02 B03 B04, 1 with B04 B03 B02" in ran.err
    assert run("compute", "set", "--bands", "B02,B03,B04").code == 0
    found = normstat.load(tmp_path / "normstat.json")
    both = [bands[0].mean(), bands[2].mean()]
    assert found.mean[0] == pytest.approx(sum(both) / 2 / 65535, rel=1e-12)


@pytest.mark.parametrize(
    ("extra", "channels", "kind", "native"),
    [
        ([0], 4, "rgb16", "bands4-16"),
        ([2], 4, "rgb16", "bands4-16"),
        ([0, 0], 5, "bands5-16", "bands5-16"),
        ([0, 2], 5, "bands5-16", "bands5-16"),
    ],
)
def test_channels_beside_colour_count_when_asked_for_or_when_there_are_many(
    extra, channels, kind, native
):
    codes = noise("uint16", channels)
    content = written(codes, photometric="rgb", extrasamples=extra)
    assert decoded(content)[0] == kind
    found, facts, every, _ = decoded(content, channels="native")
    assert (found, np.array_equal(every, planes(codes))) == (native, True)
    assert facts.bands.startswith("R,G,B,")


def test_two_bands_are_not_gray_with_alpha():
    codes = noise("uint8", 2)
    kind, _, found, _ = decoded(written(codes, extrasamples=[0]))
    assert (kind, np.array_equal(found, planes(codes))) == ("bands2-8", True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_bands_that_are_no_colour_are_not_their_first(dtype, compression, planar, channels):
    codes = noise(dtype, channels)
    stored = codes if planar == "contig" else planes(codes)
    content = written(stored, planarconfig=planar, compression=compression)
    _, facts, found, _ = decoded(content)
    assert (facts.mode, np.array_equal(found, planes(codes))) == (f"{dtype}x{channels}", True)


def test_names_of_bands_are_made_fit_for_a_line():
    item = '<Item name="DESCRIPTION" sample="{}" role="description">{}</Item>'
    text = "".join(item.format(*each) for each in ((0, "Red, 665 nm"), (1, "a&lt;b\x1b[2J")))
    assert gdal_names(text, 3) == ("Red; 665 nm", "a<b [2J", "B3")
    assert gdal_names(item.format(0, "same") + item.format(1, "same"), 2) == ()
    assert ome_names("<Channel/><Channel/>", 2) == ()


# --- pages, ImageJ, OME ---


def test_pages_are_frames_of_which_the_first_counts():
    pages = np.stack([noise("uint16") for _ in range(3)])
    kind, facts, codes, _ = decoded(written(pages))
    assert (kind, facts.animated, np.array_equal(codes[0], pages[0])) == ("gray16", True, True)


@pytest.mark.parametrize("options", [{}, {"compression": "deflate"}])
@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "TCYX"])
@pytest.mark.parametrize("flavour", ["imagej", "ome"])
def test_channels_in_pages_are_channels(flavour, axes, options):
    shape = (2,) * axes.index("C") + (3, ROWS, COLUMNS)
    codes = _random.integers(0, 65536, shape, dtype=np.uint16)
    metadata = {"axes": axes}
    if flavour == "ome":
        metadata["Channel"] = {"Name": ["DAPI", "GFP", "Cy5"]}
    elif codes.ndim == 3:
        metadata["Labels"] = ["DAPI", "GFP", "Cy5"]
    content = written(codes, metadata=metadata, **{flavour: True}, **options)
    _, facts, found, _ = decoded(content)
    assert np.array_equal(found, codes.reshape(-1, *shape[-3:])[0])
    assert facts.animated == (axes != "CYX")
    assert facts.bands == ("" if flavour == "imagej" and codes.ndim > 3 else "DAPI,GFP,Cy5")


def test_an_ome_file_does_not_make_us_open_others(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise("uint16"), ome=True, photometric="minisblack")
    xml = tifffile.tiffcomment(path).replace("<TiffData", '<TiffData FirstC="0"')
    other = xml.replace('FileName="a', 'FileName="b')
    tifffile.tiffcomment(path, other.encode())
    with suppress(ImageError):
        assert decoded(path.read_bytes())[0] == "gray16"


def test_overviews_are_no_frames(tmp_path):
    path = tmp_path / "image.tif"
    by_gdal(path, planes(noise("uint16", 2)), tiled=True, blockxsize=16, blockysize=16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "r+") as file:
            file.build_overviews([2, 4])
    assert not decoded(path.read_bytes())[1].animated


# --- colours and opacity ---


def test_zero_is_white_in_16_bits():
    for endian in "<>":
        content = tiff(WIDE, 16, photometric=0, endian=endian)
        assert np.array_equal(codes_of(content)[0], 65535 - WIDE)


def test_planar_16_bit_colour_is_not_scrambled():
    wide = RGB.astype(np.uint16) * 257 + 1
    content = tiff(wide, 16, photometric=2, planar=2)
    kind, _, codes, _ = decoded(content)
    assert (kind, np.array_equal(codes, planes(wide))) == ("rgb16", True)


@pytest.mark.parametrize(
    ("codes", "bits", "sample_format"),
    [
        (GRAY, 8, 2),
        (WIDE, 16, 2),
        (WIDE.astype(np.uint32) << 16, 32, 1),
        (WIDE.astype(np.int32) - 40000, 32, 2),
        (CODES12.astype(np.float16), 16, 3),
        (WIDE.astype(np.float32) / 7, 32, 3),
        (WIDE / 7, 64, 3),
    ],
    ids=["int8", "int16", "uint32", "int32", "float16", "float32", "float64"],
)
def test_types_that_pillow_would_misread(codes, bits, sample_format):
    expected = codes.view(f"i{bits // 8}") if sample_format == 2 else codes
    found = codes_of(tiff(codes, bits, sample_format=sample_format))
    assert np.array_equal(found[0], expected)


def test_12_bits_need_to_be_told_their_end(run, tmp_path):
    (tmp_path / "image.tif").write_bytes(tiff(packed(CODES12, 12).tobytes(), 12))
    ran = run("compute", "image.tif")
    assert (ran.code, "--max-pixel-value 4095" in ran.err) == (3, True)
    assert run("compute", "image.tif", "--max-pixel-value", "4095").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    assert spec.max_pixel_value == 4095
    assert spec.mean == pytest.approx([CODES12.mean() / 4095], rel=1e-14)
    assert spec.percentiles["75"] == pytest.approx([np.percentile(CODES12, 75) / 4095], rel=1e-14)


def test_a_code_beyond_the_end_that_was_told_is_refused(run, tmp_path):
    (tmp_path / "image.tif").write_bytes(written(WIDE))
    ran = run("compute", "image.tif", "--max-pixel-value", "4095")
    assert (ran.code, "codes up to 65535 are beyond max_pixel_value 4095" in ran.err) == (3, True)


def test_luma_of_16_bits_is_that_of_pillow_in_more_digits():
    codes = noise("uint16", 3)
    content = written(codes, photometric="rgb")
    kind, _, found, _ = decoded(content, mode="l")
    red, green, blue = planes(codes).astype(int)
    assert kind == "gray16"
    assert np.array_equal(found[0], (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16)


def test_mode_rgb_repeats_gray_of_any_depth(tmp_path):
    spec = measured(tmp_path, written(noise("float32")), mode="rgb")
    gray = normstat.compute(tmp_path)
    assert (spec.channels, spec.mean, spec.std) == (["R", "G", "B"], gray.mean * 3, gray.std * 3)


@pytest.mark.parametrize("mode", ["l", "rgb"])
def test_bands_are_neither_gray_nor_colour(sentinel, mode):
    assert f"--mode {mode} is for gray and colour" in reason(sentinel[0], mode=mode)


RGBA16 = noise("uint16", 4)
RGBA16[:20, :, 3] = 0


def test_alpha_of_16_bits_is_dropped_or_masks(tmp_path):
    content = written(RGBA16, photometric="rgb", extrasamples=["unassalpha"])
    spec = measured(tmp_path, content)
    shown = RGBA16[RGBA16[..., 3] > 0][:, :3]
    assert spec.mean == pytest.approx(RGBA16[..., :3].reshape(-1, 3).mean(axis=0) / 65535)
    assert spec.counts.transparent == 1
    masked = normstat.compute(tmp_path, alpha="mask")
    assert masked.mean == pytest.approx(shown.mean(axis=0) / 65535, rel=1e-12)
    assert masked.state.left_out == {"transparent": 3 * (RGBA16[..., 3] == 0).sum()}
    for policy in ("white", "black", "premultiply"):
        assert f"use --alpha drop or mask, not {policy}" in reason(content, alpha=policy)


def test_colours_that_are_premultiplied_are_taken_only_as_such():
    content = written(RGBA16, photometric="rgb", extrasamples=["assocalpha"])
    for policy in ("drop", "mask", "white"):
        assert "use --alpha premultiply" in reason(content, alpha=policy)
    assert np.array_equal(codes_of(content, alpha="premultiply"), planes(RGBA16)[:3])


def test_colours_of_a_palette_leave_out_the_index_that_means_none(tmp_path):
    indices = noise("uint8") & 15
    colours = _random.integers(0, 256, (3, 256)).astype(np.uint16) * 257
    tags = [(42113, "s", 0, "3", True)]
    content = written(indices, photometric="palette", colormap=colours, extratags=tags)
    spec = measured(tmp_path, content)
    expected = (colours >> 8).T[indices[indices != 3]] / 255
    assert spec.mean == pytest.approx(expected.mean(axis=0), rel=1e-12)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (written(noise("float32") * 1j), "complex64 pixels"),
        (written(noise("uint16", 4), photometric="separated"), "SEPARATED pixels"),
        (written(noise("uint16"), photometric="cfa"), "CFA pixels"),
        (written(np.full((4, 4), 2**60, np.int64)), "integers beyond 2^53"),
        (written(noise("float32"), photometric="miniswhite"), "0 is white"),
        (written(noise("uint16", 3), photometric="ycbcr", subsampling=(1, 1)), "YCbCr"),
    ],
    ids=["complex", "inks", "bayer", "int64", "white float", "ycbcr"],
)
def test_what_has_no_statistics_is_refused_by_name(tmp_path, content, why):
    (tmp_path / "image.tif").write_bytes(content)
    with pytest.raises(normstat.SourceError, match="none of 1 images could be read") as caught:
        normstat.compute(tmp_path)
    assert why in str(caught.value)


@pytest.mark.parametrize("option", [{"resize": 8}, {"crop": 8}])
def test_resize_and_crop_are_refused_for_what_comes_in_tiles(option):
    assert "--resize and --crop are for images of 8 bits" in reason(
        written(noise("int16")), **option
    )


# --- large files ---

LARGE = {
    "gray": {"codes": noise("uint8")},
    "gray, 0 is white": {"codes": noise("uint8"), "photometric": "miniswhite"},
    "colour": {"codes": noise("uint8", 3), "photometric": "rgb"},
    "colour in planes": {
        "codes": planes(noise("uint8", 3)), "photometric": "rgb", "planarconfig": "separate",
    },
    "colour and alpha": {
        "codes": noise("uint8", 4), "photometric": "rgb", "extrasamples": ["unassalpha"],
    },
    "gray of 16 bits": {"codes": noise("uint16")},
}  # fmt: skip


@pytest.mark.parametrize("options", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("alpha", ["drop", "mask"])
@pytest.mark.parametrize("channels", ["auto", "native"])
def test_large_files_give_by_tiles_what_pillow_gives(
    monkeypatch, tmp_path, options, alpha, channels
):
    content = written(**options, tile=(16, 16), compression="deflate")
    asked = {"alpha": alpha, "channels": channels, "covariance": True}
    whole = measured(tmp_path, content, **asked)
    monkeypatch.setattr(losses, "_MANY_PIXELS", 0)
    tiled = normstat.compute(tmp_path, backend="serial", **asked)
    assert next(iter(tiled.counts.by_mode)).startswith("uint")
    for name in ("channels", "mean", "std", "percentiles", "covariance", "histogram"):
        assert getattr(tiled, name) == getattr(whole, name)
    assert tiled.state.kinds == whole.state.kinds


def test_palettes_by_tiles_are_pillows_too(monkeypatch, tmp_path):
    colours = _random.integers(0, 65536, (3, 256)).astype(np.uint16)
    content = written(noise("uint8"), photometric="palette", colormap=colours, tile=(16, 16))
    whole = measured(tmp_path, content)
    monkeypatch.setattr(losses, "_MANY_PIXELS", 0)
    tiled = normstat.compute(tmp_path, backend="serial")
    assert tiled.state.kinds == whole.state.kinds


def test_a_large_file_is_not_refused_for_its_size_when_it_has_tiles(tmp_path):
    codes = noise("uint16")
    content = written(codes, tile=(16, 16))
    assert np.array_equal(codes_of(content, max_pixels=256)[0], codes)
    assert np.array_equal(codes_of(written(codes), max_pixels=1)[0], codes)


def test_a_strip_that_is_a_bomb_is_refused_before_it_is_decoded():
    content = written(np.zeros((3000, 3000), np.float32), rowsperstrip=3000, compression="zstd")
    told = reason(content, max_pixels=1_000_000)
    assert "a strip of 3000 x 3000 pixels is over the limit of 1,000,000" in told


def test_a_large_tiff_takes_little_memory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows, columns = 6000, 6000
    path = tmp_path / "large.tif"
    tile = noise("uint16")
    row = np.tile(tile, (5, columns // COLUMNS + 1))[:256, :columns]
    tiles = (
        np.pad(row, ((0, 0), (0, 256)))[:, start : start + 256]
        for _ in range(0, rows, 256)
        for start in range(0, columns, 256)
    )
    options = {"shape": (rows, columns), "dtype": np.uint16, "metadata": None}
    tifffile.imwrite(path, tiles, **options, tile=(256, 256), photometric="minisblack")
    assert path.stat().st_size > 1 << 26
    small = tmp_path / "small.tif"
    small.write_bytes(written(tile, tile=(16, 16)))
    peaks = [_peak("compute", str(each), "-j", "1", "-q") for each in (small, path)]
    assert peaks[1] - peaks[0] < 40_000  # kB; the image has 72 MB


def _peak(*arguments):
    """The largest resident set of a command, in kB.

    A process starts with the peak of the one that started it, which here has all of the tests.
    """
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "normstat", *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


# --- damage ---

SEEDS = {
    "tiles": written(noise("uint16", 3), tile=(16, 16), compression="deflate", predictor=True),
    "planes": written(planes(noise("float32", 2)), planarconfig="separate", rowsperstrip=9),
    "lzw": written(noise("int16"), compression="lzw", rowsperstrip=16),
    "BigTIFF": written(noise("uint32"), bigtiff=True),
    "imagej": written(planes(noise("uint16", 3)), imagej=True, metadata={"axes": "CYX"}),
    "ome": written(planes(noise("uint16", 3)), ome=True, metadata={"axes": "CYX"}),
}


def survives(content):
    """Whatever the bytes are, there is an image or an `ImageError`, and nothing is printed."""
    pipeline = Pipeline(max_pixels=100_000)
    with suppress(ImageError), undisturbed(), read(partial(BytesIO, content), pipeline) as found:
        for _ in found.blocks:
            pass


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_files_raise_nothing_but_image_errors(kind, caplog):
    seed = SEEDS[kind]
    flips = st.lists(st.tuples(st.integers(0, 400) | st.integers(0, len(seed) - 1),
                               st.integers(0, 255)), max_size=6)  # fmt: skip

    @settings(max_examples=250, deadline=None, database=None)
    @given(flips, st.integers(0, len(seed)), st.booleans())
    def damaged(changes, length, whole):
        content = bytearray(seed if whole else seed[:length])
        for place, value in changes:
            if place < len(content):
                content[place] = value
        survives(bytes(content))

    with caplog.at_level(logging.WARNING):
        damaged()
    assert not caplog.records


@pytest.mark.parametrize("kind", SEEDS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_that_ends_early_is_not_counted(kind, part):
    seed = SEEDS[kind]
    told = reason(seed[: int(len(seed) * part)])
    assert "damaged" in told or "header" in told


def test_a_tile_that_decodes_to_less_is_damaged():
    content = bytearray(written(noise("uint16"), tile=(32, 32), compression="deflate"))
    with tifffile.TiffFile(BytesIO(content)) as file:
        place, count = file.pages[0].dataoffsets[1], file.pages[0].databytecounts[1]
    short = tifffile.TIFF.COMPRESSORS[8](bytes(100))
    content[place : place + len(short)] = short
    assert len(short) < count
    assert "damaged" in reason(bytes(content))


def test_compressions_nobody_can_read_are_named():
    content = tiff(WIDE, 16, more={259: (34000,)}, photometric=0)
    assert "compression" in reason(content) or "damaged" in reason(content)


def test_a_folder_of_all_of_these_ends_with_a_list_of_reasons(run, tmp_path):
    (tmp_path / "set").mkdir()
    for name, seed in SEEDS.items():
        (tmp_path / f"set/{name}.tif").write_bytes(seed[: len(seed) // 2])
    (tmp_path / "set/good.tif").write_bytes(written(noise("uint16")))
    ran = run("compute", "set")
    assert ran.code == 0
    assert "Traceback" not in ran.err
    assert normstat.load(tmp_path / "normstat.json").counts.skipped == len(SEEDS)


def test_pillow_and_we_agree_on_what_the_header_says():
    with Image.open(BytesIO(tiff(GRAY))) as image:
        assert image.size == (WIDTH, HEIGHT)
