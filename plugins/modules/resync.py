#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resync
short_description: Make phones fetch their configuration now
version_added: "1.0.0"
description:
  - Sends every phone of the play a SIP C(NOTIFY) with its vendor's event, which makes it fetch its files, or restart. One task for all phones, in waves
    and at a rate that you choose.
  - Sends to the phones directly, and answers their challenge with the password of their first line, or has their PBX or SIP proxy send it, which knows
    where they are.
  - Runs on the host that the task is for or delegated to, so it can stand where the phones or the PBX can be reached.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  hosts:
    description: Inventory names of the phones to notify; by default all phones of the play.
    type: list
    elements: str
  reboot:
    description: Have phones restart, which makes them fetch everything, instead of only looking for what is new.
    type: bool
    default: false
  event:
    description: The C(Event) header to send instead of the one that the vendor's pack knows.
    type: str
    default: ""
  via:
    description:
      - Send to phones directly, through FreeSWITCH's event socket, or through Asterisk's manager interface (phones of C(chan_pjsip)).
      - Or with V(proxy) to the SIP proxy that phones are registered with, such as Kamailio. It finds a phone by the user and the server
        of its first line, and hands back what the phone answers.
    type: str
    choices: [direct, freeswitch, asterisk, proxy]
    default: direct
  addresses:
    description:
      - For V(direct), where phones are, by inventory name. An address or name, with an optional port. Phones that are not listed are at their
        C(ansible_host).
    type: dict
    default: {}
  transport:
    description: For V(direct), the transport to phones; V(line) takes that of their first line. For V(proxy), that to the proxy.
    type: str
    choices: [udp, tcp, tls, line]
    default: udp
  source_address:
    description: For V(direct) and V(proxy), the local address to send from.
    type: str
    default: ""
  source_port:
    description: For V(direct) and V(proxy) over UDP, the local port to send from; 0 takes any.
    type: int
    default: 0
  validate_certs:
    description: For V(direct) and V(proxy) over TLS, whether the certificate of the phone or the proxy is checked.
    type: bool
    default: true
  ca_path:
    description:
      - For V(direct) and V(proxy) over TLS, file of the CA certificates that signed the certificates of phones or of the proxy, on the host that sends; the
        system's by default.
    type: path
  pbx_host:
    description: Address of the PBX or proxy, as seen from the host that sends.
    type: str
    default: 127.0.0.1
  pbx_port:
    description: Port of the event socket (8021 by default), of the manager interface (5038 by default), or of the proxy (5060 by default, 5061 for TLS).
    type: int
  pbx_user:
    description:
      - User of the manager interface. For the event socket empty, or a C(user@domain) of its directory. For a proxy that asks who we are (407); where
        empty, each phone's first line answers for itself.
    type: str
    default: ""
  pbx_password:
    description: Password of the event socket, of the manager interface, or of the proxy's user.
    type: str
    default: ""
  rate:
    description: Phones notified per second.
    type: float
    default: 10
  concurrency:
    description: Phones waited for at once; a PBX is asked one after the other.
    type: int
    default: 50
  wave_size:
    description: Phones of a wave; 0 makes one wave of all.
    type: int
    default: 0
  wave_pause:
    description: Seconds between the end of a wave and the next.
    type: float
    default: 60
  hours:
    description:
      - When phones may be notified, such as V(20:00-06:00), in each phone's own C(phone_timezone); empty is always. A phone outside its hours is not
        notified and reported as C(postponed). The task does not wait.
    type: str
    default: ""
  timeout:
    description: Seconds to wait for the answer of a phone or of the PBX.
    type: float
    default: 8
  strict:
    description: Fail when a phone could not be notified. By default it is reported, and the task goes on.
    type: bool
    default: false
  plan:
    description: File on the host that sends, with whom to notify. Made by the action plugin from the inventory; not to be given by hand.
    type: path
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
attributes:
  check_mode:
    support: full
    details: Sends nothing, and asks the PBX nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Every run notifies.
notes:
  - A PBX does not tell what phones answer, so they end as C(sent). A proxy does.
"""

EXAMPLES = r"""
- name: Make the phones of the play fetch their files, in waves of 200
  dialtone.phones.resync:
    rate: 20
    wave_size: 200
  run_once: true
  delegate_to: host-in-the-phone-network

- name: Restart phones at night, through FreeSWITCH
  dialtone.phones.resync:
    reboot: true
    via: freeswitch
    pbx_password: "{{ vault_event_socket_password }}"
    hours: 22:00-05:00
  run_once: true
  delegate_to: pbx1

- name: Notify phones through the Kamailio that they are registered with
  dialtone.phones.resync:
    via: proxy
    pbx_host: sip.example.com
    transport: tls
  run_once: true
"""

RETURN = r"""
counts:
  description:
    - Number of phones by state. C(accepted) by the phone, C(sent) by the PBX, C(refused) by either, C(unreachable) phones that did not answer or are
      not registered, C(postponed) to their hours, C(skipped) because there is no way to tell them, C(planned) in check mode.
  type: dict
  returned: always
  sample: {accepted: 118, unreachable: 2}
phones:
  description: By inventory name, the C(state), the last SIP C(status) (0 where none came), and in C(msg) what went wrong.
  type: dict
  returned: always
not_notified:
  description: One sentence for every phone that should have been notified and was not.
  type: list
  elements: str
  returned: always
"""

import asyncio
import json
import os
import ssl
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils.paced import Pace, paced
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import PBXES, PORTS, PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.module_utils.sip_client import SipClient, trusted
from ansible_collections.dialtone.phones.plugins.module_utils.sip_proxy import ProxyClient

Report = t.Dict[str, t.Dict[str, t.Any]]


class ResyncError(Exception):
    """Nobody can be notified; the message is one sentence."""


def trust(params: t.Mapping[str, t.Any]) -> ssl.SSLContext:
    """Return how phones' certificates are checked.

    :raises ResyncError: the CA file can't be read.
    """
    try:
        context = trusted(params["ca_path"])
    except (OSError, ssl.SSLError) as exc:
        raise ResyncError("ca_path: {} can't be read as certificates ({})".format(params["ca_path"], type(exc).__name__)) from None
    if not params["validate_certs"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def notify_all(targets: t.Sequence[Target], params: t.Mapping[str, t.Any], report: Report) -> None:
    """Notify all phones, and write what became of each into the report as it happens.

    :raises PbxError: the PBX can't be used, or went away.
    :raises ResyncError: an option is wrong.
    """
    source = (params["source_address"], params["source_port"])
    if params["via"] == "direct":
        client: t.Any = SipClient(params["timeout"], source, trust(params))
    elif params["via"] == "proxy":
        client = ProxyClient(targets[0], params["timeout"], source, trust(params), (params["pbx_user"], params["pbx_password"]))
    else:
        port = params["pbx_port"] or PORTS[params["via"]]
        client = PBXES[params["via"]](params["pbx_host"], port, params["pbx_user"], params["pbx_password"], params["timeout"])

    async def one(target: Target) -> None:
        outcome = await client.notify(target)
        report[target.host] = {"state": outcome.state, "status": outcome.status, "msg": outcome.msg}

    try:
        if params["via"] != "direct":
            await client.open()
        concurrency = params["concurrency"] if params["via"] in ("direct", "proxy") else 1
        await paced(targets, one, Pace(params["rate"], concurrency, params["wave_size"], params["wave_pause"]))
    finally:
        client.close()


def read_plan(path: str) -> t.List[Target]:
    """Return whom to notify, and remove the file: it holds passwords.

    :raises ResyncError: it can't be read.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            rows = json.load(stream)
        os.unlink(path)
        return [Target(**row) for row in rows]
    except (OSError, ValueError, TypeError) as exc:
        raise ResyncError(f"plan: can't be read ({type(exc).__name__})") from None


ARGUMENT_SPEC: t.Dict[str, t.Dict[str, t.Any]] = {
    "hosts": {"type": "list", "elements": "str"},
    "reboot": {"type": "bool", "default": False},
    "event": {"type": "str", "default": ""},
    "via": {"type": "str", "choices": ["direct", "freeswitch", "asterisk", "proxy"], "default": "direct"},
    "addresses": {"type": "dict", "default": {}},
    "transport": {"type": "str", "choices": ["udp", "tcp", "tls", "line"], "default": "udp"},
    "source_address": {"type": "str", "default": ""},
    "source_port": {"type": "int", "default": 0},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "pbx_host": {"type": "str", "default": "127.0.0.1"},
    "pbx_port": {"type": "int"},
    "pbx_user": {"type": "str", "default": ""},
    "pbx_password": {"type": "str", "default": "", "no_log": True},
    "rate": {"type": "float", "default": 10.0},
    "concurrency": {"type": "int", "default": 50},
    "wave_size": {"type": "int", "default": 0},
    "wave_pause": {"type": "float", "default": 60.0},
    "hours": {"type": "str", "default": ""},
    "timeout": {"type": "float", "default": 8.0},
    "strict": {"type": "bool", "default": False},
    "plan": {"type": "path"},
}


def main() -> t.NoReturn:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    if not params["plan"]:
        module.fail_json(msg="resync runs through its action plugin, which makes the plan from the inventory")
    report: Report = {}
    try:
        asyncio.run(notify_all(read_plan(params["plan"]), params, report))
    except (PbxError, ResyncError) as exc:
        module.fail_json(msg=str(exc), report=report)
    module.exit_json(changed=bool(report), report=report)


if __name__ == "__main__":
    main()
