"""From a solid to a textured asset: charts, their places in an atlas, and the baking of materials."""
