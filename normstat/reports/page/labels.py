"""Where the numbers of a plane's marks are written, so that each is read as that of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

APART = 11.0  # between the middles of two labels, in points of print
CLEAR = 8.5  # from the middle of a label to that of any point
NEARER = 0.75  # of the distance to a foreign point: a label that is this near needs no leader
_FREE = 12.0  # from its point, a label needs no leader
_DISTANCES = (9.5, 11.5, 14, 18, 23, 29, 36, 45)
_ANGLES = np.arange(16) * np.pi / 8
_MARGIN = 6.0
_TOUCHES = 1000.0
_LEADER = 25.0
_CROSSES = 60.0
_ON_LINE = 4.0


@dataclass(frozen=True)
class Label:
    """Where a label is, the point that it stands beside, and whether a line has to join them."""

    place: tuple[float, float]
    anchor: tuple[float, float]
    led: bool


def labels(marks: Sequence[Points], size: tuple[float, float]) -> list[Label]:
    """Place a label for each mark beside one of its points.

    Parameters
    ----------
    marks
        Points of each mark, of shape (n, 2), in points of print.
    size
        Width and height of the plane, whose origin is at (0, 0).

    Returns
    -------
    list of Label
        None is on a point or on another label where there is room; one that is not clearly
        nearest to a point of its own is joined to it.

    Examples
    --------
    >>> both = labels([np.array([[50.0, 50.0]]), np.array([[60.0, 50.0]])], (100, 100))
    >>> [(each.place, each.led) for each in both]
    [((50.0, 59.5), False), ((69.5, 50.0), False)]
    """
    everything = np.concatenate(list(marks))
    owners = np.repeat(np.arange(len(marks)), [len(points) for points in marks])
    starts = np.concatenate([points[:-1] for points in marks])
    ends = np.concatenate([points[1:] for points in marks])
    found: list[Label] = []
    for number, points in enumerate(marks):
        anchors, places, distances = _candidates(points)
        foreign = everything[owners != number]
        near_own = _distances(places, points).min(axis=1)
        near_foreign = _distances(places, foreign).min(axis=1, initial=np.inf)
        others = np.array([each.place for each in found]).reshape(-1, 2)
        near_label = _distances(places, others).min(axis=1, initial=np.inf)
        led = (near_own > NEARER * near_foreign) | (distances > _FREE)
        outside = ((places < _MARGIN) | (places > np.array(size) - _MARGIN)).any(axis=1)
        cost = distances + _LEADER * led + _TOUCHES * outside
        cost += _TOUCHES * np.maximum(0, CLEAR - np.minimum(near_own, near_foreign))
        cost += _TOUCHES * np.maximum(0, APART - near_label)
        cost += _ON_LINE * (_to_segments(places, starts, ends).min(axis=1, initial=np.inf) < 5)  # noqa: PLR2004
        crossed = _to_segments(np.concatenate([foreign, others]), anchors, places)
        cost += _CROSSES * (crossed < 5).sum(axis=0) * led  # noqa: PLR2004
        best = int(np.argmin(cost))
        found.append(Label(_pair(places[best]), _pair(anchors[best]), bool(led[best])))
    return found


def _candidates(points: Points) -> tuple[Points, Points, npt.NDArray[np.float64]]:
    """Return anchors, places around them and the distances between, the rightmost points first."""
    order = points[np.lexsort((-points[:, 1], -points[:, 0]))]
    around = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1).round(9)
    steps = np.concatenate([distance * around for distance in _DISTANCES])
    places = (order[:, None] + steps).reshape(-1, 2)
    distances = np.tile(np.repeat(_DISTANCES, len(_ANGLES)), len(order))
    return np.repeat(order, len(steps), axis=0), places, distances


def _distances(places: Points, points: Points) -> Points:
    """Return the distance of every place to every point."""
    gaps: Points = np.linalg.norm(places[:, None] - points[None], axis=2)
    return gaps


def _to_segments(places: Points, starts: Points, ends: Points) -> Points:
    """Return the distance of every place to every segment."""
    along = ends - starts
    squares = np.maximum((along**2).sum(axis=1), 1e-12)
    parts = ((places[:, None] - starts) * along).sum(axis=2) / squares
    nearest = starts + parts.clip(0, 1)[..., None] * along
    gaps: Points = np.linalg.norm(places[:, None] - nearest, axis=2)
    return gaps


def _pair(place: Points) -> tuple[float, float]:
    return float(place[0]), float(place[1])
