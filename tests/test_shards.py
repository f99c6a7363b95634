"""`compute --shard`: parts of a listing that are the whole, whatever the listing is."""

import json
from array import array
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.sources import Listing
from normstat.sources.directory import FileSource
from normstat.sources.shards import Shard
from normstat.spec.files import dumps

PHOTOS = Path(__file__).parents[1] / "sample_data" / "photos"
ODD = PHOTOS.with_name("odd")


class OneGo(FileSource):
    """Files that are read in one go, as a tar archive is."""

    whole = True


def listing_of(sizes, owners=None, one_go=()):
    owners = owners or [0] * len(sizes)
    kinds = [
        OneGo if number in one_go else FileSource for number in range(max(owners, default=0) + 1)
    ]
    return Listing(
        ["data"],
        sources=[kind("data", "data") for kind in kinds],
        names=[f"{number:04}.png" for number in range(len(sizes))],
        sizes=array("q", sizes),
        versions=array("q", sizes),
        places=array("q", sizes),
        owners=array("q", owners),
    )


def cut(listing, of):
    return [listing.pick(Shard(number, of).rows(listing)) for number in range(1, of + 1)]


sizes = st.lists(st.integers(0, 10**7), max_size=60)


@given(sizes, st.integers(2, 20))
def test_every_image_is_in_exactly_one_shard_and_shards_are_runs(sizes, of):
    whole = listing_of(sizes)
    parts = cut(whole, of)
    assert [name for part in parts for name in part.names] == whole.names
    assert [size for part in parts for size in part.sizes] == sizes


@given(sizes, st.integers(2, 20))
def test_no_shard_exceeds_its_share_by_more_than_an_image(sizes, of):
    costs = [size + 4096 for size in sizes]
    for part in cut(listing_of(sizes), of):
        cost = sum(part.sizes) + 4096 * len(part)
        assert cost <= sum(costs) / of + max(costs, default=0)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 9)), max_size=9), st.integers(2, 9))
def test_source_that_is_read_in_one_go_is_never_cut(runs, of):
    owners = [number for number, (_, length) in enumerate(runs) for _ in range(length)]
    whole = listing_of([runs[owner][0] for owner in owners], owners, one_go=range(len(runs)))
    parts = cut(whole, of)
    assert [name for part in parts for name in part.names] == whole.names
    found = [owner for part in parts for owner in set(part.owners)]
    assert sorted(found) == list(range(len(runs)))


def test_source_read_in_one_go_beside_files_leaves_those_free():
    whole = listing_of([10**6] * 12, [0] * 4 + [1] * 4 + [2] * 4, one_go=[1])
    assert [len(part) for part in cut(whole, 6)] == [2, 2, 0, 4, 2, 2]


@pytest.mark.parametrize("of", [2, 3, 16])
def test_equal_images_are_shared_out_equally(of):
    assert {len(part) for part in cut(listing_of([1000] * of * 5), of)} == {5}


@pytest.mark.parametrize(
    "text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3", "1.0/2", "1/100001", "٣/٤"]
)
def test_shard_that_does_not_exist_is_wrong_usage(run, text):
    code, _, err = run("compute", PHOTOS, "--shard", text)
    assert code == 2
    assert "counted from 1/16 to 16/16" in err


def test_shard_and_limit_do_not_fit():
    with pytest.raises(normstat.UsageError, match="limit and shard"):
        normstat.compute(PHOTOS, shard="1/2", limit=3)


def test_one_of_one_is_the_whole():
    assert normstat.compute(PHOTOS, shard="1/1") == normstat.compute(PHOTOS)


def test_spec_says_which_part_it_is_and_describes_the_whole():
    spec, whole = normstat.compute(PHOTOS, shard="2/3"), normstat.compute(PHOTOS)
    estimator = json.loads(dumps(spec))["estimator"]
    assert estimator["coverage"] == "shards"
    assert estimator["shards"] == {"of": 3, "parts": [2]}
    assert estimator["images_listed"] == 30
    assert spec.dataset == whole.dataset
    assert 0 < spec.counts.images < 30


def test_spec_of_the_whole_does_not_mention_shards():
    raw = json.loads(dumps(normstat.compute(PHOTOS)))
    assert "shards" not in raw["estimator"]
    assert not {"parts", "without"} & raw["dataset"].keys()


@pytest.mark.parametrize("jobs", [1, 2])
def test_shard_does_not_depend_on_workers_or_order_of_sources(jobs):
    expected = dumps(normstat.compute(PHOTOS, ODD, shard="2/3", jobs=1))
    assert dumps(normstat.compute(ODD, PHOTOS, shard="2/3", jobs=jobs)) == expected


def test_each_shard_has_a_file_of_its_own(run, tmp_path):
    for number in (1, 2):
        assert run("compute", PHOTOS, "-q", "--shard", f"{number}/2").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "normstat-1-of-2.json",
        "normstat-2-of-2.json",
    ]


def test_table_says_what_is_missing(run):
    out = run("compute", PHOTOS, "--shard", "2/4").out
    assert "2 of 4, of 30 images; missing: 1, 3-4" in out


@pytest.fixture
def single(tmp_path):
    (tmp_path / "one").mkdir()
    Image.new("RGB", (5, 4), (10, 20, 30)).save(tmp_path / "one" / "a.png")
    return tmp_path / "one"


def test_empty_shard_is_written_shown_and_valid(run, tmp_path, single):
    code, out, err = run("compute", "one", "--shard", "1/3")
    assert (code, err) == (0, "wrote normstat-1-of-3.json\n")
    assert "an empty shard" in out
    path = "normstat-1-of-3.json"
    assert "an empty shard" in run("show", path).out
    assert run("validate", path).code == 0
    assert run("validate", path, "one", "--deep").code == 0
    schema = json.loads(run("schema").out)
    jsonschema.validate(json.loads((tmp_path / path).read_text()), schema)


@pytest.mark.parametrize(
    "arguments",
    [["compare", "normstat-1-of-3.json"], ["apply", "one", "--spec", "normstat-1-of-3.json"]],
)
def test_empty_shard_is_no_normalization(run, single, arguments):
    run("compute", "one", "-q", "--shard", "1/3")
    code, _, err = run(*arguments)
    assert code == 3
    assert "merge" in err
    assert "Traceback" not in err


def test_shard_of_unreadable_files_keeps_their_names(run, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.png").write_text("not an image")
    Image.new("L", (3, 3)).save(tmp_path / "set" / "2.png")
    assert run("compute", "set", "--shard", "1/2").code == 0
    spec = normstat.load(tmp_path / "normstat-1-of-2.json")
    assert (spec.counts.images, [each.name for each in spec.skipped]) == (0, ["1.png"])


def test_folder_without_images_is_an_error_in_every_shard(run, tmp_path):
    (tmp_path / "empty").mkdir()
    for number in (1, 2):
        code, _, err = run("compute", "empty", "--shard", f"{number}/2")
        assert code == 3
        assert "no image found" in err


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_shard_is_valid_and_can_be_measured_again(run, number):
    run("compute", PHOTOS, ODD, "-q", "--shard", f"{number}/4", "-o", "shard.json", "--covariance")
    code, out, err = run("validate", "shard.json", PHOTOS, ODD, "--deep")
    assert (code, err) == (0, "")
    assert "measured again" in out


@pytest.mark.parametrize(
    ("shards", "path"),
    [
        ({"of": 3, "parts": [2, 2]}, "estimator.shards.parts"),
        ({"of": 3, "parts": [3, 1]}, "estimator.shards.parts"),
        ({"of": 3, "parts": [4]}, "estimator.shards.parts"),
        ({"of": 3, "parts": [1, 2, 3]}, "estimator.shards.parts"),
        ({"of": 1, "parts": [1]}, "estimator.shards.of"),
        ({"of": 3, "parts": []}, "estimator.shards.parts"),
        (None, "estimator.shards"),
    ],
)
def test_shards_that_cannot_be_are_invalid(run, tmp_path, shards, path):
    raw = json.loads(dumps(normstat.compute(PHOTOS, shard="1/3")))
    raw["estimator"]["shards"] = shards
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, _, err = run("validate", "changed.json")
    assert code == 1
    assert path in err


def test_coverage_without_shards_is_invalid(run, tmp_path):
    raw = json.loads(dumps(normstat.compute(PHOTOS, shard="1/3")))
    del raw["estimator"]["shards"]
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, _, err = run("validate", "changed.json")
    assert code == 1
    assert "estimator.coverage" in err


def test_what_could_not_be_listed_is_in_the_first_shard_alone(tmp_path):
    for number in range(4):
        Image.new("L", (2, 2)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").symlink_to("nothing")
    specs = [normstat.compute(tmp_path, shard=f"{number}/2") for number in (1, 2)]
    assert [[each.name for each in spec.skipped] for spec in specs] == [["broken.png"], []]
