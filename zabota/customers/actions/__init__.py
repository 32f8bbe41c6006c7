from zabota.customers.actions.changing import change_contact
from zabota.customers.actions.domains import confirm_domain, release_domain
from zabota.customers.actions.identify import identify
from zabota.customers.actions.managing import set_manager
from zabota.customers.actions.reaching import add_address, prefer, set_wishes
from zabota.customers.actions.returning import forget_returns, note_return

__all__ = [
    "add_address",
    "change_contact",
    "confirm_domain",
    "forget_returns",
    "identify",
    "note_return",
    "prefer",
    "release_domain",
    "set_manager",
    "set_wishes",
]
