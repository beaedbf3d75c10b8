from pathlib import Path

import pytest

from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.configuration import configured
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc import Scope


def read(tmp_path: Path, text: str) -> tuple[AccessSettings, ...]:
    file = tmp_path / "peerpostd.toml"
    file.write_text(text)
    return configured(file, [], {"HOME": str(tmp_path)}).access


def test_a_table_says_who_may_do_what_and_where(tmp_path: Path) -> None:
    (table,) = read(
        tmp_path, '[[access]]\nuser = "deploy"\nscopes = ["send", "receive"]\nchannels = ["ops"]\n'
    )
    assert (table.user, table.channels) == ("deploy", ("ops",))
    assert table.scopes == (Scope.SEND, Scope.RECEIVE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('scopes = ["send"]', "give one of uid, user, gid, group"),
        ('uid = 7\ngroup = "x"\nscopes = ["send"]', "give one of uid, user, gid, group"),
        ('uid = 7\nscopes = ["admin"]\nchannels = ["ops"]', "admin is for the whole account"),
        ('uid = 7\nscopes = ["send"]\nchannels = []', "channels is empty"),
        ('uid = 7\nscopes = ["send"]\nchannels = ["deadbeef"]', "no whole id"),
        ('uid = 7\nscopes = ["send"]\nchannels = ["@"]', "no identity"),
        ('uid = 7\nscopes = ["sendd"]', "scopes"),
        ("uid = 7\nscopes = []", "scopes"),
        ("uid = 7", "scopes"),
        ('uid = -1\nscopes = ["send"]', "uid"),
        ('uid = 7\nscopes = ["send"]\nchanels = ["ops"]', "did you mean"),
    ],
)
def test_a_table_that_cannot_be_meant_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DaemonError) as caught:
        read(tmp_path, f"[[access]]\n{text}\n")
    assert said in caught.value.message
