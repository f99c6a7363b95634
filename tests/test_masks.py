"""Masks: which pixels count, against NumPy's boolean indexing."""

import io
import json
import os
import tarfile
import zipfile
from array import array
from fractions import Fraction

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from msgspec import UNSET
from PIL import Image

import normstat
from normstat import reading
from normstat.consistency import validate
from normstat.errors import ImageError, SourceError, UsageError
from normstat.images import read, resized_and_cropped
from normstat.masks import counting, cover_of, cover_of_codes, covered
from normstat.readers import Decoded
from normstat.sources import Listing, Selection, list_files
from normstat.sources.base import Masked
from normstat.sources.pairs import images_and_masks, with_masks
from normstat.spec.files import dumps
from normstat.spec.pipeline import Masks, Pipeline
from normstat.statistics import Block, Facts, counted
from normstat.statistics.record import unpacked_wide
from tests.conftest import ENGINES_AND_JOBS

RNG = np.random.default_rng(7)
SIZE = (30, 40)  # rows, columns


def noise(*shape, top=256, dtype=np.uint8):
    return RNG.integers(0, top, shape, dtype=dtype)


def save(path, codes, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(codes, Image.Image):
        codes.save(path, **options)
    else:
        Image.fromarray(codes).save(path, **options)
    return path


def paletted(labels, colours=None):
    """A palette image whose colours tell nothing of its indices."""
    image = Image.frombytes("P", labels.shape[::-1], labels.astype(np.uint8).tobytes())
    image.putpalette(colours or [255, 255, 255] * 256)
    return image


@pytest.fixture
def made(tmp_path):
    """Three images of one size, with masks of labels 0 to 4 in `masks`."""
    images, masks = {}, {}
    for name in ("a.png", "deep/b.png", "c.png"):
        images[name], masks[name] = noise(*SIZE, 3), noise(*SIZE, top=5)
        save(tmp_path / "images" / name, images[name])
        save(tmp_path / "masks" / name, masks[name])
    return tmp_path, images, masks


def picked(images, covers):
    """All pixels that count, as fractions of 255."""
    return np.concatenate([images[name][covers[name]] for name in images]) / 255


def check(spec, values):
    """Compare a spec with NumPy's numbers of the same pixels."""
    assert spec.counts.pixels == len(values)
    np.testing.assert_allclose(spec.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spec.std, values.std(axis=0), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(spec.min, values.min(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spec.max, values.max(axis=0), rtol=1e-12)
    for percent in ("0.5", "50", "99.5"):
        expected = np.percentile(values, float(percent), axis=0)
        np.testing.assert_allclose(spec.percentiles[percent], expected, rtol=1e-12)


RULES = {
    "nonzero": ({}, lambda labels: labels != 0),
    "some labels": ({"labels": [1, 3]}, lambda labels: np.isin(labels, [1, 3])),
    "labels as text": ({"labels": ["3", "1"]}, lambda labels: np.isin(labels, [1, 3])),
    "label zero": ({"labels": [0]}, lambda labels: labels == 0),
    "all but one": ({"ignore_label": 4}, lambda labels: labels != 4),
    "labels and one that never counts": (
        {"labels": [1, 2], "ignore_label": 4},
        lambda labels: np.isin(labels, [1, 2]),
    ),
}


@pytest.mark.parametrize(("options", "rule"), RULES.values(), ids=RULES)
def test_only_pixels_of_the_rule_count(made, options, rule):
    folder, images, masks = made
    spec = normstat.compute(
        folder / "images", mask_dir=folder / "masks", covariance=True, **options
    )
    values = picked(images, {name: rule(labels) for name, labels in masks.items()})
    check(spec, values)
    np.testing.assert_allclose(spec.covariance, np.cov(values.T, ddof=0), rtol=1e-9, atol=1e-15)
    assert spec.state.left_out == {"masked": 3 * (3 * 30 * 40 - len(values))}


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.uint8, (7, 9)),
    hnp.arrays(np.uint8, (7, 9), elements=st.integers(0, 3)),
    st.sampled_from(list(RULES.values())),
    st.one_of(st.none(), st.integers(0, 255)),
)
def test_any_mask_and_value_leave_what_boolean_indexing_leaves(
    tmp_path_factory, codes, labels, rule, ignored
):
    folder = tmp_path_factory.mktemp("any")
    save(folder / "images" / "a.png", codes)
    save(folder / "masks" / "a.png", labels)
    options, chosen = rule
    counts = chosen(labels) & (True if ignored is None else codes != ignored)

    def measure():
        return normstat.compute(
            folder / "images",
            mask_dir=folder / "masks",
            ignore_value=ignored,
            jobs=1,
            **options,
        )

    if counts.any():
        check(measure(), codes[counts][:, None] / 255)
    else:
        with pytest.raises(SourceError, match="no pixel counts"):
            measure()


def held(labels):
    """The same labels as every kind of file that holds them."""
    wide = labels.astype(np.uint16)
    two = labels.astype(bool)
    return {
        "palette": (paletted(labels), "png", {}, labels),
        "palette of 2 bits": (paletted(labels), "png", {"bits": 2}, labels),
        "palette with transparency": (paletted(labels), "png", {"transparency": 1}, labels),
        "gif": (paletted(labels, [*range(256)] * 3), "gif", {}, labels),
        "palette tiff": (paletted(labels), "tif", {}, labels),
        "8 bits": (Image.fromarray(labels), "png", {}, labels),
        "16 bits": (Image.fromarray(wide), "png", {}, labels),
        "16-bit tiff": (Image.fromarray(wide), "tif", {}, labels),
        "1 bit": (Image.fromarray(two), "png", {}, two.astype(np.uint8)),
        "1-bit tiff": (Image.fromarray(two), "tif", {}, two.astype(np.uint8)),
        "gray as RGB": (Image.fromarray(np.stack([labels] * 3, 2)), "png", {}, labels),
        "gray, opaque": (
            Image.merge("LA", [Image.fromarray(labels), Image.new("L", (9, 7), 255)]),
            "png",
            {},
            labels,
        ),
    }


@pytest.mark.parametrize("kind", held(np.zeros((7, 9), np.uint8)))
def test_labels_are_what_the_file_holds(kind):
    labels = noise(7, 9, top=4)
    image, suffix, options, expected = held(labels)[kind]
    file = io.BytesIO()
    image.save(file, {"tif": "TIFF"}.get(suffix, suffix), **options)
    for masks in (Masks(), Masks(foreground=[1]), Masks(foreground=[2, 3]), Masks(foreground=[0])):
        with Image.open(file) as opened:
            found = np.asarray(cover_of(opened, masks)) > 0
        assert (found == counting(expected, masks)).all()


def gray_png(labels, bits):
    """A gray PNG of few bits, which Pillow reads stretched to 8 and cannot write."""
    import zlib  # noqa: PLC0415

    rows = []
    for row in labels:
        text = "".join(f"{label:0{bits}b}" for label in row)
        text += "0" * (-len(text) % 8)
        rows.append(b"\0" + int(text, 2).to_bytes(len(text) // 8))

    def chunk(name, content):
        checksum = zlib.crc32(name + content).to_bytes(4)
        return len(content).to_bytes(4) + name + content + checksum

    height, width = labels.shape
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([bits, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_labels_of_few_bits_are_not_stretched(bits):
    labels = noise(7, 9, top=1 << bits)
    with Image.open(io.BytesIO(gray_png(labels, bits))) as opened:
        cover = cover_of(opened, Masks(foreground=[1]))
    assert ((np.asarray(cover) > 0) == (labels == 1)).all()


def test_labels_of_a_pgm_are_not_stretched_to_its_largest():
    labels = noise(7, 9, top=4)
    file = io.BytesIO(b"P5 9 7 3\n" + labels.tobytes())
    with Image.open(file) as opened:
        cover = cover_of(opened, Masks(foreground=[2]))
    assert ((np.asarray(cover) > 0) == (labels == 2)).all()


def test_labels_beyond_8_bits_are_labels(tmp_path):
    codes, labels = noise(*SIZE, 3), noise(*SIZE, top=3, dtype=np.uint16) * np.uint16(1000)
    save(tmp_path / "images" / "a.png", codes)
    save(tmp_path / "masks" / "a.png", labels)
    spec = normstat.compute(tmp_path / "images", mask_dir=tmp_path / "masks", labels=[2000])
    check(spec, codes[labels == 2000] / 255)


@pytest.mark.parametrize(
    ("suffix", "image", "text"),
    [
        ("png", Image.fromarray(noise(*SIZE, 3)), "has colours, which are no labels"),
        ("png", Image.new("LA", SIZE[::-1], (1, 128)), "transparent pixels"),
        ("jpg", Image.fromarray(noise(*SIZE)), "JPEG, which may have changed labels"),
        ("webp", Image.fromarray(noise(*SIZE)), "WEBP, which may have changed labels"),
        ("png", Image.fromarray(noise(40, 30)), "has 30 x 40 pixels, the image 40 x 30"),
        ("png", Image.new("L", SIZE[::-1]), "no pixel counts: all are masked"),
    ],
)
def test_mask_that_cannot_be_used_costs_its_image_and_is_told(run, made, suffix, image, text):
    folder, images, masks = made
    (folder / "masks" / "c.png").unlink()
    save(folder / "masks" / f"c.{suffix}", image)
    code, _, err = run("compute", "images", "--mask-dir", "masks", "-q", "--format", "none")
    assert (code, err) == (0, "")
    spec = normstat.load(folder / "normstat.json")
    [skipped] = spec.skipped
    assert skipped.name == "c.png"
    assert text in skipped.reason
    del images["c.png"]
    check(spec, picked(images, {name: masks[name] != 0 for name in images}))


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_mask_in_which_zero_is_white_is_refused(made, dtype):
    folder, *_ = made
    (folder / "masks" / "c.png").unlink()
    labels = noise(*SIZE, top=2).astype(dtype)
    tifffile.imwrite(folder / "masks" / "c.tif", labels, photometric="miniswhite")
    spec = normstat.compute(folder / "images", mask_dir=folder / "masks")
    assert [(each.name, "0 is white" in each.reason) for each in spec.skipped] == [("c.png", True)]


def test_mask_may_be_an_array(made):
    folder, images, masks = made
    (folder / "masks" / "c.png").unlink()
    np.save(folder / "masks" / "c.npy", masks["c.png"])
    spec = normstat.compute(folder / "images", mask_dir=folder / "masks")
    check(spec, picked(images, {name: mask != 0 for name, mask in masks.items()}))


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "mask c.png: empty file"), (b"\x89PNG\r\n\x1a\n", "mask c.png: not an image")],
)
def test_damaged_mask_is_told_by_its_name(made, content, text):
    folder, *_ = made
    (folder / "masks" / "c.png").write_bytes(content)
    spec = normstat.compute(folder / "images", mask_dir=folder / "masks")
    assert [each.name for each in spec.skipped] == ["c.png"]
    assert spec.skipped[0].reason.startswith(text)


def test_missing_mask_is_told_and_stops_only_when_asked(run, made):
    folder, *_ = made
    (folder / "masks" / "deep" / "b.png").unlink()
    code, out, _ = run("compute", "images", "--mask-dir", "masks")
    assert code == 0
    assert "deep/b.png: no mask: there is no deep/b.* in masks" in " ".join(out.split())
    (folder / "normstat.json").unlink()
    code, _, err = run("compute", "images", "--mask-dir", "masks", "--on-error", "fail")
    assert code == 3
    assert "no mask: there is no deep/b.* in masks" in err
    assert not (folder / "normstat.json").exists()


@pytest.mark.parametrize(
    ("images", "masks", "pairs", "refused"),
    [
        (["a.jpg"], ["a.png"], {"a.jpg": "a.png"}, {}),
        (["x/a.jpg", "y/a.jpg"], ["y/a.png"], {"y/a.jpg": "y/a.png"}, {"x/a.jpg": "no mask"}),
        (["a.jpg"], ["a.png", "a.tif"], {}, {"a.jpg": "has 2 masks"}),
        (["a.jpg", "a.png"], ["a.png"], {"a.png": "a.png"}, {"a.jpg": "no mask is named as this"}),
        (["a.b.jpg"], ["a.png"], {}, {"a.b.jpg": "no mask"}),
        (
            ["case_0000.png", "case_0001.png"],
            ["case.png"],
            {"case_0000.png": "case.png", "case_0001.png": "case.png"},
            {},
        ),
        # As soon as one name is unlike nnU-Net's, digits are names like others.
        (["case_0000.png", "b.png"], ["case.png", "b.png"], {"b.png": "b.png"}, {
            "case_0000.png": "no mask"
        }),
        (["c_0000.png", "c_0001.png"], ["c_0001.png", "c.png"], {"c_0001.png": "c_0001.png"}, {
            "c_0000.png": "no mask"
        }),
    ],
)  # fmt: skip
def test_masks_are_paired_by_name(tmp_path, images, masks, pairs, refused):
    for folder, names in (("images", images), ("masks", masks)):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    listing = list_files([tmp_path / "images"], Selection(mask_dir=str(tmp_path / "masks")))
    assert dict(zip(listing.names, listing.masks.names, strict=True)) == pairs
    found = dict(listing.unreadable)
    assert found.keys() == refused.keys()
    assert all(refused[name] in found[name] for name in refused)


def test_volumes_are_paired_without_either_of_their_suffixes():
    images = Listing([], names=["a.nii.gz"], sizes=array("q", [1]), versions=array("q", [1]))
    images.places, images.owners, images.sources = array("q", [0]), array("q", [0]), [Plain()]
    masks = Listing(["m"], names=["a.nii"], sizes=array("q", [1]), versions=array("q", [1]))
    masks.places, masks.owners, masks.sources = array("q", [0]), array("q", [0]), [Plain("m/")]
    selection = Selection(mask_dir="m")
    found = with_masks(images, ["m"], selection, len, lambda *_: masks)
    assert found.masks.names == ["a.nii"]


class Plain:
    whole = here_only = far = False

    def __init__(self, root=""):
        self.root = root

    def identity(self, name):
        return self.root + name


def test_masks_next_to_their_images_are_no_images(made):
    folder, images, masks = made
    for name, labels in masks.items():
        save((folder / "images" / name).with_name(f"{name[-5]}_mask.tif"), labels)
    spec = normstat.compute(folder / "images", mask_suffix="_mask")
    assert (spec.counts.images, spec.dataset.files, spec.skipped) == (3, 3, [])
    check(spec, picked(images, {name: labels != 0 for name, labels in masks.items()}))


def test_masks_with_a_suffix_can_lie_in_a_folder_of_their_own(made):
    folder, images, masks = made
    for name in masks:
        path = folder / "masks" / name
        path.rename(path.with_name(f"{path.stem}_seg.png"))
    save(folder / "masks" / "a.png", noise(*SIZE))  # no mask: it lacks the suffix
    spec = normstat.compute(folder / "images", mask_dir=folder / "masks", mask_suffix="_seg")
    check(spec, picked(images, {name: labels != 0 for name, labels in masks.items()}))


def test_image_that_is_named_as_a_mask_is_not_lost_silently(made):
    folder, *_ = made
    for name in ("a", "c", "deep/b"):
        save(folder / "images" / f"{name}_mask.png", noise(*SIZE, top=2))
    save(folder / "images" / "gas_mask.png", noise(*SIZE, 3))
    spec = normstat.compute(folder / "images", mask_suffix="_mask")
    assert [(each.name, each.reason) for each in spec.skipped] == [
        ("gas_mask.png", "is named as a mask, but there is no image of that name")
    ]


def test_masks_are_found_whatever_is_asked_of_images(made):
    folder, images, masks = made
    for name in images:
        save((folder / "images" / name).with_suffix(".bmp"), images[name])
        (folder / "images" / name).unlink()
        save((folder / "images" / name).with_name(f"{name[-5]}_mask.png"), masks[name])
    options = {"extensions": ["bmp"], "include": ["*.bmp"]}
    spec = normstat.compute(folder / "images", mask_suffix="_mask", **options)
    check(spec, picked(images, {name: labels != 0 for name, labels in masks.items()}))


def test_masks_inside_the_folder_of_images_are_taken_out(made):
    folder, images, masks = made
    (folder / "masks").rename(folder / "images" / "masks")
    spec = normstat.compute(folder / "images", mask_dir=folder / "images" / "masks")
    assert spec.dataset.files == 3
    check(spec, picked(images, {name: labels != 0 for name, labels in masks.items()}))


@pytest.mark.parametrize(("link", "to"), [("linked", "images/masks"), ("images/linked", "masks")])
def test_masks_behind_a_link_are_taken_out_of_the_images_that_they_lie_among(made, link, to):
    folder, images, _ = made
    if to.startswith("images"):
        (folder / "masks").rename(folder / to)
    (folder / link).symlink_to(folder / to)
    spec = normstat.compute(folder / "images", mask_dir=folder / link)
    assert spec.counts.images == len(images)
    assert not spec.skipped


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["a", "b", "in/a", "in/b"]), unique=True, min_size=1),
    st.lists(st.sampled_from(["a", "b", "in/a", "in/b"]), unique=True, min_size=1),
)
def test_folders_apart_are_told_without_a_look_at_each_file(tmp_path_factory, images, masks):
    folder = tmp_path_factory.mktemp("apart")
    for place, names in (("images", images), ("masks", masks)):
        for name in names:
            (folder / place / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / place / f"{name}.png").touch()
    listings = [list_files([str(folder / place)], Selection()) for place in ("images", "masks")]
    alike = {listings[1].identity(row) for row in range(len(masks))}
    by_file = [row for row in range(len(images)) if listings[0].identity(row) not in alike]
    assert images_and_masks(*listings, named=False) == (by_file, [])
    assert images_and_masks(*listings, named=True) == (by_file, [])
    same = images_and_masks(listings[0], listings[0], named=False)
    assert same == ([], list(range(len(images))))


@pytest.mark.parametrize("of_mask", ["u1", "i2", "i8", "f4", "?"])
@pytest.mark.parametrize("of_image", ["u1", "u2", "f4"])
@pytest.mark.parametrize("shape", [(30, 40), (77,)])
def test_masks_of_arrays_are_arrays_of_any_type(tmp_path, of_image, of_mask, shape):
    picked_values = []
    for number in range(3):
        codes = RNG.integers(0, 256, shape).astype(of_image)
        labels = RNG.integers(0, 2, shape).astype(of_mask)
        for place, array_ in (("images", codes), ("masks", labels)):
            (tmp_path / place).mkdir(exist_ok=True)
            np.save(tmp_path / place / f"{number}.npy", array_)
        picked_values.append(codes[labels != 0].astype(np.float64))
    spec = normstat.compute(tmp_path / "images", extensions=["npy"], mask_dir=tmp_path / "masks")
    expected = np.concatenate(picked_values) / spec.max_pixel_value
    assert spec.counts.pixels == len(expected)
    np.testing.assert_allclose(spec.mean, [expected.mean()], rtol=1e-12)
    np.testing.assert_allclose(spec.std, [expected.std()], rtol=1e-10)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_each_image_of_an_array_has_its_mask_in_another(run, tmp_path, channels):
    codes, labels = RNG.normal(size=(4, 8, 9, *channels)), RNG.integers(0, 3, (4, 8, 9))
    np.save(tmp_path / "x.npy", codes)
    np.save(tmp_path / "y.npy", labels)
    line = ("x.npy", "--mask-dir", "y.npy", "--labels", "2", "--image-axis", "0")
    assert run("compute", *line, "-q").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    expected = codes[labels == 2].reshape(-1, *channels)
    assert spec.counts.images == 4
    assert spec.mean == pytest.approx(np.atleast_1d(expected.mean(axis=0)), rel=1e-12)
    assert spec.std == pytest.approx(np.atleast_1d(expected.std(axis=0)), rel=1e-12)


def zipped(path, folder):
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted(folder.rglob("*.png")):
            archive.write(each, each.relative_to(folder).as_posix())
    return path


def tarred(path, folder):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for each in sorted(folder.rglob("*.png")):
            archive.add(each, each.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("images", ["folder", "zip", "tar", "tar.gz"])
@pytest.mark.parametrize("masks", ["folder", "zip", "tar"])
def test_masks_and_images_can_be_in_archives(made, images, masks):
    folder, pixels, labels = made
    places = {}
    for role, kind in (("images", images), ("masks", masks)):
        pack = {"folder": lambda _, there: there, "zip": zipped}.get(kind, tarred)
        places[role] = pack(folder / f"{role}.{kind}", folder / role)
    spec = normstat.compute(places["images"], mask_dir=places["masks"])
    check(spec, picked(pixels, {name: each != 0 for name, each in labels.items()}))


def test_masks_in_a_compressed_tar_are_refused_with_what_to_do(run, made):
    folder, *_ = made
    tarred(folder / "masks.tar.gz", folder / "masks")
    code, _, err = run("compute", "images", "--mask-dir", "masks.tar.gz")
    assert code == 3
    assert "read in one go" in err
    assert "make it a plain tar or a zip" in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"labels": [1]}, UsageError, "labels is for masks"),
        ({"ignore_label": 1}, UsageError, "ignore_label is for masks"),
        ({"mask_dir": "masks", "labels": ["1", "x"]}, UsageError, "whole .* not '1,x'"),
        ({"mask_suffix": ""}, UsageError, "mask_suffix is empty"),
        ({"mask_dir": "masks", "labels": [1], "ignore_label": 1}, UsageError, "label 1 is to be"),
        ({"mask_dir": "none"}, SourceError, "none: no such file or folder"),
        ({"mask_dir": "images"}, SourceError, "holds the images themselves"),
        ({"ignore_value": float("nan")}, UsageError, "ignore_value is nan: "),
        ({"ignore_value": float("inf")}, UsageError, "ignore_value is inf: "),
        ({"nodata": float("nan")}, UsageError, "nodata is nan: what is not a finite number"),
    ],
)
def test_masks_that_make_no_sense_are_refused(made, monkeypatch, options, error, text):
    monkeypatch.chdir(made[0])
    with pytest.raises(error, match=text):
        normstat.compute("images", **options)


@pytest.mark.parametrize("option", ["--labels", "--bands", "--columns", "--extensions"])
@pytest.mark.parametrize("value", ["", ","])
def test_an_empty_list_is_not_taken_for_none(run, made, option, value):
    """As of a variable of the shell that is not set: all would count, silently."""
    code, _, err = run("compute", "images", "--mask-dir", "masks", option, value)
    assert (code, "it names nothing" in err) == (2, True)


def test_list_needs_the_folder_that_masks_lie_in(run, made):
    (made[0] / "list.txt").write_text("images/a.png\n")
    code, _, err = run("compute", "--files-from", "list.txt", "--mask-suffix", "_mask")
    assert (code, "needs the folder" in err) == (2, True)


def test_list_of_images_takes_masks_of_those_alone(made):
    folder, images, masks = made
    (folder / "list.txt").write_text("a.png\ndeep/b.png\n")
    spec = normstat.compute(
        folder / "images", files_from=folder / "list.txt", mask_dir=folder / "masks"
    )
    del images["c.png"]
    check(spec, picked(images, {name: masks[name] != 0 for name in images}))


# --- values of pixels ---


def test_ignored_value_is_of_every_channel(tmp_path):
    codes = noise(*SIZE, 3, top=3)
    save(tmp_path / "images" / "a.png", codes)
    spec = normstat.compute(tmp_path / "images", ignore_value=0)
    check(spec, codes[(codes != 0).any(axis=2)] / 255)
    left = 3 * int((codes == 0).all(axis=2).sum())
    assert spec.state.left_out == {"ignored": left}
    # Of the channels that are counted.
    spec = normstat.compute(tmp_path / "images", ignore_value=0, mode="l")
    gray = np.asarray(Image.fromarray(codes).convert("L"))
    check(spec, gray[gray != 0][:, None] / 255)


@pytest.mark.parametrize("value", [65535, 0, 300, -1, 0.5])
def test_ignored_value_of_16_bits_is_exact(tmp_path, value):
    codes = noise(*SIZE, top=3, dtype=np.uint16) * np.uint16(300)
    save(tmp_path / "images" / "a.png", codes)
    spec = normstat.compute(tmp_path / "images", ignore_value=value)
    check(spec, codes[codes != value][:, None] / 65535)


def test_pixel_counts_only_if_alpha_mask_and_value_say_so(made):
    folder, images, masks = made
    alpha = {name: noise(*SIZE, top=2) * np.uint8(255) for name in images}
    for name in images:
        images[name][: SIZE[0] // 2] = 9
        rgba = np.dstack([images[name], alpha[name]])
        save(folder / "images" / name, rgba)
    spec = normstat.compute(
        folder / "images", mask_dir=folder / "masks", alpha="mask", ignore_value=9
    )
    shown = {name: alpha[name] > 0 for name in images}
    chosen = {name: shown[name] & (masks[name] != 0) for name in images}
    left = {name: chosen[name] & (images[name] != 9).any(axis=2) for name in images}
    check(spec, picked(images, left))
    counts = [sum(int(each.sum()) for each in part.values()) for part in (shown, chosen, left)]
    assert spec.state.left_out == {
        "transparent": 3 * (3600 - counts[0]),
        "masked": 3 * (counts[0] - counts[1]),
        "ignored": 3 * (counts[1] - counts[2]),
    }


@pytest.mark.parametrize(
    "options",
    [{"resize": 17}, {"crop": 21}, {"resize": 20, "crop": 16}, {"crop": 35}, {"resize": 90}],
)
def test_mask_is_resized_to_the_nearest_and_cropped_as_its_image(made, options):
    folder, images, masks = made
    resize, crop = options.get("resize"), options.get("crop")
    near, far = Image.Resampling.NEAREST, Image.Resampling.BILINEAR
    pixels, covers = {}, {}
    for name in images:
        shown, _ = resized_and_cropped(Image.fromarray(images[name]), resize, crop, far)
        labels, _ = resized_and_cropped(Image.fromarray(masks[name]), resize, crop, near)
        pixels[name], covers[name] = np.asarray(shown), np.asarray(labels) != 0
    spec = normstat.compute(folder / "images", mask_dir=folder / "masks", **options)
    check(spec, picked(pixels, covers))


@pytest.mark.parametrize("options", [{}, {"labels": [300]}, {"ignore_label": 0}])
def test_foreground_of_16_bits_has_exact_percentiles(tmp_path, options):
    codes = noise(200, 300, top=40_000, dtype=np.uint16)
    labels = noise(200, 300, top=3, dtype=np.uint16) * np.uint16(150)
    save(tmp_path / "images" / "a.png", codes)
    save(tmp_path / "masks" / "a.png", labels)
    spec = normstat.compute(tmp_path / "images", mask_dir=tmp_path / "masks", **options)
    chosen = labels == 300 if "labels" in options else labels != 0
    check(spec, codes[chosen][:, None] / 65535)


# --- images that come in blocks ---

KINDS = {
    "gray-s16": np.int16,
    "gray-float": np.float32,
    "rgb16": np.uint16,
    "bands4-8": np.uint8,
}


def in_tiles(values, side, valid=None):
    """The blocks of an image of shape (channels, rows, columns), as from a file in tiles."""
    _, rows, columns = values.shape
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            window = slice(top, min(top + side, rows)), slice(left, min(left + side, columns))
            part = values[:, *window]
            some = None if valid is None else valid[:, *window].reshape(len(values), -1)
            yield Block(part.reshape(len(values), -1), some, "nodata", window)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(13, 17), (3, 13, 17)])
@pytest.mark.parametrize("ignored", [None, 1])
def test_masks_are_cut_as_the_blocks_of_their_image(kind, shape, ignored):
    channels = {"gra": 1, "rgb": 3, "ban": 4}[kind[:3]]
    sheet = (int(np.prod(shape[:-1])), shape[-1])
    values = noise(channels, *sheet, top=3, dtype=np.int16).astype(KINDS[kind])
    valid = noise(channels, *sheet, top=5) > 0
    cover = noise(*shape, top=2) > 0
    blocks = covered(in_tiles(values, 5, valid), cover, shape, ignored)
    facts = Facts("x", shape[-1], sheet[0], False, False, False)
    record = counted(kind, facts, blocks, covariance=True)
    whole = valid & cover.reshape(sheet)
    masked = int((valid & ~cover.reshape(sheet)).sum())
    by_value = whole & ((values != ignored).any(axis=0) if ignored is not None else True)
    expected = {
        "nodata": int((~valid).sum()),
        "masked": masked,
        "ignored": int((whole & ~by_value).sum()),
    }
    assert dict(record.left_out) == {why: count for why, count in expected.items() if count}
    plain = counted(
        kind, facts, [Block(values.reshape(channels, -1), by_value.reshape(channels, -1))],
        covariance=True,
    )  # fmt: skip
    if kind == "gray-float":
        assert plain.content.split()[0] == record.content.split()[0]
    else:
        assert (plain.content, plain.products) == (record.content, record.products)


def test_percentiles_of_masked_signed_codes_are_exact():
    codes = noise(1, 60, 70, top=4000, dtype=np.int16) - np.int16(1000)
    cover = noise(60, 70, top=2) > 0
    facts = Facts("CT int16", 70, 60, False, False, False)
    blocks = covered(in_tiles(codes, 32), cover, (60, 70), None)
    record = counted("gray-s16", facts, blocks, covariance=False)
    from normstat.statistics import Collector  # noqa: PLC0415

    collector = Collector(ddof=0, covariance=False)
    collector.add(record)
    histogram = collector.state().kinds["gray-s16"].codes
    for percent in ("0.5", "99.5"):
        [found] = histogram.percentile(Fraction(percent))
        assert float(found) - 32768 == pytest.approx(
            np.percentile(codes[0][cover].astype(float), float(percent)), abs=1e-9
        )
    assert sum(counts.sum() for _, counts in unpacked_wide(record.content)) == cover.sum()


def test_nan_in_a_mask_is_no_foreground():
    labels = np.array([[0.0, np.nan, 2.0, np.inf]])
    decoded = Decoded(
        "gray-float", Facts("F", 4, 1, False, False, False), blocks=[Block(labels)], shape=(1, 4)
    )
    assert cover_of_codes(decoded, Masks()).tolist() == [[False, False, True, True]]
    everything = Masks(foreground="all", ignore_label=0)
    assert counting(labels, everything).tolist() == [[False, False, True, True]]


def test_mask_of_several_channels_is_refused():
    facts = Facts("uint8x4", 2, 1, False, False, False)
    decoded = Decoded("bands4-8", facts, blocks=[Block(noise(4, 2))], shape=(1, 2))
    with pytest.raises(ImageError, match="4 channels; a mask has one"):
        cover_of_codes(decoded, Masks())


def test_pipeline_with_masks_never_reads_an_image_without_one(made):
    opener = list_files([made[0] / "images"], Selection()).opener(0)
    with pytest.raises(ImageError, match="mask is not known"), read(
        opener, Pipeline(masks=Masks())
    ):  # fmt: skip
        pass


# --- however it is cut ---


@pytest.fixture
def many(tmp_path):
    """Thirteen images, one of them without mask and one with nothing in it."""
    for number in range(13):
        size = (20 + number, 30)
        save(tmp_path / "images" / f"{number}.png", noise(*size, 3))
        if number != 5:
            save(tmp_path / "masks" / f"{number}.png", noise(*size, top=1 if number == 7 else 4))
    return tmp_path


@pytest.mark.parametrize(("backend", "jobs"), ENGINES_AND_JOBS)
def test_masked_spec_is_byte_identical_for_any_backend_and_jobs(monkeypatch, many, backend, jobs):
    options = {"mask_dir": many / "masks", "labels": [1, 2], "ignore_value": 3, "covariance": True}
    expected = dumps(normstat.compute(many / "images", jobs=1, backend="serial", **options))
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 2)
    assert dumps(normstat.compute(many / "images", jobs=jobs, backend=backend, **options)) == (
        expected
    )


@pytest.mark.parametrize("of", [2, 3, 5])
def test_masked_shards_add_up_to_the_whole(many, of):
    options = {"mask_dir": many / "masks", "ignore_label": 0}
    parts = [
        normstat.compute(many / "images", shard=f"{part}/{of}", **options)
        for part in range(1, of + 1)
    ]
    whole = normstat.compute(many / "images", **options)
    assert dumps(normstat.merge(*parts)) == dumps(whole)


def test_sample_opens_the_masks_of_its_own_images(many):
    spec = normstat.compute(many / "images", mask_dir=many / "masks", sample=12)
    assert spec.counts.images == 11
    assert dumps(spec) != ""
    check_all = normstat.compute(many / "images", mask_dir=many / "masks")
    assert spec.mean == check_all.mean


def test_cache_knows_when_a_mask_has_changed(many):
    options = {"mask_dir": many / "masks", "cache": many / "cache.sqlite"}
    first = normstat.compute(many / "images", **options)
    watch = Cached()
    assert dumps(normstat.compute(many / "images", observer=watch, **options)) == dumps(first)
    assert watch.known == 11
    path = many / "masks" / "3.png"
    before = path.stat()
    save(path, np.full((23, 30), 1, np.uint8))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    again = normstat.compute(many / "images", **options)
    assert dumps(again) == dumps(normstat.compute(many / "images", mask_dir=many / "masks"))
    assert again.counts.pixels > first.counts.pixels
    # Neither do images without masks take what was found with them.
    plain = normstat.compute(many / "images", cache=many / "cache.sqlite")
    assert dumps(plain) == dumps(normstat.compute(many / "images"))


class Cached(reading.Observer):
    known = 0

    def cached(self, images):
        self.known += images


def test_pruning_keeps_what_is_known_of_masked_images(run, many):
    options = ("--mask-dir", "masks", "--cache", "c.sqlite", "-q", "--format", "none")
    assert run("compute", "images", *options).code == 0
    (many / "images" / "0.png").unlink()
    code, out, _ = run("cache", "prune", "c.sqlite")
    assert code == 0
    assert "1" in out
    watch = Cached()
    normstat.compute(
        many / "images", mask_dir=many / "masks", cache=many / "c.sqlite", observer=watch
    )
    assert watch.known == 10


def test_spec_without_masks_says_nothing_of_them(many):
    fields = json.loads(dumps(normstat.compute(many / "images")))
    assert {"masks", "ignore_value"}.isdisjoint(fields["pipeline"])
    assert {"mask_dir", "mask_suffix"}.isdisjoint(fields["dataset"]["selected"])
    assert all("digest" not in entry for entry in fields["dataset"]["contents"])
    assert "left_out" not in fields["state"]


# --- a spec that was made with masks ---


def test_validate_notices_a_changed_mask_and_measures_again_with_masks(run, many):
    assert run("compute", "images", "--mask-dir", "masks", "--labels", "1,2").code == 0
    code, out, err = run("validate", "normstat.json", "images", "--deep")
    assert (code, err) == (0, "")
    assert "measured again" in out
    save(many / "masks" / "3.png", noise(23, 30, top=200))
    code, _, err = run("validate", "normstat.json", "images")
    assert code == 1
    assert "~ 3.png: its mask has another name or size" in err
    (many / "masks" / "3.png").unlink()
    code, _, err = run("validate", "normstat.json", "images")
    assert (code, "- 3.png" in err) == (1, True)


def test_spec_with_masks_comes_back_from_its_file(many):
    spec = normstat.compute(many / "images", mask_dir=many / "masks", labels=[2, 1])
    assert spec.pipeline.masks == Masks(foreground=[1, 2])
    assert spec.dataset.selected.mask_dir == str(many / "masks")
    assert spec.pipeline.ignore_value is UNSET
    path = many / "spec.yaml"
    normstat.save(spec, path)
    assert normstat.load(path) == spec
    assert validate(spec) == []


def test_specs_of_other_labels_do_not_merge(many):
    specs = [
        normstat.compute(
            many / "images", mask_dir=many / "masks", labels=[label], shard=f"{label}/2"
        )
        for label in (1, 2)
    ]
    with pytest.raises(normstat.SpecError, match=r"pipeline\.masks differs"):
        normstat.merge(*specs)


def test_datasets_with_masks_in_other_folders_merge(many):
    (many / "more").mkdir()
    for role in ("images", "masks"):
        save(many / "more" / role / "z.png", noise(9, 9, top=3))
    parts = [
        normstat.compute(place / "images", mask_dir=place / "masks")
        for place in (many, many / "more")
    ]
    merged = normstat.merge(*parts)
    assert merged.counts.pixels == sum(part.counts.pixels for part in parts)


def test_archives_hold_images_and_masks_side_by_side(made):
    folder, images, masks = made
    for name, labels in masks.items():
        save((folder / "images" / name).with_name(f"{name[-5]}_mask.png"), labels)
    archive = zipped(folder / "all.zip", folder / "images")
    spec = normstat.compute(archive, mask_suffix="_mask")
    check(spec, picked(images, {name: labels != 0 for name, labels in masks.items()}))


@pytest.mark.parametrize("method", ["standard", "image_per_channel", "percentile"])
def test_apply_writes_zero_outside_of_masks(run, made, method):
    folder, images, masks = made
    assert run("compute", "images", "--mask-dir", "masks").code == 0
    code, _, err = run("apply", "images", "--mask-dir", "masks", "--method", method)
    assert (code, "wrote" in err) == (0, True)
    spec = normstat.load(folder / "normstat.json")
    mean, std = np.array(spec.mean) * 255, np.array(spec.std) * 255
    low, high = (np.array(spec.percentiles[percent]) * 255 for percent in ("0.5", "99.5"))
    for name, codes in images.items():
        chosen = masks[name] != 0
        wide = codes.astype(float)
        if method == "image_per_channel":
            mean, std = wide[chosen].mean(axis=0), wide[chosen].std(axis=0) + 1e-4
        if method == "percentile":
            wide = wide.clip(low, high)
        expected = np.where(chosen[..., None], (wide - mean) / std, 0)
        written = np.load((folder / "normalized" / name).with_suffix(".npy"))
        np.testing.assert_allclose(np.moveaxis(written, 0, -1), expected, atol=2e-5)


def test_apply_takes_up_a_changed_mask(run, made):
    folder, *_ = made
    line = ("apply", "images", "--preset", "imagenet", "--mask-dir", "masks")
    assert run(*line).code == 0
    save(folder / "masks" / "a.png", np.ones(SIZE, np.uint8))
    assert run(*line).code == 0
    written = np.load(folder / "normalized" / "a.npy")
    assert (written != 0).all()


def test_apply_with_the_numbers_of_masks_leaves_masks_alone(run, made):
    folder, _, masks = made
    for name, labels in masks.items():
        save((folder / "images" / name).with_name(f"{name[-5]}_mask.png"), labels)
    assert run("compute", "images", "--mask-suffix", "_mask").code == 0
    code, out, _ = run("apply")
    assert (code, out.splitlines()[0]) == (0, "3 images to normalized (standard)")
    written = np.load(folder / "normalized" / "a.npy")
    assert (written[:, masks["a.png"] == 0] != 0).any()


def test_what_masks_left_out_cannot_be_restored(run, made):
    assert run("apply", "images", "--preset", "imagenet", "--mask-dir", "masks").code == 0
    code, _, err = run("apply", "--inverse", "normalized")
    assert (code, "left out was written as 0" in " ".join(err.split())) == (3, True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nnunet_gets_the_percentiles_of_the_foreground(run, tmp_path, dtype):
    top = int(np.iinfo(dtype).max) + 1
    codes = {f"{n}.png": noise(61, 47, top=top, dtype=dtype) for n in range(3)}
    labels = {name: noise(61, 47, top=3) for name in codes}
    for name, image in codes.items():
        save(tmp_path / "images" / name, image)
        save(tmp_path / "masks" / name, labels[name])
    assert run("compute", "images", "--mask-dir", "masks").code == 0
    code, out, _ = run("export", "--to", "nnunet")
    assert code == 0
    found = json.loads(out)["foreground_intensity_properties_per_channel"]["0"]
    values = np.concatenate([codes[name][labels[name] > 0] for name in codes]).astype(float)
    assert found["percentile_00_5"] == pytest.approx(np.percentile(values, 0.5), rel=1e-12)
    assert found["percentile_99_5"] == pytest.approx(np.percentile(values, 99.5), rel=1e-12)
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert found["std"] == pytest.approx(values.std(), rel=1e-12)
    old = {"foreground_intensity_properties_per_channel": {"0": dict.fromkeys(found, 1)}}
    (tmp_path / "dataset_fingerprint.json").write_text(json.dumps(old))
    assert run("export", "--to", "nnunet", "--update", "dataset_fingerprint.json").code == 0
    updated = json.loads((tmp_path / "dataset_fingerprint.json").read_text())
    assert updated["foreground_intensity_properties_per_channel"]["0"] == found


def foreground(run):
    code, out, err = run("export", "--to", "nnunet")
    assert code == 0, err
    return json.loads(out)["foreground_intensity_properties_per_channel"]


def check_limits(found, values):
    """`values` are those of a channel each."""
    for channel, each in zip(values, found.values(), strict=True):
        low, high = np.percentile(channel.astype(float), [0.5, 99.5])
        assert each["percentile_00_5"] == pytest.approx(low, rel=1e-12)
        assert each["percentile_99_5"] == pytest.approx(high, rel=1e-12)


def test_nnunet_gets_the_percentiles_of_opaque_pixels(run, tmp_path):
    image = 50 + noise(30, 30, 4, top=150)
    image[..., 3] = np.where(noise(30, 30, top=2), 255, 0)
    save(tmp_path / "images" / "a.png", image)
    assert run("compute", "images", "--alpha", "mask").code == 0
    check_limits(foreground(run), image[image[..., 3] > 0][:, :3].T)


def test_nnunet_gets_the_percentiles_of_what_is_not_nodata(run, tmp_path):
    codes = 7 + noise(61, 47, top=900, dtype=np.uint16)
    codes[::2] = 7
    save(tmp_path / "images" / "a.png", codes)
    assert run("compute", "images", "--nodata", "7").code == 0
    check_limits(foreground(run), [codes[codes != 7]])


def test_nnunet_finds_percentiles_that_were_not_listed(run, made):
    _, codes, masks = made
    assert run("compute", "images", "--mask-dir", "masks", "--percentiles", "50").code == 0
    values = [codes[name][masks[name] > 0] for name in codes]
    check_limits(foreground(run), np.concatenate(values).T)


def test_nnunet_of_signed_codes_has_their_percentiles(run, samples):
    spec = normstat.compute(samples / "deep" / "ct.dcm")
    normstat.save(spec, run.folder / "normstat.json")
    [found] = foreground(run).values()
    assert (found["percentile_00_5"], found["percentile_99_5"]) == (
        spec.percentiles["0.5"][0],
        spec.percentiles["99.5"][0],
    )


@pytest.mark.parametrize(
    ("values", "top"),
    [
        (np.arange(-1000, 3000, dtype="f4"), 1000),
        (np.arange(-1000, 2000, dtype="i2"), 1000),
        (np.arange(-1000, 2000, dtype="i2"), 255),
        (np.arange(100, 900, dtype="i2"), 1000),
    ],
)
def test_nnunet_clips_no_signed_codes_to_what_they_are_divided_by(run, tmp_path, values, top):
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.tif", values.reshape(40, -1))
    assert run("compute", "images", "--max-pixel-value", str(top)).code == 0
    check_limits(foreground(run), [values])


@pytest.mark.parametrize(("low", "high", "code"), [(0, 9, 0), (0, 11, 3), (-1, 9, 3)])
def test_nnunet_writes_the_range_of_floats_that_stay_in_it(run, tmp_path, low, high, code):
    (tmp_path / "images").mkdir()
    values = np.linspace(low, high, 900, dtype="f4").reshape(30, 30)
    tifffile.imwrite(tmp_path / "images" / "a.tif", values)
    assert run("compute", "images", "--max-pixel-value", "10").code == 0
    found = run("export", "--to", "nnunet")
    assert (found.code, bool(found.out)) == (code, not code)


def test_nnunet_of_floats_is_refused_and_updates_mean_and_std_alone(run, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(0).random((9, 9)).astype("f4")
    values[0, 0] = np.nan
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.tif", values)
    assert run("compute", "images", "--max-pixel-value", "255").code == 0
    code, _, err = run("export", "--to", "nnunet")
    assert (code, "`--update` replaces mean and std alone" in " ".join(err.split())) == (3, True)
    old = {"mean": 1, "std": 1, "percentile_00_5": 3, "percentile_99_5": 4}
    path = tmp_path / "dataset_fingerprint.json"
    path.write_text(json.dumps({"foreground_intensity_properties_per_channel": {"0": old}}))
    assert run("export", "--to", "nnunet", "--update", path.name).code == 0
    new = json.loads(path.read_text())["foreground_intensity_properties_per_channel"]["0"]
    assert new["mean"] == pytest.approx(np.nanmean(values.astype(float)), rel=1e-6)
    assert (new["percentile_00_5"], new["percentile_99_5"]) == (3, 4)


def test_nnunet_of_all_pixels_clips_nothing(run, made):
    assert run("compute", "images").code == 0
    found = json.loads(run("export", "--to", "nnunet").out)
    for each in found["foreground_intensity_properties_per_channel"].values():
        assert (each["percentile_00_5"], each["percentile_99_5"]) == (0, 255)


def test_diagnose_looks_at_the_pixels_that_count(run, made):
    folder, *_ = made
    assert run("compute", "images", "--mask-dir", "masks", "--covariance").code == 0
    code, out, err = run("diagnose")
    assert code == 0, err
    assert "jitter (" in out  # which is of the images
    (folder / "masks").rename(folder / "elsewhere")
    code, out, err = run("diagnose")
    assert code == 0
    assert "its masks, masks, are not here" in " ".join((out + err).split())


@pytest.mark.parametrize("label_type", [np.uint8, np.int16, np.float32])
def test_foreground_of_volumes_is_what_nibabel_and_numpy_say(run, tmp_path, label_type):
    nibabel = pytest.importorskip("nibabel")
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    values = []
    for case in ("lung_001", "lung_002"):
        codes = noise(11, 13, 7, top=3000, dtype=np.int16) - np.int16(1000)
        labels = noise(11, 13, 7, top=3).astype(label_type)
        for folder, array_, name in (
            ("imagesTr", codes, f"{case}_0000.nii.gz"),
            ("labelsTr", labels, f"{case}.nii.gz"),
        ):
            nibabel.Nifti1Image(array_, np.eye(4)).to_filename(tmp_path / folder / name)
        shown, mask = (
            np.asarray(nibabel.load(tmp_path / folder / name).dataobj)
            for folder, name in (
                ("imagesTr", f"{case}_0000.nii.gz"),
                ("labelsTr", f"{case}.nii.gz"),
            )
        )
        values.append(shown[mask > 0].astype(float))
    assert run("compute", "imagesTr", "--mask-dir", "labelsTr").code == 0
    whole = np.concatenate(values)
    check(normstat.load(tmp_path / "normstat.json"), whole[:, None])
    code, out, _ = run("export", "--to", "nnunet")
    assert code == 0
    found = json.loads(out)["foreground_intensity_properties_per_channel"]["0"]
    assert found["percentile_00_5"] == pytest.approx(np.percentile(whole, 0.5), abs=1e-9)
    assert found["percentile_99_5"] == pytest.approx(np.percentile(whole, 99.5), abs=1e-9)


def test_bands_in_tiles_are_masked_as_tifffile_reads_them(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    codes, labels = noise(5, 70, 90, top=5000, dtype=np.uint16), noise(70, 90, top=3)
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "a.tif"
    tifffile.imwrite(path, codes, tile=(32, 32), planarconfig="separate", photometric="minisblack")
    save(tmp_path / "masks" / "a.png", paletted(labels))
    spec = normstat.compute(tmp_path / "images", mask_dir=tmp_path / "masks", labels=[2])
    check(spec, tifffile.imread(path)[:, labels == 2].T / 65535)


def test_volume_and_mask_of_other_shapes_do_not_fit(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    for folder, shape in (("images", (4, 5, 6)), ("masks", (4, 6, 5))):
        (tmp_path / folder).mkdir()
        codes = noise(*shape, dtype=np.int16)
        nibabel.Nifti1Image(codes, np.eye(4)).to_filename(tmp_path / folder / "a.nii")
    with pytest.raises(SourceError, match="the image"):
        normstat.compute(tmp_path / "images", mask_dir=tmp_path / "masks")


def test_masked_opener_opens_the_image(made):
    listing = list_files([made[0] / "images"], Selection(mask_dir=str(made[0] / "masks")))
    opener = listing.opener(1)
    assert isinstance(opener, Masked)
    with opener() as image, opener.mask() as mask:
        assert image.read() == (made[0] / "images" / listing.names[1]).read_bytes()
        assert mask.read() == (made[0] / "masks" / listing.masks.names[1]).read_bytes()


def test_samples_of_masks_count_the_disc_alone(samples):
    folder = samples / "deep" / "masked"
    images = {name: np.asarray(Image.open(folder / f"{name}.png")) for name in ("disc-1", "disc-2")}
    labels = {name: np.asarray(Image.open(folder / f"{name}_mask.png")) for name in images}
    spec = normstat.compute(folder, mask_suffix="_mask", labels=[1], ignore_label=255)
    assert spec.dataset.files == 2
    check(spec, picked(images, {name: each == 1 for name, each in labels.items()}))
