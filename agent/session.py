"""A conversation: sentences go in, events and turns come out, takes grow into a tree."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import Cancelled, LimnerError, NotFound, PlannerError, UserError
from ..memory.events import Event, Failed, JobChanged, Notice, Reply
from ..memory.values import Take
from ..tools import feedback
from ..tools.catalog import clean, tools_for
from ..tools.desk import Desk, check_method
from ..tools.dialogue import Comparison, compare_takes
from ..tools.words import listed
from .turn import Run, Turn, Unborn, answered, focus, logged, problem

if TYPE_CHECKING:
    from ..memory.sessions import SessionStore
    from .agent import Agent
    from .graph import Dialogue

LONGEST = 20_000
"""Characters of one sentence."""
Ref = int | str


class Session:
    """One conversation with the agent. Made by `Agent.session`; one turn at a time."""

    def __init__(self, agent: Agent, name: str, store: SessionStore | None) -> None:
        self.agent = agent
        self.name = name
        self.last: Turn | None = None
        """The newest finished turn."""
        self._store = store
        self._dialogue: Dialogue | None = None
        self._run: Run | None = None
        self._beside: list[Event] = []
        """Happened since the last turn: trainings that have changed."""
        self._lock = threading.Lock()

    @property
    def store(self) -> SessionStore:
        """What is kept of this session; it comes into being when something is to be kept."""
        if self._store is None:
            self._store = self.agent.library.session(self.name)
        return self._store

    # -- talking ----------------------------------------------------------------------------------

    def say(self, text: str, files: Sequence[str | Path] = (), *, method: str = "auto") -> Turn:
        """One turn, run to its end. `files` are attached pictures; `method` is forced unless "auto".

        Raises `UserError` for a sentence or picture that cannot be used, `Cancelled` after `cancel`, and
        `PlannerError`, `ModelError` or `LibraryError` for what fails. What is merely not possible is said in
        the reply (and stands in the turn's `problem`).
        """
        for _ in self.stream(text, files, method=method):
            pass
        if self.last is None:
            raise PlannerError("The turn ended without an answer.")
        return self.last

    def stream(self, text: str, files: Sequence[str | Path] = (), *, method: str = "auto") -> Iterator[Event]:
        """The events of one turn as they happen, a `Reply` with `done` at the end; then `last` is the turn.

        A turn that fails ends with `Failed` and raises what `say` raises. Closing the iterator cancels it.
        """
        return self._follow(self._begin(text, files, method))

    async def astream(
        self, text: str, files: Sequence[str | Path] = (), *, method: str = "auto"
    ) -> AsyncIterator[Event]:
        """`stream` for asyncio. Cancelling the task cancels the turn."""
        loop = asyncio.get_running_loop()
        run = await asyncio.to_thread(self._begin, text, files, method)
        events: asyncio.Queue[Event | None] = asyncio.Queue()

        def deliver(event: Event | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, event)

        try:
            self._start(run, deliver)
            while (event := await events.get()) is not None:
                run.events.append(event)
                yield event
            for event in await asyncio.to_thread(self._end, run):
                yield event
            if isinstance(run.error, LimnerError):
                raise run.error
        finally:
            await asyncio.shield(asyncio.to_thread(self._leave, run))

    def tell(self, events: Sequence[Event]) -> None:
        """Put in what happened beside the conversation: into the turn under way, else before the next one."""
        run = self._run
        if run is not None and run.thread is not None and not run.over:
            for event in events:
                run.put(event)
        else:
            news = {event.job["id"] for event in events if isinstance(event, JobChanged)}
            old = [e for e in self._beside if not (isinstance(e, JobChanged) and e.job["id"] in news)]
            self._beside = [*old, *events]

    def cancel(self) -> None:
        """Stop the turn under way, at whatever step, from any thread. Pictures already reported are kept."""
        run = self._run
        if run is not None and not run.over:
            run.cancel()

    def plan(
        self, text: str, files: Sequence[str | Path] = (), *, method: str = "auto"
    ) -> tuple[list[dict[str, Any]], str]:
        """What the planner would do with a sentence: its tool calls as {"tool", "args"}, and its words.

        Nothing is executed and nothing is changed.
        """
        from .graph import Dialogue

        desk = self._desk(self._store or Unborn(self.name), *self._check(text, files, method), method)
        answer = Dialogue(desk.session, self.agent.model, tools_for(desk.studio.methods())).plan(desk)
        calls: list[dict[str, Any]] = [{"tool": call["name"], "args": call["args"]} for call in answer.tool_calls]
        asked = [str(call["args"].get("question", "")) for call in calls if call["tool"] == "ask_user"]
        return calls, clean(answer.text) or " ".join(asked)

    # -- takes ------------------------------------------------------------------------------------

    def turns(self) -> list[dict[str, Any]]:
        """The log, oldest first: "text", "reply", "takes" (ids), "question", "options", "calls", "time"."""
        return self._store.turns() if self._store else []

    def takes(self) -> list[Take]:
        """All takes by number, without deleted ones."""
        return self._store.takes() if self._store else []

    def take(self, ref: Ref) -> Take:
        """A take by number, "#3" or id. Raises `NotFound`."""
        if self._store is None:
            raise NotFound(f"The session {self.name!r} has no take {ref}.")
        return self._store.take(ref)

    @property
    def asking(self) -> bool:
        """The newest turn ended with a question that waits for its answer."""
        return bool(self._store and self._store.state.get("pending"))

    @property
    def interrupted(self) -> tuple[str, tuple[Path, ...]] | None:
        """The sentence and pictures of a turn that ended with its process; `None` when there is none."""
        begun = self._store.state.get("begun") if self._store and self._run is None else None
        return (str(begun["text"]), tuple(map(Path, begun["files"]))) if begun else None

    def let_go(self) -> None:
        """Forget an interrupted turn: it is not to be said again."""
        if self._store is not None and self._store.state.get("begun"):
            self._store.put_state(begun=None)

    @property
    def head(self) -> Take | None:
        """The take that the user is at."""
        return self._store.head if self._store else None

    def undo(self, steps: int = 1) -> Take | None:
        """Go back along the history; returns where the user is now, `None` at the beginning."""
        return self._kept("undo").undo(steps)

    def redo(self, steps: int = 1) -> Take | None:
        """Take back an undo."""
        return self._kept("redo").redo(steps)

    def fork(self, ref: Ref) -> Take:
        """Go to a take; what comes next branches off there. Raises `NotFound`."""
        return self.store.fork(self.take(ref).id)

    def compare(self, first: Ref, second: Ref) -> Comparison:
        """Measure two takes against each other."""
        one, other = self.take(first), self.take(second)
        if one.id == other.id:
            raise UserError("Two different takes are needed to compare.")
        return compare_takes(self.agent.studio, one, other)

    def rate(self, ref: Ref, liked: bool) -> Take:
        """Keep the user's verdict on a take; thresholds and methods for its concepts follow it."""
        return feedback.rate(self.agent.library, self.store, self.take(ref), liked)

    def delete(self, ref: Ref) -> Take:
        """Delete a take; its number is never used again."""
        return self.store.delete(self.take(ref).id)

    def undelete(self, ref: Ref | None = None) -> Take:
        """Bring back a take that was deleted since the library was opened; `None`: the last one."""
        return self._kept("bring back").undelete(ref)

    def parent(self, take: Take) -> Take | None:
        """The take that this one was made from, or the nearest one before it that was not deleted."""
        return self.store.parent(take)

    def close(self) -> None:
        """Cancel what is under way and let go of the dialogue. The session can be used again."""
        self.cancel()
        if self._run is not None:
            self._run.wait()
        if self._dialogue is not None:
            self._dialogue.close()
            self._dialogue = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _kept(self, what: str) -> SessionStore:
        if self._store is None:
            raise UserError(f"There is nothing to {what}.")
        return self._store

    # -- one turn ---------------------------------------------------------------------------------

    def _check(self, text: str, files: Sequence[str | Path], method: str) -> tuple[str, tuple[Path, ...]]:
        """The sentence and the files as they can be used; raises before anything has happened."""
        from ..tools.images import check_picture

        if len(text) > LONGEST:
            raise UserError(f"The sentence has {len(text):,} characters; {LONGEST:,} are the most.", "Say it in short.")
        words = clean(text)
        if not words:
            raise UserError("There is nothing in this sentence.", 'Say what to draw: "Biscuit on the beach".')
        check_method(method, self.agent.studio.methods())
        paths = tuple(dict.fromkeys(Path(item).expanduser().absolute() for item in files))
        for path in paths:
            check_picture(path)
        return words, paths

    def _begin(self, text: str, files: Sequence[str | Path], method: str) -> Run:
        words, paths = self._check(text, files, method)
        _ = self.agent.model  # an unknown planner is said before anything is made
        paths = paths or self._waiting_files()
        if self.agent.sight is not None and self._store is not None:
            words = self.agent.sight.settle(self.agent.library, self._store, words)
        words, answer = answered(self._store, words)
        with self._lock:
            if self._run is not None and self._run.thread is not None and not self._run.over:
                raise UserError("This session is in the middle of a turn.", "Wait for its end, or cancel it.")
            desk = self._desk(self.store, words, paths, method)
            desk.answer = answer
            self.store.put_state(begun={"text": words, "files": [str(path) for path in paths]})
            self._run = run = Run(desk, self._work, self.agent.models)
        desk.cancelled = run.stop.is_set
        return run

    def _waiting_files(self) -> tuple[Path, ...]:
        """Pictures that came with the sentence whose question is still open: the answer speaks of them."""
        pending = self._store.state.get("pending") if self._store else None
        files = (Path(name) for name in (pending or {}).get("files") or [])
        return tuple(path for path in files if path.is_file())

    def _desk(self, store: Any, words: str, paths: tuple[Path, ...], method: str) -> Desk:
        agent = self.agent
        return Desk(agent.library, store, agent.studio, agent.preset, words, paths, method, jobs=agent.training)

    def _work(self, run: Run) -> None:
        """The turn itself, in its own thread."""
        run.desk.check()
        sight = self.agent.sight
        if sight is not None and (told := sight.told(self.agent.library, run.desk.text)):
            run.said.append(told)
            return
        if self._dialogue is None:
            from .graph import Dialogue

            self._dialogue = Dialogue(self.store, self.agent.model, tools_for(run.desk.studio.methods()), sight)
        self._dialogue.run(run)

    def _start(self, run: Run, deliver: Any) -> None:
        run.started = time.perf_counter()
        while self._beside:
            deliver(self._beside.pop(0))
        run.start(deliver)

    def _follow(self, run: Run) -> Iterator[Event]:
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        try:
            self._start(run, events.put)
            while (event := events.get()) is not None:
                run.events.append(event)
                yield event
            yield from self._end(run)
            if isinstance(run.error, LimnerError):
                raise run.error
        finally:
            self._leave(run)

    def _leave(self, run: Run) -> None:
        """Whoever read the turn has stopped reading: if it is not over, it is cancelled."""
        if not run.over:
            run.cancel()
            self._end(run)

    def _end(self, run: Run) -> list[Event]:
        """Settle a turn whose work has ended: keep it or drop it, and say so."""
        ended = run.wait()
        if self._dialogue is not None and not ended:
            self._dialogue.reset()
        error = run.error if ended else Cancelled("Stopped.")
        if error is not None and not isinstance(error, LimnerError):
            error = PlannerError(f"The turn failed: {type(error).__name__}: {error}")
        try:
            if error is not None or run.error is not None:
                self._spoil()
            last: list[Event] = []
            if isinstance(error, PlannerError) and run.desk.takes:  # the pictures are there; only words are missing
                last, error = [Notice(f"{error.text} {error.hint}".strip())], None
            reply = self._reply(run, error)
            if error is None or run.desk.takes:
                self._keep(run, reply)
        except LimnerError as fault:
            error = fault
            self._spoil()
        finally:
            run.over = True
            with suppress(LimnerError):
                self.let_go()
        run.error = error
        if error is not None:
            return [Failed(error.text, error.hint)]
        last.append(Reply(reply, done=True, usage=run.usage))
        run.events.extend(last)
        self.last = self._turn(run, reply)
        return last

    def _reply(self, run: Run, error: LimnerError | None) -> str:
        """The agent's words. Raises `PlannerError` when the planner had none and nothing was done."""
        numbers = [str(take.number) for take in run.desk.takes]
        made = f"take{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else ""
        if error is not None:
            return f"Stopped after {made}." if made else "Stopped."
        words = [clean(text) for text in run.said]
        if run.desk.question is not None and run.desk.question.text not in words:
            words.append(run.desk.question.text)
        if words := [text for text in words if text]:
            return "\n\n".join(words)
        if made:
            return f"Here {'are' if len(numbers) > 1 else 'is'} {made}."
        if not run.calls:
            raise PlannerError("The planner gave an empty answer.", "Say it in other words, or choose another one.")
        wrong = [call.answer for call in run.calls if not call.answer.get("ok")]
        return str(wrong[-1]["error"]) if wrong else "Done."

    def _keep(self, run: Run, reply: str) -> None:
        """Write the turn down, with what it left open. A broken turn is kept for the pictures it made."""
        if self._dialogue is not None:
            self._dialogue.remember(logged(run, reply))
        self._remember(run)

    def _turn(self, run: Run, reply: str) -> Turn:
        desk = run.desk
        takes = tuple(desk.session.take(take.id) for take in desk.takes)  # as rated or scored since
        seconds = time.perf_counter() - run.started
        return Turn(desk.text, reply, takes, desk.question, seconds, problem(run), tuple(run.events), run.usage)

    def _remember(self, run: Run) -> None:
        """What the next sentence may refer to: an open question, and whom "him" means."""
        desk, kept = run.desk, self.store.state
        pending = None
        if desk.question is not None:
            before = kept.get("pending") or {}
            again = before.get("question") == desk.question.text
            text = before["text"] if again else desk.text
            pending = {"question": desk.question.text, "options": list(desk.question.options), "text": text}
            if desk.gate:
                pending["gate"] = True
            if desk.files:
                pending["files"] = [str(path) for path in desk.files]
        news = {"pending": pending, "focus": focus(run) or kept.get("focus") or [], "begun": None}
        if any(kept.get(key) != value for key, value in news.items()):
            self.store.put_state(**news)

    def _spoil(self) -> None:
        """The dialogue's thread may end in the middle of a turn: it is not to be gone on with."""
        if self._dialogue is not None:
            self._dialogue.forget()
