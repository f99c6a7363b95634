"""From file to pixels: exact where Pillow is, skipped with a reason where it is not."""

import struct
import zlib
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import ImageError
from normstat.images import read, resized_and_cropped, undisturbed
from normstat.sources.directory import opened
from normstat.spec.pipeline import Pipeline

PILLOW = tuple(map(int, PIL.__version__.split(".")[:2]))  # 13 reads some TIFFs that 12 refuses
HEIGHT, WIDTH = 6, 16
_random = np.random.default_rng(20)
GRAY = _random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
RGB = _random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
ALPHA = _random.choice(np.array([0, 0, 1, 64, 127, 128, 254, 255], np.uint8), (HEIGHT, WIDTH))
RGBA = np.dstack([RGB, ALPHA])
INKS = _random.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
WIDE = _random.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
WIDE[0, :3] = 0, 255, 65535
INDICES = _random.integers(0, 16, (HEIGHT, WIDTH), dtype=np.uint8)
PALETTE = _random.integers(0, 256, (16, 3), dtype=np.uint8)


def decode(content, **pipeline):
    with undisturbed(), read(partial(BytesIO, content), Pipeline(**pipeline)) as decoded:
        return decoded


def pixels(content, **pipeline):
    return np.asarray(decode(content, **pipeline).image)


def reason(content, **pipeline):
    with pytest.raises(ImageError) as caught:
        decode(content, **pipeline)
    return str(caught.value)


# --- files made by hand, so that no encoder decides what is in them ---


def tiff(codes, bits=8, *, photometric=1, planar=1, sample_format=None, endian="<", more=()):
    """An uncompressed TIFF; `codes` are an array or raw bytes of HEIGHT x WIDTH pixels."""
    samples = codes.shape[2] if getattr(codes, "ndim", 2) == 3 else 1
    if isinstance(codes, np.ndarray):
        codes = codes.transpose(2, 0, 1) if planar == 2 else codes
        codes = codes.astype(codes.dtype.newbyteorder(endian)).tobytes()
    strips = samples if planar == 2 else 1
    tags = {
        256: (WIDTH,),
        257: (HEIGHT,),
        258: (bits,) * samples,
        259: (1,),
        262: (photometric,),
        277: (samples,),
        278: (HEIGHT,),
        284: (planar,),
        **dict(more),
        **({339: (sample_format,) * samples} if sample_format else {}),
        273: (0,) * strips,
        279: (len(codes) // strips,) * strips,
    }
    head = b"II*\0" if endian == "<" else b"MM\0*"
    first = sum(len(values) * 4 for values in tags.values()) + 8 + 2 + 12 * len(tags) + 4
    tags[273] = tuple(first + len(codes) // strips * strip for strip in range(strips))
    entries, far = b"", b""
    for tag, values in sorted(tags.items()):
        kind, letter = (4, "I") if tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{endian}{len(values)}{letter}", *values)
        if len(packed) > 4:
            place = struct.pack(f"{endian}I", 8 + 2 + 12 * len(tags) + 4 + len(far))
            far += packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(f"{endian}HHI", tag, kind, len(values)) + place
    index = struct.pack(f"{endian}IH", 8, len(tags)) + entries + bytes(4)
    return (head + index + far).ljust(first, b"\0") + codes


def packed(codes, bits):
    """Rows of codes of 1, 2, 4 or 12 bits each, first code in the highest bits."""
    planes = (codes[..., None].astype(int) >> np.arange(bits)[::-1]) & 1
    return np.packbits(planes.reshape(len(codes), -1), axis=1)


def png(rows, bits, color, width=WIDTH, **chunks):
    def chunk(name, data):
        body = name.encode() + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = rows.astype(">u2") if rows.dtype == np.uint16 else rows
    header = struct.pack(">IIBBBBB", width, len(rows), bits, color, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n" + chunk("IHDR", header),
            *(chunk(name, data) for name, data in chunks.items()),
            chunk("IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
            chunk("IEND", b""),
        ]
    )


def sgi(codes):
    """An uncompressed SGI file of 16-bit gray: bottom row first."""
    header = struct.pack(">HBBHHHHII", 474, 0, 2, 2, WIDTH, HEIGHT, 1, 0, 65535)
    return header.ljust(512, b"\0") + codes[::-1].astype(">u2").tobytes()


def bmp16(codes, masks):
    """A BMP of 16 bits a pixel, whose bit masks tell where the colours are."""
    data = codes[::-1].astype("<u2").tobytes()
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 16, 3, len(data), 0, 0, 0, 0)
    body = info + struct.pack("<4I", *masks, 0) + data
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + len(body) - len(data)) + body


def saved(image, kind, **options):
    buffer = BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def patched(content, *changes):
    """`content` with bytes replaced: (marker, offset after its start, new bytes)."""
    content = bytearray(content)
    for marker, offset, new in changes:
        start = content.index(marker) + offset
        content[start : start + len(new)] = new
    return bytes(content)


def gif(**options):
    frame, other = Image.fromarray(INDICES), Image.fromarray(15 - INDICES)
    for each in (frame, other):
        each.putpalette(PALETTE.tobytes())
    return saved(frame, "GIF", save_all=True, append_images=[other], **options)


def jpeg2000(codes, depth=None):
    content = saved(codes, "JPEG2000", no_jp2=True)
    channels = 3 if codes.ndim == 3 else 1
    marks = [
        (b"\xff\x4f\xff\x51", 42 + 3 * c, bytes([depth - 1])) for c in range(channels) if depth
    ]
    return patched(content, *marks)


# --- what is read, against NumPy ---


def inks_to_rgb(inks):
    """255 − k, and of it what each ink leaves, rounded."""
    inks = inks.astype(int)
    light = 255 - inks[..., 3:]
    return (light - (2 * inks[..., :3] * light + 255) // 510).astype(np.uint8)


BITS = INDICES & 1
CODES12 = WIDE >> 4
TIFF_MAP = {320: tuple(np.pad(PALETTE.astype(int) * 257, ((0, 240), (0, 0))).T.ravel().tolist())}
FIVE = np.array([0xF800, 0x07E0, 0x001F])
SIXES = np.stack([WIDE >> 11, WIDE >> 5 & 63, WIDE & 31], axis=2).astype(int)
READ = {
    "png gray": (png(GRAY, 8, 0), GRAY),
    "png 1-bit": (png(packed(BITS, 1), 1, 0), BITS * 255),
    "png 2-bit gray": (png(packed(INDICES & 3, 2), 2, 0), (INDICES & 3) * 85),
    "png palette": (png(INDICES, 8, 3, PLTE=PALETTE.tobytes()), PALETTE[INDICES]),
    "png 4-bit palette": (png(packed(INDICES, 4), 4, 3, PLTE=PALETTE.tobytes()), PALETTE[INDICES]),
    "png gray alpha": (png(np.dstack([GRAY, ALPHA]), 8, 4), GRAY),
    "png rgba": (png(RGBA, 8, 6), RGB),
    "png 16-bit gray": (png(WIDE, 16, 0), WIDE),
    "tiff gray": (tiff(GRAY), GRAY),
    "tiff gray, 0 is white": (tiff(GRAY, photometric=0), 255 - GRAY),
    "tiff rgb": (tiff(RGB, photometric=2), RGB),
    "tiff planar rgb": (tiff(RGB, photometric=2, planar=2), RGB),
    "tiff palette": (tiff(INDICES, photometric=3, more=TIFF_MAP), PALETTE[INDICES]),
    "tiff cmyk": (tiff(INKS, photometric=5), inks_to_rgb(INKS)),
    "tiff rgba": (tiff(RGBA, photometric=2, more={338: (2,)}), RGB),
    "tiff 16-bit gray, little endian": (tiff(WIDE, 16), WIDE),
    "tiff 16-bit gray, big endian": (tiff(WIDE, 16, endian=">"), WIDE),
    "tiff 16-bit gray, lzw": (saved(WIDE, "TIFF", compression="tiff_lzw"), WIDE),
    "pgm": (b"P5 16 6 255\n" + GRAY.tobytes(), GRAY),
    "pgm 16-bit": (b"P5 16 6 65535\n" + WIDE.astype(">u2").tobytes(), WIDE),
    "ppm": (b"P6 16 6 255\n" + RGB.tobytes(), RGB),
    "pbm": (b"P4 16 6\n" + packed(BITS, 1).tobytes(), 255 - BITS * 255),
    "gif, first of two frames": (gif(), PALETTE[INDICES]),
    "webp lossless": (saved(RGB, "WEBP", lossless=True), RGB),
    "webp lossless rgba": (saved(RGBA, "WEBP", lossless=True, exact=True), RGB),
    "bmp": (saved(RGB, "BMP"), RGB),
    "bmp 5-6-5": (bmp16(WIDE, (0xF800, 0x7E0, 0x1F)), SIXES * 255 // [31, 63, 31]),
    "qoi": (saved(RGB, "QOI"), RGB),
    "jpeg 2000 rgb": (jpeg2000(np.tile(RGB, (6, 2, 1))), np.tile(RGB, (6, 2, 1))),
    "jpeg 2000 16-bit gray": (jpeg2000(np.tile(WIDE, (6, 2))), np.tile(WIDE, (6, 2))),
}


@pytest.mark.parametrize(("content", "expected"), READ.values(), ids=READ)
def test_pixels_are_those_of_the_file(content, expected):
    assert np.array_equal(pixels(content), expected)


@pytest.mark.parametrize(("content", "expected"), READ.values(), ids=READ)
def test_statistics_are_integers_of_those_pixels(tmp_path, content, expected):
    (tmp_path / "image.png").write_bytes(content)
    spec = normstat.compute(tmp_path)
    [state] = spec.state.kinds.values()
    channels = np.atleast_3d(expected).reshape(-1, len(spec.channels)).T.astype(np.int64)
    bins = 65536 if expected.dtype == np.uint16 else 256
    counts = [np.bincount(each, minlength=bins) for each in channels]
    grouped = [each.reshape(256, -1).sum(axis=1).tolist() for each in counts]
    assert (spec.histogram.counts, spec.max_pixel_value) == (grouped, bins - 1)
    assert state.images.s == [str(each.sum()) for each in channels]
    assert state.images.q == [str((each**2).sum()) for each in channels]


def ycbcr_to_rgb(codes):
    """JFIF 1.02: full range, ITU-R BT.601."""
    y, cb, cr = codes.astype(float).transpose(2, 0, 1) - [[[0]], [[128]], [[128]]]
    rgb = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]
    return np.clip(np.stack(rgb, axis=2), 0, 255)


def test_ycbcr_tiff_becomes_rgb_or_is_skipped():
    content = tiff(RGB, photometric=6, more={530: (1, 1)})
    if PILLOW < (13,):
        assert reason(content)
        return
    found = pixels(content)
    assert np.abs(found - ycbcr_to_rgb(RGB)).max() <= 1


def test_ycbcr_jpeg_becomes_rgb():
    content = saved(RGB, "JPEG", quality=95)
    stored = Image.open(BytesIO(content))
    stored.draft("YCbCr", None)
    assert np.abs(pixels(content) - ycbcr_to_rgb(np.asarray(stored))).max() <= 1


def test_four_inks_of_a_jpeg_are_not_taken_for_rgba(samples):
    content = (samples / "odd/cmyk.jpg").read_bytes()
    inks = np.asarray(Image.open(BytesIO(content)))
    assert np.array_equal(pixels(content), inks_to_rgb(inks))


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "JPEG", "MPO"])
def test_lossy_files_give_what_pillow_gives(kind):
    content = saved(np.tile(RGB, (4, 4, 1)), kind)
    assert np.array_equal(pixels(content), np.asarray(Image.open(BytesIO(content)).convert("RGB")))


ODD = {
    "Zürich-雪.png": "rgb8 RGB 48 32",
    "animated.gif": "rgb8 P 48 32 animated",
    "bilevel.png": "gray8 1 48 32",
    "cmyk.jpg": "rgb8 CMYK 48 32",
    "empty.jpg": "empty file",
    "gif-named.jpeg": "rgb8 P 48 32",
    "gray-alpha.png": "gray8 LA 48 32 transparent",
    "gray.png": "gray8 L 48 32",
    "gray16.png": "gray16 I;16 32 40",
    "gray16.tif": "gray16 I;16 32 40",
    "huge-header.png": "60000 x 60000 pixels are over the limit of 178,956,970; --max-pixels",
    "palette-transparent.png": "rgb8 P 48 32 transparent",
    "photo.webp": "rgb8 RGB 64 48",
    "rgb16.png": "rgb16 uint16x3 48 32",
    "rgba.png": "rgb8 RGBA 48 32 transparent",
    "text.jpg": "text, not an image",
    "truncated.jpg": "damaged: image file is truncated",
    "two words\nand a newline.png": "rgb8 RGB 48 32",
}


def outcome(folder, name):
    try:
        with (
            undisturbed(),
            read(partial(opened, str(folder / name), 0), Pipeline()) as found,
        ):
            pass
    except ImageError as error:
        return str(error)
    flags = ("transparent", "animated", "padded")
    told = [flag for flag in flags if getattr(found.facts, flag)]
    return " ".join([found.kind, *map(str, found.facts[:3]), *told])


@pytest.mark.parametrize("name", ODD)
def test_each_odd_sample_is_read_or_refused_as_it_says(samples, name):
    assert outcome(samples / "odd", name).startswith(ODD[name])


def test_every_odd_sample_has_its_expectation(samples):
    assert {path.name for path in (samples / "odd").iterdir()} == set(ODD)


# --- transparency ---


def key_alpha(codes, key):
    """Alpha of a file in which one code is transparent."""
    return np.where(np.atleast_3d(codes == key).all(axis=2), 0, 255).astype(np.uint8)


def key_chunk(*key):
    return struct.pack(f">{len(key)}H", *key)


PLTE = PALETTE.tobytes()
FADES = np.array([0, 128, 255, 1, *[255] * 12], np.uint8)
TRANSPARENT = {
    "rgba png": (png(RGBA, 8, 6), RGB, ALPHA),
    "rgba webp": (saved(RGBA, "WEBP", lossless=True, exact=True), RGB, ALPHA),
    "rgba tiff": (tiff(RGBA, photometric=2, more={338: (2,)}), RGB, ALPHA),
    "gray alpha png": (png(np.dstack([GRAY, ALPHA]), 8, 4), GRAY, ALPHA),
    "palette, alpha a colour": (
        png(INDICES, 8, 3, PLTE=PLTE, tRNS=FADES.tobytes()), PALETTE[INDICES], FADES[INDICES],
    ),
    "palette, fewer alphas than colours": (
        png(INDICES, 8, 3, PLTE=PLTE, tRNS=FADES[:4].tobytes()), PALETTE[INDICES], FADES[INDICES],
    ),
    "palette, one transparent": (
        png(INDICES, 8, 3, PLTE=PLTE, tRNS=b"\xff\xff\0"), PALETTE[INDICES], key_alpha(INDICES, 2),
    ),
    "gif, one transparent": (gif(transparency=3), PALETTE[INDICES], key_alpha(INDICES, 3)),
    "gray key": (png(GRAY, 8, 0, tRNS=key_chunk(GRAY[0, 0])), GRAY, key_alpha(GRAY, GRAY[0, 0])),
    "rgb key": (png(RGB, 8, 2, tRNS=key_chunk(*RGB[0, 0])), RGB, key_alpha(RGB, RGB[0, 0])),
    "1-bit key": (png(packed(BITS, 1), 1, 0, tRNS=b"\0\1"), BITS * 255, key_alpha(BITS, 1)),
    "2-bit gray key": (
        png(packed(INDICES & 3, 2), 2, 0, tRNS=b"\0\3"), (INDICES & 3) * 85,
        key_alpha(INDICES & 3, 3),
    ),
    "4-bit gray key": (
        png(packed(INDICES, 4), 4, 0, tRNS=b"\0\7"), INDICES * 17, key_alpha(INDICES, 7),
    ),
}  # fmt: skip


def composed(colour, alpha, background):
    """⌊(c·a + b·(255 − a)) / 255 + ½⌋ in integers; 255 is odd, so there is no tie."""
    colour = np.atleast_3d(colour).astype(int)
    alpha = alpha.astype(int)[..., None]
    return (2 * (colour * alpha + background * (255 - alpha)) + 255) // 510


POLICIES = {
    "drop": lambda colour, alpha: np.atleast_3d(colour),
    "mask": lambda colour, alpha: np.atleast_3d(colour)[alpha > 0],
    "white": lambda colour, alpha: composed(colour, alpha, 255),
    "black": lambda colour, alpha: composed(colour, alpha, 0),
    "premultiply": lambda colour, alpha: composed(colour, alpha, 0),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("content", "colour", "alpha"), TRANSPARENT.values(), ids=TRANSPARENT)
def test_alpha_policies_equal_an_integer_reference(tmp_path, content, colour, alpha, policy):
    (tmp_path / "image.png").write_bytes(content)
    spec = normstat.compute(tmp_path, alpha=policy)
    expected = POLICIES[policy](colour, alpha)
    channels = expected.reshape(-1, expected.shape[-1]).T
    counts = [np.bincount(channel, minlength=256).tolist() for channel in channels]
    assert (spec.histogram.counts, spec.counts.transparent) == (counts, 1)


def test_opaque_images_are_the_same_under_every_policy():
    found = [pixels(png(RGB, 8, 2), alpha=policy) for policy in POLICIES]
    assert all(np.array_equal(each, RGB) for each in found)


def test_all_256_x_256_composites_round_to_the_nearest():
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    content = saved(np.dstack([colour] * 3 + [alpha]).astype(np.uint8), "PNG")
    for policy, background in (("white", 255), ("black", 0), ("premultiply", 0)):
        expected = composed(colour[..., None], alpha, background)[..., 0]
        assert np.array_equal(pixels(content, alpha=policy)[..., 0], expected)


def test_an_image_without_an_opaque_pixel_is_skipped_by_name(tmp_path):
    (tmp_path / "1.png").write_bytes(png(RGB, 8, 2))
    (tmp_path / "2.png").write_bytes(png(np.dstack([RGB, GRAY * 0]), 8, 6))
    spec = normstat.compute(tmp_path, alpha="mask")
    assert [(each.name, "every pixel is transparent" in each.reason) for each in spec.skipped] == [
        ("2.png", True)
    ]
    assert (spec.counts.images, spec.counts.transparent) == (1, 0)


KEYED = png(WIDE, 16, 0, tRNS=key_chunk(WIDE[0, 1]))


def test_16_bit_gray_keeps_its_transparent_code_when_alpha_is_dropped():
    assert np.array_equal(pixels(KEYED), WIDE)


def test_16_bit_gray_masks_its_transparent_code():
    found = decode(KEYED, alpha="mask")
    assert np.array_equal(np.asarray(found.mask) > 0, WIDE[0, 1] != WIDE)


@pytest.mark.parametrize("policy", ["white", "black", "premultiply"])
def test_16_bit_gray_is_not_composited(policy):
    assert f"use --alpha drop or mask, not {policy}" in reason(KEYED, alpha=policy)


# --- modes and mixtures ---


def test_mode_l_is_the_luma_of_pillow():
    red, green, blue = RGB.astype(int).transpose(2, 0, 1)
    luma = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
    assert np.array_equal(pixels(png(RGB, 8, 2), mode="l"), luma)
    assert np.array_equal(luma, np.asarray(Image.fromarray(RGB).convert("L")))


def folder_of(tmp_path, **files):
    for name, content in files.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    return tmp_path


def numbers(spec):
    return (
        spec.channels, spec.mean, spec.std, spec.alternatives, spec.confidence, spec.min, spec.max,
        spec.percentiles, spec.covariance, spec.histogram,
    )  # fmt: skip


def test_mode_rgb_repeats_gray_three_times(tmp_path):
    spec = normstat.compute(folder_of(tmp_path, a=png(GRAY, 8, 0)), mode="rgb", covariance=True)
    gray = normstat.compute(tmp_path)
    assert (spec.mean, spec.std) == (gray.mean * 3, gray.std * 3)
    assert spec.histogram.counts == gray.histogram.counts * 3
    assert np.ptp(spec.covariance) == 0


@pytest.mark.parametrize(
    "options", [{}, {"weighting": "image"}, {"std": "mean-of-images"}, {"ddof": 1}]
)
def test_gray_beside_colour_counts_as_if_it_were_saved_as_colour(tmp_path, options):
    files = {"a": png(RGB, 8, 2), "b": png(GRAY, 8, 0), "c": png(packed(BITS, 1), 1, 0)}
    (tmp_path / "mixed").mkdir()
    (tmp_path / "colour").mkdir()
    for content in folder_of(tmp_path / "mixed", **files).iterdir():
        Image.open(content).convert("RGB").save(tmp_path / "colour" / content.name)
    mixed, colour = (
        normstat.compute(tmp_path / name, covariance=True, **options)
        for name in ("mixed", "colour")
    )
    assert numbers(mixed) == numbers(colour)


@pytest.mark.parametrize("eight", [GRAY, RGB], ids=["gray", "rgb"])
def test_8_and_16_bit_images_meet_as_fractions_of_their_own_range(tmp_path, eight):
    color = 2 if eight.ndim == 3 else 0
    folder_of(tmp_path, a=png(eight, 8, color), b=png(WIDE, 16, 0), c=png(WIDE[:2], 16, 0))
    spec = normstat.compute(tmp_path)
    channels = len(spec.channels)
    parts = [eight / 255, WIDE / 65535, WIDE[:2] / 65535]
    columns = np.concatenate(
        [
            np.broadcast_to(np.atleast_3d(part), (*part.shape[:2], channels)).reshape(-1, channels)
            for part in parts
        ]
    )
    assert spec.mean == pytest.approx(columns.mean(axis=0), rel=1e-14)
    assert spec.std == pytest.approx(columns.std(axis=0), rel=1e-14)
    assert spec.percentiles["25"] == pytest.approx(np.percentile(columns, 25, axis=0), rel=1e-14)


# --- what Pillow would get wrong, or must not touch ---

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
DOS_EPS = b"\xc5\xd0\xd3\xc6" + struct.pack("<I", 30) + bytes(22) + EPS
RGB16 = RGB.astype(np.uint16) * 250
SMALL = (WIDE >> 4) + np.uint16(30720)  # codes that survive a change of depth from 16 to 12
AVIF = saved(np.tile(RGB, (4, 2, 1)), "AVIF", subsampling="4:4:4")
AVIF10 = patched(AVIF, (b"pixi", 9, b"\x0a\x0a\x0a"), (b"av1C", 6, b"\x40"))
TRAPS = {
    "tiff 16-bit cmyk": (
        tiff(np.dstack([RGB16, WIDE]), 16, photometric=5), "SEPARATED",
    ),
    "tiff La": (tiff(np.dstack([GRAY, ALPHA]), more={338: (1,)}), "premultiplied alpha"),
    "tiff 12-bit gray": (tiff(packed(CODES12, 12).tobytes(), 12), "--max-pixel-value 4095"),
    "pgm 4095": (b"P5 16 6 4095\n" + CODES12.astype(">u2").tobytes(), "--max-pixel-value 4095"),
    "ppm 256": (b"P6 16 6 256\n" + RGB16.tobytes(), "damaged: codes beyond 256"),
    "pfm": (b"Pf\n2 2\n-1.0\n" + bytes(16), "float pixels: not read yet"),
    "sgi, whose 16 bits Pillow would halve": (sgi(WIDE), "not an image in a known format"),
    "jpeg 2000 12-bit gray": (jpeg2000(np.tile(SMALL, (6, 2)), 12), "--max-pixel-value 4095"),
    "avif 10-bit": (AVIF10, "--max-pixel-value 1023"),
    "eps": (EPS, "PostScript"),
    "ps": (EPS[:11] + b"\nshowpage\n", "PostScript"),
    "dos eps": (DOS_EPS, "PostScript"),
    "text": (b"once upon a time\r\n", "text, not an image"),
    "html": (b"<html>404</html>", "text, not an image"),
    "noise": (bytes(range(256)), "not an image in a known format"),
    "resource fork": (b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(60), "not an image in a known"),
    "psd": (b"8BPS\0\1" + bytes(60), "not an image in a known format"),
    "empty": (b"", "empty file"),
    "truncated png": (png(RGB, 8, 2)[:-60], "damaged: "),
    "truncated tiff": (tiff(RGB, photometric=2)[:-60], "damaged: "),
    "truncated webp": (saved(RGB, "WEBP")[:-20], ""),
    "truncated gif": (gif()[:-160], "damaged: "),
    "truncated pgm": (b"P5 16 6 255\n" + bytes(50), "damaged: "),
    "png signature alone": (b"\x89PNG\r\n\x1a\n", ""),
    "jpeg header alone": (saved(RGB, "JPEG")[:200], ""),
    "png with a wrong checksum": (patched(png(RGB, 8, 2), (b"IDAT", 9, b"\0\0\0")), ""),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), TRAPS.values(), ids=TRAPS)
def test_what_pillow_would_read_wrongly_is_skipped(content, why):
    told = reason(content)
    assert why in told
    assert "\n" not in told


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.eps", "a.ps"])
def test_postscript_starts_no_program(tmp_path, run, name):
    ghost = tmp_path / "bin/gs"
    ghost.parent.mkdir()
    ghost.write_text(f"#!/bin/sh\necho 10.0; touch {tmp_path}/started\n")
    ghost.chmod(0o755)
    (tmp_path / name).write_bytes(EPS)
    ran = run("compute", name, env={"PATH": f"{ghost.parent}:{run.env['PATH']}"})
    assert (ran.code, "PostScript" in ran.err) == (3, True)
    assert not (tmp_path / "started").exists()


# --- torchvision's geometry ---


def torchvision_resize(width, height, n):
    """Resize(n): short side n, long side int(n·long/short)."""
    if width <= height:
        return n, int(n * height / width)
    return int(n * width / height), n


def torchvision_center_crop(image, n):
    """CenterCrop(n): pad with zeros, less of them left and top; then cut at the rounded half."""
    height, width = image.shape[:2]
    before = [max(n - size, 0) // 2 for size in (height, width)]
    after = [(max(n - size, 0) + 1) // 2 for size in (height, width)]
    sides = [*zip(before, after, strict=True), (0, 0)][: image.ndim]
    image = np.pad(image, sides)
    top, left = (round((size - n) / 2.0) for size in image.shape[:2])
    return image[top : top + n, left : left + n]


def ramp(width, height):
    codes = np.arange(width * height * 3, dtype=np.uint32) * 7 % 256
    return codes.astype(np.uint8).reshape(height, width, 3)


SIZES = [(10, 10), (11, 10), (10, 11), (31, 17), (17, 31), (64, 5), (5, 64), (7, 7), (23, 40)]


@pytest.mark.parametrize("n", [1, 5, 8, 9, 16, 33])
@pytest.mark.parametrize("size", SIZES)
def test_resize_has_the_size_of_torchvision(size, n):
    image, _ = resized_and_cropped(Image.new("L", size), n, None, Image.Resampling.NEAREST)
    assert image.size == torchvision_resize(*size, n)


@pytest.mark.parametrize("n", [1, 4, 5, 7, 10, 11, 12, 32, 65])
@pytest.mark.parametrize("size", SIZES)
def test_crop_cuts_and_pads_where_torchvision_does(size, n):
    codes = ramp(*size)
    found = decode(saved(codes, "PNG"), crop=n)
    assert np.array_equal(np.asarray(found.image), torchvision_center_crop(codes, n))
    assert found.facts.padded == (min(size) < n)


@pytest.mark.parametrize("kind", ["gray", "gray16"])
@pytest.mark.parametrize("n", [3, 20])
def test_crop_does_so_for_gray_of_8_and_16_bits(kind, n):
    codes, bits = (GRAY, 8) if kind == "gray" else (WIDE, 16)
    assert np.array_equal(pixels(png(codes, bits, 0), crop=n), torchvision_center_crop(codes, n))


@pytest.mark.parametrize("size", SIZES)
def test_resize_then_crop_is_the_usual_evaluation_transform(size):
    codes = ramp(*size)
    small = Image.fromarray(codes).resize(torchvision_resize(*size, 12), Image.BILINEAR)
    expected = torchvision_center_crop(np.asarray(small), 10)
    assert np.array_equal(pixels(saved(codes, "PNG"), resize=12, crop=10), expected)


INTERPOLATIONS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_each_interpolation_is_pillow_s_own(interpolation):
    codes = ramp(31, 17)
    expected = Image.fromarray(codes).resize((14, 8), Image.Resampling[interpolation.upper()])
    found = pixels(saved(codes, "PNG"), resize=8, interpolation=interpolation)
    assert np.array_equal(found, np.asarray(expected))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_16_bit_resize_keeps_the_whole_range(interpolation):
    codes = (np.linspace(0, 65535, 40 * 30).reshape(30, 40)).astype(np.uint16)
    found = pixels(png(codes, 16, 0, width=40), resize=12, interpolation=interpolation)
    method = Image.Resampling[interpolation.upper()]
    expected = Image.fromarray(codes.astype(np.float32)).resize((16, 12), method)
    assert np.abs(found - np.clip(np.asarray(expected), 0, 65535)).max() <= 1


def test_padding_is_counted(tmp_path):
    folder_of(tmp_path, a=saved(ramp(9, 9), "PNG"), b=saved(ramp(12, 12), "PNG"))
    spec = normstat.compute(tmp_path, crop=10)
    assert (spec.counts.padded, spec.counts.pixels, spec.counts.by_size.width.max) == (1, 200, 12)


def test_masked_pixels_stay_masked_through_resize_and_crop():
    codes = np.dstack([ramp(8, 8), np.repeat([[0, 255]], 8, axis=0).repeat(4, axis=1)])
    found = decode(saved(codes.astype(np.uint8), "PNG"), alpha="mask", resize=4, crop=2)
    assert np.asarray(found.mask).tolist() == [[0, 255], [0, 255]]


def test_a_thin_image_is_not_blown_up_by_resize():
    content = saved(Image.new("L", (1, 4000)), "PNG")
    assert "--max-pixels" in reason(content, resize=64, max_pixels=5000)


# --- any bytes at all ---

SEEDS = {
    "PNG": png(INDICES, 8, 3, PLTE=PLTE, tRNS=FADES.tobytes()),
    "PNG16": KEYED,
    "JPEG": saved(RGB, "JPEG"),
    "CMYK": (Path(__file__).parents[1] / "sample_data/odd/cmyk.jpg").read_bytes(),
    "GIF": gif(transparency=3),
    "TIFF": tiff(RGBA, photometric=2, more={338: (2,)}),
    "LZW": saved(WIDE, "TIFF", compression="tiff_lzw"),
    "WEBP": saved(RGBA, "WEBP"),
    "BMP": saved(RGB, "BMP"),
    "PPM": b"P6 16 6 255\n" + RGB.tobytes(),
    "QOI": saved(RGB, "QOI"),
    "JPEG2000": saved(np.tile(RGB, (6, 2, 1)), "JPEG2000"),
    "AVIF": AVIF,
}
PIPELINE = Pipeline(max_pixels=100_000, alpha="mask", resize=8, crop=8)


def survives(content):
    """Whatever the bytes are, there is an image or an `ImageError`, nothing else."""
    with suppress(ImageError), undisturbed(), read(partial(BytesIO, content), PIPELINE):
        pass


flips = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8)


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_files_raise_nothing_but_image_errors(kind):
    seed = SEEDS[kind]

    @settings(max_examples=200, deadline=None, database=None)
    @given(flips, st.integers(0, len(seed)), st.booleans())
    def damaged(flips, length, whole):
        content = bytearray(seed if whole else seed[:length])
        for place, bit in flips:
            if content:
                content[int(place * len(content))] ^= 1 << bit
        survives(bytes(content))

    damaged()


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_headers_raise_nothing_but_image_errors(kind):
    seed = SEEDS[kind]

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), min_size=1, max_size=4))
    def damaged(changes):
        content = bytearray(seed)
        for place, value in changes:
            content[place % len(content)] = value
        survives(bytes(content))

    damaged()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"", *(seed[:12] for seed in SEEDS.values())]), st.binary(max_size=300))
@example(b"", b"")
def test_random_bytes_raise_nothing_but_image_errors(start, rest):
    survives(start + rest)
