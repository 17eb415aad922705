"""Where a request comes from: kept as a blind index, for limits and the trail."""

import ipaddress

from fastapi import Request

from models.store.vault import Field, Vault

# A home has a whole /64 of the newer addresses.
_HOME_BITS = 64


def address_index(vault: Vault, request: Request) -> str:
    """Where the connection comes from; what headers claim about it counts for nothing."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return vault.index(Field.DETAIL, "address:")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        host = str(ipaddress.ip_network((address, _HOME_BITS), strict=False))
    return vault.index(Field.DETAIL, f"address:{host}")
