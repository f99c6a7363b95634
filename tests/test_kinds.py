"""Every kind of image, through the commands, against readers that are not ours."""

import csv
import json
import signal
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

from normstat.cli import main

DEEP = Path(__file__).parents[1] / "sample_data/deep"


def bands(name, order=None):
    """Bands of a TIFF, as (channels, pixels)."""
    codes = tifffile.imread(DEEP / name).astype(np.float64)
    flat = codes.reshape(-1, codes.shape[-1]).T if codes.shape[-1] < 20 else codes
    return flat if order is None else flat[order]


def planes(name):
    codes = tifffile.imread(DEEP / name).astype(np.float64)
    return codes.reshape(3, -1) if codes.shape[0] == 3 else codes.reshape(-1, 3).T


def satellite(order):
    codes = tifffile.imread(DEEP / "satellite13.tif").astype(np.float64)
    channels = codes.reshape(13, -1) if codes.shape[0] == 13 else codes.reshape(-1, 13).T
    return [channel[channel != 0] / 65535 for channel in channels[order]]


def heights():
    codes = tifffile.imread(DEEP / "elevation.tif").astype(np.float64).ravel()
    return [codes[np.isfinite(codes) & (codes != -9999)]]


def hounsfield():
    file = pydicom.dcmread(DEEP / "ct.dcm")
    stored = file.pixel_array.astype(np.float64)
    shown = stored[stored != file.PixelPaddingValue]
    return [shown * float(file.RescaleSlope) + float(file.RescaleIntercept)]


def leaves(*columns):
    with (DEEP / "leaves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for column in columns:
        texts = [row[column].strip() for row in rows]
        values = [float(text) for text in texts if text.lower() not in {"", "na", "nan"}]
        found.append(np.array(values))
    return found


def pages(count):
    with tifffile.TiffFile(DEEP / "pages.tif") as tiff:
        shown = [page.asarray() for page in tiff.pages if not page.is_reduced][:count]
    return np.stack(shown).reshape(-1, 3).T / 255


def gray12():
    with Image.open(DEEP / "gray12.png") as image:
        return np.asarray(image).reshape(1, -1) / 4095


# File, options, and the values of each channel as another reader gives them.
KINDS = {
    "float": ("float.tif", [], lambda: bands("float.tif").reshape(1, -1)),
    "float, nodata, NaN": ("elevation.tif", [], heights),
    "13 bands": ("satellite13.tif", [], lambda: satellite(list(range(13)))),
    "bands": ("satellite13.tif", ["--bands", "B04,B03,B02"], lambda: satellite([3, 2, 1])),
    "16-bit colour, planar": (
        "planar-rgb16.tif", [], lambda: planes("planar-rgb16.tif") / 65535,
    ),
    "12 bits in 16": ("gray12.png", ["--max-pixel-value", "4095"], gray12),
    "DICOM": ("ct.dcm", [], hounsfield),
    "NIfTI": (
        "volume.nii.gz", [],
        lambda: nibabel.load(DEEP / "volume.nii.gz").get_fdata().reshape(1, -1),
    ),
    "first page": ("pages.tif", [], lambda: pages(1)),
    "all pages": ("pages.tif", ["--frames", "all"], lambda: pages(3)),
    "stack of arrays": (
        "stack.npy", [], lambda: np.load(DEEP / "stack.npy").reshape(-1, 3).T / 255,
    ),
    "spectrogram": (
        "spectrogram.npy", ["--channel-axis", "0"],
        lambda: np.load(DEEP / "spectrogram.npy").astype(np.float64),
    ),
    "table": (
        "leaves.csv", ["--columns", "length_mm,width_mm"], lambda: leaves("length_mm", "width_mm"),
    ),
}  # fmt: skip


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        out, err = capsys.readouterr()
        assert ended.value.code == 0, err
        return out

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("name", "options", "reference"), KINDS.values(), ids=KINDS)
def test_a_kind_goes_through_every_command_with_the_numbers_of_another_reader(
    call, name, options, reference
):
    channels = list(reference())
    mean = np.array([channel.mean() for channel in channels])
    std = np.array([channel.std() for channel in channels])
    call("compute", DEEP / name, *options)
    spec = json.loads(Path("normstat.json").read_text("utf-8"))
    np.testing.assert_allclose(spec["mean"], mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(spec["std"], std, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(spec["min"], [each.min() for each in channels], atol=1e-12)
    np.testing.assert_allclose(spec["max"], [each.max() for each in channels], atol=1e-12)
    assert spec["channels"][0] in call("show")
    assert "valid" in call("validate", "normstat.json", DEEP / name, "--deep")
    same = call("compare", "normstat.json", "normstat.json", "--fail-on", "shift>0.0001")
    assert "PASS" in same
    call("apply")  # what the spec is of, read as it was
    outputs = [np.load(path) for path in sorted(Path("normalized").rglob("*.npy"))]
    values = np.concatenate([each.reshape(len(channels), -1) for each in outputs], axis=1)
    for channel, applied in zip(channels, values, strict=True):
        # What does not count becomes 0, the mean of what does.
        assert abs(applied.sum()) < 1e-3 * max(1, len(channel))
        assert np.square(applied.astype(np.float64)).sum() == pytest.approx(len(channel), rel=1e-4)
