"""Seeded corpora of photo-like JPEGs, made once below `.bench/` and used again.

Only the workers that draw import NumPy and Pillow: who measures must stay small, see
`process.run`.
"""

import os
import shutil
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".bench"
VERSION = 1  # part of each folder's name: raise it when `pictures` draws anything else

_FILES_PER_TASK = 50


@dataclass(frozen=True)
class _Corpus:
    """So many pictures: photos, squares of `side` pixels, or what `kind` says."""

    count: int
    side: int | None = None
    kind: str = ""

    @property
    def name(self) -> str:
        if self.kind:
            return f"{self.kind}-{self.count}"
        return f"squares-{self.side}-{self.count}" if self.side else f"photos-{self.count}"

    def file_name(self, index: int) -> str:
        """Squares lie in ten folders, as classes do."""
        if self.kind:
            suffix = {"gray": "png", "bands": "tif", "masked": "jpg"}[self.kind]
            return f"{'images/' * (self.kind == 'masked')}{index:06d}.{suffix}"
        folder = f"class{index * 10 // self.count}/" if self.side else ""
        return f"{folder}{index:06d}.jpg"


def photos(count: int) -> Path:
    """Return a folder of photo-like JPEGs of about 100 KB."""
    return _made(_Corpus(count))


def squares(count: int, side: int) -> Path:
    """Return a folder of square JPEGs; of 32 × 32 they are about 1 KB, as CIFAR-10's."""
    return _made(_Corpus(count, side))


def large(count: int, size: tuple[int, int]) -> Path:
    """Return a folder of one JPEG of `size` under `count` names."""
    folder = _place(f"large-{size[0]}x{size[1]}-{count}")
    if not folder.exists():
        making = _beside(folder)
        first = making / "0000.jpg"
        with Pool(1) as pool:
            pool.apply(_write_large, (first, size))
        for index in range(1, count):
            os.link(first, making / f"{index:04d}.jpg")
        making.rename(folder)
    return folder


def deep(count: int, kind: str) -> Path:
    """Return a folder of 16-bit gray PNG ("gray"), or of TIFF of 13 bands in tiles ("bands")."""
    return _made(_Corpus(count, kind=kind))


def masked(count: int) -> Path:
    """Return a folder of `images/`, 8-bit photos, and of their `masks/`."""
    return _made(_Corpus(count, kind="masked"))


def single(folder: Path) -> Path:
    """Return a folder that holds only the first image of `folder`."""
    path = HOME / "single"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    shutil.copy(next(each for each in sorted(folder.rglob("*")) if each.is_file()), path)
    return path


def _made(corpus: _Corpus) -> Path:
    """Return the folder of a corpus, which is made when it is missing."""
    folder = _place(corpus.name)
    if folder.exists():
        return folder
    print(f"making {folder.relative_to(HOME.parent)} ...", flush=True)
    making = _beside(folder)
    names = map(corpus.file_name, range(corpus.count))
    for sub in {os.path.dirname(name) for name in names}:
        (making / sub).mkdir(exist_ok=True)
    with Pool() as pool:
        write = partial(_write, making, corpus)
        pool.map(write, range(corpus.count), chunksize=_FILES_PER_TASK)
    making.rename(folder)
    return folder


def _place(name: str) -> Path:
    return HOME / f"{name}-v{VERSION}"


def _beside(folder: Path) -> Path:
    """Return an empty folder to build in, so that a broken run leaves no half corpus."""
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    return making


def _write(folder: Path, corpus: _Corpus, index: int) -> None:
    from tests.benchmarks import pictures  # noqa: PLC0415 (in the worker alone)

    path = folder / corpus.file_name(index)
    if corpus.kind == "gray":
        pictures.gray16(index).save(path)
    elif corpus.kind == "bands":
        pictures.write_bands(index, path)
    elif corpus.kind == "masked":
        pictures.photo(index).save(path, quality=96, subsampling="4:4:4")
        mask = folder / "masks" / f"{index:06d}.png"
        mask.parent.mkdir(exist_ok=True)
        pictures.mask(index).save(mask)
    elif corpus.side:
        pictures.square(index, corpus.side).save(path, quality=88, subsampling="4:2:0")
    else:
        # As ImageNet's files mostly are.
        pictures.photo(index).save(path, quality=96, subsampling="4:4:4")


def _write_large(path: Path, size: tuple[int, int]) -> None:
    from tests.benchmarks import pictures  # noqa: PLC0415 (in the worker alone)

    pictures.large(size).save(path, quality=85)
