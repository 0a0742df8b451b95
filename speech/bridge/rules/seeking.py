"""Who the call's runner is: asked for, dialled in, greeted, lost, and asked for again. At most one at a time.

ask("join") --Assigned--> it dials --hello--> here --1006...--> ask("lost"): another within GRACE_MS, or AGENT_FAILED
     |                     |                   |
     |                     +- no dial: ask("no_dial")
     +- nobody: ask again                      +--1000--> its entrypoint returned, or raised. The SDK 0.5.0 dials
                                                          again only after an exception, 0.2 s and 0.4 s later,
                                                          three times in all: no dial within REDIAL_MS means that
                                                          the agent has ended the call.
"""

from collections.abc import Callable
from enum import Enum, auto

from speech.bridge.model.actions import (
    AskForBrain,
    CloseBridge,
    Note,
    PassOver,
    ServeBrain,
    Why,
)
from speech.bridge.model.events import (
    Assigned,
    BrainAnswer,
    BrainAnswered,
    NoRunner,
    NoSuchCall,
    RunnerClosed,
    RunnerDialled,
    Served,
    Unreachable,
    Wait,
)
from speech.bridge.rules.steps import Steps, Timer

HANDSHAKE_MS = 10_000
"""As long as the SDK itself waits for the handshake."""
REDIAL_MS = 1_000
"""The longest pause between the SDK's dials is 0.4 s; the rest is for the network."""
DIALS = 3
"""How often the SDK dials for one job, whatever the reason."""
AT_ONCE_MS = 1_000
"""An entrypoint that was over within this time, after two that raised, has raised too."""
GRACE_MS = 5_000
JOIN_MS = 60_000
"""The first runner has longer: the control plane has a limit of its own for it, and this one is for when that fails."""
ASK_AGAIN_MS = 1_000
PAUSES_MS = (0, 200, 400, 800, 1_600)
"""How long after each loss in a row another is asked for: an agent that fails for a second or two keeps its call. One
more is a broken agent, which would otherwise keep its call for ever."""
MOST_LOSSES_IN_A_ROW = len(PAUSES_MS) + 1
STEADY_MS = 30_000
"""A runner that stayed so long is none of them."""

CLEAN = (1000, 1001)
NORMAL, UNKNOWN_CALL, TAKEN = 1000, 4003, 4009


class Change(Enum):
    """What a runner's coming and going means for the conversation."""

    ARRIVED = auto()  # it dialled in, and has not said hello yet
    LOST = auto()  # it is gone without having ended the call, and another is asked for
    LEFT = auto()  # it is gone, and the call is the agent's no more
    FAILED = auto()  # there is no brain, and none is waited for any longer; whoever has not begun yet leaves silently
    CALL_GONE = auto()  # the control plane knows no such call any more


class Seeking:
    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._request = 0
        self._awaited = 0
        """The request whose answer counts; 0 where that of the latest would be about a runner that is lost."""
        self._why: Why = "join"
        self._expected_job: str | None = None
        self._passed_over: set[str] = set()
        self._latest = 0
        """The number of the latest job that is known of: those before it are void, also those that nobody told of
        because the runner before had refused."""
        self._closed_dials: dict[str, int] = {}
        self._losses = 0
        self._greeted_at: int | None = None
        self._was_useful = False
        self.bridge: int | None = None
        """The live socket, also before its hello."""
        self.job_id = ""

    @property
    def is_here(self) -> bool:
        """The handshake is done: frames may be sent."""
        return self.bridge is not None and self._greeted_at is not None

    # ------------------------------------------------------------ asking

    def begin(self, now_ms: int) -> None:
        self._steps.set(Timer.GRACE, now_ms + JOIN_MS)
        self._ask("join")

    def _ask(self, why: Why) -> None:
        self._steps.stop(Timer.DIAL, Timer.AGAIN)
        self._request += 1
        self._awaited = self._request
        self._why = why
        self._steps.do(AskForBrain(self._request, why))

    def answered(self, event: BrainAnswered, now_ms: int) -> Change | None:
        if event.request != self._awaited:
            return None
        return self._answered(event.answer, now_ms)

    def _answered(self, answer: BrainAnswer, now_ms: int) -> Change | None:
        match answer:
            case Assigned(job_id=job_id, dial_within_s=within_s):
                return self._expect(job_id, _ms(within_s), now_ms)
            case Served():
                self._steps.do(ServeBrain(answer))
                return self._expect("", HANDSHAKE_MS, now_ms)
            case Wait(wait_s=wait_s):
                if self.bridge is None:
                    self._steps.set(Timer.DIAL, now_ms + _ms(wait_s))
            case NoRunner(again_in_s=again_in_s):
                if self.bridge is None:
                    self._steps.set(Timer.AGAIN, now_ms + max(_ms(again_in_s), 100))
            case Unreachable(why=why):
                self._steps.do(Note("brain request unanswered", {"why": why}))
                if self.bridge is None:
                    self._steps.set(Timer.AGAIN, now_ms + ASK_AGAIN_MS)
            case NoSuchCall():
                return Change.CALL_GONE
        return None

    def _expect(self, job_id: str, within_ms: int, now_ms: int) -> Change | None:
        """The control plane's word counts: a runner that was passed over, and dialled in meanwhile, has to go."""
        if self._expected_job and self._expected_job != job_id:
            self._pass_over(self._expected_job)
        self._expected_job = job_id
        self._latest = max(self._latest, _number_of(job_id))
        if self.bridge is not None and self.job_id == job_id:
            return None
        self._steps.set(Timer.DIAL, now_ms + within_ms)
        if self.bridge is None:
            return None
        self._pass_over(self.job_id)
        self._steps.do(CloseBridge(self.bridge, NORMAL))
        self._gone()
        self._miss(now_ms)
        return Change.LOST

    def _pass_over(self, job_id: str) -> None:
        if job_id not in self._passed_over:
            self._passed_over.add(job_id)
            self._steps.do(PassOver(job_id))

    # ------------------------------------------------------------ coming and going

    def dialled(self, event: RunnerDialled, now_ms: int) -> Change | None:
        if self.bridge is not None:
            self._steps.do(CloseBridge(event.bridge, TAKEN))
            return None
        if event.job_id in self._passed_over or _number_of(event.job_id) < self._latest:
            self._steps.do(CloseBridge(event.bridge, UNKNOWN_CALL))
            return None
        self.bridge, self.job_id = event.bridge, event.job_id
        self._steps.stop(Timer.DIAL, Timer.AGAIN, Timer.REDIAL)
        self._steps.set(Timer.HELLO, now_ms + HANDSHAKE_MS)
        return Change.ARRIVED

    def greeted(self, now_ms: int) -> None:
        """The handshake is done."""
        self._greeted_at = now_ms
        self._was_useful = False
        self._steps.stop(Timer.HELLO, Timer.GRACE)

    def was_useful(self) -> None:
        """The runner said or did something in this bridge."""
        self._was_useful = True

    def closed(self, event: RunnerClosed, now_ms: int) -> Change | None:
        if event.bridge != self.bridge:
            return None
        stayed_ms = self._gone_after(now_ms)
        if event.code not in CLEAN or stayed_ms is None:
            return self.look_for_another(now_ms)
        return self._closed_cleanly(stayed_ms, now_ms)

    def _closed_cleanly(self, stayed_ms: int, now_ms: int) -> Change | None:
        """That another dial came is the only sign that the entrypoint before it raised. After the third none comes:
        that one has raised as well if it did nothing, or if it was over at once."""
        closed_dials = self._closed_dials.get(self.job_id, 0) + 1
        self._closed_dials[self.job_id] = closed_dials
        if closed_dials < DIALS:
            self._steps.set(Timer.REDIAL, now_ms + REDIAL_MS)
            return None
        if self._was_useful and stayed_ms >= AT_ONCE_MS:
            return Change.LEFT
        return self.look_for_another(now_ms)

    def left(self, event: RunnerClosed, now_ms: int) -> bool:
        """The same for a call that is ending, where nobody is missed. Whether it was the live one."""
        if event.bridge != self.bridge:
            return False
        self._gone_after(now_ms)
        return True

    def _gone_after(self, now_ms: int) -> int | None:
        """How long the runner has stayed since its hello, None where it said none."""
        stayed_ms = None if self._greeted_at is None else now_ms - self._greeted_at
        self._gone()
        if stayed_ms is not None and stayed_ms >= STEADY_MS:
            self._losses = 0
        return stayed_ms

    def _gone(self) -> None:
        self.bridge = self._greeted_at = None
        self._steps.stop(Timer.HELLO)

    def look_for_another(self, now_ms: int) -> Change:
        """The runner of this job is lost for good."""
        self._losses += 1
        self._pass_over(self.job_id)
        self._expected_job = None
        if self._losses >= MOST_LOSSES_IN_A_ROW:
            return Change.FAILED
        self._miss(now_ms)
        self._ask_in(PAUSES_MS[self._losses - 1], now_ms)
        return Change.LOST

    def _ask_in(self, pause_ms: int, now_ms: int) -> None:
        if not pause_ms:
            self._ask("lost")
            return
        self._awaited = 0
        self._why = "lost"
        self._steps.stop(Timer.DIAL)
        self._steps.set(Timer.AGAIN, now_ms + pause_ms)

    def _miss(self, now_ms: int) -> None:
        if not self._steps.is_set(Timer.GRACE):
            self._steps.set(Timer.GRACE, now_ms + GRACE_MS)

    # ------------------------------------------------------------ time

    def due(self, timer: Timer, now_ms: int) -> Change | None:
        """What follows when one of this side's timers has run out."""
        follows: dict[Timer, Callable[[int], Change | None]] = {
            Timer.DIAL: self._no_dial,
            Timer.AGAIN: self._nobody_yet,
            Timer.HELLO: self._no_hello,
            Timer.REDIAL: lambda _: Change.LEFT,
            Timer.GRACE: lambda _: Change.FAILED,
        }
        return follows[timer](now_ms)

    def _no_dial(self, _now_ms: int) -> None:
        self._ask("no_dial")

    def _nobody_yet(self, _now_ms: int) -> None:
        self._ask(self._why)

    def _no_hello(self, now_ms: int) -> Change:
        assert self.bridge is not None
        self._steps.do(CloseBridge(self.bridge, NORMAL))
        self._gone()
        return self.look_for_another(now_ms)

    def stop(self) -> None:
        """Nobody is sought any more."""
        self._steps.stop(Timer.DIAL, Timer.AGAIN, Timer.HELLO, Timer.REDIAL, Timer.GRACE)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _number_of(job_id: str) -> int:
    """How many jobs of this attempt were before it, and itself: `call_1.2.3` is the third. 0 for any other name."""
    number = job_id.rpartition(".")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0
