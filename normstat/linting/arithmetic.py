"""Numbers that a Python expression stands for, found without running it."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from normstat.linting.pairs import MOST_CHANNELS

_DEEPEST = 50


class Array(list[Any]):
    """A row of numbers that arithmetic goes through one by one, unlike a list."""


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_ARRAYS = {
    "array", "asarray", "tensor", "as_tensor", "Tensor", "FloatTensor", "constant", "float32",
    "float64", "to_tensor", "Parameter", "Variable", "convert_to_tensor", "asanyarray", "Buffer",
    "float16", "from_numpy", "ListConfig", "Scalar", "DoubleTensor", "atleast_1d",
}  # fmt: skip
# Methods that leave the numbers as they are.
_SHAPES = {
    "view", "reshape", "astype", "to", "float", "cuda", "cpu", "unsqueeze", "type", "copy",
    "tolist", "half", "double", "expand", "squeeze", "view_as", "flatten", "detach", "clone",
    "type_as", "numpy", "expand_as", "requires_grad_", "contiguous", "unsqueeze_", "item",
    "reshape_as", "pin_memory", "bfloat16", "expand_dims",
}  # fmt: skip


class Evaluator:
    """Turns expressions of constants into values.

    A value is a float, a list or `Array` of values, a text, a truth value, or None for everything
    else. `borrowed` tells whether a name was needed since it was last set to False.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.borrowed = False
        self._bound: dict[str, Any] = {}
        self._depth = 0

    def value(self, node: ast.expr | None) -> Any:
        """Return what an expression stands for; never raises for what it cannot follow."""
        method = _METHODS.get(type(node))
        if method is None or self._depth > _DEEPEST:
            return None
        self._depth += 1
        try:
            return method(self, node)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return None
        finally:
            self._depth -= 1

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool | str):
            return node.value
        return float(node.value) if isinstance(node.value, int | float) else None

    def _name(self, node: ast.Name | ast.Attribute | ast.Subscript) -> Any:
        name = dotted(node)
        if name in self._bound:
            return self._bound[name]
        found = self.names.get(name)
        if found is not None:
            self.borrowed = True
        return found

    def _sequence(self, node: ast.List | ast.Tuple) -> Any:
        if len(node.elts) > MOST_CHANNELS:
            return None
        values = [self.value(each) for each in node.elts]
        return None if None in values else values

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return _each(operator.neg, value)
        return value if isinstance(node.op, ast.UAdd) else None

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return None
        if type(left) is list or type(right) is list:
            return _joined(node.op, left, right)
        function = _OPERATORS.get(type(node.op))
        return _between(function, left, right) if function else None

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        (loop, *more) = node.generators
        if more or loop.ifs:
            return None
        rows = self.value(loop.iter)
        if not isinstance(rows, list):
            return None
        names = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
        before, results = self._bound, []
        for row in rows:
            parts = row if len(names) > 1 else [row]
            self._bound = before | {
                name.id: part
                for name, part in zip(names, parts, strict=True)
                if isinstance(name, ast.Name)
            }
            results.append(self.value(node.elt))
        self._bound = before
        return None if None in results else results

    def _call(self, node: ast.Call) -> Any:
        name = dotted(node.func).rpartition(".")[2]
        if isinstance(node.func, ast.Attribute) and name in _SHAPES | {""}:
            value = self.value(node.func.value) if node.func.attr in _SHAPES else None
            if value is not None:
                return value
        values = [self.value(each) for each in node.args]
        function = _CALLS.get(name)
        return function(*values) if function and None not in values[:1] else None

    def _subscript(self, node: ast.Subscript) -> Any:
        name = dotted(node)
        if name in self.names:
            return self._name(node)
        value = self.value(node.value)
        if not isinstance(value, list):
            return None
        if isinstance(node.slice, ast.Slice):
            step = self.value(node.slice.step)
            if node.slice.lower or node.slice.upper:
                return None
            return value[::-1] if step == -1 else value if step in (None, 1.0) else None
        if isinstance(node.slice, ast.Tuple | ast.Constant) and _adds_axes(node.slice):
            return value
        index = self.value(node.slice)
        return value[int(index)] if isinstance(index, float) else None


_METHODS: dict[type[ast.expr] | type[None], Callable[[Evaluator, Any], Any]] = {
    ast.Constant: Evaluator._constant,
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._name,
    ast.List: Evaluator._sequence,
    ast.Tuple: Evaluator._sequence,
    ast.UnaryOp: Evaluator._unary,
    ast.BinOp: Evaluator._binary,
    ast.ListComp: Evaluator._comprehension,
    ast.GeneratorExp: Evaluator._comprehension,
    ast.Call: Evaluator._call,
    ast.Subscript: Evaluator._subscript,
}


def dotted(node: ast.AST) -> str:
    """Return a name with its dots, with the text of a key for a subscript; empty for others.

    >>> dotted(ast.parse("cfg.MEAN['cifar10']", mode="eval").body)
    'cfg.MEAN.cifar10'
    """
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        inner = dotted(node.value)
        return f"{inner}.{node.slice.value}" if inner and isinstance(node.slice.value, str) else ""
    return ""


def _adds_axes(node: ast.expr) -> bool:
    """Whether an index only adds axes, as in `[:, None, None]` or `[..., None]`."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return all(
        (isinstance(part, ast.Constant) and part.value in (None, Ellipsis))
        or (isinstance(part, ast.Slice) and not (part.lower or part.upper or part.step))
        or (isinstance(part, ast.Attribute) and part.attr == "newaxis")
        for part in parts
    )


def _each(function: Callable[[float], float], value: Any) -> Any:
    if isinstance(value, list):
        return type(value)(_each(function, each) for each in value)
    return function(value) if isinstance(value, float) else None


def _between(function: Callable[[float, float], float], left: Any, right: Any) -> Any:
    if isinstance(left, Array) and isinstance(right, Array):
        return Array(_between(function, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, Array):
        return Array(_between(function, each, right) for each in left)
    if isinstance(right, Array):
        return Array(_between(function, left, each) for each in right)
    if isinstance(left, list) and isinstance(right, float):
        return [_between(function, each, right) for each in left]
    if isinstance(left, float) and isinstance(right, list):
        return [_between(function, left, each) for each in right]
    return function(left, right) if isinstance(left, float) and isinstance(right, float) else None


def _joined(sign: ast.operator, left: Any, right: Any) -> Any:
    """List arithmetic: repetition and concatenation; with an array a list is one too."""
    if isinstance(left, Array) or isinstance(right, Array):
        function = _OPERATORS.get(type(sign))
        return _between(function, Array(left), Array(right)) if function else None
    if isinstance(sign, ast.Mult):
        row, times = (left, right) if isinstance(left, list) else (right, left)
        if isinstance(times, float) and 0 < times * len(row) <= MOST_CHANNELS:
            return row * int(times)
    if isinstance(sign, ast.Add) and isinstance(left, list) and isinstance(right, list):
        return left + right
    return None


def _as_list(value: Any, *_: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _as_array(value: Any, *_: Any) -> Any:
    return Array(value) if isinstance(value, list) else value


# Functions by their last name, called with the values of their arguments.
_CALLS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_ARRAYS, _as_array),
    "tuple": _as_list,
    "list": _as_list,
    "reversed": lambda value: value[::-1],
    "zip": lambda *rows: [list(each) for each in zip(*rows, strict=True)],
    "divide": partial(_between, operator.truediv),
    "multiply": partial(_between, operator.mul),
    "sqrt": partial(_each, lambda value: value**0.5),
    "negative": partial(_each, operator.neg),
    "float": partial(_each, float),
    "expand_dims": _as_array,
    "reshape": _as_array,
}
