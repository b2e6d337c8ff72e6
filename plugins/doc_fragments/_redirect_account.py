# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: the options of an account at a redirect service.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - requests (on the controller)
options:
  service:
    description:
      - The redirect service. Which credentials it wants is in the table of C(docs/redirect.md).
      - V(grandstream_gdms) is experimental; it enrols a phone and pushes the server path, which arrives only once the phone is online there.
      - Wanted, except where the accounts are those of the inventory.
    type: str
    choices:
      - yealink_ymcs
      - yealink_rps_xml
      - yealink_rps_json
      - snom_sraps
      - snom_xml
      - gigaset_grape
      - gigaset_xml
      - fanvil_fdps
      - htek_rps
      - panasonic_rcs
      - auerswald
      - grandstream_gdms
  api_url:
    description:
      - Address of the service. Without a path, the service's own path is added.
      - Services with regional hosts need it, others have a default.
      - Must be C(https), save for loopback addresses and with O(allow_http=true).
    type: str
  username:
    description: User name of the account, for services with a login.
    type: str
  password:
    description: Password of the account, for services with a login.
    type: str
  access_key_id:
    description: Identifier of the access key, for services with keys.
    type: str
  access_key_secret:
    description: Secret of the access key, for services with keys.
    type: str
  server_name:
    description:
      - Name of the server entry in the account that new devices are put under, for services that have such entries.
      - V(yealink_rps_xml) needs one, takes V(dialtone) by default and adds it when it is missing.
      - V(yealink_ymcs) and V(yealink_rps_json) use none unless one is named, which must exist then.
    type: str
  validate_certs:
    description: Check the TLS certificate of the service.
    type: bool
    default: true
  ca_path:
    description: A file of CA certificates on the controller, to trust instead of the usual ones.
    type: path
  timeout:
    description: Seconds to wait for a connection, and for each piece of an answer.
    type: float
    default: 30
  retries:
    description: How often a call is tried again that did not arrive or may be repeated without harm.
    type: int
    default: 4
  retry_wait:
    description:
      - Seconds before the first retry, doubled each time. One second by default.
      - Where a service throttles and does not say for how long, this is waited too; by default what is known of the service
        (30 seconds at V(yealink_ymcs), 5 elsewhere). C(Retry-After) of the service goes first.
    type: float
  retry_limit:
    description: Seconds that waits without an answer in between may add up to; past them the run ends.
    type: float
    default: 300
  allow_http:
    description: Allow plain C(http) to an address that is not loopback. Credentials and secret URLs then cross the network in clear.
    type: bool
    default: false
"""
