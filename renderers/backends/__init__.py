"""One module a render backend; `renderers.BACKENDS` has a row for each."""
