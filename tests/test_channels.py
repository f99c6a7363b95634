"""Channels as a file has them, and a range of codes that is told: through every command."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import NormstatError, SpecError
from normstat.readers import Decoded, assembled
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Collector, Facts, State, counted

FACTS = Facts("any", 1, 1, False, False, False)


def noise(*shape, seed=0, high=256, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, high, shape, dtype=dtype)


def reference(arrays, top):
    """Pooled mean and std of arrays of shape (H, W, C), in float64."""
    flat = np.concatenate([a.reshape(-1, a.shape[-1]) for a in arrays]).astype(np.float64) / top
    return flat.mean(axis=0), flat.std(axis=0)


@pytest.fixture
def rgba(tmp_path):
    arrays = [noise(9, 7, 4, seed=1), noise(5, 11, 4, seed=2)]
    (tmp_path / "rgba").mkdir()
    for number, pixels in enumerate(arrays):
        Image.fromarray(pixels).save(tmp_path / "rgba" / f"{number}.png")
    return arrays


MODES = {
    "RGBA": (noise(6, 5, 4), "RGBA", ["R", "G", "B", "A"]),
    "CMYK": (noise(6, 5, 4), "CMYK", ["C", "M", "Y", "K"]),
    "LA": (noise(6, 5, 2), "LA", ["L", "A"]),
    "RGB": (noise(6, 5, 3), "RGB", ["R", "G", "B"]),
    "L": (noise(6, 5, 1), "L", ["L"]),
}


@pytest.mark.parametrize(("pixels", "mode", "names"), MODES.values(), ids=MODES)
def test_native_keeps_every_channel_under_its_name(tmp_path, pixels, mode, names):
    Image.frombytes(mode, (5, 6), pixels.tobytes()).save(tmp_path / "a.tif")
    spec = normstat.compute(tmp_path, channels="native", covariance=True)
    mean, std = reference([pixels], 255)
    assert (spec.channels, spec.max_pixel_value) == (names, 255)
    np.testing.assert_allclose(spec.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(spec.std, std, rtol=1e-14)
    flat = pixels.reshape(-1, len(names)) / 255
    np.testing.assert_allclose(
        spec.covariance, np.cov(flat.T, ddof=0).reshape(len(names), -1), atol=1e-12
    )


def test_native_gives_the_colours_of_a_palette_and_not_its_indices(tmp_path):
    image = Image.fromarray(noise(8, 8, 3)).quantize(16)
    image.save(tmp_path / "p.png")
    spec = normstat.compute(tmp_path, channels="native")
    mean, _ = reference([np.asarray(image.convert("RGB"))], 255)
    np.testing.assert_allclose(spec.mean, mean, rtol=1e-14)
    image.save(tmp_path / "p.png", transparency=3)
    assert normstat.compute(tmp_path, channels="native").channels == ["R", "G", "B", "A"]


def test_a_transparent_code_is_no_channel_and_clips_nothing(tmp_path):
    pixels = noise(6, 5, high=65536, dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=int(pixels[0, 0]))
    spec = normstat.compute(tmp_path, channels="native")
    assert (spec.channels, spec.max_pixel_value) == (["L"], 65535)
    np.testing.assert_allclose(spec.mean, pixels.mean() / 65535, rtol=1e-14)


def test_native_channels_go_through_every_command(run, rgba, tmp_path):
    code, out, err = run("compute", "rgba", "--channels", "native")
    assert (code, err) == (0, "wrote normstat.json\n")
    assert "channels native" in out
    mean, std = reference(rgba, 255)
    assert "  A" in run("show").out.splitlines()[0]
    assert run("validate", "normstat.json", "rgba", "--deep").code == 0
    assert run("compare", "normstat.json", "normstat.json", "--fail-on", "shift>0").code == 0
    assert run("apply").code == 0  # source and channels are the spec's
    for number, pixels in enumerate(rgba):
        values = np.load(tmp_path / f"normalized/{number}.npy")
        expected = ((pixels / 255 - mean) / std).transpose(2, 0, 1)
        np.testing.assert_allclose(values, expected, atol=2e-6)
    assert run("apply", "--inverse", "normalized").code == 0
    for number, pixels in enumerate(rgba):
        assert (np.load(tmp_path / f"restored/{number}.npy") == pixels.transpose(2, 0, 1)).all()


def test_numbers_of_other_channels_are_refused_by_name(run, rgba):
    code, _, err = run("apply", "rgba", "--channels", "native", "--preset", "imagenet")
    assert (code, "has the channels R G B A, imagenet has R G B" in err) == (3, True), err


def test_images_of_unlike_channels_are_not_mixed(run, rgba, tmp_path):
    Image.fromarray(noise(4, 4, 3)).save(tmp_path / "rgba" / "2.png")
    code, _, err = run("compute", "rgba", "--channels", "native")
    assert (code, "1 of rgb8" in err, "2 of bands4-8" in err) == (3, True, True), err
    assert run("compute", "rgba").code == 0


# --- a range that is told ---


@pytest.fixture
def deep(tmp_path):
    pixels = noise(12, 10, 1, high=4096, dtype=np.uint16)
    pixels[0, :2, 0] = 0, 4095
    (tmp_path / "deep").mkdir()
    Image.fromarray(pixels[..., 0]).save(tmp_path / "deep" / "a.png")
    return pixels


def test_twelve_bits_in_sixteen_count_by_the_range_that_is_told(run, deep, tmp_path):
    assert run("compute", "deep", "--max-pixel-value", "4095").code == 0
    spec = json.loads((tmp_path / "normstat.json").read_text())
    mean, std = reference([deep], 4095)
    np.testing.assert_allclose((spec["mean"], spec["std"]), (mean, std), rtol=1e-14)
    assert (spec["max_pixel_value"], spec["min"], spec["max"]) == (4095, [0.0], [1.0])
    assert spec["percentiles"]["0.5"] == [np.percentile(deep, 0.5) / 4095]
    assert run("validate", "normstat.json", "deep", "--deep").code == 0
    assert run("apply").code == 0
    values = np.load(tmp_path / "normalized/a.npy")
    np.testing.assert_allclose(values[0], (deep[..., 0] / 4095 - mean) / std, atol=2e-6)
    assert run("apply", "--inverse", "normalized").code == 0
    with Image.open(tmp_path / "restored/a.png") as restored:
        assert (np.asarray(restored) == deep[..., 0]).all()


def test_codes_beyond_the_range_that_is_told_are_refused(run, deep):
    code, _, err = run("compute", "deep", "--max-pixel-value", "4094")
    assert (code, "codes up to 4095 are beyond max_pixel_value 4094" in err) == (3, True), err


def test_one_range_is_not_told_for_two_depths(deep, tmp_path):
    Image.fromarray(noise(3, 3)).save(tmp_path / "deep" / "b.png")
    with pytest.raises(NormstatError, match=r"several depths: 1 of gray16, 1 of gray8"):
        normstat.compute(tmp_path / "deep", max_pixel_value=4095)


# --- states and blocks ---


def test_images_that_name_their_bands_differently_are_refused():
    collector = Collector(ddof=0, covariance=False)
    for bands in ("B02,B03", "B02,B03", "B03,B02"):
        block = Block(noise(2, 5))
        facts = FACTS._replace(bands=bands)
        collector.add(counted("bands2-8", facts, [block], covariance=False))
    state = collector.state()
    assert state.merged(State()).bands == {"B02,B03": 2, "B03,B02": 1}
    with pytest.raises(SpecError, match=r"2 with B02 B03, 1 with B03 B02; bands names those"):
        state.band_names()
    assert State.from_text(state.to_text(), ddof=0).bands == state.bands


@given(st.data(), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
def test_tiles_come_together_as_the_image_that_they_were_cut_of(data, channels, height, width):
    image = noise(channels, height, width)
    shown = noise(height, width, high=2, seed=1).astype(bool)
    top, left = data.draw(st.integers(0, height)), data.draw(st.integers(0, width))
    blocks = []
    for rows in (slice(0, top), slice(top, height)):
        for columns in (slice(0, left), slice(left, width)):
            part = image[:, rows, columns].reshape(channels, -1)
            blocks.append(Block(part, shown[rows, columns].ravel(), window=(rows, columns)))
    decoded = Decoded(f"bands{channels}-8", FACTS, blocks=blocks, shape=(height, width))
    codes, valid = assembled(decoded)
    assert (codes == image).all()
    assert (valid == shown).all()


def test_a_spec_without_any_of_this_has_none_of_its_fields():
    fields = set(normstat.compute(Path("sample_data/photos")).pipeline.__struct_fields__)
    assert {"channels", "bands", "max_pixel_value", "nodata"} <= fields
    assert not {"bands", "nodata"} & set(json.loads(msgspec.json.encode(Pipeline())))
