"""The kernels of the CPU renderer: visibility, occlusion, shading."""
