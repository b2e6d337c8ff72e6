#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Act as a phone that starts, from outside
version_added: "1.0.0"
description:
  - Fetches what a phone of the given vendor and model fetches when it starts, in its order, with its User-Agent, tolerating what it tolerates, answers
    the server's authentication, follows the URL that the files hand over, and fetches its phonebooks there. Tells every request and a verdict.
  - Local files that the configuration names, such as firmware and wallpapers, are fetched too and held against the SHA-256 in their names.
  - Runs on the host that the task is for or delegated to, so it can stand where a phone stands.
  - It spends one-time URLs and counts as contact, as a phone does. So it refuses a MAC address of the inventory unless that phone is in the group
    C(probe_phones), or O(force) is set; then it only asks with C(HEAD), which neither claims nor counts.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  vendor:
    description: Vendor, the name of its pack.
    type: str
    required: true
  model:
    description: Model, as in C(phone_model).
    type: str
    required: true
  mac:
    description: MAC address of the phone.
    type: str
    required: true
  url:
    description:
      - URL the phone starts at, its one-time URL or its own. One of this and O(redirect_url) is needed.
    type: str
  redirect_url:
    description:
      - Address of the redirect service, which is asked for V(/phone/<mac>) and answers with a C(Location). The vendors' own protocols for this are not
        public; this is what simulated services answer.
    type: str
  username:
    description: User that a person would type when the phone asks.
    type: str
    default: ""
  password:
    description: Password that a person would type when the phone asks.
    type: str
    default: ""
  firmware:
    description: Firmware version for the User-Agent.
    type: str
    default: "1.0.0.0"
  serial:
    description: Serial number for the User-Agent of vendors that send it.
    type: str
    default: ""
  expect:
    description: The verdict wanted; any other fails the task.
    type: str
    choices: [provisioned, refused, any]
    default: provisioned
  force:
    description: Ask for a phone in use, with C(HEAD) only.
    type: bool
    default: false
  as_observer:
    description:
      - Start at the phone's own URL, as the phone does, but tell the gate that it is none, so that it does not count as contact, and store nothing. So it can
        be done with phones in use.
      - A one-time URL is refused, since fetching from it spends it.
    type: bool
    default: false
  patience:
    description: Seconds for which to start again, as long as the verdict is another than O(expect).
    type: float
    default: 0
  validate_certs:
    description: Whether the phone checks the server's certificate.
    type: bool
    default: true
  ca_path:
    description: File of CA certificates the phone trusts, on the host that asks; the system's by default.
    type: path
  timeout:
    description: Seconds for one request.
    type: float
    default: 10
  plan:
    description: What the vendor's phones ask for. Made by the action plugin from the vendor's pack; not to be given by hand.
    type: dict
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
attributes:
  check_mode:
    support: full
    details: Asks with C(HEAD) only, which neither claims nor counts.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: A one-time URL serves once.
"""

EXAMPLES = r"""
- name: Boot a probe phone against its own URL
  dialtone.phones.probe:
    vendor: yealink
    model: T54W
    mac: "02:00:00:00:00:01"
    url: "{{ probe_url }}"
  delegate_to: host-in-the-phone-network
"""

RETURN = r"""
verdict:
  description: >-
    V(provisioned), V(refused), V(unreachable), V(not registered), V(not handed over), V(home refused), or V(reachable) where only C(HEAD) was asked.
  type: str
  returned: always
requests:
  description: Every request, with its phase (redirect, start, home, asset, upload, phonebook), method, URL without token, status and size.
  type: list
  elements: dict
  returned: always
books:
  description: Files of phonebooks that the phone fetched at its own URL, their pages included, each with C(file) and the number of C(entries) in it.
  type: list
  elements: dict
  returned: always
problems:
  description: What was not as the vendor's phones want it.
  type: list
  elements: str
  returned: always
"""

import ssl
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils.boot import Boot, Client, Plan


def tls_context(validate: bool, ca_path: str | None) -> ssl.SSLContext:
    """Return the phone's idea of trust."""
    context = ssl.create_default_context(cafile=ca_path)
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def start(plan: Plan, client: Client, params: dict[str, t.Any]) -> tuple[Boot, str]:
    """Start the phone once, and return what it did and the verdict."""
    boot = Boot(plan, client)
    url = params["url"]
    if params["redirect_url"]:
        url = boot.ask_redirect(params["redirect_url"].rstrip("/") + "/phone/" + plan.mac)
    verdict = boot.run(url, (params["username"], params["password"])) if url else "not registered"
    if not url and all(row["status"] == 0 for row in boot.requests):
        verdict = "unreachable"
    return boot, verdict


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "vendor": {"type": "str", "required": True},
            "model": {"type": "str", "required": True},
            "mac": {"type": "str", "required": True},
            "url": {"type": "str", "no_log": True},
            "redirect_url": {"type": "str"},
            "username": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
            "firmware": {"type": "str", "default": "1.0.0.0"},
            "serial": {"type": "str", "default": ""},
            "expect": {"type": "str", "choices": ["provisioned", "refused", "any"], "default": "provisioned"},
            "force": {"type": "bool", "default": False},
            "as_observer": {"type": "bool", "default": False},
            "patience": {"type": "float", "default": 0.0},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "timeout": {"type": "float", "default": 10.0},
            "plan": {"type": "dict"},
        },
        required_one_of=[("url", "redirect_url")],
        mutually_exclusive=[("url", "redirect_url")],
        supports_check_mode=True,
    )
    params = module.params
    if not params["plan"]:
        module.fail_json(msg="probe runs through its action plugin, which makes the plan from the vendor's pack")
    if params["as_observer"] and (params["redirect_url"] or "/c/" in (params["url"] or "")):
        module.fail_json(msg="as_observer: is for a phone's own URL; a one-time URL is spent by whoever fetches from it")
    plan = Plan(**{**params["plan"], "head_only": module.check_mode or params["force"], "observer": params["as_observer"]})
    try:
        context = tls_context(params["validate_certs"], params["ca_path"])
    except (OSError, ssl.SSLError) as exc:
        module.fail_json(msg="ca_path: {} can't be read as certificates ({})".format(params["ca_path"], type(exc).__name__))
    client = Client(plan.user_agent, params["timeout"], context, plan.observer)
    wanted = params["expect"]
    end = time.monotonic() + params["patience"]
    boot, verdict = start(plan, client, params)
    while wanted != "any" and verdict != wanted and time.monotonic() < end:
        time.sleep(0.5)
        boot, verdict = start(plan, client, params)
    result = {"changed": False, "verdict": verdict, "requests": boot.requests, "books": boot.books, "problems": boot.problems}
    if wanted != "any" and verdict != wanted and not (plan.head_only and verdict == "reachable"):
        last = boot.requests[-1] if boot.requests else {}
        module.fail_json(
            msg="{} {} {}: the verdict is {}, wanted {} (last request: {} answered {})".format(
                params["vendor"], params["model"], params["mac"], verdict, wanted, last.get("url", "none"), last.get("status", 0)
            ),
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
