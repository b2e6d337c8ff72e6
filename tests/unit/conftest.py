# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the collection's plugins loadable by name in unit tests, as ansible-playbook does at start."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

try:
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig
except ImportError:
    # With a Python that only servers have, ansible-test shows no more of Ansible than modules see there.
    AnsibleCollectionConfig = None

# The same examples in every run, so that a red run is the change's fault; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("explore", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

if AnsibleCollectionConfig is not None and AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()

# Not before the loader is there.
from ansible_collections.dialtone.phones.tests.unit.collections_root import COLLECTIONS_ROOT

# Programs that tests start are those beside this Python, where there are any, and find this collection.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
os.environ["ANSIBLE_COLLECTIONS_PATH"] = COLLECTIONS_ROOT
# ansible-test makes an error of it, users have a warning.
os.environ["ANSIBLE_HOST_PATTERN_MISMATCH"] = "warning"
