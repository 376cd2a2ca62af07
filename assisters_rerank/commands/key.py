"""The key that a command needs: a missing one is reported before any work starts."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..options.service_options import ServiceOptions
from ..wire.destination import API_KEY_VARIABLE, KEYS_URL, NO_KEY


def check_key(options: ServiceOptions) -> None:
    """Raises `ConfigurationError` if the server needs a key and there is none."""
    try:
        options.resolve_api_key()
    except ConfigurationError as error:
        if str(error) != NO_KEY:
            raise  # there is one, and it cannot be a key
        raise ConfigurationError(
            f"No API key: set the variable {API_KEY_VARIABLE}, or add --local to score on this "
            f"machine. Keys: {KEYS_URL}"
        ) from None
