"""The families of solid textures, a kind a file; `textures.TEXTURES` has a row for each."""
