"""What the quality score and the orienter are trained and measured on: our own objects, whose defects were planted and
whose front is known; or the user's objects with ratings that people gave.
"""

import csv
import functools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detailverse.curation.defects import CLEAN, DEFECTS, planted
from renderers.curation import orient, score, sheets
from renderers.curation.features import Embed, features
from renderers.curation.filters import Thresholds, verdicts
from renderers.curation.measures import measure
from renderers.curation.orient import turns
from renderers.curation.subjects import Handle, Subject, Unusable, open_pool, opened, seen
from renderers.farm import engines
from zeroverse.asset import Asset
from zeroverse.core.files import write_whole
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
    """(kind, asset, rating): an object at each level of detail, then with each defect, on a level drawn for it."""
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
    """`count` objects and their variants. Objects that the grammar refuses, and variants that cannot be rendered, are
    left out.
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
    """The objects of a folder of shards or GLB files that a CSV file rates: a line `uid,rating` each. Raises ValueError
    naming line and fault.
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
    """{uid: rating}. A first line `uid,rating` is a header. Raises ValueError naming the line."""
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
    with engines.ENGINES[engine](workers, None) as processes:
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


def train_scorer(rated: Rated, out: Path, embed: str = "") -> dict:
    """Write scorer.json, rated.png (ratings and held-out scores under the pictures) and filters.json (what the filters
    do to each kind) to `out`; returns the scorer's held-out numbers, which are also in its file.
    """
    penalty = score.best_penalty(rated.features, rated.ratings, rated.groups)
    scores = score.held_out(
        rated.features, rated.ratings, score.folds_of(rated.groups), lambda x, y: score.ridge(x, y, penalty)
    )
    numbers = score.numbers(scores, rated.ratings, rated.groups, rated.kinds)
    score.ridge(rated.features, rated.ratings, penalty, embed).save(out / "scorer.json", numbers)
    rows = [
        (tile, [f"{kind} {group}", f"rated {rating:.1f} scored {found:.1f}"])
        for tile, kind, group, rating, found in zip(rated.thumbnails, rated.kinds, rated.groups, rated.ratings, scores)
    ]
    write_whole(out / "rated.png", sheets.sheet("rated", len(rows), rows[: sheets.MOST]))
    write_whole(out / "filters.json", json.dumps(filter_numbers(rated, Thresholds()), indent=1).encode())
    return numbers


def filter_numbers(rated: Rated, limits: Thresholds) -> dict:
    """How often each kind is removed, by any filter and by each that speaks first, [value, low, high]: of `clean`,
    those are the false alarms.
    """
    found = {}
    steps = np.array(
        [
            next((verdict.step for verdict in verdicts(measures | {"score": None}, limits)), "")
            for measures in rated.measures
        ]
    )
    for kind in sorted(set(rated.kinds)):
        groups, of_kind = rated.groups[rated.kinds == kind], steps[rated.kinds == kind]
        hits = {"removed": of_kind != ""} | {str(step): of_kind == step for step in sorted(set(of_kind)) if step}
        found[str(kind)] = {
            name: score.bootstrap(groups, lambda rows, hit=hit: float(hit[rows].mean())) for name, hit in hits.items()
        }
    return found


# ---------------------------------------------------------------------------------------------------------- orientation


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


def train_orienter(described: np.ndarray, alike: np.ndarray, out: Path) -> dict:
    """Write orienter.json to `out`; returns the held-out numbers, also in it."""
    folds = score.folds_of(np.arange(len(described)).astype(str))
    of_fold = {fold: orient.fit(described[folds != fold], alike[folds != fold]) for fold in range(score.FOLDS)}
    choosers = [of_fold[fold] for fold in folds]
    temperature = orient.best_temperature(choosers, described, alike)
    guesses = [
        orient.tempered(chooser, temperature).orient(x, same) for chooser, x, same in zip(choosers, described, alike)
    ]
    numbers = orientation_numbers(guesses, alike)
    orient.tempered(orient.fit(described, alike), temperature).save(out / "orienter.json", numbers)
    return numbers


def orientation_numbers(guesses: list[orient.Orientation], alike: np.ndarray) -> dict:
    """Of upright objects, each [value, low, high]: how often the turn is right (or looks the same as the right one),
    how often up is, the same among those that the chooser is sure of, and how many those are.
    """
    right = np.array([alike[n, 0, guess.turn] for n, guess in enumerate(guesses)])
    up_of = turns()[:, 2]
    up = np.array(
        [
            any((up_of[t] == up_of[guess.turn]).all() for t in np.flatnonzero(alike[n, 0]))
            for n, guess in enumerate(guesses)
        ]
    )
    sure = np.array([guess.verdict != "cannot tell" for guess in guesses])
    fronted = np.array([guess.verdict == "upright and front" for guess in guesses])
    groups = np.arange(len(guesses))

    def share(good, among):
        return score.bootstrap(groups, lambda rows: float(good[rows][among[rows]].mean()) if among[rows].any() else 0.0)

    every = np.ones(len(guesses), bool)
    return {
        "objects": len(guesses),
        "right": share(right, every),
        "up": share(up, every),
        "sure_of_up": share(sure, every),
        "up_when_sure": share(up, sure),
        "sure_of_front": share(fronted, every),
        "right_when_sure_of_front": share(right, fronted),
    }
