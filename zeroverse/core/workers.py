"""What every pool of processes wants of its workers."""

import os
import threading
import time


def leave_with(parent: int) -> None:
    """Ends this worker process when `parent`, the process that it works for, has ended; to be called as the worker
    starts.

    Pools see to that themselves unless the parent is killed (-9, out of memory). Then neither loky's workers nor
    Python's notice: they would wait for work until somebody ends them, some hundred megabytes each.
    """

    def watch():
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
