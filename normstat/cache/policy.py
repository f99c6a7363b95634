"""What decides what is found in the same file: the options that read it, and what decodes it."""

import json
import sys
from functools import lru_cache
from importlib import metadata

import msgspec
from PIL import features

from normstat.counting import SOFTWARE
from normstat.spec.pipeline import Pipeline

RULES = 4  # raise it when normstat finds other pixels or facts in the same file than before

_DECODERS = ("jpg", "jpg_2000", "zlib", "libtiff", "webp", "avif")
# Packages that decode what Pillow does not.
_READERS = ("imagecodecs", "nibabel", "pydicom", "tifffile")


def words_of(pipeline: Pipeline) -> str:
    """Return, as JSON, all that decides what is found in the same file."""
    policy = {
        "pipeline": msgspec.to_builtins(pipeline),
        "software": _software(),
        "rules": RULES,
        "byteorder": sys.byteorder,
    }
    return json.dumps(policy, sort_keys=True)


@lru_cache(maxsize=1)
def _software() -> dict[str, str | None]:
    """Return the versions of Pillow, of the libraries that decode for it, and of other readers."""
    return (
        {"pillow": SOFTWARE["pillow"]}
        | {name: features.version(name) for name in _DECODERS}
        | {name: _installed(name) for name in _READERS}
    )


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
