"""One script a contender: `python -m tests.benchmarks.contenders.NAME FOLDER WORKERS [MORE]`.

Each finds the images, reads them all and prints one JSON object: `mean` and `std` on the scale
0..1, and `kind`, which of the stds in circulation that is, in normstat's words. The floor prints
only `kind`.
"""
