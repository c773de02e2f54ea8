"""Mass messages: deliveries of a run that go to the platform together, in lists of up to 10,000 followers.

waiting deliveries → form [one transaction: followers locked, limits, charges] → the call → sent | again | give_back [under the fence]

list: sending → sent → finished | failed (MASSSENDJOBFINISH)
         │└→ refused (the platform proved that it took nothing: its deliveries wait again)
         └→ unknown (no answer, and too late to repeat under the same clientmsgid)
"""

from __future__ import annotations

from models.mass.forming import FEWEST, MOST, REPEATABLE, STRANGERS, MassList, Wanted, form, openids, size_of_next, take_over, wanted
from models.mass.report import receive, reconcile
from models.mass.settling import again, fail, give_back, give_up, in_a_minute, lose, refusals, sent
from models.mass.tables import LIST_STATES, mass_lists, mass_reports
from models.mass.told import Told, lists

__all__ = [
    "FEWEST",
    "LIST_STATES",
    "MOST",
    "REPEATABLE",
    "STRANGERS",
    "MassList",
    "Told",
    "Wanted",
    "again",
    "fail",
    "form",
    "give_back",
    "give_up",
    "in_a_minute",
    "lists",
    "lose",
    "mass_lists",
    "mass_reports",
    "openids",
    "receive",
    "reconcile",
    "refusals",
    "sent",
    "size_of_next",
    "take_over",
    "wanted",
]
