#!/usr/bin/env bash
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Publishes to two folders that stand for servers, as an operator would: from the command line, with its options.
set -eu -o pipefail
cd "$(dirname "$0")"
OUTPUT=$(mktemp -d)
export OUTPUT ANSIBLE_NOCOLOR=1
trap 'rm -rf "$OUTPUT"' EXIT

publish() { ansible-playbook -i inventory publish.yml "$@" >"$OUTPUT/log" 2>&1 || { echo "failed: $*" >>"$OUTPUT/log"; return 1; }; }
fail() { echo "publish: $*" >&2; cat "$OUTPUT/log" >&2; exit 1; }
log_has() { tr -s ' \n' ' ' <"$OUTPUT/log" | grep -qF -- "$1" || fail "the log lacks: $1"; }
log_lacks() { ! grep -qF -- "$1" "$OUTPUT/log" || fail "the log holds: $1"; }
tree() { find "$OUTPUT/prov1" "$OUTPUT/prov2" -printf '%p %i %T@\n' | sort | sha256sum; }
file() { echo "$OUTPUT/$1/current/phones/$2"; }

# Check mode before anything is there.
publish --check --diff -vvv
[ ! -e "$OUTPUT/prov1" ] || fail "check mode wrote to the server"
log_has "+account.1.display_name = Empfang"
log_lacks "Vq7-publish"

# Publishing, to both servers from one rendering.
publish -v -e phone_configs_plan_path="$OUTPUT/plan"
cmp "$(file prov1 805ec0000001/805ec0000001.cfg)" "$(file prov2 805ec0000001/805ec0000001.cfg)" || fail "the servers differ"
grep -q "Vq7-publish-one" "$(file prov1 805ec0000001/805ec0000001.cfg)" || fail "no password where one belongs"
grep -q Werkstatt "$(file prov1 805ec0000001/phonebook-company.xml)" || fail "the book lacks a phone"
! grep -q "Vq7-publish" "$OUTPUT/plan.json" "$OUTPUT/plan.md" || fail "the plan holds a password"
[ "$(stat -c %a "$(file prov1 805ec0000001/805ec0000001.cfg)")" = 640 ] || fail "the file's mode is wrong"

# Again: nothing.
before=$(tree)
publish -v
log_has "changed=0"
[ "$before" = "$(tree)" ] || fail "an unchanged run wrote something"

# One phone, by limit; the others stay.
publish -v --limit kitchen -e '{"phone_language": "de"}'
log_has '"changed_hosts": ["kitchen"]'
grep -q Empfang "$(file prov2 805ec0000001/805ec0000001.cfg)" || fail "a phone outside the limit was touched"

# Back, and the inventory's way again.
first=$(find "$OUTPUT/prov1/releases" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | head -n 1)
roll=(-i inventory dialtone.phones.rollback -e '{"phone_configs_become": false}')
ansible-playbook "${roll[@]}" -e rollback_release=none >"$OUTPUT/log" 2>&1 && fail "an unknown release was accepted"
log_has "release none is not kept on prov1; kept there: "
ansible-playbook "${roll[@]}" -e rollback_release="$first" >"$OUTPUT/log" 2>&1 || fail "rolling back"
log_has "prov2: 1 phones have the files of release $first again"

# Local files: each once on a server however many phones have it, told by name, size and digest, and only who uses one is touched.
mkdir -p "$OUTPUT/files"
head -c 3000000 /dev/urandom >"$OUTPUT/files/T54W.rom"
{ printf '\211PNG\r\n\032\n'; head -c 5000 /dev/urandom; } >"$OUTPUT/files/logo.png"
assets=(-e phone_configs_asset_path="$OUTPUT/files" -e '{"phone_wallpaper": "logo.png"}'
  -e '{"phone_firmwares": [{"models": ["T54W", "T46U"], "file": "T54W.rom"}]}')
publish -v
publish --check --diff "${assets[@]}"
log_has "+(3,000,000 bytes, SHA-256 $(sha256sum <"$OUTPUT/files/T54W.rom" | cut -d' ' -f1))"
publish -v "${assets[@]}"
rom=t54w-$(sha256sum <"$OUTPUT/files/T54W.rom" | cut -c1-16).rom
cmp "$OUTPUT/files/T54W.rom" "$(file prov1 "805ec0000001/$rom")" || fail "the firmware differs"
[ "$(stat -c %i "$(file prov1 "805ec0000001/$rom")")" = "$(stat -c %i "$(file prov1 "805ec0000003/$rom")")" ] || fail "a firmware lies there twice"
[ "$(stat -c %a "$(file prov1 "805ec0000001/$rom")")" = 640 ] || fail "the firmware's mode is wrong"
[ ! -e "$(file prov1 "805ec0000002/$rom")" ] || fail "a phone of another model has the firmware"
was=$(stat -c '%i %Y' "$(file prov1 "805ec0000001/$rom")")
publish -v "${assets[@]}"
log_has "changed=0"
head -c 3000000 /dev/urandom >"$OUTPUT/files/next.rom"
publish -v "${assets[@]}" -e '{"phone_firmwares": [{"models": ["T54W", "T46U"], "file": "T54W.rom"}, {"models": ["T54W"], "ring": "stable", "file": "next.rom"}]}'
log_has '"changed_hosts": ["reception"]'
[ "$was" = "$(stat -c '%i %Y' "$(file prov1 "805ec0000003/$rom")")" ] || fail "the time or the inode of an unchanged firmware changed"
publish "${assets[@]}" -e '{"phone_wallpaper": {"file": "logo.png", "sha256": "'"$(printf '0%.0s' {1..64})"'"}}' && fail "a wrong checksum was accepted"
log_has "phone_wallpaper: 'logo.png' has SHA-256"
before=$(tree)
publish -e phone_configs_asset_path="$OUTPUT/files" -e '{"phone_wallpaper": "/etc/passwd"}' && fail "a file from anywhere was published"
log_has "lies outside of"
[ "$before" = "$(tree)" ] || fail "a refused run wrote something"
ansible-playbook "${roll[@]}" >"$OUTPUT/log" 2>&1 || fail "rolling back the firmware"
cmp "$OUTPUT/files/T54W.rom" "$(file prov1 "805ec0000001/$rom")" || fail "the firmware did not come back"
for language in pl nl da; do publish -e "phone_language=$language"; done
[ -z "$(find "$OUTPUT/prov1" -name '*.rom' -print -quit)" ] || fail "unused firmware stayed on the disk"

# Hand edits.
publish -v
echo edited >>"$(file prov1 805ec0000003/805ec0000003.cfg)"
publish -v -e phone_configs_verify=true
log_has '"changed_hosts": ["workshop"]'
! grep -q edited "$(file prov1 805ec0000003/805ec0000003.cfg)" || fail "an edited file stayed"

# Scopes: this inventory under another name may not take the phones.
publish -e phone_configs_scope=other && fail "another scope's phones were taken"
log_has "published there by scope 'all' as host 'reception'"

# Refusals leave what is published.
before=$(tree)
publish -e '{"phone_lines": [{"number": "1", "password": "1234"}]}' && fail "weak passwords were accepted"
publish -e provisioning_secret=short && fail "a short secret was accepted"
log_has "provisioning_secret: carries at most"
cp -R inventory "$OUTPUT/no-servers"
sed -i 's/provisioning_servers:/other_servers:/' "$OUTPUT/no-servers/hosts.yml"
ansible-playbook -i "$OUTPUT/no-servers" publish.yml >"$OUTPUT/log" 2>&1 && fail "an inventory without servers was accepted"
log_has "the inventory has no host in the group provisioning_servers"
sed 's/gather_facts: false/&\n  strategy: free/' publish.yml >"$OUTPUT/free.yml"
ansible-playbook -i inventory "$OUTPUT/free.yml" >"$OUTPUT/log" 2>&1 && fail "strategy free was accepted"
log_has "strategy free ignores run_once"
[ "$before" = "$(tree)" ] || fail "a refused run wrote something"

echo "publish: all as wanted"
