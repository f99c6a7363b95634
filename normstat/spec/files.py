"""Read and write specs as JSON or YAML."""

import json
import os
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.products import Product, check_target, write_text
from normstat.spec.model import Constants, Spec
from normstat.spec.preset import PresetSpec
from normstat.spec.values import SPEC_VERSION

Decoded = TypeVar("Decoded")

DEFAULT_PATH = Path("normstat.json")
YAML_SUFFIXES = {".yaml", ".yml"}
_DEEPEST = 100  # levels of a YAML document
_HINT = "; `normstat compute FOLDER` writes one"


def load(path: str | os.PathLike[str] = DEFAULT_PATH) -> Spec:
    """Read the spec of a dataset from a JSON or YAML file; "normstat.json#train" is of one group.

    Raises
    ------
    SourceError
        The file cannot be read.
    SpecError
        It is not such a spec; the text names the field.
    """
    spec = load_constants(path)
    if not isinstance(spec, Spec):
        raise SpecError(
            f"{path}: holds constants without the statistics of a dataset; "
            "`normstat compute FOLDER` writes a whole spec"
        )
    return spec


def load_constants(path: str | os.PathLike[str] = DEFAULT_PATH) -> Constants:
    """Read any spec: of a dataset, of a preset, or one with nothing but the constants.

    Raises
    ------
    SourceError, SpecError
        As `load` does.
    """
    path, group = file_and_group(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise no_spec(path, error) from error
    spec = loads(content, name=str(path), yaml=path.suffix.lower() in YAML_SUFFIXES)
    return group_of(spec, group, str(path))


def hint_for(path: Path) -> str:
    """Return what an error says of a spec that is looked for in its usual place."""
    return _HINT if path == DEFAULT_PATH else ""


def no_spec(path: Path, error: OSError) -> SourceError:
    """Return what to raise where a spec was to be read and `error` came."""
    if path.is_dir():
        return SourceError(f"{path}: is a folder, not a spec{_HINT}")
    return SourceError(f"{path}: {error.strerror}{hint_for(path)}")


def file_and_group(name: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Take "normstat.json#train" apart; a file that has the # in its name is meant itself.

    >>> file_and_group("normstat.json#train"), file_and_group("normstat.json")
    ((PosixPath('normstat.json'), 'train'), (PosixPath('normstat.json'), None))
    """
    text = os.fspath(name)
    if os.path.lexists(text):
        return Path(text), None
    places = [place for place, char in enumerate(text) if char == "#" and place]
    for place in reversed(places):
        if os.path.isfile(text[:place]):  # noqa: PTH113 (a path that cannot be is no file)
            return Path(text[:place]), text[place + 1 :]
    if places:
        return Path(text[: places[0]]), text[places[0] + 1 :]
    return Path(text), None


def group_of(spec: Constants, group: str | None, name: str) -> Constants:
    """Return the spec of a group alone, or the whole when `group` is None.

    Raises
    ------
    UsageError
        There is no such group.
    SpecError
        None of its images was read.
    """
    if group is None:
        return spec
    if not isinstance(spec, Spec):
        raise UsageError(f"{name}: holds constants, which have no groups")
    try:
        return spec.group(group)
    except NormstatError as error:
        raise type(error)(f"{name}: {error}") from None


def loads(content: bytes, *, name: str = "spec", yaml: bool = False) -> Constants:
    """Turn the bytes of a file into a spec; `name` leads each error message."""
    try:
        raw = parse_yaml(content) if yaml else msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        kind = "YAML" if yaml else "JSON"
        raise SpecError(f"{name}: not valid {kind}: {' '.join(str(error).split())}") from error
    return spec_of(raw, name)


def spec_of(raw: Any, name: str) -> Constants:
    """Return the plain data of a file as the kind of spec that it is.

    Raises
    ------
    SpecError
        It is none, or of another version; or as `decode` does.
    """
    if not isinstance(raw, dict) or "normstat_spec" not in raw:
        raise SpecError(f"{name}: not a normstat spec (it has no field 'normstat_spec')")
    if raw["normstat_spec"] != SPEC_VERSION:
        raise SpecError(
            f"{name}: spec version {raw['normstat_spec']!r}; this normstat reads version "
            f"{SPEC_VERSION}. Nothing was read; a newer normstat may know it"
        )
    kind_of: type[Constants] = Constants
    if "preset" in raw:
        kind_of = PresetSpec
    elif raw.keys() - set(Constants.__struct_fields__):
        kind_of = Spec
    return decode(raw, kind_of, name)


def decode(raw: Any, part: type[Decoded], name: str) -> Decoded:
    """Return plain data as a part of the model.

    Raises
    ------
    SpecError
        A field is missing, unknown or has no such value; the text names it.
    """
    try:
        return msgspec.convert(raw, part)
    except msgspec.ValidationError as error:
        text = re.sub(r"`float` [<>]= \S+", "a finite number", str(error))
        raise SpecError(f"{name}: {text}") from error


def parse_yaml(content: bytes) -> Any:
    """Return the plain data of a YAML document, or raise ValueError."""
    import yaml  # noqa: PLC0415 (JSON is the usual case)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        # libyaml's composer calls itself a level, and ends the process when a text has too many.
        for event in yaml.parse(content, loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ValueError(f"nested more than {_DEEPEST} levels deep")
        return yaml.load(content, Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def dumps(spec: Constants, *, yaml: bool = False) -> str:
    """Return the text of a spec file, ending in a newline; the same spec gives the same text."""
    return dump_text(msgspec.to_builtins(spec), yaml=yaml)


def dump_text(data: Any, *, yaml: bool) -> str:
    """Return plain data as YAML, or as JSON with each array of numbers on a line of its own."""
    if not yaml:
        return _json(data) + "\n"
    import yaml as pyyaml  # noqa: PLC0415

    return str(
        pyyaml.safe_dump(
            data, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=None
        )
    )


def _json(value: Any, indent: str = "") -> str:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(item, inner)}"
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        lines = [
            inner + (_json(item, inner) if isinstance(item, list) else _json_line(item))
            for item in value
        ]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    return _json_line(value)


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def save(spec: Constants, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a spec, as YAML when the suffix says so, else as JSON.

    The text is written beside the target and moved into place, so that the file is always a whole
    one: the older until the newer is complete.

    Parameters
    ----------
    force
        Overwrite a file that is not a spec.

    Raises
    ------
    SourceError
        The folder is missing or not writable, the disk is full, or the file that is there is no
        spec and `force` is not set. What was there before is untouched.
    """
    path = Path(path)
    check_target(path, SPEC, force=force)
    text = dumps(spec, yaml=path.suffix.lower() in YAML_SUFFIXES)
    write_text(path, text)


def shard_path(shard: str) -> Path:
    """Return where the spec of a shard is written, so that none replaces another.

    >>> shard_path("3/16").name
    'normstat-3-of-16.json'
    """
    return DEFAULT_PATH.with_stem(f"{DEFAULT_PATH.stem}-{shard.replace('/', '-of-')}")


def _holds_spec(path: Path) -> bool:
    """Whether a file says of itself that it is a spec, of whatever version."""
    with path.open("rb") as file:
        return b"normstat_spec" in file.read(4096)


SPEC = Product("normstat spec", _holds_spec, DEFAULT_PATH)
