"""What a satellite sees of terrain, by NumPy alone: its flight is a polynomial through an annotation's state vectors, and rays and
arcs of the same range are followed step by step through an elevation model."""
import re
from datetime import datetime

import numpy as np
import pyproj
import rasterio
from scipy.ndimage import map_coordinates

to_place = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
STEP, NEAR_BY = 8, 20  # m


def normal(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def dot(a, b):
    return (a * b).sum(-1)


def places(longitude, latitude, height):
    return np.stack(to_place.transform(longitude, latitude, height), -1)


def verticals(longitude, latitude):
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


class Flight:
    def __init__(self, annotation):
        def numbers(text, within):
            inside = re.search(f"<{within}>(.*?)</{within}>", text, re.S)[1]
            return [float(re.search(f"<{tag}>([^<]*)", inside)[1]) for tag in "xyz"]

        states = re.findall("<orbit>.*?</orbit>", annotation, re.S)
        times = [datetime.fromisoformat(re.search("<time>([^<]*)", state)[1]) for state in states]
        self.begin = times[0]
        self.track = np.polyfit([self.at(t) for t in times], [numbers(state, "position") for state in states], 8)
        self.velocity, self.change = (np.stack([np.polyder(self.track[:, i], k) for i in range(3)], -1) for k in (1, 2))

    def at(self, time):
        return (time - self.begin).total_seconds() / 60 - 1

    @staticmethod
    def value(polynomial, t):
        return np.stack([np.polyval(polynomial[:, i], t) for i in range(3)], -1)

    def position(self, t):
        return self.value(self.track, t)

    def abeam(self, ground):
        """When the satellite passes by places."""
        t = np.zeros(ground.shape[:-1])
        for _ in range(8):
            off, speed = ground - self.position(t), self.value(self.velocity, t)
            t = t - dot(off, speed) / (dot(off, self.value(self.change, t)) - dot(speed, speed))
        return t


class Terrain:
    def __init__(self, path):
        with rasterio.open(path) as file:
            self.heights, self.transform = file.read(1).astype("f8"), file.transform

    def height(self, longitude, latitude):
        column, row = (longitude - self.transform.c) / self.transform.a - 0.5, (latitude - self.transform.f) / self.transform.e - 0.5
        return map_coordinates(self.heights, [row, column], order=1, cval=np.nan)

    def above(self, points):
        """How high points are above the terrain, and above the ellipsoid."""
        longitude, latitude, height = to_place.transform(*np.moveaxis(points, -1, 0), direction="INVERSE")
        over = height - self.height(longitude, latitude)
        assert np.isfinite(over).all()  # or the terrain ends before the walk
        return over, height


def look(flight, terrain, crs, x, y, spacing):
    """Of places on a map: angles (to the vertical, to the normal of the terrain, to that in the plane of sight and vertical), whether
    other ground lies at the same range, and whether terrain hides them."""
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)

    def ground(dx, dy):
        longitude, latitude = to_degrees.transform(x + dx * spacing, y + dy * spacing)
        return longitude, latitude, places(longitude, latitude, terrain.height(longitude, latitude))

    longitude, latitude, here = ground(0, 0)
    t = flight.abeam(here)
    away = here - flight.position(t)
    sight, up = -normal(away), verticals(longitude, latitude)
    across = normal(np.cross(ground(1, 0)[2] - ground(-1, 0)[2], ground(0, 1)[2] - ground(0, -1)[2]))
    side = normal(np.cross(sight, up))
    flat = normal(across - dot(across, side)[:, None] * side)
    angles = [np.degrees(np.arccos(dot(sight, n))) for n in (up, across, flat)]

    low, high = terrain.heights.min(), terrain.heights.max()
    start = terrain.height(longitude, latitude)
    upward = np.arange(NEAR_BY, (high - start.min()) / np.cos(np.radians(angles[0].max())), STEP)
    over, height = terrain.above(here[:, None] + upward[:, None] * sight[:, None])
    hidden = ((over < 0) & (height < high)).any(1)

    axis = normal(flight.value(flight.velocity, t))
    turned, distance = np.cross(axis, away), np.linalg.norm(away, axis=-1)
    folded = np.zeros(len(x), bool)
    for way in (-1, 1):
        toward = dot(way * turned, up) > 0  # up, along the arc
        assert toward.all() or not toward.any()
        steep = np.sin(np.radians(angles[0].min())) * 0.98
        arc = np.arange(NEAR_BY, (high - start.min() if toward.all() else start.max() - low) / steep, STEP)
        turn = way * arc / distance[:, None]
        over, height = terrain.above(flight.position(t)[:, None] + away[:, None] * np.cos(turn)[..., None]
                                     + turned[:, None] * np.sin(turn)[..., None])
        # going up one is in the ground before one meets its other side, going down one has left it
        folded |= ((over < 0 if toward.all() else over > 0) & (height < high) & (height > low)).any(1)
    return *angles, folded, hidden


def compare(found, truth, rows, columns):
    """A mask with what rays met at some of its pixels: how many differ, and how many of these are not even at an edge of it."""
    wrong = found[rows, columns] != truth
    near = [found[rows + dy, columns + dx] == truth for dy in range(-2, 3) for dx in range(-2, 3)]
    return wrong.mean(), (~np.any(near, 0)).sum()


def samples(profile, every):
    """Rows and columns of a grid, and where their middles lie."""
    rows, columns = (axis.ravel() for axis in np.mgrid[3:profile["height"] - 3:every, 3:profile["width"] - 3:every])
    to_map = profile["transform"]
    return rows, columns, to_map.c + to_map.a * (columns + 0.5), to_map.f + to_map.e * (rows + 0.5)
