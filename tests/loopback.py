"""Clients that stay on this machine."""

import ssl

# Reading all certificate authorities takes 50 ms of every client, and no test speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
