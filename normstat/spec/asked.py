"""Options as they are asked for → parts of a spec, checked as the fields of a file are."""

import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, TypeVar

import msgspec

from normstat.errors import UsageError
from normstat.spec.model import Masks, Pipeline, Spec

# The fields of `Pipeline` that are options by themselves.
PIPELINE = tuple(
    name
    for name in Pipeline.__struct_fields__
    if name not in {"exif_orientation", "mixed_depths", "masks"}
)

Checked = TypeVar("Checked", bound=msgspec.Struct)

# The options that say where masks are, and what of them counts.
MASK_PLACES, MASK_LABELS = ("mask_dir", "mask_suffix"), ("labels", "ignore_label")

# What these options are when they are not asked for; a spec is then without the field.
_NOTHING: dict[str, Any] = {"channels": "auto"}


def checked(part: type[Checked], **fields: Any) -> Checked:
    """Build a part of a spec.

    Raises
    ------
    UsageError
        An option has no such value.
    """
    try:
        return msgspec.convert(fields, part)
    except msgspec.ValidationError as error:
        raise UsageError(
            re.sub(r" - at `\$\.(\w+)(.*)`", r" in option \1\2", str(error))
        ) from error


def masks_of(
    mask_dir: object, mask_suffix: str | None, labels: Sequence[int | str], ignore_label: int | None
) -> dict[str, Any] | None:
    """Return what is asked of masks, as the fields of `Masks`; None without masks.

    >>> masks_of("masks", None, ["2", "1"], 255)
    {'foreground': [1, 2], 'ignore_label': 255}

    Raises
    ------
    UsageError
        There are no masks, or a label is none or is counted and ignored.
    """
    if mask_dir is None and mask_suffix == "":
        raise UsageError(
            "mask_suffix is empty: masks that lie next to their images need a name of their own"
        )
    if mask_dir is None and not mask_suffix:
        if labels or ignore_label is not None:
            given = "labels" if labels else "ignore_label"
            raise UsageError(f"{given} is for masks: mask_dir or mask_suffix says where they are")
        return None
    try:
        wanted = sorted({int(label) for label in labels})
    except ValueError:
        told = ",".join(map(str, labels))
        raise UsageError(f"labels are whole numbers, as in 1,2,3, not {told!r}") from None
    if ignore_label in wanted:
        raise UsageError(f"label {ignore_label} is to be counted (labels) and to be ignored")
    if ignore_label is None:
        return {"foreground": wanted or "nonzero"}
    return {"foreground": wanted or "all", "ignore_label": ignore_label}


def percentiles_of(spec: Spec) -> list[str] | None:
    """Return the percentiles that a spec was asked for, in their order.

    None when it does not say: of float values none are known, whichever were asked for. A group of
    whole numbers has them beside groups of floats.
    """
    told = (spec, *(spec.groups or ()))
    return next((list(each.percentiles) for each in told if each.histogram), None)


def asked_of(masks: Masks) -> dict[str, Any]:
    """Return the options that `masks_of` makes this of.

    >>> asked_of(Masks(foreground=[1, 2]))
    {'labels': [1, 2], 'ignore_label': None}
    """
    labels = masks.foreground if isinstance(masks.foreground, list) else []
    ignored = None if masks.ignore_label is msgspec.UNSET else masks.ignore_label
    return {"labels": labels, "ignore_label": ignored}


def pipeline_of(**options: Any) -> Pipeline:
    """Build a pipeline of the options of `compute` that bear the names of its fields.

    >>> pipeline_of(mode="l", bands=(), channels="auto", max_pixel_value=4095.0).max_pixel_value
    4095

    Raises
    ------
    UsageError
        An option has no such value.
    """
    given = {}
    for name, value in options.items():
        is_value = name in {"ignore_value", "nodata"}
        if is_value and isinstance(value, float) and not isfinite(value):
            raise UsageError(f"{name} is {value}: what is not a finite number never counts")
        if value is None or value == () or value == _NOTHING.get(name):
            continue
        whole = isinstance(value, float) and value.is_integer()
        given[name] = int(value) if whole else list(value) if isinstance(value, tuple) else value
    return checked(Pipeline, **given)


def options_of(pipeline: Pipeline) -> dict[str, Any]:
    """Return the options of `compute` that `pipeline_of` and `masks_of` make this of.

    Where the masks are is not said here.

    >>> options_of(Pipeline(max_pixel_value=4095, masks=Masks(ignore_label=255)))["ignore_label"]
    255
    """
    options = {name: getattr(pipeline, name) for name in PIPELINE}
    given = {name: value for name, value in options.items() if value is not msgspec.UNSET}
    return given | asked_of(pipeline.masks) if pipeline.masks else given
