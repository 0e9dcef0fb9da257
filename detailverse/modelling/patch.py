"""Patches: smooth pieces of surface on regular grids. Lathes, tubes, plates and boxes consist of them, and details are
laid on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detailverse.modelling.skin import BARE, Chart, Ornaments, Skin, Stamp
from detailverse.modelling.solid import ORNAMENT, Solid, leaf_solid, union
from detailverse.modelling.surface import Leaf
from zeroverse.core import affine
from zeroverse.core.jit import kernel
from zeroverse.core.portable import cos_sin
from zeroverse.core.topology import volume

# edge length under details, object units: a voxel of the 256-grid that detail is measured on (docs/papers.md, Geometry)
FINEST = 0.008
# height of details over the shorter side of their patch: on a narrow band they would reach over its neighbours
_MOST = 0.12
SMALLEST = 0.06  # a patch narrower than this carries no details


@dataclass(frozen=True, eq=False)
class Patch:
    """A smooth piece of surface on a regular grid.

    points: [R, C, 3], rows along v, columns along u; ∂u × ∂v points outwards. wraps: the last column repeats the first,
    exactly. width, height: lengths along u and v. skinned: details may be laid here. room: the greatest height and
    depth of details. border: [R, C] distance to where details must end, if that is not the border of the grid. way:
    where heights go, if not along the normal: steep land folds unless all of them go up. Borders of neighbouring
    patches must be the same points, bit for bit: they are welded by position.
    """

    points: np.ndarray
    width: float
    height: float
    wraps: bool = False
    skinned: bool = True
    room: float = 0.05
    border: np.ndarray | None = None
    way: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Cap:
    """A flat piece without details: points [N, 3], faces [F, 3], uv [N, 2]."""

    points: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


def spacing(skin: Skin, area: float, plain: float) -> float:
    """Returns the edge length of the mesh under a skin: a third of its finest feature, not finer than the budget of
    triangles allows.

    plain: the edge length without details.
    """
    if not skin:
        return plain
    wanted = min(detail.feature() for detail in skin.details) / 3
    return min(plain, max(wanted, FINEST / skin.scale, np.sqrt(2 * area / skin.triangles)))


def assemble(label: str, slot: str, patches: Sequence[Patch], caps: Sequence[Cap] = (), skin: Skin = BARE) -> Solid:
    """Returns patches and caps that close a body, with the skin's details laid on, as one solid. Raises Rejected if
    they do not close it.
    """
    points, faces, charts, uvs, reliefs, sizes, ornaments = [], [], [], [], [], [], []
    start = 0
    for patch in patches:
        base = _Base(patch)
        height, uv = np.zeros(base.u.shape), np.stack([base.u, base.v], axis=-1)
        laid = base.points
        if skin and patch.skinned and min(patch.width, patch.height) >= SMALLEST / skin.scale:
            laid, height = _lay(base, patch, skin)
            ornaments += [
                (_shrunk(one, skin.scale), laid, base)
                for detail in skin.details
                if (one := detail.ornaments(base.chart(patch, skin.scale))) is not None
            ]
        points.append(laid.reshape(-1, 3))
        faces.append(_quads(laid) + start)
        _add(
            uvs, reliefs, charts, sizes, uv.reshape(-1, 2), height.ravel(), len(faces[-1]), (patch.width, patch.height)
        )
        start += len(points[-1])
    for cap in caps:
        points.append(cap.points)
        faces.append(cap.faces + start)
        uv = cap.uv - cap.uv.min(axis=0)
        _add(
            uvs, reliefs, charts, sizes, uv, np.zeros(len(uv)), len(cap.faces), tuple(float(x) for x in uv.max(axis=0))
        )
        start += len(cap.points)
    body = leaf_solid(
        Leaf(label, slot, sizes=tuple(sizes)),
        *_welded(np.concatenate(points), np.concatenate(faces), np.concatenate(charts)),
        np.concatenate(uvs),
        np.concatenate(reliefs),
    )
    return union(
        (
            body,
            *(
                stamped(f"{label}.{one.label}", one, *_stand(one, laid, base))
                for one, laid, base in ornaments
                if len(one.uv)
            ),
        )
    )


def _add(uvs, reliefs, charts, sizes, uv, relief, faces, size):
    """Appends what one patch or cap has: uv, reliefs, the chart of its faces and that chart's size."""
    uvs.append(uv)
    reliefs.append(relief)
    charts.append(np.full(faces, len(sizes)))
    sizes.append(size)


def _welded(points, faces, charts):
    """Returns points, faces and charts without the triangles that have no area: the rows at a pole."""
    a, b, c = (points[faces[:, k]].astype(np.float32) for k in range(3))
    keep = (a != b).any(axis=1) & (b != c).any(axis=1) & (c != a).any(axis=1)
    return points, faces[keep], charts[keep]


class _Base:
    """The grid of a patch without details: u, v [R, C], points, tangents and normals [R, C, 3]."""

    def __init__(self, patch: Patch):
        rows, columns = patch.points.shape[:2]
        self.points = np.ascontiguousarray(patch.points, dtype=np.float64)
        self.u = np.broadcast_to(np.arange(columns) * (patch.width / (columns - 1)), (rows, columns)).copy()
        self.v = np.broadcast_to((np.arange(rows) * (patch.height / (rows - 1)))[:, None], (rows, columns)).copy()
        self.along_u, self.along_v, self.normals = _tangents(
            self.points, patch.width / (columns - 1), patch.height / (rows - 1), patch.wraps
        )

    def chart(self, patch: Patch, scale: float) -> Chart:
        """Returns the patch's chart, in object units, which are the patch's own times `scale`."""
        across = np.full(self.u.shape, np.inf) if patch.wraps else np.minimum(self.u, patch.width - self.u)
        border = np.minimum(across, np.minimum(self.v, patch.height - self.v)) if patch.border is None else patch.border
        return Chart(
            scale * self.u.ravel(),
            scale * self.v.ravel(),
            scale * patch.width,
            scale * patch.height,
            patch.wraps,
            scale * self.points.reshape(-1, 3),
            self.normals.reshape(-1, 3),
            scale * border.ravel(),
            scale * min(patch.room, _MOST * patch.width, _MOST * patch.height),
        )


def _lay(base: _Base, patch: Patch, skin: Skin) -> tuple[np.ndarray, np.ndarray]:
    """Returns points [R, C, 3] with the reliefs, and the heights [R, C]. Before a relief is read, vertices slide onto
    its creases: else they look like saws.
    """
    chart = base.chart(patch, skin.scale)
    shape = base.u.shape
    for detail in skin.details:
        distance = detail.lines(chart)
        if distance is not None:
            _snap(
                base.u,
                base.v,
                distance.reshape(shape) / skin.scale,
                chart.border.reshape(shape) / skin.scale,
                base.points,
                base.along_u,
                base.along_v,
                patch.wraps,
            )
            chart = base.chart(patch, skin.scale)
    reliefs = [relief for detail in skin.details if (relief := detail.relief(chart)) is not None]
    cell = skin.scale * min(patch.width / (shape[1] - 1), patch.height / (shape[0] - 1))
    most = np.minimum(
        chart.room, 0.8 * chart.border
    )  # towards a border no steeper than 39°: the neighbour may rise at a right angle there
    height = np.clip(sum(reliefs, np.zeros(len(chart.u))), -most, most)
    height = (height * _fade(chart.border, 2.0 * cell)).reshape(shape) / skin.scale
    if patch.way is None:
        _bound(height, base.points, base.normals, patch.wraps)
    laid = base.points + height[..., None] * (base.normals if patch.way is None else np.array(patch.way))
    if patch.wraps:
        laid[:, -1], height[:, -1] = laid[:, 0], height[:, 0]
    return laid, height


def _shrunk(ornaments: Ornaments, scale: float) -> Ornaments:
    """Returns the ornaments in units of the part instead of object units."""
    return replace(ornaments, uv=ornaments.uv / scale, size=ornaments.size / scale)


def _fade(border: np.ndarray, width: float) -> np.ndarray:
    """Returns 0 at the border, 1 from `width` on, smoothly between."""
    # exactly 0 at the border, whose distance from itself may come out as 1e-17: neighbours are welded there
    t = np.clip(border / width - 1e-6, 0.0, 1.0)
    return t * t * (3 - 2 * t)


@kernel
def _tangents(points, du, dv, wraps):  # [R, C, 3] -> [R, C, 3] three times: ∂/∂u, ∂/∂v, unit normals
    """Returns ∂/∂u, ∂/∂v and unit normals at the points of a grid, by differences of neighbours."""
    rows, columns, _ = points.shape
    along_u, along_v, normals = np.empty_like(points), np.empty_like(points), np.empty_like(points)
    for i in range(rows):
        up, down = min(i + 1, rows - 1), max(i - 1, 0)
        for j in range(columns):
            right, left = min(j + 1, columns - 1), max(j - 1, 0)
            steps = right - left
            if wraps and (j == 0 or j == columns - 1):
                right, left, steps = 1, columns - 2, 2
            for k in range(3):
                along_u[i, j, k] = (points[i, right, k] - points[i, left, k]) / (steps * du)
                along_v[i, j, k] = (points[up, j, k] - points[down, j, k]) / ((up - down) * dv)
    for i in range(rows):
        for j in range(columns):
            row = i
            length = 0.0
            x = y = z = 0.0
            for _ in range(2):  # at a pole ∂u is zero: the row beside it says where out is
                a, b = along_u[row, j], along_v[row, j]
                x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
                length = np.sqrt(x * x + y * y + z * z)
                if length > 1e-9:
                    break
                row = i + 1 if i == 0 else i - 1
            scale = 1.0 / length if length > 0 else 0.0
            normals[i, j, 0], normals[i, j, 1], normals[i, j, 2] = x * scale, y * scale, z * scale
    return along_u, along_v, normals


@kernel
def _bound(height, points, normals, wraps):
    """Clips heights [R, C], in place, to 0.6 of the radius at which normals of neighbours meet: in hollows outwards, on
    bulges inwards.
    """
    rows, columns = height.shape
    for i in range(rows):
        for j in range(columns):
            low = high = 0.0  # least and greatest curvature, + on bulges
            for axis in range(2):
                a, b = (max(i - 1, 0), min(i + 1, rows - 1)) if axis == 0 else (max(j - 1, 0), min(j + 1, columns - 1))
                if axis == 1 and wraps and (j == 0 or j == columns - 1):
                    a, b = columns - 2, 1
                turn = square = 0.0
                for k in range(3):
                    p, q = (points[a, j, k], points[b, j, k]) if axis == 0 else (points[i, a, k], points[i, b, k])
                    m, n = (normals[a, j, k], normals[b, j, k]) if axis == 0 else (normals[i, a, k], normals[i, b, k])
                    turn += (n - m) * (q - p)
                    square += (q - p) ** 2
                if square > 0.0:
                    low, high = min(low, turn / square), max(high, turn / square)
            if height[i, j] > 0.0 and -low * height[i, j] > 0.6:
                height[i, j] = -0.6 / low
            elif height[i, j] < 0.0 and -high * height[i, j] > 0.6:
                height[i, j] = -0.6 / high


@kernel
def _snap(u, v, distance, border, points, along_u, along_v, wraps):
    """Moves grid points, in place, onto the lines where `distance` is zero, by less than half a cell."""
    rows, columns = u.shape
    du, dv = u[0, 1] - u[0, 0], v[1, 0] - v[0, 0]
    cell = min(du, dv)
    shift_u, shift_v = np.zeros_like(u), np.zeros_like(v)
    for i in range(1, rows - 1):
        for j in range(0 if wraps else 1, columns - 1):
            d = distance[i, j]
            if abs(d) > 0.5 * cell or border[i, j] < 1.5 * cell:
                continue
            left = columns - 2 if j == 0 else j - 1
            gu = (distance[i, j + 1] - distance[i, left]) / (2 * du)
            gv = (distance[i + 1, j] - distance[i - 1, j]) / (2 * dv)
            square = gu * gu + gv * gv
            if square < 0.3:  # near a corner, or between two lines: no one direction leads there
                continue
            shift_u[i, j] = max(-0.45 * du, min(0.45 * du, -d * gu / square))
            shift_v[i, j] = max(-0.45 * dv, min(0.45 * dv, -d * gv / square))
    for i in range(1, rows - 1):
        for j in range(columns):
            source = 0 if wraps and j == columns - 1 else j
            a, b = shift_u[i, source], shift_v[i, source]
            u[i, j] += a
            v[i, j] += b
            for k in range(3):
                points[i, j, k] += a * along_u[i, source, k] + b * along_v[i, source, k]


@kernel
def _quads(points):  # [R, C, 3] -> [2 (R - 1)(C - 1), 3]: each cell along its shorter diagonal, which follows creases
    """Returns the triangles of a grid."""
    rows, columns, _ = points.shape
    faces = np.empty((2 * (rows - 1) * (columns - 1), 3), np.int64)
    n = 0
    for i in range(rows - 1):
        for j in range(columns - 1):
            a, b, c, d = i * columns + j, i * columns + j + 1, (i + 1) * columns + j + 1, (i + 1) * columns + j
            first = second = 0.0
            for k in range(3):
                first += (points[i, j, k] - points[i + 1, j + 1, k]) ** 2
                second += (points[i, j + 1, k] - points[i + 1, j, k]) ** 2
            if first <= second:
                faces[n] = a, b, c
                faces[n + 1] = a, c, d
            else:
                faces[n] = a, b, d
                faces[n + 1] = b, c, d
            n += 2
    return faces


def _stand(ornaments: Ornaments, laid: np.ndarray, base: _Base) -> tuple[np.ndarray, np.ndarray]:
    """Returns where ornaments stand: matrices [K, 3, 3] and offsets [K, 3], on the grid point nearest to each."""
    rows, columns = base.u.shape
    i = np.clip(np.rint(ornaments.uv[:, 1] / base.v[-1, 0] * (rows - 1)).astype(np.int64), 0, rows - 1)
    j = np.clip(np.rint(ornaments.uv[:, 0] / base.u[0, -1] * (columns - 1)).astype(np.int64), 0, columns - 1)
    return _frames(base.normals[i, j], base.along_u[i, j], ornaments.size, ornaments.spin), laid[i, j]


def _frames(normals, along, size, spin) -> np.ndarray:  # [K, 3], [K, 3], [K], [K] -> [K, 3, 3], columns x, y, z
    """Returns the matrices of ornaments: z along the normal, x along u turned by the spin, times the size."""
    x = affine.unit(along - (along * normals).sum(axis=1, keepdims=True) * normals)
    y = affine.cross(normals, x)
    turned = np.array([cos_sin(angle) for angle in spin]).reshape(-1, 2)
    c, s = turned[:, :1], turned[:, 1:]
    return np.stack([c * x + s * y, c * y - s * x, normals], axis=2) * np.asarray(size)[:, None, None]


def stamped(label: str, ornaments: Ornaments, matrices: np.ndarray, offsets: np.ndarray) -> Solid:
    """Returns copies of the stamp, one for each matrix [K, 3, 3] and offset [K, 3], as one leaf.

    Where copies would touch, in the hollow of a curve, the later one is left out: they are one mesh, not a union.
    """
    stamp = ornaments.stamp
    reach = np.sqrt((stamp.points**2).sum(axis=1).max()) * np.sqrt((matrices[:, :, 0] ** 2).sum(axis=1))
    keep = _apart(
        np.ascontiguousarray(offsets), reach, stamp_width(stamp) / np.sqrt((stamp.points**2).sum(axis=1).max())
    )
    matrices, offsets = matrices[keep], offsets[keep]
    points = np.einsum("kij,nj->kni", matrices, stamp.points) + offsets[:, None]
    faces = stamp.faces[None] + (len(stamp.points) * np.arange(len(matrices)))[:, None, None]
    return leaf_solid(Leaf(label, ORNAMENT), points.reshape(-1, 3), faces.reshape(-1, 3), None)


def stamp_width(stamp: Stamp) -> float:
    """Returns the radius of the stamp about its z axis: what neighbours on a flat chart keep clear."""
    return float(np.sqrt((stamp.points[:, :2] ** 2).sum(axis=1).max()))


@kernel
def _apart(
    places, reach, flat
):  # [K, 3], [K] -> [K] bool: those that come no nearer to one kept before than both are wide
    """Returns which places to keep, each against those kept before it."""
    keep = np.ones(len(places), np.bool_)
    for i in range(len(places)):
        for j in range(i):
            if keep[j]:
                x, y, z = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1], places[i, 2] - places[j, 2]
                least = flat * (reach[i] + reach[j])
                if x * x + y * y + z * z < 0.98 * least * least:
                    keep[i] = False
                    break
    return keep


def oriented(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns the faces [F, 3] of a closed mesh, turned outwards."""
    return faces if volume(points, faces) > 0 else faces[:, ::-1]


def unskinned(patch: Patch) -> Patch:
    """Returns the patch without room for details."""
    return replace(patch, skinned=False)
