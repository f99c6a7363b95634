"""A model of two nodes, Mul and Add, to put before a network (ONNX has no field for it)."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from normstat.errors import NormstatError, SpecError
from normstat.formats.affine import Affine, exact, floats
from normstat.formats.base import Format, Header, Reading, find_header, header, numbers, of_scale

_OPSET, _IR = 13, 8
_PASSED = frozenset(("Identity", "Cast"))
_FOLDED = frozenset(("Mul", "Add", "Sub", "Div"))


class OnnxModel(Format):
    """y = code · scale + offset on float32 codes of shape (N, C, H, W).

    Numbers are float32 in the file, so that large ones are off by more than 1e-6. Reading folds
    the Mul, Div, Add and Sub with constants that a model's input goes through first.
    """

    name = "onnx"
    formula = "scale · code + offset"
    binary = True
    suffixes = (".onnx",)
    marks = ()

    def write(self, affine: Affine) -> str:
        return json.dumps(
            {
                "scale": floats(affine.scale),
                "offset": floats(affine.offset),
                "header": header(affine),
            }
        )

    def encode(self, text: str) -> bytes:
        onnx = _onnx()
        said = json.loads(text)
        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        count = len(said["scale"])
        constants = [
            helper.make_tensor(name, kind, [1, count, 1, 1], said[name])
            for name in ("scale", "offset")
        ]
        shape = ["N", count, "H", "W"]
        graph = helper.make_graph(
            [
                helper.make_node("Mul", ["codes", "scale"], ["scaled"]),
                helper.make_node("Add", ["scaled", "offset"], ["normalized"]),
            ],
            "normalization",
            [helper.make_tensor_value_info("codes", kind, shape)],
            [helper.make_tensor_value_info("normalized", kind, shape)],
            constants,
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(
            graph, producer_name="normstat", opset_imports=[opset], ir_version=_IR
        )
        helper.set_model_props(model, {"normstat": said["header"]})
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content

    def decode(self, content: bytes) -> str:
        onnx = _onnx()
        try:
            model = onnx.load_model_from_string(content)
            onnx.checker.check_model(model)
        # Of damaged content protobuf, the checker and NumPy complain each in its own way.
        except Exception as error:
            raise SpecError(f"not an ONNX model: {str(error).strip()[:200]}") from error
        scale, offset = _folded(onnx, model.graph)
        words = next((each.value for each in model.metadata_props if each.key == "normstat"), "")
        return json.dumps({"scale": scale, "offset": offset, "header": str(words)})

    def read(self, text: str) -> Reading:
        said = json.loads(text)
        comment: Header = find_header(said["header"])
        scale, offset = (numbers(said[name], name) for name in ("scale", "offset"))
        if len(scale) == 1 and len(offset) == 1 and comment.channels:
            scale = scale * len(comment.channels)
        return of_scale(scale, offset, said=comment)


def _folded(onnx: Any, graph: Any) -> tuple[list[float], list[float]]:
    """Return scale and offset of what the first input goes through before anything else."""
    constants = {each.name: each for each in graph.initializer}
    inputs = [each.name for each in graph.input if each.name not in constants]
    if not inputs:
        raise SpecError("graph.input: the model has none")
    current, scale, offset, steps = inputs[0], [Fraction(1)], [Fraction(0)], 0
    for node in _chain(graph, current):
        if node.op_type in _PASSED:
            continue
        others = [name for name in node.input if name in constants]
        if node.op_type not in _FOLDED or len(others) != 1:
            break
        if node.op_type in ("Sub", "Div") and node.input[1] != others[0]:
            break
        values = [
            exact(float(each)) for each in onnx.numpy_helper.to_array(constants[others[0]]).ravel()
        ]
        count = max(len(values), len(scale))
        if not {len(values), len(scale)} <= {1, count}:
            raise SpecError(f"{node.op_type}: its constant has {len(values)} numbers, not {count}")
        values, scale, offset = (
            each * count if len(each) == 1 else each for each in (values, scale, offset)
        )
        scale, offset = _step(node.op_type, values, scale, offset)
        steps += 1
    if not steps:
        raise SpecError("the input goes through no Mul, Div, Add or Sub with a constant")
    return floats(scale), floats(offset)


def _chain(graph: Any, current: str) -> Iterator[Any]:
    """Yield the nodes that take the input one after another, as long as there is no branch."""
    for _ in range(len(graph.node)):
        users = [node for node in graph.node if current in node.input]
        if len(users) != 1:
            return
        yield users[0]
        current = users[0].output[0]


def _step(
    kind: str, values: list[Fraction], scale: list[Fraction], offset: list[Fraction]
) -> tuple[list[Fraction], list[Fraction]]:
    if kind in ("Mul", "Div"):
        if not all(values):
            raise SpecError(f"{kind}: a constant is 0")
        factors = values if kind == "Mul" else [1 / each for each in values]
        return (
            [a * f for a, f in zip(scale, factors, strict=True)],
            [b * f for b, f in zip(offset, factors, strict=True)],
        )
    sign = 1 if kind == "Add" else -1
    return scale, [b + sign * each for b, each in zip(offset, values, strict=True)]


def _onnx() -> Any:
    try:
        import onnx  # noqa: PLC0415 (an extra)
        import onnx.numpy_helper  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise NormstatError(
            "format 'onnx' needs 'onnx', which is not installed: pip install 'normstat[onnx]'"
        ) from error
    return onnx


FORMAT = OnnxModel()
