import json
import re
import shutil

import pytest
import yaml

import normstat
from normstat.spec.files import dumps
from tests.docs import ROOT
from tests.docs import page as page_of

YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)

PHOTOS = "sample_data/photos"


@pytest.fixture(scope="module")
def text():
    return dumps(normstat.compute(PHOTOS, "sample_data/odd", covariance=True))


def kind(raw, name="rgb8"):
    return raw["state"]["kinds"][name]


CHANGES = [
    ("mean[1]", lambda raw: raw["mean"].__setitem__(1, 0.456)),
    ("std[0]", lambda raw: raw["std"].__setitem__(0, 0.229)),
    ("percentiles.50[2]", lambda raw: raw["percentiles"]["50"].__setitem__(2, 0.1)),
    ("covariance[0][1]", lambda raw: raw["covariance"][0].__setitem__(1, 0.0)),
    ("confidence.std[2]", lambda raw: raw["confidence"]["std"].__setitem__(2, 0.0)),
    ("alternatives.mean_of_image_stds[0]",
     lambda raw: raw["alternatives"]["mean_of_image_stds"].__setitem__(0, 0.2)),
    ("histogram.counts[0][7]", lambda raw: raw["histogram"]["counts"][0].__setitem__(7, 0)),
    ("counts.images", lambda raw: raw["counts"].update(images=29)),
    ("counts.by_size.width.max", lambda raw: raw["counts"]["by_size"]["width"].update(max=9)),
    ("counts.skipped", lambda raw: raw["skipped"].pop()),
    ("max_pixel_value", lambda raw: raw.update(max_pixel_value=65535)),
    ("state.kinds.rgb8.images.s", lambda raw: kind(raw)["images"]["s"].__setitem__(0, "1")),
    ("state.kinds.gray8.images.n", lambda raw: kind(raw, "gray8")["images"].update(n=["1"])),
    ("state.kinds.rgb8.images.n", lambda raw: kind(raw)["histogram"].__setitem__(2, "1 0*255")),
    ("state.modes", lambda raw: raw["state"]["modes"].update(RGB=1)),
    ("state.widths", lambda raw: raw["state"]["widths"].update({"7": 1})),
]  # fmt: skip


def test_sound_spec_is_valid(run, tmp_path, text):
    (tmp_path / "normstat.json").write_text(text)
    code, out, err = run("validate")
    assert (code, err) == (0, "")
    assert "valid" in out


@pytest.mark.parametrize(("path", "change"), CHANGES, ids=[path for path, _ in CHANGES])
def test_number_that_does_not_follow_is_named(run, tmp_path, text, path, change):
    raw = json.loads(text)
    change(raw)
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, out, err = run("validate", "changed.json")
    assert (code, out) == (1, "")
    assert f"{path}: " in err


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda raw: raw["counts"].pop("images"), "$.counts"),
        (lambda raw: kind(raw)["histogram"].pop(), "state.kinds.rgb8.histogram"),
        (lambda raw: kind(raw)["histogram"].__setitem__(0, "1 2"), "state.kinds.rgb8.histogram"),
        (lambda raw: raw["state"].update(kinds={}), "state.kinds"),
    ],
)
def test_file_that_breaks_the_schema_is_invalid_not_a_crash(run, tmp_path, text, change, path):
    raw = json.loads(text)
    change(raw)
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, _, err = run("validate", "changed.json")
    assert code == 1
    assert path in err


def test_missing_file_could_not_be_validated(run):
    assert run("validate", "nowhere.json")[0] == 3


@pytest.fixture
def folder(run, tmp_path):
    shutil.copytree(PHOTOS, tmp_path / "photos")
    assert run("compute", "photos", "-q").code == 0
    return tmp_path / "photos"


def add(folder):
    shutil.copy(folder / "coast" / "coast-01.jpg", folder / "coast" / "new.jpg")


def remove(folder):
    (folder / "night" / "night-03.jpg").unlink()


def change(folder):
    shutil.copy(folder / "coast" / "coast-01.jpg", folder / "forest" / "forest-02.jpg")


def test_unchanged_folder_is_described(run, folder):
    assert run("validate", "normstat.json", "photos").code == 0
    assert run("validate", "normstat.json", "photos", "--deep").code == 0


def test_the_hook_for_pre_commit_runs_as_its_page_has_it(run, folder):
    """The line that pre-commit runs: the entry and the args, without names of files."""
    hook = next(
        each
        for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
        if each["id"] == "normstat-validate"
    )
    assert not hook["pass_filenames"]
    [page] = [block for block in YAML.findall(page_of("compare")) if "normstat-validate" in block]
    [shown] = yaml.safe_load(page)["repos"][0]["hooks"]
    spec, images = shown["args"]
    (run.folder / images).parent.mkdir()
    folder.rename(run.folder / images)
    program, *arguments = [*hook["entry"].split(), spec, images]
    assert program == "normstat"
    assert run(*arguments).code == 0
    next((run.folder / images).rglob("*.jpg")).unlink()
    assert run(*arguments).code == 1


def test_moved_folder_is_described(run, folder, tmp_path):
    folder.rename(tmp_path / "elsewhere")
    assert run("validate", "normstat.json", "elsewhere").code == 0


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (add, "+ coast/new.jpg"),
        (remove, "- night/night-03.jpg"),
        (change, "~ forest/forest-02.jpg: 7,458 bytes, were 10,460"),
    ],
)
def test_stale_spec_says_what_changed(run, folder, action, line):
    action(folder)
    code, out, err = run("validate", "normstat.json", "photos")
    assert (code, out) == (1, "")
    assert line in err.splitlines()


def test_other_pixels_of_the_same_size_are_found_by_looking_deep(run, folder):
    path = folder / "coast" / "coast-01.jpg"
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    assert run("validate", "normstat.json", "photos").code == 0
    code, _, err = run("validate", "normstat.json", "photos", "--deep")
    assert code == 1
    assert "now it is" in err


def test_selection_of_the_spec_is_used_again(run, folder):
    run("compute", "photos", "-q", "--exclude", "night", "--recipe", "imagenet", "--limit", "12")
    assert run("validate", "normstat.json", "photos", "--deep").code == 0
    remove(folder)
    assert run("validate", "normstat.json", "photos").code == 0


def test_deep_without_a_folder_is_wrong_usage(run, folder):
    assert run("validate", "normstat.json", "--deep").code == 2
