from zabota.customers.actions.domains import confirm_domain, release_domain
from zabota.customers.actions.identify import identify

__all__ = ["confirm_domain", "identify", "release_domain"]
