"""Why a button is grey. Knows operators' classes; not what any of them does."""


def allowed(operator: type, reason: str) -> bool:
    """What the poll of an operator returns; ``reason``: why it can't run, "" when it can."""
    if reason:
        operator.poll_message_set(reason)
    return not reason
