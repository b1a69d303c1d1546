"""Downloaders for pooch: over HTTP, failing fast, or from a local mirror folder."""

from __future__ import annotations

import shutil
from pathlib import Path

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 15.0
_CHUNK_BYTES = 1 << 16
_SERVER_ERROR = 500


class SourceUnreachableError(Exception):
    """The source does not answer or does not have the file; trying again would be pointless.

    Deliberately neither a ValueError nor a requests exception: those are what pooch retries.
    """


class HTTPSource:
    """Fetch one file over HTTP(S); a pooch downloader.

    A connection that fails, a server that hangs and a file the server does not have raise
    `SourceUnreachableError` and are not tried again. A broken transfer and a server error pass
    through, and pooch retries them once.

    Parameters
    ----------
    url : str
        Address of the file.
    """

    retries = 1

    def __init__(self, url: str) -> None:
        self.location = url

    def _downloader(self):
        import pooch

        timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        return pooch.HTTPDownloader(chunk_size=_CHUNK_BYTES, timeout=timeout)

    def __call__(self, url: str, output_file: str, pooch) -> None:
        """Write the file to the temporary `output_file` that pooch names."""
        import requests

        try:
            self._downloader()(url, output_file, pooch)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise SourceUnreachableError(_short(error)) from error
        except requests.HTTPError as error:
            if error.response.status_code >= _SERVER_ERROR:
                raise
            status = f"{error.response.status_code} {error.response.reason}"
            raise SourceUnreachableError(f"the server answered {status}") from error
        Path(output_file).chmod(0o644)

    def holds_file(self) -> bool:
        """Whether the server answers at once and has the file (asks for the headers only)."""
        import requests

        try:
            return bool(self._downloader()(self.location, None, None, check_only=True))
        except requests.RequestException:
            return False


class MirrorSource:
    """Copy one file from a local folder; a pooch downloader that ignores the public address.

    Parameters
    ----------
    file : pathlib.Path
        The mirror's copy of the file.
    """

    retries = 0

    def __init__(self, file: Path) -> None:
        self.location = str(file)

    def __call__(self, url: str, output_file: str, pooch) -> None:
        """Copy the file to the temporary `output_file` that pooch names."""
        try:
            shutil.copyfile(self.location, output_file)
        except FileNotFoundError as error:
            raise SourceUnreachableError("the mirror does not have this file") from error
        Path(output_file).chmod(0o644)


def _short(error: Exception) -> str:
    """Say why a connection failed in a few words; urllib3's own text nests three errors."""
    import requests

    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return "the server does not answer (timed out)"
    return f"no connection to the server ({type(error).__name__})"
