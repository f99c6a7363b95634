"""MONAI."""

from normstat.formats.one_call import OneCall
from normstat.formats.snippets import Slot, Snippet


class Monai(OneCall):
    """y = (x − subtrahend) / divisor (NormalizeIntensityd)."""

    name = "monai"
    formula = "(code − subtrahend) / divisor"
    call = "NormalizeIntensityd"
    arguments = ("keys", "subtrahend", "divisor")
    centre, spread = "subtrahend", "divisor"
    marks = (r"\bNormalizeIntensityd?\(",)
    template = """\
# normstat: subtrahend and divisor in units of the codes
# {header}
from monai.transforms import NormalizeIntensityd

normalize = NormalizeIntensityd(
    keys="image",
    subtrahend={subtrahend},
    divisor={divisor},
    channel_wise=True,
)
"""

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        if snippet.calls("NormalizeIntensity"):
            found = snippet.only("NormalizeIntensity", "subtrahend", "divisor")
        else:
            found = snippet.only(self.call, *self.arguments)
        return {name: found[name] for name in (self.centre, self.spread)}


FORMAT = Monai()
