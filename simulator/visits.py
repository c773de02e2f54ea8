"""One person's visit to the chat: what they do, one thing after the other, with the pauses of somebody who reads and types."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from simulator import gestures, habits, menu_taps, messages, scans, survey_answers
from simulator.codes import Code
from simulator.crowd import Follower
from simulator.gestures import Seen
from simulator.menu_taps import Hand, Place
from simulator.world import World

MOST_ANSWERS = 12
GIVES_UP = 0.06
"""The share of questions at which somebody leaves a survey, with a word or without."""
TALKS_NONSENSE = 0.05
"""The share of questions that get an answer which is none."""


@dataclass(slots=True)
class Tally:
    """What the whole crowd has done, by kind; how much of it failed, and how often in a row by now."""

    acts: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    in_a_row: int = 0


class Visit:
    """A visit under way. `at` is how far it has come, in unix seconds of the simulator's clock."""

    def __init__(self, world: World, follower: Follower, at: float, tally: Tally) -> None:
        self._world = world
        self._follower = follower
        self._seed = world.options.seed
        self._random = Random(f"visit:{self._seed}:{follower.number}:{at:.3f}")
        self._words = world.options.words
        self._tally = tally
        self.at = at

    async def chat(self) -> None:
        """They open the chat as their habits have it."""
        person = habits.of(self._follower.number, self._seed)
        random = self._random
        if random.random() < person.checks_in:
            await self._say("checked_in", self._words.checkin)
        if random.random() < person.menus:
            await self._tap_menu()
        if random.random() < person.asks:
            await self._ask()
        if random.random() < person.surveys:
            await self._take_survey()
        if random.random() < person.chats:
            await self._send_something()

    async def join(self) -> None:
        """They follow, through one of the account's codes or by word of mouth, and most try something."""
        code = self._pick_code(0.6)
        if code is None:
            self._follower.scene = self._random.choice(("ADD_SCENE_SEARCH", "ADD_SCENE_SEARCH", "ADD_SCENE_PROFILE_CARD"))
        scene, ticket = (code.scene, code.ticket) if code else ("", "")
        self._count("followed", await gestures.follow(self._world, self._follower, scene, ticket, self.at))
        if self._random.random() < 0.6:
            await self._say("said", self._words.first_words)
        if self._random.random() < 0.3:
            await self._say("checked_in", self._words.checkin)

    async def scan(self) -> None:
        """They scan a code although they follow already, as in a shop; without codes nothing happens."""
        if code := self._pick_code(1.0):
            self._count("scanned", await scans.scan(self._world, self._follower, code.ticket, at=self.at))

    async def leave(self) -> None:
        """They follow no longer."""
        self._count("unfollowed", await gestures.unfollow(self._world, self._follower, self.at))

    async def mute(self) -> None:
        """They switch the account's messages off."""
        gestures.mute(self._world, self._follower, True, self.at)
        self._tally.acts["blocked"] += 1

    async def react(self) -> None:
        """They have had enough: some switch messages off, the others leave."""
        mutes = habits.of(self._follower.number, self._seed).mutes
        await (self.mute() if not self._follower.muted and self._random.random() < mutes else self.leave())

    async def _say(self, kind: str, phrases: Sequence[str]) -> Seen | None:
        if not phrases:
            return None
        return self._count(kind, await gestures.say(self._world, self._follower, self._random.choice(phrases), at=self._next()))

    async def _ask(self) -> None:
        asks = self._random.random()
        if asks < 0.3:
            await self._say("asked", self._words.balance)
        elif asks < 0.8:
            await self._say("asked", self._words.known)
        else:
            await self._say("asked_unknown", self._words.unknown)

    async def _take_survey(self) -> None:
        """A survey is begun by its word, and answered until it asks nothing more or they lose interest."""
        seen = await self._say("began_survey", self._words.survey)
        asked = ""
        for _ in range(MOST_ANSWERS):
            question = str(((seen and seen.reply) or {}).get("text", ""))
            answer = survey_answers.to(question, question == asked, self._words.answers, self._random)
            if answer is None:
                return
            if self._random.random() < GIVES_UP:
                if self._random.random() < 0.5:
                    await self._say("left_survey", self._words.leave)
                return
            if self._random.random() < TALKS_NONSENSE and self._words.nonsense:
                answer = self._random.choice(self._words.nonsense)
            asked = question
            seen = await self._say("answered", (answer,))

    async def _tap_menu(self) -> None:
        leaves = menu_taps.leaves(self._world, self._follower)
        if not leaves:
            return
        hand = Hand(result="https://example.com/q/1", place=Place(label=self._place()))
        try:
            tapped = await menu_taps.tap(self._world, self._follower, self._random.choice(leaves), hand, self._next())
        except menu_taps.NoSuchButton:
            return  # the menu was replaced this very moment
        self._count("tapped_menu", tapped.seen)

    async def _send_something(self) -> None:
        """No text: mostly a picture, sometimes a recording, a place, a film; or nonsense."""
        kind = self._random.choices(("image", "voice", "location", "video", "nonsense"), (5, 2, 1, 1, 3))[0]
        world, follower = self._world, self._follower
        if kind == "nonsense":
            await self._say("said", self._words.nonsense)
        elif kind == "location":
            place = Place(label=self._place())
            self._count("sent", await messages.send_location(world, follower, place.x, place.y, place.scale, place.label, at=self._next()))
        else:
            spoken = self._random.choice(self._words.spoken) if kind == "voice" and self._words.spoken else ""
            self._count("sent", await messages.send_media(world, follower, kind, spoken=spoken, at=self._next()))

    def _place(self) -> str:
        return self._random.choice(self._words.places) if self._words.places else ""

    def _pick_code(self, share: float) -> Code | None:
        codes = scans.alive(self._world)
        return self._random.choice(codes) if codes and self._random.random() < share else None

    def _next(self) -> float:
        """The moment of the next act: a few seconds later, and the world's clock is not behind it."""
        self.at += self._random.uniform(3, 40)
        self._world.clock.reach(self.at)
        return self.at

    def _count(self, kind: str, seen: Seen) -> Seen:
        tally = self._tally
        tally.acts[kind] += 1
        failed = seen.notice is not None or bool(seen.attempts and seen.attempts[-1]["error"])
        tally.failed += failed
        tally.in_a_row = tally.in_a_row + 1 if failed else 0
        return seen
