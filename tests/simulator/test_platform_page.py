"""docs/platform.md against the code: no endpoint is missing there, and none is claimed that is not there."""

import pytest

from simulator.endpoints import ALL
from tests.simulator.coverage import table
from tests.simulator.test_service_client import called


def test_the_page_has_every_endpoint_of_the_simulator_with_its_quota() -> None:
    told = {path: row.simulator for path, row in table().items()}
    assert told == {path: f"✓ {endpoint.daily:,} a day" if endpoint.daily else "✓" for path, endpoint in ALL.items()}


def test_the_page_says_which_of_them_our_service_calls() -> None:
    assert {path for path, row in table().items() if row.service} == called()


@pytest.mark.parametrize("client", ["wechatpy", "WeRoBot", "node-easywechat", "co-wechat-api", "wechat-api"])
def test_every_client_the_page_names_was_served_somewhere(client: str) -> None:
    assert sum(client in row.clients for row in table().values()) > 20
