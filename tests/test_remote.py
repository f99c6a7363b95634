"""Images that have a URL, from a real object server, web server and memory, through connections
that are slow, break, or lie."""

import io
import os
import shutil
import signal
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import boto3
import fsspec
import msgspec
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

import normstat
from normstat.errors import SourceError, UsageError
from normstat.sources import Selection, list_files, persistence
from normstat.sources.ahead import CALLS, read_ahead
from normstat.sources.remote import remote_storage
from normstat.sources.storage import Range
from normstat.spec.files import dumps
from normstat.validation import stale
from tests.servers import Proxy, serving

KEY, SECRET = "AKIAEXAMPLE", "not-to-be-told"


class Store(NamedTuple):
    """An object server that holds `folder` in the bucket `bucket`."""

    address: str
    folder: Path

    def options(self, address=None):
        return {"key": KEY, "secret": SECRET, "endpoint_url": address or self.address}

    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    @property
    def env(self):
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


@pytest.fixture(scope="session")
def store(tmp_path_factory, samples):
    folder = tmp_path_factory.mktemp("store")
    shutil.copytree(samples / "photos", folder / "photos")
    shutil.copytree(samples / "odd", folder / "odd")
    for path in folder.rglob("*\n*"):
        path.unlink()  # moto, not S3, cannot take such a key
    (folder / "odd/.hidden.png").write_bytes((folder / "odd/rgba.png").read_bytes())
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = Store(f"http://{host}:{port}", folder)
    client = made.client()
    client.create_bucket(Bucket="bucket")
    for path in folder.rglob("*"):
        if path.is_file():
            key = str(path.relative_to(folder))
            client.put_object(Bucket="bucket", Key=key, Body=path.read_bytes())
    client.put_object(Bucket="bucket", Key="photos/", Body=b"")  # as consoles mark a folder
    yield made
    server.stop()


@pytest.fixture
def web(store):
    with serving(store.folder) as address:
        yield address


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch, tmp_path):
    """Without an account of whoever runs the tests, and without looking for a cloud around."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(persistence, "PAUSE", 0.01)


@pytest.fixture
def proxy(store):
    made = Proxy(store.address)
    with made.running() as address:
        yield made, store.options(address)


def text_of(spec):
    """Return a spec as its bytes are, but for where it is from."""
    dataset = msgspec.structs.replace(spec.dataset, roots=[])
    return dumps(msgspec.structs.replace(spec, dataset=dataset))


# --- the same numbers from everywhere ---


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
@pytest.mark.parametrize("name", ["photos", "odd"])
def test_a_prefix_gives_the_bytes_that_the_folder_gives(store, name, backend):
    far = normstat.compute(
        f"s3://bucket/{name}", backend=backend, jobs=2, storage_options=store.options()
    )
    near = normstat.compute(store.folder / name)
    assert text_of(far) == text_of(near)
    assert far.dataset.roots == [f"s3://bucket/{name}"]


def test_the_command_does_so_in_silence(store, run):
    far = run("compute", "s3://bucket/photos", "-o", "far.json", env=store.env)
    near = run("compute", store.folder / "photos", "-o", "near.json")
    assert (far.code, far.err) == (0, "wrote far.json\n")
    assert near.code == 0
    specs = [normstat.load(run.folder / f"{name}.json") for name in ("far", "near")]
    assert text_of(specs[0]) == text_of(specs[1])


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_a_web_folder_gives_the_bytes_that_the_folder_gives(store, web, backend):
    far = normstat.compute(f"{web}/odd/", backend=backend, jobs=2)
    assert text_of(far) == text_of(normstat.compute(store.folder / "odd"))


@pytest.fixture
def memory(store):
    system = fsspec.filesystem("memory")
    for path in (store.folder / "photos").rglob("*.jpg"):
        system.pipe_file(f"/photos/{path.relative_to(store.folder / 'photos')}", path.read_bytes())
    yield "memory://photos"
    system.rm("/photos", recursive=True)


@pytest.mark.parametrize("backend", ["auto", "serial", "threads"])
def test_memory_is_read_in_this_process(store, memory, backend):
    far = normstat.compute(memory, backend=backend, jobs=2)
    assert text_of(far) == text_of(normstat.compute(store.folder / "photos"))


def test_memory_is_out_of_reach_of_other_processes(memory):
    with pytest.raises(UsageError, match=r"backend processes .* use threads or serial"):
        normstat.compute(memory, backend="processes")


@pytest.fixture
def zipped(store):
    """The odd images in a zip on the object server."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((store.folder / "odd").iterdir()):
            archive.write(path, f"in/{path.name}")
    store.client().put_object(Bucket="bucket", Key="odd.zip", Body=content.getvalue())
    return content.getvalue()


@pytest.mark.parametrize("url", ["zip://in::s3://bucket/odd.zip", "simplecache::s3://bucket/odd"])
def test_chained_urls_are_followed(store, zipped, url):
    far = normstat.compute(url, jobs=2, backend="threads", storage_options={"s3": store.options()})
    assert text_of(far) == text_of(normstat.compute(store.folder / "odd"))
    assert far.dataset.roots == [url]


def test_apply_writes_the_values_that_it_writes_for_the_folder(store, run):
    numbers = ("--preset", "imagenet", "-o")
    assert run("apply", "s3://bucket/photos", *numbers, "far", env=store.env).code == 0
    assert run("apply", store.folder / "photos", *numbers, "near").code == 0
    near = sorted((run.folder / "near").rglob("*.npy"))
    assert len(near) == 30
    for path in near:
        far = run.folder / "far" / path.relative_to(run.folder / "near")
        assert far.read_bytes() == path.read_bytes()


def test_a_spec_of_the_folder_describes_its_copy(store, web):
    spec = normstat.compute(store.folder / "odd")
    assert not stale(spec, "s3://bucket/odd", storage_options=store.options())
    assert not stale(spec, f"{web}/odd/")
    assert stale(spec, "s3://bucket/photos", storage_options=store.options())


def test_validate_measures_a_store_again(store, run):
    assert run("compute", store.folder / "photos").code == 0
    ran = run("validate", "normstat.json", "s3://bucket/photos", "--deep", env=store.env)
    assert (ran.code, ran.err) == (0, "")


# --- which files are found, with the listing of the folder as reference ---

SELECTIONS = {
    "all": {},
    "hidden": {"hidden": True},
    "include": {"include": ("forest", "rgba.png")},
    "exclude": {"exclude": ("*-0?.jpg", "odd")},
    "extensions": {"extensions": ("TIF", "gif")},
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("kind", ["s3", "web"])
def test_the_listing_is_that_of_the_folder(store, web, kind, selection):
    near = list_files([store.folder], Selection(**selection))
    options = store.options() if kind == "s3" else {}
    root = "s3://bucket" if kind == "s3" else f"{web}/"
    selected = (
        Selection(**selection, exclude=("odd.zip",))
        if False
        else Selection(**selection, storage_options=options)
    )
    far = list_files([root], selected)
    assert (far.names, far.sizes, far.digest()) == (near.names, near.sizes, near.digest())
    assert far.unreadable == near.unreadable == []


COAST = "s3://bucket/photos/coast"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ((COAST,), ["coast-01.jpg", "coast-02.jpg"]),
        ((f"{COAST}/",), ["coast-01.jpg", "coast-02.jpg"]),
        ((f"{COAST}/coast-02.jpg",), [f"{COAST}/coast-02.jpg"]),
        ((f"{COAST}/*-0[23].jpg",), ["coast-02.jpg", "coast-03.jpg"]),
        (("s3://bucket/photos/*/*-02.jpg",), ["coast/coast-02.jpg", "forest/forest-02.jpg"]),
        (("s3://bucket/photos/n*",), ["night/night-01.jpg", "night/night-02.jpg"]),
        (("s3://bucket/**/c*-02.jpg",), ["photos/coast/coast-02.jpg"]),
        ((f"{COAST}/coast-02.jpg", COAST), [f"{COAST}/coast-01.jpg", f"{COAST}/coast-02.jpg"]),
        ((COAST, f"{COAST}/"), [f"{COAST}/coast-01.jpg", f"{COAST}/coast-02.jpg"]),
        (("s3://bucket/photos", COAST), [f"{COAST}/coast-01.jpg", f"{COAST}/coast-02.jpg"]),
    ],
)
def test_names_start_where_one_source_ends(store, sources, expected):
    selection = Selection(storage_options=store.options())
    for order in (sources, sources[::-1]):
        names = list_files(order, selection).names
        assert names[: len(expected)] == expected
        assert len(set(names)) == len(names)


def test_urls_and_folders_mix(store):
    selection = Selection(storage_options=store.options())
    listing = list_files([COAST, store.folder / "photos/night"], selection)
    assert len(listing) == 20
    assert listing.names[-1] == f"{COAST}/coast-10.jpg"
    assert listing.names[0] == f"{store.folder}/photos/night/night-01.jpg"
    spec = normstat.compute(
        COAST, store.folder / "photos/night", storage_options=store.options(), jobs=2
    )
    assert spec.counts.images == 20


def test_names_of_the_web_are_what_they_stand_for(tmp_path):
    names = [
        "a b.png",
        "100%.png",
        "a%20b.png",
        "q?x#y.png",
        "Zürich-雪.png",
        "+&;=.png",
        "a:b.png",
    ]
    names += ["two\nlines.png", "d e/f.png"]
    (tmp_path / "d e").mkdir()
    for number, name in enumerate(names):
        Image.new("L", (1, 1), number).save(tmp_path / name, "PNG")
    with serving(tmp_path) as address:
        far = normstat.compute(f"{address}/")
        single = normstat.compute(f"{address}/a%20b.png")
    assert text_of(far) == text_of(normstat.compute(tmp_path))
    assert far.counts.images == len(names)
    assert (single.min, single.dataset.contents[0].name) == ([0], f"{address}/a b.png")


def test_a_file_that_is_overwritten_has_another_version(store):
    client, selection = store.client(), Selection(storage_options=store.options())

    def listed(body):
        client.put_object(Bucket="bucket", Key="versions/1.png", Body=body)
        return list_files(["s3://bucket/versions"], selection).versions[0]

    first = listed(b"a")
    assert first == list_files(["s3://bucket/versions"], selection).versions[0]
    assert first != listed(b"b")


# --- connections that break ---

FAULTS = [500, 503, 429, 408, "reset", "short"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_in_passing_is_tried_again(store, proxy, hasty, fault):
    served, options = proxy
    served.fault = lambda path, before: fault if before < 2 else None
    spec = normstat.compute("s3://bucket/photos", storage_options=options, jobs=2)
    assert text_of(spec) == text_of(normstat.compute(store.folder / "photos"))
    images = [path for path in served.asked if path.endswith(".jpg")]
    assert len(images) == 3 * 30 or fault == "reset"
    assert len(set(images)) == 30


@pytest.mark.parametrize("fault", FAULTS)
def test_the_web_is_tried_again_too(store, web, hasty, fault):
    served = Proxy(web)
    served.fault = lambda path, before: fault if before % 3 else None
    with served.running() as address:
        spec = normstat.compute(f"{address}/odd/", jobs=2, backend="threads")
    assert text_of(spec) == text_of(normstat.compute(store.folder / "odd"))


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_store_that_hangs_is_asked_again(store, proxy, backend):
    served, options = proxy
    served.fault = lambda path, before: "hang" if "01.jpg" in path and not before else None
    options["config_kwargs"] = {"read_timeout": 0.5}
    spec = normstat.compute("s3://bucket/photos", storage_options=options, jobs=2, backend=backend)
    assert text_of(spec) == text_of(normstat.compute(store.folder / "photos"))


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        (500, "not read: HTTP 500 Internal Server Error, 5 times", 5),
        ("short", "not read: Not enough data", 5),
        ("reset", "not read: ", 5),
        (403, "not read: HTTP 403 Forbidden", 1),
        (400, "not read: HTTP 400 Bad Request", 1),
        (404, "vanished before it was read", 1),
    ],
)
def test_what_fails_for_good_is_named_and_the_rest_counts(proxy, hasty, fault, reason, tries):
    served, options = proxy
    served.fault = lambda path, before: fault if "/coast-07" in path else None
    spec = normstat.compute("s3://bucket/photos", storage_options=options, jobs=2)
    assert [each.name for each in spec.skipped] == ["coast/coast-07.jpg"]
    assert spec.skipped[0].reason.startswith(reason)
    # aiohttp asks once more by itself when a connection that it kept is gone.
    asked = sum("/coast-07" in path for path in served.asked)
    assert tries <= asked <= (2 * tries if fault == "reset" else tries)
    assert spec.counts.images == 29


def test_a_run_ends_when_the_store_is_gone(proxy, hasty, monkeypatch):
    served, options = proxy
    monkeypatch.setattr(persistence, "SILENCE", 0.0)
    served.fault = lambda path, before: 503 if path.endswith(".jpg") else None
    with pytest.raises(SourceError, match=r"s3://bucket/photos: no answer for .* nothing was wr"):
        normstat.compute("s3://bucket/photos", storage_options=options, jobs=2)


def test_a_folder_that_cannot_be_listed_is_named(store, web, hasty):
    served = Proxy(web)
    served.fault = lambda path, before: 500 if path.startswith("/photos/forest/") else None
    with served.running() as address:
        spec = normstat.compute(f"{address}/photos/")
    assert [(each.name, each.reason) for each in spec.skipped] == [
        ("forest/", "folder not read: HTTP 500 Internal Server Error, 5 times")
    ]
    assert spec.counts.images == 20


# --- reading ahead ---


def test_many_reads_are_under_way_at_once(proxy):
    served, options = proxy
    served.latency = 0.2
    spec = normstat.compute("s3://bucket/photos", storage_options=options, backend="serial")
    assert spec.counts.images == 30
    assert CALLS // 2 < served.most_at_once <= CALLS


def test_no_more_is_ahead_than_fits_into_memory():
    started = []
    waits = read_ahead(
        (lambda number=number: started.append(number), 40_000_000) for number in range(9)
    )
    for number, wait in enumerate(waits):
        wait()
        assert len(started) <= number + 2
    assert sorted(started) == list(range(9))


def test_results_come_in_order_and_errors_in_their_turn():
    def call(number):
        time.sleep(0.02 * (number % 3))
        if number == 4:
            raise OSError("the fourth")
        return number

    found = []
    for wait in read_ahead((lambda number=number: call(number), 1) for number in range(40)):
        try:
            found.append(wait())
        except OSError as error:
            found.append(str(error))
    assert found == [*range(4), "the fourth", *range(5, 40)]


# --- places that cannot be listed ---

REFUSALS = {
    "no bucket": ("s3://nobucket/x", ("s3://nobucket/x: no such file or folder", "bucket")),
    "no prefix": ("s3://bucket/nothing", ("s3://bucket/nothing: no such file or folder",)),
    "no match": ("s3://nobucket/*.png", ("s3://nobucket: no such file or folder",)),
    "empty match": ("s3://bucket/photos/x*", ("s3://bucket/photos/x*: no image found",)),
    "no archive": ("zip://x::s3://bucket/none.zip", ("zip://x::s3://bucket/none.zip: no such",)),
    "no protocol": ("s4://bucket/x", ("unknown protocol 's4'",)),
    "no extra": ("gs://bucket/x", ("gs://bucket/x", "gcsfs")),
}


@pytest.mark.parametrize(("url", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_place_that_is_not_there_is_told_in_a_line(store, run, url, words):
    ran = run("compute", url, env=store.env)
    assert (ran.code, ran.out) == (2 if url.startswith("s4") else 3, ""), ran.err
    assert [word for word in words if word not in ran.err] == []
    assert ran.err.startswith("Error: ")
    assert len(ran.err.splitlines()) == (2 if url.startswith("s4") else 1)


def test_missing_credentials_are_told_in_a_line(store, run):
    ran = run("compute", "s3://bucket/photos", env={"AWS_ENDPOINT_URL": store.address, **QUIET})
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1)
    assert "credentials" in ran.err
    assert "--storage-options; '{\"anon\": true}'" in ran.err


QUIET = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.parametrize("url", ["s3://bucket/x", "http://127.0.0.1:9/x/"])
def test_an_unreachable_host_is_told_in_a_line(store, run, url):
    ran = run("compute", url, env={**store.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1), ran.err
    assert f"{url}: " in ran.err
    assert "127.0.0.1:9" in ran.err


def test_the_extra_has_its_install_line(run):
    without = "import sys; sys.modules['fsspec'] = None; from normstat.cli import main; main()"
    ran = run(before=(sys.executable, "-c", without, "compute", "s3://bucket/x", "--"))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        "Error: source 'remote' needs 'fsspec', which is not installed: "
        "pip install 'normstat[remote]'\n"
    )


@pytest.mark.parametrize("value", ["anon", "[1]", '{"secret": "hush"'])
def test_storage_options_that_are_no_object_are_wrong_usage(run, value):
    ran = run("compute", "s3://bucket/x", "--storage-options", value)
    assert (ran.code, "must be a JSON object" in ran.err, "hush" in ran.err) == (2, True, False)


def test_storage_options_that_the_store_does_not_know_are_wrong_usage(run):
    ran = run("compute", "http://127.0.0.1:9/", "--storage-options", '{"client_kwargs": {"x": 1}}')
    assert (ran.code, len(ran.err.splitlines())) in {(2, 2), (3, 1)}
    assert "Traceback" not in ran.err


# --- secrets ---


def test_secrets_are_not_in_the_spec_nor_in_messages(store, web, run, hasty):
    host = web.removeprefix("http://")
    urls = [
        f"http://me:{SECRET}@{host}/odd/",
        f"http://me:{SECRET}@{host}/odd/rgba.png",
        f"{web}/odd/rgba.png?X-Amz-Signature={SECRET}",
    ]
    for url in urls:
        spec = normstat.compute(url)
        assert spec.counts.images >= 1
        assert SECRET not in dumps(spec)
        with pytest.raises(SourceError) as caught:
            normstat.compute(url.replace("odd", "nowhere"))
        assert SECRET not in str(caught.value)
    every = {"s3": store.options(), "http": {"headers": {"X-Key": SECRET}}}
    spec = normstat.compute("s3://bucket/odd", urls[0], storage_options=every)
    assert SECRET not in dumps(spec)
    assert KEY not in dumps(spec)
    listing = list_files(["s3://bucket/odd", urls[0]], Selection(storage_options=every))
    assert SECRET not in repr(listing)
    assert KEY not in repr(listing)


def test_images_that_only_a_query_tells_apart_are_refused(web):
    with pytest.raises(UsageError, match=r"/odd/rgba\.png: is named with several queries"):
        normstat.compute(f"{web}/odd/rgba.png?id=1", f"{web}/odd/rgba.png?id=2")


# --- stopped ---


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_interrupt_does_not_wait_for_a_store_that_hangs(store, run, backend):
    served = Proxy(store.address)
    served.fault = lambda path, before: "hang" if path.endswith(".jpg") else None
    with served.running() as address:
        env = {**run.env, **store.env, "AWS_ENDPOINT_URL": address}
        command = type(run)(run.folder, env)
        process = command.start(
            "compute", "s3://bucket/photos", COAST.replace("coast", "night"), "--backend", backend
        )
        deadline = time.monotonic() + 20
        while not any(path.endswith(".jpg") for path in served.asked):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("Error: interrupted after 0 of 30 images; nothing was written")
    assert len(err.splitlines()) == 1
    assert time.monotonic() - start < 2


# --- as the place of an archive ---


@pytest.fixture(params=["s3", "web"])
def archive(request, store, zipped, web):
    """The URL of the zip with the storage to reach it."""
    (store.folder / "odd.zip").write_bytes(zipped)
    if request.param == "s3":
        yield "s3://bucket/odd.zip", remote_storage("s3://bucket", store.options()), zipped
    else:  # a server that gives no less than a whole file
        yield f"{web}/odd.zip", remote_storage(web, {}), zipped
    (store.folder / "odd.zip").unlink()
    store.client().delete_object(Bucket="bucket", Key="odd.zip")


def test_ranges_are_those_of_the_file(archive):
    url, storage, content = archive
    size = len(content)
    ranges = [(0, None), (0, 1), (5, 10), (size - 3, 3), (size - 3, 9), (100, None), (7, 0)]
    found = [read() for read in storage.readers(Range(url, *each) for each in ranges)]
    assert found == [content[a : None if n is None else a + n] for a, n in ranges]


def test_an_archive_can_be_opened(archive, store):
    url, storage, content = archive
    assert storage.status(url).size == len(content)
    with storage.open(url) as file, zipfile.ZipFile(file) as opened:
        assert opened.read("in/rgba.png") == (store.folder / "odd/rgba.png").read_bytes()
    with storage.open(url) as file:
        assert file.read() == content
        file.seek(-3, io.SEEK_END)
        assert file.read(10) == content[-3:]


def test_what_is_no_file_is_said_by_the_error(store):
    storage = remote_storage("s3://bucket", store.options())
    with pytest.raises(IsADirectoryError):
        storage.status("s3://bucket/photos")
    with pytest.raises(FileNotFoundError):
        storage.status("s3://bucket/nothing.zip")
    [read] = storage.readers([Range("s3://bucket/nothing.zip")])
    with pytest.raises(FileNotFoundError):
        read()
