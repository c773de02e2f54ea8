"""The fake API, one file per area. Each has a TABLE of its paths; this one joins them."""

from simulator.call import Table
from simulator.endpoints import customer_service, followers, tags, template_messages, token

ALL: Table = {**token.TABLE, **template_messages.TABLE, **customer_service.TABLE, **followers.TABLE, **tags.TABLE}
