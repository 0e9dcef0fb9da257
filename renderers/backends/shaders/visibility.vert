// Drawn once for the labels (pixel centres) and once for each sample of a pixel, every time with the image shifted by a part of a pixel.

uniform mat4 to_clip;
uniform vec2 shift;  // in clip space

in vec3 position;
in vec3 uv_alpha;

out vec3 place;

void main() {
    place = uv_alpha;
    gl_Position = to_clip * vec4(position, 1.0);
    gl_Position.xy += shift * gl_Position.w;
}
