# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Derives tokens here, where the secret is, and tells the store on the server their hashes."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.claims.lan import MAX_OPEN
from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import Batch, read_gone, read_phones, scope_of, terms, who
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "state": {
        "type": "str",
        "choices": ["armed", "unlocked", "locked", "spent", "retired", "confirmed", "opened", "closed"],
        "default": "armed",
    },
    "macs": {"type": "list", "elements": "str"},
    "reason": {"type": "str", "default": ""},
    "force": {"type": "bool", "default": False},
    "minutes": {"type": "int", "default": 30},
    "new_store": {"type": "bool", "default": False},
    "readmit": {"type": "bool", "default": False},
    "retire_absent": {"type": "bool", "default": False},
    "store": {"type": "str", "default": ""},
}
_WAS_RETIRED = "was retired when it left the inventory; unlock it to give it a new one-time URL"
_AFTER_SUSPICION = (
    "If a claim was not the phone's own: raise phone_generation of that phone and change its SIP passwords before it is used again."
)


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        client = ClaimClient(self, task_vars or {}, {"path": args["store"]})
        by = who()
        if (args["state"] == "retired") != (args["macs"] is not None):
            raise AnsibleActionFail("macs: goes with state retired, and only with it; other states take the phones of the play")
        if args["state"] == "confirmed":
            answer = client.confirm(by)
            return {
                **result,
                "changed": answer["changed"],
                "msg": "the restored store's claims are open" if answer["changed"] else "nothing to confirm",
            }
        try:
            _fleet, settings, batch = read_phones(self, task_vars or {})
            # The default reads the whole store once; the batch may be all of the fleet.
            status = client.status()
            gone = read_gone(args["macs"] or (), batch, status["devices"], "macs")
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        if args["state"] == "retired":
            return {**result, **summary(self._retire(client, gone, by), batch, args["state"])}
        if status["new"]:
            status = self._new_store(client, args, by, status)
        if status.get("closed") and args["state"] in ("armed", "unlocked", "opened"):
            raise AnsibleActionFail(
                "claim store: it was restored from a backup and its claims are closed until confirmed: compare it, then run onboarding with state: confirmed"
            )
        # A registration may be known without a claim; that is a phone that was never armed.
        status["devices"] = {mac: row for mac, row in status["devices"].items() if row["state"]}
        if args["state"] == "armed":
            rows = self._arm(client, batch, settings, status, by, args)
        elif args["state"] == "unlocked":
            rows = self._unlock(client, batch, settings, status, by, args)
        elif args["state"] in ("opened", "closed"):
            rows = self._window(client, batch, args, status, by)
        else:
            rows = self._close(client, batch, args["state"], status, by)
        return {**result, **summary(rows, batch, args["state"])}

    def _new_store(self, client: ClaimClient, args: dict[str, Any], by: str, status: dict[str, Any]) -> dict[str, Any]:
        if not client.is_set_up():
            if self._task.check_mode:
                # The server is not there yet; its first set-up makes the store.
                return {**status, "epoch": "", "devices": {}}
            raise AnsibleActionFail(
                "claim store: this server has no gate (there is no /etc/dialtone/gate.json), and nothing else serves one-time URLs; "
                "run the role provisioning_server first"
            )
        if not args["new_store"]:
            raise AnsibleActionFail(
                "claim store: there is none on this server, or it is empty, so it is not known which one-time URLs were used; "
                "restore it from a backup, or set onboarding_new_store: true to start anew (every URL handed out so far stays closed for ever)"
            )
        if self._task.check_mode:
            return {**status, "epoch": "", "devices": {}}
        client.init(by)
        return client.status()

    def _arm(
        self, client: ClaimClient, batch: Batch, settings: Settings, status: dict[str, Any], by: str, args: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        arm, again, end, adopt = [], [], [], []
        rows: dict[str, dict[str, Any]] = {}
        for phone in batch.phones:
            known = status["devices"].get(phone.mac)
            if known and scope_of(known) != settings.scope:
                adopt.append(phone.mac)
            if not phone.once:
                if known and known["state"] in ("armed", "claimed"):
                    end.append(phone.mac)
                rows[phone.mac] = {"state": "off", "changed": False, "msg": phone.why_not}
                continue
            if not known:
                arm.append(terms(phone, settings, status["epoch"], 1, by, args["reason"]))
                continue
            rows[phone.mac] = {"state": known["state"], "changed": False}
            if known["state"] == "retired" and args["readmit"]:
                again.append(terms(phone, settings, status["epoch"], known["claim_generation"] + 1, by, args["reason"] or "came back"))
            elif known["state"] == "retired":
                rows[phone.mac]["msg"] = _WAS_RETIRED
            elif known["state"] in ("armed", "unlocked"):
                device = terms(phone, settings, status["epoch"], known["claim_generation"], by, args["reason"])
                if known["state"] == "armed" and known["token_sha256"] != device["token_sha256"]:
                    # Armed, never used, but derived from another secret: the old URL dies unused, a new one is armed.
                    again.append(terms(phone, settings, status["epoch"], known["claim_generation"] + 1, by, "secret changed"))
                elif known["state"] == "unlocked" or _other_terms(known, device):
                    arm.append(device)
        if arm and status["new"]:
            rows.update(_would_be_armed(arm))
        elif arm:
            rows.update(client.arm(arm)["devices"])
        if again:
            rows.update(client.unlock(again, False)["devices"])
        if end:
            rows.update(client.close("spend", end, by)["devices"])
        if adopt:
            for mac, row in client.adopt(adopt, settings.scope, by)["devices"].items():
                rows[mac] = {**rows[mac], "changed": rows[mac]["changed"] or row["changed"]}
        if args["retire_absent"]:
            absent = [mac for mac in batch.left(status["devices"]) if status["devices"][mac]["state"] != "retired"]
            rows.update(self._retire(client, absent, by))
        return rows

    @staticmethod
    def _retire(client: ClaimClient, macs: list[str], by: str) -> dict[str, dict[str, Any]]:
        rows = client.close("retire", macs, by)["devices"] if macs else {}
        for row in rows.values():
            if not row["state"]:
                row["msg"] = "is not known to the claim store"
        return rows

    @staticmethod
    def _unlock(
        client: ClaimClient, batch: Batch, settings: Settings, status: dict[str, Any], by: str, args: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        devices = []
        rows: dict[str, dict[str, Any]] = {}
        for phone in batch.phones:
            if not phone.once:
                rows[phone.mac] = {"state": "off", "changed": False, "failed": True, "msg": phone.why_not}
                continue
            known = status["devices"].get(phone.mac)
            if not known:
                devices.append(terms(phone, settings, status["epoch"], 1, by, args["reason"]))
                continue
            generation = known["claim_generation"]
            device = terms(phone, settings, status["epoch"], generation, by, args["reason"])
            same = known["state"] == "armed" and known["token_sha256"] == device["token_sha256"]
            if same and not _other_terms(known, device):
                rows[phone.mac] = {"state": "armed", "changed": False, "msg": "is armed already"}
            elif same or known["state"] == "unlocked":
                devices.append(device)
            else:
                devices.append(terms(phone, settings, status["epoch"], generation + 1, by, args["reason"]))
        if devices and status["new"]:
            rows.update(_would_be_armed(devices))
        elif devices:
            rows.update(client.unlock(devices, args["force"])["devices"])
        return rows

    @staticmethod
    def _window(client: ClaimClient, batch: Batch, args: dict[str, Any], status: dict[str, Any], by: str) -> dict[str, dict[str, Any]]:
        """Open or close the time in which phones may ask for a stub on their LAN. Opened for phones that are armed; the others are told."""
        if args["state"] == "closed":
            macs = [phone.mac for phone in batch.phones if phone.mac in status["devices"]]
            return client.close("close_window", macs, by)["devices"] if macs else {}
        if not 1 <= args["minutes"] <= MAX_OPEN // 60:
            raise AnsibleActionFail(f"minutes: {args['minutes']} is not between 1 and {MAX_OPEN // 60}")
        rows: dict[str, dict[str, Any]] = {}
        armed = []
        for phone in batch.phones:
            state = (status["devices"].get(phone.mac) or {}).get("state") or ""
            if not phone.once:
                rows[phone.mac] = {"state": "off", "changed": False, "msg": phone.why_not}
            elif not phone.bootstrap:
                rows[phone.mac] = {"state": state, "changed": False, "msg": "phone_bootstrap is not on: it gets no stub on its LAN"}
            elif state != "armed":
                rows[phone.mac] = {
                    "state": state,
                    "changed": False,
                    "msg": f"is {state or 'not known'}, and only an armed phone gets a stub",
                }
            else:
                armed.append(phone.mac)
        if not armed:
            told = "; ".join(f"{batch.group[mac]}: {row['msg']}" for mac, row in list(rows.items())[:20])
            raise AnsibleActionFail(f"no phone of this play can be given a stub on its LAN: {told or 'there is none'}")
        rows.update(client.open_window(armed, args["minutes"] * 60, by)["devices"])
        return rows

    @staticmethod
    def _close(client: ClaimClient, batch: Batch, state: str, status: dict[str, Any], by: str) -> dict[str, dict[str, Any]]:
        macs = [phone.mac for phone in batch.phones if phone.mac in status["devices"]]
        rows = client.close({"locked": "lock", "spent": "spend"}[state], macs, by)["devices"] if macs else {}
        for phone in batch.phones:
            if phone.mac not in rows:
                # Nothing is open, but the next run would arm it: whoever locks a phone has to know.
                msg = "never had a one-time URL; phone_onboarding: 'off' keeps it from getting one"
                rows[phone.mac] = {"state": "", "changed": False, "failed": state == "locked" and phone.once, "msg": msg}
        return rows


def _other_terms(known: dict[str, Any], device: dict[str, Any]) -> bool:
    """Tell whether a claim that is armed has another window, or asks for a PIN where it should not, or the other way round."""
    return known["window"] != device["window"] or bool(known.get("pin")) != bool(device["pin_sha256"])


def _would_be_armed(devices: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {device["mac"]: {"state": "armed", "changed": True, "msg": "would be armed"} for device in devices}


def summary(rows: dict[str, dict[str, Any]], batch: Batch, state: str) -> dict[str, Any]:
    """Return the result of a verb: counts, and a row for each phone where something happened or remains to be done."""
    hosts = batch.group
    counts: dict[str, int] = {}
    for row in rows.values():
        counts[row["state"] or "unknown"] = counts.get(row["state"] or "unknown", 0) + 1
    told = [
        {
            "host": hosts.get(mac, ""),
            "mac": format_mac(mac, "lower", "colon"),
            "state": row["state"],
            "changed": row["changed"],
            "msg": row.get("msg", ""),
        }
        for mac, row in sorted(rows.items())
        if row["changed"] or row.get("msg")
    ]
    failed = [mac for mac, row in rows.items() if row.get("failed")]
    result: dict[str, Any] = {"changed": any(row["changed"] for row in rows.values()), "counts": counts, "phones": told}
    result["refused"] = sorted(hosts.get(mac, mac) for mac in failed)
    if failed:
        what = "; ".join(f"{hosts.get(mac, mac)}: {rows[mac].get('msg', '')}" for mac in failed[:20])
        more = f"; and {len(failed) - 20} more" if len(failed) > 20 else ""
        result.update(failed=True, msg=f"{len(failed)} phone{'s' if len(failed) > 1 else ''} can't be {state}: {what}{more}")
    elif state == "unlocked":
        result["msg"] = _AFTER_SUSPICION
    return result
