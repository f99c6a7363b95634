"""Formats that are Python code: read through its syntax tree, never by running it."""

import ast
import json
import operator
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import (
    Change,
    Format,
    Header,
    Reading,
    Updated,
    find_header,
    header,
    with_header,
)

_DEEPEST = 50
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Calls around numbers that leave them as they are.
_WRAPPERS = frozenset(
    ("array", "asarray", "tensor", "as_tensor", "Tensor", "FloatTensor", "tuple", "list", "float",
     "int", "float32", "float64", "Scalar", "constant", "Parameter")
)  # fmt: skip
_METHODS = frozenset(("reshape", "view", "astype", "to", "tolist", "float"))


@dataclass(frozen=True)
class Slot:
    """A place for a value: where it stands, in bytes, or where it would have to be inserted.

    `twins` are places of the same value in further calls, which an update changes too.
    """

    start: int
    end: int
    node: ast.expr | None
    lead: str = ""
    twins: "tuple[Slot, ...]" = ()


@dataclass
class Snippet:
    """Python code whose constants can be found and replaced."""

    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the code that is read
                self.tree = ast.parse(self.text)
        except SyntaxError as error:
            raise SpecError(f"not valid Python: line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise SpecError(f"not valid Python: {error or type(error).__name__}") from None
        self._bytes = self.text.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._names = dict(_assignments(self.tree))

    def calls(self, name: str) -> list[ast.Call]:
        """Return the calls of a function or method of this name, in the order of the text."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and called(node) == name
        ]
        return sorted(found, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0))

    def arguments(self, call: ast.Call, *names: str) -> dict[str, Slot]:
        """Return a slot for each argument of a call; `names` are in positional order."""
        slots = dict.fromkeys(names, self._missing(call))
        slots = {name: Slot(slot.start, slot.end, None, slot.lead + f"{name}=")
                 for name, slot in slots.items()}  # fmt: skip
        for name, node in zip(names, call.args, strict=False):
            if isinstance(node, ast.Starred):
                break  # how many there are is not known
            slots[name] = self.slot(node)
        for keyword in call.keywords:
            if keyword.arg in slots:
                slots[keyword.arg] = self.slot(keyword.value)
        return slots

    def only(self, name: str, *arguments: str) -> dict[str, Slot]:
        """Return the slots of the one call of this name.

        Raises
        ------
        SpecError
            There is none, or several that say different things.
        """
        calls = self.calls(name)
        if not calls:
            raise SpecError(f"no call of {name}")
        if len({tuple(ast.dump(each) for each in (*c.args, *c.keywords)) for c in calls}) > 1:
            lines = ", ".join(str(each.lineno) for each in calls[:5])
            raise SpecError(f"{name} is called with different values (lines {lines}); leave one")
        return with_twins([self.arguments(each, *arguments) for each in calls])

    def assigned(self, *names: str) -> dict[str, Slot]:
        """Return the slots of variables or attributes that are assigned; some may be missing."""
        return {name: self.slot(self._names[name]) for name in names if name in self._names}

    def slot(self, node: ast.expr) -> Slot:
        """Return the place of the numbers of an expression.

        A variable's is where it was assigned, an array's is the list that it is made of.
        """
        for _ in range(_DEEPEST):
            if isinstance(node, ast.Name) and node.id in self._names:
                node = self._names[node.id]
            elif (inner := _wrapped(node)) is not None:
                node = inner
            else:
                break
        return Slot(*self._span(node), node)

    def value(self, slot: Slot, name: str) -> Any:
        """Return the constant in a slot: numbers, text, and lists of them."""
        if slot.node is None:
            raise SpecError(f"{name} is not given")
        try:
            return self._constant(slot.node, {}, 0)
        except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
            line = slot.node.lineno
            raise SpecError(f"{name} (line {line}): not a constant: {error}") from None

    def old(self, slot: Slot) -> str | None:
        """Return the text in a slot."""
        return self._bytes[slot.start : slot.end].decode() if slot.node else None

    def literal(self, slot: Slot, value: Any, name: str) -> str:
        """Return a value as it is to stand in a slot: a tuple where one was.

        Raises
        ------
        SpecError
            An array is computed there, which a list of numbers cannot stand for.
        """
        if slot.node is None:
            return literal(value)
        if isinstance(slot.node, ast.BinOp) and any(
            isinstance(each, ast.Call) for each in ast.walk(slot.node)
        ):
            raise SpecError(f"{name} (line {slot.node.lineno}): is computed; write its numbers out")
        if isinstance(value, list | tuple):
            value = (tuple if isinstance(slot.node, ast.Tuple) else list)(value)
        return literal(value)

    def replaced(self, edits: Sequence[tuple[Slot, str]]) -> str:
        """Return the text with other contents of its slots."""
        content = self._bytes
        places = {(slot.start, slot.lead): (slot, new) for slot, new in edits}
        for slot, new in sorted(places.values(), key=lambda edit: edit[0].start, reverse=True):
            content = content[: slot.start] + (slot.lead + new).encode() + content[slot.end :]
        return content.decode()

    def _missing(self, call: ast.Call) -> Slot:
        """Return where one more argument of a call goes: behind the last one."""
        last = max((self._span(each)[1] for each in (*call.args, *_values(call))), default=None)
        if last is not None:
            return Slot(last, last, None, ", ")
        inside = self._span(call)[1] - 1
        return Slot(inside, inside, None)

    def _span(self, node: ast.expr) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[end_line - 1] + end_column,
        )

    def _constant(  # noqa: C901 (one arm a kind of expression)
        self, node: ast.expr, scope: Mapping[str, Any], depth: int
    ) -> Any:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")

        def of(part: ast.expr) -> Any:
            return self._constant(part, scope, depth + 1)

        value: Any
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                pass
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                value = [of(part) for part in parts]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = _each(operator.mul, -1, of(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                value = _each(_OPERATORS[type(op)], of(left), of(right))
            case ast.Name(id=name) if name in scope:
                value = scope[name]
            case ast.Attribute(attr=name):
                value = name  # of an enumeration
            case ast.Name(id=name) if name in self._names:
                value = of(self._names[name])
            case ast.Call() if (inner := _wrapped(node)) is not None:
                value = of(inner)
            case ast.ListComp(
                elt=part, generators=[ast.comprehension(ast.Name(id=name), many, [])]
            ):
                each = ({**scope, name: one} for one in of(many))
                value = [self._constant(part, inside, depth + 1) for inside in each]
            case _:
                raise ValueError(f"{ast.unparse(node)[:60]!r} would have to be run")
        return value


def _wrapped(node: ast.expr) -> ast.expr | None:
    """Return the numbers in a call that leaves them as they are, such as np.array([...])."""
    if isinstance(node, ast.Call) and called(node) in _WRAPPERS and node.args:
        return node.args[0]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _METHODS
    ):
        return node.func.value
    return None


def with_twins(found: Sequence[dict[str, Slot]]) -> dict[str, Slot]:
    """Return the slots of the first of several equal calls, which know those of the others."""
    return {
        name: replace(slot, twins=tuple(each[name] for each in found[1:]))
        for name, slot in found[0].items()
    }


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name or attribute that is assigned once, with what it is assigned."""
    found: dict[str, ast.expr | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, assigned = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, assigned = [node.target], node.value
        else:
            continue
        for target, value in _unpacked(targets, assigned):
            name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", None)
            if name is not None:
                found[name] = None if name in found else value
    for name, once in found.items():
        if once is not None:
            yield name, once


def _unpacked(targets: Sequence[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target with its own value: `a, b = 1, 2` are two."""
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            if len(target.elts) == len(value.elts):
                yield from zip(target.elts, value.elts, strict=True)
        else:
            yield target, value


def _values(call: ast.Call) -> list[ast.expr]:
    return [keyword.value for keyword in call.keywords]


def called(call: ast.Call) -> str:
    """Return the last name of what is called: Normalize of `v2.Normalize(...)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _each(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Apply an operator to numbers, or to each number of an array."""
    if isinstance(left, list) or isinstance(right, list):
        if isinstance(left, list) and isinstance(right, list):
            return [_each(function, *pair) for pair in zip(left, right, strict=True)]
        if isinstance(left, list):
            return [_each(function, each, right) for each in left]
        return [_each(function, left, each) for each in right]
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("arithmetic with text")
    return function(left, right)


class Bare(str):
    """The name of a constant of a framework, written without quotes."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Return a value as Python writes it."""
    if isinstance(value, Bare):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    return json.dumps(value) if isinstance(value, str) else repr(value)


class PythonFormat(Format):
    """A format that is Python code.

    `template` is the text with a place for each of `values` and for the `header`, the words of the
    comment that says what the code does not. `optional` are values that are only changed where
    they are given.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".py",)
    template: ClassVar[str]
    optional: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def values(self, affine: Affine) -> dict[str, Any]:
        """Return the values of the fields, as plain data."""

    @abstractmethod
    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        """Return where the fields are."""

    @abstractmethod
    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        """Return what the values stand for; fields that are missing are not in it."""

    def write(self, affine: Affine) -> str:
        filled = {name: literal(value) for name, value in self.values(affine).items()}
        return self.template.format(header=header(affine), **filled)

    def read(self, text: str) -> Reading:
        snippet = Snippet(text)
        values = {
            name: snippet.value(slot, name)
            for name, slot in self.slots(snippet).items()
            if slot.node is not None
        }
        return self.reading(values, find_header(text))

    def update(self, text: str, affine: Affine) -> Updated:
        self.read(text)  # the fields are there, and constants
        snippet = Snippet(text)
        slots, edits, changes = self.slots(snippet), [], []
        for name, value in self.values(affine).items():
            if name in self.optional and (name not in slots or slots[name].node is None):
                continue
            if name not in slots:
                raise SpecError(f"{name} is not given, and there is no place to add it")
            old = snippet.old(slots[name])
            new = snippet.literal(slots[name], value, name)
            if old is None or new != " ".join(old.split()):
                edits += [(slot, new) for slot in (slots[name], *slots[name].twins)]
                changes.append(Change(name, old, new))
        return Updated(with_header(snippet.replaced(edits), affine), tuple(changes))


def need(values: Mapping[str, Any], name: str) -> Any:
    """Return a field that has no default.

    Raises
    ------
    SpecError
        It is missing.
    """
    if name not in values:
        raise SpecError(f"{name} is not given")
    return values[name]
