"""All frames of an animation or of a TIFF with pages count as one image, as they are shown."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageSequence

import normstat
from normstat.errors import ImageError
from normstat.images import foreseen, read, undisturbed
from normstat.readers import assembled
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Collector, counted

ODD = Path(__file__).parents[1] / "sample_data" / "odd"
RNG = np.random.default_rng(5)
PICTURES = [RNG.integers(60 * k, 60 * k + 90, (8, 6, 3), np.uint8) for k in range(3)]
LOSSLESS = {
    "PNG": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True, "exact": True, "minimize_size": False},
}


def saved(pictures, form, **options):
    """Return a file of all pictures."""
    first, *rest = map(Image.fromarray, pictures)
    content = io.BytesIO()
    first.save(content, form, save_all=True, append_images=rest, **options)
    return content.getvalue()


def pages(*arrays, form=None):
    """Return a TIFF; an array may come with options of its own."""
    content = io.BytesIO()
    with tifffile.TiffWriter(content, **(form or {})) as tiff:
        for each in arrays:
            array, own = each if isinstance(each, tuple) else (each, {})
            photometric = "rgb" if array.shape[-1:] == (3,) else "minisblack"
            tiff.write(array, photometric=photometric, metadata=None, **own)
    return content.getvalue()


def found_in(content, **options):
    """Return kind, facts, shape, codes of shape (channels, rows, columns), and where they count."""
    pipeline = Pipeline(**{"frames": "all", **options})
    with undisturbed(), read(partial(io.BytesIO, content), pipeline) as decoded:
        return decoded.kind, decoded.facts, decoded.shape, *assembled(decoded)


def stacked(pictures):
    """Return pictures of shape (height, width, 3) as (3, rows, width)."""
    return np.concatenate(pictures).transpose(2, 0, 1)


@pytest.mark.parametrize("form", LOSSLESS)
def test_frames_are_the_pictures(form):
    content = saved(PICTURES, form, **LOSSLESS[form])
    kind, facts, shape, codes, valid = found_in(content)
    assert (kind, shape, valid, facts.animated) == ("rgb8", (3, 8, 6), None, True)
    assert np.array_equal(codes, stacked(PICTURES))


@pytest.mark.parametrize("form", LOSSLESS)
def test_first_stays_the_default(form):
    content = saved(PICTURES, form, **LOSSLESS[form])
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline()) as decoded:
        assert np.array_equal(np.asarray(decoded.image), PICTURES[0])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP"])
def test_files_of_one_frame_are_read_as_ever(form):
    content = io.BytesIO()
    Image.fromarray(PICTURES[0]).save(content, form)
    found = []
    for frames in ("first", "all"):
        pipeline = Pipeline(frames=frames)
        with undisturbed(), read(partial(io.BytesIO, content.getvalue()), pipeline) as decoded:
            found.append((decoded.kind, decoded.facts, decoded.image.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
@pytest.mark.parametrize("transparency", [None, 0])
def test_gif_is_composited_as_shown(disposal, transparency):
    frames = []
    for k in range(4):
        frame = Image.new("P", (9, 7), 0)
        frame.putpalette([10 * k, 20, 30, 200, 100 + k, 50, 0, 255, 0])
        frame.paste(1 + k % 2, (k, k, k + 3, k + 3))
        frames.append(frame)
    content = io.BytesIO()
    options = {} if transparency is None else {"transparency": transparency}
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], disposal=disposal, **options
    )
    with Image.open(content) as image:
        shown = [np.asarray(each.convert("RGB")) for each in ImageSequence.Iterator(image)]
        alpha = [np.asarray(each.convert("RGBA"))[..., 3] for each in ImageSequence.Iterator(image)]
    _, _, _, codes, _ = found_in(content.getvalue())
    assert np.array_equal(codes, stacked(shown))
    _, _, _, codes, valid = found_in(content.getvalue(), alpha="mask")
    opaque = np.concatenate(alpha) > 0
    if transparency is None:
        assert valid is None or valid.all()
    else:
        assert np.array_equal(valid, np.repeat(opaque[None], 3, axis=0))
    assert np.array_equal(codes[:, opaque], stacked(shown)[:, opaque])


def test_gif_with_gray_first_and_colour_later_is_colour():
    gray = Image.new("L", (6, 6), 100)
    colour = Image.fromarray(PICTURES[0][:6, :6])
    content = io.BytesIO()
    gray.save(content, "GIF", save_all=True, append_images=[colour.quantize(16)])
    kind, _, _, codes, _ = found_in(content.getvalue())
    assert kind == "rgb8"
    assert (codes[:, :6] == 100).all()
    with Image.open(content) as image:
        image.seek(1)
        assert np.array_equal(codes[:, 6:], np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def test_still_image_of_an_animated_png_is_no_frame_of_it():
    content = saved(PICTURES, "PNG", default_image=True)
    assert np.array_equal(found_in(content)[3], stacked(PICTURES[1:]))
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline()) as decoded:
        assert np.array_equal(np.asarray(decoded.image), PICTURES[0])


def test_pictures_beside_that_of_a_camera_are_no_frames(tmp_path):
    content = saved(PICTURES, "MPO")
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline(frames="all")) as decoded:
        assert decoded.image is not None


@pytest.mark.parametrize("form", [{}, {"byteorder": ">"}, {"bigtiff": True}])
def test_smaller_copies_and_masks_are_no_pages(form):
    mask = PICTURES[0][..., 0] > 40
    content = pages(
        PICTURES[0],
        (PICTURES[0][::2, ::2], {"subfiletype": 1}),
        (mask, {"subfiletype": 4}),
        PICTURES[1],
        form=form,
    )
    *_, codes, valid = found_in(content)
    assert np.array_equal(codes, stacked(PICTURES[:2]))
    assert np.array_equal(valid[0], np.concatenate([mask, np.ones_like(mask)]))


@given(st.integers(2, 4), st.data())
def test_sixteen_bit_pages(count, data):
    several = [data.draw(arrays(np.uint16, (3, 4))) for _ in range(count)]
    kind, facts, shape, codes, _ = found_in(pages(*several))
    assert (kind, facts.mode, shape) == ("gray16", "I;16", (count, 3, 4))
    assert np.array_equal(codes[0], np.concatenate(several))


def test_counts_and_covariance_are_those_of_all_pixels():
    content = saved(PICTURES, "TIFF")
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline(frames="all")) as decoded:
        record = counted(decoded.kind, decoded.facts, decoded.blocks, covariance=True)
    collector = Collector(ddof=0, covariance=True)
    collector.add(record)
    sums = collector.state().kinds["rgb8"]
    wide = stacked(PICTURES).reshape(3, -1).astype(int)
    assert sums.images.images == 1
    assert sums.images.n == [3 * 8 * 6] * 3
    assert sums.images.s == wide.sum(axis=1).tolist()
    assert sums.products == [(wide[a] * wide[b]).sum() for a, b in ((0, 1), (0, 2), (1, 2))]


@pytest.mark.parametrize(
    "options", [{"resize": 4}, {"crop": 5}, {"resize": 7, "crop": 5}, {"crop": 12}, {"mode": "l"}]
)
def test_each_frame_is_fitted_as_an_image_of_its_own(options):
    found = found_in(saved(PICTURES, "TIFF"), **options)
    alone = []
    for picture in PICTURES:
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "TIFF")
        with (
            undisturbed(),
            read(partial(io.BytesIO, content.getvalue()), Pipeline(**options)) as one,
        ):
            alone.append(np.atleast_3d(np.asarray(one.image)))
            padded = one.facts.padded
    assert np.array_equal(found[3], np.concatenate(alone).transpose(2, 0, 1))
    assert found[1].padded == padded


def test_pages_of_unlike_sizes_are_refused_until_they_agree():
    content = pages(PICTURES[0], PICTURES[1][:5])
    with pytest.raises(ImageError, match="unlike sizes, 6 x 8 and 6 x 5: --resize N --crop N"):
        found_in(content)
    assert found_in(content, crop=4)[2] == (2, 4, 4)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (np.zeros((8, 6), np.uint16), "frames of unlike kinds: I;16, RGB"),
        (np.zeros((8, 6), np.float32), "page 2: float pixels"),
        (np.zeros((8, 6, 3), np.uint16), "page 2: more than 8 bits"),
    ],
)
def test_pages_of_unlike_kinds_are_refused(second, reason):
    with pytest.raises(ImageError, match=reason):
        found_in(pages(PICTURES[0], second))


DEEP = RNG.integers(-9999, 9999, (4, 5, 8, 6))


@pytest.mark.parametrize(
    ("dtype", "kind"), [("u2", "gray16"), ("i2", "gray-s16"), ("f4", "gray-float"), ("i4", None)]
)
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (16, 16)}])
def test_deep_pages(dtype, kind, options):
    planes = DEEP[0].astype(dtype)
    content = pages(*((each, options) for each in planes))
    found, _, shape, codes, _ = found_in(content)
    assert (found, shape) == (kind or "gray-float", planes.shape)
    assert np.array_equal(codes[0], np.concatenate(planes))


def test_deep_colour_pages():
    planes = DEEP[:3].astype(np.uint16).transpose(1, 2, 3, 0)
    kind, _, _, codes, _ = found_in(pages(*planes))
    assert kind == "rgb16"
    assert np.array_equal(codes, stacked(planes))


@pytest.mark.parametrize("form", [{"imagej": True}, {"ome": True}, {}])
@pytest.mark.parametrize("axes", ["TCYX", "TZCYX", "CYX", "TYX", "ZCYX"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("depth", [8, 16])
def test_stacks_whose_pages_are_channels(form, axes, compression, depth):
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 8, "X": 6}
    stack = RNG.integers(0, 1 << depth, [sizes[axis] for axis in axes], f"u{depth // 8}")
    content = io.BytesIO()
    tifffile.imwrite(
        content, stack, **form, metadata={"axes": axes}, photometric="minisblack",
        compression=compression,
    )  # fmt: skip
    kind, _, shape, codes, _ = found_in(content.getvalue())
    wide = stack if "C" in axes else stack[:, None]
    expected = np.moveaxis(wide, -3, 0).reshape(wide.shape[-3], -1, 6)
    assert kind == (f"bands4-{depth}" if "C" in axes else f"gray{depth}")
    assert np.prod(shape[:-1]) == expected.shape[1]
    assert np.array_equal(codes, expected)


@pytest.mark.parametrize("form", [{"imagej": True}, {}])
def test_planes_behind_a_single_header(form):
    stack = RNG.integers(0, 256, (5, 8, 6), np.uint8)
    content = io.BytesIO()
    with tifffile.TiffWriter(content, **form) as tiff:
        tiff.write(stack, truncate=True, metadata={"axes": "ZYX"}, photometric="minisblack")
    assert Image.open(content).n_frames == 1
    _, _, shape, codes, _ = found_in(content.getvalue())
    assert shape == (5, 8, 6)
    assert np.array_equal(codes[0], np.concatenate(stack))


def test_deep_pages_of_unlike_palettes_or_sizes_are_refused():
    with pytest.raises(ImageError, match="page 2 is unlike the first"):
        found_in(pages(DEEP[0, 0].astype("f4"), DEEP[0, 1, :5].astype("f4")))


def test_gray_pages_stand_beside_colour_as_three_equal_channels():
    gray = PICTURES[1][..., 0]
    for several in ((PICTURES[0], gray), (gray, PICTURES[0])):
        expected = [np.atleast_3d(each) * np.ones(3, np.uint8) for each in several]
        assert np.array_equal(found_in(pages(*several))[3], stacked(expected))


@pytest.mark.parametrize("options", [{"bands": ["R"]}, {"nodata": 0}])
def test_what_is_not_supported_together_is_refused(options):
    with pytest.raises(ImageError, match="--bands and --nodata are for one frame"):
        found_in(saved(PICTURES, "PNG"), **options)


def test_bands_of_all_pages():
    _, facts, shape, codes, _ = found_in(saved(PICTURES, "TIFF"), bands=["3", "1"])
    assert (facts.bands, shape) == ("B,R", (3, 8, 6))
    assert np.array_equal(codes, stacked(PICTURES)[[2, 0]])


def test_truncated_animation_is_refused_whole():
    content = saved(PICTURES, "TIFF")
    with pytest.raises(ImageError):
        found_in(content[: len(content) // 2])


def test_native_channels_keep_alpha_of_every_frame():
    clear = [np.dstack([each, each[..., 0]]) for each in PICTURES]
    kind, facts, _, codes, _ = found_in(saved(clear, "PNG"), channels="native")
    assert (kind, facts.bands) == ("bands4-8", "R,G,B,A")
    assert np.array_equal(codes, np.concatenate(clear).transpose(2, 0, 1))


@pytest.mark.parametrize("frames", ["first", "all"])
def test_what_is_foreseen_is_what_is_read(frames):
    content = (ODD / "animated.gif").read_bytes()
    with undisturbed():
        found = foreseen(partial(io.BytesIO, content), Pipeline(frames=frames))
    assert found == (48, 32 * (4 if frames == "all" else 1), 3)


# --- the command ---


def test_command(run, tmp_path):
    done = run("compute", ODD / "animated.gif", "--frames", "all", "--covariance")
    assert "1 with several frames, of which all count" in " ".join(done.out.split())
    spec = normstat.load(tmp_path / "normstat.json")
    with Image.open(ODD / "animated.gif") as image:
        codes = stacked([np.asarray(each.convert("RGB")) for each in ImageSequence.Iterator(image)])
    wide = codes.reshape(3, -1) / 255
    assert (spec.counts.images, spec.counts.pixels, spec.counts.animated) == (1, 4 * 48 * 32, 1)
    assert spec.mean == pytest.approx(wide.mean(axis=1), rel=1e-14)
    assert spec.std == pytest.approx(wide.std(axis=1), rel=1e-14)
    assert np.array(spec.covariance) == pytest.approx(np.cov(wide, ddof=0), rel=1e-12)
    assert spec.pipeline.frames == "all"


def test_samples_of_pages(run, samples, tmp_path):
    assert run("compute", samples / "deep" / "pages.tif", "--frames", "all", "-q").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    codes = np.stack([tifffile.imread(samples / "deep" / "pages.tif", key=k) for k in (0, 2, 3)])
    assert spec.counts.pixels == codes.size // 3
    assert spec.mean == pytest.approx((codes / 255).mean(axis=(0, 1, 2)), rel=1e-14)


def test_apply_writes_every_frame(run, tmp_path):
    assert run("compute", ODD / "animated.gif", "--frames", "all", "-q").code == 0
    done = run(
        "apply", ODD / "animated.gif", "--frames", "all", "--spec", "normstat.json", "-o", "out"
    )
    assert done.code == 0, done
    [written] = (tmp_path / "out").rglob("*.npy")
    values = np.load(written)
    assert values.shape == (3, 4, 32, 48)
    assert values.mean(axis=(1, 2, 3)) == pytest.approx(0, abs=1e-5)
