# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a release from the one that serves and a set of changes, and switches to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release import gate_tree, manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import WEB
from ansible_collections.dialtone.phones.plugins.module_utils.release.archive import Archive
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.files import sync_file_system, sync_folder
from ansible_collections.dialtone.phones.plugins.module_utils.release.links import Linker
from ansible_collections.dialtone.phones.plugins.module_utils.release.lock import PublishLock
from ansible_collections.dialtone.phones.plugins.module_utils.release.nginx import WebServer
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import Changes, PhoneTree, parse_row
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Release, Store

Result = t.Dict[str, t.Any]


class Settings(t.NamedTuple):
    """How a server publishes.

    ``keep`` releases stay (at least two: a phone may be between two fetches); ``lock_timeout`` in seconds; ``holder`` says who asks; ``link_limit``
    is for file systems whose limit has to be tried without 65,000 files.
    """

    keep: int = 3
    lock_timeout: float = 120
    holder: str = "another run"
    link_limit: int = 0


class Publisher:
    """Changes what a server publishes.

    :param compiler: what compiles gate records (``gate_compile.compile_gate``).
    :param networks: what limits all phones on this server (CIDR); empty for no limit.
    """

    def __init__(self, store: Store, web: WebServer, compiler: gate_tree.Compiler, networks: list[str], settings: Settings) -> None:
        self._store = store
        self._web = web
        self._compiler = compiler
        self._networks = networks
        self._settings = settings

    def apply(self, archive_path: str) -> Result:
        """Publish what an archive brings.

        :return: ``stale`` when another run published since the plan was made; else what was done.
        :raises ReleaseError: nothing was switched, or it was switched back.
        """
        with Archive(archive_path) as archive, self._alone():
            header = archive.header
            current = self._store.current()
            self._store.clean(current)
            if (current.digest() if current else "") != header["base"]:
                return {"changed": False, "stale": True}
            if header.get("record") and current is not None:
                return self._record(current, archive.rows)
            changes = Changes(archive.rows, [digest for digest, _size in archive.index], archive.contents())
            if not (archive.rows or header.get("rebuild") or current is None or self.gate_is_stale(current)):
                return self._catch_up(current)
            about = {"by": header.get("by", ""), "scope": header.get("scope", ""), "kind": "publish"}
            return self._replace(current, header["id"], changes, about, bool(header.get("rebuild")))

    def _record(self, current: Release, rows: t.Mapping[str, dict[str, t.Any]]) -> Result:
        """Note what is known of phones whose files and gate stay as they are: in the manifest alone, without a new release.

        :raises ReleaseError: a row would change more than that.
        """
        header, lines = current.rows()
        left = set(rows)

        def noted() -> t.Iterator[bytes]:
            for line in lines:
                old = parse_row(line)
                if old["mac"] not in left:
                    yield line
                    continue
                left.remove(old["mac"])
                row = rows[old["mac"]].get("set") or {}
                if any(row.get(name) != old[name] for name in ("files", "gate", "scope")):
                    raise ReleaseError(f"plan: {old['host']}: changes more than what is noted of it; nothing was changed")
                yield manifest.encode(row)

        fresh = current.manifest + ".new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        mask = os.umask(0o077)
        try:
            manifest.write(fresh, header, noted())
            if left:
                raise ReleaseError(f"plan: {', '.join(sorted(left))}: not published on this server; nothing was changed")
            sync_file_system(fresh)
            os.rename(fresh, current.manifest)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            raise
        finally:
            os.umask(mask)
        sync_folder(current.path)
        return {"changed": False, "release": current.id, "recorded": len(rows)}

    def change(self, wanted_id: str, find: t.Callable[[Release], Changes], about: dict[str, str]) -> Result:
        """Publish changes that are worked out on the server, under the lock (a rollback)."""
        with self._alone():
            current = self._store.current()
            if current is None:
                raise ReleaseError(f"{self._store.link}: nothing was published yet")
            self._store.clean(current)
            changes = find(current)
            if not changes.rows:
                return {"changed": False, "release": current.id}
            return self._replace(current, wanted_id, changes, about, False)

    @contextlib.contextmanager
    def _alone(self) -> t.Iterator[None]:
        mask = os.umask(0o022)
        try:
            self._store.prepare()
            with PublishLock(self._store.lock, self._settings.holder, self._settings.lock_timeout):
                yield
        except OSError as exc:
            # Everything before the switch happens in a folder of its own: a full disk leaves the old release serving.
            raise ReleaseError(
                f"{exc.filename or self._store.root}: {exc.strerror or exc}; the published release was not changed"
            ) from None
        finally:
            os.umask(mask)

    def _replace(self, current: Release | None, wanted_id: str, changes: Changes, about: dict[str, str], rebuild: bool) -> Result:
        staged = self._store.stage(self._store.free_id(wanted_id))
        try:
            result, concerns_nginx = self._build(staged, current, changes, about, rebuild)
            if concerns_nginx:
                self._web.check(staged)
            release = self._store.finish(staged)
        except BaseException:
            self._store.pins.forget(staged)
            shutil.rmtree(staged, ignore_errors=True)
            raise
        concerns_nginx = concerns_nginx or self._store.pending() is not None
        result.update({"changed": True, "release": release.id, "previous": current.id if current else None})
        result.update(self._switch(release, current, concerns_nginx))
        result["pruned"] = self._store.prune(self._settings.keep)
        return result

    def _build(self, staged: str, current: Release | None, changes: Changes, about: dict[str, str], rebuild: bool) -> tuple[Result, bool]:
        access = self._store.access
        linker = Linker(self._settings.link_limit)
        tree = PhoneTree(staged, access, linker)
        _old_header, old_rows = current.rows() if current else ({}, iter(()))
        header = {"format": manifest.FORMAT, "networks": self._networks}
        path = os.path.join(staged, manifest.NAME)
        old_phones = os.path.join(current.path, "phones") if current else ""
        mask = os.umask(0o077)
        try:
            digest = manifest.write(path, header, tree.build(old_phones, old_rows, changes))
        finally:
            os.umask(mask)
        if tree.pins:
            self._web.check_pins()
        self._store.pins.put(staged, tree.pins, tree.retired, linker)
        compiler = gate_tree.compiler_digest()
        before = gate_tree.listing(current.path) if current else {}
        now = None
        if current and not (tree.gates or tree.damaged or rebuild or self.gate_is_stale(current)):
            now = gate_tree.carry_over(staged, current.path, access, linker)
        if now is None:
            # A gate that could be carried over in part only is in the way of the new one.
            shutil.rmtree(os.path.join(staged, "gate"), ignore_errors=True)
            reuse = current.path if current and not rebuild else None
            now = gate_tree.compile_into(staged, _gate_records(path), self._networks, reuse, access, linker, self._compiler)
        self._make_upload_folders(changes)
        Release(staged).write_info(
            {
                **about,
                "serial": max([release.serial for release in self._store.releases()] or [0]) + 1,
                "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "phones": tree.phones,
                "compiler": compiler,
            }
        )
        result = {
            "phones": tree.phones,
            "linked": tree.linked,
            "written": tree.written,
            "bytes": tree.bytes,
            "copied": linker.copied,
            "damaged": tree.damaged,
            "digest": digest,
        }
        return result, gate_tree.concerns_nginx(before, now)

    def gate_is_stale(self, release: Release) -> bool:
        """Tell whether a release's gate was compiled by another version of the compiler, or for other networks of the server."""
        return release.info.get("compiler") != gate_tree.compiler_digest() or release.rows()[0].get("networks", []) != self._networks

    def _make_upload_folders(self, changes: Changes) -> None:
        for mac, entry in changes.rows.items():
            if "set" in entry and entry["set"]["gate"].get("uploads"):
                folder = os.path.join(self._store.uploads_path, mac)
                if not os.path.isdir(folder):
                    self._store.access.folder(folder, WEB, 0o770)

    def _switch(self, release: Release, previous: Release | None, concerns_nginx: bool) -> Result:
        if not (concerns_nginx and self._web.configured):
            self._store.switch(release)
            return {"reloaded": False}
        self._store.set_pending(previous.id if previous else None)
        self._store.switch(release)
        try:
            running = self._web.reload()
        except ReleaseError as exc:
            self._store.switch(previous)
            with contextlib.suppress(ReleaseError):
                self._web.reload()
                self._store.clear_pending()
            self._store.pins.forget(release.path)
            self._store.discard(release.path)
            raise ReleaseError(f"{exc}; switched back to {'release ' + previous.id if previous else 'no release'}") from None
        self._store.clear_pending()
        return {"reloaded": running, "web_server_stopped": not running}

    def _catch_up(self, current: Release | None) -> Result:
        """Do what a killed run did not come to: reload the web server."""
        note = self._store.pending()
        if note is None or current is None:
            return {"changed": False, "release": current.id if current else None}
        try:
            running = self._web.reload()
        except ReleaseError as exc:
            previous = note.get("previous")
            if not previous or previous == current.id:
                raise
            self._store.switch(self._store.release(previous))
            self._web.reload()
            self._store.clear_pending()
            raise ReleaseError(f"{exc}; switched back to release {previous}") from None
        self._store.clear_pending()
        return {"changed": True, "release": current.id, "reloaded": running, "web_server_stopped": not running}


def _gate_records(path: str) -> t.Iterator[dict[str, t.Any]]:
    _header, lines = manifest.read(path)
    for line in lines:
        row = json.loads(line)
        yield {**row["gate"], "files": list(row["files"])}
