# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, FleetError, raw_variables, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.role_variables import mistyped, role_variables

SECRET = VaultSecret(b"correct horse")
KEY = b"k" * 32

INVENTORY = {
    "all": {
        "children": {
            "phones": {
                "children": {
                    "site_a": {
                        "hosts": {"p1": {"phone_mac": "001565aabb01", "number": 12}, "p2": {"phone_mac": "001565aabb02", "number": "13"}}
                    },
                    "site_b": {"hosts": {"p3": {"phone_mac": "001565aabb03", "number": 14}}},
                }
            },
            "servers": {"hosts": {"pbx": {"address": "192.0.2.1"}}},
        }
    }
}


class Site:
    """An inventory on disk, read by Ansible itself."""

    def __init__(self, path: Path, inventory: dict, group_vars: dict[str, str]) -> None:
        (path / "group_vars").mkdir(parents=True, exist_ok=True)
        (path / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
        for group, text in group_vars.items():
            (path / "group_vars" / f"{group}.yml").write_text(text, encoding="utf-8")
        loader = DataLoader()
        loader.set_basedir(str(path))
        manager = InventoryManager(loader=loader, sources=[str(path / "hosts.yml")])
        self.hostvars = HostVars(manager, VariableManager(loader=loader, inventory=manager), loader)
        self.groups = manager.get_groups_dict()
        self.templar = Templar(loader=loader, variables={})

    def fleet(self, batch=None, names=None, **task_vars) -> Fleet:
        task_vars = {"groups": self.groups, "hostvars": self.hostvars, **task_vars}
        if batch is not None:
            task_vars["ansible_play_batch"] = batch
        return read_fleet(task_vars, self.templar, names=names)


@pytest.fixture
def site(tmp_path):
    def make(inventory=None, **group_vars) -> Site:
        return Site(tmp_path, INVENTORY if inventory is None else inventory, group_vars)

    return make


def test_the_group_hierarchy_and_its_expressions_are_ansibles(site):
    fleet = site(
        phones="prefix: '49{{ area }}'\nphone_label: '{{ prefix }}-{{ number }}'\nphone_language: en\nphone_n: '{{ number }}'\n_phone_x: 1",
        site_a="area: 30\nphone_language: de",
        site_b="area: 89",
    ).fleet()
    assert fleet.variables("p1") == {"phone_mac": "001565aabb01", "phone_label": "4930-12", "phone_language": "de", "phone_n": 12}
    assert fleet.variables("p3") == {"phone_mac": "001565aabb03", "phone_label": "4989-14", "phone_language": "en", "phone_n": 14}
    assert {type(name) for name in fleet.variables("p1")} == {str}
    assert fleet.problems == []


def test_what_hostvars_groups_and_lookups_say_is_heard(site):
    fleet = site(
        phones="phone_a: \"{{ hostvars['pbx'].address }}\"\nphone_b: \"{{ groups['phones'] | length }}\"\n"
        "phone_c: \"{{ lookup('vars', 'number') }}\"\nphone_d: '{{ inventory_hostname }} {{ group_names | first }}'"
    ).fleet()
    assert {name: value for name, value in fleet.variables("p1").items() if name != "phone_mac"} == {
        "phone_a": "192.0.2.1",
        "phone_b": 3,
        "phone_c": 12,
        "phone_d": "p1 phones",
    }


def test_the_address_of_a_phone_may_come_from_another_host(site):
    fleet = site(
        phones="octet: '{{ number }}'\nansible_host: '192.0.2.{{ octet }}'",
        site_b="ansible_host: \"{{ hostvars['pbx'].address }}\"",
    ).fleet()
    problems = []
    assert fleet.places(["p1", "p3"], problems) == {"p1": "192.0.2.12", "p3": "192.0.2.1"}
    assert problems == []


def test_an_address_without_a_value_is_told_with_its_host_and_where_it_was_written(site, tmp_path):
    fleet = site(site_a="ansible_host: \"{{ hostvars['pxb'].address }}\"").fleet()
    problems = []
    assert fleet.places(fleet.hosts, problems) == {}
    assert [problem.where for problem in problems] == [
        f"{host}: ansible_host ({tmp_path}/group_vars/site_a.yml:1:15)" for host in ("p1", "p2")
    ]
    assert all("pxb" in problem.what for problem in problems)


def test_variables_of_the_roles_are_no_phone_data(site):
    fleet = site(phones="phone_configs_scope: x\nphone_redirect_accounts: {}\nphone_redirect_account: a").fleet()
    assert set(fleet.variables("p1")) == {"phone_mac", "phone_redirect_account"}


def test_only_named_variables_are_read_when_names_are_given(site):
    assert site(phones="phone_a: '{{ undefined }}'").fleet(names=["phone_mac"]).variables("p1") == {"phone_mac": "001565aabb01"}


def test_the_batch_honours_the_limit_and_keeps_inventory_order(site):
    fleet = site().fleet(batch=["p3", "pbx", "p1"])
    assert (fleet.hosts, fleet.batch, fleet.complete) == (["p1", "p2", "p3"], ["p1", "p3"], False)
    assert site().fleet(batch=["p3", "p2", "p1"]).complete


def test_failing_expressions_are_collected_with_host_variable_and_place(site, tmp_path):
    fleet = site(phones="phone_a: '{{ nope }}'\nphone_b:\n  - x: '{{ inner }}'\ninner: '{{ deeper.x }}'").fleet()
    result = {host: [str(problem) for problem in problems] for host, _variables, problems in fleet.stream(["p1", "p2"])}
    where = f"{tmp_path}/group_vars/phones.yml"
    assert result["p2"] == [f"p2: phone_a ({where}:1:10): 'nope' is undefined", f"p2: phone_b[0].x ({where}:4:8): 'deeper' is undefined"]
    assert "phone_a" not in fleet.variables("p1")


def vaulted(text: str, secret: VaultSecret = SECRET) -> str:
    """Return a text as a block of YAML that only the right secret opens."""
    if VaultSecretsContext.current(optional=True) is None:
        VaultSecretsContext.initialize(VaultSecretsContext([]))
    VaultSecretsContext.current().secrets[:] = [("default", SECRET)]
    cipher = VaultLib([("default", secret)]).encrypt(text, secret).decode()
    return "\n".join("    " + line for line in cipher.splitlines())


def test_a_vaulted_value_is_not_quoted_by_what_failed_with_it(site):
    block = vaulted("s3cret-of-the-vault")
    fleet = site(
        phones=f"phone_site: \"{{{{ lookup('file', hidden[0].x) }}}}\"\nhidden: [{{x: '{{{{ deeper }}}}'}}]\ndeeper: !vault |\n{block}\n"
    ).fleet()
    fleet.variables("p1")
    [problem] = fleet.problems
    assert "'********'" in problem.what
    assert "s3cret" not in str(problem)
    assert fleet.scrub("got 's3cret-of-the-vault'") == "got '********'"


def test_what_no_secret_opens_is_tried_once_for_all_hosts(site, monkeypatch):
    block = vaulted("s3cret", VaultSecret(b"another"))
    fleet = site(phones=f"phone_site: !vault |\n{block}\n").fleet()
    tried = []
    decrypt = VaultLib.decrypt
    monkeypatch.setattr(VaultLib, "decrypt", lambda self, *args, **kwargs: (tried.append(1), decrypt(self, *args, **kwargs))[1])
    for host in ("p1", "p2", "p3"):
        fleet.variables(host)
    assert [problem.where.partition(" (")[0] for problem in fleet.problems] == [f"{host}: phone_site" for host in ("p1", "p2", "p3")]
    assert {problem.what for problem in fleet.problems} == {fleet.problems[0].what}
    assert fleet.problems[0].what.startswith("cannot be decrypted: ")
    assert len(tried) == 1


def test_a_number_of_more_digits_than_python_writes_is_no_error(site):
    fleet = site(phones=f"phone_a: 0x{'f' * 5000}\nphone_b: '{{{{ 10 ** 5000 }}}}'\nphone_c: [0x{'f' * 5000}, '{{{{ x }}}}']\nx: 1").fleet()
    assert set(fleet.variables("p1")) >= {"phone_a", "phone_c"}
    fleet.input_digest("p1", KEY)
    assert fleet.unordered() == []
    assert any("phone_a" in str(problem) and "a huge number; quote it" in str(problem) for problem in fleet.problems)


def test_vaulted_scalars_come_out_as_text_and_are_decrypted_once(site):
    block = vaulted("s3cret {{ x }}")
    fleet = site(phones=f"phone_password: !vault |\n{block}\nphone_lines:\n  - password: '{{{{ phone_password }}}}'\n").fleet()
    variables = fleet.variables("p1")
    assert variables["phone_lines"] == [{"password": "s3cret {{ x }}"}]
    assert {type(variables["phone_password"])} == {str}
    digest = fleet.input_digest("p1", KEY)
    assert digest is not None
    assert digest == fleet.input_digest("p1", KEY)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("phone_a: 1", "phone_a: 1", True),
        ("phone_a: 1", "phone_a: 2", False),
        ("phone_a: 1", "phone_a: '1'", False),
        ("phone_a: '{{ x }}'\nx: 1", "phone_a: '{{ x }}'\nx: 2", False),
        ("phone_a: ['{{ x }}']\nx: '{{ y }}'\ny: 1", "phone_a: ['{{ x }}']\nx: '{{ y }}'\ny: 2", False),
        ("phone_a: '{{ x | default(1) }}'", "phone_a: '{{ x | default(1) }}'\nx: 1", False),
        ("phone_a: !unsafe '{{ x }}'\nx: 1", "phone_a: '{{ x }}'\nx: 1", False),
        ("phone_a: 1\nz: 1", "phone_a: 1\nz: 2", True),
        ("phone_a: 1\nphone_configs_keep_releases: 1", "phone_a: 1\nphone_configs_keep_releases: 2", True),
        ("phone_a: {x: 1, y: 2}", "phone_a: {y: 2, x: 1}", False),
        ("phone_a: \"{{ groups['phones'] | length }}\"", "phone_a: \"{{ groups['phones'] | length }}\"", True),
    ],
)
def test_a_digest_changes_with_anything_that_decides_the_values(site, before, after, same):
    one = site(phones=before).fleet().input_digest("p1", KEY)
    other = site(phones=after).fleet().input_digest("p1", KEY)
    assert one is not None
    assert (one == other) is same


@pytest.mark.parametrize(
    "text", ["{{ lookup('env', 'HOME') }}", "{{ now() }}", "{{ hostvars['pbx'].address }}", "{{ 9 | random }}", "{{ x }}"]
)
def test_no_digest_where_more_than_the_variables_decides(site, text):
    assert site(phones=f'phone_a: "{text}"\nx: "{{{{ [1] | shuffle }}}}"').fleet().input_digest("p1", KEY) is None


def test_a_digest_depends_on_key_and_host(site):
    fleet = site(site_a="phone_mac: x").fleet()
    assert len({fleet.input_digest("p1", KEY), fleet.input_digest("p1", b"other"), fleet.input_digest("p2", KEY)}) == 3


def test_groups_are_all_of_a_host_but_all(site):
    assert site().fleet().groups("p1") == ["phones", "site_a"]


def test_a_run_wide_setting_comes_out_templated(site):
    fleet = site(all="phone_configs_scope: 's{{ 1 + 1 }}'").fleet()
    task_vars = {**fleet._hostvars.raw_get("p1")}
    fleet = site(all="phone_configs_scope: 's{{ 1 + 1 }}'").fleet(**task_vars)
    assert fleet.role_variable("phone_configs_scope") == "s2"
    assert fleet.role_variable("phone_configs_other", 7) == 7


@pytest.mark.parametrize(
    ("group_vars", "message"),
    [
        ({"site_b": "phone_configs_scope: b"}, "phone_configs_scope: differs between the phones of this run (p1 and p3)"),
        (
            {"all": "phone_configs_scope: '{{ s }}'", "site_a": "s: 1", "site_b": "s: 2"},
            "phone_configs_scope: refers to s, which differs between the phones of this run (p1 and p3)",
        ),
    ],
)
def test_a_run_wide_setting_that_differs_between_groups_is_refused(site, group_vars, message):
    made = site(**group_vars)
    task_vars = dict(made.hostvars.raw_get("p1"))
    with pytest.raises(FleetError) as caught:
        made.fleet(**task_vars).role_variable("phone_configs_scope")
    assert str(caught.value).startswith(message)
    assert made.fleet(batch=["p1", "p2"], **task_vars).role_variable("phone_configs_scope") in (None, 1)


def test_a_run_wide_setting_of_a_single_host_is_reported_while_it_is_streamed(site):
    inventory = yaml.safe_load(yaml.safe_dump(INVENTORY))
    inventory["all"]["children"]["phones"]["children"]["site_a"]["hosts"]["p2"]["phone_configs_keep_releases"] = 9
    made = site(inventory, all="phone_configs_keep_releases: 3")
    fleet = made.fleet(**made.hostvars.raw_get("p1"))
    assert fleet.role_variable("phone_configs_keep_releases") == 3
    assert [(host, len(problems)) for host, _variables, problems in fleet.stream(fleet.batch)] == [("p1", 0), ("p2", 1), ("p3", 0)]


def test_settings_of_two_unordered_groups_are_reported_once_for_the_pair(site):
    inventory = yaml.safe_load(yaml.safe_dump(INVENTORY))
    inventory["all"]["children"]["phones"]["children"]["floor_1"] = {"hosts": {"p1": None, "p2": None}}
    fleet = site(
        inventory,
        site_a="phone_language: de\nphone_country: DE\nother: 1",
        floor_1="phone_language: fr\nphone_country: DE\nother: 2",
        site_b="phone_language: en",
        phones="phone_language: it",
    ).fleet()
    assert [problem.where for problem in fleet.unordered()] == ["groups floor_1 and site_a: phone_language"]


def test_a_priority_orders_two_groups(site):
    inventory = yaml.safe_load(yaml.safe_dump(INVENTORY))
    inventory["all"]["children"]["phones"]["children"]["floor_1"] = {"hosts": {"p1": None}, "vars": {"ansible_group_priority": 5}}
    assert site(inventory, site_a="phone_language: de", floor_1="phone_language: fr").fleet().unordered() == []


def test_untrusted_text_that_looks_like_an_expression_is_named(site):
    fleet = site(phones="phone_a: !unsafe '{{ x }}'\nphone_b: ['a', !unsafe '{% x %}']\nphone_c: '{{ 1 }}'\nphone_d: '{'").fleet()
    assert fleet.untrusted_templates("p1") == ["phone_a", "phone_b"]
    assert fleet.variables("p1")["phone_b"] == ["a", "{% x %}"]


@pytest.mark.parametrize(
    ("task_vars", "message"),
    [
        ({}, "the inventory is not visible"),
        ({"groups": {"all": []}, "hostvars": {}}, "no group 'phones'"),
        ({"groups": {"phones": []}, "hostvars": {}}, "has no hosts"),
    ],
)
def test_no_fleet_is_told_in_one_sentence(task_vars, message):
    with pytest.raises(FleetError, match=message):
        read_fleet(task_vars, Templar(variables={}))


@pytest.mark.parametrize("groups", [{}, {"phones": []}], ids=["no group", "no hosts"])
@pytest.mark.parametrize("word", [True, "yes", "true"])
def test_an_inventory_without_phones_is_taken_when_somebody_says_so_and_covers_nothing(groups, word):
    fleet = read_fleet({"groups": groups, "hostvars": {}, "decommission_last": word}, Templar(variables={}))
    assert (fleet.hosts, fleet.batch, fleet.complete) == ([], [], False)


def test_the_word_for_the_last_phone_has_to_be_one():
    with pytest.raises(FleetError, match="decommission_last: wanted yes or no"):
        read_fleet({"groups": {}, "hostvars": {}, "decommission_last": "perhaps"}, Templar(variables={}))


def test_the_documented_entry_gives_the_same_values(site):
    made = site(phones="phone_a: '{{ number }}'\nphone_b: [1, '{{ number }}']\nphone_c: '{{ nope }}'")

    class OnlyDocumented(dict):
        def __missing__(self, host):
            return made.hostvars[host]

    fleet = made.fleet(hostvars=OnlyDocumented())
    assert not hasattr(raw_variables(OnlyDocumented(), "p1"), "raw_get")
    assert fleet.variables("p1") == {"phone_mac": "001565aabb01", "phone_a": 12, "phone_b": [1, 12]}
    assert len(fleet.problems) == 1


def test_numbers_that_yaml_reads_as_others_are_told_with_their_spelling(site):
    fleet = site(
        phones="phone_lines: [{number: 0101}, {number: 101}, {number: '0101'}, {number: 1_000}]\nphone_vlan_id: 0x10\nphone_n: 1:30\nphone_z: 0\n"
        "phone_s: +5\nphone_t: -5\nphone_v: 099\nphone_b: 007\n_phone_x: 010\nphone_y: true"
    ).fleet()
    fleet.variables("p1")
    assert sorted(map(str, fleet.problems)) == [
        "p1: phone_b: is written 007, which YAML reads as 7; quote it",
        "p1: phone_lines[0].number: is written 0101, which YAML reads as 65; quote it",
        "p1: phone_lines[3].number: is written 1_000, which YAML reads as 1000; quote it",
        "p1: phone_n: is written 1:30, which YAML reads as 90; quote it",
        "p1: phone_vlan_id: is written 0x10, which YAML reads as 16; quote it",
    ]


def test_fractions_that_yaml_writes_differently_are_told_too_and_secrets_not_shown(site):
    fleet = site(
        phones="phone_parameters: {version: 1.10, same: 2.5, time: 1:30.5, text: '1.10', none: .nan}\nphone_x: 1_0.50\nphone_y: 1.0\n"
        "phone_lines: [{password: 0123456, number: 0_1}]\nphone_admin_password: 1_000"
    ).fleet()
    fleet.variables("p1")
    hidden = "is written in a way that YAML reads as another number; quote it"
    assert sorted(map(str, fleet.problems)) == [
        f"p1: phone_admin_password: {hidden}",
        "p1: phone_lines[0].number: is written 0_1, which YAML reads as 1; quote it",
        f"p1: phone_lines[0].password: {hidden}",
        f"p1: phone_parameters.none: {hidden}",
        f"p1: phone_parameters.time: {hidden}",
        f"p1: phone_parameters.version: {hidden}",
        "p1: phone_x: is written 1_0.50, which YAML reads as 10.5; quote it",
    ]


def test_a_mistyped_variable_of_a_role_is_told_and_never_skipped(site):
    fleet = site(
        all="phone_configs_prun: false\nphone_redirect_accounts: {}\nphone_redirect_account: x\nphone_configs_published: {changed: true}\n"
        "phone_configs_zzz: {failed: false}\nphone_resync_hosts: []\nphone_template_path: []"
    ).fleet()
    fleet.variables("p1")
    assert list(map(str, fleet.problems)) == ["p1: phone_configs_prun: unknown, did you mean phone_configs_prune?"]
    assert fleet.input_digest("p1", KEY) is None


def test_the_one_variable_of_phones_that_begins_as_those_of_a_role_is_a_near_miss_too():
    assert mistyped("phone_redirect_acount") == "unknown, did you mean phone_redirect_account or phone_redirect_accounts?"


def test_every_variable_of_the_roles_is_known():
    names = role_variables()
    assert {"phone_configs_prune", "phone_resync_rate", "phone_redirect_spent", "phone_redirect_accounts"} <= set(names)
    assert [name for name in names if mistyped(name)] == []
