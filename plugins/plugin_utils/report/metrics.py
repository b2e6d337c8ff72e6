# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as metrics, for node_exporter's textfile collector. No metric has a label per phone, and labels that can grow are cut to the largest."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

MAX_VALUES = 100
REST = "(others)"
_REASONS = frozenset(
    {
        "spent",
        "locked",
        "unlocked",
        "retired",
        "other-address",
        "not-a-first-file",
        "address",
        "certificate",
        "plain-http",
        "method",
        "not-in-release",
        "wrong-pin",
        "pin",
    }
)
Samples = Iterable[tuple[Mapping[str, str], float]]


class Metric(NamedTuple):
    """A family: its name, kind, what it says, and its samples."""

    name: str
    kind: str
    text: str
    samples: Samples


def render(made: Mapping[str, Any]) -> str:
    """Return the report in Prometheus' text format."""
    lines = []
    for metric in families(made):
        samples = sorted((sorted(labels.items()), value) for labels, value in metric.samples)
        if samples:
            lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in samples:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            lines.append(f"{metric.name}{{{inner}}} {_number(value)}" if inner else f"{metric.name} {_number(value)}")
    return "\n".join(lines) + "\n"


def families(made: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield all metrics; docs/report.md lists them."""

    def one(name: str, text: str, value: float, kind: str = "gauge") -> Metric:
        return Metric(name, kind, text, [({}, value)])

    funnel = {entry["stage"]: entry["phones"] for entry in made["funnel"]}
    yield Metric("dialtone_report_info", "gauge", "Version of the report's schema.", [({"schema": str(made["schema_version"])}, 1)])
    yield one("dialtone_report_timestamp_seconds", "Since when the reported facts hold.", _seconds(made["generated_at"]))
    yield one("dialtone_report_complete", "Whether the report covers the whole inventory.", made["complete"])
    yield Metric("dialtone_phones", "gauge", "Phones of the inventory by model.", _cut(made["breakdown"]["model"], "listed", "model"))
    yield Metric(
        "dialtone_phones_reached",
        "gauge",
        "Phones that came at least to a stage: listed, redirected, claimed, provisioned, current.",
        [({"stage": stage}, count) for stage, count in funnel.items()],
    )
    yield Metric(
        "dialtone_phones_flagged",
        "gauge",
        "Phones that deserve a look, by reason.",
        [({"flag": flag}, count) for flag, count in made["flags"].items()],
    )
    for stage in ("listed", "current"):
        text = "Phones of the inventory by site." if stage == "listed" else "Phones on the current release by site."
        yield Metric(f"dialtone_site_phones_{stage}", "gauge", text, _cut(made["breakdown"]["site"], stage, "site"))
    yield Metric("dialtone_site_phones_silent", "gauge", "Silent phones by site.", _cut(made["breakdown"]["site"], "silent", "site"))
    yield Metric(
        "dialtone_claims", "gauge", "One-time URLs by state.", [({"state": state}, count) for state, count in made["claims"].items()]
    )
    yield Metric(
        "dialtone_claims_refused_total",
        "counter",
        "Refused requests at one-time URLs of known phones, by reason.",
        _refused(made["claims_refused"]),
    )
    yield one(
        "dialtone_claim_store_usable",
        "Whether there is a claim store and it is not closed after a restore.",
        not any(made["store"].values()),
    )
    yield Metric(
        "dialtone_registrations",
        "gauge",
        "Registrations at redirect services by account and state.",
        [({"account": row["account"], "state": state}, count) for row in made["registrations"] for state, count in row["states"].items()],
    )
    yield Metric(
        "dialtone_redirect_drift",
        "gauge",
        "Registrations that differ from what the inventory and the claim store say, by account.",
        [({"account": row["account"]}, row["drift"]) for row in made["registrations"]],
    )
    yield one("dialtone_unknown_phones", "MAC addresses that asked and are in no inventory.", len(made["unknown"]))
    yield one("dialtone_unknown_requests_total", "Requests that belong to no phone.", made["unknown_requests"]["total"], "counter")
    yield one("dialtone_left_behind", "Phones that left the inventory and that servers still know.", len(made["left_behind"]))
    yield one("dialtone_inventory_problems", "Phones of the inventory that could not be read.", len(made["problems"]))
    contacts = [_seconds(phone["last_contact"]["at"]) for phone in made["phones"] if phone["last_contact"]]
    if contacts:
        yield one("dialtone_last_contact_timestamp_seconds", "When any phone fetched its files last.", max(contacts))
    yield Metric(
        "dialtone_release_timestamp_seconds",
        "gauge",
        "When the current release was published.",
        [({"server": row["name"]}, _seconds(row["published_at"])) for row in made["servers"] if row["published_at"]],
    )
    yield Metric("dialtone_certificate_expiry_timestamp_seconds", "gauge", "When a certificate ends.", _certificates(made["servers"]))


def _certificates(servers: Iterable[Mapping[str, Any]]) -> Samples:
    """Return the first end among a file's certificates."""
    found: dict[tuple[str, str, str], float] = {}
    for server in servers:
        for row in server["certificates"]:
            if row["not_after"]:
                key = (server["name"], row["file"], row["use"])
                found[key] = min(found.get(key, float("inf")), _seconds(row["not_after"]))
    return [({"server": name, "file": file, "use": use}, end) for (name, file, use), end in found.items()]


def _cut(rows: Iterable[Mapping[str, Any]], field: str, label: str) -> Samples:
    """Return the counts of the largest, and of all others together."""
    ordered = list(rows)
    samples = [({label: row["name"]}, row[field]) for row in ordered[:MAX_VALUES]]
    if len(ordered) > MAX_VALUES:
        samples.append(({label: REST}, sum(row[field] for row in ordered[MAX_VALUES:])))
    return samples


def _refused(reasons: Mapping[str, int]) -> Samples:
    found: dict[str, int] = {"spent": 0}
    for reason, count in reasons.items():
        key = reason if reason in _REASONS else "other"
        found[key] = found.get(key, 0) + count
    return [({"reason": reason}, count) for reason, count in found.items()]


def _seconds(text: str | None) -> float:
    try:
        return datetime.datetime.fromisoformat((text or "").replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
