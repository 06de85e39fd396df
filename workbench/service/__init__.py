"""Do we help whoever asks? How soon a service desk replies and solves, how often at once, and what
is done with those who are unhappy.
"""

from workbench.service.loop import closed_loop, unhappy_now
from workbench.service.quality import contacts_per_order, defects, first_contact, reopened
from workbench.service.times import first_reply, resolution

__all__ = [
    "closed_loop",
    "contacts_per_order",
    "defects",
    "first_contact",
    "first_reply",
    "reopened",
    "resolution",
    "unhappy_now",
]
