"""Tables about this package: what rendering costs, and how diverse the objects are."""
