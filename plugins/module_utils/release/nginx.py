# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks nginx whether it can live with a staged release, and tells it to read the new one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from typing import Callable, List, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError

# Runs a command and returns its status, output and errors: AnsibleModule.run_command.
Runner = Callable[[List[str]], Tuple[int, str, str]]

_CONF_PATH = re.compile(r"--conf-path=(\S+)")
_PID_PATH = re.compile(r"--pid-path=(\S+)")
_PID = re.compile(r"(?m)^\s*pid\s+\"?([^\s;\"]+)")
_NOT_RUNNING = re.compile(r"invalid PID number|open\(\) \"[^\"]*pid\" failed")


class WebServer:
    """nginx as far as a release concerns it.

    :param site: our site's configuration; empty or missing means that there is no nginx to ask.
    :param reload: command that makes nginx read its configuration; empty takes ``nginx -s reload``.
    :param run: runs a command.
    """

    def __init__(self, site: str, reload: str, root: str, run: Runner) -> None:
        self._runner = run
        self._site = site
        self._root = root
        self._binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin") if site else None
        self._reload = shlex.split(reload)
        self.configured = bool(site and os.path.exists(site) and (self._binary or self._reload))

    def check(self, staged: str) -> None:
        """Let nginx read the site against a staged release, with its own pid and log file.

        :raises ReleaseError: what nginx says against it.
        """
        if not self.configured or not self._binary:
            return
        with open(self._site, encoding="utf-8") as stream:
            site = stream.read().replace(os.path.join(self._root, "current"), staged)
        folder = tempfile.mkdtemp(prefix="dialtone-check-")
        try:
            path = os.path.join(folder, "nginx.conf")
            with open(os.path.join(folder, "site.conf"), "w", encoding="utf-8") as stream:
                stream.write(site)
            temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(
                    f"pid {folder}/pid;\nerror_log stderr warn;\nevents {{ }}\n"
                    f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
                )
            code, text = self._run([self._binary, "-t", "-q", "-c", path])
            if code != 0:
                raise ReleaseError(f"nginx refuses the staged release, nothing was switched: {_reason(text)}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def check_pins(self) -> None:
        """Refuse pinned names where the site is older than they are: phones would be sent to names that it does not serve.

        :raises ReleaseError: it is.
        """
        if not self.configured:
            return
        with open(self._site, encoding="utf-8") as stream:
            if "dialtone_shelf" not in stream.read():
                raise ReleaseError(
                    f"{self._site}: was written by an older version of the collection and can't serve pinned names; "
                    f"run the role dialtone.phones.provisioning_server first (site.yml without --tags)"
                )

    def reload(self) -> bool:
        """Make nginx read its configuration; False when it isn't running (it reads the new one when it starts).

        :raises ReleaseError: nginx refuses its configuration, or the command fails.
        """
        if not self.configured:
            return False
        if self._binary:
            code, text = self._run([self._binary, "-t", "-q"])
            if code != 0:
                raise ReleaseError(f"nginx -t: {_reason(text)}")
        if not self._reload and not self._may_be_signalled():
            return False
        command = self._reload or [str(self._binary), "-s", "reload"]
        code, text = self._run(command)
        if code != 0 and not self._reload and _NOT_RUNNING.search(text):
            return False
        if code != 0:
            raise ReleaseError(f"{' '.join(command)}: ended with {code}: {_reason(text)}")
        return True

    def _may_be_signalled(self) -> bool:
        """Tell whether the process that nginx's pid file names is an nginx: after a crash the number may be that of anything else."""
        _code, text = self._run([str(self._binary), "-V"])
        conf, pid_path = _CONF_PATH.search(text), _PID_PATH.search(text)
        path = pid_path.group(1) if pid_path else ""
        try:
            if conf:
                with open(conf.group(1), encoding="utf-8", errors="replace") as stream:
                    named = _PID.search(stream.read())
                path = named.group(1) if named else path
            if not path:
                return True
            with open(path, encoding="ascii") as stream:
                pid = int(stream.read())
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
                return stream.read().strip() == "nginx"
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            # nginx says itself what is wrong with its file.
            return True

    def _run(self, command: list[str]) -> tuple[int, str]:
        code, out, err = self._runner(command)
        return code, err + out


def _reason(text: str) -> str:
    """Return the first line that says why, without nginx's prefix; tokens in a quoted line are not shown."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    chosen = next((line for line in lines if "[emerg]" in line or "[error]" in line), lines[0] if lines else "no reason given")
    return re.sub(r"[0-9a-f]{32,}", "********", chosen)
