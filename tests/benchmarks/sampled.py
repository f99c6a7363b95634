"""What a tolerance saves, and whether the error that a sample states is true."""

from pathlib import Path

from tests.benchmarks.process import normstat, run_interleaved
from tests.benchmarks.tables import show

TOLERANCES = (0.01, 0.005, 0.002)
_SEEDS = 1000
_IMAGES = 5000  # of the simulation
_LOWEST, _HIGHEST = 0.93, 0.97


def measure_tolerances(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Compare runs with a tolerance with the census."""
    import normstat as library  # noqa: PLC0415 (whoever measures other sections is small)

    options = {"census": (), **{str(each): ("--tolerance", str(each)) for each in TOLERANCES}}
    specs = {name: scratch / f"sampled-{name}.json" for name in options}
    results = run_interleaved(
        {
            name: normstat(folder, specs[name], "-j", str(workers), *each)
            for name, each in options.items()
        },
        runs,
    )
    census, base = library.load(specs["census"]), results["census"].median
    rows = []
    for name, result in results.items():
        spec = library.load(specs[name])
        truth = [*census.mean, *census.std]
        error = max(abs(a - b) for a, b in zip([*spec.mean, *spec.std], truth, strict=True))
        stated = f"{_widest(spec):.4f}" if spec.estimator.sample else ""
        rows.append(
            [name, f"{spec.counts.images:,}", f"{result.median:.2f}", f"{result.median / base:.2f}",
             stated, f"{error:.4f}"]
        )  # fmt: skip
    columns = ["tolerance", "images read", "median s", "of the census", "stated ±", "real error"]
    show(f"Sampling {folder.name}: {census.counts.images:,} images, {runs} runs", columns, rows)


def _widest(spec: "library.Spec") -> float:  # noqa: F821 (for the reader)
    return max(*spec.confidence.mean, *spec.confidence.std)


def simulate_coverage(folder: Path) -> None:
    """Sample the images of a folder with many seeds: how often does the stated error hold?"""
    from tests.simulation import Population, covered, records_of  # noqa: PLC0415 (loads NumPy)

    population = Population(records_of(folder, _IMAGES))
    rows = []
    for tolerance in TOLERANCES:
        held, read = covered(population, tolerance=tolerance, seeds=range(_SEEDS))
        shares = held.mean(axis=0).ravel()
        low, high = min(shares), max(shares)
        within = "yes" if low >= _LOWEST and high <= _HIGHEST else "NO"
        rows.append(
            [str(tolerance), f"{read:,.0f}", f"{low:.3f} .. {high:.3f}", f"{shares.mean():.3f}",
             f"{_LOWEST} .. {_HIGHEST}: {within}"]
        )  # fmt: skip
    show(
        f"Coverage of nominal 95 %: {len(population.names):,} images, {_SEEDS} seeds",
        ["tolerance", "images read", "mean and std by channel", "average", "limit"],
        rows,
    )
