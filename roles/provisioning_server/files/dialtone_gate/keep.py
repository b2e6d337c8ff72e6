# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service manager does for the daemon, where there is none: hold its sockets, and start it anew when it has died.

The parent does nothing but wait, so there is little that could kill it; requests queue in the sockets while a new child starts.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time

log = logging.getLogger("dialtone-gate")
_PAUSE = 1.0
_PR_SET_PDEATHSIG = 1


def keep_running() -> None:
    """Return in a child that is to serve; the parent stays here, and ends the process with the last child's status when it is told to stop."""
    stopping = []
    parent = os.getpid()
    child = 0

    def stop(number: int, _frame: object) -> None:
        stopping.append(number)
        if child:
            os.kill(child, number)

    while True:
        # Between fork and the note of its number a signal to stop would reach no child.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        if stopping:
            sys.exit(0)
        child = os.fork()
        if child == 0:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            # A parent that is killed takes the child with it: nobody would hold the sockets for the next one.
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
            if os.getppid() != parent:
                os._exit(1)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        _pid, status = os.waitpid(child, 0)
        child = 0
        if stopping:
            sys.exit(0)
        log.error("the daemon has died (%s), starting it anew", os.waitstatus_to_exitcode(status))
        time.sleep(_PAUSE)
