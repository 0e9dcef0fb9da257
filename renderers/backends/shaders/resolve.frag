// From visibility to images, one pixel at a time: renderers/deferred.py in single precision.
// Weights are taken from differences to a vertex: products of positions, as there, would lose small triangles to rounding.

uniform usampler2D seen;  // 3 x 3 images: what the pixel's centre sees, then its eight samples
uniform sampler2D depths;  // of the same, as the depth test left them
uniform vec2 samples[8];  // places in the pixel
uniform ivec2 size;
uniform vec4 intrinsics;
uniform mat3 rotation;  // camera to world
uniform vec3 center;
uniform vec2 inverse_depth;  // 1 / z = x + y * depth
uniform bool colored;  // whether vertices have colours

#ifdef COLOR
layout(location = COLOR) out vec4 out_color;
#endif
#ifdef SHAPE
layout(location = SHAPE) out vec4 out_shape;  // depth, normal
#endif
#ifdef ALBEDO
layout(location = ALBEDO) out vec4 out_albedo;
#endif
#ifdef LABELS
layout(location = LABELS) out uvec2 out_labels;  // metallic | roughness << 8, part
#endif

const float FLAT = 256.0 / 255.0;  // twice the byte 128, which stands for zero in normal maps as painted

struct Hit { int face; vec3 ray; float z; float facing; vec3 weights; float inverse; };

Hit hit_at(int face, vec2 pixel) {
    Hit hit;
    hit.face = face;
    hit.ray = rotation * vec3((pixel - intrinsics.zw) / intrinsics.xy, 1.0);
    uvec3 corners = faces[face].xyz;
    vec3 a = vertices[corners.x].position.xyz, b = vertices[corners.y].position.xyz, c = vertices[corners.z].position.xyz;
    vec3 first = b - a, second = c - a, normal = cross(first, second), start = a - center;
    float det = dot(normal, start);
    vec3 heights = vec3(dot(a - center, rotation[2]), dot(b - center, rotation[2]), dot(c - center, rotation[2]));
    float nearest = min(heights.x, min(heights.y, heights.z)), furthest = max(heights.x, max(heights.y, heights.z));
    hit.z = 1.0 / max(dot(normal, hit.ray) / det, 1e-9);
    hit.z = min(max(hit.z, max(nearest, NEAR)), max(furthest, NEAR));
    hit.facing = det < 0.0 ? 1.0 : -1.0;
    hit.inverse = 1.0 / abs(det);
    vec3 offset = hit.z * hit.ray - start;
    float v = dot(cross(offset, second), normal), w = dot(cross(first, offset), normal), total = dot(normal, normal);
    hit.weights = max(vec3(total - v - w, v, w), 0.0);
    hit.weights /= max(hit.weights.x + hit.weights.y + hit.weights.z, 1e-37);
    return hit;
}

vec3 normal_of(Hit hit) {  // unit, on the side that the camera sees
    uvec3 corners = faces[hit.face].xyz;
    mat3 normals = mat3(vertices[corners.x].normal.xyz, vertices[corners.y].normal.xyz, vertices[corners.z].normal.xyz);
    vec3 normal = normals * hit.weights;
    return hit.facing * (dot(normal, normal) < 1e-12 ? face_normals[hit.face].xyz : normalize(normal));
}

vec3 texture_place(Hit hit) {  // u, v and the area of UV under the pixel
    uvec3 corners = faces[hit.face].xyz;
    vec2 a = vertices[corners.x].uv.xy, b = vertices[corners.y].uv.xy, c = vertices[corners.z].uv.xy;
    float area = abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y));
    return vec3(mat3x2(a, b, c) * hit.weights, area * hit.inverse * hit.z * hit.z * hit.z / (intrinsics.x * intrinsics.y));
}

Surface surface_of(Hit hit, vec3 place) {
    uvec4 face = faces[hit.face];
    Material material = materials[face.w & 0xffffu];
    Surface surface = Surface(material.color.rgb, material.surface.x, material.surface.y);
    if (material.maps.x >= 0)
        surface.base *= look_up(material.maps.x, place.xy, place.z).rgb;
    if (colored)
        surface.base *= mat3(colors[face.x].rgb, colors[face.y].rgb, colors[face.z].rgb) * hit.weights;
    if (material.maps.y >= 0) {
        vec2 rough_metal = look_up(material.maps.y, place.xy, place.z).gb;
        surface.roughness *= rough_metal.x;
        surface.metallic *= rough_metal.y;
    }
    return surface;
}

vec3 unit_across(vec3 direction, vec3 normal) {
    vec3 across = direction - dot(direction, normal) * normal;
    float length2 = dot(across, across);
    return length2 > 0.0 ? across * inversesqrt(length2) : vec3(0.0);
}

vec3 bent(Hit hit, vec3 place, vec3 normal) {  // with its normal map
    uvec4 face = faces[hit.face];
    Material material = materials[face.w & 0xffffu];
    if (material.maps.z < 0)
        return normal;
    vec4 uv0 = vertices[face.x].uv;
    vec2 uv1 = vertices[face.y].uv.xy - uv0.xy, uv2 = vertices[face.z].uv.xy - uv0.xy;
    float det = uv1.x * uv2.y - uv1.y * uv2.x;
    if (det == 0.0)
        return normal;
    vec3 a = vertices[face.x].position.xyz, first = vertices[face.y].position.xyz - a, second = vertices[face.z].position.xyz - a;
    vec3 tangent = unit_across(sign(det) * normalize(first * uv2.y - second * uv1.y), normal);
    vec3 bitangent = unit_across(sign(det) * normalize(second * uv1.x - first * uv2.x), normal);
    vec3 bump = look_up(material.maps.z, place.xy, place.z).xyz * 2.0 - FLAT;
    vec3 sum = material.surface.z * (bump.x * tangent + bump.y * bitangent) + max(bump.z, 0.0) * normal;
    return dot(sum, sum) > 1e-12 ? normalize(sum) : normal;
}

vec3 colour_of(Hit hit, vec3 normal, vec3 place, Surface surface) {  // picture value, linear and within 0..1
    uvec3 corners = faces[hit.face].xyz;
    vec3 openness = hit.facing > 0.0
        ? vec3(vertices[corners.x].position.w, vertices[corners.y].position.w, vertices[corners.z].position.w)
        : vec3(vertices[corners.x].normal.w, vertices[corners.y].normal.w, vertices[corners.z].normal.w);
    vec3 shading_normal = directional ? bent(hit, place, normal) : normal;
    return display(radiance(surface, shading_normal, normal, -normalize(hit.ray), dot(openness, hit.weights), center + hit.z * hit.ray));
}

bool same_surface(int f, int g, float k, float other) {
    if (f == g)
        return true;
    if (f < 0 || g < 0 || abs(k - other) > SAME_DEPTH * k || faces[f].w != faces[g].w)
        return false;
    return abs(dot(face_normals[f].xyz, face_normals[g].xyz)) >= CREASE_COS;
}

int face_at(ivec2 pixel, int layer) {
    return int(texelFetch(seen, pixel + size * ivec2(layer % 3, layer / 3), 0).x) - 1;
}

float inverse_depth_at(ivec2 pixel, int layer) {
    return inverse_depth.x + inverse_depth.y * texelFetch(depths, pixel + size * ivec2(layer % 3, layer / 3), 0).x;
}

#ifdef COLOR
bool beside_another_surface(ivec2 pixel, int face, float k) {
    ivec2 around[4] = ivec2[](ivec2(-1, 0), ivec2(1, 0), ivec2(0, -1), ivec2(0, 1));
    for (int i = 0; i < 4; i++) {
        ivec2 other = pixel + around[i];
        bool inside = all(greaterThanEqual(other, ivec2(0))) && all(lessThan(other, size));
        if (inside && !same_surface(face, face_at(other, 0), k, inverse_depth_at(other, 0)))
            return true;
    }
    return false;
}

// Colour and coverage over the samples. A pixel that sees one surface is shaded at its centre, else each surface once, at the mean of its samples.
vec4 averaged(ivec2 pixel, int at_center) {
    int found[8];
    float inverse[8];
    float center_depth = inverse_depth_at(pixel, 0);
    bool whole = at_center >= 0 && !beside_another_surface(pixel, at_center, center_depth);
    for (int s = 0; s < 8; s++) {
        found[s] = face_at(pixel, s + 1);
        inverse[s] = inverse_depth_at(pixel, s + 1);
        whole = whole && same_surface(at_center, found[s], center_depth, inverse[s]);
    }
    vec3 total = vec3(0.0);
    int covered = 0, done = 0;
    for (int s = 0; s < 8; s++) {
        if (found[s] < 0 || (done >> s & 1) == 1)
            continue;
        vec2 place = vec2(0.0);
        int weight = 0;
        for (int t = s; t < 8; t++)
            if ((done >> t & 1) == 0 && (whole || same_surface(found[s], found[t], inverse[s], inverse[t]))) {
                place += samples[t];
                weight += 1;
                done |= 1 << t;
            }
        Hit hit = hit_at(whole ? at_center : found[s], vec2(pixel) + (whole ? vec2(0.5) : place / float(weight)));
        vec3 uv = texture_place(hit);
        total += float(weight) * colour_of(hit, normal_of(hit), uv, surface_of(hit, uv));
        covered += weight;
    }
    vec3 color = total / float(max(covered, 1));
#ifndef LINEAR
    color = encoded(color);
#endif
    return vec4(color * float(covered > 0), float((255 * covered + 4) / 8) / 255.0);
}
#endif

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    int face = face_at(pixel, 0);
#ifdef COLOR
    out_color = averaged(pixel, face);
#endif
#if defined(SHAPE) || defined(ALBEDO) || defined(LABELS)
    Hit hit;
    if (face >= 0)
        hit = hit_at(face, vec2(pixel) + 0.5);
#endif
#ifdef SHAPE
    out_shape = face >= 0 ? vec4(hit.z, normal_of(hit)) : vec4(0.0);
#endif
#if defined(ALBEDO) || defined(SURFACE)
    Surface surface = Surface(vec3(0.0), 0.0, 0.0);
    if (face >= 0)
        surface = surface_of(hit, texture_place(hit));
#endif
#ifdef ALBEDO
    out_albedo = vec4(encoded(surface.base * (1.0 - surface.metallic)), 1.0);
#endif
#ifdef LABELS
    out_labels = uvec2(0u, face >= 0 ? (faces[face].w >> 16) + 1u : 0u);
#ifdef SURFACE
    out_labels.x = uint(min(surface.metallic, 1.0) * 255.0 + 0.5) | uint(min(surface.roughness, 1.0) * 255.0 + 0.5) << 8;
#endif
#endif
}
