"""How values are stored: one table of file formats, and the names of the files."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from normstat.errors import NormstatError, SourceError, UsageError
from normstat.normalization import Values

Array = npt.NDArray[Any]

# How values are stored: channels first or last, and how wide.
Layout = Literal["chw", "hwc"]
Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class Format:
    """A row of the table; `read` is missing where values do not come back."""

    suffix: str
    summary: str
    write: Callable[..., None]
    read: Callable[[Path], Array] | None
    extra: str | None = None


def _write_npy(path: Path, values: Array, _layout: str = "chw") -> None:
    with path.open("wb") as file:
        # Not numpy.save, whose error for a full disk does not say that it is one.
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(values))
        file.write(values.data)


def _read_npy(path: Path) -> Array:
    values: Array = np.load(path, allow_pickle=False)
    return values


def _write_npz(path: Path, values: Array, _layout: str = "chw") -> None:
    # Through memory: an archive that a full disk cuts off complains once more when it is forgotten.
    archive = BytesIO()
    np.savez(archive, values=values)
    with path.open("wb") as file:
        file.write(archive.getbuffer())


def _read_npz(path: Path) -> Array:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        values: Array = archive["values"]
    return values


def _write_safetensors(path: Path, values: Array, _layout: str = "chw") -> None:
    from safetensors.numpy import save_file  # noqa: PLC0415 (an extra)

    save_file({"values": np.ascontiguousarray(values)}, path)


def _read_safetensors(path: Path) -> Array:
    from safetensors.numpy import load_file  # noqa: PLC0415

    values: Array = load_file(path)["values"]
    return values


def _write_tiff(path: Path, values: Array, layout: str = "chw") -> None:
    import tifffile  # noqa: PLC0415 (an extra)

    if layout == "chw" or values.shape[-1] == 1:
        tifffile.imwrite(path, values, photometric="minisblack")  # a page a channel
        return
    kind = "rgb" if values.shape[-1] == 3 else "minisblack"  # noqa: PLR2004
    tifffile.imwrite(path, values, photometric=kind, planarconfig="contig")


def _read_tiff(path: Path) -> Array:
    import tifffile  # noqa: PLC0415

    values: Array = tifffile.imread(path)
    return values


def _write_preview(path: Path, values: Array, _layout: str = "chw") -> None:
    """Scale the values of the image, of shape (H, W, C), to 0..255, and say so in the file."""
    low, high = float(values.min()), float(values.max())
    shown = np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    image = Image.fromarray(shown[..., 0] if shown.shape[-1] == 1 else shown[..., :3])
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", f"normstat preview: {low:g} to {high:g} shown as 0 to 255")
    image.save(path, "PNG", pnginfo=note)


FORMATS = {
    "npy": Format(".npy", "NumPy array", _write_npy, _read_npy),
    "npz": Format(".npz", "NumPy archive with the array `values`", _write_npz, _read_npz),
    "safetensors": Format(
        ".safetensors",
        "the tensor `values`",
        _write_safetensors,
        _read_safetensors,
        extra="safetensors",
    ),
    "tiff": Format(".tiff", "float TIFF", _write_tiff, _read_tiff, extra="scientific"),
    "png": Format(".preview.png", "a preview to look at, not to train on", _write_preview, None),
}
_MODULES = {"safetensors": "safetensors", "tiff": "tifffile"}


def check_format(name: str) -> None:
    """Raise when a format needs an extra that is not installed.

    Raises
    ------
    NormstatError
        With the install line.
    """
    module = _MODULES.get(name)
    try:
        if module:
            __import__(module)
    except ModuleNotFoundError as error:
        raise NormstatError(
            f"--format {name} needs {module}, which is not installed: "
            f"pip install 'normstat[{FORMATS[name].extra}]'"
        ) from error


def check_folder(folder: Path, sources: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Raise when the folder to write to is none, or one of the sources.

    Raises
    ------
    SourceError
        It is.
    """
    if folder.exists() and not folder.is_dir():
        raise SourceError(f"{folder}: is a file, not a folder; name a folder with -o")
    if any(folder.resolve() == Path(source).resolve() for source in sources):
        raise SourceError(f"{folder}: is a source; name another folder with -o")


def check_pack(name: str, format: str) -> None:  # noqa: A002 (the option's name)
    """Raise when images cannot be packed under a name.

    Raises
    ------
    UsageError
        It leads elsewhere or is of something else, or another format is asked for.
    """
    if Path(name).name != name or Path(name).suffix != ".npy":
        raise UsageError(
            f"pack is {name!r}; it is the name of a file in the output folder and ends in .npy"
        )
    if format != "npy":
        raise UsageError(f"pack is one .npy of all images: leave out format {format}")


def arranged(values: Values, layout: str, dtype: str) -> Array:
    """Return values, channels first, in the layout and type that they are stored in."""
    if layout == "hwc":
        values = np.moveaxis(values, 0, -1)
    return np.ascontiguousarray(values, dtype=dtype)


def from_layout(values: Array, layout: str) -> Values:
    """Return stored values as float32 of shape (C, H, W), slices on top of each other."""
    if layout == "hwc":
        values = np.moveaxis(values, -1, 0)
    planes = np.ascontiguousarray(values, dtype=np.float32)
    return planes.reshape(len(planes), -1, planes.shape[-1])


def output_names(names: Sequence[str], suffix: str) -> list[str]:
    """Return a distinct name below the output folder for each image.

    `a/b.jpg` becomes `a/b.npy`; images that differ only in their suffix keep it.

    >>> output_names(["a/b.jpg", "a/c.jpg", "a/c.png", "../d.png"], ".npy")
    ['a/b.npy', 'a/c.jpg.npy', 'a/c.png.npy', 'd.npy']
    """
    inside = [_inside(name) for name in names]
    stems = [os.path.splitext(name)[0] for name in inside]  # noqa: PTH122 (a million of them)
    shared = Counter(stems)
    found = [
        (name if shared[stem] > 1 else stem) + suffix
        for name, stem in zip(inside, stems, strict=True)
    ]
    taken, seen = set(found), set[str]()
    for index, name in enumerate(found):
        if name in seen:
            stem = name.removesuffix(suffix)
            numbered = (f"{stem}~{number}{suffix}" for number in count(2))
            found[index] = next(other for other in numbered if other not in taken)
            taken.add(found[index])
        seen.add(found[index])
    return found


def _inside(name: str) -> str:
    """Return a name without what would lead out of the folder."""
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith(("/", ".")):
        return "/".join(part for part in parts if part not in ("/", "..", "."))
    return name
