"""One small tree of errors. Every message says what was wrong; `hint` says what to do about it.

`exit_status` is what the command line returns: 2 for what the user got wrong, 1 for what failed.
"""


class LimnerError(Exception):
    """The root: something failed that is not the user's fault."""

    exit_status = 1

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class UserError(LimnerError):
    """What the user asked for cannot be done as asked."""

    exit_status = 2


class NotFound(UserError):
    """An unknown take, concept, session, preset, method or version."""


class BadImage(UserError):
    """A file that is no usable picture."""


class BadName(UserError):
    """A name that cannot be stored safely, or is taken."""


class NeedsConsent(UserError):
    """A person is not learned before the user says that they have agreed."""


class LibraryError(LimnerError):
    """The library folder cannot be read or written."""


class Locked(LibraryError):
    """Another process is writing to this library."""


class ModelError(LimnerError):
    """A checkpoint is missing, broken or of the wrong kind, or a model failed while it ran."""


class PlannerError(LimnerError):
    """The language model that leads the dialogue failed."""


class Cancelled(LimnerError):
    """The user stopped it. Nothing half-made is kept."""
