# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes between the run and a service: capabilities, devices, what the service holds, and outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

OURS = "ours"
FOREIGN = "foreign"
ABSENT = "absent"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Capabilities:
    """What a service can do; the run asks these flags instead of knowing services by name.

    * per_device_url: ``native``, ``server_object`` (one server entry per phone) or ``none`` (reached by device configuration).
    * needs_serial: ``no``, ``optional`` (adding without one must be enabled by the vendor) or ``yes``.
    * can_see_foreign: a lookup tells another account's MAC from a free one.
    * can_read_url: a lookup tells where a MAC points.
    * cheap_lookup: looking up many MACs costs pages, not a call per MAC.
    * has_list: the account's MACs can be listed.
    * has_update: a URL is changed in place.
    * batch: devices per write call; 1 where the service has no batches.
    * remove_batch: devices per removal call.
    * override: another account's MAC may be claimed when the operator names it.
    """

    per_device_url: str = "native"
    needs_serial: str = "no"
    can_see_foreign: bool = False
    can_read_url: bool = False
    cheap_lookup: bool = True
    has_list: bool = True
    has_update: bool = True
    batch: int = 1
    remove_batch: int = 1
    override: bool = False
    experimental: bool = False


@dataclass
class Account:
    """Credentials and manners for one account. Times in seconds.

    retry_wait: first wait before a retry; None is one second, and what the service asks for when it throttles.
    retry_limit: waits since the last good answer never add up to more than this.
    """

    service: str
    api_url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    access_key_id: str = ""
    access_key_secret: str = field(default="", repr=False)
    server_name: str = ""
    validate_certs: bool = True
    ca_path: str = ""
    timeout: float = 30.0
    retries: int = 4
    retry_wait: Optional[float] = None
    retry_limit: float = 300.0
    allow_http: bool = False


@dataclass
class Device:
    """One phone as the operator wants it registered.

    mac: twelve lower-case hex digits. url, username, password: secrets. recorded: what was last written (see docs/redirect.md).
    """

    mac: str
    url: str = field(default="", repr=False)
    serial: str = ""
    mac_id: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    recorded: Mapping[str, Any] = field(default_factory=dict, repr=False)
    account: str = ""
    generation: Optional[int] = None


@dataclass
class Found:
    """What a service holds for one MAC.

    state: ours, foreign, absent or unknown (absent or foreign, the service does not tell).
    url: where it points, None where the service does not tell. username: None where it does not tell. key: the service's own id or spelling.
    raw: the service's own object, for a write that has to keep the rest of it. problem: why this MAC cannot be asked for.
    """

    mac: str
    state: str
    url: Optional[str] = field(default=None, repr=False)
    username: Optional[str] = None
    key: str = ""
    raw: Any = field(default=None, repr=False)
    problem: str = ""


@dataclass
class Outcome:
    """How one write ended.

    kind: ``done``, ``exists``, ``absent``, ``foreign``, ``invalid``, ``failed``, ``lost`` (reply lost: read back) or ``stopped`` (the service
    or the account failed as a whole: nothing further is tried).
    """

    kind: str
    msg: str = ""


DONE = Outcome("done")
