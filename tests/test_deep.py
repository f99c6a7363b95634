"""PNG, JPEG 2000, AVIF, PPM and HDR beyond 8 bits; bands and nodata of any image; and no extra."""

import subprocess
import sys
from contextlib import suppress
from functools import partial
from io import BytesIO

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import ImageError
from normstat.images import read, undisturbed
from normstat.readers.netpbm import read as read_netpbm
from normstat.spec.pipeline import Pipeline
from tests.test_images import (
    ALPHA,
    CODES12,
    GRAY,
    HEIGHT,
    INDICES,
    PALETTE,
    PLTE,
    RGB,
    RGB16,
    RGBA,
    WIDE,
    WIDTH,
    jpeg2000,
    key_chunk,
    packed,
    png,
    saved,
    tiff,
)  # fmt: skip
from tests.test_tiff import codes_of, decoded, planes, reason

RGBA16 = np.dstack([RGB16, WIDE])
LARGE = np.tile(RGB16, (6, 4, 1))  # what JPEG 2000 and AVIF need to be lossless
FLOATS = np.ldexp(1 + np.tile(RGB // 2, (2, 1, 1)) / 128, 3).astype(np.float32)


def ppm(codes, top):
    kind = b"P6" if codes.ndim == 3 else b"P5"
    return kind + b"\n# by hand\n16 6\n%d\n" % top + codes.astype(">u2").tobytes()


def by_opencv(suffix, codes):
    told, content = cv2.imencode(suffix, codes[..., ::-1] if codes.ndim == 3 else codes)
    assert told
    return content.tobytes()


READ = {
    "png rgb": (png(RGB16.reshape(HEIGHT, -1), 16, 2), "rgb16", RGB16),
    "png rgb by opencv": (by_opencv(".png", RGB16), "rgb16", RGB16),
    "png gray by opencv": (by_opencv(".png", WIDE), "gray16", WIDE),
    "png rgba": (png(RGBA16.reshape(HEIGHT, -1), 16, 6), "rgb16", RGB16),
    "png gray and alpha": (png(RGB16[..., :2].reshape(HEIGHT, -1), 16, 4), "gray16", RGB16[..., 0]),
    "png rgb with a transparent colour": (
        png(RGB16.reshape(HEIGHT, -1), 16, 2, tRNS=key_chunk(*RGB16[0, 0])), "rgb16", RGB16,
    ),
    "ppm": (ppm(RGB16, 65535), "rgb16", RGB16),
    "ppm as text": (
        b"P3 16 6 65535\n" + " ".join(map(str, RGB16.ravel())).encode(), "rgb16", RGB16,
    ),
    "pgm as text": (b"P2 2 2 65535\n0 300 40000 65535\n", "gray16", [[0, 300], [40000, 65535]]),
    "jpeg 2000 rgb": (imagecodecs.jpeg2k_encode(LARGE, level=0), "rgb16", LARGE),
    "jpeg 2000 stream": (
        imagecodecs.jpeg2k_encode(LARGE, level=0, codecformat="j2k"), "rgb16", LARGE,
    ),
    "jpeg 2000 rgb, low bytes": (imagecodecs.jpeg2k_encode(LARGE | 1, level=0), "rgb16", LARGE | 1),
    "hdr": (imagecodecs.rgbe_encode(FLOATS, header=True), "rgb-float", FLOATS),
    "hdr by opencv": (by_opencv(".hdr", FLOATS), "rgb-float", FLOATS),
    "tiff rgb": (tiff(RGB16, 16, photometric=2), "rgb16", RGB16),
    "tiff rgb, big endian": (tiff(RGB16, 16, photometric=2, endian=">"), "rgb16", RGB16),
    "tiff float by opencv": (by_opencv(".tiff", FLOATS), "rgb-float", FLOATS),
}  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "expected"), READ.values(), ids=READ)
def test_no_bit_is_lost(content, kind, expected):
    found, _, codes, _ = decoded(content)
    assert found == kind
    assert np.array_equal(codes, planes(np.asarray(expected)))


@pytest.mark.parametrize(("content", "kind", "expected"), READ.values(), ids=READ)
def test_statistics_are_those_of_numpy_in_float64(run, tmp_path, content, kind, expected):
    (tmp_path / "image.png").write_bytes(content)
    assert run("compute", "image.png").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    top = 65535 if kind.endswith("16") else 1
    columns = planes(np.asarray(expected, np.float64)).reshape(len(spec.channels), -1) / top
    assert spec.max_pixel_value == top
    assert spec.mean == pytest.approx(columns.mean(axis=1), rel=1e-12)
    assert spec.std == pytest.approx(columns.std(axis=1), rel=1e-12)
    if top > 1:
        for percent in ("0.5", "50", "99.5"):
            assert spec.percentiles[percent] == pytest.approx(
                np.percentile(columns, float(percent), axis=1), rel=1e-12
            )


# --- depths that are neither 8 nor 16 ---

TEN = np.tile(CODES12 >> 2, (6, 4))
TWELVE = {
    "jpeg 2000": (imagecodecs.jpeg2k_encode(LARGE >> 4, level=0, bitspersample=12), 4095),
    "pgm": (ppm(CODES12, 4095), 4095),
    "ppm to 1000": (ppm(RGB16 % 1001, 1000), 1000),
    "tiff": (tiff(packed(CODES12, 12).tobytes(), 12), 4095),
    "avif": (
        imagecodecs.avif_encode(np.dstack([TEN] * 3), level=100, bitspersample=10), 1023,
    ),
}  # fmt: skip
CODES = {
    "jpeg 2000": LARGE >> 4,
    "pgm": CODES12,
    "ppm to 1000": RGB16 % 1001,
    "tiff": CODES12,
    "avif": np.dstack([TEN] * 3),
}


@pytest.mark.parametrize("name", TWELVE)
def test_other_depths_are_read_once_their_end_is_told(tmp_path, name):
    content, top = TWELVE[name]
    (tmp_path / "image.tif").write_bytes(content)
    with pytest.raises(normstat.SourceError, match=f"--max-pixel-value {top}"):
        normstat.compute(tmp_path)
    spec = normstat.compute(tmp_path, max_pixel_value=top)
    columns = planes(CODES[name]).reshape(len(spec.channels), -1) / top
    assert spec.max_pixel_value == top
    assert spec.mean == pytest.approx(columns.mean(axis=1), rel=1e-12)
    assert spec.std == pytest.approx(columns.std(axis=1), rel=1e-12)


def test_12_bits_in_a_png_of_16_are_divided_by_4095(run, tmp_path):
    (tmp_path / "image.png").write_bytes(png(CODES12, 16, 0))
    assert run("compute", "image.png", "--max-pixel-value", "4095").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    assert spec.mean == pytest.approx([CODES12.mean() / 4095], rel=1e-12)
    assert spec.percentiles["99.5"] == pytest.approx([np.percentile(CODES12, 99.5) / 4095])
    (tmp_path / "more.png").write_bytes(png(WIDE, 16, 0))
    ran = run("compute", "more.png", "--max-pixel-value", "4095", "-o", "more.json")
    assert (ran.code, "codes up to 65535 are beyond max_pixel_value 4095" in ran.err) == (3, True)
    assert not (tmp_path / "more.json").exists()


# --- opacity ---


@pytest.mark.parametrize("content", [READ["png rgba"][0], tiff(RGBA16, 16, photometric=2,
                                                              more={338: (2,)})])  # fmt: skip
def test_deep_alpha_can_be_a_mask(content):
    shown = WIDE > 0
    _, facts, _, valid = decoded(content, alpha="mask")
    assert facts.transparent
    assert np.array_equal(valid[0], shown)
    assert not shown.all()


def test_a_transparent_colour_of_16_bits_can_be_masked():
    content = READ["png rgb with a transparent colour"][0]
    _, facts, _, valid = decoded(content, alpha="mask")
    assert facts.transparent
    assert np.array_equal(valid[1], (RGB16[0, 0] != RGB16).any(axis=2))


# --- bands and nodata of images that Pillow reads ---


@pytest.mark.parametrize(
    ("content", "asked", "expected"),
    [
        (png(RGB, 8, 2), ["G"], RGB[..., [1]]),
        (png(RGB, 8, 2), ["B", "G", "R"], RGB[..., ::-1]),
        (png(RGB, 8, 2), ["red", "green", "nir"], RGB),
        (png(RGBA, 8, 6), ["A", "1"], RGBA[..., [3, 0]]),
        (png(np.dstack([GRAY, ALPHA]), 8, 4), ["A"], ALPHA[..., None]),
        (png(GRAY, 8, 0), ["depth"], GRAY[..., None]),
        (png(WIDE, 16, 0), ["L"], WIDE[..., None]),
        (png(INDICES, 8, 3, PLTE=PLTE), ["R"], PALETTE[INDICES][..., [0]]),
        (READ["png rgba"][0], ["A", "R"], RGBA16[..., [3, 0]]),
    ],
)
def test_bands_of_any_image_can_be_chosen(content, asked, expected):
    kind, facts, codes, valid = decoded(content, bands=asked)
    assert np.array_equal(codes, planes(expected))
    assert (facts.bands.count(",") + 1, valid) == (len(asked), None)
    assert kind.startswith(f"bands{len(asked)}-")


@pytest.mark.parametrize("asked", [["X"], ["4"], ["R", "G", "X", "B"]])
def test_bands_that_an_image_does_not_have_are_refused(asked):
    assert "the file has bands R, G, B" in reason(png(RGB, 8, 2), bands=asked)


def test_nodata_counts_in_each_channel_by_itself(tmp_path):
    codes = RGB // 4 * 4
    codes[::2, :, 0] = 64
    (tmp_path / "image.png").write_bytes(png(codes, 8, 2))
    spec = normstat.compute(tmp_path, nodata=64)
    expected = [plane[plane != 64] / 255 for plane in planes(codes)]
    assert spec.channels == ["R", "G", "B"]
    assert spec.mean == pytest.approx([each.mean() for each in expected], rel=1e-12)
    assert spec.std == pytest.approx([each.std() for each in expected], rel=1e-12)
    for percent, found in spec.percentiles.items():
        quantiles = [np.percentile(each, float(percent)) for each in expected]
        assert found == pytest.approx(quantiles, abs=1e-12)
    assert spec.state.left_out == {"nodata": int((codes == 64).sum())}


def test_a_palette_has_no_nodata():
    assert "a palette does not have" in reason(png(INDICES, 8, 3, PLTE=PLTE), nodata=0)


@pytest.mark.parametrize("options", [{"bands": ["R"]}, {"nodata": 0}])
def test_bands_and_nodata_are_refused_beside_resize(options):
    assert "without --bands, --nodata and a mask" in reason(png(RGB, 8, 2), resize=4, **options)


# --- bombs and damage ---


@pytest.mark.parametrize(
    "content",
    [
        png(np.zeros((1, 6), np.uint16), 16, 2, width=100_000),
        b"P6 100000 100000 65535\n",
        b"P5 100000 100000 4095\n",
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n",
        imagecodecs.jpeg2k_encode(LARGE, level=0),
    ],
)
def test_the_limit_of_pixels_holds_before_anything_is_decoded(content):
    assert "--max-pixels" in reason(content, max_pixels=1000)


DAMAGED = {
    "PNG": READ["png rgba"][0],
    "PPM": READ["ppm"][0],
    "PGM as text": READ["pgm as text"][0],
    "HDR": READ["hdr"][0],
    "JPEG 2000": imagecodecs.jpeg2k_encode(LARGE[:12], level=0),
    "AVIF": TWELVE["avif"][0],
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_raise_nothing_but_image_errors(kind):
    seed = DAMAGED[kind]
    pipeline = Pipeline(max_pixels=100_000, max_pixel_value=65535)
    places = st.integers(0, 200) | st.integers(0, len(seed) - 1)
    changes = st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)

    @settings(max_examples=150, deadline=None, database=None)
    @given(changes, st.integers(0, len(seed)), st.booleans())
    def damaged(changes, length, whole):
        content = bytearray(seed if whole else seed[:length])
        for place, value in changes:
            if place < len(content):
                content[place] = value
        opener = partial(BytesIO, bytes(content))
        with suppress(ImageError), undisturbed(), read(opener, pipeline) as found:
            list(found.blocks)

    damaged()


@pytest.mark.parametrize("name", ["png rgb", "ppm", "jpeg 2000 rgb", "hdr", "pgm as text"])
def test_a_file_that_ends_early_is_not_counted(name):
    content = READ[name][0]
    assert "damaged" in reason(content[: len(content) * 2 // 3])


def test_a_reader_is_given_what_it_can_read():
    with pytest.raises(ImageError, match="damaged"):
        read_netpbm(BytesIO(b"P6 16 6 255\n"), Pipeline())


# --- without the extra ---

NEEDS_EXTRA = {
    **{
        name: content
        for name, (content, *_) in READ.items()
        if "p" not in name[:1] or "png" in name
    },
    "float": saved(Image.fromarray(FLOATS[..., 0]), "TIFF"),
    "jpeg 2000 12 bits": jpeg2000(np.tile((WIDE >> 4) + np.uint16(30720), (6, 2)), 12),
    "tiff signed bytes": tiff(GRAY, sample_format=2),
    "tiff 16-bit, 0 is white": tiff(WIDE, 16, photometric=0),
    "tiff 12-bit": TWELVE["tiff"][0],
    "tiff of two bands": tiff(RGB[..., :2], more={338: (0,)}),
    "tiff with nodata": saved(Image.fromarray(GRAY), "TIFF", tiffinfo={42113: "0"}),
}
del NEEDS_EXTRA["png gray by opencv"]  # Pillow's own
_BLOCKED = """\
import sys
for name in ("tifffile", "imagecodecs"):
    sys.modules[name] = None
import normstat
spec = normstat.compute("set", backend="serial")
for each in spec.skipped:
    print(each.name, each.reason, sep="|")
print(spec.counts.images)
"""


def test_without_the_extra_such_files_are_skipped_with_the_line_that_installs_it(tmp_path):
    (tmp_path / "set").mkdir()
    for place, content in enumerate(NEEDS_EXTRA.values()):
        (tmp_path / f"set/{place}.tif").write_bytes(content)
    others = {
        "gray": png(GRAY, 8, 0), "gray16": png(WIDE, 16, 0), "tiff": tiff(RGB, photometric=2),
        "ppm": READ["ppm"][0],
    }  # fmt: skip
    for name, content in others.items():
        (tmp_path / f"set/{name}.png").write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-c", _BLOCKED], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *skipped, read_ = ran.stdout.splitlines()
    assert read_ == str(len(others))
    names = {f"{place}.tif" for place in range(len(NEEDS_EXTRA))}
    assert {line.partition("|")[0] for line in skipped} == names
    assert all("pip install 'normstat[scientific]'" in line for line in skipped)


def test_a_large_tiff_is_pillows_without_the_extra(tmp_path):
    (tmp_path / "set").mkdir()
    tifffile.imwrite(tmp_path / "set/a.tif", GRAY, photometric="minisblack", metadata=None)
    code = _BLOCKED.replace(
        "import normstat", "import normstat.images.losses\nnormstat.images.losses._MANY_PIXELS = 0"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "1\n"


def test_the_size_is_told_as_the_image_has_it():
    assert codes_of(READ["ppm"][0]).shape == (3, HEIGHT, WIDTH)


# --- the samples ---

SAMPLES = {
    "elevation.tif": "gray-float float32",
    "float.tif": "gray-float float32",
    "gray12.png": "gray16 I;16",
    "light.hdr": "rgb-float float32x3",
    "planar-rgb16.tif": "rgb16 uint16x3",
    "satellite13.tif": "bands13-16 uint16x13",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_deep_sample_is_read_as_what_it_is(samples, tmp_path, name):
    kind, facts, *_ = decoded((samples / "deep" / name).read_bytes())
    assert f"{kind} {facts.mode}" == SAMPLES[name]
    (tmp_path / name).symlink_to(samples / "deep" / name)
    spec = normstat.compute(tmp_path)
    assert (spec.counts.images, spec.counts.skipped) == (1, 0)


def test_samples_leave_out_what_they_say(samples):
    spec = normstat.compute(samples / "deep" / "satellite13.tif")
    assert (spec.channels[0], spec.channels[8], len(spec.channels)) == ("B01", "B8A", 13)
    assert spec.state.left_out == {"nodata": 13 * 48 * 10}
    spec = normstat.compute(samples / "deep" / "elevation.tif")
    assert spec.state.left_out == {"nan": 4, "nodata": 4 * 64}
