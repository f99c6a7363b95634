import json

import msgspec
import pytest

import normstat
from normstat.spec.files import dumps, loads

PHOTOS = "sample_data/photos"


@pytest.fixture(scope="module")
def spec():
    return normstat.compute(PHOTOS, covariance=True)


@pytest.mark.parametrize("name", ["spec.json", "spec.yaml", "spec.yml", "spec"])
def test_file_round_trips(tmp_path, spec, name):
    normstat.save(spec, tmp_path / name)
    assert normstat.load(tmp_path / name) == spec


def test_top_level_is_directly_usable(spec):
    raw = json.loads(dumps(spec))
    assert [raw[key] for key in ("mean", "std", "max_pixel_value", "channels")] == [
        spec.mean,
        spec.std,
        255,
        ["R", "G", "B"],
    ]
    assert spec["mean"] == spec.mean


def test_file_is_readable_arrays_on_one_line(spec):
    lines = dumps(spec).splitlines()
    assert f'  "mean": {json.dumps(spec.mean)},' in lines
    histogram = [line for line in lines if line.count(",") > 200]
    assert len(histogram) == 3
    assert sum(map(len, histogram)) < 10_000
    assert len(lines) < 250


def test_big_integers_are_text_that_every_json_parser_keeps(spec):
    def integers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [each for item in value for each in integers(item)]
        return [value] if isinstance(value, int) else []

    assert max(integers(json.loads(dumps(spec)))) < 2**53
    assert int(spec.state.kinds["rgb8"].images.qq[0]) > 2**53


def test_normalization_is_the_affine_map_of_the_numbers(spec):
    normalization = spec.normalization
    for scale, offset, mean, std in zip(
        normalization.scale, normalization.offset, spec.mean, spec.std, strict=True
    ):
        assert scale * 100 + offset == pytest.approx((100 / 255 - mean) / std)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("mean"), r"missing required field `mean`"),
        (lambda s: s.update(mean="0.5"), r"Expected `array`, got `str` - at `\$.mean`"),
        (lambda s: s["counts"].update(images=-1), r"\$.counts.images"),
        (lambda s: s["pipeline"].update(alpha="keep"), r"\$.pipeline.alpha"),
        (lambda s: s.update(colour=1), r"unknown field `colour`"),
        (lambda s: s["state"]["kinds"]["rgb8"]["images"].update(n=["1e3"]), r"\$.*\.n\[0\]`"),
        (lambda s: s["state"]["kinds"]["rgb8"].update(histogram=["1 x"]), r"histogram"),
        (lambda s: s.update(normstat_spec=2), "spec version 2; this normstat reads version 1"),
        (lambda s: s.pop("normstat_spec"), "not a normstat spec"),
    ],
)
def test_field_that_is_wrong_is_named(spec, change, message):
    raw = json.loads(dumps(spec))
    change(raw)
    with pytest.raises(normstat.SpecError, match=message):
        loads(json.dumps(raw).encode())


@pytest.mark.parametrize(
    ("content", "yaml"),
    [(b"", False), (b"{", False), (b"[1]", False), (b"\xff", False), (b"a: [", True), (b"", True),
     (b"[" * 100_000, False), (b'{"normstat_spec": NaN}', False)],
)  # fmt: skip
def test_file_that_is_no_spec_is_a_spec_error(content, yaml):
    with pytest.raises(normstat.SpecError, match="file: not"):
        loads(content, name="file", yaml=yaml)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_number_that_is_none_is_refused(spec, tmp_path, number):
    text = dumps(spec, yaml=True).replace(f"mean: [{spec.mean[0]}", f"mean: [.{number}", 1)
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(normstat.SpecError, match=r"\$.mean\[0\]"):
        normstat.load(tmp_path / "spec.yaml")


def test_missing_file_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(normstat.SourceError, match="normstat compute FOLDER"):
        normstat.load()


def test_existing_permissions_are_kept(tmp_path, spec):
    target = tmp_path / "spec.json"
    normstat.save(spec, target)
    target.chmod(0o640)
    normstat.save(spec, target)
    assert target.stat().st_mode & 0o777 == 0o640


def test_link_to_a_spec_stays_a_link(tmp_path, spec):
    (tmp_path / "real").mkdir()
    link = tmp_path / "spec.json"
    link.symlink_to(tmp_path / "real" / "spec.json")
    normstat.save(spec, link)
    assert link.is_symlink()
    assert normstat.load(tmp_path / "real" / "spec.json") == spec


def test_spec_cannot_be_changed(spec):
    with pytest.raises(AttributeError):
        spec.mean = [0.5]
    assert msgspec.structs.replace(spec, mean=[0.5]).mean == [0.5]


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000])
def test_yaml_that_nests_without_end_is_refused_and_does_not_end_the_process(tmp_path, text):
    path = tmp_path / "deep.yaml"
    path.write_text(text)
    with pytest.raises(normstat.SpecError, match=r"deep\.yaml: not valid YAML: nested more than"):
        normstat.load(path)
