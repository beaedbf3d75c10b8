"""Mail: is the server there, does it take our login. No mail is sent."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiosmtplib

from peerpost_protocol.check import Check, failed, passed, skipped
from peerpost_relay.errors import ConfigurationError
from peerpost_relay.mail import Postman, reason
from peerpost_relay.mail_settings import CREDENTIALS_VARIABLE, MailSettings

REACH_SECONDS = 10.0


async def mail(settings: MailSettings, environment: Mapping[str, str]) -> Check:
    """Greet the SMTP server as for a mail, and leave."""
    if not settings.host:
        return skipped("mail", "this relay sends none")
    folder, file = environment.get(CREDENTIALS_VARIABLE), settings.password_file
    if file is not None and file.name == str(file) and not folder:
        return skipped("mail", "its password is a credential, which the unit alone sees")
    where = f"{settings.host}:{settings.port} ({settings.security})"
    try:
        postman = Postman.of(settings, Path(folder) if folder else None)
        assert postman is not None
        async with asyncio.timeout(REACH_SECONDS):
            await postman.greet()
    except ConfigurationError as error:
        return failed("mail", f"{error}.", "Mend that setting.")
    except aiosmtplib.SMTPAuthenticationError as error:
        return failed(
            "mail",
            f"{where} refuses the login: {reason(error)}.",
            "Mend username and password_file.",
        )
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        fix = "Check host, port and security of the section mail, and the network."
        return failed("mail", f"{where}: {reason(error)}.", fix)
    return passed("mail", f"{where} answers{' and takes the login' if settings.username else ''}")
