"""What every kind of source promises, one contract for all: a stable order, images that open in any
process, nothing read twice, nothing left out, and the same numbers as from a folder."""

import csv
import io
import json
import os
import random
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import normstat
from normstat import reading
from normstat.backends import BACKENDS
from normstat.errors import SourceError
from normstat.sources import Selection, list_files
from normstat.statistics import collector
from normstat.validation import check
from tests.servers import serving

ADDRESS = ""  # of a server of the current folder, while a test runs
BROKEN = b"\x89PNG\r\n\x1a\nbroken"


@dataclass(frozen=True)
class Built:
    """A source that was built: what to name, and what each image is called in its listing."""

    sources: tuple[str, ...]
    options: dict = field(default_factory=dict)
    names: dict[str, str] | None = None

    def listing(self):
        return list_files(self.sources, Selection(**self.options))

    def called(self, name):
        return self.names[name] if self.names else name


def folder(images):
    for name, content in images.items():
        path = Path("folder", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Built(("folder",))


def files(images):
    folder(images)
    names = {name: f"folder/{name}" for name in images}
    return Built(tuple(names.values()), names=names)


def pack_tar(path, images, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in images.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def tar(mode, suffix):
    def build(images):
        pack_tar(f"images{suffix}", images, mode)
        return Built((f"images{suffix}",))

    return build


def shards(images):
    """Two tars and a pattern."""
    names = list(images)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]]
    for number, half in enumerate(halves):
        pack_tar(f"shard{number:02}.tar", {name: images[name] for name in half})
    called = {name: f"shard{n:02}.tar/{name}" for n, half in enumerate(halves) for name in half}
    return Built(("shard{00..01}.tar",), names=called)


def zipped(method):
    def build(images):
        with zipfile.ZipFile("images.zip", "w", method) as archive:
            for name, content in images.items():
                archive.writestr(name, content)
        return Built(("images.zip",))

    return build


def mixed(images):
    """A folder, a tar, a compressed tar and a zip in one call."""
    kinds = [folder, tar("w", ".tar"), tar("w:gz", ".tar.gz"), zipped(zipfile.ZIP_DEFLATED)]
    names, sources = {}, ()
    for number, kind in enumerate(kinds):
        built = kind({name: images[name] for name in list(images)[number :: len(kinds)]})
        [source] = built.sources
        sources += (source,)
        names |= {name: f"{source}/{name}" for name in list(images)[number :: len(kinds)]}
    return Built(sources, names=names)


def listed(suffix, write, **options):
    """A list of the images of a folder that holds more."""

    def build(images):
        folder(images | {"other.png": b"not in the list"})
        write(f"list{suffix}", list(images))
        return Built(("folder",), {"files_from": f"list{suffix}", **options})

    return build


def lines(path, names):
    Path(path).write_bytes(b"\n".join(os.fsencode(name) for name in names))


def nulls(path, names):
    Path(path).write_bytes(b"".join(os.fsencode(name) + b"\0" for name in names))


def table(path, names):
    with Path(path).open("w", newline="", errors="surrogateescape") as file:
        writer = csv.writer(file, delimiter="\t" if path.endswith("tsv") else ",")
        writer.writerow(["label", "path", "note"])
        writer.writerows([0, name, "x, y\nz"] for name in names)


def json_lines(path, names):
    rows = (json.dumps({"path": name, "label": 0}) + "\n" for name in names)
    Path(path).write_text("".join(rows))


def listed_in_tar(images):
    pack_tar("images.tar", images | {"other.png": b"not in the list"})
    lines("list.txt", images)
    return Built(("images.tar",), {"files_from": "list.txt"})


def parquet_file(values, column, **options):
    def build(images):
        rows = pa.array([values(name, content) for name, content in images.items()])
        rest = pa.array(range(len(images)))
        content = pa.table({column: rows, "label": rest})
        parquet.write_table(content, "images.parquet", **options)
        return Built(("images.parquet",), names={name: str(row) for row, name in enumerate(images)})

    return build


def struct(name, content):
    return {"bytes": content, "path": f"not/{name}"}


def plain(name, content):
    return content


def web(images):
    """A folder on a web server."""
    folder(images)
    return Built((f"{ADDRESS}/folder/",))


KINDS = {
    "folder": folder,
    "files": files,
    "tar": tar("w", ".tar"),
    "tar.gz": tar("w:gz", ".tar.gz"),
    "tar.bz2": tar("w:bz2", ".tbz2"),
    "tar.xz": tar("w:xz", ".tar.xz"),
    "shards": shards,
    "zip, deflated": zipped(zipfile.ZIP_DEFLATED),
    "zip, stored": zipped(zipfile.ZIP_STORED),
    "zip, bzip2": zipped(zipfile.ZIP_BZIP2),
    "mixed": mixed,
    "list": listed(".txt", lines),
    "list, NUL": listed(".txt", nulls, null=True),
    "list, CSV": listed(".csv", table, column="path"),
    "list, TSV": listed(".tsv", table, column="path"),
    "list, JSON Lines": listed(".jsonl", json_lines, column="path"),
    "list in tar": listed_in_tar,
    "parquet, struct": parquet_file(struct, "image", row_group_size=7),
    "parquet, binary": parquet_file(plain, "jpg", row_group_size=1000),
    "web": web,
    "parquet, small pages": parquet_file(struct, "img", data_page_size=100, row_group_size=11),
}


@pytest.fixture(scope="module")
def images():
    """Thirty images by name, of incompressible pixels, in no order."""
    random_pixels = np.random.default_rng(0)
    found = {}
    for number in range(30):
        height, width = random_pixels.integers(60, 90, 2).tolist()
        shape = (height, width, 3) if number % 5 else (height, width)
        pixels = Image.fromarray(random_pixels.integers(0, 256, shape, dtype=np.uint8))
        content = io.BytesIO()
        pixels.save(content, "PNG" if number % 2 else "BMP")
        found[f"{'ab'[number % 2]}/img{number}.{'png' if number % 3 else 'bmp'}"] = (
            content.getvalue()
        )
    names = list(found)
    random.Random(0).shuffle(names)  # noqa: S311 (an order, not a secret)
    return {name: found[name] for name in names}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 4)
    monkeypatch.setattr(collector, "_FULL", 5)  # less than a stream has
    with serving(tmp_path) as address:
        monkeypatch.setattr(sys.modules[__name__], "ADDRESS", address)
        yield tmp_path


every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_listed_twice_gives_the_same_images_in_the_same_order(here, images, kind):
    built = kind(images)
    first, second = built.listing(), built.listing()
    assert first == second
    assert first.digest() == second.digest()
    assert sorted(first.names) == sorted(map(built.called, images))
    assert first.unreadable == []


@every_kind
def test_numbers_in_names_sort_by_value(here, images, kind):
    built = kind({name: content for name, content in images.items() if "a/" in name})
    names = built.listing().names
    if built.names is None:
        assert names == sorted(names, key=lambda name: int(name[5:].partition(".")[0]))
    else:
        assert set(names) == {built.called(name) for name in images if "a/" in name}


def contents(portion):
    """Run by a worker: a digest of each image."""
    found = []
    for name, opener in portion.opened():
        with opener() as file:
            found.append((name, sha256(file.read()).hexdigest()))
    return found


@every_kind
def test_every_reference_can_be_opened_in_another_process(here, images, kind):
    built = kind(images)
    listing = built.listing()
    portions = [listing.portion(rows) for rows in listing.chunks(images=4, size=10**9)]
    pieces = [part for portion in portions for part in portion.halves() or [portion]]
    results = BACKENDS.load("processes")(contents, pieces, jobs=2)
    found = dict(pair for result in results for pair in result)
    expected = {built.called(name): sha256(content) for name, content in images.items()}
    assert found == {name: digest.hexdigest() for name, digest in expected.items()}


def bytes_read():
    """Return how many bytes this process has read from files, as the kernel counts them."""
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["rchar"])


@every_kind
def test_nothing_is_read_twice_and_nothing_left_out(here, images, kind):
    built = kind(images)
    listing = built.listing()
    chunks = list(listing.chunks(images=4, size=10**9))
    before = bytes_read()
    found = [pair for rows in chunks for pair in contents(listing.portion(rows))]
    read = bytes_read() - before
    assert sorted(name for name, _ in found) == sorted(map(built.called, images))
    total = sum(map(len, images.values()))
    assert 0.9 * total < read < 1.15 * total


@every_kind
def test_an_image_can_be_opened_alone_and_in_any_order(here, images, kind):
    built = kind(images)
    listing = built.listing()
    contents_of = {built.called(name): content for name, content in images.items()}
    rows = [row for row in range(len(listing)) if listing.owners[row] == listing.owners[0]]
    for name, opener in listing.portion(rows[::-1]).opened():
        with opener() as file:
            assert file.read() == contents_of[name]
    with listing.opener(len(listing) // 2)() as file:
        assert file.read() == contents_of[listing.names[len(listing) // 2]]


@every_kind
def test_identities_mean_the_same_from_any_folder(here, images, kind, monkeypatch):
    built = kind(images)
    listing = built.listing()
    identities = [listing.identity(row) for row in range(len(listing))]
    assert len(set(identities)) == len(images)
    homes = (os.path.realpath(here), ADDRESS)
    assert all(identity.startswith(homes) for identity in identities)
    monkeypatch.chdir("/")
    absolute = [source if "://" in source else str(here / source) for source in built.sources]
    if "files_from" in built.options:
        built.options["files_from"] = str(here / built.options["files_from"])
    other = list_files(absolute, Selection(**built.options))
    assert sorted(other.identity(row) for row in range(len(other))) == sorted(identities)


def statistics(spec):
    """Return all of a spec but where it comes from."""
    plain = msgspec.to_builtins(spec)
    return {key: value for key, value in plain.items() if key not in {"dataset", "skipped"}}


@pytest.fixture(scope="module")
def expected(images, tmp_path_factory):
    """The statistics of the images in a folder, and of all but the last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("expected"))
        folder(images)
        whole = normstat.compute("folder", covariance=True)
        last = list(images)[-1]
        Path("folder", last).write_bytes(BROKEN)
        return statistics(whole), statistics(normstat.compute("folder", covariance=True))


@every_kind
@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_statistics_are_those_of_the_same_images_in_a_folder(here, images, expected, kind, backend):
    built = kind(images)
    spec = normstat.compute(
        *built.sources, backend=backend, jobs=2, covariance=True, **built.options
    )
    assert statistics(spec) == expected[0]
    assert spec.skipped == []


@every_kind
def test_a_damaged_image_is_skipped_by_name_and_the_rest_counts(here, images, expected, kind):
    last = list(images)[-1]
    built = kind(images | {last: BROKEN})
    spec = normstat.compute(*built.sources, covariance=True, **built.options)
    assert [each.name for each in spec.skipped] == [built.called(last)]
    assert statistics(spec) == expected[1]


@every_kind
def test_the_spec_still_describes_its_source(here, images, kind):
    built = kind(images)
    spec = normstat.compute(*built.sources, **built.options)
    loaded = msgspec.convert(msgspec.to_builtins(spec), normstat.Spec)
    assert list(check(loaded, *built.sources, deep=True).lines()) == []


@pytest.mark.parametrize("name", ["x", "x.tar", "x.tar.gz", "x.zip", "x.parquet", "{a,b}.tar"])
def test_a_source_that_is_missing_is_told(here, name):
    with pytest.raises(SourceError, match="no such file or folder"):
        list_files([name], Selection())


@pytest.mark.parametrize("limit", [1, 7])
@every_kind
def test_limit_reads_the_first_of_the_listing(here, images, kind, limit):
    built = kind(images)
    spec = normstat.compute(*built.sources, limit=limit, **built.options)
    assert (spec.counts.images, spec.estimator.images_listed) == (limit, len(images))
