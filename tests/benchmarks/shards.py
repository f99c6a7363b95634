"""What does it cost to cut a run into shards? Their start, their listing, and the merge."""

from pathlib import Path

from tests.benchmarks.process import PYTHON, normstat, run_interleaved
from tests.benchmarks.tables import CONSOLE, show

OF = 4


def race_shards(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Run the shards one after the other and merge them; compare with the single run."""
    jobs = ("-j", str(workers))
    parts = [scratch / f"shard-{number}.json" for number in range(1, OF + 1)]
    single, merged = scratch / "single.json", scratch / "merged.json"
    commands = {"single run": normstat(folder, single, *jobs)}
    for number, part in enumerate(parts, 1):
        commands[f"shard {number}/{OF}"] = normstat(
            folder, part, *jobs, "--shard", f"{number}/{OF}"
        )
    commands["merge"] = [
        PYTHON, "-m", "normstat", "merge", *map(str, parts), "-q", "-o", str(merged)
    ]  # fmt: skip
    results = run_interleaved(commands, runs)
    medians = {name: each.median for name, each in results.items()}
    base = medians["single run"]
    together = sum(medians.values()) - base
    rows = [
        [name, f"{median:.2f}", results[name].spread, f"{median / base:.2f}"]
        for name, median in medians.items()
    ]
    rows.append(["all shards and merge", f"{together:.2f}", "", f"{together / base:.2f}"])
    show(f"{OF} shards one after the other, {workers} workers, {runs} runs",
         ["process", "median s", "min .. max", "ratio"], rows)  # fmt: skip
    same = single.read_bytes() == merged.read_bytes()
    CONSOLE.print(f"merged spec is the single run's, byte for byte: {'yes' if same else 'NO'}\n")
