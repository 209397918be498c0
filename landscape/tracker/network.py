"""Is a server there at all? Asked before a client library waits long for one that is not."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request


def need_server(url: str, timeout: float) -> None:
    """Return when a server at ``url`` answers anything but a fault of its own, through the proxy if there is one.

    Args:
        url: base address.
        timeout: seconds.

    Raises:
        OSError: no connection, no answer in time, or a status of 500 and above.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout):
            pass
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # whom to trust is for the client library's settings to say
            raise
