"""Pairs in Python, read through its syntax tree."""

import ast
import re
import warnings
from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from normstat.linting.arithmetic import Evaluator, dotted
from normstat.linting.interfaces import context_of, is_class, is_normalizer, is_other
from normstat.linting.pairs import (
    Context,
    Entry,
    Pair,
    Span,
    as_values,
    is_mean,
    is_std,
    make_pair,
    paired,
)

_MULTIPLIED = re.compile(r"lambda[^,\n]*255|\bmul_?\(\s*255|\b(?:x|img|image|images)\s*\*\s*255")
_CODES = re.compile(rf"{_MULTIPLIED.pattern}|scale\s*=\s*False|\bPILToTensor\(")
_SCALED = re.compile(r"\bToTensor(?:V2)?\(|scale\s*=\s*True|ConvertImageDtype|ToImageTensor")
_STD_WORD = re.compile(r"(?i)std|sigma|stats|scale|deviation|var")
_WORDS = ("mean", "normali", "stats", "blobfromimage", "subtrahend", "std", "mu", "norm_")
_BLOBS = {"blobFromImage": 3, "blobFromImages": 3}  # where the mean stands
_STATS = re.compile(r"(?i)stats$|mean_?(?:and_?)?std|norm_?(?:params|values|constants)$")
_PAIR = 2
_AROUND = (12, 2)  # lines before and after a call that may say what it gets


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of a Python file.

    Raises
    ------
    SyntaxError
        It is not Python.

    >>> [pair.std for pair in pairs("f = Normalize([124 / 255] * 3, std=(1 / 8,) * 3)")]
    [(0.125, 0.125, 0.125)]
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of somebody's invalid escape sequences
            tree = ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, endless nesting
        raise SyntaxError(str(error) or "nested too deeply") from error
    found = sorted(_Reader(text).read(tree), key=lambda pair: pair.span)
    known = {(pair.mean, pair.std) for pair in found if not pair.derived}
    for pair in found:
        if pair.derived and (pair.mean, pair.std) not in known:
            yield replace(pair, derived=False)
        else:
            yield pair


class _Reader:
    """Goes through a file once, scope by scope, and remembers what names stand for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._imports: dict[str, str] = {}
        self._names: dict[str, Any] = {}
        self._homes: dict[str, int] = {}
        self._evaluator = Evaluator(self._names)
        self._functions: list[Sequence[ast.stmt]] = []
        self._spoken = _lines_of(_WORDS, text.lower())

    def read(self, tree: ast.Module) -> Iterator[Pair]:
        try:
            yield from self._alone((yield from self._block(tree.body)))
            everywhere = dict(self._names)
            while self._functions:
                self._names.clear()
                self._names.update(everywhere)
                self._homes.clear()
                yield from self._alone((yield from self._block(self._functions.pop(0))))
        except RecursionError as error:
            raise SyntaxError("nested too deeply") from error

    # --- Statements

    def _block(
        self, body: Sequence[ast.stmt], prefix: str = ""
    ) -> Generator[Pair, None, list[Entry]]:
        """Yield the pairs of a block and return the means and stds that are left alone."""
        here: dict[str, Entry] = {}
        left: list[Entry] = []
        for statement in body:
            for entry in self._bindings(statement, prefix, id(here)):
                here[entry.key] = entry
            yield from self._expressions(statement)
            for inner in _inner_blocks(statement):
                name = statement.name if isinstance(statement, ast.ClassDef) else prefix
                left += yield from self._block(inner, name)
        if not left and not here:
            return []
        alone = []
        for found in paired([*left, *here.values()], Context(), scalars=True):
            if isinstance(found, Pair):
                yield found
            else:
                alone.append(found)
        return alone

    def _bindings(self, statement: ast.stmt, prefix: str, home: int) -> Iterator[Entry]:
        """Yield what a statement calls mean or std, and remember what every name stands for."""
        for name, value in self._named(statement):
            self._evaluator.borrowed = False
            found = self._evaluator.value(value)
            literal = not self._evaluator.borrowed
            self._remember(name, found, home)
            if prefix:
                for owner in (prefix, "self", "cls"):
                    self._remember(f"{owner}.{name}", found, home)
            if is_mean(name) or is_std(name):
                yield Entry(name, found, _span(value), literal)

    def _remember(self, name: str, value: Any, home: int) -> None:
        """Keep what a name stands for, unless two branches differ about it."""
        if name in self._homes and self._homes[name] != home and self._names.get(name) != value:
            value = None
        self._homes[name] = home
        self._names[name] = value

    def _named(self, statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
        """Yield each name that a statement gives to an expression."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(statement)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _assigned(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            yield from _assigned(statement.target, statement.value)
        elif isinstance(statement, ast.AugAssign):
            changed = ast.BinOp(statement.target, statement.op, statement.value)
            yield from _assigned(statement.target, ast.copy_location(changed, statement))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from _named_by_call(statement.value)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            self._functions.append(statement.body)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.ImportFrom):
                module = "." * statement.level + (statement.module or "")
                self._imports[alias.asname or alias.name] = f"{module}.{alias.name}"
            elif alias.asname:
                self._imports[alias.asname] = alias.name

    # --- Expressions

    def _expressions(self, statement: ast.stmt) -> Iterator[Pair]:
        """Yield the pairs that stand inside the calls and dicts of a statement."""
        if not self._speaks_of_means(statement):
            return
        for node in _own_nodes(statement):
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Dict):
                yield from self._table(self._items(node), "", node)
            elif isinstance(node, ast.arguments):
                yield from self._table(self._defaults(node), "", None)
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from self._stats(statement)

    def _speaks_of_means(self, statement: ast.stmt) -> bool:
        """Whether a line of a statement has one of the words; most need not be looked into."""
        index = bisect_left(self._spoken, statement.lineno)
        last = statement.end_lineno or statement.lineno
        return index < len(self._spoken) and self._spoken[index] <= last

    def _stats(self, statement: ast.Assign | ast.AnnAssign) -> Iterator[Pair]:
        """`imagenet_stats = ([…], […])`."""
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        value = statement.value
        name = dotted(target)
        if not _STATS.search(name) or not isinstance(value, ast.Tuple | ast.List):
            return
        if len(value.elts) == _PAIR:
            yield from self._two(value.elts, Context(name=name))

    def _two(self, nodes: Sequence[ast.expr], context: Context) -> Iterator[Pair]:
        """Yield two neighbours that are rows of numbers as a mean and a std."""
        for first, second in pairwise(nodes):
            mean, std = self._entry("mean", first), self._entry("std", second)
            if isinstance(mean.value, list) and isinstance(std.value, list):
                values = as_values(mean.value), as_values(std.value)
                if values[0] and values[1]:
                    yield make_pair(
                        mean._replace(value=values[0]), std._replace(value=values[1]), context
                    )
                    return

    def _call(self, node: ast.Call) -> Iterator[Pair]:
        name = dotted(node.func)
        function = self._resolved(name)
        last = function.rpartition(".")[2]
        if is_other(function):
            return
        if last in _BLOBS:
            yield from self._blob(node, last)
            return
        entries = [
            self._entry(each.arg, each.value) for each in node.keywords if each.arg is not None
        ]
        names = [entry.key for entry in entries]
        if any(map(is_mean, names)):
            yield from self._table(entries, function, node, name)
        elif is_normalizer(function) and len(node.args) >= _PAIR:
            # normalize(image, mean, std), but Normalize(mean, std)
            context = self._context(function, entries, node, name)
            yield from self._two(node.args[0 if is_class(function) else 1 :], context)
        elif is_normalizer(function) and node.args and any(map(is_std, names)):
            first = self._entry("mean", node.args[0])
            yield from self._table([first, *entries], function, node, name)
        elif is_normalizer(function) and len(node.args) == 1 and not entries:
            # Normalize(*stats) and Normalize([mean], ) are one argument too.
            yield from self._table([self._entry("mean", node.args[0])], function, node, name)

    def _blob(self, node: ast.Call, last: str) -> Iterator[Pair]:
        means = [each.value for each in node.keywords if each.arg == "mean"]
        if len(node.args) > _BLOBS[last]:
            means.append(node.args[_BLOBS[last]])
        for mean in means:
            entry = self._entry("mean", mean)
            values = as_values(entry.value)
            if values and len(values) > 1:
                yield make_pair(
                    entry._replace(value=values), None, Context(name=last, normalizes=True)
                )

    def _table(
        self, entries: list[Entry], function: str, node: ast.expr | None, name: str = ""
    ) -> Iterator[Pair]:
        if not any(is_mean(entry.key) for entry in entries):
            return
        context = self._context(function, entries, node, name)
        for found in paired(entries, context, scalars=context.normalizes):
            if isinstance(found, Pair):
                yield found
            elif is_mean(found.key) and context.needs_std:
                others = {entry.key for entry in entries if is_std(entry.key)}
                if not others and not any(each is None for each in entries):
                    yield make_pair(found, None, context)

    def _context(
        self, function: str, entries: list[Entry], node: ast.expr | None, name: str
    ) -> Context:
        context = context_of(function, entries, name)
        if context.accepts == "0-1" and node is not None and self._gets_codes(node):
            return context._replace(accepts="")
        return context

    def _gets_codes(self, node: ast.expr) -> bool:
        """Whether the statements around a call multiply by 255 or leave codes as they are."""
        if not _CODES.search(self._text):
            return False
        before, after = _AROUND
        first, last = max(0, node.lineno - before), (node.end_lineno or node.lineno) + after
        around = "\n".join(self._text.split("\n")[first:last])
        if _SCALED.search(around) and not _MULTIPLIED.search(around):
            return False
        return _CODES.search(around) is not None

    def _entry(self, key: str, node: ast.expr) -> Entry:
        self._evaluator.borrowed = False
        value = self._evaluator.value(node)
        return Entry(key, value, _span(node), not self._evaluator.borrowed)

    def _items(self, node: ast.Dict) -> list[Entry]:
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        if not any(isinstance(key, str) and is_mean(key) for key in keys):
            return []
        return [
            self._entry(key, value)
            for key, value in zip(keys, node.values, strict=True)
            if isinstance(key, str)
        ]

    def _defaults(self, node: ast.arguments) -> list[Entry]:
        names = [*node.posonlyargs, *node.args]
        given = [
            *zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True),
            *((one, other) for one, other in zip(node.kwonlyargs, node.kw_defaults, strict=True)),
        ]
        return [self._entry(name.arg, value) for name, value in given if value is not None]

    # --- Names and places

    def _resolved(self, name: str) -> str:
        first, dot, rest = name.partition(".")
        return f"{self._imports.get(first, first)}{dot}{rest}"

    def _alone(self, entries: Iterable[Entry]) -> Iterator[Pair]:
        """Yield a mean that no std belongs to, in a file that has no word of one."""
        for entry in entries:
            if is_mean(entry.key) and not _STD_WORD.search(self._text):
                yield make_pair(entry, None, Context(name=entry.key, needs_std=True))


def _lines_of(words: Iterable[str], text: str) -> list[int]:
    """Return the numbers of the lines that have one of some words, in order."""
    places = sorted(
        match.start() for word in words if word in text for match in re.finditer(word, text)
    )
    lines, line, last = [], 1, 0
    for place in places:
        line += text.count("\n", last, place)
        last = place
        lines.append(line)
    return lines


def _span(node: ast.expr) -> Span:
    return Span(
        node.lineno,
        node.col_offset + 1,
        node.end_lineno or node.lineno,
        (node.end_col_offset or node.col_offset) + 1,
    )


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name of an assignment with its expression; the keys of a dict are names too."""
    if isinstance(target, ast.Tuple | ast.List):
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            for one, other in zip(target.elts, value.elts, strict=True):
                yield from _assigned(one, other)
        return
    name = dotted(target)
    if isinstance(value, ast.Dict) and (is_mean(name) or is_std(name)):
        for key, item in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield f"{name}.{key.value}", item
    elif name:
        yield name, value


def _named_by_call(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """`register_buffer("mean", …)`, `add_argument("--mean", default=…)`: a text is the name."""
    last = dotted(call.func).rpartition(".")[2]
    if not call.args or not isinstance(call.args[0], ast.Constant):
        return
    name = str(call.args[0].value).lstrip("-").replace("-", "_")
    if last in {"register_buffer", "setattr"} and len(call.args) >= _PAIR:
        yield name, call.args[1]
    elif last in {"add_argument", "DEFINE_list"}:
        yield from ((name, each.value) for each in call.keywords if each.arg == "default")


def _inner_blocks(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """Yield the blocks of a statement that are of its own scope."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, but not those of the statements inside it."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)
        ]
