// What the passes know of an object: the arrays of renderers.scene.Scene, and the texture look-up of renderers.textures.
// World frame, linear colour. Everything is read by index, so one draw call serves any number of parts and textures.

struct Vertex { vec4 position; vec4 normal; vec4 uv; };  // w: openness of the front; openness of the back. uv.z: alpha of the vertex colour
struct Material { vec4 color; vec4 surface; ivec4 maps; };  // surface: metallic, roughness, normal scale, alpha cutoff. maps: base, surface, normal or -1

layout(std430, binding = 0) readonly buffer Vertices { Vertex vertices[]; };
layout(std430, binding = 1) readonly buffer Colors { vec4 colors[]; };  // one entry when every vertex is white
layout(std430, binding = 2) readonly buffer Faces { uvec4 faces[]; };  // three vertices, part << 16 | material
layout(std430, binding = 3) readonly buffer FaceNormals { vec4 face_normals[]; };
layout(std430, binding = 4) readonly buffer Materials { Material materials[]; };
layout(std430, binding = 5) readonly buffer Texels { uvec2 texels[]; };  // four channels of 16 bits
layout(std430, binding = 6) readonly buffer Levels { ivec4 levels[]; };  // offset, width, height
layout(std430, binding = 7) readonly buffer Ranges { ivec2 ranges[]; };  // first level, count

vec4 texel(int index) {
    uvec2 words = texels[index];
    return vec4(words.x & 0xffffu, words.x >> 16, words.y & 0xffffu, words.y >> 16) / 65535.0;
}

vec4 bilinear(int level, vec2 uv) {
    ivec3 shape = levels[level].xyz;
    vec2 place = vec2(uv.x, 1.0 - uv.y) * vec2(shape.yz) - 0.5;
    ivec2 low = ivec2(floor(place));
    vec2 blend = place - vec2(low);
    ivec2 high = low + 1;
    low += shape.yz * ivec2(lessThan(low, ivec2(0)));
    high *= ivec2(lessThan(high, shape.yz));
    vec4 top = mix(texel(shape.x + low.y * shape.y + low.x), texel(shape.x + low.y * shape.y + high.x), blend.x);
    vec4 bottom = mix(texel(shape.x + high.y * shape.y + low.x), texel(shape.x + high.y * shape.y + high.x), blend.x);
    return mix(top, bottom, blend.y);
}

// Trilinear, wrapping. footprint: the area of UV that a pixel covers.
vec4 look_up(int number, vec2 uv, float footprint) {
    ivec2 range = ranges[number];
    uv -= floor(uv);
    int exponent;
    float mantissa = frexp(footprint * float(levels[range.x].y) * float(levels[range.x].z) + 1e-12, exponent);
    float level = clamp(0.5 * (float(exponent) - 2.0 + 2.0 * mantissa), 0.0, float(range.y - 1));
    int lower = int(level);
    vec4 fine = bilinear(range.x + lower, uv);
    return level > float(lower) ? mix(fine, bilinear(range.x + lower + 1, uv), level - float(lower)) : fine;
}
