"""Make the sample images of this folder: small imitation photographs and odd image files.

Everything is drawn from fixed seeds, so two runs write byte-identical files.  The photographs
are composed in linear light at three times their final size from spectral (1/f) noise, then
"developed": vignetted, tone mapped, reduced and grained.

Usage: python make.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import argparse
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Random = np.random.Generator
Size = tuple[int, int]
Point = tuple[float, float]
HexPair = tuple[str, str]
Shades = tuple[FloatArray, FloatArray]

SUPERSAMPLING = 3
TILE_SIDE = 256
JPEG_QUALITY = 86
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_RGB = 2


# --- Colour, noise and geometry -----------------------------------------------------------


def linear(hex_colour: str) -> FloatArray:
    """Return the linear-light RGB triple of a display colour written as ``rrggbb``."""
    channels = np.frombuffer(bytes.fromhex(hex_colour), dtype=np.uint8)
    return np.asarray((channels / 255.0) ** 2.2, dtype=np.float64)


def smoothstep(low: float, high: float, value: FloatArray) -> FloatArray:
    """Rise smoothly from 0 at ``low`` to 1 at ``high`` (or fall, when ``low > high``)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def mix(start: FloatArray, end: FloatArray, weight: FloatArray | float) -> FloatArray:
    """Blend colours (or colour images); a 2-D ``weight`` is applied to every channel."""
    amount = np.asarray(weight, dtype=np.float64)
    if amount.ndim == 2:
        amount = amount[..., np.newaxis]
    return np.asarray(start + (end - start) * amount)


def hazed(pair: HexPair, air: FloatArray, veil: float) -> Shades:
    """Return a dark and a bright colour as seen through a ``veil`` (0..1) of hazy air."""
    return mix(linear(pair[0]), air, veil), mix(linear(pair[1]), air, veil)


def tint(colour: FloatArray, strength: FloatArray) -> FloatArray:
    """Return an image of one colour whose brightness follows the 2-D ``strength``."""
    return np.asarray(strength[..., np.newaxis] * colour)


def spectral_noise(
    rng: Random, slope: float, shape: Size = (TILE_SIDE, TILE_SIDE), stretch: float = 1.0
) -> FloatArray:
    """Synthesize a seamless noise tile of unit variance with a ``1/frequency**slope`` amplitude.

    ``stretch > 1`` lengthens its features vertically, ``stretch < 1`` horizontally.
    """
    rows = np.fft.fftfreq(shape[0])[:, np.newaxis] * shape[0] * stretch
    columns = np.fft.fftfreq(shape[1])[np.newaxis, :] * shape[1]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal(shape)) / frequency**slope
    tile = np.fft.ifft2(spectrum).real
    return np.asarray(tile / tile.std())


def sample(tile: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """Look a periodic tile up bilinearly; one unit of ``u`` or ``v`` is a whole tile."""
    height, width = tile.shape
    x, y = u * width, v * height
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = x - left, y - top
    x0, x1 = left % width, (left + 1) % width
    y0, y1 = top % height, (top + 1) % height
    upper = tile[y0, x0] * (1 - fx) + tile[y0, x1] * fx
    lower = tile[y1, x0] * (1 - fx) + tile[y1, x1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def blur(image: FloatArray, sigma: float, vertical: float = 1.0) -> FloatArray:
    """Blur an image (or a 2-D mask) with a Gaussian of ``sigma`` pixels, mirrored at the edges.

    Vertically the Gaussian is ``vertical`` times as long.
    """
    margin = min(int(3 * sigma * max(vertical, 1.0)) + 1, min(image.shape[:2]) - 1)
    padding = [(margin, margin), (margin, margin)] + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, padding, mode="reflect")
    rows = np.fft.fftfreq(padded.shape[0])[:, np.newaxis]
    columns = np.fft.rfftfreq(padded.shape[1])[np.newaxis, :]
    response = np.exp(-2.0 * (np.pi * sigma) ** 2 * ((rows * vertical) ** 2 + columns**2))
    if image.ndim == 3:
        response = response[..., np.newaxis]
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * response
    blurred = np.fft.irfft2(spectrum, s=padded.shape[:2], axes=(0, 1))
    return np.asarray(blurred[margin:-margin, margin:-margin])


@dataclass(frozen=True)
class Canvas:
    """The pixel grid of a scene: ``y`` runs 0..1 downwards, ``x`` 0..``aspect`` in same units."""

    x: FloatArray
    y: FloatArray
    aspect: float

    @classmethod
    def of_size(cls, size: Size) -> Canvas:
        """Return the supersampled grid of a photograph of ``size`` (width, height)."""
        width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
        columns = (np.arange(width) + 0.5) / height
        rows = (np.arange(height) + 0.5) / height
        x, y = np.meshgrid(columns, rows)
        return cls(x, y, width / height)

    def plain(self, colour: FloatArray) -> FloatArray:
        """Return an image of one colour."""
        return np.broadcast_to(colour, (*self.x.shape, 3)).copy()

    def distance(self, centre: Point) -> FloatArray:
        """Return every pixel's distance from a point."""
        return np.asarray(np.hypot(self.x - centre[0], self.y - centre[1]))

    def column(self, x: float) -> int:
        """Return the nearest pixel column to the coordinate ``x``."""
        return int(np.clip(x * self.x.shape[0], 0, self.x.shape[1] - 1))

    def noise(
        self, tile: FloatArray, scale: float, shift: Point = (0.0, 0.0), squash: float = 1.0
    ) -> FloatArray:
        """Look a noise tile up over the picture plane."""
        return sample(tile, self.x * scale + shift[0], self.y * scale * squash + shift[1])

    def ridge(self, rng: Random, slope: float = 1.3, scale: float = 0.35) -> FloatArray:
        """Return a fractal skyline: one noise value per column, spread over the grid."""
        profile = spectral_noise(rng, slope, (1, 1024))
        return sample(profile, self.x * scale + rng.random(), np.zeros_like(self.x))


def hillshade(canvas: Canvas, tile: FloatArray, scale: float, light: float) -> FloatArray:
    """Shade a noise relief lit from above and from ``light`` (-1 left, 1 right)."""
    step = 2.0 / TILE_SIDE
    relief = canvas.noise(tile, scale)
    towards_light = canvas.noise(tile, scale, (light * step, -step))
    return np.asarray(0.5 + 0.5 * np.tanh(2.6 * (relief - towards_light)))


# --- Development: from linear light to a finished picture -----------------------------------


def bloom(canvas: Canvas, image: FloatArray, amount: float, radius: float = 0.03) -> FloatArray:
    """Let bright parts of the picture glow."""
    height = canvas.y.shape[0]
    highlights = np.clip(image - 0.35, 0.0, 4.0)
    glow = blur(highlights, radius * height) + 0.5 * blur(highlights, 3 * radius * height)
    return np.asarray(image + amount * glow)


def vignette(canvas: Canvas, amount: float) -> FloatArray:
    """Return the brightness fall-off towards the corners of a lens."""
    radius = canvas.distance((canvas.aspect / 2, 0.5)) / np.hypot(canvas.aspect / 2, 0.5)
    return np.asarray(1.0 - amount * radius**2.5)


def reduce(image: FloatArray) -> FloatArray:
    """Average the supersampled pixels."""
    height, width = image.shape[0] // SUPERSAMPLING, image.shape[1] // SUPERSAMPLING
    blocks = image.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3)
    return np.asarray(blocks.mean(axis=(1, 3)))


def tone_map(image: FloatArray) -> FloatArray:
    """Compress highlights softly and encode linear light for display."""
    light = np.clip(image, 0.0, None)
    knee = 0.65
    shoulder = knee + (1 - knee) * (1 - np.exp(-(light - knee) / (1 - knee)))
    return np.asarray(np.where(light > knee, shoulder, light) ** (1 / 2.2))


def film_grain(rng: Random, shape: Size, amount: float) -> FloatArray:
    """Return mostly luminance noise with a little colour."""
    luminance = blur(rng.standard_normal(shape), 0.45)[..., np.newaxis]
    colour = blur(rng.standard_normal((*shape, 3)), 0.7)
    return np.asarray(amount * (luminance + 0.6 * colour))


def develop(
    canvas: Canvas, rng: Random, image: FloatArray, exposure: float, grain: float
) -> FloatArray:
    """Turn a composed scene into a display-encoded picture with values in 0..1."""
    exposed = image * exposure * vignette(canvas, 0.38)[..., np.newaxis]
    picture = tone_map(reduce(exposed))
    picture += film_grain(rng, picture.shape[:2], grain)
    return np.asarray(np.clip(picture, 0.0, 1.0))


# --- Sky, water and land --------------------------------------------------------------------


@dataclass(frozen=True)
class Sky:
    """Colours and weather above a horizon at height ``horizon`` (0 top, 1 bottom)."""

    zenith: str
    low: str
    cloud_lit: str
    cloud_shade: str
    horizon: float
    cloudiness: float
    sun: str
    sun_at: Point
    sun_size: float
    sun_glow: float
    moon: bool = False


def foam_colour(sky: Sky) -> FloatArray:
    """Return the colour of white foam under this sky."""
    low = linear(sky.low)
    return mix(low, np.full(3, 1.15 * float(low.max())), 0.75)


def paint_sky(canvas: Canvas, rng: Random, sky: Sky) -> FloatArray:
    """Paint a graded sky with perspective clouds and a glowing sun (or moon)."""
    elevation = np.clip((sky.horizon - canvas.y) / max(sky.horizon, 0.3), 0.0, 1.0)
    image = mix(linear(sky.low), linear(sky.zenith), elevation**0.7)
    centre = (sky.sun_at[0] * canvas.aspect, sky.sun_at[1])
    away = canvas.distance(centre)
    halo = np.exp(-away / 0.10) + 0.35 * np.exp(-away / 0.35)
    disc = smoothstep(sky.sun_size + 0.003, sky.sun_size - 0.003, away) * (sky.sun_size > 0)
    sunlight = linear(sky.sun)
    if sky.moon:
        maria = canvas.noise(spectral_noise(rng, 1.6), 3.0)
        disc *= np.clip(0.30 + 0.09 * maria, 0.1, 0.5)
    image += tint(sunlight, sky.sun_glow * halo + 2.5 * disc)
    cover, brightness = cloud_cover(canvas, rng, sky, elevation, centre)
    clouds = mix(linear(sky.cloud_shade), linear(sky.cloud_lit), brightness)
    clouds += tint(sunlight, 0.9 * sky.sun_glow * np.exp(-away / 0.28) * brightness)
    return mix(image, clouds, cover)


def cloud_cover(
    canvas: Canvas, rng: Random, sky: Sky, elevation: FloatArray, sun: Point
) -> tuple[FloatArray, FloatArray]:
    """Return how opaque and how brightly lit the clouds are at every pixel."""
    tile = spectral_noise(rng, 1.75)
    depth = 1.0 / (elevation + 0.22)
    u = (canvas.x - canvas.aspect / 2) * depth * 0.11 + rng.random()
    v = depth * 0.16 + rng.random()
    density = sample(tile, u, v)
    lean = np.tanh((sun[0] - canvas.x) / 0.3) * 0.012
    shadowed = sample(tile, u + lean, v + 0.018)
    edge = 1.3 - 2.6 * sky.cloudiness
    cover = smoothstep(edge - 0.35, edge + 0.75, density) * smoothstep(0.0, 0.12, elevation)
    brightness = np.clip(0.62 + 0.9 * (density - shadowed) - 0.22 * (density - edge), 0.0, 1.0)
    return np.asarray(0.94 * cover), brightness


@dataclass(frozen=True)
class Terrain:
    """A hillside reaching from its ``crest`` line down to the row ``base``."""

    crest: FloatArray
    shades: Shades
    base: float = 2.0
    light: float = -1.0


def paint_terrain(canvas: Canvas, rng: Random, image: FloatArray, hill: Terrain) -> FloatArray:
    """Paint a hillside shaded by its relief."""
    relief = hillshade(canvas, spectral_noise(rng, 1.5), 0.6, hill.light)
    mask = smoothstep(-0.002, 0.003, canvas.y - hill.crest) * (canvas.y < hill.base)
    return mix(image, mix(*hill.shades, relief), mask)


@dataclass(frozen=True)
class Water:
    """How a water surface looks; ``choppiness`` 0 is a mirror."""

    deep: str
    choppiness: float
    foam: float
    clarity: float = 0.0
    shallow: str = "4fb0a8"


def reflect(canvas: Canvas, image: FloatArray, horizon: float, offset: FloatArray) -> FloatArray:
    """Mirror what stands above the horizon, shifting rows by ``offset``."""
    height, width = canvas.y.shape
    mirrored = 2 * horizon - canvas.y - offset
    rows = np.clip((mirrored * height).astype(np.int64), 0, max(int(horizon * height) - 2, 0))
    shift = (offset * 0.5 * height).astype(np.int64)
    columns = np.clip(np.arange(width)[np.newaxis, :] + shift, 0, width - 1)
    return np.asarray(image[rows, columns])


def paint_water(
    canvas: Canvas, rng: Random, image: FloatArray, sky: Sky, water: Water
) -> FloatArray:
    """Paint water below the horizon: waves, mirrored scene, sun glitter and whitecaps."""
    horizon = sky.horizon
    near = np.clip((canvas.y - horizon) / (1 - horizon), 0.0, 1.0)
    depth = 1.0 / (near + 0.07)
    u, v = (canvas.x - canvas.aspect / 2) * depth * 0.08, depth * 0.42
    swell = spectral_noise(rng, 1.5, stretch=0.55)
    ripple = spectral_noise(rng, 0.8, stretch=0.45)
    waves = 0.75 * sample(swell, u, v) + 0.55 * sample(ripple, u * 2.1, v * 1.3)
    slope = waves * water.choppiness
    smear = (0.002 + 0.004 * water.choppiness) * canvas.y.shape[0]
    calm = blur(np.clip(image, 0.0, 1.2), smear, vertical=1.0 + 7.0 * water.choppiness)
    tilt = 0.07 * water.choppiness**2 * smoothstep(0.0, 0.3, near)
    mirrored = reflect(canvas, calm, horizon, slope * (0.02 + 0.10 * near) + tilt)
    body = mix(linear(water.deep), linear(water.shallow), water.clarity * near)
    fresnel = np.clip(0.88 - 0.60 * near**0.7 + 0.30 * slope, 0.06, 0.97)
    surface = mix(body * (1.0 + 0.45 * slope[..., np.newaxis]), mirrored, fresnel)
    surface += tint(linear(sky.sun), glitter(canvas, sky, near, waves))
    caps = smoothstep(2.3 - water.foam, 2.9 - water.foam, waves) * smoothstep(0.02, 0.3, near)
    surface = mix(surface, foam_colour(sky), caps * (water.foam > 0))
    mask = smoothstep(-0.001, 0.003, canvas.y - horizon)
    return mix(image, np.clip(surface, 0.0, None), mask)


def glitter(canvas: Canvas, sky: Sky, near: FloatArray, waves: FloatArray) -> FloatArray:
    """Return the strength of the sun's broken reflection on waves."""
    spread = 0.05 + 0.16 * near
    column = np.exp(-(((canvas.x - sky.sun_at[0] * canvas.aspect) / spread) ** 2))
    sparkle = smoothstep(0.0, 1.7, waves)
    visible = 1.0 if sky.sun_at[1] < sky.horizon else 0.0
    return np.asarray(visible * 2.2 * sky.sun_glow * column * (0.12 + sparkle))


# --- Coast ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coast:
    """A seaside view; ``headland`` is -1 (left), 1 (right) or 0 (open sea)."""

    size: Size
    sky: Sky
    water: Water
    headland: int
    land: HexPair
    exposure: float
    foreground: str = ""
    ground: HexPair = ("000000", "ffffff")
    boats: int = 0


def paint_headlands(canvas: Canvas, rng: Random, image: FloatArray, coast: Coast) -> FloatArray:
    """Paint receding headlands that slope down into the sea, hazier with distance."""
    side = canvas.x / canvas.aspect if coast.headland > 0 else 1 - canvas.x / canvas.aspect
    horizon, haze = coast.sky.horizon, linear(coast.sky.low)
    light = float(np.sign(coast.sky.sun_at[0] - 0.5))
    for reach, height, veil in ((0.15, 0.10, 0.70), (0.40, 0.17, 0.42), (0.66, 0.27, 0.08)):
        envelope = smoothstep(reach, reach + 0.45, side)
        rise = envelope * height * (0.85 + 0.22 * canvas.ridge(rng)) - 0.004
        shades = hazed(coast.land, haze, veil)
        hill = Terrain(horizon - rise, shades, horizon + 0.01, light)
        image = paint_terrain(canvas, rng, image, hill)
    return image


def paint_boat(canvas: Canvas, image: FloatArray, at: Point, height: float) -> FloatArray:
    """Paint a small sailing boat whose waterline is at the point ``at``."""
    dx, up = (canvas.x - at[0]) / height, (at[1] - canvas.y) / height
    sail = (up > 0.16) & (up < 1.0) & (dx > 0.02) & (dx < 0.42 * (1.05 - up))
    jib = (up > 0.18) & (up < 0.8) & (dx < -0.02) & (dx > -0.3 * (0.85 - up))
    hull = (up > 0.0) & (up < 0.13) & (np.abs(dx + 0.03) < 0.33 + 0.6 * up)
    image = mix(image, linear("f6f1e6"), (sail | jib).astype(np.float64))
    return mix(image, linear("2c2a30"), hull.astype(np.float64))


def paint_beach(canvas: Canvas, rng: Random, image: FloatArray, coast: Coast) -> FloatArray:
    """Paint sand in front of the sea, with foam running up and a wet margin."""
    lean = rng.uniform(-0.22, 0.22)
    level = coast.sky.horizon + (1 - coast.sky.horizon) * rng.uniform(0.52, 0.66)
    shore = level + lean * (canvas.x / canvas.aspect - 0.5) + 0.018 * canvas.ridge(rng, 1.5, 0.5)
    inland = canvas.y - shore
    fine = canvas.noise(spectral_noise(rng, 0.6), 1.8, squash=2.0)
    dunes = canvas.noise(spectral_noise(rng, 1.6), 0.5, squash=2.5)
    sand = mix(linear(coast.ground[0]), linear(coast.ground[1]), 0.5 + 0.22 * dunes + 0.13 * fine)
    wet = smoothstep(0.13, 0.02, inland)
    sheen = mix(sand * 0.45, linear(coast.sky.low), 0.28)
    sand = mix(sand, sheen, wet)
    image = mix(image, np.clip(sand, 0.0, None), smoothstep(-0.004, 0.01, inland))
    lace = canvas.noise(spectral_noise(rng, 1.1), 1.0, squash=2.2)
    for offset, width, strength in ((0.0, 0.022, 0.95), (-0.10, 0.020, 0.75), (-0.19, 0.012, 0.5)):
        band = np.exp(-(((inland - offset - 0.012 * lace) / width) ** 2))
        foam = band * smoothstep(-0.9, 0.9, lace + 0.5) * strength
        image = mix(image, foam_colour(coast.sky), foam)
    return image


def paint_rocks(canvas: Canvas, rng: Random, image: FloatArray, coast: Coast) -> FloatArray:
    """Paint dark wet rocks along the bottom, with surf at their feet."""
    side = rng.choice([-1.0, 1.0]) * (canvas.x / canvas.aspect - 0.5)
    crest = 0.86 - 0.34 * side + 0.05 * canvas.ridge(rng, 1.35, 0.45)
    light = float(np.sign(coast.sky.sun_at[0] - 0.5))
    boulders = hillshade(canvas, spectral_noise(rng, 2.1), 0.55, light)
    cracks = hillshade(canvas, spectral_noise(rng, 1.25, stretch=0.6), 0.7, light)
    stone = mix(linear(coast.ground[0]), linear(coast.ground[1]), boulders * (0.25 + cracks))
    spray = canvas.noise(spectral_noise(rng, 1.3), 0.9)
    depth = canvas.y - crest
    surf = np.exp(-(((depth + 0.015) / 0.03) ** 2)) * smoothstep(-0.4, 1.2, spray)
    stone = mix(stone * 0.7, stone, smoothstep(0.0, 0.12, depth))
    image = mix(image, stone, smoothstep(-0.003, 0.004, depth - 0.012 * spray))
    return mix(image, foam_colour(coast.sky), 0.85 * surf)


def compose_coast(rng: Random, coast: Coast) -> FloatArray:
    """Render a seaside photograph."""
    canvas = Canvas.of_size(coast.size)
    image = paint_sky(canvas, rng, coast.sky)
    if coast.headland:
        image = paint_headlands(canvas, rng, image, coast)
    image = paint_water(canvas, rng, image, coast.sky, coast.water)
    for _ in range(coast.boats):
        at = (rng.uniform(0.15, 0.85) * canvas.aspect, coast.sky.horizon + rng.uniform(0.01, 0.05))
        image = paint_boat(canvas, image, at, rng.uniform(0.07, 0.13))
    if coast.foreground == "beach":
        image = paint_beach(canvas, rng, image, coast)
    elif coast.foreground == "rocks":
        image = paint_rocks(canvas, rng, image, coast)
    image = bloom(canvas, image, 0.12)
    return develop(canvas, rng, image, coast.exposure, 0.009)


# fmt: off
COASTS = (
    Coast(
        size=(240, 160),
        sky=Sky(
            zenith="2f6fb5", low="bcd8e8", cloud_lit="ffffff", cloud_shade="9fb0c2", horizon=0.46,
            cloudiness=0.48, sun="fff6e0", sun_at=(0.8, 0.1), sun_size=0.0, sun_glow=0.1,
        ),
        water=Water(deep="0d4a6b", choppiness=0.55, foam=0.25, clarity=0.8, shallow="3fa7a5"),
        headland=-1, land=("2d3a24", "8a8a5c"), foreground="beach", ground=("b59a6d", "ead9b2"),
        exposure=1.0, boats=1,
    ),
    Coast(
        size=(200, 150),
        sky=Sky(
            zenith="3b3f6e", low="f0a060", cloud_lit="ffb27a", cloud_shade="5a4766", horizon=0.58,
            cloudiness=0.52, sun="ffb050", sun_at=(0.42, 0.5), sun_size=0.045, sun_glow=0.55,
        ),
        water=Water(deep="1c2238", choppiness=0.5, foam=0.0),
        headland=1, land=("1c1520", "3d2a30"), exposure=0.9,
    ),
    Coast(
        size=(150, 200),
        sky=Sky(
            zenith="5f6b78", low="b4bcc2", cloud_lit="c9ced2", cloud_shade="59626c", horizon=0.4,
            cloudiness=0.78, sun="dfe4e8", sun_at=(0.6, 0.1), sun_size=0.0, sun_glow=0.05,
        ),
        water=Water(deep="27353b", choppiness=0.85, foam=0.9),
        headland=0, land=("000000", "ffffff"), foreground="rocks", ground=("14110f", "5d5248"),
        exposure=0.85,
    ),
    Coast(
        size=(200, 133),
        sky=Sky(
            zenith="1b7fc4", low="c5eaf2", cloud_lit="ffffff", cloud_shade="b9cfdc", horizon=0.38,
            cloudiness=0.36, sun="fffbe8", sun_at=(0.2, 0.08), sun_size=0.0, sun_glow=0.12,
        ),
        water=Water(deep="0b6f94", choppiness=0.45, foam=0.1, clarity=1.0, shallow="62d0c4"),
        headland=1, land=("24401f", "7d9a50"), foreground="beach", ground=("d8bf94", "fbf0d6"),
        exposure=1.15, boats=2,
    ),
    Coast(
        size=(160, 160),
        sky=Sky(
            zenith="b8a3b8", low="f6d3c3", cloud_lit="fbe3da", cloud_shade="a98fa8", horizon=0.55,
            cloudiness=0.42, sun="ffdcb8", sun_at=(0.7, 0.47), sun_size=0.03, sun_glow=0.35,
        ),
        water=Water(deep="6d6d88", choppiness=0.28, foam=0.0),
        headland=-1, land=("4c4358", "8b7788"), exposure=1.1, boats=1,
    ),
    Coast(
        size=(256, 144),
        sky=Sky(
            zenith="2a3340", low="8a949a", cloud_lit="9aa3a8", cloud_shade="252c36", horizon=0.36,
            cloudiness=0.86, sun="c8d0d4", sun_at=(0.3, 0.2), sun_size=0.0, sun_glow=0.08,
        ),
        water=Water(deep="1a2a2e", choppiness=0.95, foam=1.05),
        headland=-1, land=("15191a", "3a403a"), foreground="rocks", ground=("0c0c0e", "4a4844"),
        exposure=1.0,
    ),
    Coast(
        size=(192, 192),
        sky=Sky(
            zenith="23406e", low="f5c98a", cloud_lit="ffd9a6", cloud_shade="6d6680", horizon=0.5,
            cloudiness=0.44, sun="ffd890", sun_at=(0.24, 0.4), sun_size=0.035, sun_glow=0.5,
        ),
        water=Water(deep="173048", choppiness=0.6, foam=0.1),
        headland=1, land=("1d1a1c", "6a4c34"), foreground="beach", ground=("6b4a35", "b98a5e"),
        exposure=0.95,
    ),
    Coast(
        size=(220, 165),
        sky=Sky(
            zenith="86a7bd", low="e6ebe9", cloud_lit="f4f5f3", cloud_shade="b7c2c8", horizon=0.52,
            cloudiness=0.6, sun="ffffff", sun_at=(0.5, 0.2), sun_size=0.0, sun_glow=0.15,
        ),
        water=Water(deep="5c7f86", choppiness=0.4, foam=0.0),
        headland=-1, land=("4e6258", "93a08a"), exposure=1.2, boats=2,
    ),
    Coast(
        size=(160, 240),
        sky=Sky(
            zenith="10539c", low="a8cfe6", cloud_lit="ffffff", cloud_shade="8fa5ba", horizon=0.56,
            cloudiness=0.55, sun="fff2d8", sun_at=(0.85, 0.1), sun_size=0.0, sun_glow=0.1,
        ),
        water=Water(deep="0b3f5f", choppiness=0.7, foam=0.55),
        headland=1, land=("3a3122", "a58a5f"), foreground="rocks", ground=("251f18", "9a825f"),
        exposure=0.95,
    ),
    Coast(
        size=(225, 150),
        sky=Sky(
            zenith="2b1f4a", low="e0503c", cloud_lit="ff8a60", cloud_shade="3a2340", horizon=0.62,
            cloudiness=0.62, sun="ff8038", sun_at=(0.6, 0.57), sun_size=0.05, sun_glow=0.5,
        ),
        water=Water(deep="180f24", choppiness=0.4, foam=0.0),
        headland=-1, land=("0c080f", "1e1219"), exposure=0.85, boats=1,
    ),
)
# fmt: on


# --- Forest ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Woodland:
    """The inside of a wood, looking towards a bright opening ``glow_at``."""

    size: Size
    glow: str
    gloom: str
    leaves: HexPair
    bark: HexPair
    floor: HexPair
    glow_at: Point
    leafiness: float
    trunks: int
    haze: float
    exposure: float
    path: str = ""
    shafts: float = 0.0
    birch: bool = False


def paint_forest_floor(
    canvas: Canvas, rng: Random, image: FloatArray, wood: Woodland
) -> FloatArray:
    """Paint litter and undergrowth in perspective, dappled with light, perhaps with a path."""
    horizon = wood.glow_at[1] + 0.10
    near = np.clip((canvas.y - horizon) / (1 - horizon), 0.0, 1.0)
    depth = 1.0 / (near + 0.12)
    across = (canvas.x - wood.glow_at[0] * canvas.aspect) * depth
    litter = sample(spectral_noise(rng, 0.75), across * 0.22, depth * 0.30)
    patches = sample(spectral_noise(rng, 1.5), across * 0.10, depth * 0.16)
    ground = mix(
        linear(wood.floor[0]), linear(wood.floor[1]), 0.42 + 0.30 * litter + 0.15 * patches
    )
    if wood.path:
        bend = 0.35 * np.sin(depth * 0.55 + rng.uniform(0, 6))
        edge = np.abs(across - bend) + 0.06 * litter
        trodden = linear(wood.path) * np.clip(1 + 0.2 * litter, 0.4, 1.6)[..., np.newaxis]
        ground = mix(ground, trodden, smoothstep(0.46, 0.30, edge))
    dapples = smoothstep(0.3, 1.1, patches + 0.35 * litter)
    ground = ground + tint(linear(wood.glow), 0.22 * dapples)
    misty = mix(linear(wood.glow), ground, np.clip(1 - wood.haze * (1 - near) ** 3, 0.0, 1.0))
    return mix(image, np.clip(misty, 0.0, None), smoothstep(-0.02, 0.05, canvas.y - horizon))


@dataclass(frozen=True)
class Trunk:
    """A tree trunk; ``light`` is the side it is lit from (-1 left, 1 right)."""

    foot: Point
    width: float
    lean: float
    shades: Shades
    light: float
    birch: bool


def paint_trunk(canvas: Canvas, image: FloatArray, bark: FloatArray, trunk: Trunk) -> FloatArray:
    """Paint one round, bark-textured trunk standing on its foot and leaving the frame above."""
    x, row = trunk.foot
    above = row - canvas.y
    sway = trunk.width * 0.16 * np.sin(canvas.y * 6.0 + x * 40.0)
    flare = 0.55 * np.exp(-np.clip(above, 0.0, None) / (trunk.width * 0.6))
    half = 0.5 * trunk.width * (1.05 - 0.28 * np.clip(above, 0.0, 1.0) + flare)
    offset = (canvas.x - x - trunk.lean * above - sway) / half
    grooves = sample(bark, offset * 0.18 + x, canvas.y * 0.7)
    roundness = np.clip(0.5 + 0.42 * trunk.light * offset - 0.25 * offset**2, 0.0, 1.0)
    wood = mix(*trunk.shades, np.clip(roundness + 0.16 * grooves, 0.0, 1.2))
    if trunk.birch:
        scars = sample(bark.T, offset * 0.05 + x, canvas.y * 0.55)
        wood = mix(wood, trunk.shades[0] * 0.25, smoothstep(1.0, 1.35, scars))
    foot_line = 0.02 * trunk.width * grooves - 0.25 * half * (1 - np.clip(offset, -1, 1) ** 2)
    mask = smoothstep(1.06, 0.92, np.abs(offset)) * smoothstep(-0.006, 0.004, above - foot_line)
    return mix(image, wood, mask)


@dataclass(frozen=True)
class Foliage:
    """Leafy masses hanging from above down to about the row ``ceiling``."""

    shades: Shades
    scale: float
    ceiling: float
    density: float


def paint_foliage(canvas: Canvas, rng: Random, image: FloatArray, leaves: Foliage) -> FloatArray:
    """Paint clumps of leaves, brighter on top than below."""
    clumps = spectral_noise(rng, 1.25)
    shift = (rng.random(), rng.random())
    mass = canvas.noise(clumps, leaves.scale, shift)
    lower = canvas.noise(clumps, leaves.scale, (shift[0] + 0.008, shift[1] - 0.014))
    detail = canvas.noise(spectral_noise(rng, 0.55), 1.15, shift)
    low = smoothstep(leaves.ceiling - 0.35, leaves.ceiling + 0.12, canvas.y)
    allowed = smoothstep(leaves.ceiling + 0.16, leaves.ceiling + 0.02, canvas.y)
    hanging = 1.3 * leaves.density - 3.2 * low
    cover = smoothstep(-0.15, 0.25, mass + 0.45 * detail + hanging) * allowed
    light = np.clip(0.42 + 0.75 * (mass - lower) + 0.26 * detail, 0.0, 1.25)
    return mix(image, mix(*leaves.shades, light), cover)


def paint_shafts(canvas: Canvas, rng: Random, image: FloatArray, wood: Woodland) -> FloatArray:
    """Add slanting sunbeams fanning out from above the bright opening."""
    source = (wood.glow_at[0] * canvas.aspect + 0.25, -0.45)
    angle = np.arctan2(canvas.x - source[0], canvas.y - source[1])
    rays = sample(spectral_noise(rng, 0.9, (1, 512)), angle * 0.55, np.zeros_like(angle))
    fading = smoothstep(1.05, 0.1, canvas.y) * np.exp(-np.abs(canvas.x - source[0] + 0.2) / 0.9)
    beams = smoothstep(-0.1, 1.6, rays) * fading
    return np.asarray(image + tint(linear(wood.glow), wood.shafts * beams))


def paint_trees(
    canvas: Canvas, rng: Random, image: FloatArray, wood: Woodland, nearness: float
) -> FloatArray:
    """Paint one layer of trees: trunks in loose order and the foliage before them."""
    veil = min(wood.haze * (1 - nearness) ** 1.4, 0.92)
    bark_shades = hazed(wood.bark, linear(wood.glow), veil)
    bark = spectral_noise(rng, 0.9, stretch=0.25)
    count = max(1, round(wood.trunks * (2.4 - 2.05 * nearness)))
    for x in (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * canvas.aspect:
        row = wood.glow_at[1] + 0.13 + 0.34 * nearness**1.6 + rng.uniform(-0.01, 0.03)
        trunk = Trunk(
            foot=(float(x), row),
            width=(0.012 + 0.075 * nearness**1.8) * rng.uniform(0.55, 1.3),
            lean=rng.uniform(-0.06, 0.06),
            shades=bark_shades,
            light=1.0 if wood.glow_at[0] > 0.5 else -1.0,
            birch=wood.birch,
        )
        image = paint_trunk(canvas, image, bark, trunk)
    leaves = Foliage(
        shades=hazed(wood.leaves, linear(wood.glow), veil),
        scale=0.75 - 0.3 * nearness,
        ceiling=wood.glow_at[1] + 0.12 - 0.30 * nearness,
        density=wood.leafiness - 0.35 * nearness,
    )
    return paint_foliage(canvas, rng, image, leaves)


def compose_woodland(rng: Random, wood: Woodland) -> FloatArray:
    """Render a photograph taken inside a wood, layer by layer from far to near."""
    canvas = Canvas.of_size(wood.size)
    centre = (wood.glow_at[0] * canvas.aspect, wood.glow_at[1])
    openness = np.exp(-((canvas.distance(centre) / 0.55) ** 1.6))
    backdrop = mix(linear(wood.gloom), linear(wood.glow), np.clip(openness + 0.12, 0.0, 1.0))
    image = paint_forest_floor(canvas, rng, backdrop, wood)
    for nearness in (0.0, 0.25, 0.5, 0.75):
        image = paint_trees(canvas, rng, image, wood, nearness)
    image = paint_shafts(canvas, rng, image, wood)
    image = paint_trees(canvas, rng, image, wood, 1.0)
    image = bloom(canvas, image, 0.10)
    return develop(canvas, rng, image, wood.exposure, 0.010)


@dataclass(frozen=True)
class Slopes:
    """Conifer-clad ridges fading into mist, optionally above a still lake."""

    size: Size
    sky: Sky
    near: HexPair
    mist: str
    top: float
    ridges: int
    exposure: float
    snow: float = 0.0
    lake: str = ""


@dataclass(frozen=True)
class ConiferStand:
    """What the conifers of one ridge, standing along its ``crest``, have in common."""

    crest: FloatArray
    shades: Shades
    texture: FloatArray
    light: float
    frost: FloatArray
    snow: float = 0.0


@dataclass(frozen=True)
class Conifer:
    """A spruce at ``x`` whose foot lies ``sunk`` below the crest of its stand."""

    x: float
    sunk: float
    height: float


def paint_conifer(
    canvas: Canvas, rng: Random, image: FloatArray, stand: ConiferStand, tree: Conifer
) -> None:
    """Paint one spruce into ``image``, touching only the columns it covers."""
    height, reach = tree.height, 0.26 * tree.height
    strip = np.s_[:, canvas.column(tree.x - reach) : canvas.column(tree.x + reach) + 1]
    across, texture = canvas.x[strip] - tree.x, stand.texture[strip]
    foot = stand.crest[0, canvas.column(tree.x)] + tree.sunk
    down = (canvas.y[strip] - foot + height) / height
    bough = (down * rng.uniform(6, 9) + 0.3 * np.sign(across) + 0.15 * texture) % 1.0
    spread = height * (0.008 + rng.uniform(0.15, 0.20) * np.clip(down, 0.0, None) ** 0.85)
    half = spread * (0.72 + 0.28 * bough + 0.10 * texture)
    side = across / (half + 1e-3) * stand.light
    needles = mix(*stand.shades, np.clip(0.40 + 0.28 * side + 0.30 * texture, 0.0, 1.0))
    lying_snow = smoothstep(-0.1, 0.9, 0.3 + 0.4 * texture + 0.35 * side - 0.4 * bough)
    needles = mix(needles, stand.frost, lying_snow * stand.snow)
    mask = smoothstep(0.002, -0.003, np.abs(across) - half) * (down > 0)
    image[strip] = mix(image[strip], needles, mask)


def plant_conifers(
    canvas: Canvas, rng: Random, image: FloatArray, stand: ConiferStand, height: float
) -> None:
    """Plant a dense row of conifers of about the given height along the crest."""
    for position in np.arange(-0.05, canvas.aspect + 0.05, height * 0.19):
        x = float(position) + rng.uniform(-0.4, 0.4) * height * 0.2
        sunk = rng.uniform(0.25, 0.45) * height
        tree = Conifer(x, sunk, height * rng.uniform(0.45, 1.25))
        paint_conifer(canvas, rng, image, stand, tree)


def paint_ridge(
    canvas: Canvas, rng: Random, image: FloatArray, slopes: Slopes, nearness: float
) -> FloatArray:
    """Paint one wooded ridge with mist lying below it."""
    mist = linear(slopes.mist)
    veil = 0.86 * (1 - nearness) ** 0.9
    bottom = slopes.sky.horizon if slopes.lake else 1.0
    level = slopes.top + (bottom - 0.06 - slopes.top) * nearness**1.3
    calmness = 1 - 0.8 * nearness * bool(slopes.lake)
    tilt = rng.uniform(-0.30, 0.30) * (canvas.x / canvas.aspect - 0.5)
    crest = level + calmness * (tilt + 0.04 * canvas.ridge(rng))
    needles = hazed(slopes.near, mist, veil)
    snow = mix(linear("f3f6fa"), mist, 0.5 * veil)
    ground = (mix(needles[0], snow, 0.8 * slopes.snow), mix(needles[1], snow, 0.8 * slopes.snow))
    drift = smoothstep(0.0, 0.30, canvas.y - crest) * (0.75 * (1 - nearness))
    hill = mix(paint_terrain(canvas, rng, image, Terrain(crest, ground)), mist, drift)
    image = mix(image, hill, (canvas.y >= crest).astype(np.float64))
    texture = canvas.noise(spectral_noise(rng, 0.8), 1.1)
    light = 1.0 if slopes.sky.sun_at[0] > 0.5 else -1.0
    stand = ConiferStand(crest, needles, texture, light, snow, slopes.snow)
    plant_conifers(canvas, rng, image, stand, 0.07 + 0.20 * nearness**1.5)
    lying = canvas.noise(spectral_noise(rng, 1.7), 0.35, squash=3.0)
    bank = smoothstep(0.02, 0.22, canvas.y - crest) * smoothstep(-0.4, 1.4, lying)
    return mix(image, mist, bank * 0.65 * (1 - nearness))


def compose_slopes(rng: Random, slopes: Slopes) -> FloatArray:
    """Render a photograph of forested ridges."""
    canvas = Canvas.of_size(slopes.size)
    image = paint_sky(canvas, rng, slopes.sky)
    for ridge in range(1, slopes.ridges + 1):
        image = paint_ridge(canvas, rng, image, slopes, ridge / slopes.ridges)
    if slopes.lake:
        image = paint_water(canvas, rng, image, slopes.sky, Water(slopes.lake, 0.22, 0.0))
    image = bloom(canvas, image, 0.10)
    return develop(canvas, rng, image, slopes.exposure, 0.010)


Forest = Woodland | Slopes


# fmt: off
FORESTS: tuple[Forest, ...] = (
    Woodland(
        size=(200, 150), glow="eef3c4", gloom="1e3012", leaves=("17300d", "8fb83a"),
        bark=("1a140e", "6d5a42"), floor=("2a2412", "7d8a3a"), glow_at=(0.58, 0.46), leafiness=0.35,
        trunks=5, haze=0.85, exposure=0.95, path="8f7a58",
    ),
    Woodland(
        size=(160, 213), glow="ffe6b0", gloom="4a2a10", leaves=("6d2c0a", "f0a030"),
        bark=("17110d", "5c483a"), floor=("5a2c10", "d88a34"), glow_at=(0.42, 0.5), leafiness=0.3,
        trunks=4, haze=0.8, exposure=0.95, shafts=0.35,
    ),
    Slopes(
        size=(240, 160),
        sky=Sky(
            zenith="93a6b4", low="dfe6e8", cloud_lit="e8edef", cloud_shade="a9b6bf", horizon=0.8,
            cloudiness=0.6, sun="ffffff", sun_at=(0.7, 0.1), sun_size=0.0, sun_glow=0.06,
        ),
        near=("10201c", "3e5c4c"), mist="c9d5d8", top=0.3, ridges=5, exposure=0.95,
    ),
    Woodland(
        size=(200, 133), glow="f4f7ee", gloom="7d8f80", leaves=("3f5a2a", "b9cf6a"),
        bark=("8f8c86", "f2efe8"), floor=("4a5a28", "a9b860"), glow_at=(0.5, 0.44), leafiness=-0.15,
        trunks=7, haze=0.75, exposure=1.05, birch=True,
    ),
    Woodland(
        size=(176, 176), glow="c8d8dc", gloom="20302e", leaves=("0f221c", "4c6e58"),
        bark=("0d0d0c", "3f3c36"), floor=("182018", "56683e"), glow_at=(0.36, 0.48), leafiness=0.25,
        trunks=6, haze=0.95, exposure=0.8, shafts=0.25,
    ),
    Slopes(
        size=(192, 192),
        sky=Sky(
            zenith="24466e", low="f3b98a", cloud_lit="ffd0a8", cloud_shade="7f7890", horizon=0.62,
            cloudiness=0.45, sun="ffc890", sun_at=(0.3, 0.3), sun_size=0.0, sun_glow=0.3,
        ),
        near=("0d1614", "5a4a2c"), mist="d9a88a", top=0.34, ridges=4, exposure=0.95, lake="16222c",
    ),
    Slopes(
        size=(225, 150),
        sky=Sky(
            zenith="6f9bc8", low="e8f0f6", cloud_lit="ffffff", cloud_shade="b4c4d4", horizon=0.8,
            cloudiness=0.4, sun="fff6e8", sun_at=(0.8, 0.1), sun_size=0.0, sun_glow=0.08,
        ),
        near=("1c2a30", "586e70"), mist="e2ebf2", top=0.36, ridges=4, exposure=1.05, snow=0.95,
    ),
    Woodland(
        size=(150, 200), glow="d8f0b8", gloom="0a1c0a", leaves=("08200a", "4f9a3a"),
        bark=("120e08", "4a3c26"), floor=("0c1a08", "3f6a22"), glow_at=(0.62, 0.52), leafiness=0.55,
        trunks=4, haze=0.7, exposure=0.75,
    ),
    Woodland(
        size=(220, 165), glow="fff0d0", gloom="5a3018", leaves=("8a2410", "f2c23c"),
        bark=("1c1512", "75604e"), floor=("7a3a14", "e0a850"), glow_at=(0.66, 0.45), leafiness=0.15,
        trunks=5, haze=0.8, exposure=1.1, path="a08468",
    ),
    Slopes(
        size=(160, 240),
        sky=Sky(
            zenith="4a78a8", low="cfe0e6", cloud_lit="ffffff", cloud_shade="9db0c0", horizon=0.66,
            cloudiness=0.5, sun="fff4dc", sun_at=(0.2, 0.1), sun_size=0.0, sun_glow=0.08,
        ),
        near=("12240f", "7a9440"), mist="b8cdd0", top=0.36, ridges=4, exposure=1.0, lake="1a3834",
    ),
)
# fmt: on


# --- Night ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Skyline:
    """Lit towers, mirrored in a harbour when ``waterline`` lies inside the frame."""

    size: Size
    sky: Sky
    facade: str
    lamps: tuple[str, ...]
    tallest: float
    lit: float
    water: Water
    exposure: float


@dataclass(frozen=True)
class Tower:
    """A tower block in supersampled pixels; ``window_light`` scales its lit windows."""

    left: int
    right: int
    top: int
    base: int
    facade: FloatArray
    window_light: float


def paint_tower(image: FloatArray, rng: Random, tower: Tower, scene: Skyline) -> None:
    """Paint one tower with a grid of windows, some of them lit, mostly in one colour."""
    image[tower.top : tower.base, tower.left : tower.right] = tower.facade * rng.uniform(0.6, 1.4)
    pitch = SUPERSAMPLING * int(rng.integers(2, 4))
    pane = pitch - SUPERSAMPLING
    busy = scene.lit * rng.uniform(0.4, 1.5)
    lamps = [linear(colour) for colour in scene.lamps]
    favourite = int(rng.integers(len(lamps)))
    for row in range(tower.top + pitch, tower.base - pitch, pitch):
        for column in range(tower.left + SUPERSAMPLING, tower.right - pitch + 1, pitch):
            if rng.random() < busy:
                choice = favourite if rng.random() < 0.7 else int(rng.integers(len(lamps)))
                light = lamps[choice] * tower.window_light * rng.uniform(0.25, 1.3)
                image[row : row + SUPERSAMPLING, column : column + pane] = light
    if rng.random() < 0.25:
        paint_mast(image, tower)


def paint_mast(image: FloatArray, tower: Tower) -> None:
    """Paint a mast with a red beacon on a tower."""
    middle = (tower.left + tower.right) // 2
    tip = max(0, tower.top - 5 * SUPERSAMPLING)
    image[tip : tower.top, middle : middle + 2] = tower.facade
    image[tip, middle - 1 : middle + 3] = linear("ff3020") * 3.0


def paint_city(canvas: Canvas, rng: Random, image: FloatArray, scene: Skyline) -> None:
    """Paint three rows of towers, the far ones taller and veiled by haze."""
    height, width = canvas.y.shape
    base = int(scene.sky.horizon * height) + SUPERSAMPLING
    image[base:] = linear(scene.facade)
    swelling = canvas.ridge(rng, 1.2, 0.5)[0]
    for tallness, veil, window_light in ((1.0, 0.40, 0.45), (0.75, 0.18, 0.8), (0.42, 0.0, 1.1)):
        facade = mix(linear(scene.facade), linear(scene.sky.low), veil)
        left = -int(rng.integers(0, 20))
        while left < width:
            right = left + int(height * rng.uniform(0.05, 0.14))
            rise = 0.62 + 0.22 * swelling[min(max(left, 0), width - 1)] + rng.uniform(-0.28, 0.28)
            top = base - int(height * scene.tallest * tallness * np.clip(rise, 0.12, 1.15))
            tower = Tower(max(left, 0), min(right, width), top, base, facade, window_light)
            paint_tower(image, rng, tower, scene)
            left = right + int(rng.integers(0, 8))


def compose_skyline(rng: Random, scene: Skyline) -> FloatArray:
    """Render a city at night."""
    canvas = Canvas.of_size(scene.size)
    image = paint_sky(canvas, rng, scene.sky)
    paint_city(canvas, rng, image, scene)
    image = bloom(canvas, image, 0.5, 0.012)
    image = paint_water(canvas, rng, image, scene.sky, scene.water)
    return develop(canvas, rng, image, scene.exposure, 0.015)


@dataclass(frozen=True)
class Street:
    """A street in one-point perspective with two rows of lamps."""

    size: Size
    sky: HexPair
    lamp: str
    windows: HexPair
    wall: str
    vanishing: Point
    lit: float
    wetness: float
    traffic: int
    exposure: float


STREET_HALF_WIDTH = 0.52
EYE_HEIGHT = 0.24
LAMP_HEIGHT = 0.34
LAMP_DEPTHS = (0.95, 1.5, 2.2, 3.1, 4.3, 6.0, 8.5)


def lamp_light(across: FloatArray, depth: FloatArray, up: FloatArray) -> FloatArray:
    """Return the light that the rows of lamps throw on points of the street."""
    total = np.zeros_like(across)
    for lamp_depth in LAMP_DEPTHS:
        for side in (-1.0, 1.0):
            offset = across - side * 0.7 * STREET_HALF_WIDTH
            squared = offset**2 + (depth - lamp_depth) ** 2 + (up - LAMP_HEIGHT) ** 2
            total += 0.035 / (squared + 0.03)
    return total


def paint_walls(canvas: Canvas, rng: Random, scene: Street, sky: FloatArray) -> FloatArray:
    """Paint the house fronts on both sides, with lit windows, over the sky."""
    dx = canvas.x - scene.vanishing[0] * canvas.aspect
    dy = canvas.y - scene.vanishing[1]
    depth = np.clip(STREET_HALF_WIDTH / (np.abs(dx) + 1e-4), 0.0, 60.0)
    up = -dy * depth
    side = (dx > 0).astype(np.int64)
    house = (np.floor(depth * 1.3).astype(np.int64) + 31 * side) % 64
    roof = rng.uniform(0.34, 0.95, 64)[house]
    rough = sample(spectral_noise(rng, 1.0), depth * 0.5, up * 0.5)
    paintwork = rng.uniform(0.5, 1.3, 64)[house] * (1 + 0.15 * rough)
    light = 0.04 + 0.5 * lamp_light(np.sign(dx) * STREET_HALF_WIDTH, depth, up)
    walls = tint(linear(scene.wall) * linear(scene.lamp), paintwork * light)
    column, row = depth * 9.0, (up + EYE_HEIGHT) * 6.5
    inside_x, inside_y = np.abs(column % 1.0 - 0.5), np.abs(row % 1.0 - 0.5)
    pane = (inside_x < 0.24) & (inside_x > 0.03) & (inside_y < 0.30) & (up < roof - 0.06)
    cell_x = np.floor(column).astype(np.int64) % 64
    cell_y = (np.floor(row).astype(np.int64) + 17 * side) % 64
    shining = (rng.random((64, 64)) < scene.lit) * rng.uniform(0.3, 1.3, (64, 64))
    glow = shining[cell_y, cell_x]
    warmth = rng.random((64, 64))[cell_y, cell_x]
    shades = mix(linear(scene.windows[0]), linear(scene.windows[1]), warmth)
    walls = np.where(pane[..., np.newaxis], shades * glow[..., np.newaxis] + walls * 0.3, walls)
    fog = np.clip(1 - np.exp(-(depth - 1.0) / 11.0), 0.0, 0.9)
    walls = mix(walls, linear(scene.sky[1]), fog)
    return mix(sky, walls, (up < roof).astype(np.float64))


def paint_road(canvas: Canvas, rng: Random, scene: Street, image: FloatArray) -> FloatArray:
    """Paint road and pavements with pools of lamp light and wet reflections."""
    centre = scene.vanishing[0] * canvas.aspect
    dx, dy = canvas.x - centre, canvas.y - scene.vanishing[1]
    depth = EYE_HEIGHT / np.clip(dy, 1e-3, None)
    across = dx * depth
    rough = sample(spectral_noise(rng, 0.9), across * 0.6, depth * 0.35)
    kerb = np.abs(across) > 0.62 * STREET_HALF_WIDTH
    albedo = np.where(kerb, 0.30, 0.16) * (1 + 0.18 * rough)
    dashes = (np.abs(across) < 0.012) & ((depth * 2.2) % 1.0 < 0.5)
    albedo = np.where(dashes, 0.55, albedo)
    light = 0.10 + lamp_light(across, depth, np.full_like(depth, -EYE_HEIGHT))
    road = tint(linear(scene.lamp), albedo * light)
    road = mix(road, linear(scene.sky[1]), np.clip(1 - np.exp(-(depth - 1) / 7.0), 0.0, 0.85))
    rows = np.clip(scene.vanishing[1] - dy * 1.25, 0.0, 1.0) * canvas.y.shape[0]
    wobble = (rough * 5 * np.clip(dy, 0, 1) * SUPERSAMPLING).astype(np.int64)
    columns = np.clip(np.arange(canvas.x.shape[1])[np.newaxis, :] + wobble, 0, image.shape[1] - 1)
    smeared = blur(image, 0.010 * canvas.y.shape[0])
    mirrored = smeared[np.clip(rows.astype(np.int64), 0, image.shape[0] - 1), columns]
    puddles = np.clip(0.55 + 0.35 * rough, 0.1, 1.0) * scene.wetness
    road += mirrored * puddles[..., np.newaxis]
    is_road = (dy > 0) & (np.abs(across) < STREET_HALF_WIDTH)
    return mix(image, road, is_road.astype(np.float64))


def paint_lamps(canvas: Canvas, scene: Street, image: FloatArray) -> FloatArray:
    """Paint lamp posts and their glowing heads, farthest first."""
    centre = scene.vanishing[0] * canvas.aspect
    for depth in reversed(LAMP_DEPTHS):
        for side in (-1.0, 1.0):
            x = centre + side * 0.7 * STREET_HALF_WIDTH / depth
            head, foot = (
                scene.vanishing[1] - LAMP_HEIGHT / depth,
                scene.vanishing[1] + EYE_HEIGHT / depth,
            )
            post = (np.abs(canvas.x - x) < 0.005 / depth) & (canvas.y > head) & (canvas.y < foot)
            image = mix(image, linear("0c0a0a"), post.astype(np.float64))
            away = canvas.distance((x, head))
            size = 0.016 / depth
            glow = 0.5 * np.exp(-away / (0.09 / depth**0.7)) + 5.0 * smoothstep(
                size * 1.3, size * 0.7, away
            )
            image = image + tint(linear(scene.lamp), glow / depth**0.25)
    return image


def paint_traffic(canvas: Canvas, rng: Random, scene: Street, image: FloatArray) -> FloatArray:
    """Paint pairs of tail lights and head lights on the road."""
    centre = scene.vanishing[0] * canvas.aspect
    for _ in range(scene.traffic):
        depth, going = rng.uniform(1.1, 3.5), bool(rng.random() < 0.5)
        lane = (0.15 if going else -0.15) + rng.uniform(-0.03, 0.03)
        colour = linear("ff2418" if going else "fff2d0")
        row = scene.vanishing[1] + (EYE_HEIGHT - 0.06) / depth
        body_x, body_y = (
            (canvas.x - centre - lane / depth) * depth,
            (canvas.y - scene.vanishing[1]) * depth,
        )
        body = (np.abs(body_x) < 0.085) & (body_y > EYE_HEIGHT - 0.13) & (body_y < EYE_HEIGHT)
        image = mix(image, image * 0.12, body.astype(np.float64))
        for lamp in (-0.06, 0.06):
            away = canvas.distance((centre + (lane + lamp) / depth, row))
            spot = 4.0 * smoothstep(0.016 / depth, 0.006 / depth, away)
            image = image + tint(colour, spot + 0.2 * np.exp(-away / (0.03 / depth)))
    return image


def compose_street(rng: Random, scene: Street) -> FloatArray:
    """Render a street at night."""
    canvas = Canvas.of_size(scene.size)
    rise = np.clip(canvas.y / scene.vanishing[1], 0.0, 1.0)
    sky = mix(linear(scene.sky[0]), linear(scene.sky[1]), rise**2)
    image = paint_walls(canvas, rng, scene, sky)
    image = paint_lamps(canvas, scene, image)
    image = paint_road(canvas, rng, scene, image)
    image = paint_lamps(canvas, scene, image)
    image = paint_traffic(canvas, rng, scene, image)
    image = bloom(canvas, image, 0.25, 0.02)
    return develop(canvas, rng, image, scene.exposure, 0.015)


@dataclass(frozen=True)
class Starlight:
    """A starry sky over dark hills; a Milky Way band crosses it at ``band`` radians."""

    size: Size
    sky: Sky
    stars: int
    band: float
    band_colour: str
    hills: HexPair
    trees: bool
    exposure: float
    cabin: bool = False


def starfield(canvas: Canvas, rng: Random, count: int) -> FloatArray:
    """Scatter point stars of many magnitudes and slightly different colours."""
    height, width = canvas.y.shape
    field = np.zeros((height, width, 3))
    rows, columns = rng.integers(0, height, count), rng.integers(0, width, count)
    flux = np.clip(0.5 * rng.pareto(1.5, count) + 0.12, 0.0, 9.0)
    temperature = rng.random((count, 1))
    warm, cool = linear("ffd2a8"), linear("b8d0ff")
    field[rows, columns] = flux[:, np.newaxis] * (warm + (cool - warm) * temperature)
    return blur(field, 0.30 * SUPERSAMPLING) * 4.5


def milky_way(canvas: Canvas, rng: Random, scene: Starlight) -> FloatArray:
    """Return a glowing, dust-crossed band of unresolved stars."""
    dx, dy = canvas.x - canvas.aspect / 2, canvas.y - 0.38
    off_axis = dx * np.cos(scene.band) + dy * np.sin(scene.band)
    cloud = canvas.noise(spectral_noise(rng, 1.4), 0.5)
    dust = canvas.noise(spectral_noise(rng, 1.6), 0.4)
    band = np.exp(-(((off_axis + 0.03 * cloud) / 0.16) ** 2)) * (1.0 + 0.35 * cloud)
    lane = np.exp(-(((off_axis + 0.05 * dust) / 0.035) ** 2))
    return tint(linear(scene.band_colour), np.clip(band * (1 - 0.65 * lane), 0.0, None))


def paint_cabin(canvas: Canvas, image: FloatArray, at: Point, width: float) -> FloatArray:
    """Paint a small hut with two warm windows."""
    dx, up = (canvas.x - at[0]) / width, (at[1] - canvas.y) / width
    walls = (np.abs(dx) < 0.5) & (up > -0.15) & (up < 0.42)
    roof = (up >= 0.42) & (up < 0.85) & (np.abs(dx) < 0.62 - 0.75 * (up - 0.42))
    image = mix(image, linear("0b0a0d"), (walls | roof).astype(np.float64))
    panes = (np.abs(np.abs(dx) - 0.22) < 0.10) & (np.abs(up - 0.2) < 0.12)
    warm = linear("ffb450")
    image = mix(image, warm * 2.0, panes.astype(np.float64))
    return np.asarray(image + tint(warm, 0.16 * np.exp(-canvas.distance(at) / (0.7 * width))))


def paint_lone_spruces(
    canvas: Canvas, rng: Random, image: FloatArray, scene: Starlight, crest: FloatArray
) -> None:
    """Scatter black spruces of all sizes along a crest."""
    texture = canvas.noise(spectral_noise(rng, 0.6), 1.1)
    shades = (linear(scene.hills[0]), linear(scene.hills[1]))
    stand = ConiferStand(crest, shades, texture, 1.0, shades[1])
    for x in rng.uniform(-0.05, canvas.aspect + 0.05, 16):
        tree = Conifer(float(x), 0.05, rng.uniform(0.12, 0.34))
        paint_conifer(canvas, rng, image, stand, tree)


def compose_starlight(rng: Random, scene: Starlight) -> FloatArray:
    """Render a night landscape under stars."""
    canvas = Canvas.of_size(scene.size)
    horizon = scene.sky.horizon
    clear_air = smoothstep(horizon + 0.05, horizon - 0.35, canvas.y)[..., np.newaxis]
    heavens = starfield(canvas, rng, scene.stars) + milky_way(canvas, rng, scene)
    image = paint_sky(canvas, rng, scene.sky) + heavens * clear_air
    for level, veil in ((-0.06, 0.4), (0.06, 0.0)):
        crest = horizon + level + 0.05 * canvas.ridge(rng)
        shades = hazed(scene.hills, linear(scene.sky.low), veil)
        image = paint_terrain(canvas, rng, image, Terrain(crest, shades, light=1.0))
    if scene.trees:
        paint_lone_spruces(canvas, rng, image, scene, crest)
    if scene.cabin:
        spot = (rng.uniform(0.25, 0.75) * canvas.aspect, horizon + 0.15)
        image = paint_cabin(canvas, image, spot, 0.13)
    image = bloom(canvas, image, 0.15, 0.01)
    return develop(canvas, rng, image, scene.exposure, 0.016)


Night = Skyline | Street | Starlight | Coast
Scene = Coast | Woodland | Slopes | Skyline | Street | Starlight


# fmt: off
NIGHTS: tuple[Night, ...] = (
    Skyline(
        size=(200, 133),
        sky=Sky(
            zenith="080c22", low="33305a", cloud_lit="3a3860", cloud_shade="14142c", horizon=0.66,
            cloudiness=0.45, sun="ffe8c0", sun_at=(0.8, 0.14), sun_size=0.028, sun_glow=0.08,
            moon=True,
        ),
        facade="0b0c16", lamps=("ffcf80", "ffe6b8", "bcd8ff", "ff9f50"), tallest=0.52, lit=0.36,
        water=Water(deep="06080f", choppiness=0.55, foam=0.0),
        exposure=1.25,
    ),
    Street(
        size=(200, 150), sky=("06070f", "2a2030"), lamp="ffb060", windows=("ffc070", "ffe8c0"),
        wall="9a7a68", vanishing=(0.47, 0.52), lit=0.3, wetness=0.45, traffic=3, exposure=1.0,
    ),
    Starlight(
        size=(240, 160),
        sky=Sky(
            zenith="040814", low="1c3348", cloud_lit="1c2c40", cloud_shade="0a1220", horizon=0.8,
            cloudiness=0.12, sun="000000", sun_at=(0.5, 0.0), sun_size=0.0, sun_glow=0.0,
        ),
        stars=1500, band=0.5, band_colour="46506e", hills=("020304", "0b0f12"), trees=True,
        exposure=1.2,
    ),
    Coast(
        size=(144, 192),
        sky=Sky(
            zenith="060d22", low="24385a", cloud_lit="5a6c8c", cloud_shade="0c1428", horizon=0.56,
            cloudiness=0.5, sun="dfe8ff", sun_at=(0.58, 0.2), sun_size=0.04, sun_glow=0.14,
            moon=True,
        ),
        water=Water(deep="040a16", choppiness=0.55, foam=0.0),
        headland=-1, land=("04060b", "0d131c"), exposure=1.0,
    ),
    Skyline(
        size=(256, 144),
        sky=Sky(
            zenith="12173c", low="d0805c", cloud_lit="c87870", cloud_shade="2c2548", horizon=0.8,
            cloudiness=0.45, sun="000000", sun_at=(0.5, 0.6), sun_size=0.0, sun_glow=0.0,
        ),
        facade="0f0c18", lamps=("ffd890", "fff0d0", "a8d0ff"), tallest=0.58, lit=0.22,
        water=Water(deep="100c1c", choppiness=0.7, foam=0.0),
        exposure=0.95,
    ),
    Street(
        size=(150, 200), sky=("04080c", "142830"), lamp="c8e8ff", windows=("a8d8ff", "ffd8a0"),
        wall="6a7a88", vanishing=(0.54, 0.56), lit=0.22, wetness=0.75, traffic=2, exposure=0.85,
    ),
    Starlight(
        size=(192, 192),
        sky=Sky(
            zenith="0a0a24", low="5a3a5c", cloud_lit="4a3450", cloud_shade="1c142c", horizon=0.76,
            cloudiness=0.22, sun="000000", sun_at=(0.5, 0.0), sun_size=0.0, sun_glow=0.0,
        ),
        stars=600, band=-0.7, band_colour="5c4c74", hills=("050309", "150d1a"), trees=False,
        exposure=1.1, cabin=True,
    ),
    Street(
        size=(225, 150), sky=("0c0a14", "4a3426"), lamp="ff8c38", windows=("ffe0a0", "9fd0ff"),
        wall="b09078", vanishing=(0.6, 0.48), lit=0.45, wetness=0.25, traffic=5, exposure=1.25,
    ),
    Coast(
        size=(220, 165),
        sky=Sky(
            zenith="10182c", low="3c4a5c", cloud_lit="76849a", cloud_shade="141c2a", horizon=0.5,
            cloudiness=0.62, sun="fff0d0", sun_at=(0.3, 0.18), sun_size=0.032, sun_glow=0.12,
            moon=True,
        ),
        water=Water(deep="070d14", choppiness=0.8, foam=0.3),
        headland=1, land=("05070a", "12171c"), foreground="rocks", ground=("030405", "1a2028"),
        exposure=0.9,
    ),
    Skyline(
        size=(176, 176),
        sky=Sky(
            zenith="030610", low="102438", cloud_lit="16283a", cloud_shade="060c16", horizon=0.93,
            cloudiness=0.35, sun="eef2ff", sun_at=(0.25, 0.16), sun_size=0.04, sun_glow=0.06,
            moon=True,
        ),
        facade="070a10", lamps=("fff2d0", "ffc878", "90e0ff", "ff80a8"), tallest=0.74, lit=0.42,
        water=Water(deep="04070c", choppiness=0.6, foam=0.0),
        exposure=1.15,
    ),
)
# fmt: on


def compose(rng: Random, scene: Scene) -> FloatArray:
    """Render any scene to a display-encoded picture with values in 0..1."""
    match scene:
        case Coast():
            return compose_coast(rng, scene)
        case Woodland():
            return compose_woodland(rng, scene)
        case Slopes():
            return compose_slopes(rng, scene)
        case Skyline():
            return compose_skyline(rng, scene)
        case Street():
            return compose_street(rng, scene)
        case Starlight():
            return compose_starlight(rng, scene)


def compose_all() -> dict[str, FloatArray]:
    """Return every photograph by its ``class/class-number`` name."""
    albums: tuple[tuple[str, int, tuple[Scene, ...]], ...] = (
        ("coast", 1000, COASTS),
        ("forest", 2000, FORESTS),
        ("night", 3000, NIGHTS),
    )
    return {
        f"{label}/{label}-{number:02d}": compose(np.random.default_rng(seed + number), scene)
        for label, seed, scenes in albums
        for number, scene in enumerate(scenes, start=1)
    }


# --- Encoding -------------------------------------------------------------------------------


def to_bytes(picture: FloatArray) -> npt.NDArray[np.uint8]:
    """Quantize display values in 0..1 to 8 bits."""
    return np.rint(picture * 255).astype(np.uint8)


def to_words(picture: FloatArray) -> npt.NDArray[np.uint16]:
    """Quantize display values in 0..1 to 16 bits."""
    return np.rint(picture * 65535).astype(np.uint16)


def thumbnail(picture: FloatArray, size: Size) -> FloatArray:
    """Crop a picture centrally to the shape of ``size`` and average it down, keeping floats."""
    width, height = size
    step = min(picture.shape[0] // height, picture.shape[1] // width)
    top = (picture.shape[0] - height * step) // 2
    left = (picture.shape[1] - width * step) // 2
    crop = picture[top : top + height * step, left : left + width * step]
    return np.asarray(crop.reshape(height, step, width, step, 3).mean(axis=(1, 3)))


def luminance(picture: FloatArray) -> FloatArray:
    """Reduce a colour picture to gray, stretched to fill 0..1 exactly."""
    gray = picture @ np.array([0.299, 0.587, 0.114])
    return np.asarray((gray - gray.min()) / (gray.max() - gray.min()))


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    """Return one PNG chunk with its length and checksum."""
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def rgb_png(size: Size, depth: int, scanlines: bytes) -> bytes:
    """Return an RGB PNG file of any bit depth from its raw, filter-prefixed scanlines."""
    header = struct.pack(">IIBBBBB", *size, depth, PNG_RGB, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(scanlines, 9))
    return PNG_SIGNATURE + body + png_chunk(b"IEND", b"")


# --- Odd files ------------------------------------------------------------------------------

LANDSCAPE: Size = (48, 32)
PORTRAIT: Size = (32, 40)
HIDDEN_MAGENTA = (255, 0, 255)
TEXT_IN_DISGUISE = "This is plain text, whatever the name of the file says.\n"


def soft_disc(size: Size) -> FloatArray:
    """Return an opacity of 1 in the middle, fading through a soft rim to 0 at the corners."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5)
    return smoothstep(0.52, 0.34, radius)


def gray_png(picture: FloatArray) -> bytes:
    """Return an 8-bit gray PNG."""
    return encoded(Image.fromarray(to_bytes(luminance(thumbnail(picture, LANDSCAPE)))), "PNG")


def gray_alpha_png(picture: FloatArray) -> bytes:
    """Return a gray PNG with a soft-edged alpha channel."""
    gray = to_bytes(luminance(thumbnail(picture, LANDSCAPE)))
    alpha = to_bytes(soft_disc(LANDSCAPE))
    layers = (Image.fromarray(gray), Image.fromarray(alpha))
    return encoded(Image.merge("LA", layers), "PNG")


def palette_transparent_png(picture: FloatArray) -> bytes:
    """Return a palette PNG whose colour 0, magenta, is transparent (tRNS) outside a disc."""
    small = Image.fromarray(to_bytes(thumbnail(picture, LANDSCAPE)))
    reduced = small.quantize(31, dither=Image.Dither.NONE)
    colours = reduced.getpalette() or []
    indices = np.asarray(reduced) + np.uint8(1)
    indices[soft_disc(LANDSCAPE) < 0.5] = 0
    image = Image.fromarray(indices)
    image.putpalette([*HIDDEN_MAGENTA, *colours[: 3 * 31]])
    return encoded(image, "PNG", transparency=0, bits=8)


def rgba_png(picture: FloatArray) -> bytes:
    """Return an RGBA PNG with a soft rim and bright magenta hidden where alpha is 0."""
    colour = to_bytes(thumbnail(picture, LANDSCAPE))
    alpha = to_bytes(soft_disc(LANDSCAPE))
    colour[alpha == 0] = HIDDEN_MAGENTA
    return encoded(Image.fromarray(np.dstack([colour, alpha])), "PNG")


def cmyk_jpeg(picture: FloatArray) -> bytes:
    """Return a CMYK JPEG that really uses its black channel."""
    rgb = thumbnail(picture, LANDSCAPE)
    black = 1.0 - rgb.max(axis=2, keepdims=True)
    inks = (1.0 - rgb - black) / np.clip(1.0 - black, 1e-6, None)
    plates = to_bytes(np.concatenate([np.clip(inks, 0.0, 1.0), black], axis=2))
    return encoded(Image.fromarray(plates, mode="CMYK"), "JPEG", quality=JPEG_QUALITY)


def bilevel_png(picture: FloatArray) -> bytes:
    """Return a dithered black-and-white PNG of one bit per pixel."""
    gray = Image.fromarray(to_bytes(luminance(thumbnail(picture, LANDSCAPE))))
    return encoded(gray.convert("1"), "PNG")


def gray16(picture: FloatArray, file_format: str) -> bytes:
    """Return a 16-bit gray file whose values span 0..65535."""
    return encoded(Image.fromarray(to_words(luminance(thumbnail(picture, PORTRAIT)))), file_format)


def rgb16_png(picture: FloatArray) -> bytes:
    """Return a true 16-bit RGB PNG, which Pillow itself cannot write."""
    words = to_words(thumbnail(picture, LANDSCAPE)) | np.uint16(1)
    scanlines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in words)
    return rgb_png(LANDSCAPE, 16, scanlines)


def float_tiff(picture: FloatArray) -> bytes:
    """Return a 32-bit float gray TIFF with values in 0..1."""
    gray = luminance(thumbnail(picture, PORTRAIT)).astype(np.float32)
    return encoded(Image.fromarray(gray), "TIFF")


def animated_gif(picture: FloatArray) -> bytes:
    """Return a looping GIF that pans over a picture in four frames."""
    width, height = LANDSCAPE
    wide = thumbnail(picture, (width + 12, height))
    frames = [
        Image.fromarray(to_bytes(wide[:, start : start + width])).quantize(32)
        for start in (0, 4, 8, 12)
    ]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=150, loop=0)


def webp(picture: FloatArray) -> bytes:
    """Return a lossy WebP file."""
    image = Image.fromarray(to_bytes(thumbnail(picture, (64, 48))))
    return encoded(image, "WEBP", quality=80)


def truncated_jpeg(picture: FloatArray) -> bytes:
    """Return the first half of a JPEG file."""
    image = Image.fromarray(to_bytes(thumbnail(picture, (64, 48))))
    whole = encoded(image, "JPEG", quality=JPEG_QUALITY)
    return whole[: len(whole) // 2]


def huge_header_png() -> bytes:
    """Return a tiny PNG whose valid header claims 60000 x 60000 pixels."""
    return rgb_png((60000, 60000), 8, bytes(16))


def gif_still(picture: FloatArray) -> bytes:
    """Return a GIF of one frame."""
    return encoded(Image.fromarray(to_bytes(thumbnail(picture, LANDSCAPE))).quantize(32), "GIF")


def rgb_png_thumbnail(picture: FloatArray) -> bytes:
    """Return an ordinary small RGB PNG."""
    return encoded(Image.fromarray(to_bytes(thumbnail(picture, LANDSCAPE))), "PNG")


def odd_files(pictures: dict[str, FloatArray]) -> dict[str, bytes]:
    """Return the contents of every odd file by its name."""
    return {
        "gray.png": gray_png(pictures["coast/coast-06"]),
        "gray-alpha.png": gray_alpha_png(pictures["forest/forest-03"]),
        "palette-transparent.png": palette_transparent_png(pictures["coast/coast-04"]),
        "rgba.png": rgba_png(pictures["forest/forest-09"]),
        "cmyk.jpg": cmyk_jpeg(pictures["coast/coast-07"]),
        "bilevel.png": bilevel_png(pictures["forest/forest-06"]),
        "gray16.png": gray16(pictures["coast/coast-09"], "PNG"),
        "gray16.tif": gray16(pictures["forest/forest-10"], "TIFF"),
        "rgb16.png": rgb16_png(pictures["coast/coast-02"]),
        "animated.gif": animated_gif(pictures["night/night-08"]),
        "photo.webp": webp(pictures["coast/coast-01"]),
        "truncated.jpg": truncated_jpeg(pictures["forest/forest-01"]),
        "empty.jpg": b"",
        "text.jpg": TEXT_IN_DISGUISE.encode("ascii"),
        "huge-header.png": huge_header_png(),
        "gif-named.jpeg": gif_still(pictures["night/night-02"]),
        "Z\u00fcrich-\u96ea.png": rgb_png_thumbnail(pictures["forest/forest-07"]),
        "two words\nand a newline.png": rgb_png_thumbnail(pictures["night/night-05"]),
    }


# --- Writing --------------------------------------------------------------------------------


def write_file(path: Path, content: bytes) -> None:
    """Write a file, making its folder when needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make_samples(folder: Path) -> None:
    """Write all photographs and odd files below ``folder``."""
    pictures = compose_all()
    for name, picture in pictures.items():
        photo = Image.fromarray(to_bytes(picture))
        content = encoded(photo, "JPEG", quality=JPEG_QUALITY, optimize=True)
        write_file(folder / "photos" / f"{name}.jpg", content)
    for name, content in odd_files(pictures).items():
        write_file(folder / "odd" / name, content)
    write_file(folder / "deep" / "float.tif", float_tiff(pictures["night/night-04"]))


def main() -> None:
    """Read the command line and make the samples."""
    parser = argparse.ArgumentParser(description="Make the sample images.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    make_samples(parser.parse_args().folder)


if __name__ == "__main__":
    main()
