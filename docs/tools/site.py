# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the site: the pages of this repository, and a reference of plugins and roles from their own documentation.

Pages keep their places relative to each other, so that their links hold in the repository and on the site. A link to a file that is no page leads to the
repository. Any warning ends the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
SITE = TOP / "build" / "site"
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]+)?(?=\))")

PICTURES = {".png", ".svg"}
PICTURE = re.compile(r'\b(?:src|srcset)="(?!https?:|data:)([^"?#\s]+)')

GUIDES = {
    "Guides": (
        "docs/first-phone",
        "docs/inventory",
        "docs/roles",
        "docs/onboarding",
        "docs/publishing",
        "docs/redirect",
        "docs/operating",
        "docs/secrets",
        "docs/resync",
        "docs/phonebooks",
        "docs/several-servers",
        "docs/gitops",
        "docs/migrating",
        "docs/migrating-tancredi",
        "SECURITY",
        "docs/troubleshooting",
    ),
    "For contributors": ("docs/architecture", "docs/add-a-vendor", "docs/add-a-service", "docs/lab", "CONTRIBUTING", "CHANGELOG"),
}
# Labels of Ansible's own manual that the reference names; asking the manual's index for them would need a network.
LABELS = {
    "action_plugins": ("Action plugins", "plugins/action.html"),
    "ansible_collections.ansible.builtin.copy_module": ("ansible.builtin.copy", "collections/ansible/builtin/copy_module.html"),
    "ansible_configuration_settings": ("Configuration settings", "reference_appendices/config.html"),
    "common_return_values": ("Common return values", "reference_appendices/common_return_values.html"),
}
CONF = """\
project = "dialtone.phones"
author = copyright = "The dialtone.phones contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "", "topbar_links": {}}
html_show_sphinx = False
html_use_smartypants = False
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
exclude_patterns = []
nitpicky = False
"""


def repository() -> str:
    return yaml.safe_load((TOP / "galaxy.yml").read_text(encoding="utf-8"))["repository"]


def pages() -> list[Path]:
    """Return the pages of the repository that belong to the site, relative to its top."""
    found = [
        *TOP.glob("*.md"),
        *(TOP / "docs").glob("*.md"),
        *(TOP / "roles").glob("*/README.md"),
        *(TOP / "inventories").glob("*/README.md"),
    ]
    return sorted(path.relative_to(TOP) for path in found)


def relink(text: str, page: Path, known: set[Path]) -> str:
    """Return the page with links to files that are not on the site led to the repository; a link to nowhere stays, for Sphinx to complain about."""

    def lead(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / found.group(1)))
        if target == Path("README.md"):
            return os.path.relpath("index.md", page.parent) + (found.group(2) or "")
        if target in known or target.suffix in PICTURES or not (TOP / target).exists():
            return found.group(0)
        return f"{repository()}/{'tree' if (TOP / target).is_dir() else 'blob'}/main/{target}"

    return LINK.sub(lead, text)


def tree(title: str, names: list[str]) -> str:
    return "\n".join(["```{toctree}", ":maxdepth: 1", f":caption: {title}", "", *names, "```", "", ""])


def index(known: set[Path]) -> str:
    """Return the first page: the README, and the way to everything else. Pages that no guide names come after those that are named."""
    named = {name for names in GUIDES.values() for name in names}
    present = {str(path.with_suffix("")) for path in known}
    rest = sorted(name for name in present if name.startswith("docs/") and name not in named)
    text = relink((TOP / "README.md").read_text(encoding="utf-8"), Path("README.md"), known) + "\n"
    for title, names in GUIDES.items():
        text += tree(title, [name for name in names if name in present] + (rest if title == "Guides" else []))
    roles = sorted(name for name in present if name.startswith("roles/"))
    return (
        text
        + tree("Roles", roles)
        + tree("Examples", sorted(name for name in present if name.startswith("inventories/")))
        + tree("Reference", ["reference/index"])
    )


def give_pictures(source: Path, site: Path) -> None:
    """Put pictures that pages name in HTML of their own where they look for them; Sphinx knows those of Markdown alone, and warns of no other."""
    for page in site.rglob("*.html"):
        for name in PICTURE.findall(page.read_text(encoding="utf-8")):
            wanted = page.parent / name
            if not wanted.exists():
                shutil.copy(source / page.parent.relative_to(site) / name, wanted)


def main() -> None:
    shutil.rmtree(SITE, ignore_errors=True)
    source = SITE / "source"
    known = set(pages()) - {Path("README.md")}
    for page in known:
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        (source / page).write_text(relink((TOP / page).read_text(encoding="utf-8"), page, known), encoding="utf-8")
    for picture in (TOP / "docs").iterdir():
        if picture.suffix in PICTURES:
            shutil.copy(picture, source / "docs")
    (source / "index.md").write_text(index(known), encoding="utf-8")
    (source / "conf.py").write_text(CONF, encoding="utf-8")
    reference = source / "reference"
    reference.mkdir()
    subprocess.run(
        [
            "antsibull-docs",
            "collection",
            "--use-current",
            "--squash-hierarchy",
            "--fail-on-error",
            "--dest-dir",
            str(reference),
            "dialtone.phones",
        ],
        check=True,
    )
    manual = "\n".join(
        f".. _{label}:\n\n{title}\n{'-' * len(title)}\n\nSee `Ansible's manual <https://docs.ansible.com/ansible/latest/{path}>`__.\n"
        for label, (title, path) in LABELS.items()
    )
    (reference / "ansible.rst").write_text(f":orphan:\n\nIn Ansible's manual\n===================\n\n{manual}", encoding="utf-8")
    subprocess.run(["sphinx-build", "-q", "-W", "--keep-going", "-j", "auto", "-b", "html", str(source), str(SITE / "html")], check=True)
    give_pictures(source, SITE / "html")
    print(f"the site is in {os.path.relpath(SITE / 'html')}, {len(list((SITE / 'html').rglob('*.html')))} pages")


if __name__ == "__main__":
    main()
