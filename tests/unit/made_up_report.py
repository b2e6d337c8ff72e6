# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of made-up fleets of any size, with everything in them that a real one has, and names that break careless pages."""

from __future__ import annotations

import random
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import Server, Terms, document
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.fleet import Listed, ListedPhone

NOW = 1_795_375_000.0
DAY = 86400
UNLOCK = ("ansible-playbook", "-i", "inventory", "dialtone.phones.unlock")
HOSTILE = [
    '</script><script>document.title="owned"</script>',
    '"><img src=x onerror="document.title=1">',
    "evil\u202etxt.exe\u200b",
    "a'; rm -rf / #",
    "%%DATA%%",
]
_KINDS = [("yealink", ("T54W", "T46U", "T31P"), "805ec0"), ("snom", ("D785", "D735"), "000413"), ("polycom", ("VVX411",), "64167f")]
_SITES = ("Berlin", "Brno", "Dublin", "Gent", "Lyon", "Oslo", "Paris", "Porto", "Turku", "Wien")


def made_up(count: int, hostile: bool = False) -> dict[str, Any]:
    """Return the document of a fleet; the same for the same count."""
    draw = random.Random(count)
    phones, served, devices, contacts, troubles = [], {}, {}, {}, []
    for number in range(count):
        vendor, models, prefix = draw.choices(_KINDS, [6, 2, 1])[0]
        site = draw.choice(_SITES)
        host, mac, model = f"{site.lower()}-{1000 + number}", f"{prefix}{number:06x}", draw.choice(models)
        if hostile and number < len(HOSTILE):
            host = site = model = HOSTILE[number]
        phones.append(ListedPhone(host, mac, vendor, model, site, "", draw.random() > 0.01, True, "rps"))
        since = NOW - 20 * DAY
        served[mac] = {"host": host, "vendor": vendor, "site": site, "scope": "all", "prints": ["now"], "since": since, "home": "h"}
        state = (
            draw.choices(("spent", "claimed", "armed", "locked"), (93, 1, 5, 1))[0]
            if number > 5
            else ("spent", "locked", "armed")[number % 3]
        )
        claimed = NOW - draw.random() * 18 * DAY if state in ("spent", "claimed") else None
        devices[mac] = {
            "state": state,
            "claim_generation": 1,
            "armed_at": since,
            "claimed_at": claimed,
            "claim_ip": "192.0.2.7" if claimed else "",
            "ended_at": claimed and claimed + 90,
            "ended_by": "contact at home" if claimed else "",
            "scope": "all",
            "registrations": {
                "rps": {"state": draw.choices(("registered", "failed"), (98, 2))[0], "generation": 1, "at": since, "msg": ""}
            },
        }
        if claimed and draw.random() < 0.985:
            at = max(NOW - draw.expovariate(0.9) * DAY, claimed + 60) if draw.random() < 0.97 else NOW - 16 * DAY
            agent = f"{vendor.title()} {model} 96.86.0.45 {mac}"
            contacts[mac] = {
                "at": at,
                "ip": f"10.0.{number % 250}.{number % 240}",
                "ua": agent,
                "print": "now" if draw.random() < 0.94 else "old",
                "home": "h",
            }
        if draw.random() < 0.01:
            kind = draw.choice(("login", "barred", "limited", "lost"))
            troubles.append(
                {
                    "mac": mac,
                    "kind": kind,
                    "first_at": NOW - DAY,
                    "last_at": NOW - 60,
                    "requests": 9,
                    "ip": "198.51.100.7",
                    "ua": "",
                    "detail": "401",
                }
            )
    strangers = [
        {"mac": f"805ec1{number:06x}", "first_at": NOW - 3 * DAY, "last_at": NOW - 3000 * number, "requests": number + 1, "ip": f"203.0.113.{number}",
         "ua": "Yealink SIP-T46U 108.86.0.20", "source": "path"} for number in range(12)
    ]  # fmt: skip
    activity = {
        str(int(NOW // DAY) - day): {"claimed": draw.randrange(count // 20 + 4), "refused": draw.randrange(count // 80 + 3), "spent": 1}
        for day in range(18)
    }
    state = {
        "release": {"id": "20261122T180457Z-1ce0", "created": "2026-11-22T18:04:57Z", "phones": count},
        "served": {**served, "805ec2000001": {"host": "gone", "vendor": "yealink", "site": "", "scope": "all", "prints": [], "since": NOW, "home": ""}},
        "store": {
            "now": NOW, "closed": False, "devices": devices, "contacts": contacts, "strangers": strangers, "troubles": troubles, "requests": 4312, "dropped": 3,
            "refused": {"spent": 231, "address": 12}, "activity": activity,
        },
        "certificates": [
            {"file": "/etc/dialtone/tls/server.crt", "use": "server", "subject": "CN=prov.example.com", "not_after": NOW + 24 * DAY, "msg": ""},
            {"file": "/etc/dialtone/tls/ca.crt", "use": "authority", "subject": "CN=Example CA", "not_after": NOW + 3000 * DAY, "msg": ""},
        ],
    }  # fmt: skip
    listed = Listed(
        phones, {phone.mac: phone.host for phone in phones}, True, "all", Packs([]), ["broken: phone_mac: '' is no MAC"] if hostile else []
    )
    return document(listed, [Server("prov1", state)], Terms("Phones of Example Ltd.", 14, UNLOCK), NOW)
