"""The platform's statistics (datacube), day by day, ready at about 08:00 of the next day."""

from __future__ import annotations

from datetime import date

from wechat.client.caller import Caller, Objects, objects

# Days from begin to end, both counted, that one call covers. The six article statistics that are no longer maintained are left out.
LONGEST = {
    "getusersummary": 7,
    "getusercumulate": 7,
    "getupstreammsg": 7,
    "getupstreammsghour": 1,
    "getupstreammsgweek": 1,
    "getupstreammsgmonth": 1,
    "getupstreammsgdist": 15,
    "getupstreammsgdistweek": 15,
    "getupstreammsgdistmonth": 15,
    "getinterfacesummary": 30,
    "getinterfacesummaryhour": 1,
    "getarticleread": 1,
    "getarticleshare": 1,
    "getarticletotaldetail": 1,
    "getbizsummary": 30,
}


class Statistics:
    """Numbers about followers, messages, articles and our own answers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def fetch(self, name: str, begin: date, end: date) -> Objects:
        """The rows of one statistic in the platform's shape. Raises ValueError for an unknown name and for more days than it covers.

        `end` is yesterday at the latest (61501); 61503 means that the numbers are not ready: ask again in an hour.
        """
        longest = LONGEST.get(name)
        if longest is None:
            raise ValueError(f"no such statistic: {name}")
        if not 1 <= (end - begin).days + 1 <= longest:
            raise ValueError(f"{name} covers 1 to {longest} days at a time")
        payload = {"begin_date": begin.isoformat(), "end_date": end.isoformat()}
        return objects(await self._caller.post(f"/datacube/{name}", payload), "list")
