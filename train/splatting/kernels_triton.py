"""The Triton splatting kernels: what `kernels.c` is on a CPU. `train/splatting/backend_triton.py` calls them,
`train/splatting/__init__.py` has the semantics.

Deterministic without atomics: a program owns its outputs, and sums are taken in an order that the data fix. A tile's
gradients go to one row per (Gaussian, tile) pair; a Gaussian's rows are contiguous and are summed in order, and its
views one after the other.

A tile is one warp's work: [CHUNK, PIXELS] blocks of Gaussians times pixels, which Triton lays out so that a thread
holds two pixels for all Gaussians of the chunk. Products front to back then stay within a thread, sums over pixels are
shuffles, and shared memory holds no more than a few of those sums (tests/train/test_splat_triton.py compiles for real
GPUs and looks). On a GPU exp, log, sqrt and / are a few units in the last place off and products are fused with sums,
in the interpreter they are numpy's: the same pixels within tolerances, not to the bit.
"""

import triton
import triton.language as tl

from train.splatting import backend_torch

ALPHA_MAX = tl.constexpr(backend_torch.ALPHA_MAX)
ALPHA_MIN = tl.constexpr(backend_torch.ALPHA_MIN)
TRANSMITTANCE_MIN = tl.constexpr(backend_torch.TRANSMITTANCE_MIN)
RATIO_MIN = tl.constexpr(backend_torch.RATIO_MIN)
SPLAT = tl.constexpr(
    8
    # floats of one Gaussian on one image: x, y; a, b, c of the inverse covariance; opacity, 0 if not drawn; half sides
    # of its box
)
LARGEST = tl.constexpr(3.4028234663852886e38)  # of float32


# Vectors are tuples, matrices tuples of rows; every entry is a block of Gaussians, or a number of the camera


@triton.jit
def _dot(p, q):
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


@triton.jit
def _axpy(s, p, q):
    return q[0] + s * p[0], q[1] + s * p[1], q[2] + s * p[2]


@triton.jit
def _times(s, p):
    return s * p[0], s * p[1], s * p[2]


@triton.jit
def _scaled(p, q):
    return p[0] * q[0], p[1] * q[1], p[2] * q[2]


@triton.jit
def _through(row, m):  # row of a matrix times a matrix
    return _axpy(row[0], m[0], _axpy(row[1], m[1], _times(row[2], m[2])))


@triton.jit
def _column(m, k: tl.constexpr):
    return m[0][k], m[1][k], m[2][k]


@triton.jit
def _load3(pointer, mask):
    return tl.load(pointer, mask, 0.0), tl.load(pointer + 1, mask, 0.0), tl.load(pointer + 2, mask, 0.0)


@triton.jit
def _store3(pointer, p, mask):
    tl.store(pointer, p[0], mask)
    tl.store(pointer + 1, p[1], mask)
    tl.store(pointer + 2, p[2], mask)


@triton.jit
def _finite(x):
    return tl.abs(x) <= LARGEST  # false for NaN


# Projection


@triton.jit
def _camera(w2c, intrinsics, image, width, height):
    """(rotation, translation, focal lengths, centre, lower and upper bounds of x / z and y / z in the Jacobian)."""
    m, k = w2c + image * 16, intrinsics + image * 4
    rotation = (
        (tl.load(m), tl.load(m + 1), tl.load(m + 2)),
        (tl.load(m + 4), tl.load(m + 5), tl.load(m + 6)),
        (tl.load(m + 8), tl.load(m + 9), tl.load(m + 10)),
    )
    translation = (tl.load(m + 3), tl.load(m + 7), tl.load(m + 11))
    fx, fy, cx, cy = tl.load(k), tl.load(k + 1), tl.load(k + 2), tl.load(k + 3)
    low = (-(cx + 0.15 * width) / fx, -(cy + 0.15 * height) / fy)
    high = ((1.15 * width - cx) / fx, (1.15 * height - cy) / fy)
    return rotation, translation, (fx, fy), (cx, cy), low, high


@triton.jit
def _body(means, quats, scales, opacities, index, mask):
    """Gaussians in the world: (mean, unit quaternion, the length it had, rotation, scale, opacity, whether all of it is
    finite).
    """
    mean, scale, opacity = (
        _load3(means + 3 * index, mask),
        _load3(scales + 3 * index, mask),
        tl.load(opacities + index, mask, 0.0),
    )
    w = tl.load(quats + 4 * index, mask, 0.0)
    x, y, z = _load3(quats + 4 * index + 1, mask)
    finite = (
        _finite(mean[0])
        & _finite(mean[1])
        & _finite(mean[2])
        & _finite(scale[0])
        & _finite(scale[1])
        & _finite(scale[2])
    )
    finite = finite & _finite(w) & _finite(x) & _finite(y) & _finite(z) & _finite(opacity)
    norm = tl.maximum(tl.sqrt(w * w + x * x + y * y + z * z), 1e-12)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    rotation = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return mean, (w, x, y, z), norm, rotation, scale, opacity, finite


@triton.jit
def _projection(mean, rotation, scale, camera, eps2d):
    """Local affine projection, as `backend_torch.project`: depth; x / z and y / z, and the same clamped; the
    scaled axes in the camera (columns); u and v, the rows of the map from the unit sphere to pixels; (uu, uv, vv,
    area) without eps2d; the determinant with it.
    """
    turn, translation, focal, _, low, high = camera
    x, y, z = (
        _dot(turn[0], mean) + translation[0],
        _dot(turn[1], mean) + translation[1],
        _dot(turn[2], mean) + translation[2],
    )
    x, y = x / z, y / z
    tx, ty = tl.maximum(tl.minimum(x, high[0]), low[0]), tl.maximum(tl.minimum(y, high[1]), low[1])
    shape = (_scaled(rotation[0], scale), _scaled(rotation[1], scale), _scaled(rotation[2], scale))
    axes = (_through(turn[0], shape), _through(turn[1], shape), _through(turn[2], shape))
    ku, kv = focal[0] / z, focal[1] / z
    u, v = _times(ku, _axpy(-tx, axes[2], axes[0])), _times(kv, _axpy(-ty, axes[2], axes[1]))
    normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    uu, uv, vv, area = (
        _dot(u, u),
        _dot(u, v),
        _dot(v, v),
        _dot(normal, normal),
    )  # Cauchy-Binet: no cancellation, so never negative
    return z, (x, y), (tx, ty), axes, u, v, (uu, uv, vv, area), area + eps2d * (uu + vv) + eps2d * eps2d


@triton.jit
def project(
    means,
    quats,
    scales,
    opacities,
    w2c,
    intrinsics,
    splats,
    depths,
    gaussians,
    views,
    width,
    height,
    near,
    eps2d,
    ANTIALIASED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """A program: BLOCK Gaussians of one image -> splats [B V N, SPLAT], depths [B V N]."""
    blocks = tl.cdiv(gaussians, BLOCK)
    image = (tl.program_id(0) // blocks).to(tl.int64)
    n = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    live = n < gaussians
    mean, _, _, rotation, scale, opacity, finite = _body(
        means, quats, scales, opacities, image // views * gaussians + n, live
    )
    camera = _camera(w2c, intrinsics, image, width, height)
    depth, position, _, _, _, _, covariance, det = _projection(mean, rotation, scale, camera, eps2d)
    uu, uv, vv, area = covariance
    drawn = finite & (depth > near) & (det > 0) & (det <= LARGEST)
    if ANTIALIASED:
        opacity *= tl.sqrt(tl.maximum(area / det, RATIO_MIN))
    drawn = drawn & (opacity >= ALPHA_MIN)
    focal, center = camera[2], camera[3]
    x, y = focal[0] * position[0] + center[0], focal[1] * position[1] + center[1]
    reach = (
        2 * tl.log(255 * tl.where(drawn, opacity, 1.0)) + 1e-4
    )  # squared Mahalanobis radius where alpha is 1/255; the GPU's log is good to 1e-6
    half_x, half_y = tl.sqrt(reach * (uu + eps2d)) * 1.001 + 0.01, tl.sqrt(reach * (vv + eps2d)) * 1.001 + 0.01
    drawn = drawn & _finite(x) & _finite(y) & _finite(half_x) & _finite(half_y)
    row = image * gaussians + n
    tl.store(depths + row, depth, live)
    splat = splats + row * SPLAT
    tl.store(splat, tl.where(drawn, x, 0.0), live)
    tl.store(splat + 1, tl.where(drawn, y, 0.0), live)
    _store3(
        splat + 2,
        (
            tl.where(drawn, (vv + eps2d) / det, 0.0),
            tl.where(drawn, -uv / det, 0.0),
            tl.where(drawn, (uu + eps2d) / det, 0.0),
        ),
        live,
    )
    _store3(
        splat + 5, (tl.where(drawn, opacity, 0.0), tl.where(drawn, half_x, 0.0), tl.where(drawn, half_y, 0.0)), live
    )


# Its gradient


@triton.jit
def _pull_covariance(row, opacity, covariance, det, eps2d, mask, ANTIALIASED: tl.constexpr):
    """Gradients of (a, b, c, opacity) -> those of (uu, uv, vv), and of the opacity before anti-aliasing."""
    uu, uv, vv, area = covariance
    a, b, c = (vv + eps2d) / det, -uv / det, (uu + eps2d) / det
    ga, gb, gc = _load3(row + 2, mask)
    gain = tl.load(row + 5, mask, 0.0)
    gb *= 0.5  # as a symmetric matrix G; the covariance's gradient is -K G K
    guu = -(a * (a * ga + b * gb) + b * (a * gb + b * gc))
    guv = -2 * (a * (b * ga + c * gb) + b * (b * gb + c * gc))
    gvv = -(b * (b * ga + c * gb) + c * (b * gb + c * gc))
    if ANTIALIASED:
        root = tl.sqrt(tl.maximum(area / det, RATIO_MIN))
        garea = tl.where(area > det * RATIO_MIN, gain * opacity * 0.5 / root / det, 0.0)
        gdet = -garea * area / det
        guu += garea * vv + gdet * (vv + eps2d)
        gvv += garea * uu + gdet * (uu + eps2d)
        guv -= 2 * uv * (garea + gdet)
        gain *= root
    return guu, guv, gvv, gain


@triton.jit
def _pull_view(row, mean, rotation, scale, opacity, camera, eps2d, mask, ANTIALIASED: tl.constexpr):
    """One view's gradients, a row of 6 -> those of the mean in the camera, of the rows of the scaled axes there, and of
    the opacity.
    """
    z, position, clamped, axes, u, v, covariance, det = _projection(mean, rotation, scale, camera, eps2d)
    x, y, tx, ty = position[0], position[1], clamped[0], clamped[1]
    guu, guv, gvv, gain = _pull_covariance(row, opacity, covariance, det, eps2d, mask, ANTIALIASED)
    ku, kv = camera[2][0] / z, camera[2][1] / z
    gu = (2 * guu * u[0] + guv * v[0], 2 * guu * u[1] + guv * v[1], 2 * guu * u[2] + guv * v[2])
    gv = (2 * gvv * v[0] + guv * u[0], 2 * gvv * v[1] + guv * u[1], 2 * gvv * v[2] + guv * u[2])
    gx = camera[2][0] * tl.load(row, mask, 0.0) + tl.where(tx == x, -ku * _dot(gu, axes[2]), 0.0)  # where not clamped
    gy = camera[2][1] * tl.load(row + 1, mask, 0.0) + tl.where(ty == y, -kv * _dot(gv, axes[2]), 0.0)
    gz = -_dot(gu, u) - _dot(gv, v) - gx * x - gy * y
    g0, g1 = _times(ku, gu), _times(kv, gv)
    return (gx / z, gy / z, gz / z), (g0, g1, _axpy(-tx, g0, _times(-ty, g1))), gain


@triton.jit
def _pull_shape(axes, quat, norm, rotation, scale):
    """Gradients of the scaled axes in the world (rows) -> those of the quaternion as it was given, and of the scale."""
    gscale = (
        _dot(_column(axes, 0), _column(rotation, 0)),
        _dot(_column(axes, 1), _column(rotation, 1)),
        _dot(_column(axes, 2), _column(rotation, 2)),
    )
    g00, g01, g02 = _scaled(axes[0], scale)
    g10, g11, g12 = _scaled(axes[1], scale)
    g20, g21, g22 = _scaled(axes[2], scale)
    w, x, y, z = quat
    gw = 2 * (x * (g21 - g12) + y * (g02 - g20) + z * (g10 - g01))
    gx = 2 * (y * (g01 + g10) + z * (g02 + g20) + w * (g21 - g12) - 2 * x * (g11 + g22))
    gy = 2 * (x * (g01 + g10) + z * (g12 + g21) + w * (g02 - g20) - 2 * y * (g00 + g22))
    gz = 2 * (x * (g02 + g20) + y * (g12 + g21) + w * (g10 - g01) - 2 * z * (g00 + g11))
    along = gw * w + gx * x + gy * y + gz * z
    return ((gw - along * w) / norm, (gx - along * x) / norm, (gy - along * y) / norm, (gz - along * z) / norm), gscale


@triton.jit
def _gained(total, gain, mask):  # what is masked may be NaN
    return (
        tl.where(mask, total[0] + gain[0], total[0]),
        tl.where(mask, total[1] + gain[1], total[1]),
        tl.where(mask, total[2] + gain[2], total[2]),
    )


@triton.jit
def project_backward(
    means,
    quats,
    scales,
    opacities,
    w2c,
    intrinsics,
    splats,
    sums,
    grad_means,
    grad_quats,
    grad_scales,
    grad_opacities,
    gaussians,
    views,
    width,
    height,
    eps2d,
    WIDTH: tl.constexpr,
    ANTIALIASED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """A program: BLOCK Gaussians of one sample in all its views. sums: [B V N, WIDTH], of which the first 6 are of x,
    y, a, b, c, opacity.
    """
    blocks = tl.cdiv(gaussians, BLOCK)
    sample = (tl.program_id(0) // blocks).to(tl.int64)
    n = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    live, index = n < gaussians, sample * gaussians + n
    mean, quat, norm, rotation, scale, opacity, finite = _body(means, quats, scales, opacities, index, live)
    gopacity = tl.zeros([BLOCK], tl.float32)
    gmean = (gopacity, gopacity, gopacity)
    gaxes = (gmean, gmean, gmean)  # of rotation times scale, in the world
    for view in range(views):
        image = sample * views + view
        camera = _camera(w2c, intrinsics, image, width, height)
        drawn = live & (tl.load(splats + (image * gaussians + n) * SPLAT + 5, live, 0.0) > 0)
        glocal, gcamera, gain = _pull_view(
            sums + (image * gaussians + n) * WIDTH, mean, rotation, scale, opacity, camera, eps2d, drawn, ANTIALIASED
        )
        turn = camera[0]
        gmean = _gained(gmean, _through(glocal, turn), drawn)
        gaxes = (
            _gained(gaxes[0], _through(_column(turn, 0), gcamera), drawn),
            _gained(gaxes[1], _through(_column(turn, 1), gcamera), drawn),
            _gained(gaxes[2], _through(_column(turn, 2), gcamera), drawn),
        )
        gopacity = tl.where(drawn, gopacity + gain, gopacity)
    gquat, gscale = _pull_shape(gaxes, quat, norm, rotation, scale)
    zero = (gopacity * 0, gopacity * 0, gopacity * 0)
    _store3(grad_means + 3 * index, gmean, live)
    _store3(grad_scales + 3 * index, _gained(zero, gscale, finite), live)
    tl.store(grad_quats + 4 * index, tl.where(finite, gquat[0], 0.0), live)
    _store3(grad_quats + 4 * index + 1, _gained(zero, (gquat[1], gquat[2], gquat[3]), finite), live)
    tl.store(grad_opacities + index, gopacity, live)


# Compositing


@triton.jit
def _place(tile, width, height, TILE: tl.constexpr, PIXELS: tl.constexpr):
    """(image, x and y of the tile's first pixel, columns and rows of its pixels [PIXELS], which of them are in the
    image).
    """
    columns = tl.cdiv(width, TILE)
    place = tile % (columns * tl.cdiv(height, TILE))
    left, top = place % columns * TILE, place // columns * TILE
    pixel = tl.arange(0, PIXELS)
    column, row = pixel % TILE, pixel // TILE
    return (
        (tile // (columns * tl.cdiv(height, TILE))).to(tl.int64),
        left,
        top,
        column,
        row,
        (left + column < width) & (top + row < height),
    )


@triton.jit
def _footprint(splats, member, live, left, top, column, row):
    """Offsets of pixels from centres dx, dy [CHUNK, PIXELS], (a, b, c) and opacity [CHUNK, 1], and alpha before cut and
    cap [CHUNK, PIXELS].
    """
    splat = splats + member * SPLAT
    x, y = (
        tl.load(splat, live, 0.0) - (left + 0.5),
        tl.load(splat + 1, live, 0.0) - (top + 0.5),
    )  # small numbers, so exact
    a, b, c = _load3(splat + 2, live)
    opacity = tl.load(splat + 5, live, 0.0)
    dx, dy = column.to(tl.float32)[None, :] - x[:, None], row.to(tl.float32)[None, :] - y[:, None]
    power = -0.5 * (a[:, None] * dx * dx + c[:, None] * dy * dy) - b[:, None] * dx * dy
    return dx, dy, (a, b, c), opacity, opacity[:, None] * tl.exp(tl.minimum(power, 0.0))


@triton.jit(do_not_specialize=["start"])
def composite(
    splats,
    colors,
    members,
    starts,
    background,
    image_out,
    alpha_out,
    transmittance,
    last_out,
    start,
    gaussians,
    views,
    width,
    height,
    CHANNELS: tl.constexpr,
    GROUP: tl.constexpr,
    PER_VIEW: tl.constexpr,
    TILE: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """A program: GROUP channels of one tile, in order from image `start` on. last_out: the last member drawn in each
    pixel, counted from the tile's first; -1 for none.
    """
    PIXELS: tl.constexpr = TILE * TILE
    listed = tl.program_id(0)
    tile = listed + start * tl.cdiv(width, TILE) * tl.cdiv(height, TILE)
    image, left, top, column, row, inside = _place(tile, width, height, TILE, PIXELS)
    channel = tl.program_id(1) * GROUP + tl.arange(0, GROUP)
    shift = 0 if PER_VIEW else (image // views - image) * gaussians  # from a member to its colour
    first = tl.load(starts + listed)
    count = (tl.load(starts + listed + 1) - first).to(tl.int32)

    color = tl.zeros([GROUP, PIXELS], tl.float32)
    through = tl.full([PIXELS], 1.0, tl.float32)
    running = inside.to(
        tl.float32
    )  # transmittance that goes on falling where the pixel is closed, so that it stays closed
    last = tl.full([PIXELS], -1, tl.int32)
    done = 0
    while (done < count) & (tl.max(running, 0) > TRANSMITTANCE_MIN):
        k = done + tl.arange(0, CHUNK)
        live = k < count
        member = tl.load(members + first + k, live, 0)
        _, _, _, _, free = _footprint(splats, member, live, left, top, column, row)
        alpha = tl.where(free >= ALPHA_MIN, tl.minimum(free, ALPHA_MAX), 0.0)
        after = running[None, :] * tl.cumprod(1 - alpha, 0)
        drawn = (alpha > 0) & (after > TRANSMITTANCE_MIN)
        weight = tl.where(drawn, alpha * after / (1 - alpha), 0.0)  # [CHUNK, PIXELS]
        rgb = tl.load(
            colors + (member + shift)[:, None] * CHANNELS + channel[None, :],
            live[:, None] & (channel < CHANNELS)[None, :],
            0.0,
        )
        color += tl.sum(rgb[:, :, None] * weight[:, None, :], 0)
        through = tl.minimum(through, tl.min(tl.where(drawn, after, 1.0), 0))
        running = tl.min(after, 0)
        last = tl.maximum(last, tl.max(tl.where(drawn, k[:, None], -1), 0))
        done += CHUNK

    behind = tl.load(background + channel, channel < CHANNELS, 0.0)
    area, pixel = width * height, (top + row) * width + left + column
    mask = (channel < CHANNELS)[:, None] & inside[None, :]
    tl.store(
        image_out + (image * CHANNELS + channel)[:, None] * area + pixel[None, :],
        color + behind[:, None] * through[None, :],
        mask,
    )
    if tl.program_id(1) == 0:
        tl.store(alpha_out + image * area + pixel, 1 - through, inside)
        scratch = tile.to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
        tl.store(transmittance + scratch, through)
        tl.store(last_out + scratch, last)


@triton.jit(do_not_specialize=["start"])
def composite_backward(
    splats,
    colors,
    members,
    starts,
    places,
    background,
    transmittance,
    last_in,
    grad_image,
    grad_alpha,
    rows,
    start,
    gaussians,
    views,
    width,
    height,
    CHANNELS: tl.constexpr,
    PER_VIEW: tl.constexpr,
    TILE: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """A program: one tile, in order from image `start` on, back to front. rows: [pairs, 6 + CHANNELS], zero, of which
    member i owns row places[i].

    Transmittance is recovered by division; `behind` is what a pixel's loss gains from everything further away.
    """
    PIXELS: tl.constexpr = TILE * TILE
    WIDTH: tl.constexpr = 6 + CHANNELS
    listed = tl.program_id(0)
    tile = listed + start * tl.cdiv(width, TILE) * tl.cdiv(height, TILE)
    image, left, top, column, row, inside = _place(tile, width, height, TILE, PIXELS)
    shift = 0 if PER_VIEW else (image // views - image) * gaussians
    first = tl.load(starts + listed)
    scratch = tile.to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
    through, last = tl.load(transmittance + scratch), tl.load(last_in + scratch)
    area, pixel = width * height, (top + row) * width + left + column
    behind = -tl.load(grad_alpha + image * area + pixel, inside, 0.0)
    for d in range(CHANNELS):
        behind += tl.load(background + d) * tl.load(grad_image + (image * CHANNELS + d) * area + pixel, inside, 0.0)
    behind *= through

    deepest = tl.max(last, 0)
    done = deepest // CHUNK * CHUNK if deepest >= 0 else -1
    while done >= 0:
        k = done + tl.arange(0, CHUNK)
        live = k <= deepest
        member = tl.load(members + first + k, live, 0)
        out = rows + tl.load(places + first + k, live, 0) * WIDTH
        dx, dy, conic, opacity, free = _footprint(splats, member, live, left, top, column, row)
        a, b, c = conic
        drawn = (free >= ALPHA_MIN) & (k[:, None] <= last[None, :])
        alpha = tl.where(drawn, tl.minimum(free, ALPHA_MAX), 0.0)
        after = tl.cumprod(1 - alpha, 0)
        through = through / tl.min(after, 0)  # in front of the chunk
        before = through[None, :] * after / (1 - alpha)
        weight = alpha * before
        gain = tl.zeros([CHUNK, PIXELS], tl.float32)
        for d in range(CHANNELS):
            g = tl.load(grad_image + (image * CHANNELS + d) * area + pixel, inside, 0.0)
            gain += tl.load(colors + (member + shift) * CHANNELS + d, live, 0.0)[:, None] * g[None, :]
            tl.store(out + 6 + d, tl.sum(weight * g[None, :], 1), live)
        beyond = behind[None, :] + tl.cumsum(
            weight * gain, 0, reverse=True
        )  # with its own part, hence the division of both terms
        m = tl.where(
            drawn & (free <= ALPHA_MAX), alpha * (before * gain - beyond) / (1 - alpha), 0.0
        )  # the exponent's gradient
        behind += tl.sum(weight * gain, 0)
        sx, sy = tl.sum(m * dx, 1), tl.sum(m * dy, 1)
        tl.store(out, a * sx + b * sy, live)
        tl.store(out + 1, b * sx + c * sy, live)
        tl.store(out + 2, -0.5 * tl.sum(m * dx * dx, 1), live)
        tl.store(out + 3, -tl.sum(m * dx * dy, 1), live)
        tl.store(out + 4, -0.5 * tl.sum(m * dy * dy, 1), live)
        tl.store(out + 5, tl.sum(m, 1) / opacity, live)
        done -= CHUNK


@triton.jit
def sum_rows(rows, first, order, sums, count, WIDTH: tl.constexpr, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    """A program: COLUMNS columns of BLOCK Gaussians. sums[order[i]] = rows[first[i]:first[i + 1]].sum(0), of [pairs,
    WIDTH].
    """
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    start, stop = tl.load(first + i, i < count, 0), tl.load(first + i + 1, i < count, 0)
    total = tl.zeros([BLOCK, COLUMNS], tl.float32)
    for step in range(tl.max(stop - start, 0)):
        row = start + step
        total += tl.load(
            rows + row[:, None] * WIDTH + column[None, :], (row < stop)[:, None] & (column < WIDTH)[None, :], 0.0
        )
    index = tl.load(order + i, i < count, 0)
    tl.store(sums + index[:, None] * WIDTH + column[None, :], total, (i < count)[:, None] & (column < WIDTH)[None, :])
