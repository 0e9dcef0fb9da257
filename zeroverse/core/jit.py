"""How kernels are compiled: one place for the options and their reasons. No kernel uses `fastmath`: it would tie pixels to the processor."""
from numba import njit

kernel = njit(cache=True, nogil=True)

# Kernels that allocate nothing. Without numba's reference counts, which it keeps even for views of arrays, `resolve` takes a third of the time.
# And x / 0 is an infinity in them, not an exception, for which every division would have to ask.
pure = njit(cache=True, nogil=True, _nrt=False, error_model="numpy")

# Their helpers. Called, each would be handed every array of a scene one word at a time (half of the time of `resolve` again).
inlined = njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
