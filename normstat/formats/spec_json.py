"""normstat's own spec, with the constants alone."""

from typing import Any

import msgspec

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Reading
from normstat.formats.documents import DocumentFormat
from normstat.spec.files import dumps, loads


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
        try:
            spec = loads(text.encode(), name="")
        except SpecError as error:
            raise SpecError(str(error).removeprefix(": ")) from None
        return Reading(Affine.of(spec), range_known=False)


FORMAT = SpecJson()
