"""Encoding texts and titles under the names that components look for."""

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.components.vectors import encoded, title_name, with_encoded
from crossrec.testing.shop import make_shop


class Lengths:
    """An encoder whose vectors are the lengths of the texts."""

    def encode(self, catalog, run):
        return np.array([[len(text)] for text in catalog.texts], dtype=np.float32)


def test_texts_and_titles_under_their_names():
    shop = make_shop(vectors=False)
    dataset = with_encoded(shop, Lengths(), RunOptions(), "enc", title_name("enc"))
    assert set(dataset.vectors) == {"enc", "enc:title"}
    assert dataset.vectors["enc"][:, 0].tolist() == [len(text) for text in shop.catalog.texts]
    titles = dataset.vectors["enc:title"][:, 0].tolist()
    assert titles == [len(title) for title in shop.catalog.titles]
    assert not shop.vectors


def test_without_a_name_titles_are_not_encoded():
    shop = make_shop(vectors=False)
    assert [name for name, _ in encoded(shop.catalog, Lengths(), RunOptions(), "enc")] == ["enc"]
