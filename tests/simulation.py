"""A fixed population of images, sampled again and again: does the stated error hold?"""

import numpy as np

from normstat.counting import Question, Task, answer, known
from normstat.sampling import FIRST_LOOK, drawn, next_look, widest
from normstat.sources import Selection, list_files
from normstat.spec.model import Estimator
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Facts, Record, summarize
from normstat.statistics.record import packed

_PIXELS = 64


def made(rng, images):
    """Return records of gray images whose light and contrast differ as those of photos do."""
    light, contrast = rng.normal(120, 35, images), rng.gamma(6, 7, images)
    facts = Facts("L", _PIXELS, 1, False, False, False)
    codes = rng.normal(light[:, None], contrast[:, None], (images, _PIXELS)).clip(0, 255)
    return [
        Record("gray8", facts, packed(np.bincount(each, minlength=256).tolist()))
        for each in codes.astype(np.uint8)
    ]


def records_of(folder, limit):
    """Return the records of the first images in a folder."""
    listing = list_files([folder], Selection())
    question = Question(Pipeline(), keep_records=True)
    found = answer(Task(question, listing.portion(range(min(limit, len(listing))))))
    return [record for _, record in found.records]


class Population:
    """Images of which every number is known."""

    def __init__(self, records):
        self.names = [f"{index}.png" for index in range(len(records))]
        self._records = records

    def summary(self, places, coverage="census"):
        state = known((self._records[place] for place in places), Question(Pipeline()))
        estimator = Estimator(coverage=coverage, images_listed=len(self.names))
        return summarize(state, estimator)

    def sampled(self, tolerance, seed):
        """Return the summary with which a run would stop, and how many images it has read."""
        order, total = drawn(self.names, seed=seed, stratify=False), len(self.names)
        read = FIRST_LOOK
        while True:
            found = self.summary(order[:read], "sample")
            if read == total or widest(found) <= tolerance:
                return found, read
            read = next_look(read, widest(found), tolerance, total)


def covered(population, *, tolerance, seeds):
    """Return whether each number lay within its stated half-width.

    Returns
    -------
    bool array of shape (seeds, 2, channels)
        For mean and std.
    images
        How many were read, on average.
    """
    truth = population.summary(range(len(population.names)))
    held, reads = [], []
    for seed in seeds:
        found, read = population.sampled(tolerance, seed)
        reads.append(read)
        held.append(
            [
                np.abs(np.subtract(found.mean, truth.mean)) <= found.confidence.mean,
                np.abs(np.subtract(found.std, truth.std)) <= found.confidence.std,
            ]
        )
    return np.array(held), float(np.mean(reads))
