import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from normstat.counting import Question, Task, _limited, answer, known, lost
from normstat.errors import ImageError, NormstatError, WorkerLostError
from normstat.sources import Selection, list_files
from normstat.spec.pipeline import Pipeline
from normstat.statistics import State

QUESTIONS = {
    "plain": Question(Pipeline()),
    "ddof 1": Question(Pipeline(), ddof=1),
    "covariance": Question(Pipeline(), covariance=True),
    "masked": Question(Pipeline(alpha="mask"), covariance=True),
    "small": Question(Pipeline(mode="l", resize=16, crop=8)),
}


@pytest.fixture(scope="module")
def listing(samples):
    return list_files([samples / "photos", samples / "odd"], Selection())


def asked(question, listing, rows):
    return answer(Task(replace(question, keep_records=True), listing.portion(rows)))


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_what_is_kept_of_each_image_adds_up_to_the_state(listing, question):
    found = asked(question, listing, range(len(listing)))
    assert len(found.records) == found.state.images == len(listing) - len(found.skipped)
    records = [record for _, record in found.records]
    assert known(records, question).to_text() == found.state.to_text()
    assert known(reversed(records), question).to_text() == found.state.to_text()
    parts = State()
    for record in records:
        parts = parts.merged(known([record], question))
    assert parts.to_text() == found.state.to_text()


def test_records_with_differences_serve_a_question_without(listing):
    whole = asked(QUESTIONS["covariance"], listing, range(len(listing)))
    plain = asked(QUESTIONS["plain"], listing, range(len(listing)))
    records = [record for _, record in whole.records]
    assert known(records, QUESTIONS["plain"]).to_text() == plain.state.to_text()


def test_names_and_sizes_are_those_of_the_portion(listing):
    found = asked(QUESTIONS["plain"], listing, range(5, 9))
    assert (found.images, found.size) == (4, sum(listing.sizes[5:9]))
    names = [name for name, _ in found.records] + [name for name, _ in found.skipped]
    assert sorted(names) == sorted(listing.names[5:9])


def test_records_are_kept_only_when_asked_for(listing):
    assert answer(Task(QUESTIONS["plain"], listing.portion(range(3)))).records == []


def test_another_decoder_is_refused(listing):
    question = Question(Pipeline(), software={"normstat": "0", "pillow": "1.1.7"})
    with pytest.raises(NormstatError, match=r"pillow 1\.1\.7; install the same on both"):
        answer(Task(question, listing.portion(range(1))))


@pytest.mark.parametrize(("images", "parts"), [(1, 0), (2, 2), (3, 3), (7, 7), (8, 8), (30, 8)])
def test_parts_share_the_images_between_them(listing, images, parts):
    found = Task(QUESTIONS["plain"], listing.portion(range(images))).parts()
    assert len(found) == parts
    names = [name for part in found for name in part.portion.names]
    assert names == (listing.names[:images] if parts else [])


@pytest.mark.parametrize(("timeout", "words"), [(None, "SIGSEGV"), (2.5, "longer than 2.5 s")])
def test_a_lost_image_is_named_with_the_reason(listing, timeout, words):
    task = Task(Question(Pipeline(), timeout=timeout), listing.portion(range(3, 4)))
    found = lost(task, WorkerLostError("SIGSEGV"))
    [(name, reason)] = found.skipped
    assert (name, found.images, found.size) == (listing.names[3], 1, listing.sizes[3])
    assert words in reason
    assert found.state.images == 0


# --- the limit of time ---


def test_an_image_that_takes_too_long_is_left_out(tmp_path, monkeypatch):
    for name in "abc":
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / f"{name}.png")
    listing = list_files([tmp_path], Selection())
    real = Image.open

    def slow(file, *args, **kwargs):
        if "b" in opened:
            opened.remove("b")
            time.sleep(60)
        return real(file, *args, **kwargs)

    opened = ["b"]
    monkeypatch.setattr(Image, "open", slow)
    found = answer(Task(Question(Pipeline(), timeout=0.2), listing.portion(range(3))))
    assert found.skipped == [("a.png", "took longer than 0.2 s (--timeout)")]
    assert found.state.images == 2


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_the_limit_is_left_behind(fails):
    def mine(*_):
        pass

    before = signal.signal(signal.SIGALRM, mine)
    try:
        try:
            with _limited(0.05):
                if fails:
                    raise ImageError("damaged")
        except ImageError:
            assert fails
        time.sleep(0.15)  # an alarm that was left would end this with an ImageError
        assert signal.getsignal(signal.SIGALRM) is mine
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_is_fast_enough_is_counted_as_without_limit(listing):
    rows = range(len(listing))
    limited = replace(QUESTIONS["plain"], timeout=60)
    assert asked(limited, listing, rows) == asked(QUESTIONS["plain"], listing, rows)
