"""What a daemon loads to begin with: nothing that few ask for."""

import subprocess
import sys

SELDOM = ("h11", "segno", "PIL", "prometheus_client", "aiosmtplib")
_CODE = f"import sys, peerpost_daemon.process; print([n for n in {SELDOM} if n in sys.modules])"


def test_what_few_ask_for_is_loaded_when_they_do() -> None:
    ran = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, check=True, text=True)
    assert ran.stdout.strip() == "[]"
