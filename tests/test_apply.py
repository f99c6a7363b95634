"""`apply` as a whole, through the real command: right values in whole files, and the way back."""

import json
import os
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import msgspec
import numpy as np
import pytest
import tifffile
from PIL import Image
from safetensors.numpy import load_file

import normstat
from normstat.application import run, runs
from normstat.cli import main
from normstat.errors import ImageError, UsageError
from normstat.planning import Numbers, plan
from normstat.spec.dataset import Selected
from tests.conftest import Ran

BROKEN = b"\x89PNG\r\n\x1a\nbroken"
IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
CAFFE = np.array([103.939, 116.779, 123.68])  # B G R


def read_npz(path):
    with np.load(path) as archive:
        return archive["values"]


# Readers of their own, so that a wrong writer is not undone by a wrong reader.
READERS = {
    ".npy": np.load,
    ".npz": read_npz,
    ".safetensors": lambda path: load_file(path)["values"],
    ".tiff": tifffile.imread,
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(here, capsys):
    """The command in this process, for the many runs whose start would take most of the time."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        return Ran(ended.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, before)


def noise(*shape, seed=0, high=256, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, high, shape, dtype=dtype)


def image(path, pixels, **options):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def images(here):
    """Five images of several kinds and sizes in images/."""
    image("images/a/b.jpg", noise(20, 30, 3, seed=1))
    image("images/a/b.png", noise(11, 13, 3, seed=2))
    image("images/a/c.webp", noise(8, 8, 3, seed=3))
    image("images/d.png", noise(9, 7, seed=4))
    image("images/e.png", noise(1, 1, 3, seed=5))
    return here


@pytest.fixture
def many(here):
    """1,200 images, enough for three runs of workers, by links to four."""
    for number in range(4):
        image(f"x/{number}.png", noise(16, 20, 3, seed=number))
    for number in range(4, 1200):
        os.link(f"x/{number % 4}.png", f"x/{number}.png")
    return here


def codes(path):
    """The pixels of a file, (H, W, 3)."""
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def record(folder="normalized"):
    return json.loads(Path(folder, "normstat-apply.json").read_text("utf-8"))


def stored(folder="normalized"):
    """The values of all outputs by the names of their sources, (C, H, W)."""
    job = record(folder)["job"]
    found = {}
    for each in record(folder)["outputs"]:
        path = Path(folder, each["output"])
        values = READERS[path.suffix](path)
        assert (list(values.shape), values.dtype) == (each["shape"], job["dtype"])
        found[each["source"]] = values if job["layout"] == "chw" else values.transpose(2, 0, 1)
    return found


def standardized(path, mean, std):
    return ((codes(path) / 255 - mean) / std).transpose(2, 0, 1)


def tree(folder):
    """All files below a folder, with their bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*.*"))}


def complains(ran, code, *words):
    """Whether a run ended with `code` and told all the words, in lines and not in a traceback."""
    assert "Traceback" not in ran.err, ran.err
    assert (ran.code, [word for word in words if word not in ran.err]) == (code, []), ran.err
    assert "None" not in ran.err
    return True


def works(ran):
    return complains(ran, 0)


# --- values ---


def test_three_lines_work_as_typed(run, images):
    assert works(run("compute", "./images"))
    assert works(run("apply", "--preset", "imagenet"))
    assert works(run("compare"))
    values = stored()
    assert list(values) == ["a/b.jpg", "a/b.png", "a/c.webp", "d.png", "e.png"]
    for name, found in values.items():
        np.testing.assert_allclose(found, standardized(f"images/{name}", *IMAGENET), atol=2e-6)


def test_plain_apply_takes_the_numbers_of_the_spec(call, images):
    assert works(call("compute", "images"))
    ran = call("apply")
    assert works(ran)
    told = [float(text) for text in re.findall(r"[+-]\d\.\d{6}", ran.out)]
    np.testing.assert_allclose(told, [0, 0, 0, 1, 1, 1], atol=1e-6)


FORMATS = [
    (kind, layout, dtype)
    for kind in ("npy", "npz", "safetensors", "tiff")
    for layout in ("chw", "hwc")
    for dtype in ("float32", "float16")
]


@pytest.mark.parametrize(("kind", "layout", "dtype"), FORMATS)
def test_values_shape_dtype_and_names(call, images, kind, layout, dtype):
    line = ("apply", "images", "--preset", "imagenet", "--format", kind)
    assert works(call(*line, "--layout", layout, "--dtype", dtype))
    names = ["a/b.jpg", "a/b.png", "a/c", "d", "e"]
    assert sorted(tree("normalized")) == sorted(
        [*(f"{name}.{kind}" for name in names), "normstat-apply.json"]
    )
    job = record()["job"]
    assert (job["format"], job["layout"], job["dtype"]) == (kind, layout, dtype)
    for name, values in stored().items():
        expected = standardized(f"images/{name}", *IMAGENET)
        limits = {"atol": 2e-6} if dtype == "float32" else {"atol": 1e-3, "rtol": 2**-10}
        np.testing.assert_allclose(values, expected, **limits)


def test_a_preview_is_looked_at_and_labelled(call, images):
    assert works(call("apply", "images", "--preset", "imagenet", "--format", "png"))
    with Image.open("normalized/a/b.jpg.preview.png") as shown:
        assert shown.size == (30, 20)
        assert "preview" in shown.text["Comment"]
    assert complains(call("apply", "--inverse", "normalized"), 3, "preview")


def test_a_bgr_preset_gives_bgr_and_comes_back_in_rgb(call, images):
    assert works(call("apply", "images", "--preset", "caffe"))
    expected = codes("images/a/b.png")[..., ::-1] - CAFFE
    np.testing.assert_allclose(
        stored()["a/b.png"], expected.transpose(2, 0, 1), rtol=1e-6, atol=1e-4
    )
    assert works(call("apply", "--inverse", "normalized"))
    np.testing.assert_array_equal(codes("restored/a/b.png.png"), codes("images/a/b.png"))


def test_match_to_a_bgr_preset_pairs_channels_by_name(call, images):
    assert works(call("compute", "images", "-q"))
    assert works(call("apply", "--method", "match", "--preset", "caffe"))
    job, each = record()["job"], stored()
    values = np.concatenate([value.reshape(3, -1) for value in each.values()], axis=1)
    target = dict(zip("BGR", CAFFE / 255, strict=True))
    expected = [target[channel] for channel in job["channels"]]
    np.testing.assert_allclose(values.mean(axis=1, dtype=np.float64), expected, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        ("--resize", "10"),
        ("--resize", "12", "--crop", "9", "--interpolation", "bicubic"),
        ("--crop", "10"),
        ("--mode", "l"),
        ("--alpha", "white"),
        ("--alpha", "premultiply", "--resize", "7"),
    ],
)
def test_pixels_are_those_of_compute(call, images, options):
    rgba = noise(12, 12, 4, seed=9)
    image("images/alpha.png", rgba)
    assert works(call("compute", "images", *options, "-q"))
    assert works(call("apply", *options))
    flat = [values.reshape(len(values), -1) for values in stored().values()]
    values = np.concatenate(flat, axis=1).astype(np.float64)
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(values.std(axis=1), 1, atol=1e-6)


def test_masked_pixels_are_zero_and_the_others_standard(call, here):
    rgba = noise(40, 40, 4)
    rgba[..., 3] = np.where(noise(40, 40, seed=1) < 100, 0, 255)
    image("images/a.png", rgba)
    assert works(call("compute", "images", "--alpha", "mask", "-q"))
    assert works(call("apply", "--alpha", "mask"))
    values, shown = stored()["a.png"].astype(np.float64), rgba[..., 3] > 0
    assert not values[:, ~shown].any()
    np.testing.assert_allclose(values[:, shown].mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(values[:, shown].std(axis=1), 1, atol=1e-6)


# --- the images of a spec ---


@pytest.fixture
def mixed(here):
    """Images, masks and links that each way to select takes others of."""
    for name in ("day/1.png", "day/2.jpg", "night/3.png", "night/.4.png"):
        image(f"x/{name}", noise(6, 5, 3, seed=len(name)))
    image("elsewhere/5.png", noise(6, 5, 3))
    Path("x/link").symlink_to("../elsewhere")
    Path("list.txt").write_text("day/1.png\nnight/3.png\n")
    Path("list.nul").write_bytes(b"day/1.png\0night/3.png\0")
    Path("list.csv").write_text("id,file\n1,day/1.png\n2,night/3.png\n")
    return here


def masked(*names):
    """Put masks of which every pixel counts under these names."""
    for name in names:
        image(name, np.ones((6, 5), np.uint8))


ALL = {"day/1.png", "day/2.jpg", "night/3.png"}
LISTED = {"day/1.png", "night/3.png"}
SELECTED = {
    "include": (("--include", "day"), {"day/1.png", "day/2.jpg"}),
    "exclude": (("--exclude", "night"), {"day/1.png", "day/2.jpg"}),
    "extensions": (("--extensions", "jpg"), {"day/2.jpg"}),
    "follow_symlinks": (("--follow-symlinks",), ALL | {"link/5.png"}),
    "hidden": (("--hidden",), ALL | {"night/.4.png"}),
    "files_from": (("--files-from", "list.txt"), LISTED),
    "null": (("--files-from", "list.nul", "-0"), LISTED),
    "column": (("--files-from", "list.csv", "--column", "file"), LISTED),
    "mask_dir": (("--mask-dir", "x/masks"), ALL),
    "mask_suffix": (("--mask-suffix", "_mask"), ALL),
}
MASKS = {
    "mask_dir": ("x/masks/day/1.png", "x/masks/day/2.png", "x/masks/night/3.png"),
    "mask_suffix": ("x/day/1_mask.png", "x/day/2_mask.png", "x/night/3_mask.png"),
}


def sources():
    return {each["source"] for each in record()["outputs"]}


@pytest.mark.parametrize("name", Selected.__struct_fields__)
def test_without_a_source_the_images_are_those_of_the_spec(call, mixed, name):
    options, expected = SELECTED[name]
    masked(*MASKS.get(name, ()))
    assert works(call("compute", "x", *options, "-q"))
    assert normstat.load("normstat.json").counts.images == len(expected)
    assert works(call("apply"))
    assert sources() == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--exclude", "day"), {"night/3.png", "night/.4.png"}),
        (("--include", "*.png"), {"day/1.png"}),
        (("--extensions", "png"), {"day/1.png"}),
        (("--files-from", "list.txt"), LISTED),
        (("x",), ALL),
    ],
)
def test_what_is_given_takes_the_place_of_what_the_spec_was_made_with(
    call, mixed, options, expected
):
    assert works(call("compute", "x", "--exclude", "night", "--hidden", "-q"))
    assert complains(call("apply", *options), 0)
    assert sources() == expected


def test_the_spec_of_a_group_stands_for_the_images_of_that_group(call, mixed):
    whole = normstat.compute("x", group_by="top", hidden=True)
    normstat.save(whole.group("night"), "normstat.json")
    assert complains(call("apply"), 0)
    assert sources() == {"night/3.png", "night/.4.png"}
    assert complains(call("apply", "--files-from", "list.txt", "-o", "listed"), 0)
    assert {each["source"] for each in record("listed")["outputs"]} == LISTED


def test_images_that_were_taken_out_of_the_spec_are_not_written(call, mixed):
    for folder, name in (("x", "whole"), ("x/day", "day")):
        assert works(call("compute", folder, "-q", "-o", f"{name}.json"))
    assert works(call("subtract", "whole.json", "day.json", "-q"))
    assert complains(call("apply"), 2, "taken out (x/day)", "normstat apply SRC")
    assert not Path("normalized").exists()
    assert works(call("apply", "x/night"))
    assert sources() == {"3.png"}


def test_datasets_that_were_selected_differently_are_to_be_named(call, mixed):
    for folder, exclude in (("x", "night"), ("elsewhere", "nothing")):
        options = ("--exclude", exclude, "-q", "-o", f"{folder}.json")
        assert works(call("compute", folder, *options))
    assert works(call("merge", "x.json", "elsewhere.json", "-q"))
    words = "merged of 2 datasets", "selected differently (elsewhere, x)", "normstat apply SRC"
    assert complains(call("apply"), 2, *words)
    assert not Path("normalized").exists()
    assert works(call("apply", "x/day", "elsewhere"))
    assert sources() == {"x/day/1.png", "x/day/2.jpg", "elsewhere/5.png"}


def test_what_the_environment_gives_is_given(run, mixed):
    assert works(run("compute", "x", "--exclude", "night", "-q"))
    assert works(run("apply", env={"NORMSTAT_APPLY_EXCLUDE": "day"}))
    assert sources() == {"night/3.png"}


# --- from Python ---


def written(folder):
    """What a run wrote, with its record."""
    return tree(folder), record(folder)


CALLS = {
    "preset": (("x", "--preset", "caffe"), ("x",), {"preset": "caffe"}),
    "a preset itself": (("x", "--preset", "clip"), ("x",), {"preset": normstat.preset("clip")}),
    "the spec's images": ((), (), {}),
    "others of them": (("--include", "*.jpg"), (), {"include": ["*.jpg"]}),
    "a list": (("--files-from", "list.txt"), (), {"files_from": Path("list.txt")}),
    "match": (("--method", "match", "--preset", "clip"), (), {"method": "match", "preset": "clip"}),
    "adaptive": (
        ("x", "--method", "adaptive", "--spec", "a=other.json", "--spec", "normstat.json"),
        (Path("x"),),
        {"method": "adaptive", "specs": ["a=other.json", Path("normstat.json")]},
    ),
    "whiten": (
        ("--method", "whiten", "--whiten", "pca"),
        (),
        {"method": "whiten", "whiten": "pca"},
    ),
    "masks": (
        ("x/day", "--mask-dir", "masks", "--labels", "1,3"),
        ("x/day",),
        {"mask_dir": Path("masks"), "labels": [1, 3]},
    ),
    "stored": (
        ("x", "--format", "npz", "--layout", "hwc", "--dtype", "float16", "--resize", "4"),
        ("x",),
        {"format": "npz", "layout": "hwc", "dtype": "float16", "resize": 4},
    ),
    "pack": (
        ("x", "--pack", "all.npy", "--crop", "3", "-j", "1", "--backend", "serial"),
        ("x",),
        {"pack": "all.npy", "crop": 3, "jobs": 1, "backend": "serial"},
    ),
    "bands": (("x", "--bands", "3,1,2"), ("x",), {"bands": ["3", "1", "2"]}),
}


@pytest.mark.parametrize("name", CALLS)
def test_apply_from_python_writes_what_the_command_writes(call, mixed, name):
    line, sources, options = CALLS[name]
    for number in (1, 2):
        image(f"masks/{number}.png", noise(6, 5, high=4, seed=number))
    normstat.save(normstat.compute("x/night", channels="native"), "other.json")
    spec = normstat.compute("x", hidden=True, covariance=True, channels="native")
    normstat.save(spec, "normstat.json")
    ran = call("apply", *line, "-o", "command")
    assert ran.code == 0, ran.err
    manifest = normstat.apply(*sources, output=Path("python"), **options)
    assert written("python") == written("command")
    assert json.loads(json.dumps(msgspec.to_builtins(manifest))) == record("command")
    assert manifest.outputs


def test_a_notebook_shows_what_was_done_and_no_list_of_files(images):
    manifest = normstat.apply("images", preset="imagenet")
    shown = repr(manifest)
    assert f"mean={manifest.mean}" in shown
    assert f"outputs={len(manifest.outputs)}, failures=0" in shown
    assert "b.jpg" not in shown


def test_apply_takes_the_numbers_of_a_spec_in_memory(mixed):
    spec = normstat.compute("x")
    normstat.save(spec, "normstat.json")
    whole = normstat.apply("x", output="of-file")
    manifest = normstat.apply("x", specs=[spec], output="of-spec")
    assert (manifest.outputs, manifest.mean) == (whole.outputs, whole.mean)
    assert manifest.job.numbers == "spec 1"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"layout": "cwh"}, "did you mean 'chw'"),
        ({"dtype": "float23"}, "did you mean 'float32'"),
        ({"method": "robust", "of": "images"}, "did you mean 'image'"),
        ({"method": "whiten", "whiten": "zac"}, "did you mean 'zca'"),
        ({"on_error": "skipp"}, "did you mean 'skip'"),
        ({"exlude": ["night"]}, "did you mean 'exclude'"),
        ({"method": "standart"}, "did you mean 'standard'"),
        ({"alpha": "masks"}, "alpha"),
        ({"crop": 0}, "crop"),
        ({"labels": [1]}, "labels is for masks"),
        ({"jobs": 0}, "jobs is 0"),
        ({"backend": "dask"}, "works on a cluster"),
        ({"specs": ["a.json", "b.json"]}, "only adaptive chooses"),
        ({"specs": "a.json", "preset": None}, "write ['a.json']"),
        ({"specs": 3, "preset": None}, "specs is a int"),
        ({"preset": 3}, "preset is a int"),
    ],
)
def test_a_wrong_option_from_python_is_told_before_anything_is_written(mixed, options, word):
    for name in ("a.json", "b.json"):
        normstat.save(normstat.compute("x"), name)
    with pytest.raises(UsageError, match=re.escape(word)):
        normstat.apply("x", **{"preset": "imagenet", **options})
    assert not Path("normalized").exists()


def test_apply_from_python_fails_when_that_is_wanted(mixed):
    Path("x/day/0.png").write_bytes(BROKEN)
    assert len(normstat.apply("x", preset="imagenet").failures) == 1
    with pytest.raises(ImageError, match=r"day/0\.png: "):
        normstat.apply("x", preset="imagenet", on_error="fail", overwrite=True)


def test_restore_gives_back_the_images(mixed):
    image("y/a.png", noise(7, 6, 3))
    normstat.apply("y", preset="imagenet")
    found = normstat.restore("normalized")
    assert (found.images, found.failures) == (1, [])
    np.testing.assert_array_equal(codes("restored/a.png"), codes("y/a.png"))
    with pytest.raises(UsageError, match="jobs is 0"):
        normstat.restore("normalized", "again", jobs=0)


# --- values that do not count ---

GAPS = {"NaN": np.nan, "infinity": np.inf, "nodata": -9999}


def with_gaps(gap, channels=3, dtype=np.float32):
    """A float image of shape (H, W, C), and where its values count: unlike in each channel."""
    values = np.random.default_rng(3).normal(5, 2, (30, 40, channels)).astype(dtype)
    counts = np.ones(values.shape, np.bool_)
    for channel in range(channels):
        counts[channel, : 7 + channel, channel] = False
    values[~counts] = gap
    return values, counts


def z_of(values):
    return (values - values.mean()) / values.std()


def from_zero_to_one(values):
    return (values - values.min()) / (values.max() - values.min())


def by_quartiles(values):
    low, median, high = np.percentile(values, [25, 50, 75])
    return (values - median) / (high - low)


BY_CHANNEL = {
    ("image_per_channel",): (z_of, 1e-6),
    ("min_max_per_channel",): (from_zero_to_one, 1e-4),
    ("robust", "--of", "image"): (by_quartiles, 1e-5),
}


@pytest.mark.parametrize("suffix", [".npy", ".tiff"])
@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("method", BY_CHANNEL, ids=lambda method: method[0])
def test_each_channel_is_normalized_by_all_of_its_values_that_count(
    call, here, method, gap, suffix
):
    values, counts = with_gaps(gap)
    if suffix == ".npy":
        np.save("a.npy", values)
    else:
        tifffile.imwrite("a.tiff", values, photometric="rgb")
    assert works(call("apply", f"a{suffix}", "--method", *method, "--nodata=-9999"))
    (found,) = stored().values()
    formula, close = BY_CHANNEL[method]
    for channel in range(3):
        here_counts = counts[..., channel]
        expected = formula(values[..., channel][here_counts].astype(np.float64))
        np.testing.assert_allclose(found[channel][here_counts], expected, atol=close)
        assert not found[channel][~here_counts].any()
    (output,) = record()["outputs"]
    assert (output["left_out"], output.get("clipped", 0)) == (np.count_nonzero(~counts), 0)


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("method", ["image", "min_max"])
def test_an_image_is_normalized_by_all_values_that_count(call, here, method, gap):
    values, counts = with_gaps(gap)
    np.save("a.npy", values)
    assert works(call("apply", "a.npy", "--method", method, "--nodata=-9999"))
    kept, (found,) = values[counts].astype(np.float64), stored().values()
    expected = from_zero_to_one(kept)
    if method == "image":
        expected = (kept - kept.mean()) / (kept.std() + 1e-4)
    found = found.transpose(1, 2, 0)
    np.testing.assert_allclose(found[counts], expected, atol=1e-6)
    assert not found[~counts].any()


def test_what_does_not_count_is_not_clipped(call, here):
    values = np.random.default_rng(3).normal(5, 2, (30, 40, 1)).astype(np.float32)
    values[3, 4], values[:2, :5], values[5, 5:7] = 5000, np.nan, -9999
    np.save("a.npy", values)
    assert works(call("apply", "a.npy", "--method", "image", "--nodata=-9999"))
    (output,) = record()["outputs"]
    kept = values[np.isfinite(values) & (values != -9999)].astype(np.float64)
    assert (output["clipped"], output["left_out"]) == (1, 12)
    told = 5000 - kept.mean() - 20 * (kept.std() + 1e-4)
    assert output["clipped_by"] == pytest.approx(told, rel=1e-5)


@pytest.mark.parametrize("kind", ["zca", "pca"])
@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_whiten_mixes_no_value_that_does_not_count_into_the_others(call, here, gap, kind):
    values, counts = with_gaps(gap)
    whole = counts.all(axis=2)
    gone = 3 * np.count_nonzero(~whole)
    np.save("gaps.npy", values)
    np.save("complete.npy", np.where(counts, values, 5).astype(np.float32))
    assert works(call("compute", "gaps.npy", "--nodata=-9999", "--covariance", "-q"))
    method = ("--method", "whiten", "--whiten", kind)
    ran = call("apply", "gaps.npy", *method, "-o", "gaps")
    assert works(ran)
    assert f"{gone} values that do not count were written as 0" in ran.out
    assert works(call("apply", "complete.npy", *method, "-o", "complete"))
    found, complete = stored("gaps")["gaps.npy"], stored("complete")["complete.npy"]
    assert np.array_equal(found[:, whole], complete[:, whole])
    assert not found[:, ~whole].any()
    assert record("gaps")["outputs"][0]["left_out"] == gone


def test_a_channel_of_which_nothing_counts_is_named(call, here):
    values, _ = with_gaps(np.nan)
    values[..., 1] = np.nan
    np.save("a.npy", values)
    ran = call("apply", "a.npy", "--method", "image_per_channel")
    assert complains(ran, 3, "a.npy: nothing counts in channel 2", "normstat-apply.json names them")
    assert record()["outputs"] == []


UNHOLDABLE = {
    "close together": (np.arange(12.0).reshape(3, 4) * 5e-324, ("min_max",), "too close together"),
    "squares": (np.arange(12.0).reshape(3, 4) * 1e200, ("image",), "too large"),
    "in 32 bits": (
        np.arange(12.0).reshape(3, 4) * 1e60,
        ("standard", "--preset", "mnist", "--max-pixel-value", "1"),
        "float32 cannot hold",
    ),
    "in 16 bits": (
        np.arange(12.0).reshape(3, 4) * 1e6,
        ("standard", "--preset", "mnist", "--max-pixel-value", "1", "--dtype", "float16"),
        "--dtype float32 can",
    ),
}


@pytest.mark.parametrize(("values", "method", "reason"), UNHOLDABLE.values(), ids=UNHOLDABLE)
def test_an_image_whose_values_floats_cannot_hold_is_left_out(call, here, values, method, reason):
    np.save("a.npy", values)
    ran = call("apply", "a.npy", "--method", *method)
    assert complains(ran, 3, "a.npy: has values", reason)
    assert [each["source"] for each in record()["failures"]] == ["a.npy"]
    assert not Path("normalized/a.npy").exists()


FAR = [("min_max", unit) for unit in (1e-300, 1e-40, 1e-25, 1e25, 1e300)]
FAR += [("standard", unit) for unit in (1e-60, 1e-40, 1e-25, 1e25, 1e120)]


@pytest.mark.parametrize(("method", "unit"), FAR)
def test_units_far_from_one_make_no_difference(call, here, method, unit):
    values = np.random.default_rng(3).normal(5, 2, (30, 40))
    np.save("a.npy", values * unit)
    if method == "standard":
        assert works(call("compute", "a.npy", "-q"))
    assert works(call("apply", "a.npy", "--method", method))
    (found,) = stored().values()
    expected = from_zero_to_one(values) if method == "min_max" else z_of(values)
    np.testing.assert_allclose(found[0], expected, atol=2e-6)


def test_the_std_of_large_values_that_were_written_is_measured(call, here):
    values = np.random.default_rng(3).normal(5, 2, (30, 40)) * 1e25
    np.save("a.npy", values)
    call("apply", "a.npy", "--preset", "mnist", "--max-pixel-value", "1")
    (found,) = stored().values()
    wide = found.astype(np.float64)
    assert record()["mean"] == pytest.approx([wide.mean()], rel=1e-6)
    assert record()["std"] == pytest.approx([wide.std()], rel=1e-6)


# --- read as the spec did ---

AS_THE_SPEC = {
    "without SRC": (),
    "what the spec is of": ("a.npy",),
    "with --spec": ("a.npy", "--spec", "normstat.json"),
    "of another": ("b.npy", "--spec", "normstat.json"),
}
WITHOUT_NUMBERS = {
    "image_per_channel": (),
    "min_max": (),
    "robust": ("--of", "image"),
    "standard": ("--preset", "mnist", "--max-pixel-value", "1"),
}


@pytest.mark.parametrize("arguments", AS_THE_SPEC.values(), ids=AS_THE_SPEC)
@pytest.mark.parametrize("method", WITHOUT_NUMBERS)
def test_images_are_read_as_the_spec_did_whatever_the_method(call, here, method, arguments):
    if method == "standard" and "--spec" in arguments:
        return  # --preset and --spec both give the numbers
    values, _ = with_gaps(-9999, channels=1)
    np.save("a.npy", values[..., 0])
    np.save("b.npy", values[..., 0])
    line = ("--method", method, *WITHOUT_NUMBERS[method])
    name = arguments[0] if arguments else "a.npy"
    assert works(call("apply", name, *line, "--nodata=-9999", "-o", "told"))
    assert works(call("compute", "a.npy", "--nodata=-9999", "-q"))
    assert works(call("apply", *arguments, *line))
    assert np.array_equal(stored()[name], stored("told")[name])


def test_a_spec_of_other_images_does_not_say_how_these_are_read(call, here):
    values, _ = with_gaps(-9999, channels=1)
    np.save("a.npy", values[..., 0])
    np.save("b.npy", values[..., 0])
    assert works(call("apply", "b.npy", "--method", "min_max", "-o", "before"))
    assert works(call("compute", "a.npy", "--nodata=-9999", "-q"))
    assert works(call("apply", "b.npy", "--method", "min_max"))
    assert np.array_equal(stored()["b.npy"], stored("before")["b.npy"])


def test_a_table_is_normalized_by_itself_after_a_plain_compute(call, here):
    Path("t.csv").write_text("name,x,y\na,1,10\nb,3,\nc,5,40\n")
    assert works(call("compute", "t.csv", "--columns", "x,y", "-q"))
    for number, source in enumerate([(), ("t.csv",)]):
        output = f"out{number}"
        assert works(call("apply", *source, "--method", "min_max_per_channel", "-o", output))
        expected = [[[0, 0.5, 1]], [[0, 0, 1]]]
        np.testing.assert_allclose(stored(output)["t.csv"], expected, atol=1e-4)


# --- names ---


def test_names_from_elsewhere_stay_inside_the_output(run, here, monkeypatch):
    for name in ("one/a.png", "two/a.png", "work/in/a.png"):
        image(name, noise(4, 5, 3, seed=len(name)))
    monkeypatch.chdir("work")
    line = ("apply", "../one", here / "two", "in", "--preset", "imagenet", "-o", "out")
    assert works(run(*line, before=("env", "-C", "work")))
    assert sorted(path.name for path in here.iterdir()) == ["one", "two", "work"]
    assert sorted(path.name for path in Path().iterdir()) == ["in", "out"]
    values = stored("out")
    assert len(values) == 3
    for name, found in values.items():
        np.testing.assert_allclose(found, standardized(name, *IMAGENET), atol=2e-6)


ODD = [b"two\nlines", "Zürich-雪".encode(), b"caf\xe9", b" space ", b"-o", b"%s{}", b"a~2"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_written_recorded_and_restored(call, here, name):
    pixels = noise(4, 5, 3)
    Path("images").mkdir()
    Image.fromarray(pixels).save("plain.png")
    Path("plain.png").rename(os.fsdecode(b"images/" + name + b".png"))
    line = ("apply", "images", "--preset", "imagenet")
    assert works(call(*line))
    [output] = record()["outputs"]
    [found] = Path("normalized").glob("*.npy")
    expected = ((pixels / 255 - IMAGENET[0]) / IMAGENET[1]).transpose(2, 0, 1)
    np.testing.assert_allclose(np.load(found), expected, atol=2e-6)
    before = found.stat().st_mtime_ns
    assert works(call(*line))
    assert (found.stat().st_mtime_ns, record()["outputs"]) == (before, [output])
    assert works(call("apply", "--inverse", "normalized"))
    [back] = Path("restored").glob("*.png")
    np.testing.assert_array_equal(codes(back), pixels)


# --- one array of all ---


@pytest.fixture
def same(here):
    """Three images of one size, and one whose header alone is whole."""
    for number in range(3):
        image(f"same/{number}.png", noise(6, 8, 3, seed=number))
    whole = Path("same/2.png").read_bytes()
    Path("same/1b.png").write_bytes(whole[:60])
    return here


@pytest.mark.parametrize(("layout", "dtype"), [("chw", "float32"), ("hwc", "float16")])
def test_a_pack_has_an_index_and_rows_of_failures_are_nan(call, same, layout, dtype):
    line = ("apply", "same", "--preset", "imagenet", "--pack", "all.npy", "--layout", layout)
    ran = call(*line, "--dtype", dtype)
    assert complains(ran, 0, "1 images were skipped", "1b.png: damaged")
    assert sorted(tree("normalized")) == ["all.npy", "normstat-apply.json"]
    array = np.load("normalized/all.npy", mmap_mode="r")
    assert array.shape == (4, *((3, 6, 8) if layout == "chw" else (6, 8, 3)))
    assert array.dtype == dtype
    outputs = record()["outputs"]
    [lost] = set(range(4)) - {each["row"] for each in outputs}
    assert np.isnan(array[lost]).all()
    for each in outputs:
        values = array[each["row"]]
        values = values if layout == "chw" else values.transpose(2, 0, 1)
        expected = standardized(f"same/{each['source']}", *IMAGENET)
        np.testing.assert_allclose(values, expected, atol=2e-6 if dtype == "float32" else 2e-3)
    assert complains(call("apply", "--inverse", "normalized"), 0)
    if dtype == "float32":
        for number in range(3):
            name = f"{number}.png"
            np.testing.assert_array_equal(codes(f"restored/{name}"), codes(f"same/{name}"))


@pytest.mark.parametrize(
    "options",
    [
        ("../all.npy",), ("a/all.npy",), ("/all.npy",), ("all.bin",), ("",),
        ("all.npy", "--format", "npz"), ("all.npy", "--format", "png"),
    ],
)  # fmt: skip
def test_a_pack_is_one_npy_in_the_folder(call, same, options):
    ran = call("apply", "same", "--preset", "imagenet", "-o", "out/put", "--pack", *options)
    assert complains(ran, 2, "pack is", ".npy")
    assert not Path("out").exists()


def test_a_pack_of_other_sizes_is_refused_by_naming_them(call, images):
    ran = call("apply", "images", "--preset", "imagenet", "--pack", "all.npy")
    assert complains(ran, 3, "--pack", "1x1", "7x9", "--resize")
    assert tree("normalized") == {}


def test_a_pack_does_not_replace_another_normalization(call, same):
    assert works(call("apply", "same", "--preset", "imagenet"))
    before = tree("normalized")
    line = ("apply", "same", "--method", "min_max", "--pack", "all.npy")
    assert complains(call(*line), 3, "another normalization")
    assert tree("normalized") == before


# --- the record ---


@pytest.mark.parametrize(
    ("method", "preset"),
    [
        ("standard", "imagenet"),
        ("standard", "caffe"),
        ("image_per_channel", None),
        ("min_max", None),
    ],
)
def test_measured_mean_and_std_are_those_of_the_files(call, images, method, preset):
    Path("images/broken.png").write_bytes(BROKEN)
    numbers = ("--preset", preset) if preset else ()
    Path("images/d.png").unlink()  # one channel in per-image methods
    assert works(call("apply", "images", "--method", method, *numbers))
    found, values = record(), stored()
    assert (found["normstat_apply"], found["complete"]) == (1, True)
    assert (found["job"]["method"], found["job"]["numbers"]) == (method, preset or "")
    assert [each["source"] for each in found["failures"]] == ["broken.png"]
    assert "damaged" in found["failures"][0]["reason"]
    for each in found["outputs"]:
        wide = values[each["source"]].astype(np.float64)
        scale = max(1, np.abs(wide).max())
        np.testing.assert_allclose(each["mean"], wide.mean(axis=(1, 2)), atol=1e-6 * scale)
        np.testing.assert_allclose(
            np.square(each["std"]), wide.var(axis=(1, 2)), atol=1e-6 * scale**2
        )
        assert ("applied" in each) == (preset is None)
    wide = np.concatenate([value.reshape(3, -1) for value in values.values()], 1, dtype=np.float64)
    scale = max(1, np.abs(wide).max())
    np.testing.assert_allclose(found["mean"], wide.mean(axis=1), atol=1e-6 * scale)
    np.testing.assert_allclose(found["std"], wide.std(axis=1), atol=1e-6 * scale)


@pytest.mark.parametrize("method", ["image", "image_per_channel", "min_max", "min_max_per_channel"])
def test_parameters_of_each_image_are_those_that_were_applied(call, images, method):
    assert works(call("apply", "images/a/b.png", "--method", method))
    [output] = record()["outputs"]
    scale, offset = (np.array(output["applied"][key]) for key in ("scale", "offset"))
    expected = codes("images/a/b.png") * scale + offset
    np.testing.assert_allclose(
        stored()["images/a/b.png"], expected.transpose(2, 0, 1), rtol=1e-6, atol=2e-6
    )


def test_adaptive_records_its_choice(call, here):
    for name, high in (("dark", 60), ("bright", 256)):
        for number in range(2):
            image(f"x/{name}-{number}.png", noise(9, 9, 3, seed=number, high=high))
        normstat.save(normstat.compute(f"x/{name}-0.png"), f"{name}.json")
    line = ("apply", "x", "--method", "adaptive", "--spec", "d=dark.json", "--spec", "bright.json")
    assert works(call(*line))
    chosen = {each["source"]: each["applied"]["spec"] for each in record()["outputs"]}
    assert chosen == {
        "bright-0.png": "bright.json",
        "bright-1.png": "bright.json",
        "dark-0.png": "d",
        "dark-1.png": "d",
    }
    np.testing.assert_allclose(stored()["dark-0.png"].mean(axis=(1, 2)), 0, atol=1e-5)


# --- before and after ---


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("RGB", ("--preset", "imagenet")),
        ("RGB", ("--method", "image")),
        ("L", ("--method", "image")),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_dry_run_writes_nothing_and_foresees_the_bytes(call, here, kind, numbers, dtype):
    shape = (640, 600, 3) if kind == "RGB" else (640, 600)
    for number in range(14):
        image(f"x/{number}.bmp", noise(*shape, seed=number))
    ran = call("apply", "x", *numbers, "--dtype", dtype, "--dry-run")
    assert works(ran)
    assert sorted(path.name for path in here.iterdir()) == ["x"]
    told = float(re.search(r"about ([\d.,]+) MB", ran.out)[1].replace(",", ""))
    real = 14 * (128 + 640 * 600 * len(kind) * np.dtype(dtype).itemsize)
    assert told * 1e6 == pytest.approx(real, rel=0.01)
    assert "0.bmp -> 0.npy" in ran.out
    assert "and 4 more" in ran.out


def times(folder="normalized"):
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*.npy")}


def test_a_second_run_skips_and_overwrite_redoes(call, images):
    line = ("apply", "images", "--preset", "imagenet")
    assert works(call(*line))
    before, content = times(), tree("normalized")
    assert works(call(*line))
    assert (times(), tree("normalized")) == (before, content)
    assert works(call(*line, "--overwrite"))
    assert tree("normalized") == content
    assert all(times()[path] > before[path] for path in before)


@pytest.mark.parametrize(
    "other",
    [
        ("--method", "min_max"),
        ("--preset", "caffe"),
        ("--preset", "imagenet", "--layout", "hwc"),
        ("--preset", "imagenet", "--dtype", "float16"),
        ("--preset", "imagenet", "--resize", "5"),
    ],
)
def test_another_normalization_into_the_same_folder_is_refused(call, images, other):
    assert works(call("apply", "images", "--preset", "imagenet"))
    before = tree("normalized")
    assert complains(call("apply", "images", *other), 3, "another normalization", "-o")
    assert tree("normalized") == before


def test_a_run_of_which_nothing_came_can_be_tried_again_as_it_says(call, images):
    assert works(call("compute", "images", "--mode", "l", "-q"))
    assert complains(call("apply"), 3, "--mode l makes images gray")
    assert complains(call("apply", "--mode", "l"), 0)


@pytest.mark.parametrize("size", ["another size", "the same size"])
def test_a_changed_source_is_redone_and_a_removed_one_dropped(call, images, size):
    for number in range(3):
        image(f"x/{number}.bmp", noise(6, 8, 3, seed=number))
    line = ("apply", "x", "--preset", "imagenet")
    assert works(call(*line))
    before = times()
    image("x/1.bmp", noise(6 + (size == "another size"), 8, 3, seed=7))
    Path("x/2.bmp").unlink()
    assert works(call(*line))
    assert [each["source"] for each in record()["outputs"]] == ["0.bmp", "1.bmp"]
    expected = standardized("x/1.bmp", *IMAGENET)
    np.testing.assert_allclose(stored()["1.bmp"], expected, atol=2e-6)
    assert times()[Path("normalized/0.npy")] == before[Path("normalized/0.npy")]


def test_a_new_source_does_not_take_the_file_of_an_older_one(call, here):
    image("x/b.jpg.png", noise(6, 8, 3, seed=1))
    line = ("apply", "x", "--preset", "imagenet")
    assert works(call(*line))  # b.jpg.npy
    image("x/b.jpg", noise(6, 8, 3, seed=2))
    image("x/b.png", noise(6, 8, 3, seed=3))
    assert works(call(*line))
    assert len({each["output"] for each in record()["outputs"]}) == 3
    for name, values in stored().items():
        np.testing.assert_allclose(values, standardized(f"x/{name}", *IMAGENET), atol=2e-6)


def test_a_file_that_is_gone_is_written_again(call, images):
    line = ("apply", "images", "--preset", "imagenet")
    assert works(call(*line))
    content = tree("normalized")
    Path("normalized/e.npy").unlink()
    assert works(call(*line))
    assert tree("normalized") == content


@pytest.mark.parametrize("source", ["images", ".", "./images/a/.."])
@pytest.mark.parametrize("output", ["images/normalized", "images/out[1]", "images/a/x y"])
def test_output_inside_the_source_is_not_a_source(call, images, source, output):
    line = ("apply", source, "--preset", "imagenet", "--format", "png", "-o", output)
    assert works(call(*line))
    first = sorted(tree(output))
    assert len(first) == 6
    assert works(call(*line))
    assert sorted(tree(output)) == first


def test_output_inside_one_source_hides_nothing_of_another(call, here):
    image("one/a.png", noise(4, 4, 3))
    image("two/out/b.png", noise(4, 4, 3))
    assert works(call("apply", "one", "two", "--preset", "imagenet", "-o", "one/out"))
    assert [each["source"] for each in record("one/out")["outputs"]] == [
        "one/a.png",
        "two/out/b.png",
    ]


@pytest.mark.parametrize("output", ["images", "images/", "./images/a/..", "link"])
def test_the_source_is_no_output(call, images, output):
    Path("link").symlink_to("images")
    before = tree("images")
    ran = call("apply", "images", "--preset", "imagenet", "-o", output)
    assert complains(ran, 3, "is a source", "-o")
    assert tree("images") == before


# --- workers ---


def test_files_and_record_are_the_same_for_any_workers(run, many):
    line = ("apply", "x", "--method", "image_per_channel")
    found = []
    for number, workers in enumerate(
        [("-j", "1"), ("-j", "2"), ("--backend", "processes", "-j", "2"), ("--backend", "serial")]
    ):
        assert works(run(*line, "-o", f"out{number}", *workers))
        found.append(tree(f"out{number}"))
        shutil.rmtree(f"out{number}")
    assert len(found[0]) == 1201
    assert all(each == found[0] for each in found[1:])


# --- stopped ---


@pytest.fixture
def stopped(run, many):
    """Start a run, send it a signal in the middle, and return how it ended."""
    started = []

    def stop(
        number, *arguments, files=100, line=("x", "--preset", "imagenet"), folder="normalized"
    ):
        process = run.start("apply", *line, "-j", "2", *arguments)
        started.append(process)
        end = monotonic() + 20
        while not Path(folder).exists() or sum(1 for _ in Path(folder).iterdir()) < files:
            assert process.poll() is None
            assert monotonic() < end
            sleep(0.005)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=20)
        return process.returncode, err

    yield stop
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_killed_leaves_no_half_file_and_the_next_run_finishes(run, stopped, backend):
    line = ("apply", "x", "--preset", "imagenet")
    stopped(signal.SIGKILL, "--backend", backend)
    assert not record()["complete"]
    whole = [np.load(path).shape for path in Path("normalized").glob("[!.]*.npy")]
    assert set(whole) == {(3, 16, 20)}
    assert 50 < len(whole) < 1200
    assert works(run(*line))
    assert works(run(*line, "-o", "undisturbed"))
    left = {name: data for name, data in tree("normalized").items() if not name.startswith(".")}
    assert left == tree("undisturbed")


def test_what_a_killed_run_left_beside_is_cleared(call, images):
    Path("normalized").mkdir()
    Path("normalized/.normstat-999999999-0badcafe.npy").write_bytes(b"half")
    assert works(call("apply", "images", "--preset", "imagenet"))
    assert [name for name in tree("normalized") if name.startswith(".")] == []


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_interrupt_is_told_and_leaves_nothing_beside(run, stopped, backend):
    # Of one worker the first 512 are done by then.
    files = 700 if backend == "serial" else 100
    code, err = stopped(signal.SIGINT, "--backend", backend, files=files)
    assert (code, "Traceback" in err) == (130, False), err
    told = re.search(r"interrupted after ([\d,]+) of 1,200 images; what was written is whole", err)
    assert told, err
    assert [name for name in tree("normalized") if name.startswith(".")] == []
    # "The same command goes on from there."
    recorded = [each["output"] for each in record()["outputs"]]
    assert len(recorded) >= int(told[1].replace(",", ""))
    before = times()
    assert works(run("apply", "x", "--preset", "imagenet"))
    assert [name for name in recorded if times()[p := Path("normalized", name)] != before[p]] == []


def test_interrupt_of_the_way_back_says_that_what_is_there_is_whole(call, stopped):
    assert works(call("apply", "x", "--preset", "imagenet"))
    back = {"line": ("--inverse", "normalized"), "folder": "restored"}
    code, err = stopped(signal.SIGINT, **back)
    assert (code, len(err.splitlines())) == (130, 1), err
    told = re.match(
        r"Error: interrupted after (\d+) of 1,200 images; what was written is whole", err
    )
    assert told, err
    there = list(Path("restored").glob("[!.]*"))
    assert int(told[1]) <= len(there) < 1200
    for path in there:
        np.testing.assert_array_equal(codes(path), codes(f"x/{path.name}"))


class RunsAnother:
    """Starts another run when the first images are done."""

    def __init__(self, other):
        self._other = other
        self.error = None

    def listed(self, listing):
        pass

    def expected(self, images):
        pass

    def advanced(self, images, size):
        if images and not self.error:
            with pytest.raises(ImageError) as failed:
                run(self._other, backend="serial", fail=True)
            self.error = failed.value


@pytest.mark.parametrize("backend", ["serial", "threads"])
def test_a_run_that_fails_does_not_stop_another(here, monkeypatch, backend):
    monkeypatch.setattr(runs, "CHUNK_IMAGES", 4)  # so that there are runs of workers to stop
    for number in range(30):
        image(f"x/{number}.png", noise(9, 8, 3, seed=number))
    image("y/0.png", noise(9, 8, 3))
    Path("y/1.png").write_bytes(BROKEN)
    first, other = (
        plan(name, method="image", numbers=Numbers(), output=f"out-{name}") for name in "xy"
    )
    watch = RunsAnother(other)
    manifest = run(first, backend=backend, jobs=2, observer=watch)
    assert "1.png" in str(watch.error)
    assert (len(manifest.outputs), manifest.failures, manifest.complete) == (30, [], True)
    assert len(stored("out-x")) == 30
    assert not record("out-y")["complete"]


# --- no room, no right ---


@pytest.mark.parametrize("more", [(), ("--pack", "all.npy"), ("--format", "npz")])
def test_a_full_disk_is_told_and_leaves_nothing_beside(run, here, more):
    for number in range(3):
        image(f"x/{number}.png", noise(60, 60, 3, seed=number))
    small = ("sh", "-c", 'ulimit -f 32; exec "$@"', "sh")
    ran = run("apply", "x", "--preset", "imagenet", *more, before=small)
    assert complains(ran, 3, "File too large", "goes on")
    assert [name for name in tree("normalized") if name != "normstat-apply.json"] == []
    assert works(run("apply", "x", "--preset", "imagenet", *more))


def test_too_little_room_is_said_before_the_start(call, here):
    free = shutil.disk_usage(here).free
    Image.new("1", (9_000, 9_000)).save("x.png")
    Path("x").mkdir()
    for number in range(2 + free // (9_000 * 9_000 * 12)):
        os.link("x.png", f"x/{number}.png")
    ran = call("apply", "x", "--preset", "imagenet")
    assert complains(ran, 3, "MB are needed", "MB are free", "Nothing was written")
    assert not Path("normalized").exists()


@pytest.mark.parametrize(("width", "told"), [(12_000, "1,440.0 MB"), (20_000, "2,400.0 MB")])
def test_a_huge_image_counts_in_the_forecast(call, here, width, told):
    Image.new("1", (width, 10_000)).save("x.png")
    line = ("apply", "x.png", "--preset", "imagenet", "--max-pixels", 10**9, "--dry-run")
    ran = call(*line)
    assert complains(ran, 0)
    assert (told in ran.out, ran.err) == (True, "")


def test_an_image_that_is_too_large_to_be_read_needs_no_room(call, here):
    """A header that claims 65,000 x 65,000 pixels would ask for 50 GB, and bar all the others."""
    image("x/a.png", noise(10, 10, 3))
    Image.new("1", (20_000, 10_000)).save("x/b.png")
    ran = call("apply", "x", "--preset", "imagenet", "--dry-run")
    assert "about 0.0 MB" in ran.out
    ran = call("apply", "x", "--preset", "imagenet")
    assert complains(ran, 0, "b.png: 20000 x 10000 pixels are over the limit")


def test_a_forbidden_output_folder_is_told(run_unprivileged, images):
    Path("normalized").mkdir(mode=0o500)
    ran = run_unprivileged("apply", "images", "--preset", "imagenet")
    Path("normalized").chmod(0o700)
    assert complains(ran, 3, "normalized", "Permission denied")


def test_an_output_folder_that_is_a_file_is_told(call, images):
    Path("normalized").write_text("mine")
    for more in ((), ("--dry-run",)):
        ran = call("apply", "images", "--preset", "imagenet", *more)
        assert complains(ran, 3, "normalized: is a file", "-o")
    assert Path("normalized").read_text() == "mine"
    assert complains(call("apply", "images", "--preset", "imagenet", "-o", "other"), 0)
    ran = call("apply", "--inverse", "other", "-o", "normalized")
    assert complains(ran, 3, "normalized: is a file", "-o")


def test_a_folder_that_cannot_be_made_is_told_as_such(call, images):
    Path("file").write_text("mine")
    ran = call("apply", "images", "--preset", "imagenet", "-o", "file/in")
    assert complains(ran, 3, "file/in: cannot be made", "Nothing was written", "-o")


# --- the way back ---


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Folders colour/ and gray/ of 8 and 16-bit images, each with the specs that methods need."""
    folder = tmp_path_factory.mktemp("sets")
    gray16 = noise(17, 19, seed=3, high=65536, dtype=np.uint16)
    image(folder / "gray/sub/8.png", noise(23, 11, seed=1))
    image(folder / "gray/16.png", gray16)
    image(folder / "colour/sub/rgb.png", noise(23, 11, 3, seed=2) // 2)
    image(folder / "colour/sub/deep/one.png", noise(1, 1, 3, seed=7))
    image(folder / "colour/gray.png", noise(9, 8, seed=4))
    image(folder / "colour/16.tiff", gray16)
    image(folder / "colour/constant.png", np.full((5, 4, 3), 200, np.uint8))
    palette = Image.fromarray(noise(31, 6, 3, seed=5)).quantize(16)
    palette.save(folder / "colour/palette.png")
    for name in ("colour", "gray"):
        spec = normstat.compute(folder / name, covariance=True)
        normstat.save(spec, folder / f"{name}.json")
        normstat.save(normstat.compute(folder / name / "sub"), folder / f"{name}-1.json")
    return folder


METHODS = {
    "standard": (),
    "image": (),
    "image_per_channel": (),
    "min_max": (),
    "min_max_per_channel": (),
    "robust": (),
    "robust of image": ("--of", "image"),
    "whiten": ("--whiten", "zca"),
    "whiten pca": ("--whiten", "pca"),
    "adaptive": (),
    "match": (),
}
WAYS = [("npy", "chw"), ("npz", "hwc"), ("safetensors", "chw"), ("tiff", "hwc"), ("tiff", "chw")]


def applied(run, sets, name, method, *options):
    numbers = ["--spec", f"{sets / name}.json"]
    if method == "adaptive":
        numbers += ["--spec", f"other={sets / name}-1.json"]
    if method == "match":
        numbers += ["--preset", "imagenet" if name == "colour" else "mnist"]
    return run("apply", sets / name, "--method", method, *numbers, *options)


def originals(sets, name):
    return sorted(path for path in (sets / name).rglob("*.*") if path.is_file())


@pytest.mark.parametrize("name", ["colour", "gray"])
@pytest.mark.parametrize("method", METHODS)
def test_every_image_comes_back_bit_for_bit(call, here, sets, name, method):
    kind, layout = WAYS[(list(METHODS).index(method) + (name == "gray")) % len(WAYS)]
    options = (*METHODS[method], "--format", kind, "--layout", layout)
    assert works(applied(call, sets, name, method.split()[0], *options))
    ran = call("apply", "--inverse", "normalized", "-o", "back")
    assert works(ran)
    assert "not exact" not in ran.out
    assert len(originals(sets, name)) == len(tree("back"))
    for path in originals(sets, name):
        back = here / "back" / path.relative_to(sets / name).with_suffix(".png")
        with Image.open(path) as old, Image.open(back) as new:
            wanted = old.convert("RGB") if new.mode == "RGB" else old
            assert ("I;16" in new.mode) == ("I;16" in old.mode)
            np.testing.assert_array_equal(np.asarray(new), np.asarray(wanted))


@pytest.mark.parametrize("method", ["standard", "robust", "percentile"])
def test_odd_images_are_finite(call, here, samples, method):
    normstat.save(normstat.compute(samples / "odd"), "normstat.json")
    assert complains(call("apply", "--method", method), 0, "images were skipped")
    assert all(np.isfinite(values).all() for values in stored().values())


def test_what_percentile_clipped_is_counted(call, here):
    pixels = np.full((100, 100, 3), 100, np.uint8) + noise(100, 100, 3, high=50)
    pixels[0, :10], pixels[0, 10:15] = 255, 3
    image("x/a.png", pixels)
    normstat.save(normstat.compute("x", percentiles=["0.5", "99.5"]), "normstat.json")
    percentiles = normstat.load("normstat.json").percentiles
    low, high = (np.array(percentiles[key]) * 255 for key in ("0.5", "99.5"))
    beyond = np.maximum(low - pixels, pixels - high).clip(0)
    ran = call("apply", "--method", "percentile")
    assert works(ran)
    told = f"{np.count_nonzero(beyond > 1e-4):,} values"
    farthest = f"by at most {beyond.max():.4g} codes"
    assert (told in ran.out, farthest in ran.out) == (True, True), ran.out
    ran = call("apply", "--inverse", "normalized")
    assert works(ran)
    assert ("not exact" in ran.out, told in ran.out, farthest in ran.out) == (True,) * 3, ran.out
    off = np.abs(codes("restored/a.png").astype(int) - pixels)
    assert np.count_nonzero(off) == np.count_nonzero(beyond > 0.5)
    assert off.max() == pytest.approx(beyond.max(), abs=0.5)


def test_what_the_limit_of_an_image_clipped_is_counted(call, here):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[5, 7] = (255, 250, 0)
    image("x/a.png", pixels)
    assert works(call("apply", "x", "--method", "image"))
    assert stored()["a.png"].max() == 20
    ran = call("apply", "--inverse", "normalized")
    assert works(ran)
    assert "not exact: 2 values had been clipped" in ran.out


@pytest.mark.parametrize("exact", [True, False], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("method", ["standard", "whiten", "match"])
def test_float16_says_where_it_is_too_coarse(call, here, sets, exact, method):
    if exact:
        image("x/a.png", noise(30, 30, 3))
    else:
        image("x/a.png", noise(30, 30, high=65536, dtype=np.uint16))
    numbers = ["--spec", sets / "colour.json"]
    numbers += ["--preset", "imagenet"] if method == "match" else []
    assert works(call("apply", "x", "--method", method, *numbers, "--dtype", "float16"))
    ran = call("apply", "--inverse", "normalized")
    assert works(ran)
    with Image.open("x/a.png") as old, Image.open("restored/a.png") as new:
        same = np.array_equal(np.asarray(old), np.asarray(new))
    assert ("float16 is too coarse" in ran.out, same) == (not exact, exact)


def test_local_cannot_be_undone_and_says_why(call, images):
    assert works(call("apply", "images", "--method", "local", "--window", "5"))
    ran = call("apply", "--inverse", "normalized")
    assert complains(ran, 3, "local cannot be undone", "are not kept")
    assert not Path("restored").exists()


@pytest.mark.parametrize("place", ["images", "no such folder"])
def test_a_folder_without_a_record_is_refused(call, images, place):
    assert complains(call("apply", "--inverse", place), 3, "normstat-apply.json", "No such file")


@pytest.mark.parametrize(
    ("content", "word"),
    [("", "not valid JSON"), ("[]", "normstat-apply.json"), ("{}", "normstat-apply.json")],
)
def test_a_broken_record_is_named(call, images, content, word):
    Path("normalized").mkdir()
    Path("normalized/normstat-apply.json").write_text(content)
    assert complains(call("apply", "--inverse", "normalized"), 3, word)
    assert complains(call("apply", "images", "--preset", "imagenet"), 3, word)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "tiff"])
def test_damaged_outputs_are_listed_and_the_others_restored(call, here, kind):
    for name in ("cut", "empty", "gone", "good", "other", "text"):
        image(f"x/{name}.png", noise(9, 8, 3))
    assert works(call("apply", "x", "--preset", "imagenet", "--format", kind))
    place = Path("normalized")
    os.truncate(place / f"cut.{kind}", 300)
    (place / f"empty.{kind}").write_bytes(b"")
    (place / f"gone.{kind}").unlink()
    image("y/other.png", noise(3, 4, 3))
    assert works(call("apply", "y", "--preset", "imagenet", "--format", kind, "-o", "else"))
    shutil.copy(f"else/other.{kind}", place)
    (place / f"text.{kind}").write_text("no values at all" * 40)
    ran = call("apply", "--inverse", "normalized")
    assert ran.code in {0, 3}
    assert complains(ran, ran.code, *(f"{name}.{kind}: " for name in ("cut", "empty", "gone")))
    assert complains(ran, ran.code, *(f"{name}.{kind}: " for name in ("other", "text")))
    assert sorted(tree("restored")) == ["good.png"]
    assert "1 images to restored" in ran.out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("images",), "SRC"),
        (("--dry-run",), "--dry-run"),
        (("--preset", "imagenet", "--resize", "8"), "--preset, --resize"),
    ],
)
def test_what_the_way_back_would_not_heed_is_refused(call, images, typed, told):
    assert complains(call("apply", "images", "--preset", "imagenet"), 0)
    ran = call("apply", "--inverse", "normalized", *typed)
    assert complains(ran, 2, f"leave out {told}")
    assert not Path("restored").exists()


def test_the_values_are_not_overwritten_by_the_images(call, images):
    assert works(call("apply", "images", "--preset", "imagenet"))
    ran = call("apply", "--inverse", "normalized", "-o", "./normalized/")
    assert complains(ran, 3, "is the folder of the values", "-o")


@pytest.mark.parametrize(
    ("sources", "output"),
    [(["x"], "x"), (["x/"], "./x"), (["x", "y"], "."), (["x/a.png"], ".")],
)
def test_the_images_that_were_read_are_not_overwritten(call, here, sources, output):
    for name in ("x/a.png", "x/b/a.png", "y/a.png"):
        image(name, noise(9, 8, 3))
    before = {path: path.read_bytes() for path in sorted(Path().rglob("*.png"))}
    assert works(call("apply", *sources, "--preset", "imagenet", "--resize", "4"))
    ran = call("apply", "--inverse", "normalized", "-o", output)
    assert complains(ran, 3, "name another folder with -o")
    assert {path: path.read_bytes() for path in sorted(Path().rglob("*.png"))} == before


@pytest.mark.parametrize("output", ["x", "."])
def test_what_was_read_is_known_from_any_folder(call, here, monkeypatch, output):
    """The record has the names that `apply` was given, relative to the folder it ran in."""
    image("first/x/a.png", noise(9, 8, 3))
    image("second/x/a.png", noise(5, 4, 3))
    monkeypatch.chdir("first")
    assert works(call("apply", "x", "--preset", "imagenet", "--resize", "4"))
    monkeypatch.chdir("../second")
    before = tree("../first/x")
    ran = call("apply", "--inverse", "../first/normalized", "-o", "../first/x")
    assert complains(ran, 3, "name another folder with -o")
    assert tree("../first/x") == before
    assert works(call("apply", "--inverse", "../first/normalized", "-o", f"new/{output}"))


def test_a_dry_run_that_the_environment_asks_for_writes_nothing(call, images, monkeypatch):
    assert complains(call("apply", "images", "--preset", "imagenet"), 0)
    monkeypatch.setenv("NORMSTAT_APPLY_DRY_RUN", "1")
    assert complains(call("apply", "--inverse", "normalized"), 2, "leave out --dry-run")
    assert not Path("restored").exists()


def test_images_come_back_into_a_folder_inside_their_source(call, here):
    image("a.png", noise(9, 8, 3))
    assert works(call("apply", ".", "--preset", "imagenet"))
    assert works(call("apply", "--inverse", "normalized"))
    assert Path("restored/a.png").exists()


# --- unreadable images ---


def test_unreadable_images_are_skipped_and_listed(call, images):
    Path("images/broken.png").write_bytes(BROKEN)
    Path("images/gone.png").symlink_to("nowhere")
    Path("images/text.jpg").write_text("no image")
    ran = call("apply", "images", "--preset", "imagenet")
    assert complains(ran, 0, "3 images were skipped", "broken.png: ", "gone.png: broken symbolic")
    reasons = {each["source"]: each["reason"] for each in record()["failures"]}
    assert sorted(reasons) == ["broken.png", "gone.png", "text.jpg"]
    assert reasons["text.jpg"] == "text, not an image"
    assert len(stored()) == 5


def test_on_error_fail_keeps_what_was_written(call, images):
    Path("images/c.png").write_bytes(BROKEN)
    ran = call("apply", "images", "--preset", "imagenet", "--on-error", "fail")
    assert complains(ran, 3, "c.png: ", "What was written before is kept", "--on-error skip")
    assert not record()["complete"]
    assert list(stored()) == ["a/b.jpg", "a/b.png", "a/c.webp"]
    before = times()
    Path("images/c.png").unlink()
    assert works(call("apply", "images", "--preset", "imagenet", "--on-error", "fail"))
    assert {path: before[path] for path in before if path.parent.name == "a"} == {
        path: time for path, time in times().items() if path.parent.name == "a"
    }


# --- bad input ---

NO_STD = {"channels": ["R", "G", "B"], "mean": [0.5] * 3, "std": [0.2, 0, 0.2]}
ONE = {"channels": ["L"], "mean": [0.5], "std": [0.2]}
SHORT = {"channels": ["R", "G", "B"], "mean": [0.5] * 2, "std": [0.2] * 3}
THREE = {"channels": ["R", "G", "B"], "mean": [0.5] * 3, "std": [0.2] * 3}
WRONG = {
    "no numbers": ((), 2, ("Three ways", "compute", "--spec", "--preset")),
    "unknown preset": (("--preset", "imagenett"), 2, ("imagenet",)),
    "unknown method": (("--method", "standart"), 2, ("standard",)),
    "unknown format": (("--format", "jpeg"), 2, ("npy",)),
    "preset and spec": (("--preset", "imagenet", "--spec", "three.json"), 2, ("--spec",)),
    "two specs": (("--spec", "three.json", "--spec", "one.json"), 2, ("adaptive",)),
    "no such spec": (("--spec", "none.json"), 3, ("none.json: No such file",)),
    "one channel for three": (("--spec", "one.json"), 3, ("R G B", "L", "--mode l")),
    "one channel preset": (("--preset", "mnist"), 3, ("R G B", "L")),
    "13 bands": (("--preset", "eurosat"), 3, ("eurosat", "B01", "B8A")),
    "std of zero": (("--spec", "no-std.json"), 3, ("std of channel G is 0",)),
    "lengths": (("--spec", "short.json"), 3, ("differ in length",)),
    "no covariance": (("--method", "whiten", "--spec", "full.json"), 3, ("--covariance",)),
    "whiten by constants": (("--method", "whiten", "--spec", "three.json"), 2, ("whiten needs",)),
    "adaptive with one": (("--method", "adaptive", "--spec", "full.json"), 2, ("--spec a.json",)),
    "adaptive of 1 and 3": (
        ("--method", "adaptive", "--spec", "full.json", "--spec", "one.json"),
        3,
        ("one.json", "L"),
    ),
    "a preset of no use": (("--method", "image", "--preset", "clip"), 2, ("heed preset",)),
    "a preset of no use to robust": (
        ("--method", "robust", "--of", "image", "--preset", "clip"),
        2,
        ("heed preset",),
    ),
    "options of other methods": (
        ("--window", "5", "--of", "image"),
        2,
        ("standard", "heed of and window"),
    ),
    "match without aim": (("--method", "match", "--spec", "full.json"), 2, ("--preset",)),
    "match 3 with 1": (
        ("--method", "match", "--spec", "full.json", "--preset", "mnist"),
        3,
        ("mnist", "L"),
    ),
    "even window": (("--method", "local", "--window", "4"), 2, ("odd",)),
}


@pytest.mark.parametrize(("options", "code", "words"), WRONG.values(), ids=WRONG)
def test_bad_input_is_told_before_anything_is_written(call, images, options, code, words):
    for name, spec in (("no-std", NO_STD), ("one", ONE), ("short", SHORT), ("three", THREE)):
        text = json.dumps({"normstat_spec": 1, "max_pixel_value": 255, **spec})
        Path(f"{name}.json").write_text(text)
    normstat.save(normstat.compute("images"), "full.json")
    assert complains(call("apply", "images", *options), code, *words)
    assert [name for name in tree("normalized") if name.endswith(".npy")] == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--preset", "imagenet"), 2, "normstat compute FOLDER"),
        (("nowhere", "--preset", "imagenet"), 3, "nowhere: no such file"),
        (("empty", "--preset", "imagenet"), 3, "empty: no image found. Looked for .avif"),
    ],
)
def test_a_source_that_is_missing_is_told(call, here, arguments, code, word):
    Path("empty").mkdir()
    assert complains(call("apply", *arguments), code, word)
