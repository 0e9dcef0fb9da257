"""The run: every object looked at once, in parts that survive an interruption; then the verdicts, which are cheap; then
report and contact sheets.

Nothing of the input is touched. The same input and options give the same report, whatever the number of workers.
"""

import base64
import functools
import hashlib
import itertools
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from detailverse.curation.duplicates import near_duplicates
from renderers.curation import orient, sheets
from renderers.curation.features import Embed, features
from renderers.curation.filters import FILTERS, Thresholds, Verdict, verdicts
from renderers.curation.measures import descriptor, measure
from renderers.curation.orient import Orienter
from renderers.curation.score import Scorer
from renderers.curation.subjects import Handle, Pool, Unusable, open_pool, opened
from renderers.farm import TOLERANT, Care, engines
from renderers.shards.storage import Local
from renderers.tables import ENGINES
from zeroverse.core.files import write_whole
from zeroverse.core.limits import TooSlow, time_limit, too_slow, was_too_slow

FORMAT = "verse-curation/1"
PART = 32  # objects whose numbers are written together: what an interruption costs
CRASHED = "crashed a worker twice"
UNREADABLE, DUPLICATE = "unreadable", "duplicate"
REASONS = (UNREADABLE, *(name for name, _ in FILTERS), DUPLICATE)


class CurateError(RuntimeError):
    """A run that cannot go on; the message names the object."""


@dataclass(frozen=True)
class Looks:
    """How objects are looked at; changing any of it looks at all of them again. size: pixels of a rendered view. embed:
    picklable, with a `name`. on_missing_texture: as `sources.load` has it.
    """

    size: int = 160
    orienter: str | None = None
    embed: Embed | None = None
    on_missing_texture: str = "refuse"

    def stamp(self) -> list:
        orienter = hashlib.sha256(Path(self.orienter).read_bytes()).hexdigest() if self.orienter else None
        white = [self.on_missing_texture] if self.on_missing_texture != "refuse" else []
        return [FORMAT, self.size, orienter, getattr(self.embed, "name", None), *white]


@dataclass
class Row:
    """What is known of one object. failed: why it could not be looked at. verdicts: what is wrong with it, the first
    names the reason.
    """

    uid: str
    source: str
    failed: str = ""
    measures: dict = field(default_factory=dict)
    points: str = ""
    thumbnail: str = ""
    descriptor: str = ""  # float32, little-endian, base64
    features: str = ""
    orientation: dict | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    duplicate_of: str | None = None

    @property
    def reason(self) -> str:
        return UNREADABLE if self.failed else self.verdicts[0].step if self.verdicts else ""


@dataclass(frozen=True)
class Outcome:
    """rows in the order of the input; removed: {reason: how many}; looked: objects that were looked at now, the others
    were known from an earlier run.
    """

    rows: list[Row]
    removed: Counter
    looked: int


def _ignore(row: Row, total: int) -> None:
    pass


def curate(
    where: str,
    out: Path,
    limits: Thresholds | None = None,
    looks: Looks | None = None,
    scorer: Scorer | None = None,
    workers: int = 1,
    on_row: Callable[[Row, int], None] = _ignore,
    engine: str = "loky",
    care: Care = TOLERANT,
) -> Outcome:
    """Curate a folder or URL of shards, or a folder of GLB files; writes report.json, kept.txt, removed.txt, kept.png
    and removed_<reason>.png to `out`.

    care: what one bad object may cost, itself or the run. Kill it at any moment: the same call goes on. Raises
    ValueError for inputs and options that do not fit, CurateError.
    """
    looks, limits = looks or Looks(), limits or Thresholds()
    if limits.score > 0 and scorer is None:
        raise ValueError("score: a threshold needs a scorer, got none")
    pool = open_pool(where, looks.size, looks.on_missing_texture)
    _check_out(where, out)
    (out / "parts").mkdir(parents=True, exist_ok=True)
    Local(out).sweep()
    rows, looked = [], 0
    for number, group in _looked(pool, out, looks, lambda row: on_row(row, len(pool.names)), workers, engine, care):
        rows, looked = rows + group, looked + number
    judge(rows, limits, scorer)
    write_reports(rows, out, where, limits, scorer)
    return Outcome(rows, Counter(row.reason for row in rows if row.reason), looked)


def _check_out(where: str, out: Path) -> None:
    if "://" not in where and out.resolve() == Path(where).resolve():
        raise ValueError(f"out: expected another folder than the one that is curated, got {out}")


# -------------------------------------------------------------------------------------------------------------- looking


def _looked(
    pool: Pool, out: Path, looks: Looks, on_row, workers: int, engine: str, care: Care
) -> Iterator[tuple[int, list[Row]]]:
    """(how many were looked at now, rows) of each part in order; the rows leave their thumbnails on disk."""
    parts = _parts(pool, out, looks)
    todo = [index for part, path in parts if not path.exists() for index in part]
    with (
        ENGINES[engine](max(1, min(workers, len(todo))), None) as processes,
        tempfile.TemporaryDirectory(prefix="verse-") as notes,
    ):
        work = functools.partial(look, pool.handle, looks, care=care, notes=Path(notes))
        made = engines.run(processes, work, todo, is_hopeless=lambda index: was_too_slow(Path(notes, str(index))))
        for part, path in parts:
            now = 0
            if not path.exists():
                rows = []
                for index, row in itertools.islice(made, len(part)):
                    rows.append(_died(pool, index, care, Path(notes)) if row is engines.DIED else row)
                    on_row(rows[-1])
                write_whole(path, json.dumps([asdict(row) for row in rows]).encode())
                now = len(part)
            rows = _read_part(path)
            for row in rows:
                row.thumbnail = ""
                if not now:
                    on_row(row)
            yield now, rows


def _parts(pool: Pool, out: Path, looks: Looks) -> list[tuple[range, Path]]:
    """Which objects are written together, and where: the name says how they were looked at, so a file that is there is
    the right one.
    """
    count, stamp, parts = len(pool.names), looks.stamp(), []
    for number, start in enumerate(range(0, count, PART)):
        part = range(start, min(start + PART, count))
        key = hashlib.sha256(json.dumps([stamp, [pool.stamp(index) for index in part]]).encode()).hexdigest()
        parts.append((part, out / "parts" / f"{number:06d}-{key[:20]}.json"))
    wanted = {path for _, path in parts}
    for path in (out / "parts").glob("*.json"):
        if path not in wanted:
            path.unlink()
    return parts


def _read_part(path: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(path.read_bytes())]


def _died(pool: Pool, index: int, care: Care, notes: Path) -> Row:
    slow = was_too_slow(notes / str(index))
    row = Row(pool.names[index], pool.source(index), too_slow(care.timeout) if slow else CRASHED)
    if not care.skips:
        raise CurateError(f"{row.source}: {row.failed}")
    return row


def look(handle: Handle, looks: Looks, index: int, care: Care = TOLERANT, notes: Path | None = None) -> Row:
    """Renders or reads one object and takes its numbers. Whatever goes wrong with it is in the row, if `care` says so;
    otherwise it raises CurateError. notes: a folder in which `time_limit` may leave a note.
    """
    pool = opened(handle)
    row = Row(pool.names[index], pool.source(index))
    if looks.orienter:
        _orienter(looks.orienter)  # what is wrong with it is no object's fault
    try:
        with time_limit(care.timeout, notes / str(index) if notes and notes.is_dir() else None):
            _fill(row, pool, looks, index)
    except (Unusable, TooSlow) as error:
        failed = str(error)
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    else:
        return row
    if not care.skips:
        raise CurateError(f"{row.source}: {failed}")
    return Row(row.uid, row.source, " ".join(failed.split()))


def _fill(row: Row, pool: Pool, looks: Looks, index: int) -> None:
    subject = pool.subject(index)
    row.measures = measure(subject)
    row.points = "mesh" if subject.asset else "views"
    row.descriptor, row.features = (
        _packed(descriptor(subject)),
        _packed(features(subject, row.measures, looks.embed)),
    )
    row.thumbnail = sheets.thumbnail(subject.images)
    if looks.orienter and subject.asset:
        row.orientation = _orienter(looks.orienter).orient(*orient.describe(orient.six_views(subject.asset))).record()


@functools.cache
def _orienter(path: str) -> Orienter:
    return Orienter.load(Path(path))


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def unpacked(rows: list[str]) -> np.ndarray:  # [N, D]
    return np.array([np.frombuffer(base64.b64decode(row), "<f4") for row in rows])


# -------------------------------------------------------------------------------------------------------------- judging


def judge(rows: list[Row], limits: Thresholds, scorer: Scorer | None) -> None:
    """Write scores, verdicts and duplicates into the rows. Duplicates are sought among what the filters keep, so that a
    good twin of a bad object stays.
    """
    seen = [row for row in rows if not row.failed]
    for row in seen:
        row.measures["score"] = float(scorer.score(unpacked([row.features]))[0]) if scorer else None
        row.verdicts = verdicts(row.measures, limits)
    kept = [row for row in seen if not row.verdicts]
    if len(kept) < 2:
        return
    radius = limits.duplicate if all(row.points == "mesh" for row in kept) else limits.duplicate_views
    table = unpacked([row.descriptor for row in kept])
    for row, other in zip(kept, near_duplicates(table, radius)):
        if other >= 0:
            twin = kept[other]
            distance = float(np.sqrt(((unpacked([row.descriptor]) - unpacked([twin.descriptor])) ** 2).sum()))
            row.duplicate_of, row.verdicts = twin.uid, [Verdict(DUPLICATE, "distance", distance, radius)]


# ------------------------------------------------------------------------------------------------------------ reporting


def write_reports(rows: list[Row], out: Path, where: str, limits: Thresholds, scorer: Scorer | None) -> None:
    """report.json (one record per object), kept.txt, removed.txt and the contact sheets; sheets of reasons that no
    longer occur are removed.
    """
    reasons = Counter(row.reason for row in rows if row.reason)
    report = {
        "format": FORMAT,
        "input": where,
        "objects": len(rows),
        "kept": sum(not row.reason for row in rows),
        "removed": {reason: reasons[reason] for reason in REASONS if reasons[reason]},
        "thresholds": asdict(limits),
        "scored": scorer is not None,
        "rows": [record(row) for row in rows],
    }
    write_whole(out / "report.json", json.dumps(report, indent=1, allow_nan=False).encode())
    write_whole(out / "kept.txt", "".join(f"{row.uid}\n" for row in rows if not row.reason).encode())
    write_whole(
        out / "removed.txt", "".join(f"{row.uid}\t{row.reason}\t{why(row)}\n" for row in rows if row.reason).encode()
    )
    for reason in REASONS:
        path, group = (
            out / f"removed_{reason.replace(' ', '_')}.png",
            [number for number, row in enumerate(rows) if row.reason == reason],
        )
        if group:
            _write_sheet(
                path,
                f"removed: {reason}",
                group,
                out,
                [[rows[number].uid, *why(rows[number]).split("; ")] for number in group],
            )
        else:
            path.unlink(missing_ok=True)
    kept = [number for number, row in enumerate(rows) if not row.reason]
    _write_sheet(out / "kept.png", "kept", kept, out, [_captions(rows[number]) for number in kept])


def _write_sheet(path: Path, title: str, numbers: list[int], out: Path, captions: list[list[str]]) -> None:
    """Only the objects that a sheet shows have their thumbnails read."""
    shown = numbers[: sheets.MOST]
    parts = {
        part: _read_part(next((out / "parts").glob(f"{part:06d}-*.json")))
        for part in sorted({number // PART for number in shown})
    }
    tiles = [parts[number // PART][number % PART].thumbnail for number in shown]
    write_whole(path, sheets.sheet(title, len(numbers), list(zip(tiles, captions))))


def record(row: Row) -> dict:
    """What report.json says of an object."""
    first = row.verdicts[0] if row.verdicts else None
    return {
        "uid": row.uid,
        "source": row.source,
        "kept": not row.reason,
        "step": row.reason or None,
        "why": why(row) or None,
        "measure": first and first.measure,
        "value": first and first.value,
        "threshold": first and first.threshold,
        "also": [verdict.step for verdict in row.verdicts[1:]],
        "duplicate_of": row.duplicate_of,
        "measured_on": row.points or None,
        "measures": row.measures,
        "orientation": row.orientation,
    }


def why(row: Row) -> str:
    if row.failed:
        return row.failed.replace("\n", " ")
    twin = f" of {row.duplicate_of}" if row.duplicate_of else ""
    return "; ".join(verdict.words() for verdict in row.verdicts) + twin


def _captions(row: Row) -> list[str]:
    score = row.measures.get("score")
    turned = (
        row.orientation and f"{row.orientation['verdict']} {row.orientation['up']:.2f} {row.orientation['front']:.2f}"
    )
    return [row.uid, " ".join(filter(None, (f"score {score:.2f}" if score is not None else "", turned)))]
