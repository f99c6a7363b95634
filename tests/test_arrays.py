"""NumPy arrays: the axes that are meant, every type of values, and files that are damaged."""

import io
import json
import os
import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

import normstat
from normstat.errors import ImageError, NormstatError, SourceError
from normstat.reading import Observer
from normstat.sources.axes import Axes, Layout

RANDOM = np.random.default_rng(7)
STACK = RANDOM.integers(0, 256, (9, 6, 7, 3), dtype=np.uint8)
WIDE = RANDOM.integers(0, 65536, (5, 8, 9, 3), dtype=np.uint16)
MEL = RANDOM.normal(-40, 10, (20, 50)).astype(np.float32)


def saved(tmp_path, array, name="x.npy"):
    np.save(tmp_path / name, array)
    return tmp_path / name


def close(found, expected):
    return np.allclose(found, expected, rtol=1e-13, atol=1e-13)


def numbers(spec):
    return (
        spec.channels, spec.mean, spec.std, spec.alternatives, spec.confidence, spec.min, spec.max,
        spec.percentiles, spec.covariance, spec.histogram, spec.counts.images,
    )  # fmt: skip


# --- which axes are meant ---

LAYOUTS = {
    "one channel of values": ((100,), {}, Layout(None, None, (0,), False)),
    "gray": ((4, 5), {}, Layout(None, None, (0, 1), False)),
    "colour": ((9, 5, 3), {}, Layout(None, 2, (0, 1), True)),
    "gray with its channel": ((9, 5, 1), {}, Layout(None, 2, (0, 1), False)),
    "images": ((2, 9, 5, 3), {}, Layout(0, 3, (1, 2), True)),
    "images of four channels": ((2, 9, 5, 4), {}, Layout(0, 3, (1, 2), False)),
    "images, channels first": ((2, 3, 9, 5), {"channel": 1}, Layout(0, 1, (2, 3), True)),
    "gray images": ((50, 9, 5), {"image": 0}, Layout(0, None, (1, 2), False)),
    "gray images at the end": ((9, 5, 50), {"image": -1}, Layout(2, None, (0, 1), False)),
    "one image of many channels": ((2, 7, 9, 5), {"image": "none", "channel": 0},
                                   Layout(None, 0, (1, 2, 3), False)),
    "table": ((1000, 12), {"channel": 1}, Layout(None, 1, (0,), False)),
    "table of three features": ((1000, 3), {"channel": -1}, Layout(None, 1, (0,), False)),
    "spectrogram by band": ((80, 500), {"channel": 0}, Layout(None, 0, (1,), False)),
    "spectrograms by band": ((7, 80, 500), {"image": 0, "channel": 1}, Layout(0, 1, (2,), False)),
    "series": ((7, 500, 3), {"image": 0, "channel": 2}, Layout(0, 2, (1,), False)),
    "no channels": ((80, 500, 7), {"channel": "none"}, Layout(None, None, (0, 1, 2), False)),
    "volumes": ((2, 4, 9, 5, 3), {"image": 0, "channel": -1}, Layout(0, 4, (1, 2, 3), False)),
}  # fmt: skip


@pytest.mark.parametrize(("shape", "asked", "layout"), LAYOUTS.values(), ids=LAYOUTS)
def test_axes_are_what_was_asked_or_what_is_usual(shape, asked, layout):
    assert Axes(**asked).layout(shape) == layout


REFUSED = {
    "channels first": ((3, 9, 5), {}, "--channel-axis 0"),
    "images, channels first": ((50, 3, 9, 5), {}, "--channel-axis 1"),
    "both ends": ((3, 9, 3), {}, "--channel-axis 0"),
    "thirteen bands": ((9, 5, 13), {}, "--channel-axis 2"),
    "a stack of gray": ((50, 9, 5), {}, "--image-axis 0"),
    "five axes": ((2, 4, 9, 5, 3), {}, "--image-axis"),
    "no such axis": ((9, 5), {"channel": 2}, "no axis 2 (--channel-axis)"),
    "no such axis from the end": ((9, 5), {"image": -3}, "no axis -3 (--image-axis)"),
    "both the same": ((9, 5, 3, 2), {"channel": 0}, "axis 0 cannot be both"),
    "nothing is left": ((9, 3), {"channel": 1, "image": 0}, "no axis is left"),
    "a number": ((), {}, "no axis is left"),
}


@pytest.mark.parametrize(("shape", "asked", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_clear_is_refused_with_the_option_that_makes_it_so(shape, asked, hint):
    with pytest.raises(ImageError) as caught:
        Axes(**asked).layout(shape)
    assert hint in str(caught.value)


# --- arrays are images ---


@pytest.mark.parametrize("options", [{}, {"weighting": "image"}, {"std": "mean-of-images"}])
@pytest.mark.parametrize("axis", [3, 1])
def test_a_stack_counts_as_the_images_that_are_saved_one_by_one(tmp_path, axis, options):
    (tmp_path / "png").mkdir()
    for number, image in enumerate(STACK):
        Image.fromarray(image).save(tmp_path / f"png/{number}.png")
    path = saved(tmp_path, np.moveaxis(STACK, 3, axis))
    options |= {"covariance": True}
    found = normstat.compute(path, channel_axis=axis, **options)
    assert numbers(found) == numbers(normstat.compute(tmp_path / "png", **options))
    assert found.counts.by_mode == {"uint8x3": 9}


@pytest.mark.parametrize(("array", "top"), [(STACK, 255), (WIDE, 65535)], ids=["8", "16"])
def test_integers_are_exact(tmp_path, array, top):
    spec = normstat.compute(saved(tmp_path, array))
    for channel in range(3):
        codes = array[..., channel].astype(object)
        mean = Fraction(int(codes.sum()), codes.size)
        square = Fraction(int((codes**2).sum()), codes.size)
        assert spec.mean[channel] == float(mean / top)
        assert spec.std[channel] == pytest.approx(float(square - mean**2) ** 0.5 / top, rel=1e-15)
    assert (spec.channels, spec.max_pixel_value) == (["R", "G", "B"], top)


TYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">u2", ">i4", ">f4", "?"]
UNITS = {"u1": 255, "u2": 65535}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_and_order_gives_what_numpy_gives(tmp_path, dtype, order):
    values = RANDOM.normal(60, 20, (4, 6, 7, 3)).clip(0, 120).astype(dtype)
    spec = normstat.compute(saved(tmp_path, np.asarray(values, order=order)))
    pixels = values.astype(np.float64).reshape(-1, 3) / UNITS.get(dtype.lstrip(">"), 1)
    assert close(spec.mean, pixels.mean(axis=0))
    assert close(spec.std, pixels.std(axis=0))
    assert close(spec.min, pixels.min(axis=0))
    assert close(spec.max, pixels.max(axis=0))
    assert spec.counts.images == 4


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    shape=npst.array_shapes(min_dims=2, max_dims=4, max_side=5),
    dtype=st.sampled_from(["u1", "<u2", ">i2", "<f4", ">f8"]),
    order=st.sampled_from("CF"),
)
def test_any_choice_of_axes_gives_what_numpy_gives(tmp_path_factory, data, shape, dtype, order):
    axes = list(range(len(shape)))
    channel = data.draw(st.sampled_from([*axes, "none"]))
    image = data.draw(st.sampled_from([axis for axis in axes if axis != channel] + ["none"]))
    if len({*axes} - {channel, image}) == 0:
        return
    values = data.draw(npst.arrays(np.int8, shape)).astype(np.int64)
    array = np.asarray(values + 128, dtype, order=order)
    path = saved(tmp_path_factory.mktemp("any"), array)
    spec = normstat.compute(path, channel_axis=channel, image_axis=image, weighting="image", jobs=1)
    wide = array.astype(np.float64) / UNITS.get(dtype[-2:], 1)
    wide = np.moveaxis(wide, channel, 0) if channel != "none" else wide[None]
    if image != "none":
        shifted = image + (channel == "none") + (channel != "none" and image < channel)
        wide = np.moveaxis(wide, shifted, 1)
        images = wide.reshape(*wide.shape[:2], -1)
    else:
        images = wide.reshape(len(wide), 1, -1)
    pixels = images.reshape(len(wide), -1)
    assert close(spec.mean, pixels.mean(axis=1))
    assert close(spec.std, pixels.std(axis=1))
    assert close(spec.alternatives.mean_of_image_stds, images.std(axis=2).mean(axis=1))
    assert spec.counts.images == images.shape[1]


@pytest.mark.parametrize("channel", [0, "none"])
def test_a_spectrogram_has_statistics_of_its_bands_or_of_all(tmp_path, channel):
    spec = normstat.compute(saved(tmp_path, MEL), channel_axis=channel)
    wide = MEL.astype(np.float64)
    axis = 1 if channel == 0 else None
    assert close(spec.mean, wide.mean(axis=axis))
    assert close(spec.std, wide.std(axis=axis))
    assert len(spec.channels) == (20 if channel == 0 else 1)


def test_a_table_of_features_agrees_with_scikit_learn(tmp_path):
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    features = RANDOM.lognormal(0, 2, (500, 6))
    scaler = StandardScaler().fit(features)
    spec = normstat.compute(saved(tmp_path, features), channel_axis=1)
    assert close(spec.mean, scaler.mean_)
    assert close(spec.std, scaler.scale_)
    assert spec.channels == ["B1", "B2", "B3", "B4", "B5", "B6"]
    assert spec.counts.pixels == 500


def test_values_that_are_not_finite_or_stand_for_none_are_left_out_and_counted(tmp_path):
    values = MEL.copy()
    values[0, :3], values[1, 0], values[2, 0] = np.nan, np.inf, -9999
    spec = normstat.compute(saved(tmp_path, values), nodata=-9999)
    kept = values[np.isfinite(values) & (values != -9999)].astype(np.float64)
    assert close(spec.mean, [kept.mean()])
    assert spec.state.left_out == {"infinite": 1, "nan": 3, "nodata": 1}


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)], ids=["gray", "colour"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
@pytest.mark.parametrize("nodata", [0, 3])
def test_any_value_can_stand_for_none_in_every_type(tmp_path, shape, dtype, nodata):
    values = np.random.default_rng(1).integers(0, 6, shape)
    spec = normstat.compute(saved(tmp_path, values.astype(dtype)), nodata=nodata)
    kept = [channel[channel != nodata] for channel in values.reshape(72, -1).T]
    assert close(spec.mean, [channel.mean() / UNITS.get(dtype, 1) for channel in kept])
    assert spec.state.left_out == {"nodata": int((values == nodata).sum())}


@pytest.mark.parametrize("suffix", [".npy", ".tiff", ".nii"])
@pytest.mark.parametrize(("dtype", "nodata"), [("i8", -(2**63)), ("i8", 2**62), ("u8", 2**63)])
def test_integers_that_stand_for_none_need_not_fit_into_floats(tmp_path, suffix, dtype, nodata):
    values = np.array([[nodata, 1, 2, 3]], dtype)
    if suffix == ".npy":
        path = saved(tmp_path, values)
    elif suffix == ".tiff":
        path = tmp_path / "x.tiff"
        tifffile.imwrite(path, values)
    else:
        path = tmp_path / "x.nii"
        nibabel.Nifti1Image(values, np.eye(4), dtype=dtype).to_filename(path)
    assert normstat.compute(path, nodata=nodata).mean == [2]
    with pytest.raises(SourceError, match=r"integers beyond 2\^53"):
        normstat.compute(path)


HUGE = {
    "noise": RANDOM.normal(1e200, 1e199, (16, 20)),
    "beyond the sum": np.full((16, 20), 1.7e308),
    "alone": np.array([[1e200]]),
    "pairs": RANDOM.normal(0, 1e200, (16, 20, 3)),
}


@pytest.mark.parametrize("covariance", [False, True])
@pytest.mark.parametrize("values", HUGE.values(), ids=HUGE)
def test_values_whose_squares_are_beyond_floats_are_told_as_such(tmp_path, values, covariance):
    with pytest.raises(SourceError, match=r"values as large as .*e\+\d+, whose squares") as caught:
        normstat.compute(saved(tmp_path, values), covariance=covariance)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("weighting", ["pixel", "image"])
def test_the_largest_values_that_can_be_squared_have_numbers(tmp_path, weighting):
    values = np.full((3, 4), 9.9)
    found = saved(tmp_path, values * 1e153), saved(tmp_path, values * -1e153, "y.npy")
    spec = normstat.compute(*found, weighting=weighting, covariance=True)
    assert (spec.mean, spec.skipped) == ([0], [])
    assert close(np.array(spec.std) / 1e153, [9.9])


def test_bands_are_picked_by_number_or_get_names(tmp_path):
    path = saved(tmp_path, WIDE)
    picked = normstat.compute(path, bands=["3", "1"])
    named = normstat.compute(path, bands=["red", "green", "infrared"])
    assert (picked.channels, picked.mean) == (["B3", "B1"], [named.mean[2], named.mean[0]])
    assert named.channels == ["red", "green", "infrared"]


@pytest.mark.parametrize("bands", [["4"], ["0"], ["a", "b"], ["a", "b", "c,d"]])
def test_bands_that_are_not_there_are_refused(tmp_path, bands):
    with pytest.raises(SourceError, match="--bands"):
        normstat.compute(saved(tmp_path, WIDE), bands=bands)


def test_gray_arrays_stand_beside_images(tmp_path):
    Image.fromarray(STACK[0]).save(tmp_path / "a.png")
    path = saved(tmp_path, STACK[1:])
    assert (
        normstat.compute(tmp_path / "a.png", path).mean
        == normstat.compute(saved(tmp_path, STACK, "all.npy")).mean
    )


def test_several_images_in_a_file_of_a_folder_are_not_taken_for_one(tmp_path):
    saved(tmp_path, STACK)
    saved(tmp_path, STACK[0], "one.npy")
    spec = normstat.compute(tmp_path, extensions=["npy"])
    assert spec.counts.images == 1
    assert "holds 9 images" in spec.skipped[0].reason
    named = normstat.compute(tmp_path / "x.npy", tmp_path / "one.npy")
    assert named.counts.images == 10


def test_a_large_array_is_counted_as_a_small_one_is(tmp_path, monkeypatch):
    path = saved(tmp_path, RANDOM.normal(size=(40, 30, 3)))
    before = normstat.compute(path, jobs=1)
    monkeypatch.setattr("normstat.sources.arrays._MAPPED", 0)
    assert normstat.compute(path, jobs=1) == before


@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes of memory are told on Linux")
def test_a_large_array_does_not_fill_the_memory(tmp_path):
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (10_000, 10_000))
    array[0, 0] = 1e8
    array.flush()
    # Not getrusage, whose peak is also that of the process which started this one.
    code = (
        "import normstat, re; "
        f"print(normstat.compute({str(tmp_path / 'x.npy')!r}, backend='serial').mean[0], "
        "re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    mean, kilobytes = map(float, out.split())
    assert mean == pytest.approx(1, rel=1e-12)
    assert kilobytes * 1024 < array.nbytes * 0.7


@pytest.mark.parametrize("array", [STACK, WIDE.astype(np.float32)], ids=["codes", "floats"])
def test_how_an_image_is_cut_changes_nothing_but_rounding(tmp_path, monkeypatch, array):
    path = saved(tmp_path, array.reshape(1, -1, array.shape[2], 3))
    before = normstat.compute(path, jobs=1, backend="serial")
    monkeypatch.setattr("normstat.readers.npy._PIECE", 10)
    monkeypatch.setattr("normstat.readers.npy._WHOLE", 0)
    after = normstat.compute(path, jobs=1, backend="serial")
    assert close(after.mean, before.mean)
    assert close(after.std, before.std)
    if array is STACK:
        assert after == before


def test_any_engine_gives_the_same_bytes(tmp_path):
    path = saved(tmp_path, RANDOM.normal(size=(40, 6, 7, 3)))
    specs = [
        normstat.compute(path, jobs=jobs, backend=backend)
        for jobs, backend in [(1, "serial"), (3, "threads"), (2, "processes")]
    ]
    assert specs[0] == specs[1] == specs[2]


def test_sums_of_floats_do_not_depend_on_the_threads_of_blas(run):
    saved(run.folder, RANDOM.normal(3, 1, (2, 300, 500, 3)))
    written = []
    for threads in ("1", "2", "3"):
        env = {f"{library}_NUM_THREADS": threads for library in ("OPENBLAS", "MKL", "OMP")}
        code, out, _ = run("compute", "x.npy", "--covariance", "-o", "-", env=env)
        assert code == 0
        written.append(out)
    assert written[0] == written[1] == written[2]


def test_shards_of_an_array_merge_to_the_whole(tmp_path):
    path = saved(tmp_path, STACK)
    shards = [normstat.compute(path, shard=f"{part}/3") for part in (1, 2, 3)]
    assert numbers(normstat.merge(*shards)) == numbers(normstat.compute(path))


def test_a_cache_knows_the_images_of_an_array_until_it_changes(tmp_path):
    path = saved(tmp_path, STACK)
    cache = tmp_path / "cache.db"
    first = normstat.compute(path, cache=cache)
    assert normstat.compute(path, cache=cache) == first
    saved(tmp_path, STACK[::-1] // 2)
    os.utime(path, ns=(1, 1))
    assert normstat.compute(path, cache=cache).mean != first.mean
    assert normstat.compute(path, cache=cache, channel_axis="none", image_axis="none").channels == [
        "L"
    ]


# --- .npz ---


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [0, 2])
def test_an_array_of_an_npz_counts_as_it_does_alone(tmp_path, save, order, axis):
    stack = np.asarray(np.moveaxis(STACK, 0, axis), order=order)
    save(tmp_path / "a.npz", images=stack, labels=np.arange(9))
    axes = {"image_axis": axis, "channel_axis": -1}
    alone = normstat.compute(saved(tmp_path, stack), **axes)
    found = normstat.compute(tmp_path / "a.npz", include=["images"], **axes)
    assert numbers(found) == numbers(alone)
    assert found.dataset.contents[3].name == "images/3"
    assert found.counts.images == 9


def test_arrays_of_unlike_kinds_are_not_mixed(tmp_path):
    np.savez(tmp_path / "a.npz", images=STACK, labels=np.arange(9))
    with pytest.raises(NormstatError, match="unlike kinds"):
        normstat.compute(tmp_path / "a.npz")


def test_a_sample_of_a_compressed_array_is_of_its_images(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=STACK)
    np.save(tmp_path / "x.npy", STACK)
    how = {"sample": 4, "seed": 3}
    found = normstat.compute(tmp_path / "a.npz", **how)
    assert found.counts.images == 4
    assert found.mean != normstat.compute(tmp_path / "x.npy").mean


# --- damaged and refused ---


def head(shape, descr="|u1", *, fortran=False):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": fortran, "shape": shape}
    )
    return file.getvalue()


def whole(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


BROKEN = {
    "empty": (b"", "damaged"),
    "cut in the head": (whole(STACK)[:40], "damaged"),
    "cut in the values": (whole(STACK)[:-1], "its header tells"),
    "huge shape": (head((10**6, 10**6, 10**6, 3)) + bytes(100), "its header tells"),
    "huge image": (head((10**9, 10**9)) + bytes(100), "its header tells"),
    "no images": (head((0, 5, 5, 3)), "which holds nothing"),
    "no pixels, many images": (head((10**12, 0, 5, 3)), "which holds nothing"),
    "negative": (head((-5, 5, 3)) + bytes(100), "negative"),
    "no magic": (b"\x93NUMPX" + whole(STACK)[6:], "damaged"),
    "later format": (
        b"\x93NUMPY\x03\0" + (len(head((4,))) - 10).to_bytes(4, "little") + head((4,))[10:],
        "a later .npy format",
    ),
    "bad header": (whole(STACK).replace(b"shape", b"shade", 1), "damaged"),
    "nested header": (b"\x93NUMPY\x01\x00\xff\x1f" + b"(" * 8191, "damaged"),
    "objects": (whole(np.array([{}, 1]), allow_pickle=True), "Python objects"),
    "fields": (whole(np.zeros(3, "u1,f4")), "no statistics"),
    "complex": (whole(np.zeros((4, 4), complex)), "complex128, which has no statistics"),
    "text": (whole(np.array(["a", "b"])), "no statistics"),
    "dates": (whole(np.array(["2020-01-01"], "M8[D]")), "no statistics"),
    "beyond floats": (whole(np.full(4, 2**53 + 2)), "beyond 2^53"),
    "far below": (whole(np.full(4, -(2**63))), "beyond 2^53"),
    "all nan": (whole(np.full((4, 4), np.nan)), "no pixel counts: all are nan"),
    "too many pixels": (whole(np.zeros((20000, 1), np.uint8)), "--max-pixels"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("way", ["npy", "npz", "folder"])
def test_what_cannot_be_read_is_named_with_its_reason(tmp_path, content, reason, way):
    named = tmp_path / {"npy": "x.npy", "npz": "x.npz", "folder": "folder"}[way]
    if way == "npz":
        with zipfile.ZipFile(named, "w") as archive:
            archive.writestr("x.npy", content)
    elif way == "folder":
        named.mkdir()
        (named / "x.npy").write_bytes(content)
    else:
        named.write_bytes(content)
    expected = "empty file" if (content, way) == (b"", "folder") else reason
    with pytest.raises(SourceError) as caught:
        normstat.compute(named, extensions=["npy"], max_pixels=10000, jobs=1)
    assert expected in str(caught.value)


def test_a_damaged_array_ends_the_command_with_a_sentence(run):
    (run.folder / "x.npy").write_bytes(BROKEN["nested header"][0])
    code, out, err = run("compute", "x.npy")
    assert (code, out) == (3, "")
    assert err.startswith("Error: x.npy: none of 1 images could be read")


def test_a_damaged_array_costs_only_itself(tmp_path):
    saved(tmp_path, STACK, "good.npy")
    (tmp_path / "bad.npy").write_bytes(whole(STACK)[:-1])
    spec = normstat.compute(tmp_path / "good.npy", tmp_path / "bad.npy")
    assert spec.counts.images == 9
    assert spec.skipped[0].name.endswith("bad.npy")


def test_an_object_array_is_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    np.save(tmp_path / "x.npy", np.array([Bomb()]), allow_pickle=True)
    np.savez(tmp_path / "x.npz", a=np.array([Bomb()]))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(SourceError, match="Python objects"):
            normstat.compute(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_a_bomb_is_refused_by_the_bytes_that_it_claims(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as member,
    ):
        member.write(head((1, 1100 << 20, 1, 1)))
        for _ in range(1100):
            member.write(bytes(1 << 20))
    assert (tmp_path / "x.npz").stat().st_size < 2 << 20
    with pytest.raises(SourceError, match="more than 1,073,741,824 are read only"):
        normstat.compute(tmp_path / "x.npz")


def test_an_array_that_shrinks_after_it_was_listed_is_skipped(tmp_path, monkeypatch):
    path = saved(tmp_path, STACK)
    first = normstat.compute(path)
    assert first.counts.images == 9

    class Cutting(Observer):
        def listed(self, listing):
            path.write_bytes(path.read_bytes()[: 128 + 3 * 126 + 5])

    spec = normstat.compute(path, observer=Cutting(), jobs=1)
    assert spec.counts.images == 3
    assert {each.reason for each in spec.skipped} == {"damaged: the array ends in the middle of it"}


# --- through every command ---


def test_the_commands_work_on_arrays_as_on_images(run):
    saved(run.folder, STACK)
    assert run("compute", "x.npy", "-q").code == 0
    assert "uint8x3 9" in run("show").out
    assert run("validate", "normstat.json", "x.npy").code == 0
    assert run("compare", "normstat.json", "x.npy", "--tolerance", 0).code == 0
    assert run("apply", "x.npy", "-q").code == 0
    values = np.stack([np.load(run.folder / f"normalized/{n}.npy") for n in range(9)])
    assert np.allclose(values.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    assert np.allclose(values.std(axis=(0, 2, 3)), 1, atol=1e-6)
    assert run("apply", "--inverse", "normalized", "-q").code == 0
    for number, image in enumerate(STACK):
        assert np.array_equal(np.asarray(Image.open(run.folder / f"restored/{number}.png")), image)


def test_each_utterance_is_normalized_by_its_own_numbers(run):
    (run.folder / "speech").mkdir()
    mels = [RANDOM.normal(number, 2 + number, (20, 30 + number)) for number in range(3)]
    for number, mel in enumerate(mels):
        saved(run.folder / "speech", mel, f"{number}.npy")
    options = ("--extensions", "npy", "--channel-axis", 0, "-q")
    assert run("apply", "speech", "--method", "image_per_channel", *options).code == 0
    for number, mel in enumerate(mels):
        found = np.load(run.folder / f"normalized/{number}.npy")
        expected = (mel - mel.mean(axis=1, keepdims=True)) / mel.std(axis=1, keepdims=True)
        assert np.allclose(found.reshape(mel.shape), expected, atol=1e-5)


def test_values_without_a_range_have_no_preset(run):
    saved(run.folder, RANDOM.random((5, 20, 30, 3)).astype(np.float32))
    assert run("compute", "x.npy", "-o", "own.json", "-q").code == 0
    code, _, err = run("compare", "own.json", "--preset", "imagenet")
    assert code == 3
    assert "no unit in common" in err
    assert "--max-pixel-value M" in err
    assert run("compute", "x.npy", "--max-pixel-value", 1, "-o", "one.json", "-q").code == 0
    found = json.loads(run("compare", "one.json", "--preset", "imagenet", "--format", "json").out)[
        "comparisons"
    ][0]
    spec = normstat.load(run.folder / "one.json")
    assert close(found["metrics"]["gain"], np.array(spec.std) / [0.229, 0.224, 0.225])


def test_values_without_a_range_are_compared_as_they_are_and_with_codes_by_a_stated_rule(run):
    codes = RANDOM.integers(0, 256, (5, 20, 30), np.uint8)
    saved(run.folder, codes[..., None], "codes.npy")
    saved(run.folder, codes[..., None].astype(np.float32), "values.npy")
    for name in ("codes", "values"):
        assert run("compute", f"{name}.npy", "-o", f"{name}.json", "-q").code == 0
    same = run("compare", "values.json", "values.json")
    assert "values " in same.out
    assert "0–1 units" not in same.out
    code, _, err = run("compare", "values.json", "codes.json", "--tolerance", 1e-9)
    assert code == 0
    assert "values of values.json mean what the codes of codes.json do" in err
    code, _, err = run("compare", "values.json")
    assert code == 3
    assert "values without a range" in err


def test_a_volume_of_bytes_keeps_its_axes(run):
    cube = RANDOM.integers(0, 256, (4, 5, 6), np.uint8)
    saved(run.folder, cube)
    options = ("x.npy", "--channel-axis", "none", "-q")
    assert run("compute", *options).code == 0
    assert run("apply", *options).code == 0
    assert np.load(run.folder / "normalized/x.npy").shape == (1, 4, 5, 6)
    assert run("apply", "--inverse", "normalized", "-q").code == 0
    assert np.array_equal(np.load(run.folder / "restored/x.npy"), cube[None])


def test_the_note_says_why_a_single_array_has_no_half_width(run):
    saved(run.folder, MEL)
    out = run("compute", "x.npy").out
    assert "a single image, and so no ±" in " ".join(out.split())


@pytest.mark.parametrize("value", ["x", "1.5", "99"])
def test_an_axis_that_is_none_is_wrong_usage(run, value):
    saved(run.folder, MEL)
    code, _, err = run("compute", "x.npy", "--channel-axis", value)
    assert code == 2
    assert "axis" in err
