"""Access tokens and the addresses pushes come from."""

from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World


def issue_plain(world: World, call: Call) -> Answer:
    """GET /cgi-bin/token: a new token each time."""
    _authenticate(world, call.query)
    value, seconds = world.tokens.plain(call.now)
    return {"access_token": value, "expires_in": seconds}


def issue_stable(world: World, call: Call) -> Answer:
    """POST /cgi-bin/stable_token: the same token until it is old or a new one is forced."""
    _authenticate(world, call.body)
    value, seconds = world.tokens.stable(call.now, force=call.body.get("force_refresh") is True)
    return {"access_token": value, "expires_in": seconds}


def callback_ips(world: World, call: Call) -> Answer:
    """GET /cgi-bin/getcallbackip: this machine."""
    return {"ip_list": ["127.0.0.1"]}


def _authenticate(world: World, given: object) -> None:
    """The app id is looked at before the grant type, as recorded answers show."""
    fields = given if isinstance(given, dict) else {}
    if not fields.get("appid"):
        raise Refused(41002)
    if fields["appid"] != world.options.app_id:
        raise Refused(40013)
    if fields.get("grant_type") != "client_credential":
        raise Refused(40002)
    if not fields.get("secret"):
        raise Refused(41004)
    if fields["secret"] != world.options.secret:
        raise Refused(40125)


TABLE: Table = {
    "/cgi-bin/token": Endpoint(issue_plain, "GET", daily=2000, needs_token=False),
    "/cgi-bin/stable_token": Endpoint(issue_stable, "POST", daily=500_000, needs_token=False),
    "/cgi-bin/getcallbackip": Endpoint(callback_ips, "GET"),
}
