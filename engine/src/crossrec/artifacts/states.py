"""The state of a component, looked at before it is stored."""

from __future__ import annotations

from typing import Any

from crossrec.artifacts.tensors import refuse_unstorable
from crossrec.components.state import State
from crossrec.errors import ArtifactError
from crossrec.jsonio import encode
from crossrec.plugins.state import one_line


def checked_state(component: Any) -> State:
    """Return the state of a component, which can be published.

    Raises
    ------
    ArtifactError
        Says what is wrong with it.
    """
    try:
        state = component.state()
        if not isinstance(state, State):
            raise TypeError(f"state() returned {type(state).__name__}, not State")
        refuse_unstorable(state.arrays)
        encode(dict(state.values), "its values")
    except ArtifactError:
        raise
    except (Exception, SystemExit) as error:
        raise ArtifactError(one_line(error)) from error
    return state
