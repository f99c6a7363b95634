"""OpenVINO's PrePostProcessor, and the flags of the model optimizer before it."""

import re
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, Updated, number, numbers, reading
from normstat.formats.snippets import Bare, PythonFormat, Slot, Snippet, need

_TYPES = {255: "u8", 65535: "u16"}
_FLAG = r"--%s[ =]+[\"']?(?:\w+)?[\[(]?([-+.\d,eE ]+?)[\])]?[\"']?(?:\s|\\|$)"


class OpenVino(PythonFormat):
    """y = (code − mean) / scale: what is called scale divides."""

    name = "openvino"
    formula = "(code − mean) / scale"
    suffixes = (".py", ".sh", ".txt")
    marks = (r"(\bPrePostProcessor\b|--(mean_values|scale_values)\b)",)
    template = """\
# normstat: mean and scale in units of the codes; scale divides
# {header}
from openvino import Layout, Type
from openvino.preprocess import PrePostProcessor


def with_preprocessing(model, model_layout="NCHW"):
    ppp = PrePostProcessor(model)
    ppp.input().tensor().set_element_type({type}).set_layout(Layout("NHWC"))
    ppp.input().model().set_layout(Layout(model_layout))
    ppp.input().preprocess().convert_element_type(Type.f32).mean(
        {mean}
    ).scale(
        {scale}
    )
    return ppp.build()
"""
    optional = frozenset(("type",))

    def values(self, affine: Affine) -> dict[str, Any]:
        kind = _TYPES.get(int(affine.code_max or 0), "f32")
        return {"mean": affine.means(), "scale": affine.stds(), "type": Bare(f"Type.{kind}")}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = {name: snippet.only(name, "values")["values"] for name in ("mean", "scale")}
        if snippet.calls("set_element_type"):
            found["type"] = snippet.only("set_element_type", "type")["type"]
        return found

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, scale = (numbers(need(values, name), name) for name in ("mean", "scale"))
        return reading(mean, scale, said=said)

    def read(self, text: str) -> Reading:
        if "PrePostProcessor" in text or "--" not in text:
            return super().read(text)
        found = []
        for name in ("mean_values", "scale_values"):
            match = re.search(_FLAG % name, text)
            if not match:
                raise SpecError(f"--{name} is not given, or not understood")
            try:
                found.append([number(float(each), name) for each in match[1].split(",")])
            except ValueError:
                raise SpecError(f"--{name}: not numbers: {match[1]!r}") from None
        # Channels are reversed before the mean is taken away, but of which order is not said.
        return reading(*found)

    def update(self, text: str, affine: Affine) -> Updated:
        if "PrePostProcessor" not in text:
            raise SpecError("flags of a command line cannot be updated; write a file with -o")
        return super().update(text, affine)


FORMAT = OpenVino()
