"""Names of outputs, their formats, and files that are there whole or not at all."""

import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import tifffile
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from normstat.atomic import written_whole
from normstat.outputs import FORMATS, arranged, from_layout, output_names
from tests.conftest import ROOT

READABLE = [name for name, row in FORMATS.items() if row.read]

# --- names ---

# Few letters, so that names collide; what a loader, a shell or an encoding may trip over.
part = st.sampled_from(["a", "b", "a.jpg", "a.png", "a~2", "a.jpg~2.png", "..", ".", ".h", "é\n"])
name = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "/", "../", "../../", "./"]),
    st.lists(part, max_size=2).map(lambda parts: "".join(f"{each}/" for each in parts)),
    st.sampled_from(["a.jpg", "a.png", "a.jpg.png", "a~2.jpg", "a.jpg~2.png", "a", "caf\udce9.x"]),
)


@given(st.lists(name, unique=True, max_size=12), st.sampled_from([".npy", ".preview.png"]))
@example(["../a.png", "a.png", "a.png~2.png"], ".npy")
def test_no_two_sources_share_an_output_and_none_leaves_the_folder(names, suffix):
    found = output_names(names, suffix)
    assert len(found) == len(names)
    assert len(set(found)) == len(found)
    for each in found:
        assert each.endswith(suffix)
        assert not PurePosixPath(each).is_absolute()
        assert ".." not in PurePosixPath(each).parts
    assert output_names(names, suffix) == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a/b.jpg"], ["a/b.npy"]),
        (["a/b.jpg", "b.jpg"], ["a/b.npy", "b.npy"]),
        (["a/b.jpg", "a/b.png"], ["a/b.jpg.npy", "a/b.png.npy"]),
        (["a.tar.jpg", "a.jpg"], ["a.tar.npy", "a.npy"]),
        (["/data/a.jpg", "../b.jpg", "./c.jpg"], ["data/a.npy", "b.npy", "c.npy"]),
        (["雪/é.jpg"], ["雪/é.npy"]),
    ],
)
def test_names_and_folders_are_kept(names, found):
    assert output_names(names, ".npy") == found


# --- formats ---

SHAPES = [(1, 5, 7), (3, 5, 7), (3, 1, 1), (1, 1, 1), (3, 2, 3), (3, 1, 9), (1, 1, 4), (3, 3, 3)]


@pytest.mark.parametrize("kind", READABLE)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_survives_a_file(tmp_path, kind, shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for layout in ("chw", "hwc"):
        for dtype in ("float32", "float16"):
            path = tmp_path / f"{layout}-{dtype}{FORMATS[kind].suffix}"
            kept = arranged(values, layout, dtype)
            FORMATS[kind].write(path, kept, layout)
            read = FORMATS[kind].read(path)
            assert (read.shape, read.dtype) == (kept.shape, np.dtype(dtype))
            np.testing.assert_array_equal(from_layout(read, layout), values.astype(dtype))


@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_a_tiff_shows_a_photo_to_other_readers_too(tmp_path, layout):
    values = np.random.default_rng(0).normal(size=(3, 5, 7)).astype(np.float32)
    FORMATS["tiff"].write(tmp_path / "a.tiff", arranged(values, layout, "float32"), layout)
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        page = file.pages[0]
        assert (page.imagewidth, page.imagelength) == (7, 5)


@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_layouts_are_contiguous_and_named_right(layout):
    values = np.zeros((3, 5, 7), np.float32)
    kept = arranged(values, layout, "float32")
    assert kept.shape == {"chw": (3, 5, 7), "hwc": (5, 7, 3)}[layout]
    assert kept.flags.c_contiguous
    assert from_layout(kept, layout).shape == (3, 5, 7)


@pytest.mark.parametrize("shape", [(5, 7, 1), (5, 7, 3), (1, 1, 3)])
@pytest.mark.parametrize("spread", [0, 1, 1e6])
def test_a_preview_is_a_png_that_says_so(tmp_path, shape, spread):
    values = spread * np.random.default_rng(0).normal(size=shape).astype(np.float32)
    FORMATS["png"].write(tmp_path / "a.png", values, "hwc")
    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.size) == ("PNG", (shape[1], shape[0]))
        assert "preview" in image.text["Comment"]
        lowest, highest = np.asarray(image).min(), np.asarray(image).max()
    assert (lowest, highest) == ((0, 255) if spread and values.size > 1 else (0, 0))


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("safetensors", "safetensors", "safetensors"), ("tiff", "tifffile", "scientific")],
)
def test_a_missing_extra_has_its_install_line_both_ways(run, tmp_path, kind, module, extra):
    (tmp_path / "hidden").mkdir()
    hide = f"import sys\nsys.modules[{module!r}] = None\n"
    (tmp_path / "hidden" / "sitecustomize.py").write_text(hide)
    without = {"PYTHONPATH": f"{tmp_path / 'hidden'}:{ROOT}"}
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    line = ("apply", "a.png", "--preset", "imagenet", "--format", kind)
    for arguments in (line, ("apply", "--inverse", "normalized")):
        ran = run(*arguments, env=without)
        assert (ran.code, "Traceback" in ran.err) == (3, False), ran.err
        assert f"pip install 'normstat[{extra}]'" in ran.err
        assert run(*line).code == 0  # for the way back


# --- whole or not at all ---


class Stopped(BaseException):
    """What an interrupt is like."""


@pytest.mark.parametrize("error", [OSError, Stopped])
@pytest.mark.parametrize("older", [b"older", None])
def test_failure_leaves_the_older_file_and_nothing_beside(tmp_path, error, older):
    target = tmp_path / "a.npy"
    if older:
        target.write_bytes(older)
    with suppress(error), written_whole(target) as beside:
        beside.write_bytes(b"half")
        assert beside.parent == tmp_path  # a move within one file system
        raise error
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([older] if older else [])


def test_the_target_is_older_or_newer_but_never_half(tmp_path):
    target = tmp_path / "a.npy"
    target.write_bytes(b"older")
    with written_whole(target) as beside:
        beside.write_bytes(b"newer")
        assert target.read_bytes() == b"older"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.npy", b"newer")]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "kept").write_bytes(b"older")
    (tmp_path / "link").symlink_to("kept")
    with written_whole(tmp_path / "link") as beside:
        beside.write_bytes(b"newer")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "kept").read_bytes() == b"newer"


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_permissions_are_kept(tmp_path, mode):
    target = tmp_path / "a"
    target.write_bytes(b"older")
    target.chmod(mode)
    with written_whole(target) as beside:
        beside.write_bytes(b"newer")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_bytes() == b"newer"


def test_nothing_written_is_an_error_and_not_an_empty_file(tmp_path):
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_two_writers_at_once_do_not_share_a_file(tmp_path):
    target = Path(tmp_path, "a")
    with written_whole(target) as first, written_whole(target) as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert target.read_bytes() == b"first"
