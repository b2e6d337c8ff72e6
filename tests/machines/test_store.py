# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim store's own tests on a real PostgreSQL: what every other run of them skips."""

from __future__ import annotations

import sys

from .machine import Machine
from .servers import DATABASE, TOP, Database


def test_the_claim_store_keeps_its_promises_on_postgresql(_network, tmp_path):
    database = Database(Machine("database", DATABASE, tmp_path))
    try:
        # Its tests empty the schema, which only its owner may.
        database.sql("ALTER SCHEMA public OWNER TO dialtone")
        target = "postgresql://dialtone:only-here@127.0.0.1/dialtone"
        database.machine.sh(f"echo 'host all all 127.0.0.1/32 scram-sha-256' >>{database.folder}/pg_hba.conf")
        database.stop()
        database.start()
        command = ["env", "-C", str(TOP), f"DIALTONE_TEST_POSTGRESQL={target}", sys.executable, "-m", "pytest", "-q", "-rs"]
        done = database.machine.run([*command, "-p", "no:cacheprovider", "tests/unit/plugins/module_utils/claims"], check=False)
    finally:
        database.machine.stop()
    print(done.stdout[-600:])
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-4000:]
    assert "names no database" not in done.stdout
