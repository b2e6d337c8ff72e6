#!/usr/bin/env bash
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Fetches the screens of simulated phones as an operator would: with the playbook.
set -eu -o pipefail
cd "$(dirname "$0")"
OUTPUT=${CAPTURE_OUTPUT:-$(mktemp -d)}
export ANSIBLE_NOCOLOR=1
coproc WORLD { exec python world.py "$OUTPUT"; }
trap 'kill "$WORLD_PID" 2>/dev/null || true; [ -n "${CAPTURE_OUTPUT:-}" ] || rm -rf "$OUTPUT"' EXIT
read -r _ <&"${WORLD[0]}"

capture() { ansible-playbook -i "$OUTPUT/hosts.json" dialtone.phones.capture -e capture_dest="$OUTPUT/screens" "$@" >"$OUTPUT/log" 2>&1; }
fail() { echo "screen_capture: $*" >&2; cat "$OUTPUT/log" >&2; exit 1; }
log_has() { tr -s ' \n' ' ' <"$OUTPUT/log" | grep -qF -- "$1" || fail "the log lacks: $1"; }

capture --check -v || fail "check mode"
[ ! -e "$OUTPUT/screens" ] || fail "check mode wrote something"
log_has '"planned": 5'

capture -vvv || fail "capturing"
log_has "{'captured': 3, 'failed': 2, 'unknown': 1}"
log_has "workshop: refuses (403); put this controller's address into phone_action_uri_networks"
log_has "lobby: its answer is no picture (PNG, BMP and JPEG are known) (text/html)"
log_has "hall: how the screen of grandstream gxp2170 is fetched is not known"
! grep -qF "Web-pass-7" "$OUTPUT/log" "$OUTPUT/screens/index.html" || fail "a password is told"
[ "$(stat -c %a "$OUTPUT/screens")$(stat -c %a "$OUTPUT/screens/index.html")" = 700600 ] || fail "others may read the screens"
[ "$(head -c 8 "$OUTPUT/screens/reception.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "no PNG"

capture --limit workshop || fail "one phone that refuses"
log_has "{'failed': 1}"
echo "screen_capture: all as wanted"
