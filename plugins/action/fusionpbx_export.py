# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what a FusionPBX inventory source gives as ordinary inventory files: what M(dialtone.phones.fusionpbx_export) documents."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import match_encrypt_secret
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.export_inventory import content_of, files_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.export_store import Store, Vault
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.read import SourceFileError, read_source
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "source": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "vault_id": {"type": "str"},
    "force": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs on the controller; no secret is in its result."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        source, dest = os.path.abspath(args["source"]), Path(os.path.abspath(args["dest"]))
        try:
            inventory = read_source(self._loader, source)
        except SourceFileError as exc:
            raise AnsibleActionFail(str(exc)) from None
        left = [*_notes(inventory.groups.get("phones"), "_phone_site_left_behind")]
        for name, host in inventory.hosts.items():
            left += [f"{name}: {note}" for note in _notes(host, "_phone_left_behind")]
        files = files_of(content_of(inventory), os.path.basename(source), left)
        store = Store(dest, self._vault(args["vault_id"]), args["force"])
        changes = store.plan(files)
        if store.problems:
            raise AnsibleActionFail(str(ProblemsError(store.problems)))
        changed = bool(changes) or store.adopts
        if changed and not self._task.check_mode:
            try:
                store.write()
            except OSError as exc:
                raise AnsibleActionFail(f"{exc.filename or dest}: cannot be written ({exc.strerror or exc})") from exc
        result.update(
            changed=changed,
            dest=str(dest),
            phones=len(inventory.hosts),
            left_behind=len(left),
            files=[file.path for file in files],
            changes=[{"path": change.path, "change": change.kind} for change in changes],
        )
        if self._task.diff:
            result["diff"] = [
                {
                    "before_header": str(dest / change.path),
                    "after_header": str(dest / change.path),
                    **(
                        {"before": change.before, "after": change.after}
                        if change.before or change.after
                        else {"prepared": f"{change.path}: {change.kind}; it is vaulted, so it is not shown\n"}
                    ),
                }
                for change in changes
            ]
        return result

    def _vault(self, vault_id: str | None) -> Vault:
        lib = self._loader._vault
        secrets = list(lib.secrets or ())
        wanted = vault_id or C.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY")
        known = sorted({str(name) for name, _secret in secrets})
        if not secrets:
            raise AnsibleActionFail(
                "the files hold passwords, and there is no vault password to encrypt them with; use --vault-id, --vault-password-file or --ask-vault-pass"
            )
        if wanted and wanted not in known:
            raise AnsibleActionFail(f"vault_id: {wanted!r} is none of this run's vault IDs; known: {', '.join(known)}")
        if not wanted and len(known) > 1:
            raise AnsibleActionFail(f"vault_id: this run has several vault passwords; name the one to encrypt with: {', '.join(known)}")
        label, secret = match_encrypt_secret(secrets, encrypt_vault_id=wanted)
        label = "" if label == C.DEFAULT_VAULT_IDENTITY else str(label)

        def decrypt(data: bytes) -> bytes:
            try:
                return lib.decrypt(data)
            except AnsibleError as exc:
                raise ValueError(str(exc).partition("\n")[0].rstrip(".")) from None

        return Vault(lambda data: lib.encrypt(data, secret, vault_id=label or None), decrypt, label)


def _notes(owner: Any, name: str) -> list[str]:
    return [str(note) for note in owner.vars.get(name, ())] if owner is not None else []
