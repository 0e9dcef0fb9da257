"""What the quality score and the orienter are trained and measured on: our own objects, whose defects were planted and
whose front is known; or the user's objects with ratings that people gave.
"""

import csv
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detailverse.curation.defects import CLEAN, DEFECTS, planted
from renderers.curation import orient, sheets
from renderers.curation.features import Embed, features
from renderers.curation.measures import measure
from renderers.curation.subjects import Handle, Subject, Unusable, open_pool, opened, seen
from renderers.farm import engines
from renderers.tables import ENGINES
from zeroverse.asset import Asset
from zeroverse.core.rng import Rng
from zeroverse.shapes.solid import Rejected

SIZE = 160  # pixels of a rendered view, as `run.Looks` has it
LEVEL_COST = 0.5  # rating points that each level of detail below 4 costs: a coarse object without faults is a 3
TEXTURE = 256  # texels of a training object's surface: its views have 160 pixels


def _zeroverse(seed: int, index: int, level: int) -> Asset:
    from zeroverse import grammar

    return grammar.make(seed, index, texture_size=TEXTURE)


def _detailverse(seed: int, index: int, level: int) -> Asset:
    from detailverse import grammar

    return grammar.make(seed, index, level=level, texture_size=TEXTURE)


SOURCES: tuple[
    tuple[str, Callable[[int, int, int], Asset], tuple[int, ...], bool], ...
] = (  # name, maker, levels, whether up and front mean anything
    ("detailverse", _detailverse, (4, 2, 0), True),
    ("zeroverse", _zeroverse, (4,), False),
)


@dataclass(frozen=True, eq=False)
class Rated:
    """Objects with ratings. features [N, D], ratings [N] of 1 to 5; groups [N]: the object that a row is a variant of;
    kinds [N]: `clean`, `coarse`, a defect, or `rated` by people; thumbnails: for the contact sheet; measures: what the
    filters compare.
    """

    features: np.ndarray
    ratings: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray
    thumbnails: list[str]
    measures: list[dict]


def variants(source: str, seed: int, index: int) -> Iterator[tuple[str, Asset, float]]:
    """Yields (kind, asset, rating): an object at each level of detail, then with each defect, on a sampled level."""
    _, make, levels, _ = _source(source)
    rng = Rng("curate", "rated", source, seed, index)
    clean = {level: make(seed, index, level) for level in levels}
    for level in levels:
        yield "clean" if level == max(levels) else "coarse", clean[level], CLEAN - LEVEL_COST * (max(levels) - level)
    for name, *_ in DEFECTS:
        level = rng.child(name, "level").choice(levels)
        spoiled, rating = planted(clean[level], rng.child(name), name)
        yield name, spoiled, max(1.0, rating - 0.5 * LEVEL_COST * (max(levels) - level))


def _source(name: str):
    return next(row for row in SOURCES if row[0] == name)


def rated_by_defects(
    source: str,
    seed: int,
    count: int,
    embed: Embed | None,
    workers: int,
    on_done: Callable[[], None],
    engine: str = "loky",
) -> Rated:
    """Returns `count` objects and their variants, rated. Objects that the grammar refuses, and variants that cannot be
    rendered, are left out.
    """
    return _collected(
        _worked(functools.partial(_look_at_variants, source, seed, embed), range(count), workers, on_done, engine)
    )


def _look_at_variants(source: str, seed: int, embed: Embed | None, index: int) -> list[tuple]:
    try:
        made = list(variants(source, seed, index))
    except Rejected:
        return []
    rows = []
    for kind, asset, rating in made:
        try:
            rows.append((*_read(seen(asset, SIZE), embed), rating, index, kind))
        except Unusable:  # a defect took all of its surface
            continue
    return rows


def _read(subject: Subject, embed: Embed | None) -> tuple[np.ndarray, str, dict]:
    measures = measure(subject)
    return features(subject, measures, embed), sheets.thumbnail(subject.images), measures


def rated_by_people(
    where: str, ratings: Path, embed: Embed | None, workers: int, on_done: Callable[[], None], engine: str = "loky"
) -> Rated:
    """Returns the objects of a folder of shards or GLB files that a CSV file rates: a line `uid,rating` each. Raises
    ValueError naming line and fault.
    """
    pool, wanted = open_pool(where, SIZE), read_ratings(ratings)
    places = {name: index for index, name in enumerate(pool.names)}
    missing = [uid for uid in wanted if uid not in places]
    if missing:
        raise ValueError(f"{ratings}: {len(missing)} of {len(wanted)} uids are not in {where}, such as {missing[0]}")
    items = [(places[uid], uid, rating) for uid, rating in wanted.items()]
    return _collected(_worked(functools.partial(_look_at_rated, pool.handle, embed), items, workers, on_done, engine))


def _look_at_rated(handle: Handle, embed: Embed | None, item: tuple[int, str, float]) -> list[tuple]:
    index, uid, rating = item
    try:
        return [(*_read(opened(handle).subject(index), embed), rating, uid, "rated")]
    except Unusable as error:
        raise ValueError(f"{uid}: {error}") from error


def read_ratings(path: Path) -> dict[str, float]:
    """Returns {uid: rating}. A first line `uid,rating` is a header. Raises ValueError naming the line."""
    found = {}
    with open(path, newline="") as file:
        for number, line in enumerate(csv.reader(file), 1):
            if not line or (number == 1 and line[:2] == ["uid", "rating"]):
                continue
            try:
                uid, rating = line[0], float(line[1])
            except (IndexError, ValueError):
                raise ValueError(f"{path}: line {number}: expected uid,rating, got {','.join(line)!r}") from None
            if not 1 <= rating <= 5:
                raise ValueError(f"{path}: line {number}: rating: expected 1 to 5, got {rating:g}")
            found[uid] = rating
    return found


def _worked(
    function: Callable, items: Iterable, workers: int, on_done: Callable[[], None], engine: str
) -> Iterator[list[tuple]]:
    with ENGINES[engine](workers, None) as processes:
        for item, rows in engines.run(processes, function, items):
            if rows is engines.DIED:
                raise RuntimeError(f"object {item}: crashed a worker twice")
            on_done()
            yield rows


def _collected(groups: Iterable[list[tuple]]) -> Rated:
    rows = [row for group in groups for row in group]
    if not rows:
        raise ValueError("objects: expected some, got none that could be looked at")
    vectors, thumbnails, measures, ratings, names, kinds = zip(*rows)
    return Rated(
        np.array(vectors),
        np.array(ratings, np.float64),
        np.array([str(name) for name in names]),
        np.array(kinds),
        list(thumbnails),
        list(measures),
    )


def upright(
    source: str, seed: int, count: int, workers: int, on_done: Callable[[], None], engine: str = "loky"
) -> tuple[np.ndarray, np.ndarray]:
    """(features [N, 24, D], alike [N, 24, 24]) of objects that are upright as they are. Raises ValueError for a source
    without up and front.
    """
    if not _source(source)[3]:
        raise ValueError(
            f"source: the objects of {source} have no up and no front; expected "
            f"{', '.join(row[0] for row in SOURCES if row[3])}"
        )
    rows = [
        row
        for rows in _worked(functools.partial(_look_at_upright, source, seed), range(count), workers, on_done, engine)
        for row in rows
    ]
    described, alike = zip(*rows)
    return np.array(described), np.array(alike)


def _look_at_upright(source: str, seed: int, index: int) -> list[tuple]:
    _, make, levels, _ = _source(source)
    try:
        asset = make(seed, index, Rng("curate", "upright", seed, index).choice(levels))
    except Rejected:
        return []
    return [orient.describe(orient.six_views(asset))]
