"""The account's human agents, and which follower is talking to which of them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Agent:
    """One agent: `account` is name@account, `wechat` who sits there (nobody yet: empty)."""

    account: str
    nick: str
    number: int
    wechat: str = ""
    head_url: str = ""

    @property
    def online(self) -> bool:
        """Whether somebody sits there. Whoever is invited comes at once."""
        return bool(self.wechat)


@dataclass(frozen=True, slots=True)
class Session:
    """A follower's talk with an agent and when it began."""

    account: str
    began_at: float


class ServiceDesk:
    """Agents by account, sessions by openid."""

    def __init__(self) -> None:
        self.agents = {"kf2001@yizhan": Agent("kf2001@yizhan", "客服小驿", 1001, "xiaoyi")}
        self.sessions: dict[str, Session] = {}
        self.typing: dict[str, float] = {}
        """Until when a follower's phone says that somebody is typing."""

    def find(self, account: object) -> Agent | None:
        """The agent of this account."""
        return self.agents.get(account) if isinstance(account, str) else None

    def add(self, account: str, nick: str) -> Agent:
        """A new agent, not yet online."""
        number = max((agent.number for agent in self.agents.values()), default=1000) + 1
        self.agents[account] = Agent(account, nick, number)
        return self.agents[account]

    def dismiss(self, account: str) -> None:
        """The agent is gone, their sessions too."""
        del self.agents[account]
        self.sessions = {openid: session for openid, session in self.sessions.items() if session.account != account}

    def talks(self, account: str) -> dict[str, Session]:
        """The agent's sessions by openid."""
        return {openid: session for openid, session in self.sessions.items() if session.account == account}
