// The shading model of renderers/shading.py, in single precision; there its sources are named. Linear RGB, world frame, unit vectors.

const float MIN_ROUGHNESS = 0.045;
const float F0 = 0.04;
const float PI = 3.14159265;

uniform vec3 sky;
uniform vec3 ground;
uniform float gloss;
uniform float knee;
uniform bool directional;
uniform sampler2D reflectance;
#ifdef SURROUND
uniform vec3 harmonics[9];
uniform sampler2D mirror;  // the flat array of renderers.environment.Filtered, SURROUND texels a row
uniform float offsets[LEVELS];
uniform float exposure;
uniform vec2 turn;  // cosine, sine
const int SIZES[LEVELS] = int[](LEVEL_SIZES);
#endif
#if LIGHTS
uniform vec3 directions[LIGHTS];
uniform vec3 light_colors[LIGHTS];
uniform mat3 shadow_frames[LIGHTS];  // columns: right and down in the map, and towards the light
uniform float spreads[LIGHTS];
uniform vec3 shadow_places[LIGHTS];  // texels per unit, x and y of texel 0
uniform sampler2DArray shadow_maps;
uniform bool soft;
uniform vec2 disc[TAPS];
#endif

struct Surface { vec3 base; float metallic; float roughness; };

vec3 interreflected(float openness, vec3 albedo) {
    vec3 a = 2.0404 * albedo - 0.3324, b = -4.7951 * albedo + 0.6417, c = 2.7552 * albedo + 0.6903;
    return min(max(vec3(openness), ((openness * a + b) * openness + c) * openness), 1.0);
}

vec3 gradient(float height) {
    return 0.5 * (sky + ground) + 0.5 * (sky - ground) * height;
}

#ifdef SURROUND
vec3 unturned(vec3 v) {
    return vec3(turn.x * v.x + turn.y * v.y, turn.x * v.y - turn.y * v.x, v.z);
}

vec3 even_light(vec3 normal) {  // irradiance / pi
    vec3 n = unturned(normal);
    float basis[9] = float[](0.28209479, 0.48860251 * n.y, 0.48860251 * n.z, 0.48860251 * n.x, 1.09254843 * n.x * n.y, 1.09254843 * n.y * n.z,
                             0.31539157 * (3.0 * n.z * n.z - 1.0), 1.09254843 * n.x * n.z, 0.54627422 * (n.x * n.x - n.y * n.y));
    vec3 sum = vec3(0.0);
    for (int k = 0; k < 9; k++)
        sum += basis[k] * harmonics[k];
    return exposure * max(sum, 0.0);
}

vec3 mirror_texel(int index) {
    return texelFetch(mirror, ivec2(index % SURROUND, index / SURROUND), 0).rgb;
}

vec3 mirror_level(int level, vec2 uv) {
    vec2 place = uv * float(SIZES[level]) + 0.5;
    ivec2 low = ivec2(place);
    int index = int(offsets[level]) + low.y * (SIZES[level] + 2) + low.x, below = index + SIZES[level] + 2;
    vec2 blend = place - vec2(low);
    return mix(mix(mirror_texel(index), mirror_texel(index + 1), blend.x), mix(mirror_texel(below), mirror_texel(below + 1), blend.x), blend.y);
}

vec3 mirrored_light(vec3 reflected, float roughness) {
    vec3 r = unturned(reflected);
    vec2 uv = r.xy / max(abs(r.x) + abs(r.y) + abs(r.z), 1e-12);
    if (r.z < 0.0)
        uv = (1.0 - abs(uv.yx)) * vec2(uv.x >= 0.0 ? 1.0 : -1.0, uv.y >= 0.0 ? 1.0 : -1.0);
    float level = clamp(roughness / LEVEL_STEP, 0.0, float(LEVELS) - 1.001);
    int finer = int(level);
    uv = 0.5 * uv + 0.5;
    return exposure * mix(mirror_level(finer, uv), mirror_level(finer + 1, uv), level - float(finer));
}
#else
vec3 even_light(vec3 normal) {
    return gradient(normal.z * (2.0 / 3.0));
}

vec3 mirrored_light(vec3 reflected, float roughness) {
    return gradient(reflected.z * (1.0 - roughness / 3.0));
}
#endif

vec3 ambient(Surface surface, vec3 normal, vec3 view, float nv, float openness) {
    if (gloss == 0.0)
        return even_light(normal) * surface.base * interreflected(openness, surface.base);
    vec2 split = texture(reflectance, vec2(surface.roughness, nv)).xy;
    float seen = clamp(sqrt(nv + openness) - 1.0 + openness, 0.0, 1.0);
    vec3 f0 = mix(vec3(F0), surface.base, surface.metallic);
    vec3 specular = gloss * (f0 * split.x + split.y) * (1.0 + f0 * (1.0 / (split.x + split.y) - 1.0));
    vec3 albedo = surface.base * (1.0 - surface.metallic);
    vec3 diffuse = albedo * (1.0 - min(specular, 1.0)) * interreflected(openness, albedo) * even_light(normal);
    return diffuse + specular * interreflected(seen, f0) * mirrored_light(2.0 * nv * normal - view, surface.roughness);
}

#if LIGHTS
float light_depth(int light, ivec2 texel) {  // of the nearest surface; nothing stands outside the map
    ivec2 size = textureSize(shadow_maps, 0).xy;
    bool outside = any(lessThan(texel, ivec2(0))) || any(greaterThanEqual(texel, size));
    return outside ? -1e30 : texelFetch(shadow_maps, ivec3(texel, light), 0).x;
}

// The mean of nine bilinear look-ups around a place: four by four texels, of which the inner ones count fully.
float sharp_shadow(int light, vec3 place) {
    vec2 at = place.xy - 0.5;
    ivec2 corner = ivec2(floor(at)) - 1;
    vec2 blend = at - floor(at);
    vec4 across = vec4(1.0 - blend.x, 1.0, 1.0, blend.x), down = vec4(1.0 - blend.y, 1.0, 1.0, blend.y);
    float total = 0.0;
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++)
            total += place.z >= light_depth(light, corner + ivec2(column, row)) ? across[column] * down[row] : 0.0;
    return total / 9.0;
}

float lit(int light, vec2 at, float depth) {  // bilinear
    at -= 0.5;
    ivec2 corner = ivec2(floor(at));
    vec2 blend = at - floor(at);
    vec4 free = vec4(depth >= light_depth(light, corner), depth >= light_depth(light, corner + ivec2(1, 0)),
                     depth >= light_depth(light, corner + ivec2(0, 1)), depth >= light_depth(light, corner + ivec2(1, 1)));
    return mix(mix(free.x, free.y, blend.x), mix(free.z, free.w, blend.x), blend.y);
}

// The light is a disc: shadows widen with the distance from what casts them. slope: of the surface's plane in the map.
float soft_shadow(int light, vec3 place, vec2 slope, float spread) {
    float reach = clamp(spread, 2.0 * SHARPEST, WIDEST), gap = 0.0;
    int casters = 0;
    for (int k = 0; k < TAPS; k++) {
        vec2 step = disc[k] * reach;
        float above = light_depth(light, ivec2(floor(place.xy + step))) - (place.z + dot(step, slope));
        if (above > 0.0) {
            gap += above;
            casters += 1;
        }
    }
    if (casters == 0)
        return 1.0;
    float radius = clamp(gap / float(casters) * spread, SHARPEST, WIDEST), total = 0.0;
    for (int k = 0; k < TAPS; k++)
        total += lit(light, place.xy + disc[k] * radius, place.z + dot(disc[k] * radius, slope));
    return total / float(TAPS);
}

float shadow(int light, vec3 point, vec3 flat_normal) {
    mat3 frame = transpose(shadow_frames[light]);
    float scale = shadow_places[light].x;
    vec3 place = frame * (point + LIFT * 2.0 / scale * flat_normal), normal = frame * flat_normal;
    place.xy = (place.xy - shadow_places[light].yz) * scale;
    return soft ? soft_shadow(light, place, -normal.xy / (scale * max(normal.z, 0.2)), spreads[light] * scale) : sharp_shadow(light, place);
}

vec3 reflected(Surface surface, float nl, float nv, float nh, float vh, float alpha) {
    float a2 = alpha * alpha, d = nh * nh * (a2 - 1.0) + 1.0;
    float lobe = a2 / (PI * d * d) * 0.5 / (2.0 * nl * nv * (1.0 - alpha) + (nl + nv) * alpha);
    vec3 f0 = mix(vec3(F0), surface.base, surface.metallic);
    vec3 f = f0 + (1.0 - f0) * pow(1.0 - vh, 5.0);
    return (1.0 - f) * surface.base * (1.0 - surface.metallic) / PI + f * lobe;
}
#endif

// Radiance towards the camera. normal: for shading; flat_normal: the mesh's; view: direction to the camera.
vec3 radiance(Surface surface, vec3 normal, vec3 flat_normal, vec3 view, float openness, vec3 point) {
    if (!directional)
        return sky * surface.base * interreflected(openness, surface.base);
    float nv = clamp(dot(normal, view), 1e-3, 1.0);
    surface.roughness = max(surface.roughness, MIN_ROUGHNESS);
    vec3 total = ambient(surface, normal, view, nv, openness);
#if LIGHTS
    float r2 = surface.roughness * surface.roughness;
    for (int i = 0; i < LIGHTS; i++) {
        float nl = dot(normal, directions[i]);
        if (nl <= 0.0 || dot(flat_normal, directions[i]) <= 0.0)
            continue;
        float alpha = min(sqrt(r2 * r2 + spreads[i] * spreads[i]), 1.0);
        vec3 half_way = normalize(directions[i] + view);
        float nh = clamp(dot(normal, half_way), 0.0, 1.0), vh = clamp(dot(view, half_way), 0.0, 1.0);
        total += shadow(i, point, flat_normal) * nl * light_colors[i] * reflected(surface, nl, nv, nh, vh, alpha);
    }
#endif
    return total;
}

vec3 display(vec3 x) {
#ifdef LINEAR  // for a tone rule that needs all views first
    return max(x, 0.0);
#else
    vec3 t = (x - knee) / max(1.0 - knee, 1e-6);
    return mix(knee + (1.0 - knee) * t / (1.0 + t), max(x, 0.0), vec3(lessThanEqual(x, vec3(knee))));
#endif
}

vec3 encoded(vec3 x) {  // sRGB, IEC 61966-2-1
    x = clamp(x, 0.0, 1.0);
    return mix(1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, 12.92 * x, vec3(lessThanEqual(x, vec3(0.0031308))));
}
