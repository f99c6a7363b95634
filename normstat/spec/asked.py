"""Options as they are asked for → parts of a spec, checked as the fields of a file are."""

import re
from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import Any, TypeVar

import msgspec

from normstat.errors import UsageError
from normstat.registry import several, unknown
from normstat.spec.model import Estimator, Spec
from normstat.spec.pipeline import Masks, Pipeline
from normstat.spec.values import LEVEL, Ddof, Std, Weighting

# A recipe is a published procedure: options that belong together.
RECIPES: dict[str, dict[str, Any]] = {
    "imagenet": {"resize": 256, "crop": 224, "weighting": "image", "std": "mean-of-images"}
}

# The fields of `Pipeline` that are options by themselves.
PIPELINE = tuple(
    name
    for name in Pipeline.__struct_fields__
    if name not in {"exif_orientation", "mixed_depths", "masks"}
)

Checked = TypeVar("Checked", bound=msgspec.Struct)

# The options that say where masks are, and what of them counts.
MASK_PLACES, MASK_LABELS = ("mask_dir", "mask_suffix"), ("labels", "ignore_label")

# The options that take several values.
_SEVERAL = ("bands", "columns")

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
        There are no masks, a label is none or is counted and ignored, or `labels` is a text.
    """
    labels = several("labels", labels)
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


def with_recipe(name: str | None, **options: Any) -> dict[str, Any]:
    """Return options, and those of a recipe in the place of those that are None.

    >>> with_recipe("imagenet", resize=None, crop=112)["resize"]
    256

    Raises
    ------
    UsageError
        There is no such recipe.
    """
    if name is not None and name not in RECIPES:
        raise UsageError(unknown("recipe", name, RECIPES))
    usual = RECIPES[name] if name else {}
    return {
        option: usual.get(option) if value is None else value
        for option, value in (dict.fromkeys(usual) | options).items()
    }


def estimator_of(
    weighting: Weighting | None, std: Std | None, ddof: Ddof, confidence: float
) -> Estimator:
    """Build an estimator of the options of `compute` that say how numbers are found.

    How many images were listed, and which of them are read, is not known yet.

    >>> estimator_of(None, "rms-of-images", 0, 0.95).weighting
    'pixel'

    Raises
    ------
    UsageError
        An option has no such value, or two do not fit.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; it must lie between 0 and 1")
    found = checked(
        Estimator,
        weighting="pixel" if weighting is None else weighting,
        std="pooled" if std is None else std,
        ddof=ddof,
        images_listed=0,
        **({} if confidence == LEVEL else {"level": confidence}),
    )
    if (found.ddof, found.weighting, found.std) == (1, "image", "pooled"):
        raise UsageError("ddof 1 has no meaning for the pooled std with weighting image: use 0")
    return found


def percents_of(percentiles: Sequence[str | float]) -> list[str]:
    """Return percents as their shortest decimal texts.

    >>> percents_of(["0.50", 99, 100.0])
    ['0.5', '99', '100']

    Raises
    ------
    UsageError
        One is not from 0 to 100.
    """
    return [_percent(value) for value in several("percentiles", percentiles)]


def _percent(value: str | float) -> str:
    try:
        percent = Fraction(str(value))
    except ValueError:
        percent = Fraction(-1)
    if not 0 <= percent <= 100:  # noqa: PLR2004
        raise UsageError(f"percentile {value!r} is not a number from 0 to 100")
    return f"{float(percent):.12g}"


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
    given: dict[str, Any] = {}
    for name, value in options.items():
        is_value = name in {"ignore_value", "nodata"}
        if is_value and isinstance(value, float) and not isfinite(value):
            raise UsageError(f"{name} is {value}: what is not a finite number never counts")
        if name in _SEVERAL:
            if values := several(name, value):
                given[name] = list(values)
        elif value is not None and value != _NOTHING.get(name):
            whole = isinstance(value, float) and value.is_integer()
            given[name] = int(value) if whole else value
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
