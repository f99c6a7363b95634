"""Numbers are told for what they are, however they were rounded, scaled, turned round or mistyped."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import normstat
from normstat.errors import UsageError
from normstat.identification import Known, parse_numbers
from normstat.identification.agreement import EQUAL, is_distinct
from normstat.presets import load_catalogue

SPECS = [each.spec() for each in load_catalogue()]
KNOWN = Known(SPECS)
IN_0_1 = [each for each in SPECS if each.full_scale == 1 and each.channels == [*"RGB"]]
# Those that somebody measured: three numbers and three.
MEASURED = [
    each for each in IN_0_1 if is_distinct(tuple(each.mean)) and is_distinct(tuple(each.std))
]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
preset = st.sampled_from(IN_0_1)
measured = st.sampled_from(MEASURED)


def kinds(mean, std):
    return {reading.kind for reading in KNOWN.identify(tuple(mean), tuple(std)).readings}


def names(found):
    return {name for reading in found.readings for name in reading.presets}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.preset.name)
def test_every_preset_is_found_as_it_is_written(spec):
    found = KNOWN.identify(spec.mean, spec.std)
    assert found.equal
    assert spec.preset.name in names(found)


@settings(deadline=None)
@given(preset, st.sampled_from([1, 255]), st.sampled_from([1, -1]))
def test_range_and_order_are_told(spec, factor, step):
    found = KNOWN.identify(
        np.multiply(spec.mean, factor)[::step], np.multiply(spec.std, factor)[::step]
    )
    assert found.equal
    mine = [each for each in found.readings if spec.preset.name in each.presets]
    ranges = {(each.range, each.order) for each in mine}
    gray = len(set(spec.mean)) == len(set(spec.std)) == 1
    assert (f"0-{factor}", "RGB" if gray else "RGB"[::step]) in ranges


@settings(deadline=None)
@given(measured, st.lists(st.floats(-0.9, 0.9), min_size=6, max_size=6))
def test_equal_is_within_a_millionth_of_the_range(spec, noise):
    moved = np.add([*spec.mean, *spec.std], np.multiply(noise, EQUAL))
    assert spec.preset.name in names(KNOWN.identify(tuple(moved[:3]), tuple(moved[3:])))


@settings(deadline=None)
@given(measured, st.sampled_from([3, 4, 5]))
def test_rounded_to_some_digits_is_a_rounding(spec, digits):
    mean, std = np.round(spec.mean, digits), np.round(spec.std, digits)
    assert kinds(mean, std) <= {"equal", "rounded"}
    assert kinds(mean, std)


@settings(deadline=None)
@given(measured)
def test_more_digits_of_the_same_measurement_are_a_rounding(spec):
    digits = max(len(f"{value}") - 2 for value in spec.mean + spec.std)
    assume(digits <= 5)
    step = 0.4 * 10.0**-digits
    assert kinds(np.add(spec.mean, step), np.subtract(spec.std, step)) == {"rounded"}


# The slip, done to a preset, and what it is called.
SLIPS = [
    ("order", lambda mean, std: (mean, std[::-1])),
    ("range", lambda mean, std: (mean * 255, std)),
    ("range", lambda mean, std: (mean, std * 255)),
    ("reciprocal", lambda mean, std: (mean, 1 / std)),
    ("reciprocal", lambda mean, std: (mean * 255, 1 / (std * 255))),
    ("variance", lambda mean, std: (mean, std**2)),
    ("inverse", lambda mean, std: (-mean / std, 1 / std)),
    ("inverse", lambda mean, std: (mean * 0, 1 / std)),
    ("inverse", lambda mean, std: (-mean, std * 0 + 1)),
    ("centred", lambda mean, std: (mean, std * 0 + 1)),
]


@pytest.mark.parametrize(("kind", "slip"), SLIPS)
@settings(max_examples=40, deadline=None)
@given(spec=measured)
def test_slip_done_to_any_preset_is_named(spec, kind, slip):
    # Its std is the root of ImageNet's, so that its variance is a published std.
    assume(spec.preset.name != "keras-efficientnet")
    if kind == "order":
        assume(len({round(value, 3) for value in spec.std}) == 3)
    mean, std = slip(np.array(spec.mean), np.array(spec.std))
    found = KNOWN.identify(tuple(mean), tuple(std))
    assert [reading.kind for reading in found.readings] == [kind]
    # Presets may share their mean or their std; one of the two is this one's.
    told = [
        np.sort(part) / {"0-1": 1, "0-255": 255}[found.best.range]
        for part in (found.best.mean, found.best.std)
    ]
    assert any(
        np.allclose(ours, np.sort(theirs), atol=2e-3)
        for ours, theirs in zip(told, (spec.mean, spec.std), strict=True)
    )


@pytest.mark.parametrize(
    ("mean", "std", "kind", "text"),
    [
        (*IMAGENET, "equal", "imagenet in 0–1, RGB"),
        ((0.406, 0.456, 0.485), (0.225, 0.224, 0.229), "equal", "imagenet in 0–1, BGR"),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "equal", "imagenet-255 in 0–255, RGB"),
        ((123.67, 116.28, 103.53), (58.39, 57.12, 57.37), "rounded", "imagenet-255 in 0–255"),
        ((124, 116, 104), (58, 57, 57), "rounded", "imagenet-255 in 0–255"),
        ((125.3 / 255, 123 / 255, 113.9 / 255), (63 / 255, 62.1 / 255, 66.7 / 255), "rounded", "cifar10 in"),
        (IMAGENET[0], (0.299, 0.224, 0.225), "digit", "std 0.299 is one digit off: imagenet has 0.229"),
        ((0.485, 0.465, 0.406), IMAGENET[1], "digit", "mean 0.465 is one digit off: imagenet has 0.456"),
        ((0.1307,), (0.3018,), "digit", "std 0.3018 is one digit off: mnist has 0.3081"),
        (IMAGENET[0], (0.229, 0.224, 0.371), "number", "std 0.371 is the only number"),
        (IMAGENET[0], (0.26862954, 0.26130258, 0.27577711), "mixture", "mean is imagenet's, std is clip's"),
    ],
)  # fmt: skip
def test_classic_numbers_are_told_in_words(mean, std, kind, text):
    best = KNOWN.identify(mean, std).best
    assert best.kind == kind
    assert text in best.text


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.31, 0.32, 0.33), (0.21, 0.22, 0.23)),
        ((0.5, 0.4, 0.3), (1, 1, 1)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 2, 3), (4, 5, 6)),
        ((float("nan"), 1, 1), (1, 1, 1)),
        ((1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
        ((0.5, 0.5, 0.5), (0.5, 0.5)),
        ((7.0,), (3.0,)),
    ],
)
def test_numbers_of_nobody_get_no_story(mean, std):
    assert KNOWN.identify(mean, std).readings == ()


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        ([], [], r"mean is \[\]; it must be finite numbers"),
        (["a"], ["b"], r"mean is \['a'\]; it must"),
        (["0.5"], ["0.5"], r"mean is \['0.5'\]; it must"),
        (0.5, 0.5, "mean is 0.5; it must"),
        ([0.5], [], r"std is \[\]; it must"),
        ([0.5], [float("nan")], r"std is \[nan\]; it must"),
        ([float("inf")], None, r"mean is \[inf\]; it must"),
        ([10**400], None, "mean is .*; it must"),
        ([None], None, r"mean is \[None\]; it must"),
        ([[0.5, 0.5]], None, "it must be finite"),
        ([0.5, 0.5, 0.5], [0.5, 0.5], "mean has 3 numbers and std 2"),
        ([0.5], [0.5, 0.5], "mean has 1 numbers and std 2"),
    ],
)
def test_what_are_no_numbers_is_refused_by_the_function_as_by_the_command(mean, std, text):
    with pytest.raises(UsageError, match=text):
        normstat.identify(mean, std)


def test_any_sequence_of_numbers_is_taken_and_one_std_is_for_all():
    for kind in (list, np.array, np.float32):
        assert normstat.identify(kind([0.5] * 3), kind([0.5])).equal


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(0.2, 0.8), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 0.4), min_size=3, max_size=3),
)
def test_statistics_of_some_dataset_are_no_slip(mean, std):
    """Measured numbers have many digits, and meet a preset's only by chance."""
    assert kinds(mean, std) <= {"rounded"}


@settings(deadline=None)
@given(
    st.integers(1, 14).flatmap(
        lambda n: st.tuples(*[st.lists(st.floats(allow_nan=True), min_size=n, max_size=n)] * 2)
    )
)
def test_any_numbers_have_an_answer(numbers):
    found = KNOWN.identify(*map(tuple, numbers))
    assert len(KNOWN.nearest(found)) <= 3


@pytest.mark.parametrize(
    "words",
    [
        ["0.485,0.456,0.406", "0.229,0.224,0.225"],
        ["0.485, 0.456, 0.406", "0.229, 0.224, 0.225"],
        ["[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"],
        ["[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]"],
        ["[0.485,", "0.456,", "0.406]", "[0.229,", "0.224,", "0.225]"],
        ["0.485", "0.456", "0.406", "0.229", "0.224", "0.225"],
        ["0.485 0.456 0.406 0.229 0.224 0.225"],
        ["mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]"],
        ['"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)'],
        ["[0.485, 0.456, 0.406]", "0.229,0.224,0.225"],
        ["[123.675/255, 116.28/255, 103.53/255]", "[.229, 2.24e-1, +0.225]"],
    ],
)
def test_numbers_are_read_as_people_paste_them(words):
    mean, std = parse_numbers(words)
    assert mean == pytest.approx(IMAGENET[0])
    assert std == pytest.approx(IMAGENET[1])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no numbers"),
        (["[]"], "no numbers"),
        (["imagenet"], "'imagenet' is neither a number nor a file"),
        (["0.5,0.5", "0.5"], "2 and 1 numbers"),
        (["1,2,3,4,5"], "5 numbers"),
        (["1/0"], "not a finite number"),
        (["1e400,1,1"], "not a finite number"),
        (["1,2,3", "4,5,6", "7,8,9"], "3 and 3 and 3"),
    ],
)
def test_words_that_are_no_mean_and_std_are_refused(words, text):
    with pytest.raises(UsageError, match=text):
        parse_numbers(words)


def test_mean_alone_is_looked_for_alone():
    assert parse_numbers(["0.485,0.456,0.406"]) == (IMAGENET[0], None)
    assert KNOWN.identify(IMAGENET[0]).best.text == "the mean of imagenet in 0–1, RGB"
    assert KNOWN.identify((104, 177, 123)).best.kind == "digit"


def test_pooled_std_is_known_for_a_mean_of_image_stds():
    for name, pooled in (("cifar10-perimage", "cifar10"), ("stl10-perimage", "stl10")):
        spec = next(each for each in SPECS if each.preset.name == name)
        best = KNOWN.identify(spec.mean, spec.std).best
        assert KNOWN.pooled(best).names[0] == pooled
    assert KNOWN.pooled(KNOWN.identify(*IMAGENET).best) is None
