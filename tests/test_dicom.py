"""DICOM: stored values → what they stand for, against pydicom; nothing about a patient."""

import io
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import apply_color_lut, apply_modality_lut
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLossless,
    RLELossless,
)

import normstat
from normstat.errors import ImageError
from normstat.images import read, undisturbed
from normstat.readers import assembled
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Collector, counted

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
SECRET = "Secret^Patient"  # noqa: S105
SYNTAXES = (
    ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian, RLELossless,
)  # fmt: skip


def dicom(pixels, *, syntax=ExplicitVRLittleEndian, bits=None, **elements):
    """Return a file of pixels of shape ([frames,] rows, columns[, 3])."""
    colour = pixels.shape[-1] == 3 and pixels.ndim > 2
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = syntax
    data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, "1.2.3"
    data.PatientName, data.PatientID = SECRET, SECRET
    data.Modality = "CT"
    plain = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    data.file_meta.TransferSyntaxUID = plain
    depth = 8 * pixels.dtype.itemsize
    shape = pixels.shape[:-1] if colour else pixels.shape
    data.Rows, data.Columns = shape[-2:]
    if len(shape) > 2:
        data.NumberOfFrames = shape[0]
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored = depth, bits or depth
    data.HighBit, data.PixelRepresentation = (bits or depth) - 1, int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    data["PixelData"].VR = "OW"
    if pixels.dtype.itemsize == 1:
        data.PixelData += b"\0" * (len(data.PixelData) % 2)
        data["PixelData"].VR = "OB"
    for name, value in elements.items():
        setattr(data, name, value)
    if syntax == RLELossless:
        data.compress(RLELossless)
    content = io.BytesIO()
    pydicom.dcmwrite(content, data, enforce_file_format=True)
    return content.getvalue()


def sequence(**elements):
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return [item]


def words(*values):
    return np.array(values, "<u2").tobytes()


def transformation(slope, intercept):
    item = sequence(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
    return sequence(PixelValueTransformationSequence=item)[0]


def found_in(content, **options):
    """Return kind, facts, values of shape (channels, rows, columns), and where they count."""
    with undisturbed(), read(partial(io.BytesIO, content), Pipeline(**options)) as decoded:
        return decoded.kind, decoded.facts, *assembled(decoded)


def reference(content):
    """Return what pydicom says that the values are, in one column."""
    with undisturbed():
        data = pydicom.dcmread(io.BytesIO(content), force=True)
        if data.PhotometricInterpretation == "PALETTE COLOR":
            return apply_color_lut(data.pixel_array, data)
        if "DoseGridScaling" in data:
            return data.pixel_array * float(data.DoseGridScaling)
        return apply_modality_lut(data.pixel_array, data)


def same(values, expected):
    """Whether two arrays hold the same values; channels first or last does not matter."""
    first, second = (
        np.sort(np.asarray(each, np.float64), axis=None) for each in (values, expected)
    )
    return np.array_equal(first, second)


# --- files by other programs ---


def shipped():
    return sorted(path for path in SHIPPED.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", shipped(), ids=lambda path: str(path.relative_to(SHIPPED)))
def test_each_file_that_pydicom_ships_has_its_values_or_is_refused(path):
    content = path.read_bytes()
    try:
        _, _, values, _ = found_in(content)
    except ImageError:
        # pydicom does not read it either, or not as an image with a file's own header.
        with pytest.raises(
            (AttributeError, ValueError, RuntimeError, pydicom.errors.InvalidDicomError)
        ):
            reference(content)
    else:
        assert same(values, reference(content))


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [
        ("CT_small.dcm", "gray-s16", "CT int16 rescaled"),
        ("MR_small_bigendian.dcm", "gray-s16", "MR int16"),
        ("J2K_pixelrep_mismatch.dcm", "gray-s16", "CT int13"),
        ("examples_overlay.dcm", "gray-s16", "MR uint12"),
        ("examples_palette.dcm", "rgb16", "US palette"),
        ("examples_ybr_color.dcm", "rgb8", "US RGB"),
        ("image_dfl.dcm", "gray8", "OT uint8"),
        ("liver_1frame.dcm", "gray-s16", "SEG uint1"),
        ("rtdose.dcm", "gray-float", "RTDOSE uint32 rescaled"),
        ("SC_rgb_rle_16bit_2frame.dcm", "rgb16", "OT RGB"),
        ("dicomdirtests/77654033/CR1/6154", "gray-float", "CR uint12 MONOCHROME1 rescaled"),
    ],
)
def test_kind_and_mode(name, kind, mode):
    found, facts, _, _ = found_in((SHIPPED / name).read_bytes())
    assert (found, facts.mode) == (kind, mode)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rtstruct.dcm", "DICOM without pixels, RT Structure Set Storage"),
        ("test-SR.dcm", "DICOM without pixels, Comprehensive SR Storage"),
        ("dicomdirtests/DICOMDIR", "DICOMDIR, an index of other files"),
        ("MR_truncated.dcm", "less than expected .8130 vs 8192 bytes"),
        ("JPGExtended.dcm", "JPEG Extended .Process 2 and 4., not decoded; more decoders: pip"),
        ("zipMR.gz", "gzip of what is no NIfTI volume"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(name, reason):
    with pytest.raises(ImageError, match=reason):
        found_in((SHIPPED / name).read_bytes())


def test_syntax_without_a_decoder_names_what_to_install(monkeypatch):
    decoder = pydicom.pixels.get_decoder(JPEGLossless)
    monkeypatch.setattr(decoder, "_available", {})
    with pytest.raises(
        ImageError, match=r"JPEG Lossless.*no decoder here; more decoders: pip inst"
    ):
        found_in((SHIPPED / "SC_rgb_jpeg_gdcm.dcm").read_bytes())


# --- files of our own ---


@given(
    st.sampled_from([np.uint8, np.int8, np.uint16, np.int16]),
    st.sampled_from(SYNTAXES),
    st.sampled_from([None, (1, -1024), (2, 7), (1, 0), (-1, 5), (0.5, -3.25), (1e-3, 0)]),
    st.integers(1, 3),
    st.data(),
)
def test_values_are_those_of_pydicom(dtype, syntax, rescale, frames, data):
    shape = (frames, 3, 4) if frames > 1 else (3, 4)
    pixels = data.draw(arrays(dtype, shape))
    elements = {}
    if rescale:
        elements = dict(zip(("RescaleSlope", "RescaleIntercept"), rescale, strict=True))
    if syntax == ExplicitVRBigEndian and pixels.dtype.itemsize == 1:
        syntax = ExplicitVRLittleEndian
    content = dicom(pixels, syntax=syntax, **elements)
    kind, _, values, valid = found_in(content)
    assert valid is None
    assert np.array_equal(values.reshape(shape), reference(content))
    if rescale is None:
        assert kind == {"u1": "gray8", "u2": "gray16"}.get(pixels.dtype.str[1:], "gray-s16")
    elif not all(float(number).is_integer() for number in rescale):
        assert kind == "gray-float"


@given(arrays(np.uint16, (4, 5)), st.integers(1, 16), st.booleans())
def test_bits_that_are_not_stored_do_not_matter(junk, bits, signed):
    dtype = np.int16 if signed else np.uint16
    mask = (1 << bits) - 1
    codes = (junk & mask).astype(np.int64)
    if signed:
        codes = np.where(codes >> bits - 1, codes - (1 << bits), codes)
    _, _, values, _ = found_in(dicom(junk.astype(dtype), bits=bits))
    assert np.array_equal(values[0], codes)


@given(arrays(np.uint16, (4, 5)), st.integers(1, 15), st.data())
def test_codes_can_lie_below_the_highest_bit(junk, bits, data):
    high = data.draw(st.integers(bits - 1, 15))
    content = dicom(junk, bits=bits, HighBit=high)
    _, _, values, _ = found_in(content)
    assert np.array_equal(values[0], junk >> high + 1 - bits & (1 << bits) - 1)


def test_hounsfield_units_are_integers_though_the_header_claims_more():
    pixels = np.array([[0, 1024, 3071], [5, 6, 7]], np.int16)  # minus 1024 could leave 16 bits
    kind, _, values, _ = found_in(dicom(pixels, RescaleSlope="1", RescaleIntercept="-1024"))
    assert kind == "gray-s16"
    assert values.tolist() == [[[-1024, 0, 2047], [-1019, -1018, -1017]]]


@pytest.mark.parametrize("frames", [1, 2])
def test_values_that_leave_16_bits_are_floats(frames):
    pixels = np.full((frames, 2, 2), 60000, np.uint16)
    pixels = pixels if frames > 1 else pixels[0]
    kind, _, values, _ = found_in(dicom(pixels, RescaleSlope="1", RescaleIntercept="0"))
    assert (kind, values.max()) == ("gray-float", 60000)


@pytest.mark.parametrize(
    ("modality", "bits", "elements", "kind"),
    [
        ("MR", 16, {}, "gray16"),
        ("MR", 12, {}, "gray-s16"),
        ("MR", 16, {"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US"}, "gray16"),
        ("MR", 16, {"RescaleSlope": 2, "RescaleIntercept": 0}, "gray-s16"),
        ("CT", 16, {"RescaleSlope": 1, "RescaleIntercept": 0}, "gray-s16"),
        ("OT", 16, {"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "HU"}, "gray-s16"),
        ("PT", 12, {"RescaleSlope": "0.37", "RescaleIntercept": 0}, "gray-float"),
    ],
)
def test_values_without_a_range_have_a_unit_of_their_own(modality, bits, elements, kind):
    pixels = np.array([[1, 4095]], np.uint16)
    assert found_in(dicom(pixels, bits=bits, Modality=modality, **elements))[0] == kind


def test_frames_are_rescaled_by_slopes_of_their_own():
    pixels = np.array([[[1, 2]], [[3, 4]]], np.uint16)
    groups = [transformation(2, 1), transformation(3, -5)]
    content = dicom(pixels, PerFrameFunctionalGroupsSequence=groups)
    kind, _, values, _ = found_in(content)
    assert (kind, values.tolist()) == ("gray-s16", [[[3, 5], [4, 7]]])


def test_frames_can_share_a_slope():
    pixels = np.array([[[1, 2]], [[3, 4]]], np.uint16)
    content = dicom(pixels, SharedFunctionalGroupsSequence=[transformation(0.5, 1)])
    kind, _, values, _ = found_in(content)
    assert (kind, values.tolist()) == ("gray-float", [[[1.5, 2], [2.5, 3]]])


def test_lookup_table_of_the_modality():
    table = sequence(LUTDescriptor=[4, 10, 16], LUTData=words(100, 200, 300, 400))
    content = dicom(np.array([[0, 10, 11, 12, 13, 99]], np.uint16), ModalityLUTSequence=table)
    kind, facts, values, _ = found_in(content)
    assert (kind, facts.mode) == ("gray-s16", "CT uint16 rescaled")
    assert values.tolist() == [[[100, 100, 200, 300, 400, 400]]]
    assert np.array_equal(values[0], reference(content))


@pytest.mark.parametrize(
    ("dtype", "value", "limit", "kept"),
    [
        (np.uint16, 7, None, [0, 1, 2, 65535]),
        (np.uint16, 1, 7, [0, 65535]),
        (np.uint16, 7, 1, [0, 65535]),
        (np.int16, 7, None, [-2000, 0, 1, 2]),
        (np.int16, -2000, None, [0, 1, 2, 7]),
        (np.int16, 63536, None, [0, 1, 2, 7]),  # -2000 as it is without a sign
    ],
)
def test_padding_does_not_count_and_is_counted(dtype, value, limit, kept):
    last = 65535 if dtype is np.uint16 else -2000
    elements = {} if limit is None else {"PixelPaddingRangeLimit": limit}
    content = dicom(np.array([[0, 1, 2, 7, last]], dtype), Modality="MR", **elements)
    data = pydicom.dcmread(io.BytesIO(content))
    vr = "SS" if value < 0 else "US"
    data.add_new("PixelPaddingValue", vr, value)
    padded = io.BytesIO()
    pydicom.dcmwrite(padded, data)
    with undisturbed(), read(partial(io.BytesIO, padded.getvalue()), Pipeline()) as decoded:
        record = counted(decoded.kind, decoded.facts, decoded.blocks, covariance=False)
    _, _, values, valid = found_in(padded.getvalue())
    assert sorted(values[valid].tolist()) == kept
    assert record.left_out == (("padding", 5 - len(kept)),)


def test_nodata_is_a_value_after_rescaling_and_stands_instead_of_padding():
    pixels = np.array([[0, 1024, 24]], np.uint16)
    content = dicom(pixels, RescaleSlope=1, RescaleIntercept=-1024, PixelPaddingValue=0)
    _, _, values, valid = found_in(content, nodata=-1000)
    assert values[valid].tolist() == [-1024, 0]


def test_inverted_gray_keeps_its_values_and_is_told():
    pixels = np.array([[1, 2]], np.uint16)
    kind, facts, values, _ = found_in(
        dicom(pixels, Modality="CR", PhotometricInterpretation="MONOCHROME1")
    )
    assert (kind, facts.mode) == ("gray16", "CR uint16 MONOCHROME1")
    assert values.tolist() == [[[1, 2]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours(dtype):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(dtype)
    kind, _, values, _ = found_in(dicom(pixels))
    assert kind == f"rgb{8 * pixels.dtype.itemsize}"
    assert np.array_equal(values, pixels.transpose(2, 0, 1))


def test_mode_l_is_that_of_other_images(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    _, _, values, _ = found_in(dicom(pixels), mode="l")
    assert np.array_equal(values[0], np.asarray(Image.fromarray(pixels).convert("L")))
    with pytest.raises(ImageError, match="--mode l is for colours of 8 bits"):
        found_in(dicom(pixels.astype(np.uint16)), mode="l")


@pytest.mark.parametrize(("bits", "kind"), [(16, "gray16"), (12, "rgb-s16")])
def test_mode_rgb_makes_three_channels_of_values_of_their_own(bits, kind):
    content = dicom(np.array([[1, 2]], np.uint16), bits=bits, Modality="MR")
    found, _, values, _ = found_in(content, mode="rgb")  # fractions are repeated at the end
    assert found == kind
    assert values.tolist() == [[[1, 2]]] * (3 if kind[:3] == "rgb" else 1)


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels_and_their_nan(keyword):
    values = np.array([[1.5, np.nan], [-2.5, 4]], "<f4" if keyword[0] == "F" else "<f8")
    content = dicom(np.zeros((2, 2), np.uint16), Modality="OT")
    data = pydicom.dcmread(io.BytesIO(content))
    del data.PixelData
    setattr(data, keyword, values.tobytes())
    data.BitsAllocated = 8 * values.dtype.itemsize
    del data.BitsStored, data.HighBit, data.PixelRepresentation
    file = io.BytesIO()
    pydicom.dcmwrite(file, data)
    with undisturbed(), read(partial(io.BytesIO, file.getvalue()), Pipeline()) as decoded:
        record = counted(decoded.kind, decoded.facts, decoded.blocks, covariance=False)
    assert (record.kind, record.left_out) == ("gray-float", (("nan", 1),))


def test_file_without_the_128_bytes_before():
    pixels = np.array([[1, 2], [3, 4]], np.int16)
    content = dicom(pixels)
    meta = content[132:]
    data = pydicom.dcmread(io.BytesIO(content))
    bare = io.BytesIO()
    del data.file_meta
    pydicom.dcmwrite(bare, data, implicit_vr=True, little_endian=True)
    for each in (meta, bare.getvalue()):
        assert np.array_equal(found_in(each)[2][0], pixels)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"bands": ["1"]}, "no bands to choose from"),
        ({"resize": 5}, "--resize and --crop are for"),
        ({"max_pixels": 3}, "slice of 2 x 2 pixels is over the limit of 3"),
    ],
)
def test_what_is_not_supported_together_is_refused(options, reason):
    with pytest.raises(ImageError, match=reason):
        found_in(dicom(np.zeros((2, 2), np.uint16)), **options)


# --- bad files ---


@pytest.mark.parametrize(
    "elements",
    [
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"BitsStored": 17},
        {"BitsStored": 0},
        {"BitsAllocated": 12, "BitsStored": 12},
        {"Rows": 0},
        {"PhotometricInterpretation": "HSV"},
        {"SamplesPerPixel": 2},
        {"NumberOfFrames": 2},
        {"ModalityLUTSequence": sequence(LUTDescriptor=[9, 0, 16], LUTData=words(1, 2))},
    ],
    ids=str,
)
def test_headers_that_make_no_sense_are_refused(elements):
    with pytest.raises(ImageError) as error:
        found_in(dicom(np.zeros((2, 2), np.uint16), **elements))
    assert SECRET not in str(error.value)


WHOLE = dicom(
    np.arange(64, dtype=np.int16).reshape(2, 4, 8), syntax=RLELossless, bits=12,
    RescaleSlope="1", RescaleIntercept="-1024", PixelPaddingValue=3,
)  # fmt: skip


def told(content):
    """Return the reason, or the mode and the shape of what was read."""
    try:
        _, facts, values, _ = found_in(content)
    except ImageError as error:
        return str(error), None
    return facts.mode, values.shape


@given(st.integers(0, len(WHOLE)))
def test_truncated_files_are_refused_or_whole(length):
    text, shape = told(WHOLE[:length])
    assert shape in {None, (1, 8, 8)}
    assert "ecret" not in text


@given(st.lists(st.tuples(st.integers(132, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_damaged_files_are_refused_or_read_without_a_word_about_the_patient(changes):
    content = bytearray(WHOLE)
    for place, byte in changes:
        content[place] = byte
    assert "ecret" not in told(bytes(content))[0]


def test_pydicom_is_silent_even_to_those_who_listen_to_everything(caplog):
    content = dicom(np.zeros((2, 2), np.uint16))
    with caplog.at_level("DEBUG"), pytest.raises(ImageError):
        found_in(content[:-2])  # pydicom logs what it meets in a file
    with caplog.at_level("DEBUG"):
        found_in(content.replace(b"\x02\0CT", b"\x02\0c^"))
    assert not caplog.records


def test_name_of_a_patient_in_the_wrong_place_is_not_told():
    with undisturbed():
        content = dicom(np.zeros((2, 2), np.uint16), Modality="Doe^Jane")
    assert found_in(content)[1].mode == "DICOM uint16"


# --- the command ---


def test_command_tells_hounsfield_units_and_nothing_of_the_patient(run, samples, tmp_path):
    for name in ("a.dcm", "1.2.840.113619", "IM0001"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((samples / "deep" / "ct.dcm").read_bytes())
    done = run("compute", "in", "--extensions", "dcm,.", "--cache", "cache.sqlite", "-q")
    assert done == (0, "", "")
    spec = normstat.load(tmp_path / "normstat.json")
    data = pydicom.dcmread(samples / "deep" / "ct.dcm")
    units = data.pixel_array[data.pixel_array != 0] - 1024.0
    assert (spec.counts.images, spec.max_pixel_value) == (3, 1)
    assert spec.mean == pytest.approx([units.mean()], rel=1e-14)
    assert spec.std == pytest.approx([units.std()], rel=1e-14)
    percents = [spec.percentiles[percent][0] for percent in ("0.5", "99.5")]
    assert percents == pytest.approx(np.percentile(np.tile(units, 3), [0.5, 99.5]))
    assert spec.state.left_out == {"padding": 3 * int((data.pixel_array == 0).sum())}
    for written in ("normstat.json", "cache.sqlite"):
        assert b"Nobody" not in (tmp_path / written).read_bytes()


def test_command_tells_that_inverted_gray_is_kept(run, tmp_path):
    pixels = np.array([[1, 2]], np.uint16)
    content = dicom(pixels, Modality="CR", PhotometricInterpretation="MONOCHROME1")
    (tmp_path / "a.dcm").write_bytes(content)
    done = run("compute", "a.dcm")
    assert "CR uint16 MONOCHROME1 1" in done.out
    told = " ".join(done.out.split())  # whatever the width
    assert "1 in which small values are white (MONOCHROME1), kept as stored" in told


@pytest.mark.parametrize("jobs", [1, 3])
def test_spec_of_files_by_other_programs_is_the_same_however_the_work_is_cut(jobs):
    folder = SHIPPED / "dicomdirtests" / "77654033"
    options = {"extensions": ["."], "include": ["CT2"], "covariance": True}
    spec = normstat.compute(folder, jobs=jobs, backend="threads", **options)
    collector = Collector(ddof=0, covariance=True)
    for path in sorted((folder / "CT2").iterdir()):
        with undisturbed(), read(partial(path.open, "rb"), Pipeline()) as decoded:
            collector.add(counted(decoded.kind, decoded.facts, decoded.blocks, covariance=True))
    everything = np.concatenate(
        [reference(path.read_bytes()).ravel() for path in (folder / "CT2").iterdir()]
    )
    assert spec.state.kinds["gray-s16"].images.n == [str(everything.size)]
    assert spec.mean == pytest.approx([everything.mean()], rel=1e-14)
    assert spec.std == pytest.approx([everything.std()], rel=1e-14)
    sums = collector.state().kinds["gray-s16"].images
    assert [int(value) for value in spec.state.kinds["gray-s16"].images.s] == sums.s


def test_without_the_extra_it_is_skipped_with_the_install_line(tmp_path, samples):
    code = (
        "import sys; sys.modules['pydicom'] = sys.modules['nibabel'] = None\n"
        "import normstat\n"
        "spec = normstat.compute('sample_data/photos/coast', 'sample_data/deep',"
        " extensions=['jpg', 'dcm', 'nii.gz'], backend='serial')\n"
        "print(*(f'{each.name}: {each.reason}' for each in spec.skipped), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=samples.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("pip install 'normstat[medical]'") == 2, done
    assert done.stderr == ""
