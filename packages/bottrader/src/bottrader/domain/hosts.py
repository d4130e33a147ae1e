"""Which hosts are near: this machine and its private networks. What goes further passes through hands of others."""

from ipaddress import ip_address


def is_near(host: str) -> bool:
    """Tell whether `host` is this machine, a private address, or a name without a dot, as containers of one network
    have. An address of a socket's file is near; no host at all is not."""
    if host.startswith("/"):
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return bool(host) and "." not in host
