// 1 + the face that is seen.

in vec3 place;

layout(location = 0) out uint seen;

void main() {
#ifdef CUTOUT
    Material material = materials[faces[gl_PrimitiveID].w & 0xffffu];
    float alpha = material.color.a * place.z;
    if (material.maps.x >= 0)
        alpha *= look_up(material.maps.x, place.xy, 0.0).a;  // the finest level, as a coarser one would thin out what is cut
    if (alpha < material.surface.w)
        discard;
#endif
    seen = uint(gl_PrimitiveID) + 1u;
}
