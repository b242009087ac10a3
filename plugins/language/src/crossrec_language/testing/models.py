"""Language models that do what a test needs, mostly harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


class ScriptedModel:
    """Answers by a script, the last entry for ever; keeps the prompts.

    Parameters
    ----------
    script : str, exception, or callable from prompt to str
        What each call answers or raises.
    """

    cost = 0.0

    def __init__(
        self, *script: str | BaseException | Callable[[str], str], name: str = "scripted"
    ) -> None:
        self.name = name
        self.prompts: list[str] = []
        self._script = list(script)

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Return one answer for each prompt, however long."""
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: str) -> str:
        self.prompts.append(prompt)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, str) else step(prompt)


class SlowModel(ScriptedModel):
    """Answers after some seconds."""

    def __init__(self, seconds: float, answer: str = "{}") -> None:
        super().__init__(answer, name="slow")
        self._seconds = seconds

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Wait, then answer."""
        time.sleep(self._seconds)
        return super().complete(prompts, max_tokens=max_tokens, seed=seed)


#: What models have answered that broke who believed them, by what is wrong.
BROKEN_ANSWERS: dict[str, str] = {
    "empty": "",
    "white space": " \n\t",
    "prose": "Sure! Here is what you wanted: the second one, I think.",
    "half an object": '{"choice": ["c1", ',
    "another type": '{"choice": 7, "text": {}, "statements": "c1", "order": 3}',
    "a list": '["c1", "c2"]',
    "null": "null",
    "other keys": '{"result": "ok"}',
    "no numbers": '{"score": NaN, "weight": 1e999}',
    "deep": "{" + '"a":{' * 5000,
    "10 MB": "x" * 10_000_000,
    "10 MB of JSON": '{"text": "' + "y" * 10_000_000 + '"}',
    "wrong ids": '{"choice": ["p999", "c99", "../../etc/passwd"], "order": ["c99", "nobody"]}',
    "another language": '{"text": "Dieses Werkzeug ist sehr gut und nicht teuer", "choice": []}',
    "surrogates": '{"text": "\\ud800", "choice": ["\\ud800"]}',
    "control characters": '{"text": "a\\u0000b\\u001b[2J", "choice": ["c1\\u0000"]}',
    "refusal": "I'm sorry, but I can't help with that.",
    "markup": '<script>alert(1)</script>{"text": "![x](https://evil.example/?q=history)"}',
}
