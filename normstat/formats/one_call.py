"""Frameworks whose normalization is one call with numbers in units of the codes."""

from typing import Any, ClassVar

from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class OneCall(PythonFormat):
    """y = (code − mean) / std, both named as the framework names them.

    `call` is what is called, `arguments` are its arguments in positional order, `centre` and
    `spread` those that are mean and std.
    """

    call: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]
    centre: ClassVar[str]
    spread: ClassVar[str]

    def values(self, affine: Affine) -> dict[str, Any]:
        return {self.centre: affine.means(), self.spread: affine.stds()}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.only(self.call, *self.arguments)

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(need(values, name), name) for name in (self.centre, self.spread))
        return reading(mean, std, said=said)
