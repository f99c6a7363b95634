"""Lists the files, reads them side by side, and judges what was found."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from normstat.backends import BACKENDS, check_jobs, usable_cores
from normstat.errors import UsageError
from normstat.identification import Identification, Known
from normstat.identification.agreement import Values, is_distinct
from normstat.identification.forms import place
from normstat.linting.exemptions import Exemptions
from normstat.linting.kinds import BY_SUFFIX, kind_of
from normstat.linting.model import Described, Finding, Notice, Report
from normstat.linting.pairs import Pair
from normstat.linting.rules import RULES, Case, Expected
from normstat.names import printable
from normstat.presets import load_catalogue
from normstat.registry import several, unknown
from normstat.sources import Selection, list_files
from normstat.spec.files import load_constants
from normstat.spec.model import Constants

LARGEST = 10 << 20  # bytes
MOST_PAIRS = 1000  # of one file
# Other people's code and what tools made.
PASSED_OVER = ("node_modules", "__pycache__", "site-packages", "venv", "*.egg-info")

_BATCH_FILES, _BATCH_BYTES = 250, 2 << 20
_MANY_BYTES = 32 << 20  # up to here the start of workers costs more than they save


def lint(
    *paths: str | os.PathLike[str],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    expect: str | os.PathLike[str] | Constants | None = None,
    exclude: Sequence[str] = (),
    hidden: bool = False,
    preset_files: Sequence[str | os.PathLike[str]] = (),
    jobs: int | None = None,
) -> Report:
    """Find the normalization constants in files and folders, and what is wrong with them.

    Parameters
    ----------
    paths
        Files, and folders that are walked; by default the working folder. Nothing in them is
        imported or run.
    select, ignore
        Codes, or beginnings of codes as "NS00". Empty `select` means all; `ignore` wins.
    expect
        The project's own spec or its file, from which numbers should not differ.
    exclude
        Patterns as of `compute`; these beside `PASSED_OVER`.
    hidden
        Read names that start with a dot.
    preset_files
        YAML files of presets that numbers are compared with, beside normstat's own.
    jobs
        Processes; by default one, and all cores for large trees.

    Returns
    -------
    Report
        The same for any number of jobs.

    Raises
    ------
    SourceError
        A path does not exist, or a folder or file cannot be read.
    SpecError
        `expect` is no spec.
    UsageError
        A code does not exist, of which the nearest is suggested; or `jobs` is below 1.

    Examples
    --------
    >>> import normstat
    >>> normstat.lint("normstat/linting").findings
    []
    """
    check_jobs(jobs)
    codes = _codes(several("select", select), several("ignore", ignore))
    listing = list_files(
        paths or (".",),
        Selection(
            extensions=tuple(BY_SUFFIX),
            exclude=(*PASSED_OVER, *several("exclude", exclude)),
            hidden=hidden,
        ),
    )
    alone = len(listing.roots) == 1 and Path(listing.roots[0]).is_dir()
    root = Path(listing.roots[0] if alone else "")
    batches = [
        [(str(root / name), size) for name, size in zip(names, sizes, strict=True)]
        for names, sizes in _batches(listing.names, listing.sizes)
    ]
    known = Known([preset.spec() for preset in load_catalogue(*preset_files)])
    function = partial(_judge, known=known, codes=codes, expected=_expected(expect))
    jobs = jobs or (usable_cores() if sum(listing.sizes) > _MANY_BYTES else 1)
    engine = BACKENDS.load("serial" if jobs == 1 else "processes")
    notices = [Notice(path=str(root / name), text=text) for name, text in listing.unreadable]
    findings: list[Finding] = []
    pairs: list[Described] = []
    ignored = 0
    for part in engine(function, batches, jobs=jobs):
        findings += part.findings
        pairs += part.pairs
        notices += part.notices
        ignored += part.ignored
    return Report(
        files=len(listing), findings=findings, ignored=ignored, pairs=pairs, notices=notices
    )


def _batches(names: Sequence[str], sizes: Sequence[int]) -> Iterator[tuple[list[str], list[int]]]:
    start = total = 0
    for index, size in enumerate(sizes):
        total += min(size, LARGEST)
        if total >= _BATCH_BYTES or index + 1 - start == _BATCH_FILES:
            yield list(names[start : index + 1]), list(sizes[start : index + 1])
            start, total = index + 1, 0
    if start < len(names):
        yield list(names[start:]), list(sizes[start:])


def _codes(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """Return the codes that count."""
    for code in (*select, *ignore):
        if not any(known.startswith(code.upper()) for known in RULES):
            raise UsageError(unknown("code", code.upper(), RULES))
    chosen = {code for code in RULES if not select or _begins(code, select)}
    return frozenset(code for code in chosen if not _begins(code, ignore))


def _begins(code: str, beginnings: Iterable[str]) -> bool:
    return any(code.startswith(each.upper()) for each in beginnings)


def _expected(expect: str | os.PathLike[str] | Constants | None) -> Expected | None:
    if expect is None:
        return None
    if isinstance(expect, Constants):
        name, spec = "the spec", expect
    else:
        name, spec = printable(Path(expect).name), load_constants(expect)
    top = spec.full_scale or 1.0
    mean, std = (tuple(value / top for value in values) for values in (spec.mean, spec.std))
    return Expected(name, mean, std, tuple(spec.channels))


def _judge(
    batch: Sequence[tuple[str, int]],
    *,
    known: Known,
    codes: frozenset[str],
    expected: Expected | None,
) -> Report:
    """Read some files; this runs in a process of its own."""
    report = Report(files=len(batch), findings=[], ignored=0, pairs=[], notices=[])
    ignored = 0
    told: dict[tuple[Values, Values | None], Identification] = {}
    for path, size in batch:
        found = _read(path, size)
        if isinstance(found, Notice):
            report.notices.append(found)
            continue
        pairs, exemptions = found
        if len(pairs) > MOST_PAIRS:
            text = f"only the first {MOST_PAIRS:,} of {len(pairs):,} pairs were looked at"
            report.notices.append(Notice(path=path, text=text))
            pairs = pairs[:MOST_PAIRS]
        for pair in pairs:
            numbers = (pair.mean, pair.std)
            if numbers not in told:  # most are ImageNet's
                told[numbers] = known.identify(*numbers)
            case = Case(pair, told[numbers], known, expected)
            for finding in _findings(path, case, codes):
                if exemptions.cover(finding.code, pair.spans):
                    ignored += 1
                else:
                    report.findings.append(finding)
            if not pair.derived and _is_worth_telling(case):
                report.pairs.append(_described(path, case))
    report.findings.sort(key=lambda each: (each.path, each.span, each.code))
    return Report(
        files=report.files,
        findings=report.findings,
        ignored=ignored,
        pairs=report.pairs,
        notices=report.notices,
    )


def _findings(path: str, case: Case, codes: frozenset[str]) -> Iterator[Finding]:
    for code, rule in RULES.items():
        if code in codes and (complaint := rule.check(case)):
            yield Finding(
                code=code,
                severity=rule.severity,
                path=path,
                span=case.pair.at(complaint.part),
                text=complaint.text,
                cell=case.pair.cell,
            )


def _is_worth_telling(case: Case) -> bool:
    """Whether numbers are a preset's or go into a normalization; others are somebody's own."""
    best = case.found.best
    if best is not None and best.kind == "mean":
        return is_distinct(case.pair.mean)
    return best is not None or case.pair.normalizes


def _described(path: str, case: Case) -> Described:
    pair, best = case.pair, case.found.best
    text = best.text if best else "numbers of no preset"
    if best is None and (near := case.known.nearest(case.found)):
        first = near[0]
        text += f"; nearest {place(first.preset, first.range, first.order)}"
    return Described(
        path=path,
        span=pair.span,
        cell=pair.cell,
        name=pair.name,
        mean=pair.mean,
        std=pair.std,
        kind=best.kind if best else None,
        text=text,
        presets=best.presets if best else (),
    )


def _read(path: str, size: int) -> Notice | tuple[list[Pair], Exemptions]:
    """Return the pairs of a file, or why it was not read."""
    kind = kind_of(path)
    if kind is None:
        return Notice(path=path, text="not read: neither Python, JSON, YAML, TOML nor a notebook")
    if size > LARGEST:
        return Notice(path=path, text=f"not read: larger than {LARGEST >> 20} MB")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return Notice(path=path, text=f"not read: {error.strerror}")
    if not kind.is_worth_parsing(content):
        return [], Exemptions("")
    try:
        text = _decoded(content)
        pairs = list(kind.pairs(text))
    except (SyntaxError, ValueError, RecursionError) as error:
        return Notice(path=path, text=f"not read: not valid {kind.name}: {_reason(error)}")
    return pairs, Exemptions(text)


def _decoded(content: bytes) -> str:
    """Return text with lines that end in a newline; what is not UTF-8 is taken for Latin-1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: {error.msg}"
    return " ".join(str(error).split()) or type(error).__name__
