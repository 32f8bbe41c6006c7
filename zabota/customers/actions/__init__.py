from zabota.customers.actions.domains import confirm_domain, release_domain
from zabota.customers.actions.identify import identify
from zabota.customers.actions.managing import set_manager
from zabota.customers.actions.returning import forget_returns, note_return

__all__ = [
    "confirm_domain",
    "forget_returns",
    "identify",
    "note_return",
    "release_domain",
    "set_manager",
]
