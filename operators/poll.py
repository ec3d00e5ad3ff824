"""Poll result of an operator, with the reason as its message."""


def allowed(operator: type, reason: str) -> bool:
    """What the poll of an operator returns; ``reason``: why it can't run, "" when it can."""
    if reason:
        operator.poll_message_set(reason)
    return not reason
