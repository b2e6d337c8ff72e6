# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's daemon: answers nginx whether a request for a one-time URL, a Digest login or an old generation's home may pass.

It reads what each phone may do from the published release, keeps claims in the claim store, and learns from nginx's log which phones have
arrived at home. It never sees a file of a phone, and nginx never sees the store.
"""
