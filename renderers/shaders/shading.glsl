// The shading model of renderers/shading.py, in single precision; there its sources are named. Linear RGB, world frame, unit vectors.

const float MIN_ROUGHNESS = 0.045;
const float F0 = 0.04;
const float PI = 3.14159265;

uniform vec3 sky;
uniform vec3 ground;
uniform float spread;
uniform float gloss;
uniform float knee;
uniform bool directional;
uniform sampler2D reflectance;
#if LIGHTS
uniform vec3 directions[LIGHTS];
uniform vec3 light_colors[LIGHTS];
uniform mat3 shadow_frames[LIGHTS];  // columns: right and down in the map, and towards the light
uniform vec3 shadow_places[LIGHTS];  // texels per unit, x and y of texel 0
uniform sampler2DArray shadow_maps;
#endif

struct Surface { vec3 base; float metallic; float roughness; };

vec3 interreflected(float openness, vec3 albedo) {
    vec3 a = 2.0404 * albedo - 0.3324, b = -4.7951 * albedo + 0.6417, c = 2.7552 * albedo + 0.6903;
    return min(max(vec3(openness), ((openness * a + b) * openness + c) * openness), 1.0);
}

vec3 gradient(float height) {
    return 0.5 * (sky + ground) + 0.5 * (sky - ground) * height;
}

vec3 ambient(Surface surface, vec3 normal, vec3 view, float nv, float openness) {
    if (gloss == 0.0)
        return gradient(normal.z * (2.0 / 3.0)) * surface.base * interreflected(openness, surface.base);
    vec2 split = texture(reflectance, vec2(surface.roughness, nv)).xy;
    float mirror = clamp(sqrt(nv + openness) - 1.0 + openness, 0.0, 1.0);
    vec3 f0 = mix(vec3(F0), surface.base, surface.metallic);
    vec3 specular = gloss * (f0 * split.x + split.y) * (1.0 + f0 * (1.0 / (split.x + split.y) - 1.0));
    vec3 albedo = surface.base * (1.0 - surface.metallic);
    vec3 diffuse = albedo * (1.0 - min(specular, 1.0)) * interreflected(openness, albedo) * gradient(normal.z * (2.0 / 3.0));
    float mirrored = 2.0 * nv * normal.z - view.z;
    return diffuse + specular * interreflected(mirror, f0) * gradient(mirrored * (1.0 - surface.roughness / 3.0));
}

#if LIGHTS
// The mean of nine bilinear look-ups around a place: four by four texels, of which the inner ones count fully.
float shadow(int light, vec3 point, vec3 flat_normal) {
    vec3 place = shadow_places[light];
    vec3 local = transpose(shadow_frames[light]) * (point + LIFT * 2.0 / place.x * flat_normal);
    vec2 at = (local.xy - place.yz) * place.x - 0.5;
    ivec2 corner = ivec2(floor(at)) - 1;
    vec2 blend = at - floor(at);
    vec4 across = vec4(1.0 - blend.x, 1.0, 1.0, blend.x), down = vec4(1.0 - blend.y, 1.0, 1.0, blend.y);
    ivec2 size = textureSize(shadow_maps, 0).xy;
    float total = 0.0;
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++) {
            ivec2 texel = corner + ivec2(column, row);
            bool outside = any(lessThan(texel, ivec2(0))) || any(greaterThanEqual(texel, size));
            if (outside || local.z >= texelFetch(shadow_maps, ivec3(texel, light), 0).x)
                total += across[column] * down[row];
        }
    return total / 9.0;
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
    float alpha = min(sqrt(r2 * r2 + spread * spread), 1.0);
    for (int i = 0; i < LIGHTS; i++) {
        float nl = dot(normal, directions[i]);
        if (nl <= 0.0 || dot(flat_normal, directions[i]) <= 0.0)
            continue;
        vec3 half_way = normalize(directions[i] + view);
        float nh = clamp(dot(normal, half_way), 0.0, 1.0), vh = clamp(dot(view, half_way), 0.0, 1.0);
        total += shadow(i, point, flat_normal) * nl * light_colors[i] * reflected(surface, nl, nv, nh, vh, alpha);
    }
#endif
    return total;
}

vec3 display(vec3 x) {
    vec3 t = (x - knee) / max(1.0 - knee, 1e-6);
    return mix(knee + (1.0 - knee) * t / (1.0 + t), max(x, 0.0), vec3(lessThanEqual(x, vec3(knee))));
}

vec3 encoded(vec3 x) {  // sRGB, IEC 61966-2-1
    x = clamp(x, 0.0, 1.0);
    return mix(1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, 12.92 * x, vec3(lessThanEqual(x, vec3(0.0031308))));
}
