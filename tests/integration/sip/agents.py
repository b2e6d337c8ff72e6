# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real SIP programs on the loopback: phones played by sipp, and Kamailio as the registrar and proxy that they are registered with."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

HERE = "127.0.0.1"
DOMAIN = "pbx.example.com"
PASSWORD = "vK7-sip-qTz-Wm4x-5513"
_NONCE = "47ebe028cda119c35d4877b383027d28da013815"
_COPIED = "[last_Via:]\n[last_From:]\n[last_To:];tag=[call_number]\n[last_Call-ID:]\n[last_CSeq:]"


def _send(status: str, *headers: str) -> str:
    rows = "\n".join([f"SIP/2.0 {status}", _COPIED, *headers, "Content-Length: 0"])
    return f"<send><![CDATA[\n{rows}\n\n]]></send>"


_ASK = f'WWW-Authenticate: Digest realm="phone", nonce="{_NONCE}", qop="auth", algorithm=MD5'
# What a phone does with a NOTIFY.
PHONES = {
    "accepts": f'<recv request="NOTIFY"/>{_send("200 OK")}',
    "refuses": f'<recv request="NOTIFY"/>{_send("489 Bad Event")}',
    "is mute": '<recv request="NOTIFY"/>',
    "asks": f"""<recv request="NOTIFY"/>{_send("401 Unauthorized", _ASK)}
      <recv request="NOTIFY"><action><verifyauth assign_to="1" username="USER" password="{PASSWORD}"/></action></recv>
      <nop hide="true" test="1" next="right"/>{_send("401 Unauthorized", _ASK)}<nop next="end"/>
      <label id="right"/>{_send("200 OK")}<label id="end"/>""",
}
REGISTER = """<?xml version="1.0"?>
<scenario name="register">
  <send retrans="500"><![CDATA[
REGISTER sip:DOMAIN SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:USER@DOMAIN>;tag=[call_number]
To: <sip:USER@DOMAIN>
Call-ID: [call_id]
CSeq: NUMBER REGISTER
Contact: <sip:USER@[local_ip]:CONTACT>
Expires: 300
AUTHENTICATIONContent-Length: 0

]]></send>
  <recv response="WANTED" AUTH/>
"""


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind((HERE, 0))
        return free.getsockname()[1]


def until(what: object, seconds: float = 15) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"this did not come true within {seconds:g} s")
        time.sleep(0.05)


def udp_open(port: int) -> bool:
    """Return whether a program of this machine listens on a UDP port of the loopback."""
    return any(f":{port:04X} " in row for row in Path("/proc/net/udp").read_text().splitlines())


class Phone:
    """One phone played by sipp."""

    def __init__(self, folder: Path, user: str, behaviour: str = "accepts") -> None:
        self.user, self.port = user, free_port()
        self._folder = folder / f"phone-{user}-{self.port}"
        self._folder.mkdir()
        body = PHONES[behaviour].replace("USER", user)
        reference = '<Reference variables="1"/>' if "assign_to" in body else ""
        text = f'<?xml version="1.0"?>\n<scenario name="phone">{body}{reference}</scenario>\n'
        (self._folder / "phone.xml").write_text(text)

    @contextlib.contextmanager
    def running(self) -> Iterator[Phone]:
        log = self._folder / "messages"
        command = ["sipp", "-sf", "phone.xml", "-i", HERE, "-p", str(self.port), "-nostdin", "-trace_msg", "-message_file", str(log)]
        process = self._start(*command)
        try:
            until(lambda: udp_open(self.port))
            yield self
        finally:
            process.kill()
            process.wait()

    def register(self, port: int, domain: str = DOMAIN) -> None:
        """Register with the registrar at a port of the loopback, which asks for the password."""
        words = {"USER": self.user, "DOMAIN": domain, "CONTACT": str(self.port)}
        first = {**words, "NUMBER": "1", "AUTHENTICATION": "", "WANTED": "401", "AUTH": 'auth="true"'}
        login = f"[authentication username={self.user} password={PASSWORD}]\n"
        second = {**words, "NUMBER": "2", "AUTHENTICATION": login, "WANTED": "200", "AUTH": ""}
        head, step = REGISTER.split("  <send", 1)
        text = head
        for each in (first, second):
            part = "  <send" + step
            for word, value in each.items():
                part = re.sub(rf"\b{word}\b" if word != "AUTHENTICATION" else word, lambda _found, value=value: value, part)
            text += part
        (self._folder / "register.xml").write_text(text + "</scenario>\n")
        command = ["sipp", "-sf", "register.xml", "-i", HERE, "-m", "1", "-nostdin", "-timeout", "10s", f"{HERE}:{port}"]
        done = subprocess.run(command, cwd=self._folder, env={"TERM": "dumb", "PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()[-2000:] + done.stderr.decode()

    def heard(self) -> list[str]:
        """Return the notifications that arrived, retransmissions too."""
        log = self._folder / "messages"
        text = log.read_text(errors="replace") if log.exists() else ""
        return re.findall(r"^NOTIFY .*?\r?\n\r?\n[^-]*", text, re.DOTALL | re.MULTILINE)

    def events(self) -> list[str]:
        """Return the events that arrived."""
        return [re.search(r"(?im)^Event:\s*(.*?)\s*$", message)[1] for message in self.heard()]

    def _start(self, *command: str) -> subprocess.Popen:
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


KAMAILIO = """
children=1
log_stderror=yes
debug=1
listen=udp:{here}:{port}
listen=tcp:{here}:{port}
enable_tls=yes
listen=tls:{here}:{tls_port}
listen=tls:{here}:{old_tls_port}
tcp_connection_lifetime=60
mpath="{modules}"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("tls", "config", "{folder}/tls.cfg")
modparam("tm", "fr_timer", 1500)
modparam("usrloc", "db_mode", 0)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("$td", "{password}", "0")) {{ www_challenge("$td", "1"); exit; }}
        save("location");
        exit;
    }}
    if ($sp == {stranger}) {{ sl_send_reply("403", "Forbidden"); exit; }}
    if (!pv_proxy_authenticate("$fd", "{password}", "0")) {{ proxy_challenge("$fd", "1"); exit; }}
    consume_credentials();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""

# The second is how Kamailio comes when nobody says anything of versions; without the list its OpenSSL may not even be able to say that its version is too old.
TLS = """
[server:default]
method = TLSv1.2+
private_key = {folder}/proxy.key
certificate = {folder}/proxy.crt
[server:{here}:{old_tls_port}]
method = TLSv1
cipher_list = DEFAULT:@SECLEVEL=0
private_key = {folder}/proxy.key
certificate = {folder}/proxy.crt
"""


class Kamailio:
    """A registrar and proxy: phones register with their password, and whoever wants something relayed has to show one."""

    def __init__(self, folder: Path) -> None:
        self.port, self.tls_port, self.stranger = free_port(), free_port(socket.SOCK_STREAM), free_port()
        self.old_tls_port = free_port(socket.SOCK_STREAM)
        self.certificate = folder / "proxy.crt"
        request = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=proxy",
        ]
        names = ["-addext", f"subjectAltName=IP:{HERE}", "-keyout", str(folder / "proxy.key"), "-out", str(self.certificate)]
        subprocess.run([*request, *names], check=True, capture_output=True)
        modules = next(path.parent for path in Path("/usr/lib").glob("**/kamailio/modules/usrloc.so"))
        words = {"here": HERE, "port": self.port, "modules": modules, "password": PASSWORD, "stranger": self.stranger}
        words.update(tls_port=self.tls_port, old_tls_port=self.old_tls_port, folder=folder)
        (folder / "tls.cfg").write_text(TLS.format(**words))
        self._config = folder / "kamailio.cfg"
        self._config.write_text(KAMAILIO.format(**words))
        self._log = folder / "kamailio.log"

    @contextlib.contextmanager
    def running(self) -> Iterator[Kamailio]:
        with open(self._log, "wb") as log:
            command = ["/usr/sbin/kamailio", "-DD", "-E", "-f", str(self._config), "-Y", str(self._config.parent), "-m", "32"]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: udp_open(self.port) or process.poll() is not None)
            assert process.poll() is None, self._log.read_text()[-3000:]
            yield self
        finally:
            process.terminate()
            process.wait(timeout=20)
