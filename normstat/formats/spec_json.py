"""normstat's own spec, with the constants alone."""

from typing import Any

import msgspec

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Reading, Updated
from normstat.formats.documents import DocumentFormat
from normstat.spec.files import dumps, loads
from normstat.spec.model import Constants, Spec


class SpecJson(DocumentFormat):
    """y = (code / max_pixel_value − mean) / std."""

    name = "json"
    formula = "(code / max_pixel_value − mean) / std"
    marks = (r'"normstat_spec"',)
    files = ("normstat.json",)

    def values(self, affine: Affine) -> dict[str, Any]:
        raw: dict[str, Any] = msgspec.to_builtins(affine.constants())
        return raw

    def write(self, affine: Affine) -> str:
        return dumps(affine.constants())

    def read(self, text: str) -> Reading:
        return Reading(Affine.of(_loaded(text)), range_known=False)

    def update(self, text: str, affine: Affine) -> Updated:
        if isinstance(_loaded(text), Spec):
            raise SpecError(
                "is the spec of a dataset, whose numbers follow from what was measured; "
                "`normstat compute` renews it"
            )
        return super().update(text, affine)


def _loaded(text: str) -> Constants:
    try:
        return loads(text.encode(), name="")
    except SpecError as error:
        raise SpecError(str(error).removeprefix(": ")) from None


FORMAT = SpecJson()
