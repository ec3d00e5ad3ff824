"""Poll result of an operator, with the reason as its message."""


def allowed(operator: type, reason: str) -> bool:
    """Return value of an operator's poll; ``reason``: why it can't run, "" if it can."""
    if reason:
        operator.poll_message_set(reason)
    return not reason
