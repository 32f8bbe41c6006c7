from zabota.staff.actions.agents import change_agent, reset_second_factor, switch_off
from zabota.staff.actions.grants import invite_agent, set_grants
from zabota.staff.actions.settings import save_setting

__all__ = [
    "change_agent",
    "invite_agent",
    "reset_second_factor",
    "save_setting",
    "set_grants",
    "switch_off",
]
