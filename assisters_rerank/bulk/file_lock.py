"""A lock of the operating system on an open file: it ends with its process, however that ends."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Far behind any content, since Windows lets nobody else read what is locked.
    _PLACE = 1 << 62

    def lock(file: int) -> bool:
        """Whether nobody else holds the lock; then it is ours until the file is closed."""
        os.lseek(file, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock(file: int) -> bool:
        """Whether nobody else holds the lock; then it is ours until the file is closed."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
