// Gaussian splatting on the CPU: projection, tile lists, compositing, and their gradients. `train/gaussians.py` has the semantics and the
// slow twin; `train/splat.py` compiles this file and mirrors `Job`.
//
// Work is cut into pieces that never share an output, and every sum is taken in an order fixed by the data, so that results do not
// depend on the number of threads. A tile's gradients go to one row per (Gaussian, tile) pair; a Gaussian's rows are contiguous and are
// summed in order. The arithmetic is in the portable vectors of gcc and clang: a vector holds one or two pixel rows of a tile.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define TILE 8
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8  // wider than the registers, gcc 12 makes scalar code of some operations
#endif
#define STRIPS (TILE * TILE / LANES)
#define PIXELS (TILE * TILE)
#define MAX_CHANNELS 64
#define ALPHA_MAX 0.999f
#define ALPHA_MIN (1.0f / 255.0f)
#define TRANSMITTANCE_MIN 1e-4f
#define RATIO_MIN 1e-12f  // of the anti-aliasing root's argument: its slope at 0 is infinite
#define LOG2E 1.44269504f
#define INLINE static inline __attribute__((always_inline))
#define AHEAD 4  // members: a list visits Gaussians in no order that the cache could guess
#define RADIX_BITS 11
#define RADIX (1 << RADIX_BITS)

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));

typedef struct {  // one Gaussian on one image, pixels
    float x, y;      // centre
    float a, b, c;   // inverse covariance: xx, xy, yy
    float opacity;   // 0: not drawn
    float half_x;    // half sides of the box outside which alpha < 1/255
    float half_y;
} Splat;

typedef struct {
    int32_t gaussian;  // in 0..N
    uint32_t row;      // of the pair's gradient, counted from the image's first row
} Member;

typedef struct {  // every member is 8 bytes, in the order of splat.py's Job
    int64_t batch, views, gaussians, channels, width, height, colors_per_view, antialiased, threads;
    double near, eps2d;
    const float *means, *quats, *scales, *opacities, *colors, *w2c, *intrinsics, *background;
    Splat *splats;         // [B * V * N]
    uint64_t *order;       // [2, B * V * N]: depth bits above the Gaussian's number; the second half is the sort's scratch
    int64_t *first;        // [B * V * N + 1]: first gradient row of each Gaussian
    int64_t *starts;       // [tiles + 1]: first member of each tile
    int64_t *cursors;      // [tiles]: where the next member goes
    int32_t *pairs;        // [pairs]: tile within the image, in the order of the gradient rows
    Member *members;       // [pairs]
    float *transmittance;  // [tiles, PIXELS]
    int32_t *last;         // [tiles, PIXELS]: the last member drawn, counted from the tile's first; -1 for none
    float *image;          // [B, V, D, H, W]
    float *alpha;          // [B, V, 1, H, W]
    const float *grad_image, *grad_alpha;
    float *rows;           // [pairs, 6 + D]: gradients of x, y, a, b, c, opacity, color
    float *grad_means, *grad_quats, *grad_scales, *grad_opacities, *grad_colors;
} Job;

// Vectors

INLINE vf all(float x) { return x - (vf){0}; }
INLINE vf select(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }
INLINE vf masked(vi mask, vf x) { return (vf)(mask & (vi)x); }
INLINE vf smaller(vf x, vf y) { return select(x < y, x, y); }
INLINE vf larger(vf x, vf y) { return select(x > y, x, y); }

INLINE float smaller1(float x, float y) { return x < y ? x : y; }  // fminf and fmaxf are calls: they mind NaN
INLINE float larger1(float x, float y) { return x > y ? x : y; }

INLINE float sum(vf x) {  // in halves, spelled out: as a loop gcc keeps it one, three times slower
#if LANES == 16
    union { vf whole; v8 half[2]; } sixteen = {x};
    union { v8 whole; v4 half[2]; } eight = {sixteen.half[0] + sixteen.half[1]};
#else
    union { v8 whole; v4 half[2]; } eight = {x};
#endif
    v4 four = eight.half[0] + eight.half[1];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE vf exp2_negative(vf x) {  // 2^x for x <= 0, relative error 1e-7: a minimax polynomial on (-1, 0]
    x = larger(x, all(-120.0f));
    vi whole = __builtin_convertvector(x, vi);
    vf f = x - __builtin_convertvector(whole, vf);
    vf p = 0.00918861199f + f * 0.000938788289f;
    p = 0.99999994f + f * (0.693142235f + f * (0.240172192f + f * (0.0552797243f + f * p)));
    return (vf)((vi)p + (whole << 23));
}

// Projection

typedef struct {
    float rotation[3][3], translation[3], fx, fy, cx, cy, low_x, high_x, low_y, high_y;
} Camera;

static Camera camera_of(const Job *job, int64_t image) {
    Camera camera;
    const float *m = job->w2c + image * 16, *k = job->intrinsics + image * 4;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) camera.rotation[i][j] = m[4 * i + j];
        camera.translation[i] = m[4 * i + 3];
    }
    camera.fx = k[0], camera.fy = k[1], camera.cx = k[2], camera.cy = k[3];
    camera.low_x = -(camera.cx + 0.15f * job->width) / camera.fx;
    camera.high_x = (1.15f * job->width - camera.cx) / camera.fx;
    camera.low_y = -(camera.cy + 0.15f * job->height) / camera.fy;
    camera.high_y = (1.15f * job->height - camera.cy) / camera.fy;
    return camera;
}

typedef struct {  // a Gaussian in the world
    float quat[4], norm, rotation[3][3];  // unit quaternion, the length it had
    const float *mean, *scale;
    float opacity;
    int finite;
} Body;

INLINE Body body_of(const Job *job, int64_t index) {
    Body body = {.mean = job->means + 3 * index, .scale = job->scales + 3 * index, .opacity = job->opacities[index]};
    const float *q = job->quats + 4 * index;
    body.norm = larger1(sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]), 1e-12f);
    for (int i = 0; i < 4; i++) body.quat[i] = q[i] / body.norm;
    float w = body.quat[0], x = body.quat[1], y = body.quat[2], z = body.quat[3];
    float r[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                     {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                     {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    memcpy(body.rotation, r, sizeof r);
    const float *m = body.mean, *s = body.scale;
    float zero = (m[0] + m[1] + m[2] + s[0] + s[1] + s[2] + q[0] + q[1] + q[2] + q[3] + body.opacity) * 0.0f;  // 0, or NaN
    body.finite = zero == 0.0f;
    return body;
}

typedef struct {
    float depth, x, y;            // depth along the axis; x / z and y / z
    float tx, ty;                 // the same, clamped
    float axes[3][3];             // columns: scaled axes in the camera
    float u[3], v[3];             // rows of the map from the unit sphere to pixels
    float uu, uv, vv, area, det;  // covariance without eps2d, its determinant; the determinant with eps2d
    int visible;
} Projection;

INLINE float dot(const float *p, const float *q) { return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]; }

INLINE Projection projection_of(const Job *job, const Camera *camera, const Body *body) {
    Projection p = {0};
    float local[3];
    for (int i = 0; i < 3; i++) local[i] = dot(camera->rotation[i], body->mean) + camera->translation[i];
    p.depth = local[2];
    if (!body->finite || !(p.depth > (float)job->near)) return p;
    p.x = local[0] / p.depth, p.y = local[1] / p.depth;
    p.tx = larger1(smaller1(p.x, camera->high_x), camera->low_x);
    p.ty = larger1(smaller1(p.y, camera->high_y), camera->low_y);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            float sum = 0;
            for (int j = 0; j < 3; j++) sum += camera->rotation[i][j] * body->rotation[j][k];
            p.axes[i][k] = sum * body->scale[k];
        }
    for (int k = 0; k < 3; k++) {
        p.u[k] = camera->fx / p.depth * (p.axes[0][k] - p.tx * p.axes[2][k]);
        p.v[k] = camera->fy / p.depth * (p.axes[1][k] - p.ty * p.axes[2][k]);
    }
    p.uu = dot(p.u, p.u), p.uv = dot(p.u, p.v), p.vv = dot(p.v, p.v);
    float normal[3] = {p.u[1] * p.v[2] - p.u[2] * p.v[1], p.u[2] * p.v[0] - p.u[0] * p.v[2], p.u[0] * p.v[1] - p.u[1] * p.v[0]};
    float eps = (float)job->eps2d;
    p.area = dot(normal, normal);  // Cauchy-Binet: no cancellation, so never negative
    p.det = p.area + eps * (p.uu + p.vv) + eps * eps;
    p.visible = p.det > 0 && p.det < INFINITY;
    return p;
}

INLINE float antialias_of(const Projection *p) { return sqrtf(larger1(p->area / p->det, RATIO_MIN)); }

// First and last integer i whose centre i + 0.5 lies in [low, high], within 0..size - 1
INLINE int first_pixel(float low) { return (int)ceilf(larger1(low - 0.5f, 0.0f)); }
INLINE int last_pixel(float high, int64_t size) { return (int)floorf(larger1(smaller1(high - 0.5f, (float)(size - 1)), -1.0f)); }

typedef struct {
    int row0, row1, column0, column1;  // inclusive; empty where row1 < row0
    float half;                        // of the ellipse's horizontal chord through its centre
    float top;                         // height of the rightmost point above the centre
} Footprint;

static Footprint footprint_of(const Job *job, const Splat *s) {
    Footprint box = {.row1 = -1};
    if (s->opacity <= 0.0f) return box;
    if (s->x + s->half_x < 0 || s->y + s->half_y < 0 || s->x - s->half_x > job->width || s->y - s->half_y > job->height) return box;
    int x0 = first_pixel(s->x - s->half_x), x1 = last_pixel(s->x + s->half_x, job->width);
    int y0 = first_pixel(s->y - s->half_y), y1 = last_pixel(s->y + s->half_y, job->height);
    if (x0 > x1 || y0 > y1) return box;
    box.row0 = y0 / TILE, box.row1 = y1 / TILE, box.column0 = x0 / TILE, box.column1 = x1 / TILE;
    if (box.row0 < box.row1 && box.column0 < box.column1) {
        box.half = s->half_y * sqrtf(larger1(s->c / s->a - s->b * s->b / (s->a * s->a), 0.0f));
        box.top = -s->half_x * s->b / s->c;
    }
    return box;
}

// Columns of tiles that the ellipse meets in a row of tiles: its extreme points between two horizontal lines
INLINE void columns_of(const Job *job, const Splat *s, const Footprint *box, int row, int *column0, int *column1) {
    *column0 = box->column0, *column1 = box->column1;
    if (box->row0 == box->row1 || box->column0 == box->column1) return;
    float low = larger1(row * TILE + 0.5f - s->y, -s->half_y), high = smaller1(row * TILE + TILE - 0.5f - s->y, s->half_y);
    float right_y = larger1(smaller1(box->top, high), low), left_y = larger1(smaller1(-box->top, high), low);
    float right_t = right_y / s->half_y, left_t = left_y / s->half_y, slope = s->b / s->a;
    float slack = 0.01f + 5e-4f * s->half_x;
    float right = -slope * right_y + box->half * sqrtf(larger1(1 - right_t * right_t, 0.0f)) + slack;
    float left = -slope * left_y - box->half * sqrtf(larger1(1 - left_t * left_t, 0.0f)) - slack;
    int x0 = first_pixel(s->x + left) / TILE, x1 = last_pixel(s->x + right, job->width);
    if (x0 > *column0) *column0 = x0;
    if (x1 < 0) *column1 = -1;
    else if (x1 / TILE < *column1) *column1 = x1 / TILE;
}

static int64_t list_tiles(const Job *job, const Splat *s, int32_t *tiles) {  // -> how many; written where `tiles` is not NULL
    Footprint box = footprint_of(job, s);
    int64_t count = 0, columns = (job->width + TILE - 1) / TILE;
    for (int row = box.row0; row <= box.row1; row++) {
        int column0, column1;
        columns_of(job, s, &box, row, &column0, &column1);
        for (int column = column0; column <= column1; column++, count++)
            if (tiles) tiles[count] = (int32_t)(row * columns + column);
    }
    return count;
}

static Splat splat_of(const Job *job, const Camera *camera, const Body *body, float *depth) {
    Splat s = {0};
    Projection p = projection_of(job, camera, body);
    *depth = p.depth;
    if (!p.visible) return s;
    float opacity = job->antialiased ? body->opacity * antialias_of(&p) : body->opacity;
    if (!(opacity >= ALPHA_MIN)) return s;
    float eps = (float)job->eps2d, reach = 2 * logf(255 * opacity) + 1e-4f;
    s.x = camera->fx * p.x + camera->cx, s.y = camera->fy * p.y + camera->cy;
    s.a = (p.vv + eps) / p.det, s.b = -p.uv / p.det, s.c = (p.uu + eps) / p.det;
    s.opacity = opacity;
    s.half_x = sqrtf(reach * (p.uu + eps)) * 1.001f + 0.01f;
    s.half_y = sqrtf(reach * (p.vv + eps)) * 1.001f + 0.01f;
    float zero = (s.x + s.y + s.half_x + s.half_y) * 0.0f;  // or NaN, where a position overflowed
    return zero == 0.0f ? s : (Splat){0};
}

int64_t splat_project(const Job *job) {  // -> number of (Gaussian, tile) pairs
    int64_t images = job->batch * job->views, N = job->gaussians;
    job->first[0] = 0;
#pragma omp parallel for collapse(2) schedule(static) num_threads(job->threads)
    for (int64_t image = 0; image < images; image++)
        for (int64_t block = 0; block < (N + 255) / 256; block++) {
            Camera camera = camera_of(job, image);
            for (int64_t n = block * 256; n < N && n < block * 256 + 256; n++) {
                Body body = body_of(job, image / job->views * N + n);
                float depth;
                uint32_t bits;
                Splat s = splat_of(job, &camera, &body, &depth);
                memcpy(&bits, &depth, 4);  // depths are positive, so their bits sort as they do
                job->splats[image * N + n] = s;
                job->order[image * N + n] = (uint64_t)bits << 32 | (uint64_t)n;
                job->first[image * N + n + 1] = list_tiles(job, &s, NULL);
            }
        }
    for (int64_t i = 0; i < images * N; i++) job->first[i + 1] += job->first[i];
    return job->first[images * N];
}

// Tile lists

static int64_t sort_by_depth(const Job *job, int64_t image) {  // -> number drawn; they end in the second half of `order`
    int64_t N = job->gaussians, count = 0;
    uint64_t *from = job->order + image * N, *to = from + job->batch * job->views * N;
    for (int64_t i = 0; i < N; i++)
        if (job->first[image * N + i + 1] > job->first[image * N + i]) from[count++] = from[i];
    for (int shift = 32; shift < 64; shift += RADIX_BITS) {  // 3 passes, each stable: ties stay in the Gaussians' order
        int64_t place[RADIX + 1] = {0};
        for (int64_t i = 0; i < count; i++) place[(from[i] >> shift & (RADIX - 1)) + 1]++;
        for (int i = 0; i < RADIX; i++) place[i + 1] += place[i];
        for (int64_t i = 0; i < count; i++) to[place[from[i] >> shift & (RADIX - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to, to = swap;
    }
    return count;
}

static void bin_image(const Job *job, int64_t image) {
    int64_t N = job->gaussians, tiles = ((job->height + TILE - 1) / TILE) * ((job->width + TILE - 1) / TILE);
    int64_t drawn = sort_by_depth(job, image), end = job->first[image * N];
    const uint64_t *order = job->order + (job->batch * job->views + image) * N;
    const int64_t *first = job->first + image * N;
    int64_t *starts = job->starts + image * tiles, *cursors = job->cursors + image * tiles;
    memset(cursors, 0, tiles * sizeof(int64_t));
    for (int64_t i = first[0]; i < first[N]; i++) cursors[job->pairs[i]]++;
    for (int64_t t = 0; t < tiles; t++) {
        starts[t] = end;
        end += cursors[t];
        cursors[t] = starts[t];
    }
    for (int64_t i = 0; i < drawn; i++) {
        int32_t n = (int32_t)(order[i] & 0xffffffff);
        for (int64_t row = first[n]; row < first[n + 1]; row++)
            job->members[cursors[job->pairs[row]]++] = (Member){n, (uint32_t)(row - first[0])};
    }
}

static void bin(const Job *job) {
    int64_t images = job->batch * job->views, N = job->gaussians;
#pragma omp parallel for schedule(static) num_threads(job->threads)
    for (int64_t i = 0; i < images * N; i++) list_tiles(job, job->splats + i, job->pairs + job->first[i]);
#pragma omp parallel for schedule(dynamic) num_threads(job->threads)
    for (int64_t image = 0; image < images; image++) bin_image(job, image);
    int64_t tiles = images * ((job->height + TILE - 1) / TILE) * ((job->width + TILE - 1) / TILE);
    job->starts[tiles] = job->first[images * N];
}

// Compositing

typedef struct {  // a tile: where it is, and which pixel rows and columns of it are in the image
    int64_t image, index, x, y;
    int width, height;
} Tile;

static Tile tile_of(const Job *job, int64_t index) {
    int64_t columns = (job->width + TILE - 1) / TILE, per_image = columns * ((job->height + TILE - 1) / TILE);
    Tile tile = {.image = index / per_image, .index = index};
    tile.x = index % per_image % columns * TILE, tile.y = index % per_image / columns * TILE;
    tile.width = (int)(job->width - tile.x < TILE ? job->width - tile.x : TILE);
    tile.height = (int)(job->height - tile.y < TILE ? job->height - tile.y : TILE);
    return tile;
}

INLINE int64_t plane(const Job *job, const Tile *tile, int channel, int channels) {  // offset of the tile's first pixel
    return ((tile->image * channels + channel) * job->height + tile->y) * job->width + tile->x;
}

INLINE const float *color_of(const Job *job, const Tile *tile, int64_t gaussian) {
    int64_t set = job->colors_per_view ? tile->image : tile->image / job->views;
    return job->colors + (set * job->gaussians + gaussian) * job->channels;
}

typedef struct {  // log2 of alpha / opacity in a strip is constant + dy (linear + square dy), all set up once a Gaussian
    vf dx, constant, linear;
    float square, y, opacity;
    int strip0, strip1;  // inclusive: the strips the Gaussian meets
} Kernel;

INLINE Kernel kernel_of(const Splat *s, const Tile *tile, vf columns) {
    Kernel kernel = {.opacity = s->opacity, .square = -0.5f * LOG2E * s->c, .y = s->y - (tile->y + 0.5f)};
    kernel.dx = columns - (s->x - (tile->x + 0.5f));
    kernel.constant = -0.5f * LOG2E * s->a * kernel.dx * kernel.dx;
    kernel.linear = -LOG2E * s->b * kernel.dx;
    float low = larger1(ceilf(kernel.y - s->half_y), 0.0f), high = smaller1(floorf(kernel.y + s->half_y), TILE - 1);
    kernel.strip0 = (int)low * TILE / LANES, kernel.strip1 = high < 0 ? -1 : (int)high * TILE / LANES;
    return kernel;
}

INLINE vf alpha_of(const Kernel *kernel, vf dy) {  // before the cap
    return kernel->opacity * exp2_negative(smaller(kernel->constant + dy * (kernel->linear + kernel->square * dy), all(0.0f)));
}

#if LANES == 16
INLINE vf lane_columns(void) { return (vf){0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7}; }
INLINE vf lane_rows(void) { return (vf){0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}; }
#else
INLINE vf lane_columns(void) { return (vf){0, 1, 2, 3, 4, 5, 6, 7}; }
INLINE vf lane_rows(void) { return (vf){0}; }
#endif

INLINE int any_open(const vf *T) {
    vf most = T[0];
    for (int s = 1; s < STRIPS; s++) most = larger(most, T[s]);
    int open = 0;
    for (int i = 0; i < LANES; i++) open |= most[i] > 0;
    return open;
}

INLINE void write_tile(const Job *job, const Tile *tile, const float *T, const float *color, int D) {
    for (int d = 0; d <= D; d++) {
        float *out = d < D ? job->image + plane(job, tile, d, D) : job->alpha + plane(job, tile, 0, 1);
        for (int y = 0; y < tile->height; y++)
            for (int x = 0; x < tile->width; x++) {
                int p = y * TILE + x;
                out[y * job->width + x] = d < D ? color[d * PIXELS + p] + T[p] * job->background[d] : 1 - T[p];
            }
    }
}

INLINE void composite_tile(const Job *job, int64_t index, const int D) {
    Tile tile = tile_of(job, index);
    vf T[STRIPS], color[MAX_CHANNELS][STRIPS];  // transmittance; negative once the pixel is closed
    vi last[STRIPS];
    for (int p = 0; p < PIXELS; p++) {
        int inside = p % TILE < tile.width && p / TILE < tile.height;
        T[p / LANES][p % LANES] = inside ? 1 : -1;
        last[p / LANES][p % LANES] = -1;
    }
    memset(color, 0, D * sizeof color[0]);
    const Splat *splats = job->splats + tile.image * job->gaussians;
    const Member *members = job->members + job->starts[index];
    int64_t count = job->starts[index + 1] - job->starts[index];
    for (int64_t k = 0; k < count; k++) {
        __builtin_prefetch(splats + members[k + AHEAD < count ? k + AHEAD : k].gaussian);
        Kernel kernel = kernel_of(splats + members[k].gaussian, &tile, lane_columns());
        const float *rgb = color_of(job, &tile, members[k].gaussian);
        for (int s = kernel.strip0; s <= kernel.strip1; s++) {
            vf alpha = smaller(alpha_of(&kernel, lane_rows() + (s * LANES / TILE - kernel.y)), all(ALPHA_MAX));
            vf next = T[s] * (1 - alpha);
            vi seen = alpha >= ALPHA_MIN, drawn = seen & (next > TRANSMITTANCE_MIN);
            vf weight = masked(drawn, alpha * T[s]);
            vi closing = seen & ~drawn & INT32_MIN;  // the sign bit
            T[s] = select(drawn, next, (vf)((vi)T[s] | closing));
            last[s] = (drawn & (int32_t)k) | (~drawn & last[s]);
            for (int d = 0; d < D; d++) color[d][s] += weight * rgb[d];
        }
        if (k % 8 == 7 && !any_open(T)) break;
    }
    for (int s = 0; s < STRIPS; s++) T[s] = (vf)((vi)T[s] & INT32_MAX);
    memcpy(job->transmittance + index * PIXELS, T, sizeof T);
    memcpy(job->last + index * PIXELS, last, sizeof last);
    write_tile(job, &tile, (const float *)T, (const float *)color, D);
}

void splat_forward(const Job *job) {
    bin(job);
    int64_t tiles = job->batch * job->views * ((job->height + TILE - 1) / TILE) * ((job->width + TILE - 1) / TILE);
#pragma omp parallel for schedule(dynamic, 4) num_threads(job->threads)
    for (int64_t index = 0; index < tiles; index++) {
        if (job->channels == 3) composite_tile(job, index, 3);
        else composite_tile(job, index, (int)job->channels);
    }
}

// Gradients

INLINE void read_gradients(const Job *job, const Tile *tile, float *grad, float *behind, int D) {  // of color, and of transmittance
    memset(grad, 0, D * PIXELS * sizeof *grad);
    memset(behind, 0, PIXELS * sizeof *behind);
    for (int d = 0; d <= D; d++) {
        const float *in = d < D ? job->grad_image + plane(job, tile, d, D) : job->grad_alpha + plane(job, tile, 0, 1);
        for (int y = 0; y < tile->height; y++)
            for (int x = 0; x < tile->width; x++) {
                int p = y * TILE + x;
                if (d < D) grad[d * PIXELS + p] = in[y * job->width + x];
                behind[p] += (d < D ? job->background[d] : -1.0f) * in[y * job->width + x];
            }
    }
}

// Back to front: transmittance is recovered by division, and `behind` is what a pixel's loss gains from everything further away
INLINE void backward_tile(const Job *job, int64_t index, const int D) {
    Tile tile = tile_of(job, index);
    vf T[STRIPS], behind[STRIPS], grad[MAX_CHANNELS][STRIPS];
    vi last[STRIPS];
    memcpy(T, job->transmittance + index * PIXELS, sizeof T);
    memcpy(last, job->last + index * PIXELS, sizeof last);
    read_gradients(job, &tile, (float *)grad, (float *)behind, D);
    for (int s = 0; s < STRIPS; s++) behind[s] *= T[s];
    int64_t deepest = -1, count = job->starts[index + 1] - job->starts[index], width = 6 + D;
    for (int p = 0; p < PIXELS; p++) deepest = last[p / LANES][p % LANES] > deepest ? last[p / LANES][p % LANES] : deepest;

    const Splat *splats = job->splats + tile.image * job->gaussians;
    const Member *members = job->members + job->starts[index];
    float *rows = job->rows + job->first[tile.image * job->gaussians] * width;
    for (int64_t k = count - 1; k > deepest; k--) memset(rows + members[k].row * width, 0, width * sizeof(float));
    for (int64_t k = deepest; k >= 0; k--) {
        const Splat *splat = splats + members[k].gaussian;
        const Member *ahead = members + (k < AHEAD ? 0 : k - AHEAD);
        __builtin_prefetch(splats + ahead->gaussian);
        __builtin_prefetch(rows + ahead->row * width, 1);
        Kernel kernel = kernel_of(splat, &tile, lane_columns());
        const float *rgb = color_of(job, &tile, members[k].gaussian);
        vf m = {0}, my = {0}, myy = {0}, shade[MAX_CHANNELS];  // sums of the exponent's gradient, times 1, dy, dy²
        memset(shade, 0, D * sizeof shade[0]);
        for (int s = kernel.strip0; s <= kernel.strip1; s++) {
            vf dy = lane_rows() + (s * LANES / TILE - kernel.y);
            vf free = alpha_of(&kernel, dy);
            vi drawn = (free >= ALPHA_MIN) & (last[s] >= (int32_t)k);
            vf alpha = masked(drawn, smaller(free, all(ALPHA_MAX)));
            vf inverse = 1 / (1 - alpha);
            T[s] *= inverse;
            vf weight = alpha * T[s], gain = {0};
            for (int d = 0; d < D; d++) {
                gain += rgb[d] * grad[d][s];
                shade[d] += weight * grad[d][s];
            }
            vf g = masked(free <= ALPHA_MAX, alpha * (T[s] * gain - behind[s] * inverse));
            behind[s] += weight * gain;
            m += g;
            my += g * dy;
            myy += g * dy * dy;
        }
        vf mx = m * kernel.dx;
        float sx = sum(mx), sy = sum(my), *row = rows + members[k].row * width;
        row[0] = splat->a * sx + splat->b * sy;
        row[1] = splat->b * sx + splat->c * sy;
        row[2] = -0.5f * sum(mx * kernel.dx);
        row[3] = -sum(my * kernel.dx);
        row[4] = -0.5f * sum(myy);
        row[5] = sum(m) / splat->opacity;
        for (int d = 0; d < D; d++) row[6 + d] = sum(shade[d]);
    }
}

typedef struct {  // gradients of one Gaussian, summed over views
    float mean[3], axes[3][3], opacity;  // axes: of rotation times scales, in the world
} Pull;

// One view's chain from (x, y, a, b, c, opacity) to the world
INLINE void pull_view(const Job *job, const Camera *camera, const Body *body, const float *row, Pull *pull) {
    Projection p = projection_of(job, camera, body);
    float eps = (float)job->eps2d, a = (p.vv + eps) / p.det, b = -p.uv / p.det, c = (p.uu + eps) / p.det;
    float ga = row[2], gb = 0.5f * row[3], gc = row[4];  // as a symmetric matrix G; the covariance's gradient is -K G K
    float guu = -(a * (a * ga + b * gb) + b * (a * gb + b * gc));
    float guv = -2 * (a * (b * ga + c * gb) + b * (b * gb + c * gc));
    float gvv = -(b * (b * ga + c * gb) + c * (b * gb + c * gc));
    float gain = job->antialiased ? antialias_of(&p) : 1;
    pull->opacity += row[5] * gain;
    if (job->antialiased && p.area > RATIO_MIN * p.det) {
        float gratio = row[5] * body->opacity * 0.5f / gain, garea = gratio / p.det, gdet = -garea * p.area / p.det;
        guu += garea * p.vv + gdet * (p.vv + eps);
        gvv += garea * p.uu + gdet * (p.uu + eps);
        guv += -2 * p.uv * (garea + gdet);
    }
    float ku = camera->fx / p.depth, kv = camera->fy / p.depth, gtx = 0, gty = 0, gz = 0, gaxes[3][3];
    for (int k = 0; k < 3; k++) {
        float gu = 2 * guu * p.u[k] + guv * p.v[k], gv = 2 * gvv * p.v[k] + guv * p.u[k];
        gaxes[0][k] = ku * gu, gaxes[1][k] = kv * gv;
        gaxes[2][k] = -ku * p.tx * gu - kv * p.ty * gv;
        gtx -= ku * gu * p.axes[2][k], gty -= kv * gv * p.axes[2][k];
        gz -= gu * p.u[k] + gv * p.v[k];
    }
    float gx = camera->fx * row[0] + (p.tx == p.x ? gtx : 0), gy = camera->fy * row[1] + (p.ty == p.y ? gty : 0);
    float glocal[3] = {gx / p.depth, gy / p.depth, (gz - gx * p.x - gy * p.y) / p.depth};
    for (int j = 0; j < 3; j++)
        for (int i = 0; i < 3; i++) {
            float r = camera->rotation[i][j];
            pull->mean[j] += r * glocal[i];
            for (int k = 0; k < 3; k++) pull->axes[j][k] += r * gaxes[i][k];
        }
}

INLINE void pull_shape(const Body *body, const Pull *pull, float *grad_quat, float *grad_scale) {
    float g[3][3], w = body->quat[0], x = body->quat[1], y = body->quat[2], z = body->quat[3];
    for (int k = 0; k < 3; k++) {
        grad_scale[k] = 0;
        for (int j = 0; j < 3; j++) {
            grad_scale[k] += pull->axes[j][k] * body->rotation[j][k];
            g[j][k] = pull->axes[j][k] * body->scale[k];
        }
    }
    float unit[4] = {2 * (x * (g[2][1] - g[1][2]) + y * (g[0][2] - g[2][0]) + z * (g[1][0] - g[0][1])),
                     2 * (y * (g[0][1] + g[1][0]) + z * (g[0][2] + g[2][0]) + w * (g[2][1] - g[1][2]) - 2 * x * (g[1][1] + g[2][2])),
                     2 * (x * (g[0][1] + g[1][0]) + z * (g[1][2] + g[2][1]) + w * (g[0][2] - g[2][0]) - 2 * y * (g[0][0] + g[2][2])),
                     2 * (x * (g[0][2] + g[2][0]) + y * (g[1][2] + g[2][1]) + w * (g[1][0] - g[0][1]) - 2 * z * (g[0][0] + g[1][1]))};
    float along = unit[0] * w + unit[1] * x + unit[2] * y + unit[3] * z;
    for (int i = 0; i < 4; i++) grad_quat[i] = (unit[i] - along * body->quat[i]) / body->norm;
}

INLINE void sum_rows(const Job *job, int64_t index, float *row) {  // index in [B, V, N] -> [6 + D]
    int64_t width = 6 + job->channels;
    memset(row, 0, width * sizeof *row);
    for (int64_t i = job->first[index]; i < job->first[index + 1]; i++)
        for (int64_t j = 0; j < width; j++) row[j] += job->rows[i * width + j];
}

static void backward_gaussian(const Job *job, const Camera *cameras, int64_t b, int64_t n) {
    int64_t V = job->views, N = job->gaussians, D = job->channels, index = b * N + n;
    Body body = body_of(job, index);
    Pull pull = {0};
    float row[6 + MAX_CHANNELS], shade[MAX_CHANNELS] = {0};
    for (int64_t v = 0; v < V; v++) {
        int64_t image = b * V + v;
        int drawn = job->first[image * N + n + 1] > job->first[image * N + n];
        sum_rows(job, image * N + n, row);
        if (drawn) pull_view(job, cameras + v, &body, row, &pull);
        if (job->colors_per_view) memcpy(job->grad_colors + (image * N + n) * D, row + 6, D * sizeof(float));
        else for (int64_t d = 0; d < D; d++) shade[d] += row[6 + d];
    }
    if (!job->colors_per_view) memcpy(job->grad_colors + index * D, shade, D * sizeof(float));
    memcpy(job->grad_means + 3 * index, pull.mean, sizeof pull.mean);
    job->grad_opacities[index] = pull.opacity;
    if (body.finite) pull_shape(&body, &pull, job->grad_quats + 4 * index, job->grad_scales + 3 * index);
}

void splat_backward(const Job *job) {
    int64_t tiles = job->batch * job->views * ((job->height + TILE - 1) / TILE) * ((job->width + TILE - 1) / TILE);
#pragma omp parallel for schedule(dynamic, 4) num_threads(job->threads)
    for (int64_t index = 0; index < tiles; index++) {
        if (job->channels == 3) backward_tile(job, index, 3);
        else backward_tile(job, index, (int)job->channels);
    }
    int64_t N = job->gaussians, V = job->views, blocks = (N + 255) / 256;
#pragma omp parallel for schedule(static) num_threads(job->threads)
    for (int64_t unit = 0; unit < job->batch * blocks; unit++) {
        int64_t b = unit / blocks, start = unit % blocks * 256;
        Camera cameras[V];
        for (int64_t v = 0; v < V; v++) cameras[v] = camera_of(job, b * V + v);
        for (int64_t n = start; n < N && n < start + 256; n++) backward_gaussian(job, cameras, b, n);
    }
}
