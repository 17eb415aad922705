"""The SDK's profile file (TEMPORAL_CONFIG_FILE), as far as settings need to know what stands in it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

# Of the settings, those that the SDK reads by these very names.
CONNECTION = (
    *("temporal_address", "temporal_namespace", "temporal_api_key", "temporal_config_file", "temporal_profile"),
    *("temporal_tls", "temporal_tls_server_name"),
    *("temporal_tls_server_ca_cert_path", "temporal_tls_server_ca_cert_data"),
    *("temporal_tls_client_cert_path", "temporal_tls_client_cert_data"),
    *("temporal_tls_client_key_path", "temporal_tls_client_key_data"),
)
_DEFAULT = "default"


def profile_addresses(given: Mapping[str, object]) -> dict[str, object]:
    """`temporal_address` and `temporal_namespace` of the profile that `given` names.

    Nothing where no file is named, or it can't be read: whoever connects says why.
    """
    named = given.get("temporal_config_file")
    try:
        read = tomllib.loads(Path(str(named)).read_text(encoding="utf-8")) if named else {}
        profile = read.get("profile", {}).get(str(given.get("temporal_profile") or _DEFAULT), {})
    except (OSError, ValueError):
        return {}
    return {f"temporal_{key}": profile[key] for key in ("address", "namespace") if key in profile}
