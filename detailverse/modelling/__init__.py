"""The exact modelling language: paths, regions, profiles, patches, skins, and the solids that they make."""
