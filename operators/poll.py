"""Poll results of operators, with the reason as their message, and the reasons that several share."""

import bpy


def allowed(operator: type, reason: str) -> bool:
    """Return value of an operator's poll; ``reason``: why it can't run, "" if it can."""
    if reason:
        operator.poll_message_set(reason)
    return not reason


def offline(otherwise: str) -> str:
    """Why the network cannot be used, "" if it can; ``otherwise``: what can be done without it."""
    allow = "Allow Online Access in the preferences (System, Network) first"
    return "" if bpy.app.online_access else f"{allow}, or {otherwise}"


def unchangeable(item) -> str:
    """Why the mesh of an object cannot be replaced now, "" if it can."""
    if item.library is not None or item.data.library is not None:
        return "The result is in a linked file"
    return "" if item.mode == "OBJECT" else "Leave Edit Mode first"
