"""normstat's own spec, with the constants alone."""

from collections.abc import Mapping
from typing import Any

import msgspec

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, Updated
from normstat.formats.documents import DocumentFormat, parse_json
from normstat.spec.files import dumps, spec_of
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

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        return Reading(Affine.of(_spec(data)), range_known=False)

    def update(self, text: str, affine: Affine) -> Updated:
        if isinstance(_spec(parse_json(text)), Spec):
            raise SpecError(
                "is the spec of a dataset, whose numbers follow from what was measured; "
                "`normstat compute` renews it"
            )
        return super().update(text, affine)


def _spec(data: Any) -> Constants:
    try:
        return spec_of(data, "")
    except SpecError as error:
        raise SpecError(str(error).removeprefix(": ")) from None


FORMAT = SpecJson()
