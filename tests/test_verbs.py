"""What `normstat` offers to Python: all of it is there, and says what it raises and why."""

import inspect
import re

import numpy as np
import pytest

import normstat

IMAGE = np.zeros((4, 4, 3), np.uint8)
RGB = normstat.preset("imagenet").normalization
VERBS = [name for name in normstat.__all__ if inspect.isfunction(getattr(normstat, name))]


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_raises(name):
    text = inspect.getdoc(getattr(normstat, name))
    assert re.search(r"^Raises\n-{6}\n\w+", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: normstat.normalize(IMAGE, "imagenet"), "normalization is a str"),
        (lambda: normstat.normalize(IMAGE, normstat.preset("imagenet")), ".normalization"),
        (lambda: normstat.denormalize(IMAGE, "imagenet"), "normalization is a str"),
        (lambda: normstat.normalize(IMAGE.tolist(), RGB), "image is a list"),
        (lambda: normstat.export("imagenet", "timm"), "preset(NAME)"),
        (lambda: normstat.validate("normstat.json"), "load(PATH)"),
        (lambda: normstat.validate(normstat.preset("imagenet")), "not a Spec"),
    ],
)
def test_a_name_where_the_thing_itself_is_meant_is_told(call, told):
    with pytest.raises(normstat.UsageError, match=re.escape(told)):
        call()
