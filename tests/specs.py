"""Specs of any kind of pixel, measured from synthetic blocks: what few files can be."""

from array import array

import numpy as np

from normstat.assemble import assemble
from normstat.contents import described
from normstat.sources import Selection
from normstat.sources.base import Listing
from normstat.spec.dataset import Skipped
from normstat.spec.model import Estimator, Spec
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Collector, Facts
from normstat.statistics.blocks import Block, counted

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
NASTY = (
    HOSTILE,
    '"><script>alert(2)</script>.png',
    "' onmouseover='alert(3).png",
    "&lt;b&gt; &amp; ${7*7} {{7*7}} {% raw %}.png",
    "|`x`| [a](javascript:alert(4)) **b** <!-- .png",
    "```\n# heading\n</svg><script>alert(5)</script>.png",
    "\x1b[31mred\u202egnp.exe",
    "caf\udce9.jpg",
    "a" * 300 + ".png",
)


def made(
    kind: str = "rgb8",
    *,
    images: int = 12,
    channels: int = 3,
    skipped: tuple[tuple[str, str], ...] = (),
    roots: tuple[str, ...] = ("somewhere/else",),
    covariance: bool = False,
    constant: bool = False,
    seed: int = 0,
) -> Spec:
    """Return the spec of so many random images of a kind, of slightly unlike brightness."""
    rng = np.random.default_rng(seed)
    collector = Collector(ddof=0, covariance=covariance)
    for index in range(images):
        width, height = int(rng.integers(20, 200)), int(rng.integers(20, 90))
        level = rng.uniform(0.3, 0.6)
        spread = rng.normal(level, 0.15, (channels, width * height)).clip(0, 1)
        values = np.full_like(spread, 0.5) if constant else spread
        if kind.endswith("float"):
            block = values * 40 - 3
        elif "s16" in kind:
            block = (values * 3000 - 1000).astype(np.int16)
        else:
            wide = "16" in kind
            block = (values * (65535 if wide else 255)).astype(np.uint16 if wide else np.uint8)
        facts = Facts("RGB" if channels > 1 else "L", width, height, index == 0, False, False)
        collector.add(counted(kind, facts, [Block(block)], covariance=covariance))
    listing = Listing(
        roots=list(roots),
        names=[f"{index}.png" for index in range(images)],
        sizes=array("q", [100] * images),
    )
    return assemble(
        collector.state(),
        estimator=Estimator(images_listed=images),
        pipeline=Pipeline(),
        dataset=described(listing, Selection()),
        skipped=[Skipped(name=name, reason=reason) for name, reason in skipped],
        percentiles=["1", "50", "99"],
        covariance=covariance,
        software={"normstat": "0.1.0"},
    )


# What a page has to look right for.
PAGES = {
    "rgb": {"covariance": True},
    "gray": {"kind": "gray8", "channels": 1},
    "deep": {"kind": "rgb16"},
    "bands": {"kind": "bands13-16", "channels": 13},
    "signed": {"kind": "gray-s16", "channels": 1},
    "float": {"kind": "rgb-float"},
    "one": {"images": 1},
    "constant": {"constant": True},
    "hostile": {
        "skipped": tuple((name, f"damaged: {name}") for name in NASTY),
        "roots": (HOSTILE,),
    },
    "many": {"skipped": tuple((f"{n:04}.jpg", "is empty") for n in range(1000))},
    "long": {"roots": ("/a/very/long/name/of/a/folder" * 8,)},
}
